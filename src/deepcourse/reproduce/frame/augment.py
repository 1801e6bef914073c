"""Augmentation of a whole batch at once, on the device where it lies: shift, crop, flip, erase.

Each function takes pictures (batch, channels, height, width) of any dtype and draws once a
picture from `generator` (a torch.Generator on the pictures' device; None is the global one).
Imports: torch.
"""

import torch


def random_crop(X, padding, generator=None, mode="reflect"):
    """Return each picture moved by -`padding` to `padding` in both directions, at its own size.

    What comes in from outside is the picture reflected at its border, or zero ("constant").
    Source: He et al. (2016), section 4.2, who pad with zeros.
    """
    batch, channels, height, width = X.shape
    padded = pad(X, padding, mode)
    top, left = _draw(2, batch, 2 * padding + 1, X.device, generator)
    rows = top[:, None] + torch.arange(height, device=X.device)
    columns = left[:, None] + torch.arange(width, device=X.device)
    # One gather of a flat index is several times as fast as indexing by three arrays.
    index = rows[:, :, None] * padded.shape[3] + columns[:, None, :]
    index = index.view(batch, 1, -1).expand(batch, channels, -1)
    return padded.reshape(batch, channels, -1).gather(2, index).view(X.shape)


def random_flip(X, generator=None, axis=3):
    """Return each picture as it is or, half of the time, mirrored left to right (`axis` 2: upside
    down)."""
    flip = _draw(1, len(X), 2, X.device, generator)[0].bool()
    return torch.where(flip.view(-1, 1, 1, 1), X.flip(axis), X)


def random_erase(X, size, generator=None, value=0):
    """Return each picture with a square of side `size` set to `value`, cut off at the border.

    The centre is drawn evenly from the whole picture. Source: DeVries and Taylor (2017), cutout.
    """
    batch, _, height, width = X.shape
    y = _draw(1, batch, height, X.device, generator)[0]
    x = _draw(1, batch, width, X.device, generator)[0]
    rows = _inside(torch.arange(height, device=X.device), y, size)
    columns = _inside(torch.arange(width, device=X.device), x, size)
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return X.masked_fill(hole, value)


def random_turn(X, generator=None):
    """Return each picture turned by 0, 90, 180 or 270 degrees; pictures must be square."""
    if X.shape[2] != X.shape[3]:
        raise ValueError(f"expected square pictures, came {tuple(X.shape)}: crop them first")
    turns = _draw(1, len(X), 4, X.device, generator)[0].view(-1, 1, 1, 1)
    turned = X
    for quarter in (1, 2, 3):
        turned = torch.where(turns == quarter, X.rot90(quarter, (2, 3)), turned)
    return turned


def pad(X, padding, mode="reflect"):
    """Return pictures of any dtype with a border of `padding`, reflected or zero ("constant")."""
    if mode == "constant":
        return torch.nn.functional.pad(X, [padding] * 4)
    index = [_reflected(size, padding, X.device) for size in X.shape[2:]]
    return X[:, :, index[0]][:, :, :, index[1]]


def _reflected(size, padding, device):
    """Return the indices -padding … size - 1 + padding, reflected at 0 and at size - 1."""
    index = torch.arange(-padding, size + padding, device=device).abs()
    return (size - 1) - ((size - 1) - index).abs()


def _draw(rows, batch, end, device, generator):
    return torch.randint(end, (rows, batch), device=device, generator=generator)


def _inside(place, centre, size):
    """Return (batch, places): is the place in the window of `size` round its picture's centre?"""
    start = centre[:, None] - size // 2
    return (place >= start) & (place < start + size)
