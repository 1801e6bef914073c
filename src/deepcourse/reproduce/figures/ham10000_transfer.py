"""What the HAM10000 experiment found: by labels, by group of lesions, and its calibration.

Every figure's file holds the record's note: not a diagnostic device, non-commercial.
"""

import math

from deepcourse.plot import BLUE, GREY, ORANGE
from deepcourse.reproduce.frame.drawing import Drawn, panels

METHODS = {
    "scratch": ("from scratch", GREY, "o-"),
    "random_frozen": ("random body, frozen", GREY, "o:"),
    "fashion_mnist_tuned": ("Fashion-MNIST, tuned", ORANGE, "s-"),
    "fashion_mnist_frozen": ("Fashion-MNIST, frozen", ORANGE, "s:"),
    "cifar10_tuned": ("CIFAR-10, tuned", BLUE, "^-"),
    "cifar10_frozen": ("CIFAR-10, frozen", BLUE, "^:"),
}
GROUPS = {"proof": "how it is known", "age": "age", "sex": "sex", "site": "site"}
FEWEST = 20  # lesions of a group that is drawn
PROOF = {"histo": "excised", "follow_up": "followed", "consensus": "consensus"}


def draw(record):
    """Draw the learning curves, the groups, and the calibration."""
    numbers = record["seeds"][0]["numbers"]
    return [learning_curves(numbers), groups(numbers["main"]), calibration(numbers["main"])]


def learning_curves(numbers):
    """Draw the AUC against the number of labels: against all nevi, and against excised ones."""
    figure, axes = panels(2, 6.4)
    counts = [int(name) for name in numbers["curve"]["scratch"] if name != "all"]
    counts.append(numbers["parts"]["train"]["pictures"])
    for shift, (method, (name, colour, style)) in enumerate(METHODS.items()):
        points = list(numbers["curve"][method].values())
        places = [count * 1.05 ** (shift - 2.5) for count in counts]
        for ax, key in zip(axes, ("auc", "proven_auc"), strict=True):
            ax.plot(places, [one[key] for one in points], style, color=colour, label=name, ms=5)
        for ax, key in zip(axes, ("interval", "proven_interval"), strict=True):
            ends = [one[key] for one in points]
            ax.vlines(places, *zip(*ends, strict=True), color=colour, lw=1)
    titles = "melanoma against all nevi", "melanoma against excised nevi alone"
    for ax, title, low in zip(axes, titles, (0.8, 0.5), strict=True):
        ax.set(xscale="log", ylim=(low, low / 2 + 0.6), ylabel="AUC by lesion", title=title)
        ax.set_xticks(counts, [f"{count:,}" for count in counts])
        ax.minorticks_off()
    axes[1].set_xlabel("labelled training pictures")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return Drawn("by_labels", figure, seen_in_curves(numbers["curve"]), found_by_main(numbers))


def seen_in_curves(curve):
    """Return what the learning curves look like, in words."""
    first = next(iter(curve["scratch"]))
    least, most, hard = (
        f"{min(found):.2f} to {max(found):.2f}"
        for found in (
            [curve[method][first]["auc"] for method in METHODS],
            [curve[method]["all"]["auc"] for method in METHODS],
            [curve[method]["all"]["proven_auc"] for method in METHODS],
        )
    )
    return (
        f"AUC against the number of labels for six ways to begin. Above, against all nevi: with "
        f"{first} labels from {least}, with all from {most}. Below, against excised nevi alone: "
        f"with all labels from {hard}."
    )


def found_by_main(numbers):
    """Return the caption of the learning curves, with the main result and its intervals."""
    main, control = numbers["main"], numbers["curve"]["random_frozen"]["all"]
    ends = main["interval"], main["groups"]["proof"]["histo"]["interval"]
    whole, hard = (f"[{one[0]:.3f}, {one[1]:.3f}]" for one in ends)
    return (
        "How many labels a way to begin saves, on two scales; bars are 95 % intervals over the "
        "test lesions. With all labels a frozen body that was never trained reaches "
        f"{control['auc']:.3f} and {control['proven_auc']:.3f}. The main "
        f"result, on larger pictures, is {main['auc']:.3f} {whole} against all nevi and "
        f"{main['proven_auc']:.3f} {hard} against excised ones: all melanomas were excised, most "
        "nevi were not, look easier, and were perhaps photographed otherwise."
    )


def groups(main):
    """Draw sensitivity and specificity by group, at the threshold that validation lesions chose."""
    rows, gaps = [], []
    for kind, title in GROUPS.items():
        gaps.append((len(rows), title))
        for name, found in sorted(main["groups"][kind].items(), key=young_first):
            if found["cases"] + found["controls"] >= FEWEST:
                rows.append((PROOF.get(name, name), found))
    figure, (ax,) = panels(1, 0.42 * len(rows) + 1.3)
    marks = (("found", "cases", ORANGE, "o", -0.13), ("cleared", "controls", BLUE, "s", 0.13))
    for place, (_, found) in enumerate(rows):
        for part, whole, colour, mark, shift in marks:
            if found[whole]:
                share, low, high = wilson(found[part], found[whole])
                ax.plot([low, high], [place + shift] * 2, color=colour, lw=1)
                ax.plot(share, place + shift, mark, color=colour, ms=5)
    for place, title in gaps:
        ax.axhline(place - 0.5, color=GREY, lw=0.6, alpha=0.5)
        ax.text(0.01, place - 0.42, title, va="top", fontsize="small", style="italic")
    names = [f"{name} ({found['cases']}, {found['controls']})" for name, found in rows]
    ax.set_yticks(range(len(rows)), names)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1.02), xlabel="share")
    ax.plot([], color=ORANGE, marker="o", label="melanomas found")
    ax.plot([], color=BLUE, marker="s", label="nevi cleared")
    figure.legend(loc="outside upper center", ncols=2)
    told = "; ".join(f"{name}: {counted(one)}" for name, one in rows)
    alt = f"Shares of melanomas found and of nevi cleared, by group, with intervals: {told}."
    proof = main["groups"]["proof"]
    caption = (
        "Who is served how well, at one threshold for all, chosen on validation lesions: in "
        f"brackets melanomas and nevi, bars are 95 % intervals. Of the followed nevi "
        f"{percent(proof['follow_up'])} are cleared, of excised ones {percent(proof['histo'])}. "
        f"Groups of fewer than {FEWEST} lesions, both kinds together, are left out."
    )
    return Drawn("groups", figure, alt, caption)


def young_first(group):
    """Return what sorts groups by name, "under 40" before the other ages, "unknown" last."""
    return group[0] == "unknown", group[0] != "under 40", group[0]


def counted(group):
    """Return "9 of 12 melanomas and 80 of 90 nevi", without what there is none of."""
    parts = (("found", "cases", "melanomas"), ("cleared", "controls", "nevi"))
    return " and ".join(f"{group[a]} of {group[b]} {name}" for a, b, name in parts if group[b])


def percent(group):
    """Return the share of a group's nevi that were cleared, in words."""
    return f"{100 * group['cleared'] / group['controls']:.0f} %"


def calibration(main):
    """Draw how often a lesion was a melanoma against the predicted probability."""
    found = main["calibration"]["before"]
    figure, (ax,) = panels(1, 3.2)
    ax.plot([0, 1], [0, 1], ":", color=GREY, lw=1, label="as predicted")
    ends = [wilson(round(p * n), n)[1:] for p, n in zip(found["seen"], found["size"], strict=True)]
    ax.vlines(found["said"], *zip(*ends, strict=True), color=BLUE, lw=1)
    ax.plot(found["said"], found["seen"], "o", color=BLUE, ms=5, label="a tenth of the lesions")
    ax.set(xlabel="predicted probability", ylabel="share of melanomas", ylim=(-0.02, 1))
    ax.legend()
    error, after = found["error"], main["calibration"]["after"]["error"]
    temperature = main["calibration"]["temperature"]
    told, seen, size = (found[key][-1] for key in ("said", "seen", "size"))
    _, low, high = wilson(round(seen * size), size)
    top = (
        f"In the highest tenth {100 * told:.0f} % were predicted on average, and "
        f"{100 * seen:.0f} % [{100 * low:.0f}, {100 * high:.0f}] were melanomas."
    )
    alt = (
        "Share of melanomas against the predicted probability, ten groups of lesions, most of them "
        f"near zero, near the diagonal. {top.replace(' %', ' percent')}"
    )
    caption = (
        f"Calibration, at this collection's share of melanomas. {top} The mean gap is "
        f"{100 * error:.1f} points, as most groups lie near zero, and {100 * after:.1f} with the "
        f"temperature fitted to validation lesions, {temperature:.2f}."
    )
    return Drawn("calibration", figure, alt, caption)


def wilson(found, count, z=1.96):
    """Return a share and the ends of its 95 % interval; source: Wilson (1927)."""
    share, scale = found / count, 1 + z * z / count
    middle = (share + z * z / (2 * count)) / scale
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / scale
    return share, max(0.0, middle - half), min(1.0, middle + half)
