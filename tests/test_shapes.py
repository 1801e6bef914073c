"""Shape comments are executed wherever a value is made, and everywhere in deepcourse."""

import ast
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from deepcourse.shapes import Checker, ShapeCommentError


def run(source, **values):
    """Run `source` with its shape comments checked; return the checker."""
    checker = Checker()
    tree = checker.instrument(source, "lesson.py")
    exec(compile(tree, "lesson.py", "exec"), checker.namespace() | {"np": np} | values)
    return checker


X, W = np.ones((6, 3)), np.ones((3, 4))

TRUE = {
    "a name": "H = X @ W  # (batch, hidden)",
    "a tuple": "H, n = X @ W, X[0]  # (batch, hidden), (features,)",
    "an attribute": "class O: pass\no = O()\no.H = X  # (batch, features)",
    "an item": "d = {}\nd['H'] = X  # (batch, features)",
    "a slice of an array": "X[0:2] = 1  # (2, features)",
    "an update": "X += 1  # (batch, features)",
    "an annotation": "H: object = X  # (batch, features)",
    "a return": "def f(X):\n    return X  # (batch, features)\nf(X)",
    "a return of two": "def f(X):\n    return X, X.T  # (a, b), (b, a)\nf(X)",
    "a bare expression": "X.T  # (features, batch)",
    "a shape itself": "X.shape  # (batch, features)",
    "a loop": "for row in X:  # (features,)\n    row  # (features,)",
    "a loop over pairs": "for x, w in zip(X, X):  # (features,), (features,)\n    pass",
    "a scalar": "s = X.sum()  # ()",
    "a number": "n = 3.0  # ()",
    "a matrix product": "H = np.tanh(X @ W)  # (batch, features) @ (features, h) -> (batch, h)",
    "arithmetic": "X  # (batch, n)\ny = np.ones((2 * 3, 4))  # (2*n, n+1)",
    "anything": "X  # (_, features)\nX.T  # (features, _)",
    "several lines": "H = np.concatenate(\n    [X, X]\n)  # (batch, features)",
    "words after a dot": "H = X  # a comment. (see below)",
}


@pytest.mark.parametrize("source", TRUE.values(), ids=TRUE)
def test_a_true_comment_holds(source):
    checker = run(source, X=X.copy(), W=W)
    assert not checker.unexecuted()


def test_torch_tensors_are_checked_too():
    with pytest.raises(ShapeCommentError, match=r"has shape \(2, 3\)"):
        run("T = torch.ones(2, 3)  # (batch, features, 1)", torch=torch)


FALSE = {
    "a name": ("H = X @ W  # (batch, 5)", r"lesson.py:1: .* value has shape \(6, 4\)"),
    "another size": ("X  # (a, b)\nX.T  # (a, b)", r"lesson.py:2: .*\(3, 6\); so far a=6, b=3"),
    "too few dimensions": ("X  # (batch,)", "value has shape"),
    "a tuple's second part": ("a, b = X, X  # (_, _), (_,)", "value has shape"),
    "too few values": ("a, b = X, X  # (_, _), (_, _), (_, _)", "gives 3 shapes"),
    "an item": ("d = {}\nd['H'] = X  # (features,)", "lesson.py:2"),
    "an update": ("X += 1  # (features,)", "value has shape"),
    "a return": ("def f(X):\n    return X  # (batch,)\nf(X)", "lesson.py:2"),
    "an operand": ("X @ W  # (batch, 4) @ (4, h) -> (batch, h)", r"shape \(6, 3\)"),
    "the other operand": ("X @ W  # (b, f) @ (b, h) -> (b, h)", r"shape \(3, 4\); so far b=6"),
    "a loop": ("for x in X:  # (batch, features)\n    pass", r"shape \(3,\)"),
    "a list": ("x = [1, 2]  # (2,)", "a list has no shape"),
    "an unknown name in a sum": ("X  # (batch, n+1)", "'n' is not defined"),
}


@pytest.mark.parametrize(("source", "message"), FALSE.values(), ids=FALSE)
def test_a_false_comment_fails(source, message):
    with pytest.raises(ShapeCommentError, match=message):
        run(source, X=X.copy(), W=W)


@pytest.mark.parametrize(
    "source",
    [
        "x = 1  # (see below)",
        "x = 1  # (batch)",
        "x = 1  # (a, b) -> (a,)",
        "import os  # (batch,)",
        "def f(x):  # (batch,)\n    pass",
        "x = np.add(\n    1,  # (batch,)\n    2)",
        "x = 1 + 1  # (a, b) @ (b, c) -> (a, c)",
        "x = 1  # (0.5,)",
    ],
)
def test_a_comment_that_cannot_be_checked_is_an_error(source):
    with pytest.raises(ShapeCommentError, match=r"lesson.py:\d"):
        run(source)


def test_batch_is_free_from_line_to_line_but_not_within_one():
    run("X  # (batch, f)\nX[:2]  # (batch, f)", X=X)
    with pytest.raises(ShapeCommentError):
        run("X  # (batch, batch)", X=X)


def test_names_bind_anew_in_each_call():
    run("def f(X):\n    return X  # (n, m)\nf(X)\nf(X.T)", X=X)
    with pytest.raises(ShapeCommentError):
        run("def f(X):\n    X  # (n, m)\n    return X.T  # (n, m)\nf(X)", X=X)


def test_a_comment_that_no_run_reaches_is_listed_with_its_line():
    checker = run("def f(X):\n    return X  # (batch, f)\nif False:\n    X  # (batch,)")
    assert checker.unexecuted() == ["lesson.py:2: # (batch, f)", "lesson.py:4: # (batch,)"]


def test_code_without_shape_comments_is_left_as_it_is():
    source = 'def f(x):\n    """Doc."""\n    return x  # why\n'
    tree = Checker().instrument(source, "x.py")
    assert ast.unparse(tree).replace("    __sizes__ = {}\n", "") == source.replace("  # why\n", "")


BAD_MODULE = """\
import numpy as np


def used():
    return np.ones(3)  # (2,)


def idle():
    return 1  # ()
"""


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (
            "from deepcourse.bad import used\n\n\ndef test_it():\n    used()\n",
            "bad.py:5: the comment says # (2,), the value has shape (3,)",
        ),
        ("def test_it():\n    import deepcourse.bad\n", "bad.py:9: # ()"),
    ],
)
def test_a_false_and_an_unexecuted_comment_in_a_module_fail_the_run(tmp_path, test, message):
    (tmp_path / "deepcourse").mkdir()
    (tmp_path / "deepcourse" / "__init__.py").write_text("")
    (tmp_path / "deepcourse" / "bad.py").write_text(BAD_MODULE)
    (tmp_path / "test_bad.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "coursekit.shape_plugin", "test_bad.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert message in done.stdout
