"""Finds out, by trying, which protection this machine offers, and refuses to grade without one."""

import dataclasses
import os
import shutil
import sys

from coursekit.errors import CourseError
from coursekit.grading import sandbox
from coursekit.grading.jobs import DONE, Cell, Job, Limits, Notebook
from coursekit.grading.runner import run

WORDS = {
    sandbox.NAMESPACES: "namespaces: no network, own files, processes and user, limits",
    sandbox.BUBBLEWRAP: "bubblewrap: no network, own files and processes, limits; slower start",
    sandbox.NONE: "NONE: students' code can read and change what you can; limits only",
}
PROBE = """
import os, socket
hidden, user, shared = {hidden!r}, {user!r}, {shared!r}
for name, outside in shared.items():
    assert os.readlink("/proc/self/ns/" + name) != outside, name + " is that of the grader"
assert not any(os.path.exists(path) and os.listdir(path) for path in hidden), "files are visible"
assert not os.access("/usr", os.W_OK) and not os.access("/etc", os.W_OK), "/usr can be written"
assert user != 0 or os.getuid() != 0, "the user is still root"
line = next(line for line in open("/proc/self/status") if line.startswith("NoNewPrivs"))
assert line.split()[1] == "1", "privileges can be gained"
try:
    socket.create_connection(("198.51.100.1", 9), timeout=0.2)
except TimeoutError:
    raise AssertionError("the network is there")
except OSError:
    pass
"""


def find_protection(setup, unsafe=False):
    """Return `setup` with the best kind of sandbox that works here, as tried out just now.

    Raises CourseError when there is none, unless `unsafe`.
    """
    if not sys.platform.startswith("linux"):
        raise CourseError(
            f"expected Linux, came {sys.platform}: its sandbox needs Linux. Grade on a Linux "
            "machine (WSL 2 and containers are fine) or with stock `nbgrader autograde`"
        )
    asked = setup.sandbox
    kinds = [sandbox.NAMESPACES, sandbox.BUBBLEWRAP] if asked == "auto" else [asked]
    reasons = []
    for kind in kinds:
        if kind == sandbox.NONE:
            break
        tried = dataclasses.replace(setup, sandbox=kind)
        if not (why := why_not(tried)):
            return tried
        reasons.append(f"{kind}: {why}")
    if unsafe:
        return dataclasses.replace(setup, sandbox=sandbox.NONE)
    raise CourseError(
        "expected a sandbox for the students' code, but none works here\n  "
        + "\n  ".join(reasons)
        + "\nInstall bubblewrap (apt-get install bubblewrap), or allow user namespaces (on Ubuntu "
        "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`). In a container that is only "
        "for grading, --unsafe grades without"
    )


def why_not(setup):
    """Return "" when a sandbox of this setup works and holds, else why not."""
    if setup.sandbox == sandbox.BUBBLEWRAP and not shutil.which("bwrap"):
        return "not installed"
    names = ("net", "pid", "mnt", "ipc")
    shared = {name: os.readlink(f"/proc/self/ns/{name}") for name in names}
    source = PROBE.format(hidden=list(setup.hidden), user=os.geteuid(), shared=shared)
    cells = (Cell(0, source),)
    job = Job("probe", "probe", (Notebook("probe", cells),), setup, Limits(cell=20, total=20))
    try:
        outcome = run(job).runs[0]
    except (CourseError, OSError) as problem:
        return str(problem)
    errors = [o for o in outcome.outputs.get(0, []) if o["output_type"] == "error"]
    if outcome.status != DONE or errors:
        return outcome.why or f"{errors[0]['ename']}: {errors[0]['evalue']}"
    return ""
