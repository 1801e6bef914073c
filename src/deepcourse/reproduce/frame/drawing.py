"""The figures of a record: found by its experiment's name in `figures`, drawn, and written as SVG.

Imports: `record`, `deepcourse.plot` and matplotlib; a file of `figures` when `draw` is called.
"""

import importlib
import importlib.util
import io
import re
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.figure import Figure

from deepcourse.plot import STYLE
from deepcourse.reproduce.frame.record import write

HERE = "deepcourse.reproduce.figures"
WIDTH = 5.6  # inches, as in the lessons


@dataclass(frozen=True)
class Drawn:
    """A figure: its file's name, what is seen in it, and the sentence that stands below it."""

    name: str
    figure: Figure
    alt: str
    caption: str


def draw(record):
    """Return {file name: SVG} of a record: empty where nobody wrote a file of figures for it."""
    name = record["experiment"]
    if importlib.util.find_spec(f"{HERE}.{name}") is None:
        return {}
    module = importlib.import_module(f"{HERE}.{name}")
    with mpl.rc_context({**STYLE, "font.size": 11.0, "svg.hashsalt": name}):
        drawn = module.draw(record)
        return {f"{one.name}.svg": as_svg(one, record["note"]) for one in drawn}


def write_figures(record, name, folder):
    """Write a record's figures to `folder`/`name`, and return their paths.

    Figures that lie there and are drawn no more are deleted.
    """
    drawn = {folder / name / file: text for file, text in draw(record).items()}
    for path in (folder / name).glob("*.svg"):
        if path not in drawn:
            path.unlink()
    for path, text in drawn.items():
        write(path, text)
    return list(drawn)


def as_svg(drawn, note):
    """Return a figure as SVG, the same in each run, that holds alt, caption and `note`."""
    told = {"Title": drawn.caption, "Description": drawn.alt, "Rights": note or None}
    told |= {"Date": None, "Creator": None}
    file = io.StringIO()
    drawn.figure.savefig(file, format="svg", metadata=told)
    text = re.sub(r"[ \t]+$", "", file.getvalue(), flags=re.MULTILINE)
    return re.sub(r"(\d\.\d{3})\d+", r"\1", text)  # thousandths of a point are enough


def panels(rows, height):
    """Return a Figure of the lessons' width with `rows` Axes below each other."""
    figure = Figure(figsize=(WIDTH, height))
    return figure, figure.subplots(rows, squeeze=False)[:, 0]
