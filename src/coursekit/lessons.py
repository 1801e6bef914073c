"""Find the lessons and read them: from text with short tags to a notebook without outputs.

Source: `book/lessons/*.py` in jupytext's percent format. What the short tags of a cell's header
mean stands in `_expand` and, for authors, in CONTRIBUTING.md.
"""

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from coursekit.course import Course
from coursekit.errors import CourseError

TAGS = {"setup", "minutes", "gpu_helps", "figure", "alt", "explore"}
LAYOUT = {"lines_to_next_cell", "lines_to_end_of_cell_marker"}  # jupytext's notes on blank lines
FIGURES = ("exact", "trained")
IGNORE = "nbval-ignore-output"  # the only exceptions of the comparison: set-up and explore cells
LINK = re.compile(r"\]\((cite|lesson|assignment|page|demo):([^)\s]*)\)")
BIB_KEY = re.compile(r"^\s*@\w+\s*\{\s*([^,\s]+)\s*,", re.MULTILINE)

SETUP = """\
import importlib.util as util, subprocess as sp, sys
WHEEL = "{wheel}"
PIP = "-m pip install -qqq --no-deps --ignore-requires-python --retries 0".split()
if not util.find_spec("deepcourse") and sp.call([sys.executable, *PIP, WHEEL]): sys.exit({failed})
from deepcourse import repro; repro.start(minutes={minutes}, wheel=WHEEL{gpu_helps})"""
FAILED = '"Could not fetch " + WHEEL + ": connect to a network, then run this cell again."'


@dataclass(frozen=True)
class Lesson:
    """One lesson: its text, which people write, and its notebook, which the build writes."""

    course: Course
    name: str

    @property
    def source(self):
        """The text, percent format."""
        return self.course.root / "book" / "lessons" / f"{self.name}.py"

    @property
    def notebook(self):
        """The executed notebook."""
        return self.course.root / "notebooks" / "lessons" / f"{self.name}.ipynb"

    def line(self, cell):
        """Return the line of the text on which the cell with index `cell` begins."""
        lines = self.source.read_text(encoding="utf-8").splitlines()
        starts = [number for number, line in enumerate(lines, 1) if line.startswith("# %%")]
        return starts[cell] if cell < len(starts) else len(lines)

    def where(self, cell):
        """Return `file:line` of the cell with index `cell`, for messages."""
        return f"{self.source.relative_to(self.course.root)}:{self.line(cell)}"


def find_lessons(course):
    """Return all lessons in the order of their names."""
    paths = sorted((course.root / "book" / "lessons").glob("*.py"))
    return [Lesson(course, path.stem) for path in paths]


def find_lesson(course, name):
    """Return the lesson called `name` (its file's name, with or without folder and suffix)."""
    lessons = {lesson.name: lesson for lesson in find_lessons(course)}
    slug = Path(name).stem
    if slug in lessons:
        return lessons[slug]
    near = difflib.get_close_matches(slug, lessons, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    known = ", ".join(lessons) or "none yet"
    raise CourseError(f"no lesson is called {slug!r}. {hint}There are: {known}.")


def read_lesson(lesson):
    """Return the lesson as a notebook without outputs: tags expanded, links stamped.

    Raises CourseError, with file and line, for a header or a link that means nothing.
    """
    text = lesson.source.read_text(encoding="utf-8")
    if not text.startswith("# %%"):
        raise CourseError(
            f"{lesson.source}:1: expected the first line to begin a cell (`# %% [markdown]`), "
            f"came {text.splitlines()[0] if text else 'an empty file'!r}"
        )
    notebook = jupytext.reads(text, fmt="py:percent")
    for index, cell in enumerate(notebook.cells):
        where = lesson.where(index)
        _expand(cell, lesson.course, where)
        if cell.cell_type == "markdown":
            cell.source = stamp(cell.source, lesson.course, where)
    return notebook


def _expand(cell, course, where):
    """Turn the short tags in `cell`'s metadata into the metadata that notebooks carry."""
    short = {key: value for key, value in cell.metadata.items() if key not in LAYOUT}
    unknown = sorted(set(short) - TAGS)
    if unknown:
        raise CourseError(
            f"{where}: the cell's header holds {', '.join(unknown)}; expected only "
            f"{', '.join(sorted(TAGS))}, each as key=value with text in double quotes"
        )
    tags, meta = [], {}
    if short.get("setup"):
        tags = ["setup", IGNORE]
        cell.source = setup_source(course, short.get("minutes", 1), short.get("gpu_helps"))
    if short.get("explore"):
        tags = ["explore", IGNORE]
    if "figure" in short:
        if short["figure"] not in FIGURES or len(str(short.get("alt", ""))) < 20:
            raise CourseError(
                f'{where}: a figure\'s header needs figure="exact" (drawn from formulas or data, '
                'compared) or figure="trained", and alt="what one sees" of 20 characters or more; '
                f"came figure={short['figure']!r}, alt={short.get('alt')!r}"
            )
        tags = [f"figure-{short['figure']}"]
        meta["mystnb"] = {"image": {"alt": short["alt"]}}
    cell.metadata = NotebookNode(({"tags": tags} if tags else {}) | meta)


def setup_source(course, minutes, gpu_helps):
    """Return the code of the set-up cell, the same in every lesson and assignment."""
    hint = ", gpu_helps=True" if gpu_helps else ""
    return SETUP.format(wheel=course.wheel_url, failed=FAILED, minutes=minutes, gpu_helps=hint)


def stamp(text, course, where):
    """Turn `](cite:key)`, `](lesson:name)` and their like into addresses of the site."""

    def address(match):
        kind, target = match.groups()
        return f"]({resolve(kind, target, course, where)})"

    return LINK.sub(address, text)


def resolve(kind, target, course, where):
    """Return the address of a citation, lesson or page; raise CourseError where there is none."""
    name, _, anchor = target.partition("#")
    anchor = f"#{anchor}" if anchor else ""
    if kind == "cite":
        if target not in citation_keys(course):
            raise CourseError(
                f"{where}: cites {target!r}, which book/references.bib does not have: "
                "add the entry or mend the key"
            )
        return f"{course.site_url}/book/bibliography.html#{target}"
    if kind == "demo":
        require_situation(name, anchor.removeprefix("#"), course, where)
    folder, suffix, built = {
        "lesson": ("book/lessons", ".py", "notebooks/lessons"),
        "assignment": ("book/assignments", ".py", "notebooks/assignments"),
        "page": ("book", ".md", "book"),
        "demo": ("book", ".md", "book"),
    }[kind]
    if not (course.root / folder / f"{name}{suffix}").is_file():
        raise CourseError(
            f"{where}: links to {kind}:{name}, but {folder}/{name}{suffix} is not there"
        )
    return f"{course.site_url}/{built}/{name}.html{anchor}"


def require_situation(demo, name, course, where):
    """Raise CourseError unless `name` is a prepared situation of a live demo."""
    path = course.root / "web" / "demos" / f"{demo}.json"
    known = [one["name"] for one in json.loads(path.read_text("utf-8"))] if path.is_file() else []
    if name not in known:
        raise CourseError(
            f"{where}: links to demo:{demo}#{name}; expected one of the situations in "
            f"web/demos/{demo}.json: {', '.join(known) or 'that file is not there'}"
        )


def citation_keys(course):
    """Return the keys of `book/references.bib`."""
    path = course.root / "book" / "references.bib"
    return set(BIB_KEY.findall(path.read_text(encoding="utf-8"))) if path.is_file() else set()
