"""Sphinx extension: the book's typeface, Source Serif 4, cut to the letters that its pages use.

The font comes from npm (SIL Open Font License, copied beside it); nothing is asked of other sites.
"""

import hashlib
import logging
import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

# the file in the package, the one beside the pages, and the weights that stay
FACES = (
    ("source-serif-4-latin-wght-normal.woff2", "serif.woff2", (400, 700)),
    ("source-serif-4-latin-wght-italic.woff2", "serif-italic.woff2", 400),
)
LETTERS = [*range(0x20, 0x7F), *range(0xA0, 0x100), 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D]
LETTERS += [0x2026, 0x2212, 0x2032, 0x0153, 0x0161, 0x017E, 0x010D, 0x0107]
FEATURES = ["kern", "liga", "mark", "ccmp", "locl", "lnum", "tnum"]


def cut_face(source, target, weights, cache):
    """Write `source` to `target` with our letters and weights; `cache` keeps it for next time."""
    wanted = repr((weights, LETTERS, FEATURES)).encode()
    key = hashlib.sha256(source.read_bytes() + wanted).hexdigest()[:16]
    kept = cache / f"{target.stem}-{key}.woff2"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with TTFont(source) as loaded:
            font = instantiateVariableFont(loaded, {"wght": weights})
            subsetter = subset.Subsetter(subset.Options(layout_features=FEATURES))
            subsetter.populate(unicodes=LETTERS)
            subsetter.subset(font)
            font.flavor = "woff2"
            font.save(kept)
    shutil.copyfile(kept, target)


def add_faces(app, error):
    """Put the typeface beside the pages."""
    if error is not None or app.builder.format != "html":
        return
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    modules = Path(app.confdir) / "web" / "node_modules"
    package = modules / "@fontsource-variable" / "source-serif-4"
    fonts = Path(app.outdir) / "_static" / "fonts"
    fonts.mkdir(parents=True, exist_ok=True)
    for source, name, weights in FACES:
        cut_face(package / "files" / source, fonts / name, weights, modules / ".cache" / "fonts")
    shutil.copyfile(package / "LICENSE", fonts / "LICENSE-Source-Serif.txt")


def setup(app):
    """Run when all pages are written."""
    app.connect("build-finished", add_faces)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
