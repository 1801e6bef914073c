"""Turn, stretch, slant and move a whole batch of pictures at once, on the device where it lies.

Imports: torch.
"""

import math

import torch


def random_affine(X, degrees, scale, shear, shift, generator=None, group=1):
    """Return float pictures X (batch, channels, height, width), each under a map of its own.

    Drawn evenly: a turn of up to `degrees`, a stretch of each axis by up to the share `scale`, a
    slant of up to `shear`, a move of up to `shift` pixels. What comes in from outside is zero.
    With `group` each map serves that many pictures in a row, which costs a third as much: shuffle
    afterwards, so that a batch holds many maps. Pictures left over are not changed.

    Source: the maps of Simard, Steinkraus and Platt (2003), drawn anew each time.
    """
    batch, channels, height, width = X.shape
    maps = batch // group
    whole = X[: maps * group].reshape(maps, group * channels, height, width)

    def draw(reach):
        return (2 * torch.rand(maps, device=X.device, generator=generator) - 1) * reach

    turn, slant = draw(math.radians(degrees)), draw(shear)
    stretch_x, stretch_y = 1 + draw(scale), 1 + draw(scale)
    rows = [
        [turn.cos() * stretch_x, -turn.sin() * stretch_y + slant, draw(2 * shift / width)],
        [turn.sin() * stretch_x, turn.cos() * stretch_y, draw(2 * shift / height)],
    ]
    theta = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    grid = torch.nn.functional.affine_grid(theta, whole.shape, align_corners=False)
    moved = torch.nn.functional.grid_sample(whole, grid, align_corners=False)
    return torch.cat([moved.reshape(-1, channels, height, width), X[maps * group :]])
