import itertools

import numpy as np
import pytest
import torch
from torch import nn

from deepcourse.layers import ACTIVATIONS, LOSSES, Activation, Dense, run, run_back, softmax

TORCH_ACTIVATIONS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "ReLU": torch.relu}
TORCH_LOSSES = {
    "half squares": lambda A, y: ((A - y) ** 2).sum() / 2 / len(y),
    "cross-entropy": nn.functional.cross_entropy,
}


def make_network(activation, seed=0):
    rng = np.random.default_rng(seed)
    layers = [Dense(4, 5, rng), Activation(*ACTIVATIONS[activation]), Dense(5, 3, rng)]
    return layers, rng.normal(size=(7, 4)), np.eye(3)[rng.integers(3, size=7)]


@pytest.mark.parametrize(("activation", "loss"), list(itertools.product(ACTIVATIONS, LOSSES)))
def test_loss_and_all_gradients_are_those_of_torch(activation, loss):
    layers, X, y = make_network(activation)
    value, slope = LOSSES[loss]
    answers = run(layers, X)
    dX = run_back(layers, slope(answers, y))

    first, _, last = layers
    ours = [X, first.W, first.b, last.W, last.b]
    X_t, W1, b1, W2, b2 = (torch.tensor(array, requires_grad=True) for array in ours)
    hidden = TORCH_ACTIVATIONS[activation](X_t @ W1 + b1)
    expected = TORCH_LOSSES[loss](hidden @ W2 + b2, torch.tensor(y))
    expected.backward()

    assert value(answers, y) == pytest.approx(expected.item(), abs=1e-12)
    gradients = [dX, first.dW, first.db, last.dW, last.db]
    for gradient, tensor in zip(gradients, (X_t, W1, b1, W2, b2), strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=0, atol=1e-12)


def test_weights_start_with_the_variance_of_one_over_inputs_and_biases_with_zero():
    layer = Dense(400, 300, np.random.default_rng(0))
    assert layer.W.var() == pytest.approx(1 / 400, rel=0.02)
    assert not layer.b.any()


def test_the_same_generator_gives_the_same_weights():
    one, two = (Dense(3, 2, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.W, two.W)


def test_very_large_numbers_neither_overflow_nor_warn():
    sigma, slope = ACTIVATIONS["sigmoid"]
    Z = np.array([-1e4, 0.0, 1e4])
    assert sigma(Z).tolist() == [0.0, 0.5, 1.0]
    assert slope(Z).tolist() == [0.0, 0.25, 0.0]
    A = np.array([[1e4, 0.0, -1e4]])
    assert softmax(A).tolist() == [[1.0, 0.0, 0.0]]
    value, _ = LOSSES["cross-entropy"]
    assert value(A, np.array([[0.0, 1.0, 0.0]])) == pytest.approx(1e4)


def test_running_changes_neither_the_examples_nor_the_weights():
    layers, X, y = make_network("ReLU")
    before = X.copy(), layers[0].W.copy()
    run_back(layers, LOSSES["half squares"][1](run(layers, X), y))
    assert np.array_equal(X, before[0])
    assert np.array_equal(layers[0].W, before[1])
