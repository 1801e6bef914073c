"""What a run took is written by the run; the book's page is made of that and of nothing else."""

import nbformat
import pytest
import torch
from typer.testing import CliRunner

from conftest import ROOT
from coursekit import build, cli, stamp, status
from coursekit.build import recorded_hash
from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.lessons import find_lessons


@pytest.mark.parametrize("lesson", find_lessons(Course(ROOT)), ids=lambda lesson: lesson.name)
def test_each_lesson_was_measured_as_it_stands(lesson):
    row = status.records(lesson.course, "cpu").get(lesson.name)
    now = recorded_hash(nbformat.read(lesson.notebook, 4))
    assert row is not None, "run `make notebooks`"
    assert row["source_hash"] == now, "run `.venv/bin/coursekit time` for this lesson"
    assert row["download_bytes"] == 0, "a lesson downloads nothing"
    assert row["cpu_seconds"] <= 60, "a lesson takes at most a minute"


def test_building_a_lesson_writes_down_what_it_took(tiny):
    row = status.records(tiny.course, "cpu")["tiny"]
    assert row["source_hash"] == recorded_hash(nbformat.read(tiny.notebook, 4))
    assert 0.1 < row["cpu_seconds"] < 60
    assert row["versions"]["torch"] == torch.__version__.split("+")[0]


def test_what_a_lesson_downloads_is_counted(tiny, edit):
    fetch = (
        "import os, pathlib\n"
        "(pathlib.Path(os.environ['DEEPCOURSE_DATA']) / 'a').write_bytes(bytes(42))\n"
    )
    edit("print(X.size)", fetch + "print(X.size)")
    build.build(tiny)
    assert status.records(tiny.course, "cpu")["tiny"]["download_bytes"] == 42


def test_a_lesson_that_fails_leaves_the_record_as_it_was(tiny, edit):
    before = status.records(tiny.course, "cpu")
    edit("at_most=2", "at_most=0")
    with pytest.raises(CourseError, match="ClaimError"):
        build.measure(tiny, "cpu")
    assert status.records(tiny.course, "cpu") == before


def test_the_command_measures_and_leaves_the_notebook_alone(tiny, monkeypatch):
    before = tiny.notebook.read_bytes()
    (tiny.course.root / "notebooks" / "status" / "cpu.json").unlink()
    monkeypatch.chdir(tiny.course.root)
    answer = CliRunner().invoke(cli.app, ["time"])
    assert answer.exit_code == 0, answer.output
    assert "tiny:" in answer.output
    assert "CPU seconds" in answer.output
    assert tiny.notebook.read_bytes() == before
    assert set(status.records(tiny.course, "cpu")) == {"tiny"}


def test_a_new_address_leaves_a_measurement_as_good_as_it_was(tiny):
    config = tiny.course.root / "_config.yml"
    text = config.read_text("utf-8").replace("/example/deepcourse", "/somebody/fork")
    config.write_text(text, "utf-8")
    before = status.records(tiny.course, "cpu")["tiny"]["source_hash"]
    stamp.stamp_course(Course(tiny.course.root))
    after = status.records(tiny.course, "cpu")["tiny"]["source_hash"]
    assert after == recorded_hash(nbformat.read(tiny.notebook, 4)) != before


@pytest.mark.parametrize(
    ("device", "message"),
    [("tpu", "expected --device cpu or cuda, came 'tpu'"), ("cuda", "sees no GPU here")],
)
def test_a_device_that_is_not_there_is_refused(monkeypatch, device, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CourseError, match=message):
        status.require_device(device)
