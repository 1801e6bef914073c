"""A small network for 32x32 pictures, its six views of a picture, and what it costs.

Source: Jordan (2024). The residual connection, off by default, is that of He et al. (2016).
Imports: `frame.augment` and torch.
"""

import torch
from torch import nn
from torch.nn import functional as F

from deepcourse.reproduce.frame.augment import pad


class Group(nn.Module):
    """Two 3x3 convolutions: (batch, fan_in, size, size) to (batch, fan_out, size / 2, size / 2).

    `passed` is how many of its inputs are not constant: the first convolution begins by passing
    them on. A constant one that was passed on would be normalized by the root of 1e-12.
    """

    def __init__(self, fan_in, fan_out, residual, passed):
        super().__init__()
        self.first = nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=False)
        self.second = nn.Conv2d(fan_out, fan_out, 3, padding=1, bias=False)
        # Scales are fixed at 1: the normalized filters behind them make them redundant.
        self.norms = nn.ModuleList(nn.BatchNorm2d(fan_out, eps=1e-12, momentum=0.4) for _ in "12")
        for norm in self.norms:
            norm.weight.requires_grad_(False)
        nn.init.dirac_(self.first.weight.data[:passed])
        nn.init.dirac_(self.second.weight.data)
        self.residual = residual

    def forward(self, X):
        X = F.gelu(self.norms[0](F.max_pool2d(self.first(X), 2)))
        Z = self.norms[1](self.second(X))
        return F.gelu(X + Z if self.residual else Z)


class Network(nn.Module):
    """(batch, 3, 32, 32) uint8 to (batch, 10) scores.

    The first layer holds `num_components` principal components of patches of side `patch`, their
    negatives, and zeros up to a multiple of 16 channels: others are slow on processors.
    """

    def __init__(self, widths, num_components, patch=2, residual=False):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3, 1, 1))
        self.register_buffer("std", torch.ones(3, 1, 1))
        self.num_components, channels = num_components, -(-2 * num_components // 16) * 16
        self.patches = nn.Conv2d(3, channels, patch)
        self.patches.weight.requires_grad_(False)
        nn.init.zeros_(self.patches.bias)
        passed = (2 * num_components, *widths)
        fans = zip((channels, *widths), widths, passed, strict=False)
        self.groups = nn.Sequential(*(Group(a, b, residual, c) for a, b, c in fans))
        self.head = nn.Linear(widths[-1], 10, bias=False)
        self.head.weight.data /= self.head.weight.data.std()

    @torch.no_grad()
    def whiten(self, X):
        """Set the first layer to the leading components of X's patches, and their negatives."""
        X = X.float()
        self.mean.copy_(X.mean((0, 2, 3))[:, None, None])
        self.std.copy_(X.std((0, 2, 3))[:, None, None])
        filters, count = self.patches.weight, self.num_components
        rows = F.unfold((X - self.mean) / self.std, filters.shape[2]).transpose(1, 2).flatten(0, 1)
        values, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
        leading = (vectors / (values + 5e-4).sqrt()).T.flip(0)[:count].view(-1, *filters.shape[1:])
        filters.zero_()
        filters[: 2 * count] = torch.cat([leading, -leading])

    def forward(self, X):
        X = ((X.float() - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        X = self.groups(F.gelu(self.patches(X))).amax((2, 3))
        with torch.autocast(X.device.type, enabled=False):
            return self.head(X.float()) / X.shape[1]


def scores(model, X, dtype):
    """Return the scores (batch, 10) as float32, computed in `dtype` where that is safe."""
    with torch.autocast(X.device.type, dtype, enabled=dtype != torch.float32):
        return model(X).float()


def six_views(model, X, dtype=torch.float32):
    """Return the mean of the scores (batch, 10) of six views of each picture.

    As it is, moved by one pixel up and left, or down and right, and the three mirrored; the
    pictures that were not moved count twice.
    """
    size, wide = X.shape[2], pad(X, 1)
    views = ((0.5, X), (0.25, wide[:, :, :size, :size]), (0.25, wide[:, :, 2:, 2:]))
    return sum(
        share / 2 * (scores(model, view, dtype) + scores(model, view.flip(3), dtype))
        for share, view in views
    )


def multiply_adds(model, X):
    """Return the multiplications of convolutions and linear layers for one picture X (1, …)."""
    counts, hooks = [], []

    def count(layer, _, output):
        counts.append(output.numel() * layer.weight[0].numel())

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            hooks.append(layer.register_forward_hook(count))
    training = model.training
    with torch.no_grad():
        model.eval()(X)
    model.train(training)
    for hook in hooks:
        hook.remove()
    return sum(counts)


@torch.no_grad()
def evaluate(model, X, y, dtype=torch.float32):
    """Return the accuracy on X (batch, 3, size, size) from six views a picture, and from one."""
    right = torch.zeros(2)
    for inputs, labels in zip(X.split(1000), y.split(1000), strict=True):
        for row, Z in enumerate((six_views(model, inputs, dtype), scores(model, inputs, dtype))):
            right[row] += (Z.argmax(1) == labels).sum().cpu()
    return (right / len(X)).tolist()
