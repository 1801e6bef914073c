"""Write the repository's address, which stands in `_config.yml`, wherever it must be spelt out.

That is: set-up cells and links of the notebooks, README.md, CITATION.cff. Launch and edit buttons
get it when the site is built. Nothing is run: an address is no reason to run a lesson again.
"""

import copy
import re

import nbformat

from coursekit.assignments import find_assignments
from coursekit.build import recorded_hash, renew_prose
from coursekit.lessons import find_lessons, read_lesson
from coursekit.normalize import text_of
from coursekit.release import release
from coursekit.staleness import source_hash
from coursekit.status import renew_hash

TEXTS = ("README.md", "CITATION.cff")  # each such address in them is the course's own
WHEEL = re.compile(r"https?://[^\s\"']+/deepcourse-[^/\s\"']+\.whl")
OWNER_NAME = r"[\w.-]+/[\w.-]*\w"


def stamp_course(course):
    """Write the address into all files that spell it out; return those that changed."""
    changed = [path for path, text in stamped_texts(course).items() if _write(path, text)]
    for lesson in find_lessons(course):
        notebook = stamped_lesson(lesson)
        was = recorded_hash(nbformat.read(lesson.notebook, 4)) if notebook else None
        if notebook is not None and _write(lesson.notebook, text_of(notebook)):
            renew_hash(lesson, was, recorded_hash(notebook))
            changed.append(lesson.notebook)
    for assignment in find_assignments(course):
        if assignment.notebook.is_file() and release(assignment) == "released":
            changed.append(assignment.notebook)
    return changed


def stamped_texts(course):
    """Return the files of `TEXTS` that are there, each with what should stand in it."""
    forms = {
        rf"https://github\.com/{OWNER_NAME}": course.repository_url,
        r"https://[\w-]+\.github\.io(?:/[\w.-]*\w)?": course.site_url,
        rf"(mybinder\.org/v2/gh)/{OWNER_NAME}/[\w.-]+": rf"\1/{course.slug}/{course.branch}",
        rf"(colab\.research\.google\.com/github)/{OWNER_NAME}/blob/[\w.-]+": (
            rf"\1/{course.slug}/blob/{course.branch}"
        ),
    }
    texts = {}
    for path in (course.root / name for name in TEXTS):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            for form, address in forms.items():
                text = re.sub(form, address, text)
            texts[path] = text
    return texts


def stamped_lesson(lesson):
    """Return the lesson's notebook with today's address and its outputs; None where there is none.

    A notebook whose code is the lesson's, up to the address in its set-up cell, was fresh and
    stays so; in any other the address alone is changed, and it stays stale.
    """
    if not lesson.notebook.is_file():
        return None
    new, old = read_lesson(lesson), nbformat.read(lesson.notebook, 4)
    was = next((m[0] for c in old.cells if (m := WHEEL.search(c.source))), None)
    before = copy.deepcopy(new)
    for cell in before.cells:
        if was and cell.cell_type == "code":
            cell.source = WHEEL.sub(lambda _: was, cell.source)
    if recorded_hash(old) != source_hash(before, lesson.course):
        for cell in old.cells if was else []:
            cell.source = WHEEL.sub(lambda _: lesson.course.wheel_url, cell.source)
            cell.source = cell.source.replace(was.rpartition("/")[0], lesson.course.site_url)
        return old
    return renew_prose(lesson, new, old, source_hash(new, lesson.course))


def _write(path, text):
    if path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True
