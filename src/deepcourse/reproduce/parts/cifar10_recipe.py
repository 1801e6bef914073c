"""How the small network is trained: which rate for what, and which pictures a step.

`config` is that of `cifar10_cnn`. Source: Jordan (2024), and Jordan et al. (2024) for Muon.
Imports: `frame.augment`, `muon` and torch.
"""

import hashlib

import torch

from deepcourse.reproduce.frame.augment import random_crop
from deepcourse.reproduce.parts.muon import Muon


def make_optimizers(model, config):
    """Return SGD for biases and head, and Muon for the filters, each with its first rates."""
    decay = config.decay * config.batch_size
    filters = [one for one in model.groups.parameters() if one.ndim == 4]
    biases = [norm.bias for group in model.groups for norm in group.norms]
    parts = (
        ([model.patches.bias], config.rate_biases),
        (biases, config.rate_biases),
        ([model.head.weight], config.rate_head),
    )
    groups = [{"params": part, "lr": rate, "weight_decay": decay / rate} for part, rate in parts]
    biases_and_head = torch.optim.SGD(groups, momentum=0.85, nesterov=True)
    optimizers = biases_and_head, Muon(filters, config.rate_filters, momentum=0.6)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["first"] = group["lr"]
    return optimizers


def set_rates(optimizers, done, done_patches):
    """Let the rates fall on a line to zero: `done` is the share of the steps that were taken."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["first"] * (1 - done)
    first_layer = optimizers[0].param_groups[0]
    first_layer["lr"] = first_layer["first"] * max(0.0, 1 - done_patches)


def make_batch(X, y, step, config, seed):
    """Return pictures and labels of `step`, moved and mirrored: a function of step and seed alone.

    A picture is mirrored in every second epoch: two epochs show both sides of each.
    """
    epoch, place = divmod(step, len(X) // config.batch_size)
    chosen = _generator(X.device, seed, 0, epoch)
    order = torch.randperm(len(X), generator=chosen, device=X.device)
    rows = order[place * config.batch_size : (place + 1) * config.batch_size]
    side = torch.randint(2, (len(X),), generator=_generator(X.device, seed, 1), device=X.device)
    mirrored = ((side[rows] + epoch) % 2).bool().view(-1, 1, 1, 1)
    moved = random_crop(X[rows], config.shift, _generator(X.device, seed, 2, step))
    return torch.where(mirrored, moved.flip(3), moved), y[rows]


def _generator(device, *numbers):
    """Return a generator that starts from `numbers` alone, so that nothing of it is stored."""
    seed = int.from_bytes(hashlib.sha256(repr(numbers).encode()).digest()[:6])
    return torch.Generator(device).manual_seed(seed)
