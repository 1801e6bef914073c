"""The names that shape comments may use. Source: the last table of `book/notation.md`."""

import re

from coursekit.errors import CourseError


def shape_names(course):
    """Return the names in the table under the heading "Shapes" of the notation page."""
    path = course.root / "book" / "notation.md"
    _, heading, section = path.read_text(encoding="utf-8").partition("\n## Shapes")
    rows = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    if not heading or not names:
        raise CourseError(
            f"{path}: expected a heading `## Shapes` with a table of names in backquotes"
        )
    return names
