"""What torch says of small networks, for the playground's engine to be compared with.

    python tests/demo_vectors.py        writes tests/demo_vectors.json

Each case: a network's first parameters in a row (weight (outputs, inputs), bias, layer by layer), a
batch, and torch's answers in single precision: sums of the output, loss with penalty, gradient, and
the parameters after ten steps of each optimiser.
"""

import json
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

FILE = Path(__file__).with_suffix(".json")
STEPS = 10
OPTIMISERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.05),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.02, momentum=0.9),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.02),
}
RATES = {"sgd": 0.05, "momentum": 0.02, "adam": 0.02}
ACTIVATIONS = {
    "linear": lambda z: z,
    "step": lambda z: (z > 0).float(),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softplus": F.softplus,
    "square": torch.square,
}
LOSSES = {
    "squares": F.mse_loss,
    "log": F.binary_cross_entropy_with_logits,
    "brier": lambda z, y: F.mse_loss(torch.sigmoid(z), y),
}
PENALTIES = {
    "none": lambda parameters: 0.0,
    "l1": lambda parameters: sum(p.abs().sum() for p in parameters),
    "l2": lambda parameters: sum(p.square().sum() for p in parameters) / 2,
}
# sizes, activation, loss, penalty, rate, examples, scale of the inputs
CASES = [
    ([2, 1], "tanh", "log", "none", 0, 7, 1),
    ([2, 4, 1], "linear", "squares", "l2", 0.03, 6, 1),
    ([3, 4, 1], "step", "log", "l1", 0.01, 9, 1),
    ([2, 4, 3, 1], "sigmoid", "brier", "l2", 0.1, 8, 1),
    ([2, 8, 8, 1], "tanh", "log", "l1", 0.003, 16, 1),
    ([2, 5, 4, 1], "relu", "squares", "none", 0, 1, 1),
    ([7, 6, 1], "relu", "log", "l2", 0.3, 12, 1),
    ([2, 4, 1], "softplus", "squares", "l1", 0.1, 10, 1),
    ([2, 3, 1], "square", "brier", "none", 0, 5, 1),
    ([2, 3, 3, 3, 3, 1], "tanh", "brier", "l1", 0.01, 8, 1),
    ([2, 4, 4, 1], "sigmoid", "log", "none", 0, 8, 30),  # sums so large that units saturate
    ([2, 4, 1], "softplus", "log", "l2", 0.01, 8, 30),
]


def make_case(number):
    """Return case `number` with torch's answers, as lists of numbers."""
    sizes, act, loss, penalty, rate, rows, scale = CASES[number]
    torch.manual_seed(number)
    layers = [nn.Linear(inputs, units) for inputs, units in pairwise(sizes)]
    parameters = [p for layer in layers for p in (layer.weight, layer.bias)]
    X = scale * torch.randn(rows, sizes[0])  # (rows, features)
    y = (torch.rand(rows) > 0.5).float() if loss != "squares" else torch.randn(rows)  # (rows,)
    start = [p.detach().clone() for p in parameters]

    def forward():
        H = X
        for layer in layers[:-1]:
            H = ACTIVATIONS[act](layer(H))
        return layers[-1](H)[:, 0]  # (rows,)

    def total():
        return LOSSES[loss](forward(), y) + rate * PENALTIES[penalty](parameters)

    z, value = forward(), total()
    value.backward()
    case = {"sizes": sizes, "act": act, "loss": loss, "penalty": penalty, "rate": rate}
    case |= {"theta": _row(start), "X": _row([X]), "y": _row([y])}
    gradient = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    case |= {"z": _row([z]), "value": value.item(), "gradient": _row(gradient), "after": {}}
    for name, make in OPTIMISERS.items():
        with torch.no_grad():
            for p, first in zip(parameters, start, strict=True):
                p.copy_(first)
        optimiser = make(parameters)
        for _ in range(STEPS):
            optimiser.zero_grad()
            total().backward()
            optimiser.step()
        case["after"][name] = {"lr": RATES[name], "theta": _row(parameters)}
    return case


def _row(tensors):
    return [float(f"{v:.9g}") for t in tensors for v in t.detach().flatten().tolist()]


def make_vectors():
    """Return all cases."""
    return [make_case(number) for number in range(len(CASES))]


if __name__ == "__main__":
    FILE.write_text(json.dumps(make_vectors(), separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")
