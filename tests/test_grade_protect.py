"""The protection is tried, named and never silently missing; other ways to call the command."""

import dataclasses
import shutil

import pytest

import grade_course as course
import grade_user
from coursekit.grading.jobs import Setup
from coursekit.grading.launch import close_servers
from coursekit.grading.protect import why_not

WORK = {
    "right": {},
    "half": {"share": "def share():\n    return 0"},
    "syntax": {"mean": "def mean(:"},
    "reads": {"mean": "print(open(ROOT + '/gradebook.db', 'rb').read(1))\n" + course.MEAN},
}


@pytest.fixture(scope="module")
def ungraded(tmp_path_factory):
    """A course with a few submissions that nobody has graded."""
    place = tmp_path_factory.mktemp("protect")
    released = course.make_course(place / "course")
    for student, answers in WORK.items():
        course.submit(
            place / "course", student, course.answered(released, **course.RIGHT | answers)
        )
    return place / "course"


@pytest.fixture(scope="module")
def usual(ungraded, tmp_path_factory):
    """The rows that the best protection gives."""
    folder = course.copy(ungraded, tmp_path_factory.mktemp("usual") / "course")
    course.grade(folder)
    return course.rows(folder)


def test_without_a_sandbox_it_refuses_and_says_what_to_do(ungraded, tmp_path):
    folder = course.copy(ungraded, tmp_path / "course")
    said = course.grade(folder, "--sandbox", "none", check=False)
    assert "expected a sandbox" in said
    assert "--unsafe" in said
    assert not (folder / "autograded").exists()


def test_unsafe_grades_without_and_says_so(ungraded, usual, tmp_path):
    folder = course.copy(ungraded, tmp_path / "course")
    said = course.grade(folder, "--sandbox", "none", "--unsafe")
    assert "protection: NONE" in said
    assert course.rows(folder) == usual
    assert grade_user.left_over() == []


def test_bubblewrap_gives_the_same_grades(ungraded, usual, tmp_path):
    if why := grade_user.why_not("bubblewrap", as_user=False):
        pytest.skip(f"bubblewrap not tried: {why}")
    folder = course.copy(ungraded, tmp_path / "course")
    assert "protection: bubblewrap" in course.grade(folder, "--sandbox", "bubblewrap")
    assert course.rows(folder) == usual


@pytest.mark.parametrize("sandbox", ["namespaces", "bubblewrap"])
def test_the_trial_finds_files_that_should_be_hidden(sandbox, tmp_path):
    if why := grade_user.why_not(sandbox, as_user=False):
        pytest.skip(f"{sandbox} not tried: {why}")
    (tmp_path / "secret").write_text("x")
    tmp_path.chmod(0o755)
    shown = Setup(sandbox, modules=(), readable=(str(tmp_path),))
    try:
        hidden = dataclasses.replace(shown, readable=(), hidden=(str(tmp_path),))
        assert why_not(hidden) == ""
        assert "visible" in why_not(dataclasses.replace(shown, hidden=(str(tmp_path),)))
    finally:
        close_servers()


def test_the_gradebook_may_lie_elsewhere(ungraded, usual, tmp_path):
    folder = course.copy(ungraded, tmp_path / "course")
    (tmp_path / "elsewhere").mkdir()
    shutil.move(folder / "gradebook.db", tmp_path / "elsewhere" / "gradebook.db")
    course.grade(folder, "--db", f"sqlite:///{tmp_path}/elsewhere/gradebook.db")
    assert course.rows(tmp_path / "elsewhere") == usual
    assert not (folder / "gradebook.db").exists()


@pytest.mark.parametrize("what", ["nowhere", "no-course", "no-assignment", "no-submissions"])
def test_a_mistaken_call_says_what_was_expected(ungraded, tmp_path, what):
    folder, arguments = tmp_path / "course", []
    if what == "no-course":
        folder.mkdir()
    elif what != "nowhere":
        course.copy(ungraded, folder)
    if what == "no-assignment":
        arguments = ["--assignment", "other"]
    if what == "no-submissions":
        shutil.rmtree(folder / "submitted")
    said = course.grade(folder, *arguments, check=False)
    assert "expected" in said
    assert "Traceback" not in said
