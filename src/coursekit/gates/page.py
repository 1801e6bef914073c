"""A lesson as the gates see it."""

from dataclasses import dataclass

from nbformat import NotebookNode

from coursekit.lessons import Lesson


@dataclass(frozen=True)
class Page:
    """A lesson's text (`source`, expanded, without outputs) beside its built notebook."""

    lesson: Lesson
    source: NotebookNode
    built: NotebookNode

    def code(self):
        """Yield (place, cell) for each code cell of the notebook."""
        for index, cell in enumerate(self.built.cells):
            if cell.cell_type == "code":
                yield self.lesson.where(index), cell

    def prose(self):
        """Yield (place, cell) for each Markdown cell of the notebook."""
        for index, cell in enumerate(self.built.cells):
            if cell.cell_type == "markdown":
                yield self.lesson.where(index), cell


def text_of(cell):
    """Return all text that a code cell put out."""
    parts = []
    for out in cell.outputs:
        if out.output_type == "stream":
            parts.append(out.text)
        elif "data" in out and "image/png" not in out.data:
            parts.append(out.data.get("text/plain", ""))
    return "\n".join(parts)


def tags(cell):
    """Return a cell's tags."""
    return set(cell.metadata.get("tags", []))
