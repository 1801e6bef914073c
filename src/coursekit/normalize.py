"""Give a notebook one canonical form, so that two builds of a lesson are the same bytes.

Kept: sources, outputs, and the cell metadata named below. Dropped: timings, widget state, the
random ids that notebooks otherwise carry.
"""

import hashlib

import nbformat
from nbformat import NotebookNode

from coursekit.errors import CourseError

CELL_METADATA = ("tags", "nbgrader", "mystnb")
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"


def normalize(notebook, where, source_hash=None):
    """Put `notebook` in canonical form, in place, and return it. Doing it twice changes nothing.

    `where` gives a cell's place, by index, for messages. Raises CourseError for what must not be
    committed: a code cell that never ran (nothing would be compared) or that wrote to stderr.
    """
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    metadata = dict(NOTEBOOK_METADATA)
    if source_hash is not None:
        metadata["deepcourse"] = {"source_hash": source_hash}
    notebook.metadata = nodes(metadata)
    ids, count = set(), 0
    for index, cell in enumerate(notebook.cells):
        kept = {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}
        cell.metadata = nodes(kept)
        cell.id = cell_id(cell, ids)
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            count += 1
            _normalize_code(cell, count, where(index))
    return notebook


def cell_id(cell, taken):
    """Return an id that changes when, and only when, the cell's text does; add it to `taken`."""
    stem = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    name, twin = stem, 1
    while name in taken:
        twin += 1
        name = f"{stem}-{twin}"
    taken.add(name)
    return name


def text_of(notebook):
    """Return the canonical bytes of `notebook`, as text."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def write(notebook, path):
    """Write the canonical bytes of `notebook` to `path`, all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text_of(notebook), encoding="utf-8", newline="\n")
    part.replace(path)


def _normalize_code(cell, count, where):
    if cell.execution_count is None:
        raise CourseError(
            f"{where}: this cell never ran, so nothing would be compared: build again"
        )
    cell.execution_count = count
    outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]
    for out in outputs:
        if out.get("name") == "stderr":
            raise CourseError(
                f"{where}: this cell writes to stderr, which readers would see as an alarm: "
                f"mend what warns. It wrote:\n{out.text.strip()[:500]}"
            )
        if "execution_count" in out:
            out.execution_count = count
        if "metadata" in out:
            out.metadata = NotebookNode()
    cell.outputs = _join_streams(outputs)


def _join_streams(outputs):
    """Join neighbouring pieces of one stream: how a kernel cuts them depends on the clock."""
    joined = []
    for out in outputs:
        if joined and out.output_type == "stream" and joined[-1].get("name") == out.name:
            joined[-1].text += out.text
        else:
            joined.append(out)
    return joined


def nodes(value):
    """Return `value` with each dict in it, at any depth, as a NotebookNode."""
    if isinstance(value, dict):
        return NotebookNode({key: nodes(inner) for key, inner in value.items()})
    return value
