"""Sphinx extension: a page asks for one style sheet, in which all others stand one after the other.

A browser shows nothing before it has every sheet; ten of them make a reader on a phone wait.
"""

import re
from pathlib import Path

ORDER = ("basic.css", "styles/pydata-sphinx-theme.css", "pygments.css")
ORDER += ("styles/sphinx-book-theme.css", "copybutton.css", "togglebutton.css", "mystnb.*.css")
ORDER += ("sphinx-design.min.css", "katex/katex.min.css", "course.css")
NAME = "site.css"
URL = re.compile(r"""url\(["']?(?!data:|#)([^"')]+)["']?\)""")


def ask_for_one(app, pagename, templatename, context, doctree):
    """Replace the page's style sheets by the one."""
    if "css_files" in context:
        context["css_files"] = [f"_static/{NAME}"]


def join(app, error):
    """Write the one sheet, with every address in it seen from its own place."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    if not (static / "course.css").is_file():
        return  # nothing was written, so Sphinx copied no sheets: the one of the last build stands
    parts = []
    for pattern in ORDER:
        for sheet in sorted(static.glob(pattern)):
            folder = sheet.parent.relative_to(static).as_posix()
            css = sheet.read_text(encoding="utf-8").replace('@charset "UTF-8";', "")
            parts.append(URL.sub(lambda m, f=folder: f"url({_seen_from(f, m[1])})", css))
            sheet.unlink()
    (static / NAME).write_text("\n".join(parts), encoding="utf-8")


def _seen_from(folder, address):
    """Return `address`, which is relative to `folder`, relative to the folder above it.

    >>> _seen_from("styles", "../vendor/a.woff2"), _seen_from("katex", "fonts/b.woff2")
    ('vendor/a.woff2', 'katex/fonts/b.woff2')
    """
    parts = []
    for part in [*folder.split("/"), *address.split("/")]:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def setup(app):
    """Run when the sheets are as they shall be."""
    app.connect("html-page-context", ask_for_one, priority=980)
    app.connect("build-finished", join, priority=945)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
