"""Sphinx extension: the bibliography in the order of its keys, each entry with a place to find it.

Which fields an entry must have is checked here, with the entry's line in `book/references.bib`.
"""

import re
from pathlib import Path

from pybtex.database import parse_file
from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style
from pybtex.style.names.lastfirst import NameStyle
from pybtex.style.sorting import BaseSortingStyle
from sphinx.util import logging

LOG = logging.getLogger(__name__)
ENTRY = re.compile(r"^@\w+\{\s*([^,\s]+)", re.MULTILINE)
KEY = re.compile(r"[a-z]+(?:[12]\d{3}[a-z]?)?")


class ByKey(BaseSortingStyle):
    """Sort by the entry's key: first author, then year."""

    def sorting_key(self, entry):
        """Return what to compare."""
        return entry.key


class CourseStyle(Style):
    """Plain entries, last names first."""

    default_name_style = NameStyle
    default_sorting_style = ByKey


def check(app):
    """Warn of an entry nobody can find, of a key out of form and of one out of order."""
    path = Path(app.confdir) / "book" / "references.bib"
    text = path.read_text(encoding="utf-8")
    entries = parse_file(str(path), bib_format="bibtex").entries
    before = ""
    for match in ENTRY.finditer(text):
        key, line = match[1], text.count("\n", 0, match.start()) + 1
        fields = entries[key].fields
        wrong = []
        if not {"doi", "url"} & set(fields) and "Lecture" not in fields.get("howpublished", ""):
            wrong.append("has neither doi nor url: add the one that leads to the work")
        if not KEY.fullmatch(key):
            wrong.append("is not of the form lin2017 (author, year): mend the key")
        if key < before:
            wrong.append(f"stands behind {before}: keep the file sorted by key")
        for what in wrong:
            LOG.warning("bibliography entry %s %s", key, what, location=f"{path}:{line}")
        before = key


def setup(app):
    """Register the styles under the name `course`."""
    register_plugin("pybtex.style.sorting", "course", ByKey)
    register_plugin("pybtex.style.formatting", "course", CourseStyle)
    app.connect("builder-inited", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
