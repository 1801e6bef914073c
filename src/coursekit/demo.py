"""Ten made-up students for a class: to try nbgrader before real work is at stake.

Their work is made from the assignment's own text: solutions, stubs and planted wrong answers. What
each should get is found by running it without nbgrader, so the two can be compared.
"""

import copy
import csv
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import nbformat

from coursekit.assignment_rules import read_assignment
from coursekit.assignments import REGION, find_assignment
from coursekit.classes import nbgrader, require_class
from coursekit.errors import CourseError
from coursekit.normalize import write
from coursekit.release import student_notebook
from coursekit.trial import run_variants

SYNTAX_ERROR = "def unfinished(:\n    return 1"
EXCEPTION = "1 / 0"
OWN_WORDS = "I think it depends on the data, but I would have to try."


@dataclass(frozen=True)
class Student:
    """A made-up student and the kind of work that comes from them."""

    id: str
    first: str
    last: str
    work: str


STUDENTS = (
    Student("s01", "Alma", "Birch", "right"),
    Student("s02", "Bruno", "Cedar", "right, saved in Colab"),
    Student("s03", "Carla", "Dune", "first half"),
    Student("s04", "Dario", "Elm", "second half"),
    Student("s05", "Edda", "Fjord", "wrong everywhere"),
    Student("s06", "Finn", "Grove", "one mistake"),
    Student("s07", "Greta", "Heath", "a syntax error"),
    Student("s08", "Hugo", "Isle", "an exception"),
    Student("s09", "Ines", "Juniper", "blank"),
    Student("s10", "Jon", "Knoll", "missing"),
)


def add_demo(course, folder, bank=None, zips=None):
    """Add the made-up students and their work to class `folder`; return the rows of expected.csv.

    zips: a folder for one zip an assignment, named as from Moodle and to be collected, in place of
    `submitted/`. Raises CourseError, having written nothing, when the class has submissions already
    or a zip is there.
    """
    folder = require_class(folder)
    names = sorted(path.name for path in (folder / "source").iterdir() if path.is_dir())
    assignments = [find_assignment(course, name, bank) for name in names]
    packed = [Path(zips) / f"{name}.zip" for name in names] if zips else []
    for taken in (folder / "submitted", folder / "expected.csv", *packed):
        if taken.exists():
            raise CourseError(
                f"{taken} is there already and is left as it is: make a class of its own for the "
                "demonstration with `coursekit class new FOLDER`"
            )
    planned = [(each, *_plan(read_assignment(each))) for each in assignments]
    rows = [row for assignment, works, _ in planned for row in expect(assignment, works)]
    for assignment, works, written in planned:
        sent = list(_work(assignment, works, written))
        if zips:
            _pack(Path(zips), assignment.name, sent)
        else:
            for student, notebook in sent:
                path = folder / "submitted" / student.id / assignment.name
                write(notebook, path / f"{assignment.name}.ipynb")
    _enrol(folder)
    with (folder / "expected.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return rows


def describe(row):
    """Return one line of text for a row of expected.csv."""
    return (
        f"{row['student']}  {row['by tests']:>2} of {row['of']} by tests, "
        f"at most {row['by hand, at most']} by hand  {row['work']}"
    )


def right_answers(cells):
    """Return {id of an answer cell: the reference solution} of an assignment's cells."""
    return {cell.id: _without_markers(cell.source) for cell in cells if cell.kind == "answer"}


def _plan(cells):
    """Return ({work: {id of an answer cell: its source}}, {id of a written cell: an answer})."""
    right, wrong = right_answers(cells), {}
    for cell in cells:
        if cell.kind == "wrong":
            wrong.setdefault(f"task-{cell.task}", []).append(cell.source)
    ids, half = list(right), (len(right) + 1) // 2
    works = {
        "right": right,
        "right, saved in Colab": right,
        "first half": {i: right[i] for i in ids[:half]},
        "second half": {i: right[i] for i in ids[half:]},
        "wrong everywhere": right | {i: sources[0] for i, sources in wrong.items()},
        "one mistake": right | {i: wrong[i][-1] for i in list(wrong)[-1:]},
        "a syntax error": right | dict.fromkeys(ids[-1:], SYNTAX_ERROR),
        "an exception": right | dict.fromkeys(ids[:1], EXCEPTION),
        "blank": {},
    }
    written = {c.id: c.source.split("### BEGIN")[0].strip() for c in cells if c.kind == "written"}
    return works, written


def expect(assignment, works=None):
    """Return a row for each student: the points that the tests should give, and what is left."""
    cells = read_assignment(assignment)
    works = works or _plan(cells)[0]
    stubs = {cell.id: cell.source for cell in student_notebook(assignment).cells}
    run = [
        {"id": cell.id, "source": stubs[cell.id] if cell.kind == "answer" else cell.source}
        for cell in cells
        if cell.kind in ("setup", "given", "answer", "check", "test")
    ]
    kinds = [work for work in works if works[work]]
    blank, outcomes = run_variants(run, [{"replace": works[work]} for work in kinds])
    first = {w: min(i for i, c in enumerate(run) if c["id"] in works[w]) for w in kinds}
    seen = {"blank": blank}
    for work, outcome in zip(kinds, outcomes, strict=True):
        before = {cell["id"] for cell in run[: first[work]]}
        seen[work] = {name: why for name, why in blank.items() if name in before} | outcome
    tests = {cell.id: cell.points for cell in cells if cell.kind == "test"}
    by_hand = sum(cell.points for cell in cells if cell.kind == "written")
    rows = []
    for student in STUDENTS:
        outcome = seen.get(student.work)
        points = sum(tests[i] for i in tests if outcome is not None and not outcome.get(i, "late"))
        rows.append(
            {
                "assignment": assignment.name,
                "student": student.id,
                "work": student.work,
                "by tests": points,
                "of": sum(tests.values()),
                "by hand, at most": by_hand if _writes(student.work) else 0,
            }
        )
    return rows


def _work(assignment, works, written):
    """Yield (student, notebook) for each student who hands something in."""
    blank = student_notebook(assignment)
    for student in STUDENTS:
        if student.work not in works:
            continue
        notebook = copy.deepcopy(blank)
        answers = dict(works[student.work])
        if _writes(student.work):
            answers |= written if "right" in student.work else dict.fromkeys(written, OWN_WORDS)
        for cell in notebook.cells:
            cell.source = answers.get(cell.id, cell.source)
            if "Colab" in student.work:
                cell.metadata["id"] = cell.id
        if "Colab" in student.work:
            notebook.metadata["colab"] = {"provenance": [], "name": f"{assignment.name}.ipynb"}
        yield student, notebook


def _pack(place, name, sent):
    """Pack the work as Moodle does, with the names that browsers and Colab leave."""
    place.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(place / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (student, notebook) in enumerate(sent):
            folder = f"{student.first} {student.last}_{4700 + number}_assignsubmission_file_"
            file = (f"{name}.ipynb", f"Copy of {name}.ipynb", f"{name} (1).ipynb")[number % 3]
            archive.writestr(f"{folder}/{file}", nbformat.writes(notebook))


def _enrol(folder):
    with tempfile.TemporaryDirectory(prefix="coursekit-") as place:
        roster = Path(place) / "students.csv"
        lines = [f"{s.id},{s.first},{s.last},{s.id}@example.org" for s in STUDENTS]
        roster.write_text("\n".join(["id,first_name,last_name,email", *lines, ""]), "utf-8")
        nbgrader(folder, "db", "student", "import", str(roster))


def _writes(work):
    """Say whether a student with this kind of work answers in words."""
    return work not in ("first half", "blank", "missing")


def _without_markers(source):
    return "\n".join(line for line in source.splitlines() if not REGION.match(line))
