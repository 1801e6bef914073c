"""Feedback without hidden tests, and grades with a column for each question."""

import csv
import re
import zipfile

import pytest

import grading
from conftest import ROOT
from coursekit.classes import new_class
from coursekit.course import Course
from coursekit.demo import add_demo
from coursekit.errors import CourseError
from coursekit.grading.collect import write_rows
from coursekit.grading.exports import export
from coursekit.grading.feedback import FAILED, QUOTED, give_feedback
from coursekit.grading.roster import class_db, open_gradebook
from tiny_assignment import TEXT

HIDDEN = ["np.random.default_rng(0)", "the hidden mean differs", "wide.var()"]
SPY = "print(get_ipython().user_ns['In'])"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class with made-up students, graded once by stock nbgrader; s06 prints what ran before."""
    place = tmp_path_factory.mktemp("feedback")
    (place / "bank").mkdir()
    (place / "bank" / "tiny.py").write_text(TEXT + f"\n# %%\n{SPY}\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("coursekit.lessons.SETUP", "")  # spares nine imports of torch
        new_class(Course(ROOT), place / "class", ["tiny"], place / "bank")
        add_demo(Course(ROOT), place / "class", place / "bank")
    grading.run(place / "class", "nbgrader", "autograde", "tiny")
    rows = [
        {"student_id": "s01", "name": "Alma Birch", "platform": "Moodle", "platform_id": "4711"},
        {"student_id": "s06", "name": "grovefinn", "platform": "Canvas", "platform_id": "31"},
    ]
    path = place / "class" / "downloaded" / "tiny" / "collected.csv"
    write_rows(path, list(rows[0]), rows)
    return place / "class"


@pytest.fixture(scope="module")
def pages(graded):
    given = give_feedback(graded, "tiny")
    assert not given.failed
    assert len(given.written) == 9
    return {s: (graded / "feedback" / s / "tiny" / "tiny.html").read_text() for s in given.written}


def plain(page):
    return re.sub(r"<[^>]+>", "", page).replace("&quot;", '"').replace("&#39;", "'")


def test_hidden_tests_and_what_they_print_stay_with_the_instructor(pages):
    for student, page in pages.items():
        for secret in HIDDEN:
            assert secret not in plain(page), (student, secret)
        assert "# (hidden tests)" in plain(page)


def test_a_student_is_told_that_hidden_tests_failed_and_the_points(pages):
    assert FAILED in plain(pages["s05"])
    assert FAILED not in plain(pages["s01"])
    assert "Score" in plain(pages["s05"])


def test_messages_of_visible_checks_are_shown(pages):
    assert "divide by the number of values" in plain(pages["s05"]).split("AssertionError")[-1]


def test_an_output_that_quotes_hidden_tests_is_left_out(pages):
    assert all(QUOTED in plain(page) for page in (pages["s01"], pages["s06"]))


def test_an_instructor_can_show_the_tests(graded, pages):
    give_feedback(graded, "tiny", show_tests=True)
    page = (graded / "feedback" / "s05" / "tiny" / "tiny.html").read_text()
    assert all(secret in plain(page) for secret in HIDDEN)
    give_feedback(graded, "tiny")


def test_feedback_is_packed_as_moodle_takes_it(graded, pages):
    with zipfile.ZipFile(graded / "feedback" / "tiny-moodle.zip") as archive:
        assert archive.namelist() == ["Alma Birch_4711_assignsubmission_file_/tiny.html"]


def test_a_page_that_cannot_be_made_costs_nobody_else_theirs(graded, pages):
    path = graded / "autograded" / "s03" / "tiny" / "tiny.ipynb"
    old = path.read_bytes()
    path.chmod(0o644)
    try:
        path.write_text("{broken")
        given = give_feedback(graded, "tiny")
    finally:
        path.write_bytes(old)
    assert list(given.failed) == ["s03"]
    assert len(given.written) == 8


def test_an_assignment_that_nobody_graded_is_an_error_with_the_remedy(graded):
    with pytest.raises(CourseError, match="nothing of nought is graded"):
        give_feedback(graded, "nought")


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_totals_equal_those_of_stock_nbgrader_and_questions_add_up(graded):
    grading.run(graded, "nbgrader", "export")
    stock = {row["student_id"]: row for row in read(graded / "grades.csv")}
    export(graded, ["tiny"])
    rows = read(graded / "grades" / "tiny.csv")
    assert len(rows) == 10
    for row in rows:
        assert float(row["score"]) == float(stock[row["student_id"]]["score"])
        questions = [float(v) for k, v in row.items() if k.endswith(")") and v]
        assert sum(questions) == float(row["score"])
    columns = [key for key in rows[0] if key.endswith(")")]
    assert sum(float(key.split("(")[1][:-1]) for key in columns) == float(rows[0]["max_score"])
    status = {row["student_id"]: row["status"] for row in rows}
    assert status["s10"] == "missing"
    assert status["s01"] == "needs manual grading"


def test_moodle_and_canvas_get_their_own_students(graded):
    paths = {path.name: path for path in export(graded, ["tiny"])}
    score = {row["student_id"]: row["score"] for row in read(paths["tiny.csv"])}
    moodle, canvas = read(paths["tiny-moodle.csv"]), read(paths["tiny-canvas.csv"])
    assert [(r["Identifier"], r["Grade"]) for r in moodle] == [("Participant 4711", score["s01"])]
    assert canvas[0]["Student"] == "    Points Possible"
    assert canvas[0]["tiny"] == "12"
    assert [(r["ID"], r["tiny"]) for r in canvas[1:]] == [("31", score["s06"])]


WORKSHEETS = {
    "moodle": (
        "Identifier,Full name,Email address,Grade,Feedback comments\n"
        "Participant 4711,Somebody Else,,,keep me\n"
        "Participant 9,Bruno Cedar,s02@example.org,,\n"
        "Participant 10,Jon Knoll,s10@example.org,,\n"
        "Participant 11,Nobody,nobody@example.org,3,\n",
        "Grade",
        ["s01", "s02", "", "3"],
    ),
    "canvas": (
        "Student,ID,SIS User ID,SIS Login ID,Section,tiny (12345),Other\n"
        "    Points Possible,,,,,12,5\n"
        '"Grove, Finn",31,,,A,,4\n'
        '"Cedar, Bruno",77,,s02,A,,\n',
        "tiny (12345)",
        ["12", "s06", "s02"],
    ),
}


@pytest.mark.parametrize("platform", WORKSHEETS)
def test_a_downloaded_worksheet_is_filled_in_and_nothing_else_changes(graded, tmp_path, platform):
    text, column, wanted = WORKSHEETS[platform]
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("\ufeff" + text, encoding="utf-8")
    export(graded, ["tiny"], worksheet=sheet)
    score = {row["student_id"]: row["score"] for row in read(graded / "grades" / "tiny.csv")}
    old = list(csv.DictReader(text.splitlines()))
    new = read(graded / "grades" / "sheet.csv")
    assert [row[column] for row in new] == [score.get(each, each) for each in wanted]
    assert [{**row, column: ""} for row in new] == [{**row, column: ""} for row in old]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n", "expected Moodle's grading worksheet"),
        ("Student,ID,Quiz\n", "expected one column that begins with tiny, came 0"),
    ],
)
def test_a_worksheet_of_another_kind_is_refused(graded, tmp_path, text, said):
    (tmp_path / "sheet.csv").write_text(text)
    with pytest.raises(CourseError, match=said):
        export(graded, ["tiny"], worksheet=tmp_path / "sheet.csv")


def test_an_unknown_assignment_or_gradebook_is_said(graded):
    with pytest.raises(CourseError, match="no assignment nought in the gradebook, which has tiny"):
        export(graded, ["nought"])
    with pytest.raises(CourseError, match="cannot be opened"):
        export(graded, ["tiny"], db="sqlite:////nowhere/at/all/gradebook.db")


def test_a_grade_by_hand_counts(graded):
    with open_gradebook(class_db(graded)) as book:
        for grade in book.find_submission_notebook("tiny", "tiny", "s01").grades:
            if grade.needs_manual_grade:
                grade.manual_score, grade.needs_manual_grade = 1.5, False
        book.db.commit()
    export(graded, ["tiny"])
    row = next(r for r in read(graded / "grades" / "tiny.csv") if r["student_id"] == "s01")
    assert row["status"] == "graded"
    assert row["score"].endswith(".5")
