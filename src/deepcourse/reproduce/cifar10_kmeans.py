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
dictionary. The target, 80 %, is missed by a little: 4,000 centroids came closest, twice as many did
not help, on the held-back pictures either, and lower penalties helped small dictionaries alone.
"""

import statistics
from dataclasses import dataclass, replace

import torch

from deepcourse.reproduce.frame import machine
from deepcourse.reproduce.frame.contract import Aim, require_precision, setting
from deepcourse.reproduce.frame.errors import require
from deepcourse.reproduce.parts import patch_classifier, patch_features, patch_plain

DATA = ("cifar10",)
SEEDS = 1
PART = 10_000  # pictures whose features are stored at a time
PAPER = {"by": "Coates, Ng and Lee (2011)", "cite": "coates2011"}
TWICE = "accuracy with 8,000 centroids (4,000 learned, 4,000 mirror images)"
LIKE_PAPER = "accuracy with 4,000 centroids (2,000 learned, 2,000 mirror images)"
FEWER = "accuracy with 1,600 centroids (800 learned, 800 mirror images)"
AIMS = (
    Aim("second_largest.accuracy", LIKE_PAPER, unit="%", at_least=0.80, reported=0.796, **PAPER),
    Aim("largest.accuracy", TWICE, unit="%", at_least=0.80),
    Aim("third_largest.accuracy", FEWER, unit="%", reported=0.779, **PAPER),
)


@dataclass(frozen=True)
class Config:
    """Settings; each dictionary is a run of its own, with its own patches."""

    counts: tuple[int, ...] = setting((100, 400, 1600, 4000, 8000), "centroids of each run")
    repeats: tuple[int, ...] = setting((3, 3, 1, 1, 1), "runs of each number of centroids")
    mirrored: bool = setting(True, "half of the centroids are mirror images of the other half")
    size: int = setting(6, "side of a patch in pixels")
    num_patches: int = setting(400_000, "patches that K-means sees, mirror images included")
    num_rounds: int = setting(10, "rounds of K-means")
    floor: float = setting(0.1, "what whitening adds to the eigenvalues")
    penalties: tuple[float, ...] = setting(
        (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2), "penalties an example on the squared weights, to try"
    )
    num_ridges: int = setting(20, "ridge regressions for one classifier")
    num_validation: int = setting(5000, "training pictures that choose the penalty")
    precision: str = setting("bfloat16", "of distances; float32 where bfloat16 is slow")
    bench_count: int = setting(400, "centroids of both dictionaries in the benchmark")
    goal: float = setting(0.31, "validation error to reach in the benchmark")
    plain_epochs: int = setting(30, "most epochs of the benchmark's baseline")
    plain_lr: float = setting(0.003, "rate of the benchmark's baseline, with momentum 0.9")

    def __post_init__(self):
        runs = f"{len(self.counts)} counts and {len(self.repeats)} repeats"
        require(
            len(self.counts) == len(self.repeats) >= 3,
            f"expected a number of repeats for each of three or more counts, came {runs}: set both",
        )
        odd = [count for count in (*self.counts, self.bench_count) if count % 2]
        require(
            not (self.mirrored and odd),
            f"expected even counts, as half of them are mirror images, came {odd}: take one more, "
            "or add --set mirrored=false",
        )
        kept = f"expected pictures to choose the penalty by, came {self.num_validation}"
        require(self.num_validation > 0, f"{kept}: set num_validation to 5000, say")
        require_precision(self.precision)


TINY = Config(
    counts=(4, 6, 8),
    repeats=(2, 1, 1),
    num_patches=2000,
    num_rounds=3,
    penalties=(0.01, 0.1),
    num_ridges=5,
    num_validation=128,
    bench_count=4,
    plain_epochs=1,
)


def run(config, seed, session):
    """Return the accuracy for each number of centroids, with the penalties that were chosen."""
    images = session.data("cifar10")
    curve = {"centroids": [], "accuracy": [], "sd": [], "n": [], "validation": [], "penalty": []}
    costs = {"features_cpu_seconds": [], "classifier_cpu_seconds": [], "wall_seconds": []}
    peak = []
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
        peak.append(found[-1]["peak_memory_gib"])
    places = {"largest": -1, "second_largest": -2, "third_largest": -3}
    of_place = lambda place: {key: curve[key][place] for key in ("centroids", "accuracy", "n")}
    return {name: of_place(place) for name, place in places.items()} | {
        "curve": curve,
        "costs": costs | {"peak_memory_gib": peak},
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
    pairs = (known[:number], images.y_train), (known[number:], images.y_test)
    choice = config.penalties, config.num_ridges, config.num_validation
    found = patch_classifier.classify(*pairs, *choice)
    done = session.clock.seconds()
    return found | {
        "features_cpu_seconds": encoded[1] - begun[1],
        "classifier_cpu_seconds": done[1] - encoded[1],
        "wall_seconds": done[0] - begun[0],
        "peak_memory_gib": machine.peak_memory(),  # of the process so far
    }


def bench(config, seed, session):
    """Race to a validation error, one dictionary and one classifier each, against a plain way."""
    images, held = session.data("cifar10"), config.num_validation
    X, X_val = images.X_train[:-held], images.X_train[-held:]
    y, y_val = images.y_train[:-held], images.y_train[-held:]
    start = session.clock.seconds()
    learned = learn(X, config.bench_count, config)
    known = features(X, learned, config, session).to(session.device, torch.float32)
    mean, std = patch_classifier.moments(known)
    known, signs = known.sub_(mean).div_(std), patch_classifier.signs_of(y)
    gram, rounds = known.T @ known, config.num_ridges
    weights = patch_classifier.squared_hinge(known, signs, gram, config.penalties[0], rounds)
    wall, cpu = session.clock.since(start)
    new = features(X_val, learned, config, session).to(session.device, torch.float32)
    error = 1 - patch_classifier.share_right(weights, (new - mean) / std, y_val)
    ours = {"wall": wall, "cpu": cpu, "error": error, "reached": error <= config.goal}
    unmirrored = replace(config, mirrored=False)
    plain = patch_plain.race((X, y), (X_val, y_val), unmirrored, session, learn)
    return {"target": f"{100 * config.goal:.0f} % validation error", "ours": ours, "plain": plain}


def features(X, learned, config, session):
    """Return the features of pictures X, as float16 on the CPU: half the memory."""
    bar = session.progress(f"{len(learned[0])} centroids", len(X))
    options = {"dtype": getattr(torch, config.precision), "mirrored": config.mirrored}
    found = patch_features.encode(X, *learned, config.size, tick=bar.update, **options)
    bar.close()
    return found.half().cpu()


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
