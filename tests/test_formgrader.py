"""A class of made-up students through stock nbgrader, and its formgrader in a real browser."""

import csv
import shutil

import pytest

import grading
from conftest import ROOT
from coursekit.classes import new_class
from coursekit.course import Course
from coursekit.demo import add_demo
from coursekit.pdf import NAMES, find_browser
from tiny_assignment import TEXT

NO_BROWSER = f"formgrader not opened: none of {', '.join(NAMES)} is installed"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class with made-up students, graded once by stock nbgrader."""
    place = tmp_path_factory.mktemp("grading")
    (place / "bank").mkdir()
    (place / "bank" / "tiny.py").write_text(TEXT, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("coursekit.lessons.SETUP", "")  # spares nine imports of torch
        new_class(Course(ROOT), place / "class", ["tiny"], place / "bank")
        add_demo(Course(ROOT), place / "class", place / "bank")
    grading.run(place / "class", "nbgrader", "autograde", "tiny")
    return place / "class"


@pytest.fixture(scope="module")
def points(graded):
    """Each student's points after the first run."""
    return exported(graded)


def exported(folder):
    """Return {student: points}, as `nbgrader export` says."""
    grading.run(folder, "nbgrader", "export")
    with (folder / "grades.csv").open(encoding="utf-8") as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def test_stock_nbgrader_gives_each_student_the_points_they_were_designed_for(graded, points):
    with (graded / "expected.csv").open(encoding="utf-8") as file:
        assert points == {r["student"]: float(r["by tests"]) for r in csv.DictReader(file)}
    assert list(points.values()) == [9, 9, 6, 3, 0, 6, 6, 3, 0, 0]


def test_generating_again_releases_the_same_bytes(graded):
    release = graded / "release" / "tiny" / "tiny.ipynb"
    before = release.read_bytes()
    grading.run(graded, "nbgrader", "generate_assignment", "tiny", "--force")
    assert release.read_bytes() == before


@pytest.mark.skipif(find_browser() is None, reason=NO_BROWSER)
def test_a_written_answer_is_graded_by_hand_and_the_grade_outlives_autograding(graded, points):
    with grading.formgrader(graded) as address, grading.page() as page:
        grading.open_submission(page, address, "tiny", "Birch, Alma")
        grading.grade(page, "written-3", 2, "An example is missing.")
    grading.run(graded, "nbgrader", "autograde", "tiny", "--student", "s01", "--force")
    assert exported(graded) == points | {"s01": 11.0}
    grading.run(graded, "nbgrader", "generate_feedback", "tiny", "--student", "s01")
    feedback = (graded / "feedback" / "s01" / "tiny" / "tiny.html").read_text("utf-8")
    assert "An example is missing." in feedback
    assert "(Score: 11.0 / 12.0)" in feedback


@pytest.fixture(scope="module")
def in_sandbox(graded, tmp_path_factory):
    """The same class before grading, then graded by coursekit."""
    place = tmp_path_factory.mktemp("sandbox") / "class"
    kept = shutil.ignore_patterns("gradebook.db", "autograded", "feedback", "grades.csv")
    shutil.copytree(graded, place, ignore=kept)
    grading.run(place, "nbgrader", "generate_assignment", "tiny", "--force")
    for student in ("s01", "s10"):  # one is listed, and one of those who sent nothing
        names = ("--first-name", "Alma", "--last-name", "Birch") if student == "s01" else ()
        grading.run(place, "nbgrader", "db", "student", "add", student, *names)
    said = grading.run(place, "coursekit", "grade", str(place), "--assignment", "tiny")
    assert "needs manual grading: " in said, said
    return place


@pytest.mark.skipif(find_browser() is None, reason=NO_BROWSER)
def test_formgrader_opens_what_coursekit_graded_and_the_grade_outlives_grading_again(
    in_sandbox, points
):
    assert exported(in_sandbox) == points
    with grading.formgrader(in_sandbox) as address, grading.page() as page:
        grading.open_submission(page, address, "tiny", "Birch, Alma")
        grading.grade(page, "written-3", 2, "An example is missing.")
    again = ("coursekit", "grade", str(in_sandbox), "--assignment", "tiny", "--force")
    grading.run(in_sandbox, *again)
    assert exported(in_sandbox) == points | {"s01": 11.0}
    grading.run(in_sandbox, "coursekit", "feedback", str(in_sandbox), "--assignment", "tiny")
    feedback = (in_sandbox / "feedback" / "s01" / "tiny" / "tiny.html").read_text("utf-8")
    assert "An example is missing." in feedback
    assert "(Score: 11.0 / 12.0)" in feedback
