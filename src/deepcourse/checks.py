"""Visible checks of the assignments: they say what was expected, what came, what to look at.

Values may be torch tensors, numpy arrays, lists or plain numbers. A check that passes prints one
line; one that fails raises CheckError. Imports: numpy and torch.
"""

import math
import traceback

import numpy as np
import torch

SINGLE_RTOL, SINGLE_ATOL = 1e-3, 1e-5  # a check of single-precision numbers is no sharper


class CheckError(AssertionError):
    """A check that fails; a notebook shows its message alone, without the way to it."""

    def _render_traceback_(self, *_):
        return [f"✗ {self}"]


def check_defined(scope, *names):
    """Check that all `names` stand in `scope`, which a notebook calls `globals()`.

    >>> check_defined({"slope": 2.0}, "slope")
    ✓ defined: slope
    """
    missing = [name for name in names if name not in scope]
    if missing:
        raise _error(
            f"not defined yet: {', '.join(missing)}",
            "run the answer cell first, and see that it gives a value to exactly these names",
        )
    for name in names:
        if scope[name] is None or scope[name] is Ellipsis:
            raise _error(f"{name} is still {scope[name]}", f"put your answer after `{name} =`")
    print(f"✓ defined: {', '.join(names)}")


def check_choice(name, value, choices):
    """Check that `value` is one of `choices`, not whether it is the right one.

    >>> check_choice("answer", "larger", ["smaller", "larger"])
    ✓ answer is one of the choices
    """
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        expected = ", ".join(map(repr, choices))
        raise _error(f"{name}: expected one of {expected}, came {value!r}", "copy a choice exactly")
    print(f"✓ {name} is one of the choices")


def check_runs(function, *args):
    """Call `function(*args)`, check that it returns something, and return that.

    Fails when the function is not written yet, raises an error, returns None, or changes one of
    the tensors or arrays that it was given.

    >>> check_runs(abs, -2)
    ✓ abs runs
    2
    """
    name = getattr(function, "__name__", "the function")
    before = [_copy(arg) for arg in args]
    try:
        value = function(*args)
    except NotImplementedError as error:
        raise _error(f"{name} is not written yet ({error})", "its answer cell") from error
    except Exception as error:
        raise _error(f"{name} raises {type(error).__name__}: {error}", _place(error)) from error
    if value is None:
        raise _error(f"{name} returns None", "did you forget `return`?")
    for number, (old, new) in enumerate(zip(before, args, strict=True), 1):
        if isinstance(old, torch.Tensor | np.ndarray) and not _same(old, new):
            raise _error(
                f"{name} changes its argument number {number}, which is not its own",
                "make a new value (`a = a - b`) instead of changing the old one (`a -= b`)",
            )
    print(f"✓ {name} runs")
    return value


def check_shape(name, value, **dims):
    """Check the shape of `value`; each keyword is an axis and its size (None fits any size).

    Without keywords `value` must be one number.

    >>> check_shape("H1", torch.ones(5, 4), batch=5, hidden=4)
    ✓ H1 has the shape (batch, hidden) = (5, 4)
    """
    came, expected = _array(name, value).shape, tuple(dims.values())
    shown = _tuple(dims) + " = " + _tuple(expected) if dims else "(), one number,"
    fits = [size is None or size == got for size, got in zip(expected, came, strict=False)]
    if len(came) != len(expected) or not all(fits):
        raise _error(
            f"{name}: expected the shape {shown} came {_tuple(came)}", _shape_cause(came, expected)
        )
    print(f"✓ {name} has the shape {shown}".rstrip(","))


def check_dtype(name, value, dtype):
    """Check that `value` is a torch tensor, or a numpy array, whose numbers are of `dtype`.

    >>> check_dtype("X", torch.ones(2), torch.float32)
    ✓ X holds torch.float32
    """
    _array(name, value)
    if isinstance(dtype, torch.dtype):
        kind, remedy = torch.Tensor, "torch.as_tensor(…) turns an array into a tensor"
    else:
        kind, remedy, dtype = np.ndarray, ".numpy() turns a tensor into an array", np.dtype(dtype)
    if not isinstance(value, kind):
        came = f"{type(value).__module__}.{type(value).__name__}"
        raise _error(f"{name}: expected a {kind.__module__}.{kind.__name__}, came {came}", remedy)
    if value.dtype != dtype:
        raise _error(
            f"{name}: expected numbers of type {dtype}, came {value.dtype}",
            "integers cannot hold fractions, and single precision holds 7 digits where double "
            "holds 16; .to(…) or .astype(…) converts",
        )
    print(f"✓ {name} holds {dtype}")


def check_close(name, value, expected, rtol=1e-5, atol=1e-8, sizes=None, hint=""):
    """Check that `value` has the shape and, up to rounding, the numbers of `expected`.

    `sizes` names numbers such as {"batch": 20} by which a sum and a mean differ; `hint` is shown
    after the usual cause, if any. For single precision the tolerances are at least 1e-3, 1e-5.

    >>> check_close("the sum", 0.1 + 0.2, 0.3)
    ✓ the sum: as expected
    """
    _require_close(name, value, expected, rtol, atol, sizes, hint)
    print(f"✓ {name}: as expected")


def check_gradient(name, value, loss, at, rtol=1e-4, atol=1e-7, sizes=None, hint=""):
    """Check that `value` is the gradient of the function `loss` at `at`, by wiggling each entry.

    `loss` takes a value like `at` (double precision, any shape) and returns one number. The
    slopes are central differences of step 1e-5.

    >>> check_gradient("the slope", 6.0, lambda w: w**2, 3.0)
    ✓ the slope: agrees with finite differences
    """
    came, place = _array(name, value), _array("at", at)
    if getattr(at, "dtype", torch.float64) not in (torch.float64, np.float64):
        raise TypeError(f"finite differences need double precision, `at` holds {at.dtype}")
    slopes = np.zeros_like(place)
    for index in np.ndindex(place.shape):
        ends = []
        for step in (1e-5, -1e-5):
            moved = place.copy()
            moved[index] += step
            end = _array("the loss", loss(_like(at, moved)))
            if end.size != 1:
                cause = "is a .mean() or .sum() missing?"
                raise _error(f"the loss: expected one number, came {_tuple(end.shape)}", cause)
            ends.append(end.item())
        slopes[index] = (ends[0] - ends[1]) / 2e-5
    _require_close(name, came, slopes, rtol, atol, sizes, hint)
    print(f"✓ {name}: agrees with finite differences")


def _error(what, *look_at):
    return CheckError("\n  Look at: ".join([what, *filter(None, look_at)]))


def _tuple(sizes):
    sizes = ["any" if size is None else str(size) for size in sizes]
    return "(" + ", ".join(sizes) + ("," if len(sizes) == 1 else "") + ")"


def _copy(arg):
    if isinstance(arg, torch.Tensor):
        return arg.detach().clone()
    return arg.copy() if isinstance(arg, np.ndarray) else arg


def _same(old, new):
    return np.array_equal(_array("old", old), _array("new", new), equal_nan=True)


def _like(at, moved):
    if isinstance(at, torch.Tensor):
        return torch.tensor(moved, device=at.device)
    return moved if isinstance(at, np.ndarray) else moved.item()


def _place(error):
    """Say in which line of the student's code, not of a library, the error arose."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if "-packages" not in frame.filename and frame.line]
    return f"the line `{own[-1].line}`" if own else ""


def _array(name, value):
    """Return `value` as a numpy array of doubles, or say why it is none."""
    if value is None:
        raise _error(f"{name} is None", "did the function that makes it forget `return`?")
    if value is Ellipsis or value is NotImplemented:
        raise _error(f"{name} is still {value!r}", "put your answer in its place")
    if isinstance(value, str):  # also "10", which numpy would read
        raise _error(f"{name}: expected numbers, came the text {value!r}", "leave the quotes out")
    if callable(value) and not isinstance(value, torch.Tensor):
        raise _error(f"{name} is a function, not its value", "call it, with brackets: f(…)")
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().double().numpy()
    try:
        return np.array(value, dtype=float)
    except (TypeError, ValueError):
        kind = type(value).__name__
        cause = "does it return several things, or rows of different lengths?"
        raise _error(f"{name}: expected numbers, came a {kind}", cause) from None


def _shape_cause(came, expected):
    if came == expected[::-1] and len(came) > 1:
        return "the sizes are right, in the other order: is a transpose (.T) missing or too much?"
    if len(came) == 2 and came[0] == came[1] and expected in ((came[0],), (came[0], 1)):
        n = came[0]
        return (
            f"({n},) and ({n}, 1) combined give a table of all pairs, ({n}, {n}): "
            "give both the same shape, for example with .reshape(-1, 1)"
        )
    if [size for size in came if size != 1] == [size for size in expected if size != 1]:
        return "the same numbers, but an axis of size 1 too many or too few: .reshape(…)"
    if not expected:
        return "is a .mean() or .sum() missing?"
    if not came:
        return "one number came: was the mean or sum taken over all axes instead of one?"
    if came in [expected[:axis] + expected[axis + 1 :] for axis in range(len(expected))]:
        return "an axis is lost: was it summed away, or indexed with one number?"
    return "follow the shapes line by line: in a product A @ B the inner sizes must agree"


def _require_close(name, value, expected, rtol, atol, sizes, hint):
    came, wanted = _array(name, value), _array("the expected value", expected)
    if torch.float32 in (getattr(value, "dtype", None), getattr(expected, "dtype", None)):
        rtol, atol = max(rtol, SINGLE_RTOL), max(atol, SINGLE_ATOL)
    if came.shape != wanted.shape:
        cause = _shape_cause(came.shape, wanted.shape)
        shapes = f"{_tuple(wanted.shape)}, came {_tuple(came.shape)}"
        raise _error(f"{name}: expected the shape {shapes}", cause)

    def close(numbers):
        return np.isclose(numbers, wanted, rtol, atol)

    wrong = np.argwhere(~close(came))
    if len(wrong) == 0:
        return
    count = f", {len(wrong)} of {came.size} numbers differ" if came.ndim else ""
    lines = [f"{name}: not as expected{count}"]
    for index in map(tuple, wrong[:3]):
        pair = [0.0 if abs(x[index]) <= atol else x[index] for x in (wanted, came)]
        at = f"at [{', '.join(map(str, index))}] " if index else ""
        lines.append(f"  {at}expected {pair[0]:.6g}, came {pair[1]:.6g}")
    cause = _cause(came, wanted, lambda numbers: close(numbers).all(), sizes or {})
    raise _error("\n".join(lines), cause, hint)


def _cause(came, wanted, close, sizes):
    """Name the usual mistake that turns `wanted` into `came`, or return ''."""
    if not np.isfinite(came).all():
        return "nan and inf come from log(0), 0/0, or exp of a large number"
    if not came.any():
        return "all zeros: is the result ever filled in, or multiplied by something that is 0?"
    if close(-came):
        return "the sign is flipped: the size of each number is right"
    if came.ndim == 2 and came.shape[0] == came.shape[1] and close(came.T):
        return "rows and columns are swapped: a transpose (.T) is missing or too much"
    factor = (came * wanted).sum() / max((wanted**2).sum(), 1e-300)
    if factor and close(came / factor):
        known = _known_factor(factor, sizes)
        if known or np.count_nonzero(wanted) > 1:
            return f"each number is {factor:.4g} times what was expected{known}"
    if came.size > 1 and close(came - (came - wanted).mean()):
        return f"each number is off by the same {(came - wanted).mean():+.4g}: a bias or a mean?"
    if came.size > 1 and close(np.sort(came, axis=None)[_ranks(wanted)]):
        return "the numbers are right but stand in another order"
    return ""


def _ranks(wanted):
    """Return the rank of each entry, in the shape of `wanted`."""
    return np.argsort(np.argsort(wanted, axis=None)).reshape(wanted.shape)


def _known_factor(factor, sizes):
    """Explain a factor that a usual mistake leaves: a 2, a mean for a sum, n - 1 for n."""
    known = {2: ": a 2 too many?", 0.5: ": does the derivative of a square lack its 2?"}
    for name, n in sizes.items():
        for two, text in ((1, ""), (2, ", and a 2 too many"), (0.5, ", and a 2 is missing")):
            known.setdefault(n * two, f": a sum where a mean over {name} = {n} is wanted{text}?")
            known.setdefault(two / n, f": divided by {name} = {n}, once too often{text}?")
        for power in (1, 0.5, -0.5, -1) if n > 1 else ():
            known.setdefault((n / (n - 1)) ** power, f": {name} - 1 for {name}, or the reverse?")
    near = [text for n, text in known.items() if math.isclose(abs(factor), n, rel_tol=1e-4)]
    return (near[0] if near else "") + (" And the sign is flipped." if near and factor < 0 else "")
