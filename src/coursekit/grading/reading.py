"""Reads whatever a student handed in as a notebook, or says why it cannot be one."""

import json
import os
import re
import stat

from nbformat.notebooknode import NotebookNode, from_dict

MOST = 200 << 20  # bytes of a file
MOST_CELLS = 2000
MOST_SOURCE = 1 << 20  # characters of a cell
ENCODINGS = ("utf-8-sig", "utf-16", "latin-1")
ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


class Unreadable(Exception):
    """The file cannot be read as a notebook; the message says why."""


def read_notebook(path):
    """Return (notebook, notes) for the file at `path`: its cells without outputs, nbformat 4.5.

    Raises Unreadable. Broken cells are left out and noted; a file that was cut off is read as far
    as it goes, and the first note then starts with "cut off".
    """
    text = _text(path)
    notes = []
    try:
        data = json.loads(text)
    except RecursionError:
        raise Unreadable("its JSON is nested too deeply") from None
    except ValueError as error:
        data = {"cells": _whole_cells(text)}
        if not data["cells"]:
            raise Unreadable(f"it is not JSON, so not a notebook ({error})") from None
        notes.append(f"cut off: only its first {len(data['cells'])} cells could be read")
    raw = _raw_cells(data)
    if len(raw) > MOST_CELLS:
        raise Unreadable(f"it has {len(raw)} cells, expected at most {MOST_CELLS}")
    cells = [_cell(each, number) for number, each in enumerate(raw)]
    if None in cells:
        notes.append(f"{cells.count(None)} cells are no cells of a notebook and were left out")
    seen = set()
    kept = [cell for cell in cells if cell is not None]
    for number, cell in enumerate(kept):
        if cell.id in seen:
            cell.id = f"again-{number}"
        seen.add(cell.id)
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=NotebookNode(), cells=kept), notes


def _text(path):
    try:
        info = os.lstat(path)
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable("it is a link or a special file, expected a plain file")
        if info.st_size > MOST:
            raise Unreadable(f"it has {info.st_size >> 20} MB, expected at most {MOST >> 20} MB")
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise Unreadable(f"the file cannot be opened: {error.strerror}") from None
    if not data.strip():
        raise Unreadable("the file is empty")
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeError:
            continue
    raise Unreadable("its encoding is not known")


def _raw_cells(data):
    """Return the list of cells of any nbformat."""
    if not isinstance(data, dict):
        raise Unreadable("it is JSON, but not a notebook")
    sheets = data.get("worksheets")
    if "cells" not in data and isinstance(sheets, list):  # nbformat 3
        found = [s.get("cells") for s in sheets if isinstance(s, dict)]
        data = {"cells": [cell for cells in found if isinstance(cells, list) for cell in cells]}
    cells = data.get("cells")
    if not isinstance(cells, list) or not cells:
        raise Unreadable("it is JSON, but there are no cells in it")
    return cells


def _cell(raw, number):
    """Return a cell of nbformat 4.5 without outputs, or None."""
    if not isinstance(raw, dict):
        return None
    kind = raw.get("cell_type")
    source = raw.get("source", raw.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if kind == "heading":
        kind = "markdown"
    if kind not in ("code", "markdown", "raw") or not isinstance(source, str):
        return None
    if len(source) > MOST_SOURCE:
        return None
    metadata = raw.get("metadata")
    metadata = from_dict(metadata) if isinstance(metadata, dict) else NotebookNode()
    if not isinstance(metadata.get("nbgrader", {}), dict):
        del metadata["nbgrader"]
    name = raw.get("id")
    name = name if isinstance(name, str) and ID.match(name) else f"cell-{number}"
    source = source.encode("utf-8", "replace").decode("utf-8")  # lone surrogates
    cell = NotebookNode(id=name, cell_type=kind, metadata=metadata, source=source)
    if kind == "code":
        cell.update(outputs=[], execution_count=None)
    elif isinstance(raw.get("attachments"), dict):
        cell.attachments = from_dict(raw["attachments"])
    return cell


def _whole_cells(text):
    """Return the cells that stand complete in a notebook that was cut off."""
    start = re.search(r'"cells"\s*:\s*\[', text)
    cells, place, decoder = [], start.end() if start else len(text), json.JSONDecoder()
    while place < len(text):
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        try:
            cell, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        cells.append(cell)
    return cells
