"""99 % of the digits in a few CPU-seconds: convolutions that are matrix products.

On a CPU of two cores the library's convolutions, forward and back, cost several times what a
matrix product of as many multiplications does. So this network has only convolutions that are one:
6x6 windows two pixels apart, then windows of 2x2 that do not overlap, twice, each followed by batch
normalisation and ReLU, and a linear layer on what is left (12x12, 6x6, 3x3 places). It trains for
three epochs by Adam, with products in bfloat16, on pictures turned, stretched, slanted and moved
anew in each epoch. Chosen on validation pictures; the test part is asked once a seed.
"""

from dataclasses import dataclass

import torch

from deepcourse.reproduce.frame.affine import random_affine
from deepcourse.reproduce.frame.contract import Aim, setting
from deepcourse.reproduce.frame.plain import train_plainly
from deepcourse.reproduce.parts.digits import Plan, fit, race, report, split, up_and_down

DATA = ("mnist",)
SEEDS = 5
AIMS = (
    Aim("test_error", "test error", unit="%", at_most=0.01),
    Aim("train_cpu_seconds", "training", unit="CPU-seconds", at_most=17.0),
    Aim("train_wall_seconds", "training, on the wall", unit="seconds"),
    Aim("num_parameters", "parameters"),
)


@dataclass(frozen=True)
class Config:
    """Settings, chosen on the validation part."""

    window: int = setting(6, "side of the first layer's windows")
    stride: int = setting(2, "pixels from one window to the next")
    widths: tuple[int, ...] = setting((32, 64, 128), "channels a layer")
    num_val: int = setting(5000, "training pictures kept apart to choose by")
    num_epochs: int = setting(3, "times that each picture is seen")
    batch_size: int = setting(256, "pictures a step")
    lr: float = setting(0.008, "Adam's highest rate")
    rise: float = setting(0.25, "share of the steps in which the rate rises")
    degrees: float = setting(10.0, "largest turn of a picture, in degrees")
    scale: float = setting(0.1, "largest stretch of each axis, as a share")
    shear: float = setting(0.1, "largest slant, as a share")
    shift: float = setting(1.2, "largest move, in pixels")
    group: int = setting(10, "pictures that share a map, to save time")
    goal: float = setting(0.015, "validation error to reach in the benchmark")
    plain_epochs: int = setting(20, "most epochs of the benchmark's baseline")
    plain_lr: float = setting(0.01, "rate of the benchmark's baseline, with momentum 0.9")


TINY = Config(widths=(8, 16, 32), num_val=128, batch_size=64, plain_epochs=1)


class Windows(torch.nn.Module):
    """Cuts pictures (batch, 1, height, width) into windows, (batch · places, side · side)."""

    def __init__(self, side, stride):
        super().__init__()
        self.side, self.stride = side, stride

    def forward(self, X):
        """Return the windows, those of a picture row by row."""
        cut = X[:, 0].unfold(1, self.side, self.stride).unfold(2, self.side, self.stride)
        return cut.reshape(-1, self.side * self.side)


class Join(torch.nn.Module):
    """Joins windows of 2x2 of the `size` x `size` places: (…, channels) to (… / 4, 4 channels)."""

    def __init__(self, size):
        super().__init__()
        self.half = size // 2

    def forward(self, H):
        """Return the joined places, those of a picture row by row."""
        parts = H.view(-1, self.half, 2, self.half, 2, H.shape[1])
        return parts.transpose(2, 3).reshape(-1, 4 * H.shape[1])


def make_model(config):
    """Return the network: (batch, 1, 28, 28) to logits (batch, 10)."""
    size = (28 - config.window) // config.stride + 1
    layers = [Windows(config.window, config.stride)]
    fan_in = config.window**2
    for index, width in enumerate(config.widths):
        if index:
            layers.append(Join(size))
            size, fan_in = size // 2, 4 * fan_in
        layers += [torch.nn.Linear(fan_in, width, bias=False), torch.nn.BatchNorm1d(width)]
        layers.append(torch.nn.ReLU())
        fan_in = width
    places = size * size * fan_in
    flat = torch.nn.Unflatten(0, (-1, size * size)), torch.nn.Flatten()
    return torch.nn.Sequential(*layers, *flat, torch.nn.Linear(places, 10))


def run(config, seed, session):
    """Return the test error, the seconds and the error on the validation part by epoch."""
    data = session.data("mnist")
    train, val = split(data, config.num_val, seed)
    model = make_model(config).to(session.device)
    fitted = fit(model, make_plan(config), train, val, session, session.checkpoint)
    count = sum(weight.numel() for weight in model.parameters())
    return {**report(model, fitted, data), "num_parameters": count}


def bench(config, seed, session):
    """Race to the goal on the validation part against a usual network in a DataLoader's loop."""
    data = session.data("mnist")
    train, val = split(data, config.num_val, seed)
    model = make_model(config).to(session.device)
    ours = fit(model, make_plan(config), train, val, session, session.checkpoint, "ours")
    usual = make_usual_model()
    rate, epochs = config.plain_lr, config.plain_epochs
    plain = train_plainly(usual, train, val, config.goal, session, rate, epochs, batch_size=64)
    target = f"{100 * config.goal:.1f} % validation error"
    return {"target": target, "ours": race(ours, config.goal), "plain": plain}


def make_plan(config):
    """Return the plan of our training."""
    strength = config.degrees, config.scale, config.shear, config.shift
    return Plan(
        config.num_epochs,
        config.batch_size,
        torch.optim.Adam,
        up_and_down(config.lr, config.rise),
        change=lambda X: random_affine(X, *strength, group=config.group),
        low=True,
    )


def make_usual_model():
    """Return the two convolutions and two linear layers that introductions train on MNIST."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 32, 3),
        torch.nn.ReLU(),
        torch.nn.Conv2d(32, 64, 3),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(64 * 12 * 12, 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 10),
    )
