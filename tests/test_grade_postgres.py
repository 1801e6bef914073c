"""Grading on a PostgreSQL gradebook: a real server, on this machine's loopback only."""

import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import nbformat
import pytest

import grade_course as course
from coursekit.errors import CourseError
from coursekit.grading.collect import collect
from coursekit.grading.exports import export
from coursekit.grading.feedback import give_feedback
from coursekit.grading.roster import open_gradebook

SERVERS = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)
INITDB = shutil.which("initdb") or next(iter(SERVERS), None)


@contextlib.contextmanager
def server():
    """Start PostgreSQL in a folder of its own, as an ordinary user; yield the gradebook's URL."""
    if not INITDB:
        pytest.skip("PostgreSQL not tested: no initdb on this machine (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a socket's path must be short
    who = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = pwd.getpwnam("nobody")
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(folder, user.pw_uid, user.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, where = str(folder / "data"), Path(INITDB).resolve().parent
    subprocess.run(
        [INITDB, "-D", data, "-U", "grader", "-A", "trust", "-N"],
        check=True, capture_output=True, cwd=folder, **who,
    )  # fmt: skip
    options = ["-p", str(port), "-k", str(folder), "-h", "127.0.0.1", "-F"]
    binary = shutil.which("postgres") or str(where / "postgres")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [binary, "-D", data, *options], stdout=log, stderr=log, cwd=folder, **who
        )
    try:
        yield f"postgresql://grader@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def wait_for(url):
    """Wait until the server takes connections."""
    for _ in range(100):
        try:
            with open_gradebook(url):
                return
        except CourseError as error:
            why = error
            time.sleep(0.1)
    pytest.fail(f"PostgreSQL did not start: {why}")


def tables(folder, db, inbox):
    """Collect and grade the zip's work on the gradebook `db`; return the exported table."""
    collect(folder, inbox, course.NAME, db=db)
    course.grade(folder, *(["--db", db] if db else []))
    given = give_feedback(folder, course.NAME, db=db)
    assert len(given.written) == 3
    assert not given.failed
    path = export(folder, [course.NAME], db=db)[0]
    return path.read_text("utf-8")


def test_grades_on_postgresql_equal_those_on_sqlite(tmp_path):
    # PostgreSQL holds nbgrader to its foreign keys: without a course_id it makes no assignment.
    config = course.CONFIG + "c.CourseDirectory.course_id = 'autumn'\n"
    with server() as url:
        wait_for(url)
        released = course.make_course(tmp_path / "lite", config)
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        works = {"ada": course.RIGHT, "ben": {**course.RIGHT, "mean": "def mean(v):\n    return 0"}}
        for student, answers in (works | {"cy": {}}).items():
            notebook = course.answered(released, **answers)
            nbformat.write(notebook, inbox / f"{student}.ipynb")
        course.copy(tmp_path / "lite", tmp_path / "big")
        (tmp_path / "big" / "gradebook.db").unlink()
        again = ("generate_assignment", course.NAME, "--force", f"--db={url}")
        course.nbgrader(tmp_path / "big", *again)
        for db in (url, f"sqlite:///{tmp_path}/lite/gradebook.db"):
            with open_gradebook(db) as book:
                for student in ("ada", "ben", "cy"):
                    book.add_student(student)
        lite = tables(tmp_path / "lite", None, inbox)
        assert tables(tmp_path / "big", url, inbox) == lite
        assert not (tmp_path / "big" / "gradebook.db").exists()
        assert lite.count("needs manual grading") == 3


def test_a_server_that_is_not_there_is_said_without_the_password(tmp_path):
    with pytest.raises(CourseError) as said:
        open_gradebook("postgresql://grader:secret@127.0.0.1:1/none")
    assert "cannot be opened" in str(said.value)
    assert "secret" not in str(said.value)
