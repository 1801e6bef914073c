"""Hostile notebooks: each is contained, prevented or flagged, and no honest student notices."""

import hashlib
import json
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import pytest

import grade_course as course
import grade_hostile as hostile
import grade_user

TESTS = ("test-mean", "test-hidden", "test-share", "test-draw")
HONEST = ("honest", "zoe")  # the first and the last of the class


class Listener:
    """Takes connections from this machine, by the network and by an abstract address."""

    def __init__(self):
        self.heard = []
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0coursekit-{self.port}")
        self.abstract.listen()
        for each in (self.tcp, self.abstract):
            threading.Thread(target=self._listen, args=(each,), daemon=True).start()

    def _listen(self, server):
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return
            self.heard.append(server)


def files_of(folder):
    """Return {path: hash} of what no submission may change."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("source", "release", "submitted")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o170000 == 0o100000
    }


def kinds():
    """Return the ways of grading to be tested: (sandbox, as an ordinary user or not)."""
    ways = [("namespaces", False), ("namespaces", True)]
    return [w for w in ways if not w[1] or os.geteuid() == 0]


@pytest.fixture(
    scope="module", params=kinds(), ids=lambda way: f"{way[0]}-{'user' if way[1] else 'own'}"
)
def graded(request):
    """The hostile class, graded; a namespace of what is to be looked at."""
    sandbox, as_user = request.param
    why = grade_user.why_not(sandbox, as_user)
    if why:
        pytest.skip(f"hostile set not run with {sandbox}{' as a user' * as_user}: {why}")
    place = Path(tempfile.mkdtemp(prefix="hostile-"))  # pytest's own folder is closed to others
    place.chmod(0o755)
    folder, listener = place / "course", Listener()
    released = course.make_course(folder)
    secret = place / "secret.txt"
    secret.write_text("LEAK")
    for name in HONEST:
        course.submit(folder, name, course.answered(released, **course.RIGHT))
    for name, code in hostile.VANDALS.items():
        course.submit(folder, f"v-{name}", hostile.vandal(released, code, folder, listener.port))
    for name, code in hostile.CHEATS.items():
        course.submit(folder, f"c-{name}", hostile.cheat(released, code))
    for name, work in hostile.tests_changed(released):
        place_ = folder / "submitted" / f"t-{name}" / course.NAME
        place_.mkdir(parents=True)
        (place_ / f"{course.NAME}.ipynb").write_text(json.dumps(work))
    for name, work, _ in hostile.files(released, secret):
        course.submit(folder, f"f-{name}", work)
    before = files_of(folder)
    command = grade_user.command(folder) if as_user else ()
    limits = ("--cell-seconds", "2", "--memory", "1500", "--workers", "4")
    said = course.grade(folder, *limits, "--sandbox", sandbox, command=command, timeout=1500)
    listener.tcp.close()
    listener.abstract.close()
    yield {
        "folder": folder,
        "said": said,
        "before": before,
        "heard": listener.heard,
        "rows": course.rows(folder, comments=False),
        "states": course.states(folder),
        "listed": {f"f-{n}": fit for n, _, fit in hostile.files(released, secret)},
    }
    shutil.rmtree(place, ignore_errors=True)


def points(graded, student):
    """Return the points that the tests gave."""
    return [graded["rows"].get((student, name), [None])[0] for name in TESTS]


def test_the_protection_is_named(graded):
    assert "protection: namespaces" in graded["said"]


def test_honest_students_get_all_points_and_no_flag(graded):
    for student in HONEST:
        assert points(graded, student) == [1, 2, 1, 1]
        assert graded["states"][student][0] == "needs manual grading"


def test_every_submission_is_in_the_table_and_none_has_an_empty_grade(graded):
    handed_in = {path.name for path in (graded["folder"] / "submitted").iterdir()}
    assert graded["states"].keys() == handed_in
    for (student, name), (score, _, needs) in graded["rows"].items():
        assert score is not None or needs, (student, name)


def test_nothing_outside_is_changed_and_nothing_leaks(graded):
    assert files_of(graded["folder"]) == graded["before"]
    for path in (graded["folder"] / "autograded").rglob("*"):
        if path.is_file() and path.suffix == ".ipynb":
            text = path.read_text("utf-8")
            assert "LEAK " not in text.replace("'LEAK'", ""), path
    for path in ("/usr/vandal", "/tmp/vandal", graded["folder"].parent / "vandal"):
        assert not Path(path).exists()


def test_nothing_reaches_the_network(graded):
    assert graded["heard"] == []


def test_nothing_is_left_running(graded):
    assert grade_user.left_over() == []


@pytest.mark.parametrize("name", hostile.CHEATS)
def test_a_cheat_gets_no_points_or_is_flagged(graded, name):
    state, reason = graded["states"][f"c-{name}"]
    assert not any(points(graded, f"c-{name}")) or state == "tampering suspected", reason


def test_changed_tests_are_put_right_and_give_no_points(graded):
    names = [s for s in graded["states"] if s.startswith("t-")]
    assert len(names) == 11
    assert {name: points(graded, name) for name in names} == {name: [0, 0, 0, 0] for name in names}


def test_files_that_are_no_notebooks_are_listed_and_the_rest_is_graded(graded):
    for name, fit in graded["listed"].items():
        state = graded["states"][name][0]
        if fit:
            assert points(graded, name) == [1, 2, 1, 1], (name, graded["states"][name])
        else:
            assert state == "could not be read", name


def test_what_ran_out_of_time_or_broke_off_is_called_so(graded):
    for name in ("sleeps", "ignores-interrupts", "blocks-signals", "stops-itself"):
        assert graded["states"][f"v-{name}"][0] == "timed out", name
    for name in ("exits", "segfault", "aborts", "kills-group"):
        assert graded["states"][f"v-{name}"][0] == "crashed", name


def test_output_without_end_is_cut(graded):
    for name in ("prints-for-ever", "stderr-for-ever", "displays-for-ever"):
        path = graded["folder"] / "autograded" / f"v-{name}" / course.NAME / f"{course.NAME}.ipynb"
        assert path.stat().st_size < 20 << 20
        assert "long output was cut" in graded["states"][f"v-{name}"][1]
