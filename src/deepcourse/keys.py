"""Generated pictures of keys made of parts, of which every stroke and its place are known.

Imports: torch.
"""

from dataclasses import dataclass, fields
from math import pi

import torch

SIZE = 32  # pixels a side
PARTS = ("ring", "block", "bar", "fork")
# The two parts of each kind of key.
KINDS = torch.combinations(torch.arange(4))  # (6, 2)
ANGLES = (0, 45, 90, 135)  # degrees of the shaft from horizontal, counter-clockwise as displayed
REACH = 9.0  # pixels from the middle of a key to the middle of each of its end parts
_CHUNK = 250  # keys drawn at a time: what fits into a processor's cache is drawn faster


@dataclass(frozen=True)
class Keys:
    """Pictures of keys, and what is true of each.

    X (batch, 1, 32, 32), brightness; `kind` (batch,), an index of `KINDS`; `angle` (batch,), an
    index of `ANGLES`; `ends` (batch, 2), which of the `PARTS` each end is; `places`
    (batch, 2, 2), row and column in pixels of the middle of each end.
    """

    X: torch.Tensor
    kind: torch.Tensor
    angle: torch.Tensor
    ends: torch.Tensor
    places: torch.Tensor

    @property
    def has(self):
        """Return which of the `PARTS` each key has, as booleans (batch, 4)."""
        return torch.nn.functional.one_hot(self.ends, len(PARTS)).any(dim=1)

    def to(self, device):
        """Return the keys with all that is known of them on `device`, as a tensor's `to` does."""
        return Keys(*(getattr(self, field.name).to(device) for field in fields(self)))

    def __len__(self):
        return len(self.X)

    def __getitem__(self, chosen):
        """Return the keys that `chosen` picks: a slice, or a tensor of indices or of booleans."""
        return Keys(*(getattr(self, field.name)[chosen] for field in fields(self)))


def make_keys(num_keys, generator, noise=0.1, clutter=1):
    """Return `num_keys` random `Keys`, drawn with the torch.Generator `generator`.

    A key is a straight shaft with two different parts at its ends; which two they are is its
    kind, and each of the six kinds is equally likely. All else varies at random: the place, by
    up to 3 pixels each way; the angle, one of `ANGLES` plus or minus 8 degrees; which part is at
    which end; the width of the strokes; the contrast; the brightness and its slope; `clutter`
    short strokes anywhere; and Gaussian noise of standard deviation `noise` in each pixel.

    Raises ValueError when fewer than one key is wanted.

    >>> keys = make_keys(10, torch.Generator().manual_seed(0))
    >>> keys.X.shape, keys.places.shape
    (torch.Size([10, 1, 32, 32]), torch.Size([10, 2, 2]))
    """
    if num_keys < 1:
        raise ValueError(f"expected at least one key, came num_keys={num_keys}")
    chunks = [
        _make_chunk(min(_CHUNK, num_keys - first), generator, noise, clutter)
        for first in range(0, num_keys, _CHUNK)
    ]
    names = [field.name for field in fields(Keys)]
    return Keys(*(torch.cat([getattr(chunk, name) for chunk in chunks]) for name in names))


def _make_chunk(num_keys, generator, noise, clutter):
    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(num_keys, *shape, generator=generator)

    def choose(number):
        return torch.randint(number, (num_keys,), generator=generator)

    kind, angle, flipped = choose(len(KINDS)), choose(len(ANGLES)), choose(2)
    ends = torch.where(flipped[:, None] == 1, KINDS[kind].flip(1), KINDS[kind])  # (batch, 2)
    turn = (torch.tensor(ANGLES)[angle] + uniform(-8, 8)) * pi / 180
    middle = (SIZE - 1) / 2 + uniform(-3, 3, 2)  # (batch, 2)
    along = torch.stack([-turn.sin(), turn.cos()], dim=1)  # (batch, 2)
    strokes = _key_distance(*_turned(middle, along), ends)  # (batch, 32, 32)
    for _ in range(clutter):
        place, turn = uniform(2, SIZE - 3, 2), uniform(0, pi)
        u, v = _turned(place, torch.stack([-turn.sin(), turn.cos()], dim=1))
        strokes = torch.minimum(strokes, _segment(u, v, (-2.5, 0), (2.5, 0)))
    width = uniform(0.8, 1.2, 1, 1)
    ink = (0.5 + width - strokes).clamp(0, 1)  # (batch, 32, 32)
    slope = uniform(-0.3, 0.3, 2) / SIZE  # (batch, 2)
    shade = uniform(-0.35, -0.05, 1, 1) + torch.einsum("bi,ihw->bhw", slope, _grid(SIZE / 2))
    grain = noise * torch.randn(num_keys, SIZE, SIZE, generator=generator)
    X = (uniform(0.6, 1.0, 1, 1) * ink + shade + grain)[:, None]
    places = torch.stack([middle + REACH * along, middle - REACH * along], dim=1)
    return Keys(X, kind, angle, ends, places)


def _grid(middle=0.0):
    """Return row and column of each pixel (2, 32, 32), counted from `middle`."""
    steps = torch.arange(SIZE) - middle
    return torch.stack(torch.meshgrid(steps, steps, indexing="ij"))


def _turned(middle, along):
    """Return each pixel's coordinates from `middle` (batch, 2) along and across `along`."""
    offset = _grid() - middle[:, :, None, None]  # (batch, 2, 32, 32)
    row, column = offset.unbind(dim=1)  # (batch, 32, 32), (batch, 32, 32)
    down, right = along[:, 0, None, None], along[:, 1, None, None]
    return row * down + column * right, column * down - row * right


def _segment(u, v, start, end):
    """Return the distance of each (u, v) from the segment between two points."""
    du, dv = end[0] - start[0], end[1] - start[1]
    share = (((u - start[0]) * du + (v - start[1]) * dv) / (du**2 + dv**2)).clamp(0, 1)
    return torch.hypot(u - start[0] - share * du, v - start[1] - share * dv)


def _key_distance(u, v, ends):
    """Return each pixel's distance from the lines of the key; `ends` (batch, 2) are its parts."""
    distance = _segment(u, v, (-6, 0), (6, 0))
    for end, sign in enumerate((1, -1)):
        for part, draw in enumerate((_ring, _block, _bar, _fork)):
            has = ends[:, end] == part
            outward = draw(sign * u[has] - 6, v[has])
            distance[has] = torch.minimum(distance[has], outward)
    return distance


def _ring(s, v):
    return (torch.hypot(s - 3, v) - 3).abs()


def _block(s, v):
    return (torch.maximum((s - 3).abs(), v.abs()) - 2.5).clamp(min=0)


def _bar(s, v):
    return torch.minimum(_segment(s, v, (0, 0), (3, 0)), _segment(s, v, (3, -4), (3, 4)))


def _fork(s, v):
    return torch.minimum(_segment(s, v, (0, 0), (6, 4)), _segment(s, v, (0, 0), (6, -4)))
