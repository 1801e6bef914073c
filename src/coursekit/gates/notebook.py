"""Gates on the built notebook: does it belong to its text, and is it fit to be committed?"""

import ast
import re

from coursekit.build import recorded_hash
from coursekit.compare import pngs
from coursekit.gates.page import tags, text_of
from coursekit.lessons import IGNORE
from coursekit.normalize import CELL_METADATA, WIDGET
from coursekit.staleness import helpers, source_hash

REBUILD = "run `make notebooks`"
FIGURE_KB, NOTEBOOK_KB = 60, 400
MARKERS = re.compile(r"#\s*(NBVAL_\w+|PYTEST_VALIDATE_\w+)")
UNTIDY = {
    r"\b0x[0-9a-f]{6,}\b": "a memory address",
    r"\btensor\(": "a bare tensor: print its shape, or numbers made with a format",
    r"(?<![\w.])/(home|Users|tmp|root|usr|content|work)/": "a path of the machine it ran on",
    r"\b\d{1,2}:\d{2}:\d{2}\b": "a time of day",
}
DECIMAL = re.compile(r"(?<![\w.])-?(\d[\d,]*\.\d+)(?:e[-+]?\d+)?")
NOT_A_NUMBER = re.compile(r"(?<![\w-])(nan|-?inf)(?![\w-])")


def in_step(page):
    """The notebook's cells are the text's cells."""

    def cells(notebook):
        kept = [
            {k: c.metadata[k] for k in CELL_METADATA if k in c.metadata} for c in notebook.cells
        ]
        return [(c.cell_type, c.source, m) for c, m in zip(notebook.cells, kept, strict=True)]

    text, built = cells(page.source), cells(page.built)
    if text == built:
        return
    pairs = zip(text, built, strict=False)
    first = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(text), len(built)))
    yield (
        f"{page.lesson.where(first)}: from this cell on, {page.lesson.notebook.name} is not what "
        f"its text builds ({len(text)} cells in the text, {len(built)} in the notebook): {REBUILD}"
    )


def fresh(page):
    """The outputs were made from this code, these helpers and these pinned versions."""
    course = page.lesson.course
    if recorded_hash(page.built) != source_hash(page.source, course):
        code = "\n".join(cell.source for _, cell in page.code())
        changed = ", ".join(path.name for path in helpers(code, course))
        yield (
            f"{page.lesson.notebook.name}: its outputs are stale: the lesson's code, "
            f"constraints.txt or one of {changed} has changed since it ran: {REBUILD}"
        )


def executed(page):
    """Each code cell ran, in order (a null count switches nbval's comparison off)."""
    for number, (where, cell) in enumerate(page.code(), 1):
        if cell.execution_count != number:
            yield (
                f"{where}: expected execution count {number}, came {cell.execution_count}: "
                f"the cell was not run in order from a fresh start: {REBUILD}"
            )


def quiet(page):
    """No cell shows an error, a warning on stderr or a widget that is dead without a kernel."""
    for where, cell in page.code():
        for out in cell.outputs:
            if out.output_type == "error":
                yield f"{where}: the cell ends in {out.ename}: mend it, then {REBUILD}"
            if out.get("name") == "stderr":
                yield (
                    f"{where}: the cell writes to stderr ({out.text.strip()[:80]!r}): mend what "
                    f"warns, then {REBUILD}"
                )
            if WIDGET in out.get("data", {}):
                yield f"{where}: a widget's state is committed: {REBUILD} (it drops it)"
    if "widgets" in page.built.metadata:
        yield f"{page.lesson.notebook.name}: widget state in the metadata: {REBUILD} (it drops it)"


def exceptions(page):
    """Only set-up and explore cells are excused from the comparison, by their tag."""
    for where, cell in page.code():
        if IGNORE in tags(cell) and not tags(cell) & {"setup", "explore"}:
            yield f"{where}: only set-up and explore cells may carry {IGNORE}: take it away"
        for marker in MARKERS.findall(cell.source):
            yield f"{where}: the comment {marker} switches a comparison off: delete it"
        if "explore" in tags(cell) and not _only_explores(cell.source):
            yield (
                f"{where}: an explore cell is not compared, so it may hold imports and one call "
                "of explore(…) and nothing else: move the rest to a cell of its own"
            )
    setups = sum("setup" in tags(cell) for _, cell in page.code())
    if setups != 1:
        yield f"{page.lesson.source.name}: expected one set-up cell (setup=true), found {setups}"


def figures(page):
    """Each picture has a cell that says what it is: its kind and, for who can't see it, alt."""
    for where, cell in page.code():
        kinds = {tag for tag in tags(cell) if tag.startswith("figure-")}
        images = pngs(cell.outputs)
        if images and not kinds:
            yield (
                f'{where}: the cell draws a figure; its header needs figure="exact" (from formulas '
                'or data) or figure="trained", and alt="what one sees"'
            )
        if kinds and len(images) != 1:
            yield f"{where}: expected one figure from this cell, found {len(images)}"
        for image in images:
            if len(image) * 3 // 4 > FIGURE_KB * 1000:
                yield (
                    f"{where}: the figure weighs {len(image) * 3 // 4000} kB, at most {FIGURE_KB} "
                    "kB: draw fewer points or panels, or rasterize less"
                )


def light(page):
    """The notebook is light enough to read and to keep in git."""
    kilobytes = page.lesson.notebook.stat().st_size // 1000
    if kilobytes > NOTEBOOK_KB:
        yield f"{page.lesson.notebook.name}: {kilobytes} kB, at most {NOTEBOOK_KB} kB: cut figures"


def tidy(page):
    """Outputs are the same on every machine, and a reader can take them in."""
    for where, cell in page.code():
        if IGNORE in tags(cell):
            continue
        text = text_of(cell)
        for pattern, what in UNTIDY.items():
            if re.search(pattern, text):
                yield f"{where}: the output shows {what}"
        bare = NOT_A_NUMBER.search(text)
        if bare:
            yield f"{where}: the output shows {bare[1]}: the lesson computed it, find out why"
        for number in DECIMAL.findall(re.sub(r"\(measured [^()]*\)", "", text)):
            digits = number.replace(",", "").replace(".", "").strip("0")
            if len(digits) > 3 and "." in number:
                yield (
                    f"{where}: the output shows {number}: at most three significant digits, "
                    "so that another machine prints the same"
                )


def _only_explores(source):
    body = ast.parse(source).body
    calls = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return len(calls) == 1 and ast.unparse(calls[0]).startswith("explore(")
