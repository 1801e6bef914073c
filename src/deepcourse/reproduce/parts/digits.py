"""What the experiments on MNIST share: the split, the plan of a training, and the training.

Imports: `frame.plain` and torch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from deepcourse.reproduce.frame.plain import error_of


@dataclass(frozen=True)
class Plan:
    """How one network is trained.

    `rate(share)` is the learning rate after that share of all steps, `change` makes other
    pictures of float pictures (batch, 1, 28, 28), `low` multiplies in bfloat16, `best` keeps the
    weights of the best epoch on the validation part instead of the last.
    """

    num_epochs: int
    batch_size: int
    optimizer: type
    rate: Callable
    change: Callable | None = None
    low: bool = False
    best: bool = False


def up_and_down(highest, rise):
    """Return a rate that climbs to `highest` in the share `rise` of the steps, then falls to 0."""
    return lambda share: highest * max(min(share / rise, (1 - share) / (1 - rise)), 0.0)


def split(data, num_val, seed):
    """Return (X, y) to train on and (X, y) to choose by, another cut for each seed."""
    order = torch.randperm(len(data.X_train), generator=torch.Generator().manual_seed(seed))
    order = order.to(data.X_train.device)
    train, val = order[num_val:], order[:num_val]
    return (data.X_train[train], data.y_train[train]), (data.X_train[val], data.y_train[val])


def fit(model, plan, train, val, session, checkpoint, what="training"):
    """Train `model` on uint8 pictures; return its weights, its seconds and validation errors.

    An interrupted training goes on at the epoch that `checkpoint` holds.
    """
    optimizer = plan.optimizer(model.parameters(), lr=plan.rate(0.0), fused=True)
    state = {"epoch": 0, "curve": [], "best": None, "began": session.clock.seconds()}
    if found := checkpoint.load():
        state = found["state"]
        model.load_state_dict(found["model"])
        optimizer.load_state_dict(found["optimizer"])
    X = train[0].float() / 255
    bar = session.progress(what, plan.num_epochs - state["epoch"])
    while state["epoch"] < plan.num_epochs:
        train_epoch(model, optimizer, plan, X, train[1], state["epoch"])
        state["epoch"] += 1
        with session.clock.paused():
            keep(state, model, error_of(model, *val), plan.best)
        bar.update(1, f"validation error {state['curve'][-1]:.4f}")
        if checkpoint.due():
            states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            checkpoint.save({"state": state, **states})
    bar.close()
    seconds = zip(state["began"], session.clock.seconds(), strict=True)
    wall, cpu = (now - then for then, now in seconds)
    error, weights = state["best"]
    found = {"error": error, "weights": weights, "curve": state["curve"]}
    return {**found, "wall": wall, "cpu": cpu}


def train_epoch(model, optimizer, plan, X, y, epoch):
    """Show every picture once, in a new order, changed anew where the plan says so."""
    model.train()
    X, y = shuffled(X, y)
    if plan.change:
        X, y = shuffled(plan.change(X), y)
    steps = len(X) // plan.batch_size
    for step in range(steps):
        share = (epoch * steps + step) / (plan.num_epochs * steps)
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(share)
        part = slice(step * plan.batch_size, (step + 1) * plan.batch_size)
        with torch.autocast(X.device.type, dtype=torch.bfloat16, enabled=plan.low):
            logits = model(X[part])
        loss = torch.nn.functional.cross_entropy(logits.float(), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def shuffled(X, y):
    """Return pictures and labels in one random order, drawn on the CPU."""
    order = torch.randperm(len(X)).to(X.device)
    return X[order], y[order]


def keep(state, model, error, best):
    """Note the validation error, and the weights (with `best`: if it is the lowest so far)."""
    state["curve"].append(error)
    if not best or state["best"] is None or error < state["best"][0]:
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        state["best"] = (error, weights)


def report(model, fitted, data):
    """Return what a record says of a fitted network; asks the test part."""
    model.load_state_dict(fitted["weights"])
    return {
        "test_error": error_of(model, data.X_test, data.y_test),
        "val_error": fitted["error"],
        "train_cpu_seconds": fitted["cpu"],
        "train_wall_seconds": fitted["wall"],
        "val_error_by_epoch": fitted["curve"],
    }


def race(fitted, goal):
    """Return a fitted network as the benchmark wants it."""
    reached = fitted["error"] <= goal
    return {key: fitted[key] for key in ("wall", "cpu", "error")} | {"reached": reached}
