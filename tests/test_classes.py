"""A class folder: stock nbgrader, the same release as the book's, nothing ever written over."""

import contextlib
import csv
import re
import sqlite3

import nbformat
import pytest
from typer.testing import CliRunner

import instructors_page
from conftest import ROOT
from coursekit import cli
from coursekit.assignments import find_assignment
from coursekit.classes import add_assignment, new_class
from coursekit.course import Course
from coursekit.demo import STUDENTS, add_demo, describe, expect
from coursekit.errors import CourseError
from coursekit.prove import prove
from coursekit.release import student_notebook
from tiny_assignment import TEXT

COURSE = Course(ROOT)
# By hand, from the text: test-1 gives 4, test-1-2 gives 2 and test-2 gives 3.
BY_TESTS = {
    "right": 9,
    "right, saved in Colab": 9,
    "first half": 6,
    "second half": 3,
    "wrong everywhere": 0,
    "one mistake": 6,
    "a syntax error": 6,
    "an exception": 3,
    "blank": 0,
    "missing": 0,
}


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """A bank with two assignments."""
    folder = tmp_path_factory.mktemp("bank")
    (folder / "tiny.py").write_text(TEXT, "utf-8")
    (folder / "other.py").write_text(TEXT.replace("Tiny", "Other"), "utf-8")
    return folder


@pytest.fixture(scope="module")
def made(bank):
    """A class with one assignment and the made-up students."""
    folder = bank.parent / "classes" / "a class"
    assert new_class(COURSE, folder, ["tiny"], bank) == ["tiny"]
    add_demo(COURSE, folder, bank)
    return folder


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_class_holds_source_release_settings_and_gradebook(made, bank):
    source = nbformat.read(made / "source" / "tiny" / "tiny.ipynb", 4)
    assert "total = np.sum(values)" in "".join(cell.source for cell in source.cells)
    released = nbformat.read(made / "release" / "tiny" / "tiny.ipynb", 4)
    assert released.cells == student_notebook(find_assignment(COURSE, "tiny", bank)).cells
    compile((made / "nbgrader_config.py").read_text("utf-8"), "nbgrader_config.py", "exec")
    with contextlib.closing(sqlite3.connect(made / "gradebook.db")) as book:
        assert book.execute("select sum(max_score) from grade_cells").fetchone() == (12,)
        hidden = book.execute("select source from source_cell where name = 'test-1'").fetchone()
        assert book.execute("select count(*) from student").fetchone() == (10,)
    assert "the hidden mean differs" in hidden[0]
    assert [p.name for p in made.parent.iterdir()] == ["a class"], "a temporary folder stays behind"


def test_the_made_up_students_have_the_points_they_were_designed_for(made):
    with (made / "expected.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["work"]: int(row["by tests"]) for row in rows} == BY_TESTS
    assert {row["of"] for row in rows} == {"9"}
    assert {s.id for s in STUDENTS} - {p.name for p in (made / "submitted").iterdir()} == {"s10"}
    work = (made / "submitted" / "s07" / "tiny" / "tiny.ipynb").read_text("utf-8")
    assert "def unfinished(:" in work
    assert "mark scheme" not in work.lower()


def test_an_assignment_is_added_and_never_written_over(made, bank):
    settings = made / "nbgrader_config.py"
    settings.write_text(settings.read_text("utf-8") + "# mine\n", "utf-8")
    before = everything(made)
    with pytest.raises(CourseError, match="source/tiny is there already and is left as it is"):
        add_assignment(COURSE, made, "tiny", bank)
    with pytest.raises(CourseError, match="submitted is there already and is left as it is"):
        add_demo(COURSE, made, bank)
    assert everything(made) == before
    assert add_assignment(COURSE, made, "other", bank) == "other"
    after = everything(made)
    changed = {path.name for path in before if before[path] != after[path]}
    assert changed == {"gradebook.db"}
    assert (made / "release" / "other" / "other.ipynb").is_file()


def test_a_folder_that_is_there_is_refused_and_left_alone(tmp_path, bank):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CourseError, match="is there already and is left as it is"):
        new_class(COURSE, tmp_path, ["tiny"], bank)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_class_inside_the_checkout_is_refused(bank):
    with pytest.raises(CourseError, match="choose a folder outside it"):
        new_class(COURSE, ROOT / "class", ["tiny"], bank)


def test_an_assignment_that_breaks_a_rule_leaves_no_folder(tmp_path):
    (tmp_path / "tiny.py").write_text(TEXT.replace("points=4", "points=5"), "utf-8")
    with pytest.raises(CourseError, match=r"tiny\.py:12: Task 1 promises 6 points"):
        new_class(COURSE, tmp_path / "class", ["tiny"], tmp_path)
    assert not (tmp_path / "class").exists()


def test_a_release_that_fails_leaves_no_folder(tmp_path, bank, monkeypatch):
    def fail(*_):
        raise CourseError("nbgrader failed")

    monkeypatch.setattr("coursekit.classes.nbgrader", fail)
    with pytest.raises(CourseError, match="nbgrader failed"):
        new_class(COURSE, tmp_path / "class", ["tiny"], bank)
    assert not list(tmp_path.iterdir())


def test_a_bank_without_assignments_or_with_a_name_of_the_books_is_refused(tmp_path):
    with pytest.raises(CourseError, match="expected a folder with assignments"):
        find_assignment(COURSE, "tiny", tmp_path)
    name = next((ROOT / "book" / "assignments").glob("*.py")).name
    (tmp_path / name).write_text(TEXT, "utf-8")
    with pytest.raises(CourseError, match=f"{name}:1: the book has an assignment of this name"):
        find_assignment(COURSE, "tiny", tmp_path)


def test_what_is_no_class_is_not_filled(tmp_path, bank):
    with pytest.raises(CourseError, match="expected a class folder"):
        add_demo(COURSE, tmp_path, bank)
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_is_wrong_without_a_traceback(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    told = CliRunner().invoke(cli.app, ["class", "new", str(tmp_path)])
    assert isinstance(told.exception, CourseError)
    help_text = CliRunner().invoke(cli.app, ["class", "--help"]).output
    assert all(word in help_text for word in ("new", "add", "demo"))


def test_the_page_for_instructors_says_what_its_commands_say_now(tmp_path):
    again = "python tests/instructors_page.py writes the page anew"
    page = instructors_page.PAGE.read_text("utf-8")
    instructors_page.write_bank(tmp_path / "bank")
    proof = prove(find_assignment(COURSE, "dice", tmp_path / "bank"))
    assert not proof.problems
    assert "\n".join(str(proof).splitlines()[:-1]) in page, again
    for row in expect(find_assignment(COURSE, "01_regression_to_networks")):
        assert describe(row) in page, again
        by_hand = instructors_page.POINTS["Birch, Alma"][0] if row["student"] == "s01" else 0
        points = row["by tests"] + by_hand
        line = rf"^{row['student']},[a-z ]+,{points},20,"
        assert re.search(line, page, re.MULTILINE), again
