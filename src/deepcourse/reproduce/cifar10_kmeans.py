"""CIFAR-10 without training a network: K-means patches and a linear classifier.

Patches of 6x6 pixels get the same contrast and are whitened; K-means gives their centroids; each
patch of a picture says by "triangle" features how much nearer than the average it is to each
centroid; the features are summed over the four quadrants. Source: Coates, Ng and Lee (2011), whose
4,000 centroids gave 79.6 % and 1,600 gave 77.9 %. Coates and Ng (2012) is the later guide to it.
Ours: half of the centroids are learned and the other half are their mirror images, so that the
classifier sees each picture and its mirror image as the same, at half the number of features; and
the classifier, a linear support vector machine with squared hinge, is solved as a sequence of ridge
regressions whose targets move, with one Cholesky factor. The penalty is chosen on 5,000 training
pictures that are held back; then all are trained on and the test part is measured, once for each
dictionary.
"""

import statistics
from dataclasses import dataclass

import torch

from deepcourse.reproduce.frame.contract import Aim, setting
from deepcourse.reproduce.parts import patch_features

DATA = ("cifar10",)
SEEDS = 1
PART = 10_000  # pictures whose features are stored at a time
PAPER = {"by": "Coates, Ng and Lee (2011)", "cite": "coates2011"}
LARGEST, SECOND = "accuracy with 4,000 centroids", "accuracy with 1,600 centroids"
AIMS = (
    Aim("largest.accuracy", LARGEST, unit="%", at_least=0.80, reported=0.796, **PAPER),
    Aim("second_largest.accuracy", SECOND, unit="%", reported=0.779, **PAPER),
)


@dataclass(frozen=True)
class Config:
    """Settings; each dictionary is a run of its own, with its own patches."""

    counts: tuple[int, ...] = setting((100, 400, 1600, 4000), "centroids of each run")
    repeats: tuple[int, ...] = setting((3, 3, 1, 1), "runs of each number of centroids")
    mirrored: bool = setting(True, "half of the centroids are mirror images of the other half")
    size: int = setting(6, "side of a patch in pixels")
    num_patches: int = setting(400_000, "patches that K-means sees, mirror images included")
    num_rounds: int = setting(10, "rounds of K-means")
    floor: float = setting(0.1, "what whitening adds to the eigenvalues")
    penalties: tuple[float, ...] = setting(
        (0.001, 0.003, 0.01, 0.03), "penalties an example on the squared weights, to try"
    )
    num_ridges: int = setting(20, "ridge regressions for one classifier")
    num_validation: int = setting(5000, "training pictures that choose the penalty")
    precision: str = setting("bfloat16", "of distances; float32 where bfloat16 is slow")


TINY = Config(
    counts=(4, 8),
    repeats=(2, 1),
    num_patches=2000,
    num_rounds=3,
    penalties=(0.01, 0.1),
    num_ridges=5,
    num_validation=128,
)


def run(config, seed, session):
    """Return the accuracy for each number of centroids, with the penalties that were chosen."""
    images = session.data("cifar10")
    curve = {"centroids": [], "accuracy": [], "sd": [], "n": [], "validation": [], "penalty": []}
    costs = {"features_cpu_seconds": [], "classifier_cpu_seconds": [], "wall_seconds": []}
    for count, repeats in zip(config.counts, config.repeats, strict=True):
        found = []
        for number in range(repeats):
            key = f"centroids-{count}-run-{number}"
            work = lambda _, count=count, key=key: one_dictionary(
                count, key, images, config, session
            )
            found.append(session.stage(key, work))
            for part in session.folder.glob(f"{key}-part-*.pt"):
                part.unlink()  # features take gigabytes, and are not needed any more
        accuracies = [one["accuracy"] for one in found]
        curve["centroids"].append(count)
        curve["accuracy"].append(statistics.fmean(accuracies))
        curve["sd"].append(statistics.stdev(accuracies) if repeats > 1 else None)
        curve["n"].append(repeats)
        curve["validation"].append(statistics.fmean(one["validation"] for one in found))
        curve["penalty"].append([one["penalty"] for one in found])
        for name, values in costs.items():
            values.append(statistics.fmean(one[name] for one in found))
    return {
        "largest": {"centroids": count, "accuracy": curve["accuracy"][-1], "n": repeats},
        "second_largest": {
            "centroids": config.counts[-2],
            "accuracy": curve["accuracy"][-2],
            "n": config.repeats[-2],
        },
        "curve": curve,
        "costs": costs,
    }


def one_dictionary(count, key, images, config, session):
    """Learn `count` centroids, choose the penalty, train on all, and measure the test part.

    An interrupted run finds the dictionary and the parts of the features in the session's store.
    """
    begun = session.clock.seconds()
    learned = session.stage(f"{key}-learned", lambda _: learn(images.X_train, count, config))
    learned = [one.to(session.device) for one in learned]
    pictures = torch.cat([images.X_train, images.X_test])
    parts = [
        session.stage(f"{key}-part-{number}", lambda _, X=X: features(X, learned, config, session))
        for number, X in enumerate(pictures.split(PART))
    ]
    encoded = session.clock.seconds()
    known = torch.cat(parts).to(session.device, torch.float32)
    number = len(images.X_train)
    found = classify(known[:number], images.y_train, known[number:], images.y_test, config)
    done = session.clock.seconds()
    return found | {
        "features_cpu_seconds": encoded[1] - begun[1],
        "classifier_cpu_seconds": done[1] - encoded[1],
        "wall_seconds": done[0] - begun[0],
    }


def features(X, learned, config, session):
    """Return the features of pictures X, as float16 on the CPU: half the memory."""
    bar = session.progress(f"{len(learned[0])} centroids", len(X))
    options = {"dtype": getattr(torch, config.precision), "mirrored": config.mirrored}
    found = patch_features.encode(X, *learned, config.size, tick=bar.update, **options)
    bar.close()
    return found.half().cpu()


def classify(train, y_train, test, y_test, config):
    """Choose the penalty on the last training examples, train on all, and measure the test part.

    Both arrays of features are standardized where they lie: they are the largest thing in memory.
    """
    cut = len(train) - config.num_validation
    mean, std = train[:cut].mean(dim=0), (train[:cut].var(dim=0) + 0.01).sqrt()
    for part in (train, test):
        part.sub_(mean).div_(std)
    signs = 2.0 * torch.nn.functional.one_hot(y_train) - 1
    gram = train[:cut].T @ train[:cut]
    rights = {}
    for penalty in config.penalties:
        weights = squared_hinge(train[:cut], signs[:cut], gram, penalty, config.num_ridges)
        rights[penalty] = share_right(weights, train[cut:], y_train[cut:])
    penalty = max(rights, key=rights.get)
    gram.addmm_(train[cut:].T, train[cut:])
    weights = squared_hinge(train, signs, gram, penalty, config.num_ridges)
    return {
        "accuracy": share_right(weights, test, y_test),
        "validation": rights[penalty],
        "penalty": penalty,
    }


def learn(X, count, config):
    """Return centroids (count, pixels) of white patches, and the whitening's mean and matrix."""
    drawn = config.num_patches // 2 if config.mirrored else config.num_patches
    rows = patch_features.normalize_contrast(patch_features.sample_patches(X, drawn, config.size))
    if config.mirrored:
        rows = torch.cat([rows, patch_features.mirror(rows, config.size)])
    mean, matrix = patch_features.whitening(rows, config.floor)
    rows = (rows - mean) @ matrix
    if not config.mirrored:
        return patch_features.kmeans(rows, count, config.num_rounds), mean, matrix
    half = patch_features.kmeans(rows, count // 2, config.num_rounds)
    return torch.cat([half, patch_features.mirror(half, config.size)]), mean, matrix


def squared_hinge(X, signs, gram, penalty, num_ridges):
    """Return the weights (features + 1, outputs) of linear support vector machines, bias last.

    They minimize the sum over examples of max(0, 1 - sign * score)² plus penalty * batch * |w|².
    For fixed targets sign * (1 + slack), slack >= 0, that is ridge regression; the best slack for
    fixed weights is max(0, sign * score - 1). The two steps take turns, with Nesterov's momentum.
    X (batch, features), whose columns have mean near 0; `signs` (batch, outputs) of -1 and 1;
    `gram` is X.T @ X. The bias is fitted to what the weights leave, without penalty.
    """
    bias = signs.mean(dim=0)
    shift = penalty * len(X) * torch.eye(len(gram), device=X.device)
    factor = torch.linalg.cholesky(gram + shift)
    weights = ahead = torch.zeros(X.shape[1], signs.shape[1], device=X.device)
    for number in range(num_ridges):
        scores = X @ ahead + bias
        targets = signs * (1 + (signs * scores - 1).clamp(min=0))
        bias = bias + (targets - scores).mean(dim=0)
        last, weights = weights, torch.cholesky_solve(X.T @ (targets - bias), factor)
        ahead = weights + number / (number + 3) * (weights - last)
    return torch.cat([weights, bias[None]])


def share_right(weights, X, y):
    """Return the share of X (batch, features) whose largest score is that of its class y."""
    return float(((X @ weights[:-1] + weights[-1]).argmax(dim=1) == y).float().mean())
