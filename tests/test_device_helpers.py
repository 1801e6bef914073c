"""What lessons import takes tensors of the second device, and answers as on the CPU."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch.nn.functional import mse_loss

import second_device
from deepcourse import checks, claims, data, keys, plot
from deepcourse.training import train

DEVICE = torch.device(second_device.NAME)


@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close("all")


def picture(axes):
    axes.figure.canvas.draw()
    return np.asarray(axes.figure.canvas.buffer_rgba())


def test_a_split_and_keys_move_with_all_their_parts():
    digits = data.load_digits()
    some = keys.make_keys(5, torch.Generator().manual_seed(0))
    for whole in (digits, some):
        moved = whole.to(DEVICE)
        for name, part in vars(moved).items():
            assert part.device.type == second_device.NAME, name
            assert torch.equal(part.cpu(), getattr(whole, name)), name
    moved = data.load_diabetes().to(DEVICE).standardized(targets=True)
    assert moved.X_train.device.type == second_device.NAME
    chosen = some.to(DEVICE)[some.to(DEVICE).has[:, 0]]
    assert chosen.X.tolist() == some[some.has[:, 0]].X.tolist()


def test_pictures_are_the_same_from_both_devices():
    X = torch.rand(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = (X[:, :1] > 0.5).double()
    drawn = [
        (
            picture(plot.plot_data(X[:, 0].to(device), y.to(device), plt.figure().gca())),
            picture(
                plot.plot_boundary(
                    lambda X: torch.sigmoid(5 * X[:, :1]),
                    X.to(device),
                    y.to(device),
                    plt.figure().gca(),
                )
            ),
        )
        for device in ("cpu", DEVICE)
    ]
    for here, there in zip(*drawn, strict=True):
        assert (here == there).all()


def test_training_takes_the_same_batches_on_both():
    X = torch.rand(20, 2, generator=torch.Generator().manual_seed(0))
    losses = []
    for device in ("cpu", DEVICE):
        torch.manual_seed(0)
        model = torch.nn.Linear(2, 2).to(device)
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        order = torch.Generator().manual_seed(1)
        args = (X.to(device), X.flip(1).to(device), mse_loss, sgd)
        losses.append(train(model, *args, 20, batch_size=4, generator=order))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_claims_and_checks_read_numbers_from_the_device(capsys):
    number = torch.tensor(0.5, dtype=torch.float64).to(DEVICE)
    claims.claim("a half", number, at_most=0.6, baseline={"one": 2 * number})
    checks.check_close("a half", number, 0.5)
    checks.check_shape("a half", number)
    checks.check_gradient("slope", 2 * number, lambda w: w**2, number)
    assert checks.check_runs(torch.neg, number).item() == -0.5
    assert capsys.readouterr().out.count("✓") == 5
