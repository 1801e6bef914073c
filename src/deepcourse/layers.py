"""The numpy layers of the lesson 02_backpropagation: each kind knows only itself.

A layer has `forward`, which remembers what it will need, and `backward`, which takes the
gradient of the loss by its output and returns the gradient by its input. Imports: numpy.

>>> rng = np.random.default_rng(0)
>>> layers = [Dense(2, 3, rng), Activation(*ACTIVATIONS["tanh"]), Dense(3, 2, rng)]
>>> X, y = np.ones((4, 2)), np.eye(2)[[0, 1, 1, 0]]
>>> loss, slope = LOSSES["cross-entropy"]
>>> run_back(layers, slope(run(layers, X), y)).shape, layers[0].dW.shape
((4, 2), (2, 3))
"""

import numpy as np


class Dense:
    """Z = H W + b; `W` (inputs, units) starts with variance 1 / inputs, `b` (units,) with 0."""

    def __init__(self, inputs, units, rng):
        self.W = rng.normal(size=(inputs, units)) / np.sqrt(inputs)
        self.b = np.zeros(units)

    def forward(self, H):
        """Return Z (batch, units) for H (batch, inputs)."""
        self.H = H
        return H @ self.W + self.b

    def backward(self, dZ):
        """Set `dW` and `db`, summed over the batch; return the gradient by H (batch, inputs)."""
        self.dW, self.db = self.H.T @ dZ, dZ.sum(axis=0)
        return dZ @ self.W.T


class Activation:
    """H = sigma(Z), number by number; `slope` is the derivative of `sigma`."""

    def __init__(self, sigma, slope):
        self.sigma, self.slope = sigma, slope

    def forward(self, Z):
        """Return H, of the shape of Z."""
        self.Z = Z
        return self.sigma(Z)

    def backward(self, dH):
        """Return the gradient by Z."""
        return dH * self.slope(self.Z)


def sigmoid(Z):
    """Return 1 / (1 + exp(-Z)), without overflow for large negative Z."""
    return np.exp(-np.logaddexp(0, -Z))


def softmax(A):
    """Return positive rows that sum to 1, for answers A (batch, classes) of any size."""
    return np.exp(_log_softmax(A))


def _log_softmax(A):
    return A - np.logaddexp.reduce(A, axis=1, keepdims=True)


# Each activation with its slope; each loss, a mean over the batch, with its derivative by the
# network's answer A (batch, outputs). Cross-entropy takes answers *before* the softmax.
ACTIVATIONS = {
    "sigmoid": (sigmoid, lambda Z: sigmoid(Z) * sigmoid(-Z)),
    "tanh": (np.tanh, lambda Z: 1 - np.tanh(Z) ** 2),
    "ReLU": (lambda Z: np.maximum(Z, 0), lambda Z: 1.0 * (Z > 0)),
}
LOSSES = {
    "half squares": (
        lambda A, y: ((A - y) ** 2).sum() / 2 / len(y),
        lambda A, y: (A - y) / len(y),
    ),
    "cross-entropy": (
        lambda A, y: -(y * _log_softmax(A)).sum() / len(y),
        lambda A, y: (softmax(A) - y) / len(y),
    ),
}


def run(layers, X):
    """Send X (batch, features) through all layers; return the answers (batch, outputs)."""
    for layer in layers:
        X = layer.forward(X)
    return X


def run_back(layers, dA):
    """Send the gradient by the answers back; return the gradient by X (batch, features)."""
    for layer in reversed(layers):
        dA = layer.backward(dA)
    return dA
