"""Assignments: a breach of a rule is refused with place and remedy; the book's are proved."""

import re

import nbformat
import pytest

from conftest import ROOT
from coursekit.assignment_rules import names_of, read_assignment
from coursekit.assignments import find_assignment, find_assignments
from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.prove import STUB, prove
from coursekit.trial import run_variants
from tiny_assignment import TEXT

BOOK = find_assignments(Course(ROOT))


@pytest.fixture
def write(tmp_path):
    """Return a function that writes the tiny assignment, changed, into a bank and finds it."""

    def change(old="", new="", count=1):
        assert not old or TEXT.count(old) == count, f"{old!r} occurs {TEXT.count(old)} times"
        (tmp_path / "tiny.py").write_text(TEXT.replace(old, new) if old else TEXT, "utf-8")
        return find_assignment(Course(ROOT), "tiny", bank=tmp_path)

    return change


def line_of(text, part):
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_parts_of_an_assignment_get_their_ids_and_points(write):
    cells = read_assignment(write())
    graded = {cell.id: cell.points for cell in cells if cell.points}
    assert graded == {"test-1": 4, "test-1-2": 2, "test-2": 3, "written-3": 3}
    assert [c.id for c in cells if c.kind in ("setup", "given", "answer", "check")] == [
        "setup", "given", "task-1", "check-1", "task-2",
    ]  # fmt: skip
    assert "pip" in cells[1].source
    assert "bibliography.html#lin2017" in cells[0].source


BREACHES = {
    "a tag twice": ("task=1 check", "task=1 task=2 check", "says task twice"),
    "an unknown tag": ("task=1 check", "task=1 check hint=3", "hint, which means nothing"),
    "a typing error": ("task=1 check", "task=1 chekc", "bare word chekc"),
    "a word for a number": ("test points=4", "test points=four", "a whole number after points="),
    "a missing tag": ("test points=4", "test", "needs points, task, test"),
    "two parts at once": ("task=1 check", "task=1 check answer", "mend the header"),
    "written code": ("[markdown] task=3 written", "task=3 written", "a markdown cell"),
    "an unknown citation": ("cite:lin2017", "cite:lin2071", "references.bib does not have"),
    "two answers": ("# %% task=1 check\n", "# %% task=1 answer\n", "the second answer cell"),
    "a heading twice": ("## Task 2 ·", "## Task 1 ·", "has a heading at"),
    "cells of no task": ("# %% task=2 answer", "# %% task=5 answer", "no heading announces task 5"),
    "points of a task": ("mean and the spread (6", "mean and the spread (5", "promises 5 points"),
    "points in all": ("assignment (12 points)", "assignment", "add up to 12 points, expected 20"),
    "no test": ("# %% task=2 test points=3", "# %% task=2 check", "task 2 has no test"),
    "no answer": ("# %% task=2 answer", "# %%", "task 2 has no answer cell"),
    "an open region": ("prediction = 0.0\n### END SOLUTION", "prediction = 0.0", "END SOLUTION"),
    "a region elsewhere": ("data = np.", "### BEGIN SOLUTION\ndata = np.", "a given cell"),
    "an unknown name": ("mean(row), row", "average(row), row", "uses 'average', which no solution"),
    "a rebound import": ("assert prediction == 0", "assert np.isclose(prediction, 0)", "rebind"),
    "one wrong answer": ('# %% task=2 wrong="a text"\n', "# %% task=2 check\n", "1 wrong answers"),
    "a foreign aim": ('fails="test-1"', 'fails="test-2"', "is to fail 'test-2'"),
    "two of one name": ("spread round zero", "forgets to divide", "a telling name of its own"),
    "no Python": ("data = np.arange(6.0)", "data = np.arange(6.0", "is no plain Python"),
    "a magic": ("data = np.arange(6.0)", "%matplotlib inline", "is no plain Python"),
    "no set-up": ("# %% setup=true minutes=5\n", "", "expected one set-up cell"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_a_rule_is_refused_with_its_place_and_a_remedy(write, breach):
    old, new, said = BREACHES[breach]
    with pytest.raises(CourseError, match=re.escape(said)) as caught:
        read_assignment(write(old, new))
    assert all(re.match(r"\S*tiny\.py:\d+: ", line) for line in str(caught.value).splitlines())


def test_the_place_is_the_line_of_the_cell(write):
    with pytest.raises(CourseError) as caught:
        read_assignment(write("mean(row), row", "average(row), row"))
    line = line_of(TEXT, "task=1 test points=4")
    assert f"tiny.py:{line}: this test uses 'average'" in str(caught.value)


def test_all_breaches_are_told_at_once(write, tmp_path):
    assignment = write("task=1 check", "task=1 chekc")
    text = assignment.source.read_text("utf-8").replace("test points=3", "test points=x")
    assignment.source.write_text(text, "utf-8")
    with pytest.raises(CourseError) as caught:
        read_assignment(assignment)
    assert len(str(caught.value).splitlines()) == 2


def test_an_unknown_assignment_is_answered_with_the_nearest(write):
    write()
    with pytest.raises(CourseError, match="Did you mean 'tiny'"):
        find_assignment(Course(ROOT), "tinny", bank=write().source.parent)


def test_the_names_of_a_cell_are_those_python_would_look_up():
    made, imported, used = names_of(
        "import numpy as np\nfrom a import b as c\n"
        "def f(x, y=outer):\n    z = x + free\n    return [w for w in z if w in np.pi]\n"
        "class K(Base):\n    n = attr_free\n"
    )
    assert made == {"np", "c", "f", "K"}
    assert imported == {"np", "c"}
    assert used == {"outer", "free", "Base", "attr_free"}


def test_a_sound_assignment_is_proved_and_the_report_names_each_wrong_answer(write):
    proof = prove(write())
    assert not proof.problems
    assert [(t.task, t.name, t.failed) for t in proof.trials] == [
        (1, STUB, ["test-1", "test-1-2"]),
        (1, "forgets to divide", ["test-1", "test-1-2"]),
        (1, "spread round zero", ["test-1-2"]),
        (2, STUB, ["test-2"]),
        (2, "the number itself", ["test-2"]),
        (2, "a text", ["test-2"]),
    ]
    assert re.search(r"1 +spread round zero +test-1-2\n", str(proof))
    assert str(proof).splitlines()[-1].startswith("tiny: proved in")


DEFECTS = {
    "a test that sees nothing": (
        'assert prediction == 0, "equal numbers do not spread"',
        "assert True",
        [
            "test-2 gives its points to the stub",
            "passes every test",
            "no wrong answer fails test-2",
        ],
    ),
    "a wrong answer that is right": (
        "mean(values * values)",
        "mean((values - values.mean()) ** 2)",
        ["'spread round zero' passes every test", "is to fail test-1-2 and passes it"],
    ),
    "a wrong answer that breaks": (
        'prediction = "zero point"',
        "prediction = nothing_here",
        ["'a text' breaks before any test: NameError"],
    ),
    "a wrong answer without an end": (
        "prediction = 1.0",
        "while True:\n    pass",
        ["'the number itself' did not end in time"],
    ),
    "a solution that is wrong": (
        "return total / len(values)",
        "return total / (len(values) - 1)",
        ["the solution does not pass check-1", "the solution does not pass test-1: "],
    ),
    "a solution that warns": (
        "total = np.sum(values)",
        "total = np.sum(values) + 0 * np.log(values[0] * 0)",
        ["does not pass test-1"],
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_of_an_assignment_is_found_by_running_it(write, defect, monkeypatch):
    old, new, said = DEFECTS[defect]
    monkeypatch.setattr("coursekit.lessons.SETUP", "")  # spare the time to import torch
    monkeypatch.setattr("coursekit.prove.run_variants", lambda c, v: run_variants(c, v, seconds=3))
    problems = prove(write(old, new)).problems
    for part in said:
        assert any(part in problem for problem in problems), problems
    assert all(re.match(r"\S*tiny\.py:\d+: ", problem) for problem in problems)


def test_cells_that_never_end_are_stopped_with_a_word():
    with pytest.raises(CourseError, match="a loop without end"):
        run_variants([{"id": "given", "source": "while True: pass"}], [], seconds=2)


def test_what_an_answer_writes_to_stderr_fails_its_cell_as_in_nbgrader():
    base, _ = run_variants([{"id": "a", "source": "import sys; print(1, file=sys.stderr)"}], [])
    assert base == {"a": "stderr: 1"}


@pytest.mark.parametrize("assignment", BOOK, ids=lambda assignment: assignment.name)
def test_each_assignment_of_the_book_is_proved_and_has_twenty_points(assignment):
    proof = prove(assignment)
    assert not proof.problems, str(proof)
    notebook = nbformat.read(assignment.notebook, 4)
    meta = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    assert sum(m.get("points", 0) for m in meta) == 20
