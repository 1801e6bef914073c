"""Parts of a set of lesions that share no lesion, and the groups that its people belong to.

Imports: numpy and torch.
"""

from dataclasses import dataclass

import numpy as np
import torch

TRAIN, VAL, TEST = 0, 1, 2
# HAM10000's sites, joined where single ones hold too few melanomas to say anything.
SITES = {
    "head and neck": ("face", "scalp", "ear", "neck"),
    "trunk": ("back", "trunk", "chest", "abdomen", "genital"),
    "upper limb": ("upper extremity", "hand"),
    "lower limb": ("lower extremity", "foot"),
    "acral": ("acral",),
}


@dataclass(frozen=True)
class Task:
    """Pictures of some classes: X uint8 and y int64 on a device; part and lesion as arrays.

    `rows` are the pictures' numbers in the whole set, `classes` the names of y.
    """

    X: torch.Tensor
    y: torch.Tensor
    part: np.ndarray
    lesion: np.ndarray
    rows: np.ndarray
    classes: tuple[str, ...]

    @property
    def labels(self):
        """Return y as an array."""
        return self.y.cpu().numpy()

    def find(self, part):
        """Return which pictures of this task are in `part`."""
        return np.flatnonzero(self.part == part)

    def choose(self, count, seed):
        """Return `count` training pictures (0: all), for each class its share."""
        return choose(self.find(TRAIN), self.labels, count, seed)


def make_task(lesions, classes, size, fractions, seed):
    """Return the `Task` of telling `classes` of `Lesions` apart, pictures scaled to `size`.

    The parts are cut from all lesions, so two tasks of the same fractions and seed agree.
    """
    number = np.array([classes.index(c) if c in classes else -1 for c in lesions.classes])
    y = number[lesions.y.cpu().numpy()]
    rows, lesion = np.flatnonzero(y >= 0), lesions.lesion.cpu().numpy()
    part = split_by(lesion, lesions.y.cpu().numpy(), fractions, seed)
    device = lesions.X.device
    chosen = torch.as_tensor(rows, device=device)
    return Task(
        X=shrink(lesions.X[chosen], size),
        y=torch.as_tensor(y[rows], device=device),
        part=part[rows],
        lesion=lesion[rows],
        rows=rows,
        classes=tuple(classes),
    )


def name_of(count):
    """Return how a number of labels is called: its digits, and "all" for 0."""
    return str(count) if count else "all"


def split_by(group, y, fractions, seed):
    """Return the part of each picture (batch,): TRAIN, VAL or TEST; a group is in one part only.

    `group` (batch,) is the lesion of each picture, or its own number for a split by picture. Each
    class is cut by itself, so that each part has its share of rare ones; a group counts for the
    class of its first picture. Raises ValueError unless three positive fractions add up to 1.
    """
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(
            f"expected three positive fractions that add up to 1, came {tuple(fractions)}"
        )
    rng = np.random.default_rng(seed)
    _, first, place = np.unique(np.asarray(group), return_index=True, return_inverse=True)
    of_group = np.asarray(y)[first]
    part = np.empty(len(first), dtype=np.int64)
    for one in np.unique(of_group):
        members = rng.permutation(np.flatnonzero(of_group == one))
        cuts = np.round(np.cumsum(fractions[:2]) * len(members)).astype(int)
        for number, some in enumerate(np.split(members, cuts)):
            part[some] = number
    return part[place]


def choose(rows, y, count, seed):
    """Return `count` of `rows` with each class's share of them, but at least 2 where it has 2.

    All of them if `count` is 0. Raises ValueError for more than there are.
    """
    rows = np.asarray(rows)
    if count == 0:
        return rows
    if count > len(rows):
        raise ValueError(f"expected at most {len(rows)} labels, as many as there are, came {count}")
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(rows)
    y = np.asarray(y)[shuffled]
    # First come two of each class, then the others in proportion: place in class / class size.
    rank = np.empty(len(rows))
    for one in np.unique(y):
        members = np.flatnonzero(y == one)
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
        rank[members[:2]] -= 1
    return shuffled[np.argsort(rank, kind="stable")[:count]]


def swap_siblings(part, lesion, y, seed):
    """Return (part, rows): a leaking split as large as `part`, and the test pictures it spoils.

    Of each test lesion of several pictures the first stays in TEST, `rows`, and the others go to
    TRAIN, for which as many training pictures of their class are left out (-1). So two networks,
    trained by `part` and by the result, see as many pictures and can be compared on `rows`.
    """
    rng = np.random.default_rng(seed)
    part, lesion, y = np.array(part), np.asarray(lesion), np.asarray(y)
    tests = np.flatnonzero(part == TEST)
    _, first, count = np.unique(lesion[tests], return_index=True, return_counts=True)
    rows = tests[first[count > 1]]
    moved = np.setdiff1d(tests[np.isin(lesion[tests], lesion[rows])], rows)
    for one in np.unique(y[moved]):
        pool = np.flatnonzero((part == TRAIN) & (y == one))
        part[rng.permutation(pool)[: (y[moved] == one).sum()]] = -1
    part[moved] = TRAIN
    return part, rows


def shrink(X, size):
    """Return pictures (batch, channels, *, *) as uint8 of `size` (height, width), smoothed."""
    small = [
        torch.nn.functional.interpolate(
            some.float(), size, mode="bilinear", antialias=True, align_corners=False
        )
        for some in X.split(500)
    ]
    return torch.cat([some.round().clamp(0, 255).to(torch.uint8) for some in small])


def age_groups(age):
    """Return the group of each age in years: "under 40", "40 to 59", "60 and over", "unknown"."""
    names = np.array(["under 40", "40 to 59", "60 and over", "unknown"])
    age = np.asarray(age)
    return names[np.where(np.isnan(age), 3, np.digitize(age, (40, 60)))]


def site_groups(site):
    """Return the group of each site, one of the keys of SITES, else "unknown"."""
    of_site = {name: group for group, names in SITES.items() for name in names}
    return np.array([of_site.get(name, "unknown") for name in site])
