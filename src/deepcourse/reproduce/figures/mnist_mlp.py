"""Errors of the network 784-225-225-10, epoch by epoch."""

from deepcourse.plot import BLUE, GREY, ORANGE
from deepcourse.reproduce.frame.drawing import Drawn, panels


def draw(record):
    """Draw the validation error of both trainings, a line a seed."""
    figure, (ax,) = panels(1, 3.2)
    runs = [seed["numbers"] for seed in record["seeds"]]
    for run in runs:
        for found, colour in ((run["sgd"], ORANGE), (run, BLUE)):
            errors = found["val_error_by_epoch"]
            ax.plot(range(1, len(errors) + 1), [100 * e for e in errors], color=colour, lw=1.2)
    for name, colour in (("plain SGD, pictures as they are", ORANGE), ("ours", BLUE)):
        ax.plot([], color=colour, label=name)
    ax.axhline(1.2, color=GREY, lw=1, ls=":", label="1.2 % test error, as reported")
    ax.set(xlabel="epoch", ylabel="validation error (%)", yscale="log")
    ax.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    ax.minorticks_off()
    ax.legend()

    def ends(name):
        last = [(run if name == "ours" else run[name])["val_error_by_epoch"][-1] for run in runs]
        return f"{100 * min(last):.1f} and {100 * max(last):.1f} percent"

    alt = (
        "Validation error against epochs, logarithmic, five lines each. Both begin between 6 and 8 "
        f"percent. Plain SGD flattens and ends between {ends('sgd')}; ours falls on "
        f"and ends between {ends('ours')}."
    )
    caption = (
        "Five seeds each. Ours has other pictures in each epoch, and steps that shrink to zero."
    )
    return [Drawn("epochs", figure, alt, caption)]
