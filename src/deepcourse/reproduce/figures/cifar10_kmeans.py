"""How far a dictionary of patches comes, by its size."""

from deepcourse.plot import BLUE, GREY, ORANGE
from deepcourse.reproduce.frame.drawing import Drawn, panels

PAPER = {1600: 0.779, 4000: 0.796}  # Coates, Ng and Lee (2011)


def draw(record):
    """Draw the accuracy against the number of centroids."""
    curve = record["seeds"][0]["numbers"]["curve"]
    figure, (ax,) = panels(1, 3.2)
    ours = [100 * value for value in curve["accuracy"]]
    ax.plot(curve["centroids"], ours, "o-", color=BLUE, label="ours")
    paper = [100 * value for value in PAPER.values()]
    ax.plot(list(PAPER), paper, "x", color=ORANGE, ms=8, mew=2, label="Coates, Ng and Lee (2011)")
    target = 100 * record["aims"][0]["at_least"]
    ax.axhline(target, color=GREY, lw=1, ls=":", label="target")
    ax.set(xscale="log", xlabel="centroids", ylabel="test accuracy (%)")
    ax.set_xticks(curve["centroids"], [f"{count:,}" for count in curve["centroids"]])
    ax.minorticks_off()
    ax.legend()
    told = ", ".join(
        f"{value:.1f} percent with {count:,}"
        for count, value in zip(curve["centroids"], ours, strict=True)
    )
    reported = " and ".join(f"{100 * value:.1f} with {n:,}" for n, value in PAPER.items())
    alt = (
        f"Test accuracy against the number of centroids, logarithmic: {told}. Beside it the "
        f"paper's points, {reported}, and a line at the target, {target:.0f} percent."
    )
    caption = (
        "Without training a network. Half of the centroids are mirror images of the others; the "
        "paper learned all of its own. A difference of one point or less may be chance."
    )
    return [Drawn("centroids", figure, alt, caption)]
