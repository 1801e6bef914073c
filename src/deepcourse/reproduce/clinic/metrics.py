"""How well scores tell the sick from the healthy, how sure we are of that, and are they honest.

Arrays are numpy's: `scores` (batch,) rise with suspicion, `y` (batch,) is 1 for the disease and 0
without it. A statistic that is undefined, such as an AUC without a single case, is None.
Imports: numpy.
"""

import numpy as np


def auc(scores, y):
    """Return the chance that a random case scores above a random control; a tie counts one half.

    Source: Hanley and McNeil (1982): the area under the ROC curve is the Mann-Whitney statistic.

    >>> auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 0, 1, 1]))
    0.875
    """
    scores, y = _checked(scores, y)
    cases = int(y.sum())
    if cases in (0, len(y)):
        return None
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    rank = (last - (count - 1) / 2)[place]  # from 1; equal scores share their mean rank
    above = rank[y == 1].sum() - cases * (cases + 1) / 2
    return float(above / (cases * (len(y) - cases)))


def roc_points(scores, y):
    """Return (threshold, specificity, sensitivity) at each score, "sick" from the threshold on.

    From the highest threshold, infinity, where nobody is called sick, to the lowest score.
    """
    scores, y = _checked(scores, y)
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    found, wrong = np.cumsum(y[order])[last], np.cumsum(1 - y[order])[last]
    cases, controls = max(int(y.sum()), 1), max(int((1 - y).sum()), 1)
    threshold = np.append(np.inf, ordered[last])
    specificity = 1 - np.append(0, wrong) / controls
    return threshold, specificity, np.append(0, found) / cases


def sensitivity_at(scores, y, specificity):
    """Return (sensitivity, threshold): the highest sensitivity with at least that specificity."""
    threshold, spec, sens = roc_points(scores, y)
    allowed = np.flatnonzero(spec >= specificity - 1e-12)
    best = allowed[-1]  # sensitivity only rises as the threshold falls
    return float(sens[best]), float(threshold[best])


def confusion(scores, y, threshold):
    """Return counts at "sick from `threshold` on", and the two rates that they give.

    Keys: cases, controls, found (cases called sick), cleared (controls called healthy),
    sensitivity and specificity, None where there is nobody to count.
    """
    scores, y = _checked(scores, y)
    called = scores >= threshold
    cases, controls = int(y.sum()), int((1 - y).sum())
    found, cleared = int((called & (y == 1)).sum()), int((~called & (y == 0)).sum())
    return {
        "cases": cases,
        "controls": controls,
        "found": found,
        "cleared": cleared,
        "sensitivity": found / cases if cases else None,
        "specificity": cleared / controls if controls else None,
    }


def bootstrap(statistic, cluster, generator, count=1000, level=0.95):
    """Return [low, high], the percentile interval of `statistic(rows)` over resampled clusters.

    `cluster` (batch,) says to which lesion each picture belongs. Whole lesions are drawn with
    replacement, since pictures of one lesion are not independent; `rows` holds all pictures of
    each drawn lesion. `generator` is a numpy Generator. Draws in which the statistic is None are
    left out; None if that leaves fewer than half.
    Source: Field and Welsh (2007), the cluster bootstrap.
    """
    _, place = np.unique(cluster, return_inverse=True)
    order = np.argsort(place, kind="stable")
    start = np.searchsorted(place[order], np.arange(place.max() + 2))
    values = []
    for _ in range(count):
        drawn = generator.integers(0, len(start) - 1, size=len(start) - 1)
        rows = [order[start[one] : start[one + 1]] for one in drawn]
        values.append(statistic(np.concatenate(rows)))
    values = [value for value in values if value is not None]
    if len(values) < max(count / 2, 1):
        return None
    tail = (1 - level) / 2
    return [float(edge) for edge in np.quantile(values, [tail, 1 - tail])]


def log_softmax(logits):
    """Return log-probabilities (batch, classes)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def negative_log_likelihood(logits, y):
    """Return the mean of -log p(true class), in nats."""
    return float(-log_softmax(logits)[np.arange(len(y)), y].mean())


def fit_temperature(logits, y, lowest=0.05, highest=20.0):
    """Return the T in [lowest, highest] that gives `logits / T` the least log loss on these data.

    The loss is convex in 1/T, so bisection on its slope finds the minimum: expected logit minus
    true logit is what the slope averages. Source: Guo et al. (2017), section 4.2.
    """
    low, high = 1 / highest, 1 / lowest
    true = logits[np.arange(len(y)), y]
    for _ in range(60):
        middle = (low + high) / 2
        slope = ((np.exp(log_softmax(middle * logits)) * logits).sum(axis=1) - true).mean()
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float(2 / (low + high))


def calibration(p, y, num_bins=10):
    """Return the calibration of probabilities `p` (batch,) of y = 1, over bins of equal size.

    Keys: `error`, the mean distance of said and seen over the bins, weighted by size; `brier`,
    the mean squared error; `said` and `seen`, mean p and share of cases of each bin; `size`.
    Equal size, since most p are near 0 and bins of equal width would hold almost nobody.
    """
    p, y = _checked(p, y)
    bins = [b for b in np.array_split(np.argsort(p, kind="stable"), num_bins) if len(b)]
    size = np.array([len(b) for b in bins])
    said, seen = np.array([p[b].mean() for b in bins]), np.array([y[b].mean() for b in bins])
    return {
        "error": float((size * abs(said - seen)).sum() / size.sum()),
        "brier": float(((p - y) ** 2).mean()),
        "said": said.tolist(),
        "seen": seen.tolist(),
        "size": size.tolist(),
    }


def balanced_accuracy(predicted, y, num_classes):
    """Return the mean over the classes that occur of the share recognized."""
    shares = [(predicted[y == c] == c).mean() for c in range(num_classes) if (y == c).any()]
    return float(np.mean(shares))


def _checked(scores, y):
    scores, y = np.asarray(scores, dtype=np.float64), np.asarray(y).astype(np.int64)
    if scores.shape != y.shape or scores.ndim != 1 or len(y) == 0:
        raise ValueError(
            f"expected one score for each label, came scores {scores.shape} and y {y.shape}: "
            "both must be (batch,) with the same batch, not 0"
        )
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"expected labels 0 and 1, came {np.unique(y)}: choose one against rest")
    if not np.isfinite(scores).all():
        raise ValueError("expected finite scores, came nan or infinity: look at the network's loss")
    return scores, y
