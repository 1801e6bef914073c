"""Made-up data in the form of the real sets, small and learnable: what tiny versions run on.

Imports: `data`, `real`, numpy and torch.
"""

import math

import numpy as np
import torch

from deepcourse.data import _split
from deepcourse.reproduce.frame.real import LESIONS, Images, Lesions

NUM_TRAIN, NUM_TEST = 512, 256


def make_mnist():
    """Return 512 + 256 pictures, 1x28x28, of ten classes as `Images`."""
    return _make_images((1, 28, 28))


def make_fashion_mnist():
    """Return 512 + 256 pictures, 1x28x28, of ten classes as `Images`."""
    return _make_images((1, 28, 28), seed=1)


def make_cifar10():
    """Return 512 + 256 pictures, 3x32x32, of ten classes as `Images`."""
    return _make_images((3, 32, 32))


def make_banknotes(seed=0, fractions=(0.6, 0.2, 0.2)):
    """Return 240 rows of 4 columns on a bent sheet, of two classes, as a `Split`."""
    rng = np.random.default_rng(0)
    label = np.arange(240) % 2
    u, v = rng.normal(size=(2, 240)) + 1.5 * (2 * label - 1)
    columns = np.stack([u, v, 0.3 * u**2 - v, np.sin(u) + 0.5 * v], axis=1)
    return _split(columns + 0.1 * rng.normal(size=(240, 4)), label[:, None], seed, fractions)


def make_ham10000():
    """Return 280 pictures, 3x30x40, of 190 lesions of seven classes, as `Lesions`.

    About half of the lesions have a second picture, as in the real set.
    """
    rng = np.random.default_rng(0)
    of_lesion = rng.integers(0, 7, size=190)
    lesion = np.concatenate([np.arange(190), rng.choice(190, size=90, replace=False)])
    y = of_lesion[lesion]
    generator = torch.Generator().manual_seed(0)
    age = 5.0 * rng.integers(4, 18, size=len(y))
    age[:5] = math.nan
    return Lesions(
        X=_pictures(torch.tensor(y), (3, 30, 40), generator),
        y=torch.tensor(y),
        lesion=torch.tensor(lesion),
        age=torch.tensor(age, dtype=torch.float32),
        sex=tuple(
            ("male", "female", "unknown")[k] for k in rng.choice(3, len(y), p=[0.5, 0.4, 0.1])
        ),
        site=tuple(("back", "face", "lower extremity")[k] for k in rng.integers(0, 3, len(y))),
        proof=tuple(("histo", "follow_up")[k] for k in rng.integers(0, 2, len(y))),
        image=tuple(f"MADE_{k:07d}" for k in range(len(y))),
        classes=LESIONS,
    )


def _make_images(shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(NUM_TRAIN + NUM_TEST) % 10
    y = y[torch.randperm(len(y), generator=generator)]
    X = _pictures(y, shape, generator)
    classes = tuple("0123456789")
    return Images(X[:NUM_TRAIN], y[:NUM_TRAIN], X[NUM_TRAIN:], y[NUM_TRAIN:], classes)


def _pictures(y, shape, generator):
    """Return uint8 pictures: each class a smooth pattern of its own, moved, with noise."""
    channels, height, width = shape
    coarse = torch.rand(10, channels, 5, 5, generator=generator)
    patterns = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    X = patterns[y]
    for axis, size in ((2, height), (3, width)):
        shift = torch.randint(-2, 3, (len(y), 1, 1, 1), generator=generator)
        index = (torch.arange(size).view(1, 1, -1, 1).transpose(2, axis) + shift) % size
        X = X.gather(axis, index.expand_as(X))
    X = 255 * X + 40 * torch.randn(X.shape, generator=generator)
    return X.clamp(0, 255).to(torch.uint8)
