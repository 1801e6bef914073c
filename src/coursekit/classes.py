"""Make an nbgrader course folder from the book's assignments and an instructor's private ones.

What is made is stock nbgrader: `source/`, `release/`, `nbgrader_config.py` and a gradebook filled
by `nbgrader generate_assignment`. Nothing that is there already is ever written over.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from coursekit.assignments import find_assignment, find_assignments
from coursekit.errors import CourseError
from coursekit.normalize import write
from coursekit.release import refuse_to_leak, source_notebook, student_notebook

CONFIG = '''\
"""Settings of this class for nbgrader: change what you like, nothing writes this file again."""

import os
import warnings

folder = os.path.dirname(os.path.abspath(__file__))
c = get_config()  # noqa: F821 - nbgrader gives it
c.CourseDirectory.root = folder
c.CourseDirectory.course_id = os.path.basename(folder)

# One thread a notebook, and much time a cell: a busy machine must not cost a student points.
for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{name}_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "agg"
c.Execute.timeout = 300  # seconds a cell
c.Execute.extra_arguments = ["--Application.log_level=40"]  # no word about open ports
warnings.filterwarnings("ignore", module=r"nbgrader\\.")  # its own, about its database code

try:  # where the course is installed: stubs that name their task, kernels that do not hang
    from coursekit.kernels import PatientManager
    from coursekit.stubs import WITH_GRADEBOOK
except ImportError:
    pass
else:
    c.GenerateAssignment.preprocessors = WITH_GRADEBOOK
    c.Execute.kernel_manager_class = PatientManager
'''


def new_class(course, folder, names=None, bank=None):
    """Make class `folder` with the assignments called `names` (default: all); return their names.

    Raises CourseError, having written nothing, when the folder is taken, lies in the checkout, or
    an assignment breaks a rule.
    """
    folder = Path(folder).resolve()
    if folder.exists():
        raise CourseError(
            f"{folder} is there already and is left as it is: choose another name, or add an "
            f"assignment to that class with `coursekit class add {folder.name} NAME`"
        )
    if folder.is_relative_to(course.root):
        raise CourseError(
            f"{folder} would lie inside the checkout {course.root}, from where students' work and "
            "grades could be published by accident: choose a folder outside it"
        )
    chosen = [find_assignment(course, name, bank) for name in names or []]
    chosen = chosen or find_assignments(course, bank)
    if not chosen:
        raise CourseError("the book has no assignments yet: give your own with --bank FOLDER")
    pairs = [(each, source_notebook(each), student_notebook(each)) for each in chosen]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
        made = Path(place) / folder.name
        made.mkdir()
        (made / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
        for pair in pairs:
            _put(made, *pair)
        made.rename(folder)
    return [each.name for each in chosen]


def add_assignment(course, folder, name, bank=None):
    """Add the assignment called `name` to class `folder`; return its name.

    Raises CourseError when the folder is no class or has an assignment of that name.
    """
    folder = require_class(folder)
    assignment = find_assignment(course, name, bank)
    for part in ("source", "release"):
        taken = folder / part / assignment.name
        if taken.exists():
            raise CourseError(
                f"{taken} is there already and is left as it is: to teach a changed version, give "
                "it another name; to take the new text, move that folder away first"
            )
    _put(folder, assignment, source_notebook(assignment), student_notebook(assignment))
    return assignment.name


def require_class(folder):
    """Return `folder` as a full path; raise CourseError unless it is a class."""
    folder = Path(folder).resolve()
    if not (folder / "nbgrader_config.py").is_file():
        raise CourseError(
            f"expected a class folder (with nbgrader_config.py), came {folder}: make one with "
            "`coursekit class new FOLDER`"
        )
    return folder


def own_path():
    """Return a PATH that finds this environment's programs, though it may not be activated.

    nbgrader makes a gradebook with alembic, which it calls by name.
    """
    here, path = str(Path(sys.executable).parent), os.environ.get("PATH", "")
    return path if path.split(os.pathsep)[0] == here else os.pathsep.join([here, path])


def nbgrader(folder, *arguments):
    """Run stock nbgrader in class `folder`; return what it said, raise CourseError if it fails."""
    ran = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=os.environ | {"JUPYTER_PREFER_ENV_PATH": "1", "PATH": own_path()},
        capture_output=True,
        text=True,
    )
    if ran.returncode != 0:
        raise CourseError(
            f"`nbgrader {' '.join(arguments)}` failed in {folder}; it said:\n"
            f"{(ran.stdout + ran.stderr).strip()[-3000:]}"
        )
    return ran.stdout + ran.stderr


def _put(folder, assignment, source, student):
    """Write an assignment's source, let nbgrader release it, and hold the release to ours."""
    name = assignment.name
    write(source, folder / "source" / name / f"{name}.ipynb")
    nbgrader(folder, "generate_assignment", name)
    path = folder / "release" / name / f"{name}.ipynb"
    released = nbformat.read(path, 4)
    refuse_to_leak(assignment, released)
    if released.cells != student.cells:
        shutil.rmtree(path.parent)
        raise CourseError(
            f"nbgrader released {name} otherwise than coursekit expects, so the release is taken "
            "away again: look for other nbgrader settings with `nbgrader generate_config` and "
            "`jupyter --paths`"
        )
