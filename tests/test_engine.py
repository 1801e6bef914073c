import numpy as np
import pytest
import torch

from deepcourse.engine import Value


def everything(a, b, log, exp, relu):
    rest = (1 - b) / a + 1 / (1 + exp(-a * b)) + 2 * a - 3 + b / 2
    return relu(a * b + a) * log(a * a + b**2) + rest


@pytest.mark.parametrize("seed", range(20))
def test_slopes_are_those_of_torch_also_where_a_number_is_used_again(seed):
    start = np.random.default_rng(seed).normal(size=2)
    a, b = map(Value, start)
    value = everything(a, b, Value.log, Value.exp, Value.relu)
    value.backward()

    a_t, b_t = torch.tensor(start).requires_grad_()
    expected = everything(a_t, b_t, torch.log, torch.exp, torch.relu)
    slopes = torch.autograd.grad(expected, (a_t, b_t))

    assert value.data == pytest.approx(expected.item(), rel=1e-12)
    assert [a.grad, b.grad] == pytest.approx([s.item() for s in slopes], rel=1e-10)


def test_a_second_backward_starts_from_zero():
    a = Value(3.0)
    for _ in range(2):
        (a * a).backward()
    assert a.grad == 6.0


def test_relu_has_slope_zero_at_zero():
    a = Value(0.0)
    a.relu().backward()
    assert a.grad == 0.0
