"""A run that is killed at any moment goes on where it stopped, and nothing is lost or doubled."""

import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

import grade_course as course
import grade_user

KILLS = 8
STUDENTS = [f"s{number:02}" for number in range(14)]


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """A class graded in one go, and the same one killed again and again; (whole, killed, kills)."""
    place = tmp_path_factory.mktemp("resume")
    place.chmod(0o755)
    released = course.make_course(place / "whole")
    for number, student in enumerate(STUDENTS):
        wrong = {"share": f"def share():\n    return {number / 10}"}
        course.submit(place / "whole", student, course.answered(released, **course.RIGHT | wrong))
    first = "s00"
    rest = place / "rest"
    (place / "whole" / "submitted").rename(rest)
    (place / "whole" / "submitted").mkdir()
    (rest / first).rename(place / "whole" / "submitted" / first)
    course.grade(place / "whole")
    by_hand(place / "whole", first)
    for student in STUDENTS[1:]:
        (rest / student).rename(place / "whole" / "submitted" / student)
    # The first student hands in again: a hand's grades must outlive it.
    course.submit(place / "whole", first, course.answered(released, **course.RIGHT))
    killed = course.copy(place / "whole", place / "killed")
    course.grade(place / "whole", "--workers", "2")
    kills = sum(kill_once(killed) for _ in range(KILLS))
    course.grade(killed, "--workers", "2")
    return place / "whole", killed, kills


def by_hand(folder, student):
    """Grade a written answer by hand, with a comment, as formgrader saves it."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        grade = gradebook.find_grade("words", course.NAME, course.NAME, student)
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        comment = gradebook.find_comment("words", course.NAME, course.NAME, student)
        comment.manual_comment = "An example is missing."
        gradebook.db.commit()


def kill_once(folder):
    """Start grading, kill it after a random time; return whether it was still at it."""
    words = ["grade", str(folder), "--assignment", course.NAME, "--workers", "2"]
    running = subprocess.Popen(
        [sys.executable, "-m", "coursekit.cli", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    graded = folder / "autograded"
    before = len(list(graded.iterdir()))
    while running.poll() is None and len(list(graded.iterdir())) <= before:
        time.sleep(0.02)  # until it is in the middle of things: starting up takes most of the time
    time.sleep(random.uniform(0, 1.0))
    alive = running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.wait()
    return alive


def test_it_was_killed_in_the_middle_more_than_once(classes):
    assert classes[2] >= 2


def test_every_grade_is_as_if_nothing_had_happened(classes):
    whole, killed, _ = classes
    assert course.rows(killed) == course.rows(whole)
    assert course.states(killed) == course.states(whole)
    assert {student for student, _ in course.rows(killed)} == set(STUDENTS)


def test_the_gradebook_is_sound_and_has_each_submission_once(classes):
    with sqlite3.connect(classes[1] / "gradebook.db") as base:
        assert base.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert base.execute("select count(*) from submitted_assignment").fetchone() == (14,)
        grades = base.execute("select count(*), count(distinct cell_id || notebook_id) from grade")
        total, distinct = grades.fetchone()
        assert total == distinct == 14 * 7


def test_what_a_hand_graded_is_kept(classes):
    rows = course.rows(classes[1])
    assert rows["s00", "words"][1] == 2.5
    assert rows["s00", "comment words"][1] == "An example is missing."


def test_nothing_unfinished_and_no_process_is_left(classes):
    unfinished = classes[1] / "grading" / "unfinished"
    assert [path for path in unfinished.rglob("*") if path.is_file()] == []
    assert grade_user.left_over() == []


def test_what_is_graded_is_not_graded_again(classes):
    path = classes[1] / "autograded" / "s01" / course.NAME / f"{course.NAME}.ipynb"
    before = path.stat().st_ino
    assert "nothing new to grade" in course.grade(classes[1])
    assert path.stat().st_ino == before
