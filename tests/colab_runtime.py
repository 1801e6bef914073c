"""Run the course's notebooks as Colab would, without Colab.

    python tests/colab_runtime.py [VERSIONS ...] [--only NAME ...] [--python PYTHON] [--torch X.Y]

An environment gets the versions of a Colab runtime (`tests/colab/VERSIONS.txt`), with this
machine's Python and torch unless others are named. Each notebook then lies alone in an empty
folder and fetches the course's wheel from a server on this machine, through `.ci/colab`, which the
weekly workflow runs in Colab's own image. Assignments are the students' versions with the
reference solution filled in.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import nbformat

from coursekit.assignment_rules import read_assignment
from coursekit.assignments import find_assignments
from coursekit.course import Course
from coursekit.demo import right_answers
from coursekit.lessons import find_lessons
from coursekit.release import student_notebook
from coursekit.site import make_server

COURSE = Course.find(__file__)
FOLDER = COURSE.root / "tests" / "colab"
ENVIRONMENTS = COURSE.root / "_build" / "colab"
RUNTIMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
SETUP_SECONDS = 5.0
TRIES = 3  # another program may take the cores while one set-up cell runs


def make_environment(runtime, python=sys.executable, torch=None):
    """Return the Python of an environment with the versions of `runtime`; made once."""
    wanted = FOLDER / f"{runtime}.txt"
    torch = torch or next(
        line.split("==")[1]
        for line in (COURSE.root / "constraints.txt").read_text("utf-8").splitlines()
        if line.startswith("torch==")
    )
    say = [python, "-c", "import sys; print(sys.version)"]
    version = subprocess.run(say, capture_output=True, text=True, check=True).stdout
    key = hashlib.sha256(f"{wanted.read_text('utf-8')} {torch} {version}".encode()).hexdigest()[:12]
    folder = ENVIRONMENTS / f"{runtime}-{key}"
    program = folder / "bin" / "python3"
    if not (folder / "complete").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        quiet = ["install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [program, "-m", "pip", *quiet, "-r", str(wanted), f"torch=={torch}"], check=True
        )
        (folder / "complete").touch()
    return program


@contextmanager
def published_wheel():
    """Build the wheel and serve it on this machine; give the address of its folder."""
    with tempfile.TemporaryDirectory(prefix="coursekit-") as place:
        source = Path(place) / "source"  # a build leaves traces, which must not be in the wheel
        shutil.copytree(COURSE.root / "src", source / "src", ignore=_unbuilt)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(COURSE.root / name, source / name)
        quiet = ["--quiet", "--disable-pip-version-check", "--no-deps"]
        built = Path(place) / "site"
        command = [sys.executable, "-m", "pip", "wheel", *quiet, "--wheel-dir", str(built)]
        subprocess.run([*command, str(source)], check=True)
        with make_server(built) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()


def notebooks():
    """Return {name: notebook} of all lessons and of all assignments, solved."""
    found = {each.name: nbformat.read(each.notebook, 4) for each in find_lessons(COURSE)}
    return found | {f"assignment_{a.name}": solved(a) for a in find_assignments(COURSE)}


def solved(assignment):
    """Return the students' version of an assignment with the reference solution in it."""
    answers = right_answers(read_assignment(assignment))
    notebook = student_notebook(assignment)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    return notebook


def run(program, notebook, name, address):
    """Run one notebook alone in an empty folder; return (problem or "", set-up seconds)."""
    for cell in notebook.cells:
        cell.source = cell.source.replace(COURSE.wheel_url, f"{address}/{_wheel_name()}")
    pip = [program, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "uninstall", "-qqq", "-y", "deepcourse"], check=True)
    with tempfile.TemporaryDirectory(prefix="colab-") as place:
        path = Path(place) / f"{name}.ipynb"
        nbformat.write(notebook, path)
        answer = subprocess.run(
            ["bash", str(COURSE.root / ".ci" / "colab"), place, place],
            env=_outside(program),
            cwd=place,
            capture_output=True,
            text=True,
        )
        if answer.returncode:
            return (answer.stdout + answer.stderr).strip(), None
        return "", _setup_seconds(nbformat.read(path, 4))


def setup_is_slow(program, notebook, address, seconds):
    """Return what is wrong when set-up took too long, `seconds` and again when it runs alone."""
    alone = nbformat.v4.new_notebook(cells=[next(c for c in notebook.cells if _is_setup(c))])
    for _ in range(TRIES):
        if seconds <= SETUP_SECONDS:
            return ""
        problem, seconds = run(program, alone, "setup", address)
        if problem:
            return problem
    return f"expected a set-up below {SETUP_SECONDS} s, came {seconds:.1f} s {TRIES} times"


def _outside(program):
    """Return an environment in which nothing of this checkout is to be seen."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "JUPYTER", "MPL"))}
    kept.pop("VIRTUAL_ENV", None)
    return kept | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


def _is_setup(cell):
    return cell.cell_type == "code" and "repro.start(" in cell.source


def _setup_seconds(notebook):
    cell = next(cell for cell in notebook.cells if _is_setup(cell))
    times = cell.metadata["execution"]
    begin, end = (
        datetime.fromisoformat(times[key]) for key in ("iopub.execute_input", "shell.execute_reply")
    )
    return (end - begin).total_seconds()


def _wheel_name():
    return COURSE.wheel_url.rpartition("/")[2]


def _unbuilt(_folder, names):
    return [name for name in names if name == "__pycache__" or name.endswith(".egg-info")]


def main():
    """Run the notebooks in each runtime; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runtimes", nargs="*", metavar="VERSIONS", help=", ".join(RUNTIMES))
    parser.add_argument("--only", nargs="*", help="names of lessons and of assignment_NAME")
    parser.add_argument("--python", default=sys.executable, help="the Python to use")
    parser.add_argument("--torch", help="the torch to use (default: that of constraints.txt)")
    options = parser.parse_args()
    failed = 0
    with published_wheel() as address:
        for runtime in options.runtimes or RUNTIMES:
            program = make_environment(runtime, options.python, options.torch)
            for name, notebook in notebooks().items():
                if options.only and name not in options.only:
                    continue
                problem, seconds = run(program, notebook, name, address)
                problem = problem or setup_is_slow(program, notebook, address, seconds)
                failed += bool(problem)
                said = problem or f"passed, set-up {seconds:.1f} s"
                print(f"{runtime} {name}: {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
