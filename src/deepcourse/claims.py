"""Verified statements: a lesson says what it measured, and fails when that is no longer so.

Imports: the standard library only.
"""

import math
from numbers import Real


class ClaimError(AssertionError):
    """A claim that does not hold, or that holds for its baseline as well."""


def claim(subject, measured, *, baseline, at_most=None, at_least=None, unit=""):
    """Check that `measured` keeps within the bound, that every baseline does not, and say so.

    `measured` is a number, or one number a seed: then each must keep within the bound.
    `baseline` maps a name to the number (or numbers) that a model without the claimed quality
    gets: untrained, majority class, linear, random. A claim that its baseline satisfies too
    claims nothing, so it raises. `unit="%"` shows fractions as percentages.

    Prints one line; the part in brackets differs between machines, the rest must not:

    >>> claim("the test error", 0.0224, at_most=0.03, baseline={"majority class": 0.11}, unit="%")
    ✓ the test error is at most 3 % (measured 2.24 %; majority class: 11 %)

    Raises ClaimError, with all numbers, for a claim that is false or vacuous, and TypeError or
    ValueError for one that is not well put.
    """
    _require_well_put(subject, baseline, at_most, at_least)
    relation = "at most" if at_least is None else "at least"
    bound = at_most if at_least is None else at_least

    def holds(number):
        return number <= bound if at_least is None else number >= bound

    def shown(number):
        return _format(number, unit)

    values = _numbers(subject, measured)
    statement = f"{subject} is {relation} {shown(bound)}"
    false = [value for value in values if not holds(value)]
    if false:
        raise ClaimError(
            f"not true: {statement}; measured {', '.join(map(shown, values))}. "
            "Find out what changed before you change the bound."
        )
    notes = [f"measured {_range(values, shown)}"]
    for name, number in baseline.items():
        others = _numbers(f"{subject}, baseline {name}", number)
        if any(math.isnan(other) for other in others):
            raise ClaimError(
                f"the baseline {name!r} of {subject!r} is nan, so nothing is compared with"
            )
        if any(holds(other) for other in others):
            raise ClaimError(
                f"vacuous: {statement}, and so is the baseline {name!r} "
                f"({_range(others, shown)}). Tighten the bound until the baseline fails it."
            )
        notes.append(f"{name}: {_range(others, shown)}")
    print(f"✓ {statement} ({'; '.join(notes)})")


def _require_well_put(subject, baseline, at_most, at_least):
    if (at_most is None) == (at_least is None):
        raise TypeError(f"claim {subject!r}: give either at_most or at_least, and not both")
    if not isinstance(baseline, dict) or not baseline:
        raise TypeError(
            f"claim {subject!r}: baseline must name what to compare with and its value, for "
            f'example baseline={{"untrained": 0.9}}; came {baseline!r}'
        )
    if any(mark in name for name in [subject, *baseline] for mark in "();\n"):
        raise ValueError(
            f"claim {subject!r}: the subject and the baselines' names must not hold brackets, "
            f"semicolons or line breaks, which separate the parts of the line; came {[*baseline]}"
        )


def _numbers(subject, measured):
    """Return `measured` as a non-empty list of floats (nan stays: it keeps within no bound)."""
    if hasattr(measured, "tolist"):  # a numpy or torch scalar or array
        measured = measured.tolist()
    values = measured if isinstance(measured, list | tuple) else [measured]
    if not values or not all(isinstance(v, Real) and not isinstance(v, bool) for v in values):
        raise TypeError(
            f"claim {subject!r}: expected a number or a list of numbers, came {measured!r}"
        )
    return [float(value) for value in values]


def _range(values, shown):
    low, high = shown(min(values)), shown(max(values))
    if len(values) == 1 or low == high:
        return low
    return f"{low} to {high} over {len(values)} runs"


def _format(number, unit):
    """Format with three significant digits: 0.0224, 1,230, 3.1e-08."""
    if unit == "%":
        return f"{100 * number:.3g} %"
    integral = float(number).is_integer() and abs(number) < 1e7
    text = f"{int(number):,}" if integral else f"{number:.3g}"
    return f"{text} {unit}".rstrip()
