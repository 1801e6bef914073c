"""The training loop of the lesson 01_regression_to_networks, for any model, loss and optimizer.

Imports: torch.
"""

import math

import torch


def train(model, X, y, loss_fn, optimizer, num_steps, batch_size=None, generator=None):
    """Take `num_steps` steps of `optimizer` on `loss_fn(model(X), y)`; return the losses.

    `X` (batch, …) and `y` (batch, …) are all the examples. Without `batch_size` each step sees
    all of them. With it, each sees the next `batch_size` of a random order, drawn anew when too
    few are left for a whole batch; `generator` (a torch.Generator) makes that order repeatable.
    The order is drawn on the CPU, so that it is the same whichever device holds X, y and model.

    The list holds one number a step: the loss on that step's examples, before the step. The
    model trains in the mode it is in (`model.train()` or `model.eval()` is the caller's choice),
    and nothing but its parameters and buffers and the optimizer's state changes.

    Raises ValueError for examples and targets that do not match or a batch size that does not
    fit, and FloatingPointError, with the step, as soon as a loss is nan or infinite.

    >>> model = torch.nn.Linear(1, 1)
    >>> sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> X = torch.tensor([[0.0], [1.0]])
    >>> losses = train(model, X, 2 * X + 1, torch.nn.functional.mse_loss, sgd, num_steps=500)
    >>> len(losses), losses[-1] < 1e-6
    (500, True)
    """
    _check(X, y, batch_size)
    batches = _batches(len(X), batch_size, generator)
    losses = []
    for step in range(num_steps):
        chosen = next(batches)
        loss = loss_fn(model(X[chosen]), y[chosen])
        losses.append(_finite(loss, step, losses))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def _batches(num_examples, batch_size, generator):
    """Yield for ever what to index the examples with: all of them, or the next mini-batch."""
    while batch_size is None:
        yield slice(None)
    while True:
        order = torch.randperm(num_examples, generator=generator)
        for start in range(0, num_examples - batch_size + 1, batch_size):
            yield order[start : start + batch_size]


def _check(X, y, batch_size):
    if len(X) != len(y) or len(X) == 0:
        raise ValueError(
            f"expected one target for each example, came X {tuple(X.shape)} and "
            f"y {tuple(y.shape)}: their first sizes must agree and not be 0"
        )
    if batch_size is not None and not 1 <= batch_size <= len(X):
        raise ValueError(
            f"expected a batch_size from 1 to {len(X)}, the number of examples, came "
            f"{batch_size}; leave it out to train on all examples at once"
        )


def _finite(loss, step, losses):
    number = loss.item()
    if not math.isfinite(number):
        last = f"the last loss before it was {losses[-1]:.3g}" if losses else "it was the first"
        raise FloatingPointError(
            f"the loss is {number} at step {step} ({last}). The usual cause is a learning rate "
            "that is too high: try a tenth of it. Else look for nan in X and y, and for a "
            "logarithm or a division of zero in the loss."
        )
    return number
