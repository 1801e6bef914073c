"""From logits to what a clinician asks: curves over labels, one operating point, who is served.

All statistics are over lesions: the logits of a lesion are the mean over its pictures.
Imports: `metrics` and numpy.
"""

import csv
import io
import statistics

import numpy as np

from deepcourse.reproduce.clinic import metrics

LICENSE = """\
The files in this folder are derived from HAM10000 and are not under the licence of the course.

They are licensed under the Creative Commons Attribution-NonCommercial 4.0 International licence
(CC BY-NC 4.0): https://creativecommons.org/licenses/by-nc/4.0/legalcode

Attribution: P. Tschandl, C. Rosendahl and H. Kittler, "The HAM10000 dataset, a large collection of
multi-source dermatoscopic images of common pigmented skin lesions", Scientific Data 5, 180161
(2018), doi:10.1038/sdata.2018.161; data: doi:10.7910/DVN/DBW86T. Changes: a network's scores,
and curves drawn from them, take the place of the pictures; lesions have numbers of their own; ages
and sites are joined into groups. No picture is in here.

Not a diagnostic device. The numbers say how small networks, trained for a course, do on pictures of
one collection; they must not be used for any medical decision.
"""


def by_lesion(logits, y, lesion):
    """Return (logits, y, lesion), one row a lesion, its logits the mean over its pictures."""
    names, first, place = np.unique(lesion, return_index=True, return_inverse=True)
    total = np.zeros((len(names), logits.shape[1]))
    np.add.at(total, place, logits)
    return total / np.bincount(place)[:, None], np.asarray(y)[first], names


def margin(logits):
    """Return the score (batch,) of two classes: how much the second is above the first."""
    return logits[:, 1] - logits[:, 0]


def curve_point(runs, y, num_bootstrap):
    """Return AUC over several networks: mean, sd, n, each, and an interval over lesions.

    `runs` holds the scores (lesions,) of each network on the same lesions. The interval is that
    of the networks' mean AUC when other lesions had been tested; sd is over networks.
    """
    each = [metrics.auc(scores, y) for scores in runs]

    def mean(rows):
        found = [metrics.auc(scores[rows], y[rows]) for scores in runs]
        return None if None in found else float(np.mean(found))

    interval = metrics.bootstrap(mean, np.arange(len(y)), np.random.default_rng(0), num_bootstrap)
    return {**spread(each), "interval": interval}


def spread(each, name="auc"):
    """Return the mean, standard deviation (None for one), number and values of a statistic."""
    sd = statistics.stdev(each) if len(each) > 1 else None
    return {name: float(np.mean(each)), "sd": sd, "n": len(each), "each": each}


def mean_auc(runs, y, rows):
    """Return the mean AUC of several networks' scores on some rows, or None."""
    each = [metrics.auc(scores[rows], y[rows]) for scores in runs] if rows.any() else [None]
    return None if None in each else float(np.mean(each))


def many_classes(runs, y, prior):
    """Return mean one-against-rest AUC and balanced accuracy of networks of several classes.

    `runs` holds logits (lesions, classes). For the balanced accuracy each class counts the same,
    so the `prior` (classes,) share of each in training is taken out of the logits.
    """
    count = len(prior)
    areas, balanced = [], []
    for logits in runs:
        p = metrics.log_softmax(logits)
        ones = [metrics.auc(p[:, c], y == c) for c in range(count) if 0 < (y == c).sum() < len(y)]
        areas.append(float(np.mean(ones)))
        predicted = (p - np.log(prior)).argmax(axis=1)
        balanced.append(metrics.balanced_accuracy(predicted, y, count))
    plain = spread([float((r.argmax(axis=1) == y).mean()) for r in runs], "accuracy")
    return {
        **spread(areas),
        "balanced_accuracy": float(np.mean(balanced)),
        "accuracy": plain["accuracy"],
    }


def operating_point(val, test, specificity, num_bootstrap):
    """Return sensitivity at a fixed specificity, read off the test curve and chosen beforehand.

    `val` and `test` are (scores, y). "curve" takes the threshold from the test lesions
    themselves, as publications do; "chosen" keeps the one of the validation lesions, as a clinic
    must, and counts what it does on the test lesions.
    """
    scores, y = test

    def sensitivity(rows):
        return metrics.sensitivity_at(scores[rows], y[rows], specificity)[0]

    _, threshold = metrics.sensitivity_at(*val, specificity)
    interval = metrics.bootstrap(
        sensitivity, np.arange(len(y)), np.random.default_rng(0), num_bootstrap
    )
    return {
        "specificity": specificity,
        "curve": {"sensitivity": sensitivity(slice(None)), "interval": interval},
        "chosen": {"threshold": threshold, **metrics.confusion(scores, y, threshold)},
    }


def honesty(val, test):
    """Return log loss, calibration error, Brier score and bins, before and after a temperature.

    `val` and `test` are (logits, y) of two classes; the temperature is fitted on `val`.
    """
    T = metrics.fit_temperature(*val)
    found = {"temperature": T}
    for name, scale in (("before", 1.0), ("after", T)):
        logits, y = test[0] / scale, test[1]
        p = np.exp(metrics.log_softmax(logits))[:, 1]
        loss = metrics.negative_log_likelihood(logits, y)
        found[name] = {"log_loss": loss, **metrics.calibration(p, y)}
    return found


def of_groups(scores, y, groups, threshold, num_bootstrap, fewest=10):
    """Return for each group its counts at `threshold`, its AUC and its interval.

    `groups` maps a property to the group (lesions,) of each lesion. The AUC of a group with
    fewer than `fewest` cases or controls is None: it would say next to nothing.
    """
    found = {}
    for kind, of_lesion in groups.items():
        found[kind] = {}
        for name in sorted(set(of_lesion)):
            rows = np.flatnonzero(np.asarray(of_lesion) == name)
            counts = metrics.confusion(scores[rows], y[rows], threshold)
            enough = min(counts["cases"], counts["controls"]) >= fewest
            area = curve_point([scores[rows]], y[rows], num_bootstrap) if enough else {}
            found[kind][str(name)] = {
                **counts,
                "auc": area.get("auc"),
                "interval": area.get("interval"),
            }
    return found


def compare(honest, leaking, y, num_bootstrap):
    """Return the mean AUC of two lists of scores on the same lesions, and how far they are apart.

    The interval of the difference resamples lesions, the same for both.
    """

    def gain(rows):
        found = [[metrics.auc(s[rows], y[rows]) for s in runs] for runs in (honest, leaking)]
        return None if None in found[0] + found[1] else float(np.mean(found[1]) - np.mean(found[0]))

    rows = np.arange(len(y))
    means = [mean_auc(runs, y, np.full(len(y), True)) for runs in (honest, leaking)]
    interval = metrics.bootstrap(gain, rows, np.random.default_rng(0), num_bootstrap)
    return {"honest": means[0], "leaking": means[1], "gain": gain(rows), "interval": interval}


def roc_table(scores, y):
    """Return the corners of an ROC curve as rows (threshold, specificity, sensitivity)."""
    points = np.stack(metrics.roc_points(scores, y), axis=1)
    step = np.diff(points[:, 1:], axis=0)
    straight = (np.sign(step[1:]) == np.sign(step[:-1])).all(axis=1)
    # Of a run of steps in one direction only its two ends are corners.
    one_way = (step[1:] == 0).any(axis=1) & (step[:-1] == 0).any(axis=1)
    keep = np.concatenate([[True], ~(straight & one_way), [True]])
    return points[keep]


def as_csv(header, rows):
    """Return rows as comma-separated text, floats with four significant digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([f"{one:.4g}" if isinstance(one, float) else one for one in row])
    return text.getvalue()
