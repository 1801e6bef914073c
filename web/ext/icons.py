"""Sphinx extension: the icon fonts keep the icons that a style sheet still asks for.

Which those are, lean_styles.py has decided before. Files that no page asks for leave as well.
"""

import hashlib
import logging
import re
import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

POINT = re.compile(r'"\\([ef][0-9a-f]{3})"')
RAW_POINT = re.compile("[\ue000-\uf8ff]")
DEAD = ("*.map", "*.LICENSE.txt", "*webpack-macros.html", "fontawesome.js", "bootstrap.js")
DEAD += ("fa-*.ttf", "*thebe*", "images/logo_*")


def cut_font(font, points, cache):
    """Replace the font file by one that has only `points`; `cache` keeps it for the next build."""
    key = hashlib.sha256(font.read_bytes() + repr(sorted(points)).encode()).hexdigest()[:16]
    kept = cache / f"icons-{font.stem}-{key}.woff2"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        subsetter = subset.Subsetter(subset.Options(flavor="woff2", notdef_outline=True))
        subsetter.populate(unicodes=points)
        with TTFont(font) as loaded:
            subsetter.subset(loaded)
            loaded.flavor = "woff2"
            loaded.save(kept)
    shutil.copyfile(kept, font)


def cut(app, error):
    """Cut the fonts to what the style sheets use, and remove what no page asks for."""
    if error is not None or app.builder.format != "html":
        return
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    static = Path(app.outdir) / "_static"
    if not (static / "scripts" / "bootstrap.js").is_file():
        return  # nothing was written: all is as the last build left it
    sheets = [path.read_text(encoding="utf-8") for path in static.rglob("*.css")]
    points = {int(point, 16) for sheet in sheets for point in POINT.findall(sheet)}
    points |= {ord(point) for sheet in sheets for point in RAW_POINT.findall(sheet)}
    for pattern in DEAD:
        for path in static.rglob(pattern):
            path.unlink()
    shutil.rmtree(static / "locales", ignore_errors=True)
    cache = Path(app.confdir) / "web" / "node_modules" / ".cache" / "fonts"
    for font in sorted((static / "vendor" / "fontawesome" / "webfonts").glob("*.woff2")):
        cut_font(font, points, cache)


def setup(app):
    """Run when the style sheets are cut."""
    app.connect("build-finished", cut, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
