"""The student's version: valid nbgrader, the same bytes twice, and nothing hidden in it."""

import copy
import itertools

import nbformat
import pytest
from typer.testing import CliRunner

from conftest import ROOT
from coursekit import cli, release
from coursekit.assignments import Assignment, find_assignments
from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.leaks import find_leaks, split
from tiny_assignment import TEXT

BOOK = find_assignments(Course(ROOT))
SECRETS = [secret for _, secret in split(TEXT)[1]]


@pytest.fixture
def assignment(tmp_path):
    """The tiny assignment in a course that holds nothing else."""
    (tmp_path / "book" / "assignments").mkdir(parents=True)
    for name in ("_config.yml", "pyproject.toml", "book/references.bib"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    source = tmp_path / "book" / "assignments" / "tiny.py"
    source.write_text(TEXT, "utf-8")
    return Assignment(Course(tmp_path), source)


def by_id(notebook):
    return {cell.id: cell for cell in notebook.cells}


def test_each_region_becomes_a_stub_that_names_its_task(assignment):
    cells = by_id(release.student_notebook(assignment))
    assert cells["task-1"].source == (
        'def mean(values):\n    """Return the mean of values."""\n'
        '    raise NotImplementedError("Task 1: The mean and the spread")\n\n\n'
        'def spread(values):\n    """Return the mean squared distance from the mean."""\n'
        '    raise NotImplementedError("Task 1: The mean and the spread")'
    )
    assert cells["task-2"].source == 'raise NotImplementedError("Task 2: A prediction")'
    assert cells["written-3"].source == "*Your answer here.*"
    assert cells["check-1"].source.startswith("assert mean(data) == 2.5")
    assert cells["test-1-2"].source == (
        "# Task 1: hidden tests run here when your work is graded (2 points)."
    )


def test_nbgrader_finds_its_metadata_and_checksums(assignment):
    cells = by_id(release.student_notebook(assignment))
    assert all("checksum" in cells[i].metadata.nbgrader for i in cells if "-" in i)
    assert cells["test-1"].metadata.nbgrader.points == 4
    assert cells["test-1"].metadata.editable is False
    assert cells["given"].metadata.nbgrader.locked is True
    assert cells["written-3"].metadata.nbgrader.grade is True
    assert "editable" not in cells["task-1"].metadata


def test_releasing_twice_gives_the_same_bytes_and_says_so(assignment):
    assert release.release(assignment) == "released"
    before = assignment.notebook.read_bytes()
    assert release.release(assignment) == "kept"
    assignment.notebook.unlink()
    release.release(assignment)
    assert assignment.notebook.read_bytes() == before
    nbformat.validate(nbformat.read(assignment.notebook, 4))


@pytest.mark.parametrize("secret", SECRETS)
def test_each_hidden_line_is_found_wherever_it_is_planted(assignment, secret):
    clean = release.student_notebook(assignment)
    places = itertools.count()
    for place in places:
        notebook = copy.deepcopy(clean)
        if place < len(notebook.cells):
            notebook.cells[place].source += f"\n    {secret}  # why not"
        elif place == len(notebook.cells):
            notebook.metadata["note"] = {"inner": [secret]}
        elif place == len(notebook.cells) + 1:
            notebook.cells[0].metadata[secret] = True
        else:
            break
        assert any(secret in what for _, what in find_leaks(TEXT, notebook)), place
    assert place > 9


def test_the_hidden_lines_are_those_of_solutions_tests_wrong_answers_and_schemes():
    assert len(SECRETS) > 20
    for part in (
        "total = np.sum(values)", "prediction = 0.0", "hidden mean differs", "wide.var()",
        "mean(values * values)", "forgets to divide", "incomes are", "outliers, one for",
    ):  # fmt: skip
        assert any(part in secret for secret in SECRETS), part
    visible = "\n".join(split(TEXT)[0])
    assert "expected 2.5, came" in visible
    assert "Return the mean of values." in visible


@pytest.mark.parametrize(
    ("skipped", "what"),
    [
        ({"ClearHiddenTests"}, "the hidden mean differs"),
        ({"ClearSolutionsByTask", "ClearMarkScheme"}, "total = np.sum(values)"),
    ],
)
def test_a_release_that_would_leak_is_refused_and_nothing_is_written(
    assignment, monkeypatch, skipped, what
):
    shorter = [step for step in release.WITHOUT_GRADEBOOK if step.__name__ not in skipped]
    monkeypatch.setattr(release, "WITHOUT_GRADEBOOK", shorter)
    with pytest.raises(CourseError, match="is not written") as caught:
        release.release(assignment)
    assert what in str(caught.value)
    assert "tiny.py:" in str(caught.value)
    assert not assignment.notebook.exists()


def test_an_author_who_gives_the_solution_away_in_prose_is_told_the_line(assignment):
    text = TEXT.replace(
        "# %% task=1 check\n",
        "# %% [markdown]\n# See https://example.org/incomes\n\n# %% task=1 check\n",
    )
    secret = "When a few values are far from all the others, as incomes are."
    assert not find_leaks(text, release.student_notebook(assignment))
    notebook = release.student_notebook(assignment)
    notebook.cells[3].source += f" Hint: {secret}"
    line = 1 + next(n for n, got in enumerate(TEXT.splitlines()) if secret in got)
    assert find_leaks(TEXT, notebook) == [(line, f"the hidden line {secret!r}")]


def test_outputs_markers_and_tags_of_wrong_answers_are_leaks(assignment):
    clean = release.student_notebook(assignment)
    planted = copy.deepcopy(clean)
    planted.cells[1].outputs = [nbformat.v4.new_output("stream", text="1")]
    planted.cells[2].execution_count = 1
    planted.cells[3].source += "\n### BEGIN SOLUTION"
    planted.cells[4].metadata["wrong"] = "x"
    assert not find_leaks(TEXT, clean)
    assert [what.split()[1] for _, what in find_leaks(TEXT, planted)] == [
        "output", "output", "marker", "tags",
    ]  # fmt: skip


def test_check_holds_the_students_version_in_step(assignment, monkeypatch):
    monkeypatch.chdir(assignment.course.root)

    def check():
        return CliRunner().invoke(cli.app, ["check"]).output

    assert "no student's version yet" in check()
    assert CliRunner().invoke(cli.app, ["build"]).exit_code == 0
    assert "0 lessons and 1 assignments checked, 0 problems" in check()
    edited = nbformat.read(assignment.notebook, 4)
    edited.cells[3].source += " again"
    nbformat.write(edited, assignment.notebook)
    assert "from cell 4 on, notebooks/assignments/tiny.ipynb is not what its text builds" in check()


@pytest.mark.parametrize("assignment", BOOK, ids=lambda each: each.name)
def test_the_books_students_versions_are_in_step_and_run_nothing(assignment):
    assert release.release_problems(assignment) == []
    notebook = nbformat.read(assignment.notebook, 4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
