"""When are two outputs of a cell the same? Used by nbval's run and by a rebuild alike.

Text must match exactly once what may differ between machines is masked (`masks.cfg`, in nbval's
format). A figure drawn from formulas or data must match by decoded pixels; a trained one is
covered by the lesson's claims, so only its presence counts.
"""

import base64
import configparser
import functools
import io
import re
from pathlib import Path

MASKS = Path(__file__).with_name("masks.cfg")
LEVELS = 16  # a channel that moves by more than this is another colour, not another rounding
SHARE = 2e-4  # of all pixels: about sixty in a figure of the course


@functools.cache
def masks():
    """Return the (pattern, replacement) pairs of `masks.cfg`."""
    parser = configparser.RawConfigParser()
    parser.read(MASKS, encoding="utf-8")
    return [
        (re.compile(parser[name]["regex"]), parser[name]["replace"]) for name in parser.sections()
    ]


def masked(text):
    """Return `text` with what may differ between machines blotted out."""
    for pattern, replacement in masks():
        text = pattern.sub(replacement, text)
    return text


def pngs(outputs):
    """Return the PNG images, base64 text, among a cell's `outputs`."""
    found = [out.get("data", {}).get("image/png") for out in outputs]
    return [image for image in found if image is not None]


def same_texts(old, new):
    """Say whether the texts of two lists of outputs are equal once masked."""

    def texts(outputs):
        for out in outputs:
            data = {
                key: masked(str(v)) for key, v in out.get("data", {}).items() if "png" not in key
            }
            yield (out.output_type, out.get("name"), masked(out.get("text", "")), data)

    return list(texts(old)) == list(texts(new))


def differing_share(old, new):
    """Return the share of pixels in which two PNGs (base64) differ; 1.0 where sizes do."""
    import numpy as np

    a, b = _pixels(old), _pixels(new)
    if a.shape != b.shape:
        return 1.0
    return float((np.abs(a - b).max(axis=-1) > LEVELS).mean())


def same_figures(old, new):
    """Say whether two lists of PNGs show the same pictures, up to another machine's rounding."""
    pairs = zip(old, new, strict=False)
    return len(old) == len(new) and all(a == b or differing_share(a, b) <= SHARE for a, b in pairs)


def _pixels(png):
    """Return a PNG's pixels over white, as signed integers (rows, columns, channels)."""
    import numpy as np
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA")
    page = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(page, image), dtype=np.int16)[..., :3]
