"""One address: what `coursekit stamp` writes, where, and what a fork needs to change."""

import json
import re

import nbformat
import pytest
from typer.testing import CliRunner

import site_course
from conftest import ROOT
from coursekit import cli, stamp
from coursekit.assignments import find_assignments
from coursekit.build import recorded_hash
from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.gates import problems
from coursekit.lessons import find_lessons
from coursekit.staleness import source_hash

FORK = "https://github.com/Somebody/a.course"
FORK_SITE = "https://somebody.github.io/a.course"


def edit_config(root, url):
    """Do the one edit that a fork needs."""
    config = root / "_config.yml"
    text = config.read_text(encoding="utf-8")
    config.write_text(re.sub(r"(?m)^  url: https://github.*$", f"  url: {url}", text), "utf-8")
    return Course(root)


def test_every_file_that_spells_the_address_out_spells_this_one():
    course = Course(ROOT)
    for path, text in stamp.stamped_texts(course).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `coursekit stamp`"
    assert course.repository_url in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for name in (course.site_url, f"mybinder.org/v2/gh/{course.slug}/{course.branch}"):
        assert name in (ROOT / "README.md").read_text(encoding="utf-8")
    for each in [*find_lessons(course), *find_assignments(course)]:
        wheels = stamp.WHEEL.findall(each.notebook.read_text(encoding="utf-8"))
        assert wheels == [course.wheel_url], f"{each.notebook.name}: run `coursekit stamp`"


def test_one_edit_moves_a_lesson_and_it_needs_not_run_again(tiny):
    before, allowed = nbformat.read(tiny.notebook, 4), problems(tiny)
    course = edit_config(tiny.course.root, FORK)
    (lesson,) = find_lessons(course)
    assert len(problems(lesson)) > len(allowed)
    assert stamp.stamp_course(course) == [lesson.notebook]
    assert stamp.stamp_course(course) == []
    after = nbformat.read(lesson.notebook, 4)
    text = json.dumps(after)
    assert f"{FORK_SITE}/deepcourse-{course.version}-py3-none-any.whl" in text
    assert f"{FORK_SITE}/book/bibliography.html#lin2017" in text
    assert Course(ROOT).site_url not in text
    outputs = [[c.get("outputs") for c in notebook.cells] for notebook in (before, after)]
    assert outputs[0] == outputs[1]
    assert recorded_hash(after) == source_hash(after, course) != recorded_hash(before)
    assert problems(lesson) == allowed


def test_a_stale_lesson_gets_the_address_and_stays_stale(tiny, edit):
    edit("np.ones((6, 7))", "np.ones((7, 6))")
    course = edit_config(tiny.course.root, FORK)
    before = recorded_hash(nbformat.read(tiny.notebook, 4))
    assert stamp.stamp_course(course) == [tiny.notebook]
    assert stamp.stamp_course(course) == []
    text = tiny.notebook.read_text(encoding="utf-8")
    assert course.wheel_url in text
    assert Course(ROOT).site_url not in text
    assert recorded_hash(nbformat.read(tiny.notebook, 4)) == before
    assert any("[fresh]" in str(problem) for problem in problems(find_lessons(course)[0]))


def test_the_publishing_workflow_needs_no_edit(tiny, monkeypatch):
    monkeypatch.setenv("COURSE_REPOSITORY", FORK + "/")
    monkeypatch.setenv("COURSE_BRANCH", "published")
    for name in stamp.TEXTS:
        (tiny.course.root / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    monkeypatch.chdir(tiny.course.root)
    answer = CliRunner().invoke(cli.app, ["stamp"])
    assert answer.exit_code == 0, answer.output
    assert "README.md: now says https://github.com/Somebody/a.course\n" in answer.output
    readme = (tiny.course.root / "README.md").read_text("utf-8")
    assert f"({FORK_SITE})" in readme
    assert "mybinder.org/v2/gh/Somebody/a.course/published?urlpath=" in readme
    citation = (tiny.course.root / "CITATION.cff").read_text("utf-8")
    assert f"repository-code: {FORK}\n" in citation
    assert FORK_SITE in tiny.notebook.read_text("utf-8")


def test_the_buttons_of_the_site_take_the_address_of_the_workflow(tmp_path, monkeypatch):
    folder = site_course.make_course(tmp_path / "course")
    monkeypatch.setenv("COURSE_REPOSITORY", FORK)
    monkeypatch.setenv("COURSE_BRANCH", "published")
    monkeypatch.setattr(site_course, "ADDRESS", FORK_SITE)
    site_course.write_notebook(folder / f"{site_course.LESSON}.ipynb", site_course.sample_cells())
    status, said = site_course.build(folder)
    assert status == 0, said
    page = (folder / "_build" / "html" / f"{site_course.LESSON}.html").read_text("utf-8")
    assert f"/github/Somebody/a.course/blob/published/{site_course.LESSON}.ipynb" in page
    assert f"{FORK}/edit/main/" in page
    assert f"{FORK}/issues/new" in page


@pytest.mark.parametrize(
    "url", ["", "github.com/a/b", "https://github.com/a", "https://g.com/a/b/c"]
)
def test_an_address_that_is_none_is_refused(tiny, url):
    course = edit_config(tiny.course.root, url)
    with pytest.raises(CourseError, match=r"expected repository: url: https://github.com/OWNER/NA"):
        _ = course.site_url


def test_the_site_of_a_repository_called_like_it_has_no_folder(tiny):
    course = edit_config(tiny.course.root, "https://github.com/Ada/ada.github.io")
    assert course.site_url == "https://ada.github.io"
