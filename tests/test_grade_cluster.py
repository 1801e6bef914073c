"""Grading on a Dask cluster of two worker processes on this machine, one of which is killed."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

import grading
from conftest import ROOT
from coursekit.classes import new_class
from coursekit.course import Course
from coursekit.demo import add_demo
from coursekit.errors import CourseError
from coursekit.grading import cluster as module
from coursekit.grading.cluster import cluster
from coursekit.grading.exports import export
from coursekit.grading.grade import grade_class
from tiny_assignment import TEXT

SLOW = "\n# %%\nimport time\n\ntime.sleep(1)  # so that a worker can be ended in the middle\n"


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    """A class with made-up students that nobody graded yet."""
    place = tmp_path_factory.mktemp("cluster")
    (place / "bank").mkdir()
    (place / "bank" / "tiny.py").write_text(TEXT + SLOW, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("coursekit.lessons.SETUP", "")  # spares imports of torch
        new_class(Course(ROOT), place / "class", ["tiny"], place / "bank")
        add_demo(Course(ROOT), place / "class", place / "bank")
    return place / "class"


@contextlib.contextmanager
def processes(place, workers):
    """Start a scheduler and workers that listen on this machine only; yield (address, workers)."""
    dask = [sys.executable, "-m", "distributed.cli.dask_{}", "--host", "127.0.0.1"]
    file = place / "scheduler.json"
    options = ["--no-dashboard", "--scheduler-file", str(file)]
    commands = [[*dask, *options, "--port", "0"]]
    commands += [[*dask, *options, "--nthreads", "1", "--no-nanny"] for _ in range(workers)]
    started = []
    try:
        for number, command in enumerate(commands):
            kind = "worker" if number else "scheduler"
            words = [word.format(kind) for word in command]
            environment = os.environ | grading.PINNED
            with (place / f"{kind}-{number}.log").open("w") as log:
                started.append(subprocess.Popen(words, env=environment, stderr=log, stdout=log))
            while not file.exists():
                assert started[0].poll() is None, (place / "scheduler-0.log").read_text()
                time.sleep(0.1)
        yield json.loads(file.read_text())["address"], started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_every_grade_is_right_though_a_worker_is_killed_half_way(group, tmp_path):
    seen = []
    with processes(tmp_path, 2) as (address, workers), cluster(address, 2) as pool:

        def progress(done, total):
            seen.append((done, total))
            if done == 3:
                workers[0].send_signal(signal.SIGKILL)

        grade_class(group, "tiny", progress=progress, pool=pool)
        assert workers[0].wait(timeout=10) == -signal.SIGKILL
        assert workers[1].poll() is None
    assert seen[-1] == (9, 9)
    export(group, ["tiny"])
    with (group / "grades" / "tiny.csv").open(newline="") as file:
        points = {
            row["student_id"]: sum(float(v or 0) for k, v in row.items() if k.startswith("test-"))
            for row in csv.DictReader(file)
        }
    with (group / "expected.csv").open(newline="") as file:
        wanted = {row["student"]: float(row["by tests"]) for row in csv.DictReader(file)}
    assert points == wanted


def test_a_scheduler_that_is_not_there_is_an_error_with_the_remedy(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 1)
    with (
        pytest.raises(CourseError, match="start one with `dask scheduler`"),
        cluster("tcp://127.0.0.1:1"),
    ):
        pass


def test_a_scheduler_without_workers_is_an_error_with_the_remedy(tmp_path, monkeypatch):
    with processes(tmp_path, 0) as (address, _):
        monkeypatch.setattr(module, "SECONDS", 3)
        with pytest.raises(CourseError, match=f"dask worker {address}"), cluster(address):
            pass


def test_a_worker_with_other_versions_is_refused(tmp_path, monkeypatch):
    with processes(tmp_path, 1) as (address, _):
        monkeypatch.setattr("platform.python_version", lambda: "2.7")
        with pytest.raises(CourseError, match=r"expected Python 2\.7.* as here"), cluster(address):
            pass
