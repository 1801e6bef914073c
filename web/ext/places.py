"""Sphinx extension: a warning about a notebook names the cell and the text that people edit."""

from sphinx.util import logging

CELL = 10_000  # myst-nb numbers line l of the cell with index c as (c + 1) * 10,000 + l


class NotebookHint(logging.logging.Filter):
    """Add the hint to each warning that has a line of a notebook for its place."""

    def filter(self, record):
        """Let every record through, with a hint where there is one."""
        place = getattr(record, "location", None)
        hint = notebook_hint(place) if isinstance(place, str) else ""
        if hint and hint not in str(record.msg):
            record.msg = f"{record.msg} [{hint}]"
        return True


def notebook_hint(location):
    """Return where to mend what is wrong at a line of a notebook, and '' for any other file.

    >>> notebook_hint("/c/notebooks/lessons/x.ipynb:40003")
    'cell 4, line 3: edit book/lessons/x.py and run `make notebooks`'
    >>> notebook_hint("/c/book/index.md:7")
    ''
    """
    path, _, line = location.rpartition(":")
    if not path.endswith(".ipynb") or not line.isdigit():
        return ""
    source = path.rpartition("notebooks/")[2].removesuffix(".ipynb")
    cell, inside = divmod(int(line), CELL)
    where = f"cell {cell}, line {max(inside, 1)}" if cell else f"line {line}"
    return f"{where}: edit book/{source}.py and run `make notebooks`"


def nearest(node):
    """Return `node`, or the innermost part round it that knows its line."""
    while not node.line and node.parent is not None:
        node = node.parent
    return node


def setup(app):
    """Put the hint behind Sphinx's own translation of a node into file:line."""
    for handler in logging.logging.getLogger(logging.NAMESPACE).handlers:
        if handler.level == logging.logging.WARNING:
            handler.addFilter(NotebookHint())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
