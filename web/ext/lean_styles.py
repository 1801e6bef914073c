"""Sphinx extension: the theme's style sheets keep the rules that a page or a script can match.

The theme ships Bootstrap and Font Awesome whole (400 KB). A rule stays when each class that it
names occurs in a built page, in a script, or in a template of the theme's that a script fills in.
"""

import re
from pathlib import Path

CLASSES = re.compile(r'\bclass="([^"]*)"')
WORD = re.compile(r"[A-Za-z][\w-]*")
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
EMPTY = re.compile(r"@(?:media|supports|layer|container)[^{};]*\{\s*\}")
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
TTF = re.compile(r',url\([^)]*\.ttf\) format\("truetype"\)')
SHEETS = ("styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css", "basic.css")
SHEETS += ("sphinx-design.min.css", "mystnb.*.css", "pygments.css", "copybutton.css")


def used_names(html):
    """Return every class in the built pages and every word in the scripts beside them."""
    names = set()
    for page in html.rglob("*.html"):
        for classes in CLASSES.findall(page.read_text(encoding="utf-8")):
            names.update(classes.split())
    for script in html.rglob("*.js"):
        if script.name != "searchindex.js" and script.parent.name != "demos":  # in shadow roots
            names.update(WORD.findall(script.read_text(encoding="utf-8")))
    return names


def lean(css, names):
    """Return `css` without the selectors that name a class outside `names`.

    >>> lean(".a{color:red}.b,\\n.a .c{top:0}@media print{.b{top:1px}}", {"a", "c"})
    '.a{color:red}.a .c{top:0}'
    """

    def keep(match):
        if match[1].lstrip().startswith("@"):
            return match[0]
        kept = [s for s in _split(match[1]) if set(CLASS.findall(_positive(s))) <= names]
        return f"{','.join(kept)}{{{match[2]}}}" if kept else ""

    css = RULE.sub(keep, TTF.sub("", COMMENT.sub("", css)))
    while EMPTY.search(css):
        css = EMPTY.sub("", css)
    return css


def _positive(selector):
    """Return `selector` without what stands in :not(…), :is(…) and :where(…)."""
    while re.search(r":(?:not|is|where|has)\([^()]*\)", selector):
        selector = re.sub(r":(?:not|is|where|has)\([^()]*\)", "", selector)
    return selector


def _split(selectors):
    """Split at the commas that stand in no brackets."""
    parts, depth = [""], 0
    for sign in selectors:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def forget(app):
    """Remove the sheets of the last build: who wrote them leaves those alone that are there."""
    for pattern in SHEETS:
        for sheet in (Path(app.outdir) / "_static").glob(pattern):
            sheet.unlink()


def cut(app, error):
    """Rewrite the style sheets when all pages are written."""
    if error is not None or app.builder.format != "html":
        return
    names = used_names(Path(app.outdir))
    for pattern in SHEETS:
        for sheet in (Path(app.outdir) / "_static").glob(pattern):
            sheet.write_text(lean(sheet.read_text(encoding="utf-8"), names), encoding="utf-8")


def setup(app):
    """Run before icons.py reads which icons are left."""
    app.connect("builder-inited", forget, priority=100)
    app.connect("build-finished", cut, priority=940)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
