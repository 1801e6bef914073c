"""Canaries fail where checking works, and signs of tampering are none of honest coursework's."""

import pytest

import grade_hostile as hostile
from conftest import ROOT
from coursekit.grading import canary
from coursekit.grading.suspicion import signs

TEST = "import numpy as np\nfor x in rows:\n    np.testing.assert_allclose(f(x), 1)\nassert all(y)"


def run(source, **names):
    """Return what a cell's reply and outputs would say."""
    try:
        exec(source, names)
    except Exception as error:
        reply = {"status": "error", "ename": type(error).__name__, "evalue": str(error)}
        return reply, [{"output_type": "error", **reply}]
    return {"status": "ok"}, []


@pytest.mark.parametrize("test", [TEST, "assert f(2) == 3", "f(1)", "%magic", ""])
def test_a_canary_fails_as_it_must_in_an_honest_notebook(test):
    for _ in range(30):
        source, word = canary.make(test)
        assert canary.judge(*run(source, rows=[1], y=[True], f=abs), word) == ""


def test_a_canary_leaves_no_name_behind():
    names = {}
    source, _ = canary.make(TEST)
    with pytest.raises(AssertionError):
        exec(source, names)
    assert names.keys() == {"__builtins__"}


def test_a_helper_that_says_yes_to_everything_is_named():
    source, word = canary.make("assert all(values)")
    doubt = canary.judge(*run(source, all=lambda values: True), word)
    assert doubt == "all says yes to everything"


def test_a_pass_and_an_error_that_is_not_shown_are_suspicious():
    _, word = canary.make("assert x")
    assert "switched off" in canary.judge({"status": "ok"}, [], word)
    assert "not shown" in canary.judge({"status": "error", "evalue": word}, [], word)
    assert canary.judge({"status": "error", "evalue": "no memory"}, [], word).startswith("?")


def test_only_a_test_that_displays_points_gets_a_number_to_display():
    assert canary.make_shown("assert x") is None
    number, expected = canary.make_shown("x = 1\nx")
    shown = [{"output_type": "execute_result", "data": {"text/plain": number}}]
    assert canary.judge_shown({"status": "ok"}, shown, expected) == ""
    assert canary.judge_shown({"status": "ok"}, [], expected)


def test_no_lesson_and_no_assignment_of_the_book_shows_a_sign_of_tampering():
    paths = [*(ROOT / "book").rglob("*.py"), *(ROOT / "src" / "deepcourse").glob("*.py")]
    assert len(paths) > 10
    found = {path.name: signs([path.read_text("utf-8")]) for path in paths}
    assert {name: why for name, why in found.items() if why} == {}


@pytest.mark.parametrize("name", ["strips-asserts", "hides-errors", "equals-all", "reads-frame"])
def test_tricks_are_seen_in_the_source(name):
    assert signs([hostile.CHEATS[name]])


@pytest.mark.parametrize(
    "source",
    [
        "class A:\n    def __eq__(self, o):\n        return self.x == o.x",
        "class A:\n    def __bool__(self):\n        return self.n > 0",
        "In, Out = 3, 4\nlayer = (In, Out)",
        "model.compile(optimizer)",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
    ],
)
def test_honest_code_shows_no_sign(source):
    assert signs([source]) == []
