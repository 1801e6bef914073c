import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from deepcourse.training import train


def line_data(num_examples=20):
    X = torch.linspace(-1, 1, num_examples).reshape(-1, 1)
    return X, 3 * X - 1


def linear_model(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(1, 1)


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


class Recorder(nn.Module):
    """Answers with one parameter and remembers the inputs of each step."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, X):
        self.seen.append(X.reshape(-1))
        return X * self.weight


def test_it_finds_the_least_squares_solution():
    X, y = line_data()
    y = y + torch.sin(9 * X)
    model = linear_model()
    train(model, X, y, mse_loss, sgd(model, lr=0.5), num_steps=500)
    Phi = torch.cat([torch.ones_like(X), X], dim=1)
    theta = torch.linalg.lstsq(Phi, y).solution
    found = torch.stack([model.bias.detach(), model.weight.detach()[0]])
    torch.testing.assert_close(found, theta, atol=1e-5, rtol=1e-5)


def test_one_step_is_the_gradient_step_done_by_hand():
    X, y = line_data()
    model = linear_model()
    weight, bias = model.weight.item(), model.bias.item()
    error = X * weight + bias - y
    losses = train(model, X, y, mse_loss, sgd(model, lr=0.1), num_steps=1)
    assert losses == pytest.approx([(error**2).mean().item()], rel=1e-6)
    assert model.weight.item() == pytest.approx(
        weight - 0.1 * (2 * error * X).mean().item(), rel=1e-5
    )
    assert model.bias.item() == pytest.approx(bias - 0.1 * (2 * error).mean().item(), rel=1e-5)


def test_gradients_left_over_from_before_do_not_count():
    X, y = line_data()
    clean, dirty = linear_model(), linear_model()
    mse_loss(dirty(X), y).backward()
    train(clean, X, y, mse_loss, sgd(clean), num_steps=3)
    train(dirty, X, y, mse_loss, sgd(dirty), num_steps=3)
    assert torch.equal(clean.weight, dirty.weight)


def test_a_batch_visits_every_example_once_before_any_twice():
    X = torch.arange(6.0).reshape(6, 1)
    model = Recorder()
    train(model, X, X, mse_loss, sgd(model, lr=0.0), num_steps=6, batch_size=2)
    first, second = torch.cat(model.seen[:3]), torch.cat(model.seen[3:])
    assert sorted(first.tolist()) == sorted(second.tolist()) == [0, 1, 2, 3, 4, 5]
    assert not torch.equal(first, second)


def test_all_batches_are_of_the_size_asked_for():
    X, y = torch.ones(7, 1), torch.ones(7, 1)
    model = Recorder()
    train(model, X, y, mse_loss, sgd(model, lr=0.0), num_steps=5, batch_size=3)
    assert {len(batch) for batch in model.seen} == {3}


def test_examples_and_targets_stay_together_in_a_batch():
    X, y = line_data(50)
    model = linear_model()
    losses = train(model, X, y, mse_loss, sgd(model), num_steps=2000, batch_size=5)
    assert losses[-1] < 1e-6


def test_a_generator_makes_the_batches_repeatable_and_leaves_torchs_seed_alone():
    X, y = line_data()

    def run(seed):
        model = linear_model()
        torch.manual_seed(1)
        generator = torch.Generator().manual_seed(seed)
        losses = train(model, X, y, mse_loss, sgd(model), 10, 4, generator)
        return losses, torch.rand(1).item()

    torch.manual_seed(1)
    untouched = torch.rand(1).item()
    assert run(0) == run(0)
    assert run(0)[0] != run(1)[0]
    assert run(0)[1] == untouched


@pytest.mark.parametrize("training", [True, False])
def test_it_leaves_the_model_in_the_mode_it_came_in(training):
    X, y = line_data()
    model = nn.Sequential(linear_model(), nn.Dropout(0.5)).train(training)
    train(model, X, y, mse_loss, sgd(model), num_steps=2)
    assert model.training is training
    assert model[1].training is training


@pytest.mark.filterwarnings("error")
def test_a_diverging_run_stops_with_the_step_and_advice():
    X, y = line_data()
    model = linear_model()
    with pytest.raises(FloatingPointError, match=r"at step \d+ .*last loss.*learning rate"):
        train(model, X, y, mse_loss, sgd(model, lr=100.0), num_steps=1000)


def test_nan_in_the_data_stops_at_the_first_step_before_it_spoils_the_parameters():
    X, y = line_data()
    model = linear_model()
    weight = model.weight.item()
    with pytest.raises(FloatingPointError, match=r"nan at step 0 .*it was the first"):
        train(model, X * float("nan"), y, mse_loss, sgd(model), num_steps=5)
    assert model.weight.item() == weight


def test_examples_without_a_target_are_refused_with_both_shapes():
    X, y = line_data()
    model = linear_model()
    with pytest.raises(ValueError, match=r"\(20, 1\).*\(19, 1\)"):
        train(model, X, y[1:], mse_loss, sgd(model), num_steps=1)


@pytest.mark.parametrize("batch_size", [0, -1, 21])
def test_a_batch_size_that_does_not_fit_is_refused(batch_size):
    X, y = line_data()
    model = linear_model()
    with pytest.raises(ValueError, match="from 1 to 20"):
        train(model, X, y, mse_loss, sgd(model), num_steps=1, batch_size=batch_size)


def test_no_steps_give_no_losses_and_change_nothing():
    X, y = line_data()
    model = linear_model()
    weight = model.weight.item()
    assert train(model, X, y, mse_loss, sgd(model), num_steps=0) == []
    assert model.weight.item() == weight
