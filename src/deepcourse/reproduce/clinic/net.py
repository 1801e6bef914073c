"""A small residual network for lesions: its training, its eight views of a picture, its features.

Pictures are uint8 (batch, 1 or 3, height, width) on the model's device. Networks compute in
bfloat16 where told to: processors and GPUs with that arithmetic are several times as fast, others
slower. Weights, sums and losses stay float32. Imports: `frame.augment` and torch.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from deepcourse.reproduce.frame.augment import random_crop, random_flip

BATCH = 256  # pictures at a time where nothing is learnt


@dataclass(frozen=True)
class Recipe:
    """How long and how boldly to train; the rate rises for 15 % of the steps, then falls to 0."""

    num_steps: int
    batch_size: int
    lr: float
    weight_decay: float
    bfloat16: bool = False


class Residual(nn.Module):
    """Two 3x3 convolutions and a bridge over them, of other width and size where it must.

    The last normalization begins at 0, so that the block begins as its bridge.
    Source: He et al. (2016), figure 2; Goyal et al. (2017), section 5.1, for the zero.
    """

    def __init__(self, width_in, width, stride):
        super().__init__()
        self.first = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])
        nn.init.zeros_(self.norms[1].weight)
        bridge = (
            [nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)] if stride > 1 else []
        )
        if width_in != width:
            bridge += [nn.Conv2d(width_in, width, 1, bias=False), nn.BatchNorm2d(width)]
        self.bridge = nn.Sequential(*bridge)

    def forward(self, X):
        """Return (batch, width, height / stride, width / stride), rounded up."""
        inside = F.relu(self.norms[0](self.first(X)))
        return F.relu(self.bridge(X) + self.norms[1](self.second(inside)))


class LesionNet(nn.Module):
    """A body that gives `width` features, and a linear head of `num_classes` logits.

    The head begins at 0: the first predictions are the same for all.
    """

    def __init__(self, body, width, num_classes):
        super().__init__()
        self.body, self.head = body, nn.Linear(width, num_classes)
        nn.init.zeros_(self.head.weight)
        self.to(memory_format=torch.channels_last)

    def forward(self, X):
        """Return logits (batch, num_classes) of float pictures from 0 to 255."""
        return self.head(self.body(scaled(X)))


class Bright(nn.Module):
    """A network for pictures from 0 to 1, as usual training loops hand them out."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, X):
        """Return logits (batch, num_classes) of float pictures from 0 to 1."""
        return self.net(255 * X)


def make_body(widths):
    """Return a small residual network: pictures of any size to widths[-1] features.

    A convolution of stride 2, then a block a width, each but the first at half the size.
    """
    layers = [nn.Conv2d(3, widths[0], 3, 2, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
    for index, width in enumerate(widths):
        layers.append(Residual(widths[max(index - 1, 0)], width, 2 if index else 1))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


@torch.no_grad()
def wake(model, X, bfloat16=False):
    """Ready an untrained body to be read as it is: branches that count, norms that know X.

    A block begins as its bridge and norms begin at mean 0 and variance 1, which only training would
    change. So the norms at 0 are set to 1, and all norms average over the pictures X.
    """
    norms = [layer for layer in model.body.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.ones_(norm.weight)
        norm.reset_running_stats()
        norm.momentum = None  # torch's sign for a plain average over the batches
    model.train()
    for some in X.split(BATCH):
        with torch.autocast(X.device.type, torch.bfloat16, enabled=bfloat16):
            model.body(scaled(as_colour(some).float()))


def move_photo(X):
    """Return a batch of photographs, mirrored or not and moved by up to 3 pixels."""
    return random_crop(random_flip(X), 3)


def move_lesion(X, zoom=0.25, shift=0.1, jitter=0.2):
    """Return a float batch turned by any angle, mirrored, zoomed, moved, in slightly other colours.

    A lesion has no upside and no left. `zoom` is the largest logarithm of the scale, `shift` the
    largest move as a share of half a side, `jitter` the largest change of brightness and contrast.
    """
    batch, _, height, width = X.shape

    def draw(*shape):
        return 2 * torch.rand(batch, *shape, device=X.device) - 1

    angle, scale = math.pi * draw(), torch.exp(zoom * draw())
    mirror, ratio = torch.sign(draw()), width / height
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    first = torch.stack([cosine * mirror, -sine / ratio, shift * draw()], dim=1)
    second = torch.stack([sine * ratio * mirror, cosine, shift * draw()], dim=1)
    grid = F.affine_grid(torch.stack([first, second], dim=1), X.shape, align_corners=False)
    X = F.grid_sample(X.float(), grid, padding_mode="reflection", align_corners=False)
    X = X * (1 + jitter * draw(1, 1, 1)) * (1 + jitter / 2 * draw(3, 1, 1))
    mean = X.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (X - mean) * (1 + jitter * draw(1, 1, 1))


def move_one(X):
    """Return one picture (channels, height, width), moved: what a DataLoader's worker does."""
    return move_lesion(X[None])[0]


def train(model, X, y, recipe, move, session, checkpoint, what):
    """Train `model` on pictures X and classes y with SGD, as `recipe` says; return its weights.

    Each batch goes through `move` first. An interrupted training goes on at an epoch's end.
    """
    optimizer = torch.optim.SGD(
        model.parameters(), momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay
    )
    batch_size, step, loss = min(recipe.batch_size, len(X)), 0, torch.zeros(())
    saved = checkpoint.load()
    if saved:
        step = saved["step"]
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    bar = session.progress(what, recipe.num_steps - step)
    model.train()
    while step < recipe.num_steps:
        order = torch.randperm(len(X)).to(X.device)
        for rows in order.split(batch_size)[: len(X) // batch_size][: recipe.num_steps - step]:
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * share_of_rate(step / recipe.num_steps)
            loss = _loss(model, move(as_colour(X[rows]).float()), y[rows], recipe)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            bar.update(1)
        if checkpoint.due():
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            checkpoint.save({"step": step, **state})
    bar.close()
    if not math.isfinite(loss.item()):
        raise FloatingPointError(f"{what}: the loss is {loss.item()}; try a tenth of the rate")
    return model.state_dict()


def share_of_rate(progress, rise=0.15):
    """Return which share of the highest learning rate to use at `progress`, from 0 to 1."""
    return min((progress + 0.01) / rise, (1 - progress) / (1 - rise), 1.0)


def as_colour(X):
    """Return pictures with three channels, grey ones three times the same."""
    return X.expand(-1, 3, -1, -1)


@torch.no_grad()
def features_of_views(model, X, bfloat16=False, views=range(8)):
    """Return the body's features (views, batch, width) of each picture.

    The 8 views are the symmetries of a square: as it is, mirrored, turned, and both. They are
    taken of whole batches, so pictures need not be square.
    """
    mode = model.training
    model.eval()
    found = []
    for view in views:
        with torch.autocast(X.device.type, torch.bfloat16, enabled=bfloat16):
            parts = [
                model.body(scaled(see(as_colour(some).float(), view))).float()
                for some in X.split(BATCH)
            ]
        found.append(torch.cat(parts))
    model.train(mode)
    return torch.stack(found)


def scaled(X):
    """Return pictures from 0 to 255 as the network takes them: about -2 to 2, channels last."""
    return ((X - 127.5) / 64).contiguous(memory_format=torch.channels_last)


def see(X, view):
    """Return pictures in view 0 to 7: bit 1 mirrors, 2 turns upside down, 4 swaps the axes."""
    X = X.flip(3) if view & 1 else X
    X = X.flip(2) if view & 2 else X
    return X.transpose(2, 3) if view & 4 else X


@torch.no_grad()
def logits_of(model, X, bfloat16=False, views=range(8)):
    """Return the logits (batch, classes), averaged over the views, on the CPU in float64."""
    return model.head(features_of_views(model, X, bfloat16, views).mean(dim=0)).double().cpu()


def _loss(model, X, y, recipe):
    with torch.autocast(X.device.type, torch.bfloat16, enabled=recipe.bfloat16):
        logits = model(X)
    return F.cross_entropy(logits.float(), y)
