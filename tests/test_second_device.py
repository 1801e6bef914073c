"""The second device keeps CUDA's rules and gives the CPU's numbers."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import second_device

DEVICE = torch.device(second_device.NAME)


def draw(*shape):
    """Return the same random numbers on the CPU and on the device."""
    here = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return here, here.to(DEVICE)


SQUARE = {
    "sums and products": lambda X: (X @ X.T + X.sum(dim=0) * X.mean() - X[0]) / X.std(dim=0),
    "views": lambda X: X.T[1:].reshape(-1, 3).flip(0).roll(1, 0),
    "indices": lambda X: X[[2, 0]][:, torch.tensor([1, 1])],
    "masks": lambda X: X[X > 0],
    "choices": lambda X: torch.where(X > 0, X, torch.nan).nan_to_num(2.0),
    "orders": lambda X: X.sort(dim=1).values + X.argsort(dim=0) + X.topk(2).values[:, :1],
    "quantile": lambda X: X.quantile(0.3),
    "einsum": lambda X: torch.einsum("ij,kj->ik", X, X),
    "solve": lambda X: torch.linalg.solve(X.T @ X, X.T),
    "lstsq": lambda X: torch.linalg.lstsq(X[:, :2], X).solution,
    "eigvalsh": lambda X: torch.linalg.eigvalsh(X @ X.T),
    "cholesky_ex": lambda X: torch.linalg.cholesky_ex(X).info,
    "fft": lambda X: torch.fft.fft2(X).abs(),
    "cdist": lambda X: torch.cdist(X, X),
    "corrcoef": lambda X: torch.corrcoef(X),
    "vmap of grad": lambda X: torch.func.vmap(torch.func.grad(lambda x: (x**3).sum()))(X),
    "hessian": lambda X: torch.func.vmap(torch.func.hessian(lambda x: (x**3).prod()))(X),
    "jacobian": lambda X: torch.autograd.functional.jacobian(lambda x: x.sin() * x[0], X[0]),
    "autograd.grad": lambda X: gradient(X),
    "one_hot": lambda X: F.one_hot((X > 0).long().sum(dim=1), 4),
}


def gradient(X):
    X = X.clone().requires_grad_()
    return torch.autograd.grad((X.exp() @ X).sum(), X)[0]


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # in torch's own Hessian
@pytest.mark.parametrize("name", SQUARE)
def test_numbers_are_the_cpus(name):
    here, there = draw(3, 3)
    result = SQUARE[name](there)
    assert result.device.type == second_device.NAME
    torch.testing.assert_close(result.cpu(), SQUARE[name](here), rtol=0, atol=1e-12)


PICTURES = {
    "convolution, pooling, batch norm": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular"),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, stride=2, groups=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ),
    "unfolding": lambda: nn.Sequential(nn.Unfold(3), nn.Flatten(), nn.Linear(648, 3), nn.Tanh()),
}
OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "Adam, fused": lambda p: torch.optim.Adam(p, lr=0.01, fused=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", PICTURES)
def test_a_network_trains_to_the_same_weights_on_both(name, optimizer):
    torch.manual_seed(0)
    here = PICTURES[name]().double()
    there = copy.deepcopy(here).to(DEVICE)
    y = torch.tensor([0, 1, 2, 0])
    for model, X in zip((here, there), draw(4, 2, 8, 8), strict=True):
        steps = OPTIMIZERS[optimizer](model.parameters())
        for _ in range(3):
            steps.zero_grad()
            F.cross_entropy(model(X), y.to(X.device)).backward()
            steps.step()
    for key, value in there.state_dict().items():
        assert value.device.type == second_device.NAME
        torch.testing.assert_close(value.cpu(), here.state_dict()[key], rtol=0, atol=1e-14)


def test_lbfgs_finds_the_same_place_on_both():
    ends = []
    for X in draw(5, 2):
        w = torch.zeros(2, dtype=X.dtype, device=X.device, requires_grad=True)
        optimizer = torch.optim.LBFGS([w], max_iter=20, line_search_fn="strong_wolfe")

        def closure(w=w, X=X, optimizer=optimizer):
            optimizer.zero_grad()
            loss = ((X @ w - 1) ** 2).sum() + (w**4).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        ends.append(w.detach().cpu())
    torch.testing.assert_close(*ends, rtol=0, atol=1e-14)


def test_views_share_their_numbers_and_changes_in_place_reach_them():
    X = torch.zeros(3, 4).to(DEVICE)
    row, flat = X[1], X.view(12)
    row += 1
    flat[0] = 7
    X[2:] = torch.full((1, 4), 5.0)  # from the CPU, as CUDA allows
    X.unsqueeze_(0)
    assert X.shape == (1, 3, 4)
    assert X[0].tolist() == [[7, 0, 0, 0], [1, 1, 1, 1], [5, 5, 5, 5]]


def test_a_moved_module_keeps_its_parameters_and_a_copy_has_its_own():
    model = nn.Linear(2, 1)
    kept = list(model.parameters())
    model.to(DEVICE)
    assert all(a is b for a, b in zip(kept, model.parameters(), strict=True))
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.weight.zero_()
    assert isinstance(twin.weight, nn.Parameter)
    assert twin.weight.device.type == second_device.NAME
    assert model.weight.abs().sum().item() > 0
    model.load_state_dict({key: value.cpu() for key, value in twin.state_dict().items()})
    assert model.weight.abs().sum().item() == 0


SAME_DEVICE = "Expected all tensors to be on the same device"
INDEX = "indices should be either on cpu or on the same device as the indexed tensor"
REFUSED = {
    "a sum": (lambda X: X + torch.ones(3, 3), SAME_DEVICE),
    "a product": (lambda X: X @ torch.ones(3, 3), SAME_DEVICE),
    "a CPU tensor and the device's scalar": (lambda X: torch.ones(2) * X[0, 0], SAME_DEVICE),
    "joining": (lambda X: torch.cat([X, torch.ones(1, 3)]), SAME_DEVICE),
    "stacking scalars": (lambda X: torch.stack([X[0, 0], torch.tensor(1.0)]), SAME_DEVICE),
    "targets": (lambda X: F.cross_entropy(X.float(), torch.zeros(3).long()), SAME_DEVICE),
    "a module left behind": (lambda X: nn.Linear(3, 1).double()(X), SAME_DEVICE),
    "data left behind": (lambda X: nn.Linear(3, 1).to(X)(X.cpu()), SAME_DEVICE),
    "adding in place here": (lambda X: torch.tensor(1.0).add_(X[0, 0]), SAME_DEVICE),
    "writing there": (
        lambda X: X.index_put_((torch.tensor([0]),), torch.ones(3)),
        SAME_DEVICE,
    ),
    "an index from there": (lambda X: torch.ones(4)[(X[0] > 0).nonzero()], INDEX),
    "draws": (lambda X: X.uniform_(generator=torch.Generator()), "device type for generator"),
    "whole numbers' products": (lambda X: X.long() @ X.long(), "not implemented for integers"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cuda_refuses_is_refused(what):
    action, message = REFUSED[what]
    with pytest.raises(RuntimeError, match=message):
        action(draw(3, 3)[1])


@pytest.mark.parametrize(
    "convert", [lambda X: X.numpy(), np.asarray, lambda X: np.asarray([X[0, 0], X[0, 1]])]
)
def test_numpy_is_refused_in_cudas_words(convert):
    with pytest.raises(TypeError, match=r"can't convert twin:0 device type tensor to numpy\. Use"):
        convert(draw(3, 3)[1])


ALLOWED = {
    "indices from here": lambda X: X[torch.tensor([0, 1]), torch.tensor([1, 2])],
    "a mask from here": lambda X: X[torch.tensor([True, False, True])],
    "a scalar from here": lambda X: X * torch.tensor(2.0) + torch.tensor(1),
    "a scalar chosen": lambda X: torch.where(X > 0, torch.tensor(1.0, dtype=X.dtype), X),
    "copying from here": lambda X: X.clone().copy_(torch.ones(3, 3)),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_what_cuda_allows_is_allowed(what):
    here, there = draw(3, 3)
    assert ALLOWED[what](there).tolist() == ALLOWED[what](here).tolist()


def test_numbers_leave_the_device_as_on_cuda():
    here, there = draw(3, 3)
    assert there.tolist() == here.tolist()
    assert f"{there[0, 0]:.3f}" == f"{here[0, 0]:.3f}"
    assert float(there[0, 0]) == here[0, 0].item()
    assert [10, 20][torch.tensor(1).to(DEVICE)] == 20
    assert torch.tensor([there[0, 0], there[1, 1]]).tolist() == here.diagonal()[:2].tolist()
    assert repr(there[0]) == f"{repr(here[0])[:-1]}, device='twin:0')"
    assert (there.cpu().numpy() == here.numpy()).all()


def test_its_own_draws_are_seeded_and_are_not_the_cpus():
    torch.manual_seed(0)
    there, here = nn.Dropout(0.5)(torch.ones(50, device=DEVICE)), nn.Dropout(0.5)(torch.ones(50))
    torch.manual_seed(0)
    assert nn.Dropout(0.5)(torch.ones(50)).tolist() == here.tolist()
    assert nn.Dropout(0.5)(torch.ones(50, device=DEVICE)).tolist() == there.tolist()
    assert there.tolist() != here.tolist()
    assert set(there.tolist()) == {0, 2}


def test_each_operation_is_counted():
    before = second_device.OPS["aten::mm"]
    X = draw(3, 3)[1]
    X @ X
    draw(3, 3)[0] @ draw(3, 3)[0]
    assert second_device.OPS["aten::mm"] == before + 1


def test_a_generator_of_the_device_draws_there_and_one_of_the_cpu_does_not():
    draw = lambda seed: torch.randn(
        4, device=second_device.NAME, generator=torch.Generator(DEVICE).manual_seed(seed)
    ).cpu()
    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))
    assert not torch.equal(draw(3), torch.randn(4, generator=torch.Generator().manual_seed(3)))
    assert isinstance(torch.Generator(DEVICE), torch.Generator)
    assert isinstance(torch.Generator(), torch.Generator)
    with pytest.raises(RuntimeError, match="device type for generator but found 'cpu'"):
        torch.randn(4, device=second_device.NAME, generator=torch.Generator())


def test_autocast_is_let_in_and_changes_nothing():
    X = torch.ones(2, 2, device=DEVICE)
    with torch.autocast(second_device.NAME, torch.bfloat16):
        assert (X @ X).dtype == torch.float32
