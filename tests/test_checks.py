"""A check passes what is right, and names the cause of the usual mistakes."""

import doctest
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcourse import checks
from deepcourse.checks import (
    CheckError,
    check_choice,
    check_close,
    check_defined,
    check_dtype,
    check_gradient,
    check_runs,
    check_shape,
)

A = np.array([[1.0, 2, 4], [7, 11, 16], [22, 29, 38]])


def doubles(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def message(check, *args, **kwargs):
    """Return what a check says that must fail."""
    with pytest.raises(CheckError) as caught:
        check(*args, **kwargs)
    return str(caught.value)


def test_the_docstrings_show_what_is_printed():
    result = doctest.testmod(checks)
    assert result.attempted == 7
    assert result.failed == 0


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (0.1 + 0.2, 0.3),
        (torch.tensor(A), A),
        (A, torch.tensor(A)),
        (torch.tensor(A, dtype=torch.float32, requires_grad=True), A * (1 + 1e-4)),
        ([1, 2], np.array([1.0, 2.0])),
        (torch.tensor([True, False]), [1, 0]),
    ],
)
def test_what_is_close_passes_with_one_line(came, expected, capsys):
    check_close("A", came, expected)
    assert capsys.readouterr().out == "✓ A: as expected\n"


CAUSES = {
    "nan": (A * math.nan, "nan and inf come from"),
    "infinite": (np.where(A > 20, np.inf, A), "nan and inf come from"),
    "zeros": (0 * A, "all zeros"),
    "sign": (-A, "the sign is flipped"),
    "transposed": (A.T, "rows and columns are swapped"),
    "doubled": (2 * A, "each number is 2 times what was expected: a 2 too many"),
    "halved": (A / 2, "each number is 0.5 times what was expected: does the derivative"),
    "sum": (20 * A, "a sum where a mean over batch = 20 is wanted?"),
    "sum and 2": (40 * A, "a sum where a mean over batch = 20 is wanted, and a 2 too many"),
    "mean": (A / 20, "divided by batch = 20, once too often?"),
    "n - 1": (A * 20 / 19, "batch - 1 for batch"),
    "deviation": (A * (19 / 20) ** 0.5, "batch - 1 for batch"),
    "sum, minus": (
        -20 * A,
        "a sum where a mean over batch = 20 is wanted? And the sign is flipped",
    ),
    "another factor": (3.5 * A, "each number is 3.5 times what was expected"),
    "a constant more": (A + 0.5, "off by the same +0.5"),
    "another order": (A[::-1], "stand in another order"),
    "unknown": (A**2, "mind the square"),
    "one entry": (np.where(A > 20, A + 1, A), "mind the square"),
}


@pytest.mark.parametrize(("came", "cause"), CAUSES.values(), ids=CAUSES)
@pytest.mark.parametrize("make", [np.array, torch.tensor], ids=["numpy", "torch"])
def test_the_cause_of_a_wrong_number_is_named(came, cause, make):
    said = message(
        check_close, "A", make(came.copy()), A, sizes={"batch": 20}, hint="mind the square"
    )
    looks = said.split("Look at: ")[1:]
    assert cause in looks[0]
    assert looks[-1] == "mind the square"
    assert len(looks) == (1 if cause == "mind the square" else 2)


def test_the_first_differing_numbers_are_shown():
    wrong = A.copy()
    wrong[1:, 1] = 0
    said = message(check_close, "A", wrong, A)
    assert said.splitlines() == [
        "A: not as expected, 2 of 9 numbers differ",
        "  at [1, 1] expected 11, came 0",
        "  at [2, 1] expected 29, came 0",
    ]
    assert message(check_close, "A", 4, 3) == "A: not as expected\n  expected 3, came 4"
    assert message(check_close, "A", 2 * A, A).count("expected") == 5


def test_a_zero_up_to_rounding_is_shown_as_zero():
    assert "at [0] expected 0, came 1" in message(check_close, "A", [1.0, 2], [3e-17, 2])


def test_one_number_is_no_proof_of_a_factor_unless_the_factor_is_a_usual_one():
    assert "times" not in message(check_close, "loss", 3.3, 1.0)
    assert "a 2 too many" in message(check_close, "loss", 2.0, 1.0)
    assert "sum where a mean" in message(check_close, "loss", 7.0, 1.0, sizes={"batch": 7})


def test_a_difference_in_double_precision_that_single_precision_hides_is_found():
    message(check_close, "A", A * 1.0001, A)
    check_close("A", torch.tensor(A * 1.0001, dtype=torch.float32), A)
    message(check_close, "A", torch.tensor(A * 1.01, dtype=torch.float32), A)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(-1e3, 1e3))
def test_check_close_passes_exactly_when_numpy_agrees(numbers, shift):
    came = np.array(numbers) + shift

    def passes():
        try:
            check_close("it", came, numbers)
        except CheckError:
            return False
        return True

    assert passes() == np.allclose(came, numbers, rtol=1e-5, atol=1e-8)


SHAPES = {
    "transposed": ((3, 5), {"batch": 5, "hidden": 3}, "in the other order"),
    "all pairs": ((5, 5), {"batch": 5, "outputs": 1}, "a table of all pairs, (5, 5)"),
    "all pairs, flat": ((5, 5), {"batch": 5}, "a table of all pairs, (5, 5)"),
    "flat": ((5,), {"batch": 5, "outputs": 1}, "an axis of size 1 too many or too few"),
    "no mean": ((5,), {}, "is a .mean() or .sum() missing?"),
    "mean of all": ((), {"features": 5}, "taken over all axes instead of one"),
    "axis lost": ((5,), {"batch": 4, "hidden": 5}, "an axis is lost"),
    "unknown": ((5, 2), {"batch": 4, "hidden": 5}, "the inner sizes must agree"),
}


@pytest.mark.parametrize(("shape", "dims", "cause"), SHAPES.values(), ids=SHAPES)
def test_the_cause_of_a_wrong_shape_is_named(shape, dims, cause):
    said = message(check_shape, "Z1", torch.zeros(shape), **dims)
    assert said.startswith("Z1: expected the shape (")
    assert f"came {shape}".replace(" ", "") in said.replace(" ", "")
    assert cause in said
    assert cause in message(check_close, "Z1", np.zeros(shape), np.ones(tuple(dims.values())))


def test_the_names_of_the_axes_are_shown_with_their_sizes(capsys):
    said = message(check_shape, "Z1", torch.zeros(3, 5), batch=None, hidden=3)
    assert "expected the shape (batch, hidden) = (any, 3) came (3, 5)" in said
    check_shape("Z1", torch.zeros(3, 5), batch=None, hidden=5)
    check_shape("loss", torch.tensor(2.0))
    check_shape("loss", 2.0)
    assert capsys.readouterr().out.splitlines() == [
        "✓ Z1 has the shape (batch, hidden) = (any, 5)",
        *["✓ loss has the shape (), one number"] * 2,
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "W1 is None.*forget `return`"),
        (..., "W1 is still Ellipsis"),
        (NotImplemented, "W1 is still NotImplemented"),
        (len, "W1 is a function.*call it"),
        ("text", "expected numbers, came the text 'text'"),
        ("10", "came the text '10'.*leave the quotes out"),
        ([[1, 2], [3]], "expected numbers, came a list.*different lengths"),
    ],
)
@pytest.mark.parametrize("check", [check_shape, lambda *a: check_close(*a, expected=[1.0])])
def test_what_is_no_number_is_explained(value, said, check):
    with pytest.raises(CheckError, match=f"(?s){said}"):
        check("W1", value)


def test_the_type_of_numbers_is_checked_for_both_libraries():
    check_dtype("X", torch.ones(2), torch.float32)
    check_dtype("X", np.ones(2), float)
    assert "expected a torch.Tensor, came numpy.ndarray" in message(
        check_dtype, "X", np.ones(2), torch.float64
    )
    assert "expected a numpy.ndarray, came torch.Tensor" in message(
        check_dtype, "X", torch.ones(2), np.float64
    )
    assert "expected numbers of type torch.float64, came torch.int64" in message(
        check_dtype, "X", torch.tensor([1]), torch.float64
    )


@pytest.mark.parametrize("make", [np.array, doubles, float], ids=["numpy", "torch", "float"])
def test_the_gradient_of_a_known_function_passes(make, capsys):
    at = make(1.5) if make is float else make([[1.5], [-0.5]])
    check_gradient("dw", 3 * at**2, lambda w: np.sum(w**3) if make is float else (w**3).sum(), at)
    assert capsys.readouterr().out == "✓ dw: agrees with finite differences\n"


def test_a_gradient_without_its_factor_is_named():
    at = torch.tensor([[1.5], [-0.5]], dtype=torch.float64)
    said = message(check_gradient, "dw", at, lambda w: (w**2).sum(), at)
    assert "0.5 times what was expected: does the derivative of a square lack its 2?" in said


@settings(deadline=None)  # the first call of autograd is slow
@given(st.lists(st.integers(-200, 200).map(lambda n: n / 100), min_size=1, max_size=4))
def test_the_slopes_are_those_that_torch_finds(numbers):
    def loss(w):
        return torch.sin(w).prod() + torch.exp(w).mean()

    at = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    (dw,) = torch.autograd.grad(loss(at), at)
    check_gradient("dw", dw, loss, at)
    message(check_gradient, "dw", dw + 0.01, loss, at)


def test_a_gradient_check_asks_for_one_number_and_for_double_precision():
    at = torch.ones(3, dtype=torch.float64)
    said = message(check_gradient, "dw", at, lambda w: w**2, at)
    assert "the loss: expected one number, came (3,)" in said
    with pytest.raises(TypeError, match="need double precision, `at` holds"):
        check_gradient("dw", at, lambda w: (w**2).sum(), at.float())


def test_a_gradient_check_leaves_the_place_as_it_was():
    at = np.array([1.0, 2.0])
    check_gradient("dw", 2 * at, lambda w: (w**2).sum(), at)
    assert at.tolist() == [1, 2]


def stub(X):
    raise NotImplementedError("Task 3: Any depth")


def broken(X):
    return X @ X


def forgetful(X):
    X.sum()


def greedy(X):
    X -= X.mean()
    return X


RUNS = {
    stub: "stub is not written yet (Task 3: Any depth)",
    forgetful: "forgetful returns None\n  Look at: did you forget `return`?",
    greedy: "greedy changes its argument number 1",
}


@pytest.mark.parametrize(("function", "said"), RUNS.items())
@pytest.mark.parametrize("make", [np.array, torch.tensor], ids=["numpy", "torch"])
def test_a_function_that_does_not_do_its_part_is_named(function, said, make):
    assert said in message(check_runs, function, make([[1.0, 2.0, 4.0]]))


def test_an_error_in_a_function_is_shown_with_its_line():
    said = message(check_runs, broken, torch.ones(2, 3))
    assert said.startswith("broken raises RuntimeError: mat1 and mat2 shapes")
    assert said.endswith("Look at: the line `return X @ X`")


def test_a_function_that_runs_gives_its_value(capsys):
    X = torch.tensor([math.nan, 2.0])
    assert check_runs(torch.numel, X) == 2
    assert capsys.readouterr().out == "✓ numel runs\n"


def test_names_that_are_missing_or_empty_are_listed():
    scope = {"slope": 1.0, "answer": None, "dots": ...}
    assert "not defined yet: bias, lr" in message(check_defined, scope, "slope", "bias", "lr")
    assert "answer is still None" in message(check_defined, scope, "answer")
    assert "dots is still Ellipsis" in message(check_defined, scope, "dots")


@pytest.mark.parametrize("value", ["Same", None, 4.0, True])
def test_an_answer_that_is_no_choice_is_refused(value):
    said = message(check_choice, "answer", value, ["same", 1, 4])
    assert f"expected one of 'same', 1, 4, came {value!r}" in said
    check_choice("answer", "same", ["same", 1, 4])


def test_a_notebook_shows_the_message_without_the_way_to_it(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.run_cell("from deepcourse.checks import *\ncheck_shape('H1', [1.0, 2.0], batch=3)")
    shown = capsys.readouterr().out
    assert "✗ H1: expected the shape (batch,) = (3,) came (2,)" in shown
    assert "Traceback" not in shown
    assert "checks.py" not in shown
