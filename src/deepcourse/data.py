"""Data for the lessons: `load_*` real sets that need no download, split once and for all.

Those that do need one (`load_mnist`, `load_fashion_mnist`, `load_cifar10`, `load_banknotes`,
`load_ham10000`) are here too, read from `deepcourse.reproduce.frame.real` at the first use.
Imports: numpy and torch; scikit-learn, when a `load_*` function is called and not before.
"""

import importlib
from dataclasses import dataclass, fields

import numpy as np
import torch


@dataclass(frozen=True)
class Split:
    """Examples in three parts: to train on, to choose by, and to report on once.

    Each X is (batch, features) and each y (batch, outputs), of torch's default dtype, on the CPU
    until `to` moves them.
    """

    X_train: torch.Tensor
    y_train: torch.Tensor
    X_val: torch.Tensor
    y_val: torch.Tensor
    X_test: torch.Tensor
    y_test: torch.Tensor

    def to(self, device):
        """Return the split with all its parts on `device`, as a tensor's `to` does."""
        return Split(*(getattr(self, field.name).to(device) for field in fields(self)))

    def standardized(self, targets=False):
        """Return the split with mean 0 and standard deviation 1 in each column of X_train.

        The validation and test parts are shifted and scaled by the *training* part's numbers:
        they stand for data that had not been seen. With `targets` the same is done to y, whose
        mean squared error is then 1 for a model that always answers the training mean.
        Raises ValueError for a column that is constant in the training part.
        """
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        for letter in "Xy" if targets else "X":
            train = parts[f"{letter}_train"]
            mean, std = train.mean(dim=0), train.std(dim=0, correction=0)
            if (std == 0).any():
                constant = torch.nonzero(std == 0).flatten().tolist()
                raise ValueError(
                    f"expected columns that vary, but column {constant} of {letter}_train is "
                    "constant: leave it out, it cannot tell examples apart"
                )
            for part in ("train", "val", "test"):
                name = f"{letter}_{part}"
                parts[name] = (parts[name] - mean) / std
        return Split(**parts)


def load_diabetes(seed=0, fractions=(0.6, 0.2, 0.2)):
    """Return 442 patients as a `Split`; another `seed` shuffles them into other parts.

    X has 10 columns in their own units: age, sex, body mass index, blood pressure and six blood
    values. y has 1: how far the diabetes progressed in the year after, a score from 25 to 346.
    Raises ValueError unless the three `fractions` are positive and add up to 1.

    Source: Efron, Hastie, Johnstone and Tibshirani (2004), as shipped with scikit-learn.

    >>> data = load_diabetes()
    >>> len(data.X_train), len(data.X_val), len(data.X_test)
    (265, 88, 89)
    """
    from sklearn.datasets import load_diabetes as load

    bunch = load(scaled=False)
    return _split(bunch.data, bunch.target.reshape(-1, 1), seed, fractions)


def load_digits(seed=0, fractions=(0.6, 0.2, 0.2)):
    """Return 1,797 handwritten digits as a `Split`; another `seed` shuffles them into other parts.

    X has 64 columns, the pixels of an 8x8 picture row by row, from 0 (paper) to 1 (ink). y has
    10, one a class: 1 for the digit that it is, else 0. So `y.argmax(dim=1)` is the digit, and
    `torch.nn.functional.cross_entropy` takes y as it is. Some pixels never hold ink: do not
    standardize. Pictures by one writer may stand in different parts.
    Raises ValueError unless the three `fractions` are positive and add up to 1.

    Source: Alpaydin and Kaynak (1998), the test part, as shipped with scikit-learn.

    >>> data = load_digits()
    >>> data.X_train.shape, data.y_train.shape
    (torch.Size([1078, 64]), torch.Size([1078, 10]))
    """
    from sklearn.datasets import load_digits as load

    bunch = load()
    return _split(bunch.data / 16, np.eye(10)[bunch.target], seed, fractions)


_REAL = "deepcourse.reproduce.frame.real"


def __getattr__(name):
    # By its name, not by `import`: what lessons never call must not make them stale.
    if name.startswith("load_") and hasattr(real := importlib.import_module(_REAL), name):
        return getattr(real, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _split(X, y, seed, fractions):
    """Shuffle arrays X (batch, features) and y (batch, outputs) and cut them in three."""
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(
            "expected three positive fractions, for training, validation and test, that add up "
            f"to 1, came {fractions}"
        )
    order = np.random.default_rng(seed).permutation(len(X))
    cuts = [int(fractions[0] * len(X)), int((fractions[0] + fractions[1]) * len(X))]
    if 0 in np.diff([0, *cuts, len(X)]):
        raise ValueError(f"{len(X)} examples are too few for parts of {fractions}: one is empty")
    dtype = torch.get_default_dtype()
    parts = [
        torch.tensor(array[rows], dtype=dtype) for rows in np.split(order, cuts) for array in (X, y)
    ]
    return Split(*parts)
