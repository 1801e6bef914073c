"""The course's figures: one style, and `plot_*` functions that take data and return Axes.

Imports: matplotlib, numpy and torch.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap, to_rgba

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


# No, don't know, yes: what a model is unsure of stays transparent.
NO_TO_YES = LinearSegmentedColormap.from_list(
    "no_to_yes", [to_rgba(ORANGE, 0.55), to_rgba(GREY, 0.0), to_rgba(BLUE, 0.55)]
)


def use_style():
    """Give every later figure the course's style (a change of rcParams, made when you ask)."""
    mpl.rcParams.update(STYLE)


def plot_data(X, y, ax=None, **options):
    """Scatter `y` (batch,) over one input `X` (batch,) or (batch, 1); return the Axes.

    Both may be arrays, or tensors on any device.
    """
    ax = ax or plt.gca()
    options = {"s": 14, "color": GREY, "alpha": 0.8, "label": "data"} | options
    ax.scatter(*(_array(values).reshape(-1) for values in (X, y)), **options)
    ax.set(xlabel="x", ylabel="y")
    return ax


def plot_boundary(predict, X, y, ax=None, points=201, margin=0.25):
    """Colour the plane by `predict`, draw the examples on it; return the Axes.

    `predict` takes places (points, 2) and returns probabilities of "yes" (points, 1); orange is
    a sure no, blue a sure yes, no colour means one half. X is (batch, 2), y (batch, 1) of 0 and
    1, drawn as crosses and dots; the places are on the device of X.
    """
    ax = ax or plt.gca()
    low, high = X.min(dim=0).values - margin, X.max(dim=0).values + margin
    sides = list(zip(low.tolist(), high.tolist(), strict=True))
    across, up = (torch.linspace(*ends, points, dtype=X.dtype, device=X.device) for ends in sides)
    with torch.no_grad():
        p = predict(torch.cartesian_prod(across, up)).reshape(points, points).T
    levels = (p * 8).round() / 8  # few colours: visible steps, and a lighter picture
    shown = {"cmap": NO_TO_YES, "vmin": 0, "vmax": 1, "interpolation": "nearest"}
    ax.imshow(_array(levels), origin="lower", extent=[*sides[0], *sides[1]], **shown)
    for label, marker, color in ((0, "x", ORANGE), (1, "o", BLUE)):
        chosen = _array(X[y[:, 0] == label])
        ax.scatter(*chosen.T, s=9, marker=marker, color=color, linewidth=0.8)
    ax.locator_params(nbins=4, integer=True)
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    return ax


def _array(values):
    """Return an array, or a tensor on any device, as an array for matplotlib."""
    return np.asarray(values.cpu() if isinstance(values, torch.Tensor) else values)
