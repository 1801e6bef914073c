"""Every lesson of the book: in step, fresh, tidy, its shape comments executed."""

import subprocess
import sys

import pytest
import yaml

from conftest import ROOT
from coursekit import gates
from coursekit.assignments import find_assignments
from coursekit.course import Course
from coursekit.lessons import find_lessons

LESSONS, ASSIGNMENTS = find_lessons(Course(ROOT)), find_assignments(Course(ROOT))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_passes_every_gate(lesson):
    assert not gates.problems(lesson)


@pytest.mark.parametrize("name", sorted({work.name for work in [*LESSONS, *ASSIGNMENTS]}))
def test_lesson_and_assignment_hold_to_their_shape_comments_and_controls(name):
    command = [sys.executable, "-m", "coursekit.cli", "rehearse", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_book_has_lessons():
    assert LESSONS


def test_each_notebook_has_its_text_and_stands_in_the_table_of_contents():
    names = {lesson.name for lesson in LESSONS}
    assert {path.stem for path in (ROOT / "notebooks" / "lessons").glob("*.ipynb")} == names
    listed = str(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    for lesson in LESSONS:
        assert f"notebooks/lessons/{lesson.name}'" in listed, f"{lesson.name} is not in _toc.yml"


def test_the_shape_comments_of_deepcourse_hold_and_all_run():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "coursekit.shape_plugin"]
    done = subprocess.run(
        [*command, *map(str, DEEPCOURSE_TESTS)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


DEEPCOURSE_TESTS = [
    path
    for module in sorted((ROOT / "src" / "deepcourse").glob("*.py"))
    if (path := ROOT / "tests" / f"test_{module.stem}.py").is_file() and module.stem != "shapes"
]
