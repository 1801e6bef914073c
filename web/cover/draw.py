"""Draw the cover's picture: a straight line, and what it becomes with 1, 2, … 28 hidden units.

    python web/cover/draw.py        writes book/images/pulse.svg.html

The points are a generated trace with noise. Each curve is a network with one hidden layer of
rectified linear units on a straight line: units are added one at a time where they lower the
squared error most, and all output weights are fitted anew by least squares. Such a network is a
chain of straight pieces, so a curve is kept as its corners.
"""

from pathlib import Path

import numpy as np

UNITS, POINTS = 28, 260
WIDTH, HEIGHT = 760, 260
TARGET = Path(__file__).resolve().parents[2] / "book" / "images" / "pulse.svg.html"
# a beat as bumps: (where, how high, how wide)
BEAT = ((0.18, 0.13, 0.035), (0.37, -0.16, 0.013), (0.41, 1.1, 0.02), (0.455, -0.27, 0.016))
BEAT += ((0.70, 0.26, 0.055),)


def trace(t):
    """Return the noiseless trace: a rising line up to t = 0.8, then two beats."""
    beats = sum(
        high * np.exp(-0.5 * ((t - start - where) / wide) ** 2)
        for start in (0.8, 1.8)
        for where, high, wide in BEAT
    )
    return np.where(t < 0.8, 0.42 * t - 0.3, 0.42 * 0.8 - 0.3) + beats


def features(t, hinges):
    """Return 1, t and a rectified linear unit a hinge. (points, 2 + units)"""
    return np.column_stack([np.ones_like(t), t, *(np.maximum(0, t - h) for h in hinges)])


def fit(t, y, hinges):
    """Return the least-squares weights and the mean squared error."""
    design = features(t, hinges)
    weights = np.linalg.lstsq(design, y, rcond=None)[0]
    return weights, np.mean((design @ weights - y) ** 2)


def grow(t, y):
    """Yield (hinges, weights, error) with 0, 1, … UNITS hidden units."""
    candidates, hinges = list(np.linspace(0.04, 2.76, 137)), []
    for _ in range(UNITS + 1):
        yield sorted(hinges), *fit(t, y, sorted(hinges))
        best = min(candidates, key=lambda h: fit(t, y, sorted([*hinges, h]))[1])
        candidates.remove(best)
        hinges.append(best)


def place(t, y):
    """Return where a point lies in the picture."""
    return 12 + t / 2.8 * (WIDTH - 24), HEIGHT - 74 - y * 130


def path(t, y):
    """Return the `d` of a chain of straight pieces."""
    pairs = (f"{a:.1f} {b:.1f}" for a, b in zip(*place(t, y), strict=True))
    return "M" + " ".join(pairs)


def draw():
    """Return the picture as an SVG element that a page holds."""
    rng = np.random.default_rng(7)
    t = np.sort(rng.uniform(0, 2.8, POINTS))
    y = trace(t) + rng.normal(0, 0.035, POINTS)
    dots = "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.2"/>' for a, b in zip(*place(t, y), strict=True)
    )
    curves = []
    for units, (hinges, weights, error) in enumerate(grow(t, y)):
        corners = np.array([0, *hinges, 2.8])
        d = path(corners, features(corners, hinges) @ weights)
        shown = ' class="on"' if units == UNITS else ' class="start"' if units == 0 else ""
        curves.append(f'<path{shown} data-error="{np.sqrt(error):.3f}" d="{d}"/>')
    label = (
        "Scattered points rise along a straight line and then trace two heartbeats. A dashed "
        "straight line misses the beats; a chain of straight pieces, made by 28 hidden units, "
        "follows them."
    )
    return (
        f'<svg class="pulse" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">\n'
        f'<g class="dots">{dots}</g>\n<g class="curves">\n' + "\n".join(curves) + "\n</g>\n</svg>\n"
    )


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(draw(), encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
