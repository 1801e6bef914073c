"""Finds the released cells in what a student handed in: by label, by id, by content, by place.

Students and their tools copy, delete, move, split and rename cells and lose their metadata. After
`align` every cell that nbgrader needs is there once, labelled as it was released and behind the
answers it tests; what had to be done stands in notes.
"""

import ast
import copy
import re
from dataclasses import dataclass

from nbformat.notebooknode import NotebookNode
from rapidfuzz import fuzz

ALIKE = 60.0  # of 100: how alike two cells must be to be taken for the same


@dataclass(frozen=True)
class Released:
    """A labelled cell as students got it."""

    name: str
    kind: str
    source: str
    metadata: dict
    id: str = ""

    @property
    def is_graded(self):
        """Whether points depend on it."""
        return bool(self.metadata.get("grade") or self.metadata.get("task"))

    @property
    def is_written(self):
        """Whether a person grades it."""
        return self.is_graded and bool(self.metadata.get("solution") or self.metadata.get("task"))

    @property
    def is_test(self):
        """Whether it gives points by running."""
        return self.is_graded and not self.is_written

    @property
    def is_needed(self):
        """Whether it is put back when it is missing."""
        return self.is_graded or bool(self.metadata.get("locked"))


def released_cells(notebook, names):
    """Return (labelled cells with one of these names, sources of all others) of a release."""
    labelled, others = [], set()
    for cell in notebook.cells:
        metadata = cell.metadata.get("nbgrader") or {}
        name = metadata.get("grade_id")
        if name in names:
            labelled.append(
                Released(name, cell.cell_type, cell.source, dict(metadata), cell.get("id", ""))
            )
        else:
            others.add(_plain(cell.source))
    return labelled, others


def align(notebook, released, others=()):
    """Label `notebook`'s cells as released, in place; return (notes, names not found)."""
    aligner = _Aligner(notebook.cells, released, set(others))
    aligner.by_label()
    aligner.by_id()
    aligner.by_content()
    aligner.by_place()
    aligner.label()
    aligner.insert_missing()
    aligner.reorder()
    notebook.cells = aligner.cells
    return aligner.notes, aligner.missing


class _Aligner:
    def __init__(self, cells, released, others):
        self.cells, self.released, self.others = list(cells), released, others
        self.found = {}  # name: the cell that was taken for it
        self.notes, self.missing = [], []

    def by_label(self):
        for each in self.released:
            same = [
                c for c in self.cells if c.metadata.get("nbgrader", {}).get("grade_id") == each.name
            ]
            if len(same) > 1:
                changed = [c for c in same if _plain(c.source) != _plain(each.source)]
                same = changed or same
                self.notes.append(f"{each.name} was there more than once: the last one counts")
            if same:
                self._take(each, same[-1])

    def by_id(self):
        for each in self._open():
            for cell in self._free():
                if each.id and each.id in (cell.id, cell.metadata.get("id")):
                    self._take(each, cell, "by its id")
                    break

    def by_content(self):
        for each in self._open():
            for cell in self._free():
                if cell.cell_type == each.kind and _plain(cell.source) == _plain(each.source):
                    self._take(each, cell, "by its content")
                    break
        for each in self._open():
            names = _defined(each.source) if each.kind == "code" else set()
            for cell in self._free(each.kind):
                if names and names & _defined(cell.source):
                    self._take(each, cell, "by what it defines")
                    break
        pairs = [
            (fuzz.ratio(each.source, cell.source), -number, each, cell)
            for each in self._open()
            for number, cell in enumerate(self._free(each.kind))
        ]
        for likeness, _, each, cell in sorted(pairs, key=lambda pair: pair[:2], reverse=True):
            if likeness >= ALIKE and each.name not in self.found and not self._is_taken(cell):
                self._take(each, cell, "by its content")

    def by_place(self):
        """Take the one cell that stands where a written answer should."""
        order = [each.name for each in self.released]
        for each in [each for each in self._open() if each.is_written]:
            at = order.index(each.name)
            before = [self._at(n) for n in order[:at] if n in self.found]
            after = [self._at(n) for n in order[at + 1 :] if n in self.found]
            span = self.cells[max(before, default=-1) + 1 : min(after, default=len(self.cells))]
            fit = [cell for cell in self._free(each.kind) if any(cell is c for c in span)]
            if len(fit) == 1:
                self._take(each, fit[0], "by its place")

    def label(self):
        for cell in self.cells:
            cell.metadata.pop("nbgrader", None)
        for each in self.released:
            if each.name in self.found:
                cell = self.found[each.name]
                cell.metadata["nbgrader"] = NotebookNode(copy.deepcopy(each.metadata))

    def insert_missing(self):
        last = None
        for each in self.released:
            if each.name not in self.found:
                self.missing.append(each.name)
                if not each.is_needed:
                    self.notes.append(f"the answer cell {each.name} is missing")
                    continue
                cell = _cell(each)
                place = self._index(last) + 1 if last is not None else 0
                self.cells.insert(place, cell)
                self.found[each.name] = cell
                self.notes.append(f"{each.name} was missing and was put back")
            last = self.found[each.name]

    def reorder(self):
        """Move a test that stands before an answer it was released behind."""
        for number, each in enumerate(self.released):
            if not each.is_test:
                continue
            earlier = [self.found[r.name] for r in self.released[:number] if r.name in self.found]
            cell = self.found[each.name]
            last = max((self._index(c) for c in earlier), default=-1)
            if self._index(cell) < last:
                del self.cells[self._index(cell)]
                self.cells.insert(last, cell)
                self.notes.append(f"{each.name} was moved behind what it tests")

    def _take(self, each, cell, how=""):
        self.found[each.name] = cell
        if how:
            self.notes.append(f"{each.name} was recognised {how}")

    def _open(self):
        return [each for each in self.released if each.name not in self.found]

    def _free(self, kind=None):
        """Return the cells that stand for nothing yet (with `kind`: and are no given text)."""
        free = [cell for cell in self.cells if not self._is_taken(cell)]
        if kind is None:
            return free
        return [c for c in free if c.cell_type == kind and _plain(c.source) not in self.others]

    def _is_taken(self, cell):
        return any(cell is other for other in self.found.values())

    def _index(self, cell):
        return next(i for i, other in enumerate(self.cells) if other is cell)

    def _at(self, name):
        return self._index(self.found[name])


def _cell(each):
    cell = NotebookNode(
        id=f"restored-{re.sub(r'[^a-zA-Z0-9_-]', '-', each.name)}"[:64],
        cell_type=each.kind,
        metadata=NotebookNode(nbgrader=NotebookNode(copy.deepcopy(each.metadata))),
        source=each.source,
    )
    if each.kind == "code":
        cell.update(outputs=[], execution_count=None)
    return cell


def _plain(source):
    return " ".join(source.split())


def _defined(source):
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE))
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    return {node.name for node in body if isinstance(node, kinds)}
