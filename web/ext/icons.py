"""Sphinx extension: of Font Awesome and the theme's files, the site keeps what its pages use."""

import hashlib
import logging
import re
import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

CLASSES = re.compile(r'class="([^"]*\bfa-[^"]*)"')
# set by the theme's scripts and styles while a page is open
ALWAYS = {"angle-right", "arrow-up", "check", "chevron-down", "chevron-right", "chevron-up"}
ALWAYS |= {"circle-half-stroke", "copy", "moon", "sun", "xmark", "outdent", "link", "list", "bars"}
RULE = re.compile(r"((?:\.fa-[a-z0-9-]+::?before,?)+)\{(content:\"[^}]*)\}")
POINT = re.compile(r'"\\([ef][0-9a-f]{3})"')
RAW_POINT = re.compile("[\ue000-\uf8ff]")
TTF = re.compile(r',url\([^)]*\.ttf\) format\("truetype"\)')
DEAD = ("*.map", "*.LICENSE.txt", "*webpack-macros.html", "fontawesome.js", "fa-*.ttf", "thebe*")
DEAD_FOLDERS = ("locales",)


def used_icons(html):
    """Return the icons' names in the built pages, with those that scripts add."""
    names = set(ALWAYS)
    for page in html.rglob("*.html"):
        for classes in CLASSES.findall(page.read_text(encoding="utf-8")):
            names.update(n[3:] for n in classes.split() if n.startswith("fa-"))
    return names


def cut_styles(css, names):
    """Return the theme's style sheet without the rules of icons that are not used."""

    def keep(match):
        wanted = [s for s in match[1].split(",") if s.split(":")[0][4:] in names]
        return ",".join(wanted) + "{" + match[2] + "}" if wanted else ""

    return TTF.sub("", RULE.sub(keep, css))


def cut_font(font, points, cache):
    """Replace the font file by one that has only `points`; `cache` keeps it for the next build."""
    key = hashlib.sha256(font.read_bytes() + repr(sorted(points)).encode()).hexdigest()[:16]
    kept = cache / f"icons-{font.stem}-{key}.woff2"
    if not kept.is_file():
        options = subset.Options(flavor="woff2", notdef_outline=True)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=points)
        with TTFont(font) as loaded:
            subsetter.subset(loaded)
            loaded.flavor = "woff2"
            loaded.save(kept)
    shutil.copyfile(kept, font)


def cut(app, error):
    """Cut style sheet and fonts to what is used, and remove what no page asks for."""
    if error is not None or app.builder.format != "html":
        return
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    static = Path(app.outdir) / "_static"
    style = static / "styles" / "pydata-sphinx-theme.css"
    css = cut_styles(style.read_text(encoding="utf-8"), used_icons(Path(app.outdir)))
    style.write_text(css, encoding="utf-8")
    sheets = [path.read_text(encoding="utf-8") for path in static.rglob("*.css")]
    points = {int(point, 16) for sheet in sheets for point in POINT.findall(sheet)}
    points |= {ord(point) for sheet in sheets for point in RAW_POINT.findall(sheet)}
    for pattern in DEAD:
        for path in static.rglob(pattern):
            path.unlink()
    for name in DEAD_FOLDERS:
        shutil.rmtree(static / name, ignore_errors=True)
    for font in sorted((static / "vendor" / "fontawesome" / "webfonts").glob("*.woff2")):
        cut_font(font, points, Path(app.doctreedir))


def setup(app):
    """Run when all pages are written."""
    app.connect("build-finished", cut, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
