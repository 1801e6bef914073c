"""A claim raises when it is false, and when its baseline satisfies it too."""

import doctest
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from coursekit.claim_lines import parse_claim
from deepcourse import claims
from deepcourse.claims import ClaimError, claim


def test_the_docstring_shows_what_is_printed():
    assert doctest.testmod(claims).failed == 0


def test_a_true_claim_prints_a_line_that_the_claims_page_can_read(capsys):
    claim("the error", [0.021, 0.024], at_most=0.03, baseline={"a": 0.11, "b": 0.9}, unit="%")
    line = capsys.readouterr().out.strip()
    assert line == (
        "✓ the error is at most 3 % (measured 2.1 % to 2.4 % over 2 runs; a: 11 %; b: 90 %)"
    )
    claim_read = parse_claim(line)
    assert claim_read.bound == "3 %"
    assert claim_read.baselines == [("a", "11 %"), ("b", "90 %")]


def test_at_least_works_the_other_way_round(capsys):
    claim("the accuracy", np.float32(0.9), at_least=0.8, baseline={"chance": 0.5})
    assert "is at least 0.8 (measured 0.9; chance: 0.5)" in capsys.readouterr().out


@pytest.mark.parametrize("measured", [0.04, [0.01, 0.04], math.nan, [0.01, math.nan]])
def test_a_false_claim_raises_with_its_numbers(measured):
    with pytest.raises(ClaimError, match=r"not true: the error is at most 0.03; measured"):
        claim("the error", measured, at_most=0.03, baseline={"chance": 0.5})


@pytest.mark.parametrize("baseline", [0.02, [0.5, 0.02], 0.03])
def test_a_claim_that_its_baseline_satisfies_raises(baseline):
    with pytest.raises(ClaimError, match=r"vacuous: the error is at most 0.03"):
        claim("the error", 0.01, at_most=0.03, baseline={"majority": baseline})


def test_a_baseline_that_is_nan_compares_nothing_and_raises():
    with pytest.raises(ClaimError, match="is nan"):
        claim("the error", 0.01, at_most=0.03, baseline={"untrained": math.nan})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"baseline": {"a": 1}}, TypeError, "either at_most or at_least"),
        ({"at_most": 1, "at_least": 0, "baseline": {"a": 1}}, TypeError, "either at_most or"),
        ({"at_most": 1, "baseline": {}}, TypeError, "name what to compare with"),
        ({"at_most": 1, "baseline": 3}, TypeError, "came 3"),
        ({"at_most": 1, "baseline": {"a": "x"}}, TypeError, "expected a number"),
        ({"at_most": 1, "baseline": {"a (b)": 3}}, ValueError, "must not hold brackets"),
    ],
)
def test_a_claim_not_well_put_says_what_is_missing(arguments, error, message):
    with pytest.raises(error, match=message):
        claim("the error", 0.5, **arguments)


@pytest.mark.parametrize("measured", [[], "much", True, None])
def test_something_measured_that_is_no_number_is_refused(measured):
    with pytest.raises(TypeError, match="expected a number or a list of numbers"):
        claim("the error", measured, at_most=1, baseline={"a": 2})


def test_numbers_from_torch_and_numpy_are_numbers(capsys):
    claim("a", torch.tensor(1.0), at_most=2, baseline={"b": torch.tensor([3.0, 4.0])})
    claim("a", np.array([1, 2]), at_most=2, baseline={"b": np.int64(3)})
    assert capsys.readouterr().out.count("✓") == 2


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_claim_passes_exactly_when_the_bound_lies_between(measured, bound, baseline):
    def passes():
        try:
            claim("x", measured, at_most=bound, baseline={"b": baseline})
        except ClaimError:
            return False
        return True

    assert passes() == (measured <= bound < baseline)
