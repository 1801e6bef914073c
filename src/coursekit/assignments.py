"""Find the assignments and read them: from text with short tags to cells with a part to play.

Source: `book/assignments/*.py` in percent format, or an instructor's private folder of such files.
What the tags of a cell's header mean stands in `FORMS` and, for authors, in CONTRIBUTING.md; what
an assignment must hold stands in `coursekit.assignment_rules`.
"""

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path

import jupytext

from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.headings import TASK, TOTAL
from coursekit.lessons import setup_source, stamp

HEADER = re.compile(r"^# %%\s*(?P<markdown>\[markdown\])?\s*(?P<tags>.*)$")
TAG = re.compile(r'(?P<key>[A-Za-z_]\w*)(?:=(?P<value>"[^"]*"|[^\s"]+))?(?=\s|$)')
USUAL_TOTAL = 20
REGION = re.compile(r"^\s*### (BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)\s*$")

# kind: (cell type, the tag that names it, tags it needs, tags it may have)
FORMS = {
    "prose": ("markdown", None, set(), set()),
    "given": ("code", None, set(), set()),
    "setup": ("code", "setup", {"minutes"}, {"gpu_helps"}),
    "answer": ("code", "answer", {"task"}, set()),
    "check": ("code", "check", {"task"}, set()),
    "test": ("code", "test", {"task", "points"}, set()),
    "wrong": ("code", "wrong", {"task"}, {"fails"}),
    "written": ("markdown", "written", {"task", "points"}, set()),
}
FLAGS = {"answer", "check", "test", "written", "setup", "gpu_helps"}
NUMBERS = {"task", "points", "minutes"}
ID_STEM = {"answer": "task", "check": "check", "test": "test", "written": "written"}


@dataclass
class Cell:
    """One cell of an assignment's text: the part it plays, its place, its body."""

    kind: str
    source: str
    where: str
    tags: dict = field(default_factory=dict)
    id: str = ""

    @property
    def task(self):
        """The number of the task it belongs to, or None."""
        return self.tags.get("task")

    @property
    def points(self):
        """What a grader gives for it at most."""
        return self.tags.get("points", 0)


@dataclass(frozen=True)
class Task:
    """A task's heading: its number, title, points and place."""

    number: int
    title: str
    points: int
    where: str


@dataclass(frozen=True)
class Assignment:
    """One assignment: its text, which people write; the book's also have a student's version."""

    course: Course
    source: Path

    @property
    def name(self):
        """Its name: the text's, without suffix."""
        return self.source.stem

    @property
    def notebook(self):
        """The student's version, which the build writes."""
        return self.course.root / "notebooks" / "assignments" / f"{self.name}.ipynb"

    def where(self, line):
        """Return `file:line`, for messages."""
        inside = self.source.is_relative_to(self.course.root)
        return f"{self.source.relative_to(self.course.root) if inside else self.source}:{line}"


def find_assignments(course, bank=None):
    """Return the book's assignments in the order of their names, then those of folder `bank`.

    Raises CourseError when two have one name or `bank` holds none.
    """
    paths = sorted((course.root / "book" / "assignments").glob("*.py"))
    if bank is not None:
        private = sorted(Path(bank).resolve().glob("*.py"))
        if not private:
            raise CourseError(
                f"--bank {bank}: expected a folder with assignments (NAME.py, percent format), "
                "found none: check the folder's name"
            )
        both = sorted({path.stem for path in paths} & {path.stem for path in private})
        if both:
            raise CourseError(
                f"{Path(bank) / both[0]}.py:1: the book has an assignment of this name: "
                "give the private one another file name"
            )
        paths += private
    return [Assignment(course, path) for path in paths]


def find_assignment(course, name, bank=None):
    """Return the assignment called `name` (its file's name, with or without folder and suffix)."""
    known = {assignment.name: assignment for assignment in find_assignments(course, bank)}
    slug = Path(name).stem
    if slug in known:
        return known[slug]
    near = difflib.get_close_matches(slug, known, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise CourseError(
        f"no assignment is called {slug!r}. {hint}There are: {', '.join(known) or 'none yet'}; "
        "for one of your own, give its folder with --bank"
    )


def read_cells(assignment):
    """Return the assignment's cells: headers understood, set-up written, links stamped, ids given.

    Raises CourseError, with file and line of each header that means nothing.
    """
    text = assignment.source.read_text(encoding="utf-8")
    heads = [(n, s) for n, s in enumerate(text.splitlines(), 1) if s.startswith("# %%")]
    bodies = jupytext.reads(text, fmt="py:percent").cells
    if not text.startswith("# %%") or len(bodies) != len(heads):
        raise CourseError(
            f"{assignment.where(1)}: expected cells, each with a header `# %%` at the start of its "
            f"line and the first on line 1; came {len(heads)} headers for {len(bodies)} cells: "
            "begin with `# %% [markdown]` and keep `# %%` out of strings"
        )
    cells, problems = [], []
    for (line, head), body in zip(heads, bodies, strict=True):
        try:
            cells.append(_cell(head, body.source, assignment.where(line)))
        except CourseError as error:
            problems.append(str(error))
    if problems:
        raise CourseError("\n".join(problems))
    for cell in cells:
        _complete(cell, assignment.course)
    _number(cells)
    return cells


def find_tasks(cells):
    """Return the tasks that the headings announce, in their order."""
    return [
        Task(int(number), title, int(points), cell.where)
        for cell in cells
        if cell.kind == "prose"
        for number, title, points in TASK.findall(cell.source)
    ]


def total_points(cells):
    """Return the points that the title states, `# … (20 points)`, or the usual 20."""
    stated = TOTAL.search(cells[0].source) if cells else None
    return int(stated[1]) if stated else USUAL_TOTAL


def _cell(head, source, where):
    """Return the cell that a header and its body make; raise CourseError where they make none."""
    match = HEADER.match(head)
    cell_type = "markdown" if match["markdown"] else "code"
    tags = _tags(match["tags"], where)
    named = [kind for kind, form in FORMS.items() if form[1] in tags]
    kind = named[0] if named else {"markdown": "prose", "code": "given"}[cell_type]
    expected_type, name, needed, possible = FORMS[kind]
    allowed = needed | possible | ({name} if name else set())
    missing, other = sorted(needed - set(tags)), sorted(set(tags) - allowed)
    if len(named) > 1 or cell_type != expected_type or missing or other:
        raise CourseError(
            f"{where}: a header of this kind ({kind}) belongs to a {expected_type} cell and needs "
            f"{_list({name} - {None} | needed)}, may have {_list(possible)}; came a {cell_type} "
            f"cell with {_list(set(tags))}: mend the header"
        )
    return Cell(kind, source, where, tags)


def _tags(text, where):
    """Return a header's tags: `key=value`, text in double quotes, a bare word is true."""
    tags = {}
    for match in TAG.finditer(text):
        key, value = match["key"], match["value"]
        if key in tags:
            raise CourseError(f"{where}: the header says {key} twice: keep one")
        if value is None and key not in FLAGS:
            raise CourseError(
                f"{where}: the header holds the bare word {key}; bare words are "
                f'{_list(FLAGS)}, all else is key=value with text in double quotes, as fails="x"'
            )
        tags[key] = True if value is None else value.strip('"')
        if key in NUMBERS and not (value or "").isdigit():
            raise CourseError(f"{where}: expected a whole number after {key}=, came {value!r}")
        tags[key] = int(tags[key]) if key in NUMBERS else tags[key]
    unknown = sorted(set(tags) - {t for f in FORMS.values() for t in {f[1]} | f[2] | f[3]})
    rest = TAG.sub("", text).strip()
    if rest or unknown:
        raise CourseError(
            f"{where}: the header holds {rest or _list(unknown)}, which means nothing here; "
            f"expected only {_list(t for f in FORMS.values() for t in {f[1]} | f[2] | f[3] if t)}"
        )
    return tags


def _complete(cell, course):
    """Write the set-up cell's body; turn `](cite:key)` and its like into addresses."""
    if cell.kind == "setup":
        cell.source = setup_source(course, cell.tags["minutes"], cell.tags.get("gpu_helps"))
    if cell.kind == "prose":
        cell.source = stamp(cell.source, course, cell.where)


def _number(cells):
    """Give each cell that is graded or locked an id of its own: `test-3`, its twin `test-3-2`."""
    count = {}
    for cell in cells:
        if cell.kind == "given":
            stem = "given"
        elif cell.kind in ID_STEM:
            stem = f"{ID_STEM[cell.kind]}-{cell.task}"
        else:
            cell.id = "setup" if cell.kind == "setup" else ""
            continue
        count[stem] = count.get(stem, 0) + 1
        cell.id = stem if count[stem] == 1 else f"{stem}-{count[stem]}"


def _list(words):
    return ", ".join(sorted(set(words))) or "nothing"
