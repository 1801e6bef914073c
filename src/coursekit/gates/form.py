"""Gates on a lesson's form: the shape that the best lessons have, measured."""

import ast
import re
import statistics
import sys

from coursekit.gates.page import tags

CELLS, WORDS = (25, 45), (1500, 2500)
MEDIAN_LINES, MOST_LINES, LONG_CELL, COLUMNS = 10, 25, 60, 79
ALLOWED = {"deepcourse", "numpy", "torch", "matplotlib", "gymnasium"}
NOT_COMMON = re.compile(r"\\(newcommand|def|label|ref|eqref|require|tag|bm|boldsymbol|mathds)\b")
MYST = re.compile(r"^(```\{|:::|\(\w[\w-]*\)=)|\{(ref|doc|cite|numref|eq|math|glue)[:\w]*\}`", re.M)


def sized(page):
    """Cells, words and lines keep within the budget of a lesson."""
    name = page.lesson.source.name
    cells = page.built.cells
    if not CELLS[0] <= len(cells) <= CELLS[1]:
        yield f"{name}: {len(cells)} cells, expected {CELLS[0]} to {CELLS[1]}: split or join"
    words = sum(len(_words(cell.source)) for _, cell in page.prose())
    if not WORDS[0] <= words <= WORDS[1]:
        yield f"{name}: {words} words of prose, expected {WORDS[0]} to {WORDS[1]}"
    lengths = {where: len(cell.source.splitlines()) for where, cell in page.code()}
    if lengths and statistics.median(lengths.values()) > MEDIAN_LINES:
        yield f"{name}: the median code cell has more than {MEDIAN_LINES} lines: cut cells"
    long = {where: lines for where, lines in lengths.items() if lines > MOST_LINES}
    if len(long) > 1 or any(lines > LONG_CELL for lines in long.values()):
        yield (
            f"{name}: code cells of more than {MOST_LINES} lines at {', '.join(long)}: one may "
            f"have up to {LONG_CELL}, the others no more than {MOST_LINES}"
        )


def readable(page):
    """Prose comes between code cells; lines fit; one control; a folded answer to a question."""
    previous = [None, None]
    for index, cell in enumerate(page.built.cells):
        if cell.cell_type == "code" and previous == ["code", "code"]:
            yield f"{page.lesson.where(index)}: the third code cell in a row: say what it is for"
        previous = [previous[1], cell.cell_type]
    for number, line in enumerate(page.lesson.source.read_text(encoding="utf-8").splitlines(), 1):
        if len(line) > COLUMNS and not line.startswith(("# %%", "# |")):
            yield f"{page.lesson.source.name}:{number}: {len(line)} columns, at most {COLUMNS}"
    controls = sum("explore" in tags(cell) for _, cell in page.code())
    if controls != 1:
        yield f"{page.lesson.source.name}: expected one explore cell, found {controls}"
    if not any("<details>" in cell.source for _, cell in page.prose()):
        yield f"{page.lesson.source.name}: no prediction question with a folded <details> answer"


def portable(page):
    """Cells work where readers open them: Colab's Markdown, both formula engines, its packages."""
    for where, cell in page.prose():
        found = MYST.search(cell.source)
        if found:
            yield f"{where}: {found[0]!r} is MyST, which Colab shows raw: use plain Markdown"
        found = NOT_COMMON.search(cell.source)
        if found:
            yield f"{where}: {found[0]} does not work in both KaTeX and MathJax without set-up"
    for where, cell in page.code():
        if cell.source.rstrip().endswith(";"):
            yield (
                f"{where}: a semicolon at the end hides the value from readers but not from nbval: "
                "give the value a name instead, as in `ax = plot_x()`"
            )
        for node in ast.walk(ast.parse(cell.source)):
            for name in _imports(node):
                if name not in ALLOWED | sys.stdlib_module_names:
                    yield (
                        f"{where}: imports {name}; a lesson imports {', '.join(sorted(ALLOWED))} "
                        "and the standard library: put it behind a deepcourse helper"
                    )


def _imports(node):
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").split(".")[0]]
    return []


def _words(text):
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|<[^>]+>|\]\([^)]*\)", " x ", text, flags=re.S)
    return re.findall(r"[^\W_][\w’'-]*", text)
