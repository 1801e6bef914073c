"""Where two numbers put a banknote: by the autoencoder and by PCA."""

from matplotlib.figure import Figure

from deepcourse.plot import BLUE, ORANGE
from deepcourse.reproduce.frame.drawing import WIDTH, Drawn

NAMES = {"autoencoder": "autoencoder", "pca": "PCA"}


def draw(record):
    """Draw the codes of the test notes of the first seed, forgeries apart from genuine notes."""
    numbers = record["seeds"][0]["numbers"]
    figure = Figure(figsize=(WIDTH, 3.2))
    for ax, (method, name) in zip(figure.subplots(1, 2), NAMES.items(), strict=True):
        points = zip(numbers["picture"][method], numbers["picture"]["label"], strict=True)
        groups = {0: [], 1: []}
        for point, label in points:
            groups[label].append(point)
        for label, colour, mark in ((0, BLUE, "o"), (1, ORANGE, "x")):
            ax.scatter(*zip(*groups[label], strict=True), s=12, color=colour, marker=mark, lw=1)
        share = numbers[method]["test_error"]
        ax.set(title=f"{name}: {100 * share:.1f} % lost", xticks=[], yticks=[])
    alt = (
        "Two scatter plots of the same banknotes. Left, the codes of the autoencoder: genuine "
        "notes, blue dots, and forgeries, orange crosses, lie in two bent bands. Right, the "
        "two principal components: the two kinds overlap in the middle."
    )
    caption = (
        "The test notes of the first seed by two numbers each, and the share of their variance "
        "that these do not give back. Nobody told either method which are forgeries (orange "
        "crosses)."
    )
    return [Drawn("codes", figure, alt, caption)]
