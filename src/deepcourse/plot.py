"""The course's figures: one style, and `plot_*` functions that take data and return Axes.

Imports: matplotlib and numpy.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

# Colour-blind-safe, and of a middle lightness that is legible on white and on near-black.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#2f7fc4", "#d9620f", "#00936b", "#b8609f", "#808080"

STYLE = {
    "figure.figsize": (5.6, 3.3),
    "figure.dpi": 130,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "none",
    "savefig.transparent": True,
    "axes.facecolor": "none",
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.titlecolor": GREY,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": mpl.cycler(color=[BLUE, ORANGE, GREEN, PURPLE, GREY]),
    "axes.grid": False,
    "text.color": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "grid.color": GREY,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "font.size": 12.0,
    "image.cmap": "cividis",
}


def use_style():
    """Give every later figure the course's style (a change of rcParams, made when you ask)."""
    mpl.rcParams.update(STYLE)


def plot_data(X, y, ax=None, **options):
    """Scatter `y` (batch,) over one input `X` (batch,) or (batch, 1); return the Axes."""
    ax = ax or plt.gca()
    options = {"s": 14, "color": GREY, "alpha": 0.8, "label": "data"} | options
    ax.scatter(np.asarray(X).reshape(-1), np.asarray(y).reshape(-1), **options)
    ax.set(xlabel="x", ylabel="y")
    return ax
