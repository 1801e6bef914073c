"""A small stock nbgrader course and students of every kind, for the tests of grading."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NAME = "hw"
CONFIG = """\
import os, warnings
c = get_config()
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.Execute.timeout = 6
for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{name}_NUM_THREADS"] = "1"
c.Execute.extra_arguments = ["--Application.log_level=40"]
warnings.filterwarnings("ignore", module=r"nbgrader\\.")
"""
MEAN = "def mean(values):\n    return np.sum(values) / len(values)"
SHARE = "def share():\n    return 1.0"
DRAW = "def draw():\n    return len(plt.plot([1, 2, 3]))"
RIGHT = {"mean": MEAN, "share": SHARE, "draw": DRAW, "words": "It depends.", "code": "print(1)"}


def _meta(name, grade=False, solution=False, locked=False, points=None, task=False):
    meta = {"schema_version": 3, "grade_id": name, "grade": grade, "solution": solution}
    meta |= {"locked": locked, "task": task}
    return {"nbgrader": meta | ({} if points is None else {"points": points})}


def source():
    """Return the source notebook: answers, visible and hidden tests, cells graded by hand."""
    answer = {"solution": True}
    test = {"grade": True, "locked": True}
    hidden = "### BEGIN HIDDEN TESTS\nassert mean([4, 6]) == 5\n### END HIDDEN TESTS"
    plan = [
        ("md", "# Homework", None),
        ("code", "import matplotlib.pyplot as plt\nimport numpy as np", None),
        ("code", MEAN, _meta("mean", **answer)),
        ("code", "assert mean([1, 3]) == 2", _meta("test-mean", points=1, **test)),
        ("code", "assert mean([2]) == 2\n" + hidden, _meta("test-hidden", points=2, **test)),
        ("code", SHARE, _meta("share", **answer)),
        ("code", "share()", _meta("test-share", points=2, **test)),
        ("code", DRAW, _meta("draw", **answer)),
        ("code", "assert draw() == 1\nplt.close()", _meta("test-draw", points=1, **test)),
        ("md", "Why?", _meta("words", grade=True, solution=True, points=3)),
        ("code", "pass", _meta("code", grade=True, solution=True, points=2)),
        ("md", "Do something.", _meta("task", task=True, locked=True, points=1)),
    ]
    cells = []
    for number, (kind, text, meta) in enumerate(plan):
        make = new_code_cell if kind == "code" else new_markdown_cell
        name = (meta or {}).get("nbgrader", {}).get("grade_id", "")
        if name in ("mean", "share", "draw"):
            text = f"### BEGIN SOLUTION\n{text}\n### END SOLUTION"
        cells.append(make(text, metadata=meta or {}, id=name or f"given-{number}"))
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": spec})


def _environment(**extra):
    """Return the variables for a command: ipykernel captures less where it sees pytest's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    own = {"JUPYTER_PREFER_ENV_PATH": "1", "PATH": path, "OMP_NUM_THREADS": "1"}
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | own | extra


def nbgrader(folder, *arguments, check=True, **environment):
    """Run stock nbgrader in a course; return what it said."""
    ran = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=_environment(**environment),
        capture_output=True,
        text=True,
        timeout=1200,
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0 or not check, said
    return said


def make_course(folder, config=CONFIG):
    """Make a course with the assignment released; return the released notebook."""
    folder.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(config, "utf-8")
    (folder / "source" / NAME).mkdir(parents=True)
    nbformat.write(source(), folder / "source" / NAME / f"{NAME}.ipynb")
    nbgrader(folder, "generate_assignment", NAME)
    return nbformat.read(folder / "release" / NAME / f"{NAME}.ipynb", 4)


def answered(released, **answers):
    """Return the released notebook with these cells' sources; None deletes the cell."""
    notebook = nbformat.from_dict(released)
    notebook.cells = [c for c in notebook.cells if answers.get(c.id, "") is not None]
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    return notebook


def cell(notebook, name):
    """Return the cell with this id."""
    return next(each for each in notebook.cells if each.id == name)


def submit(folder, student, work, name=f"{NAME}.ipynb"):
    """Hand in a notebook, or bytes, or a function that fills the folder."""
    place = folder / "submitted" / student / NAME
    place.mkdir(parents=True, exist_ok=True)
    if callable(work):
        work(place)
    elif isinstance(work, bytes):
        (place / name).write_bytes(work)
    else:
        nbformat.write(work, place / name)


def grade(folder, *arguments, check=True, command=(), timeout=900):
    """Run `coursekit grade` on a course; return what it said."""
    words = ["grade", str(folder), "--assignment", NAME, *arguments]
    ran = subprocess.run(
        [*command, sys.executable, "-m", "coursekit.cli", *words],
        env=_environment(SECRET="SECRET"),
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd="/",
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0 or not check, said
    return said


def rows(folder, comments=True):
    """Return {(student, cell): (auto score, manual score, needs a person, comments)}."""
    from nbgrader.api import Gradebook

    found = {}
    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        for submission in gradebook.assignment_submissions(NAME):
            who = submission.student.id
            for notebook in submission.notebooks:
                for each in notebook.grades:
                    score = each.auto_score, each.manual_score, each.needs_manual_grade
                    found[who, each.name] = score
                for each in notebook.comments if comments else ():
                    found[who, f"comment {each.name}"] = each.auto_comment, each.manual_comment
    return found


def states(folder):
    """Return {student: (state, reason)} as the table says."""
    import csv

    with (folder / "grading" / f"{NAME}.csv").open(encoding="utf-8") as file:
        return {row["student"]: (row["state"], row["reason"]) for row in csv.DictReader(file)}


def copy(folder, to):
    """Copy a course, its settings included."""
    shutil.copytree(folder, to, symlinks=True)
    return to
