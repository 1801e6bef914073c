"""Four numbers of a banknote through two: an autoencoder against PCA.

The lecture's network 4-6-4-2-4-6-4 (Krippahl, "Deep learning") is trained to give back the four
wavelet numbers of a banknote from two, and is set beside the two principal components, the best
that a linear map of that size can do. The 24 repeated rows are dropped, so that no row of the test
part was trained on. The learning rate is chosen by the validation part; the test part is measured
once a seed, at the parameters that were best on the validation part. How well the codes tell
forgeries from genuine notes is measured by the nearest neighbour, which saw no label in training.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch.utils.data import DataLoader, TensorDataset

from deepcourse.reproduce.frame.contract import Aim, setting

DATA = ("banknotes",)
SEEDS = 5
AIMS = (
    Aim("ratio", "test error of the autoencoder as a share of PCA's", unit="%", at_most=0.5),
    Aim("autoencoder.test_error", "unexplained variance, autoencoder", unit="%"),
    Aim("pca.test_error", "unexplained variance, PCA", unit="%"),
    Aim("autoencoder.neighbour_accuracy", "nearest neighbour on the codes, autoencoder", unit="%"),
    Aim("pca.neighbour_accuracy", "nearest neighbour on the codes, PCA", unit="%"),
)


@dataclass(frozen=True)
class Config:
    """Settings; the rates are tried in turn and the validation part chooses."""

    widths: tuple[int, ...] = setting((4, 6, 4, 2, 4, 6, 4), "units a layer, input to output")
    rates: tuple[float, ...] = setting((0.01, 0.03, 0.06), "Adam's learning rates to choose from")
    num_starts: int = setting(3, "networks a rate, from other initial weights")
    num_steps: int = setting(6000, "steps a network")
    batch_size: int = setting(128, "notes a step")
    goal: float = setting(0.5, "share of PCA's validation error to reach in the benchmark")
    plain_epochs: int = setting(1000, "most epochs of the benchmark's baseline")


TINY = Config(rates=(0.03,), num_starts=1, num_steps=150, plain_epochs=2)


def run(config, seed, session):
    """Return both methods' errors on the test part, the codes of its notes, and what was chosen."""
    data = session.data("banknotes", seed=seed).standardized()
    best = None
    for rate in config.rates:
        for start in range(config.num_starts):
            key = f"rate-{rate}-start-{start}"
            found = session.stage(
                key, lambda mark, rate=rate: train(config, rate, data, session, mark)
            )
            if best is None or found["val_error"] < best["val_error"]:
                best = {**found, "rate": rate, "start": start}
    model = make_model(config.widths).to(session.device)
    model.load_state_dict(best["model"])
    middle = len(config.widths) // 2
    encoder = model[: 2 * middle - 1]
    with torch.no_grad():
        codes = encoder(data.X_train), encoder(data.X_test)
        error = unexplained(model(data.X_test), data.X_test)
    mean, axes = principal_axes(data.X_train, config.widths[middle])
    scores = (data.X_train - mean) @ axes, (data.X_test - mean) @ axes
    linear = unexplained(scores[1] @ axes.T + mean, data.X_test)
    return {
        "ratio": error / linear,
        "autoencoder": {"test_error": error, "neighbour_accuracy": nearest(*codes, data)},
        "pca": {"test_error": linear, "neighbour_accuracy": nearest(*scores, data)},
        "chosen": {"rate": best["rate"], "start": best["start"], "val_error": best["val_error"]},
        "picture": {
            "label": data.y_test.flatten().int(),
            "autoencoder": codes[1],
            "pca": scores[1],
        },
    }


def bench(config, seed, session):
    """Race to half of PCA's validation error against Adam at its usual rate and a DataLoader."""
    data = session.data("banknotes", seed=seed).standardized()
    mean, axes = principal_axes(data.X_train, config.widths[len(config.widths) // 2])
    goal = config.goal * unexplained((data.X_val - mean) @ axes @ axes.T + mean, data.X_val)
    start = session.clock.seconds()
    found = train(config, config.rates[-1], data, session, session.checkpoint)
    wall, cpu = session.clock.since(start)
    ours = {"wall": wall, "cpu": cpu, "error": found["val_error"]}
    model, epoch, error = make_model(config.widths).to(session.device), 0, math.inf
    start, optimizer = session.clock.seconds(), torch.optim.Adam(model.parameters())
    notes = TensorDataset(data.X_train.cpu())
    loader = DataLoader(notes, config.batch_size, True, num_workers=0 if session.tiny else 2)
    while error > goal and epoch < config.plain_epochs:
        for (X,) in loader:
            X = X.to(session.device)
            loss = torch.nn.functional.mse_loss(model(X), X)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        epoch += 1
        with session.clock.paused(), torch.no_grad():
            error = unexplained(model(data.X_val), data.X_val)
    wall, cpu = session.clock.since(start)
    plain = {"wall": wall, "cpu": cpu, "error": error, "epochs": epoch}
    for each in (ours, plain):
        each["reached"] = each["error"] <= goal
    return {"target": f"{100 * goal:.1f} % unexplained (validation)", "ours": ours, "plain": plain}


def make_model(widths):
    """Return a chain of linear maps with tanh between them, but none at the code and the end."""
    layers = []
    for index, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        layers.append(torch.nn.Linear(fan_in, fan_out))
        plain = index in (len(widths) // 2, len(widths) - 1)
        layers.append(torch.nn.Identity() if plain else torch.nn.Tanh())
    return torch.nn.Sequential(*layers)


def train(config, rate, data, session, checkpoint):
    """Return the parameters that were best on the validation part, and their error there."""
    model = make_model(config.widths).to(session.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, config.num_steps)
    best = {"val_error": float("inf"), "model": model.state_dict()}
    first, saved = 0, checkpoint.load()
    if saved:
        first, best = saved["step"], saved["best"]
        for part, state in zip((model, optimizer, schedule), saved["states"], strict=True):
            part.load_state_dict(state)
    bar = session.progress(f"rate {rate}", config.num_steps - first)
    for step in range(first, config.num_steps):
        if checkpoint.due():
            states = [part.state_dict() for part in (model, optimizer, schedule)]
            checkpoint.save({"step": step, "best": best, "states": states})
        X = data.X_train[torch.randint(len(data.X_train), (config.batch_size,))]
        loss = torch.nn.functional.mse_loss(model(X), X)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.update(1)
        if step % 50 == 49 or step == config.num_steps - 1:
            with session.clock.paused(), torch.no_grad():
                error = unexplained(model(data.X_val), data.X_val)
            if error < best["val_error"]:
                copy = {name: value.clone() for name, value in model.state_dict().items()}
                best = {"val_error": error, "model": copy}
    bar.close()
    return best


def unexplained(X_hat, X):
    """Return the squared error as a share of the variance of X round its mean."""
    return float(((X_hat - X) ** 2).sum() / ((X - X.mean(dim=0)) ** 2).sum())


def principal_axes(X, count):
    """Return the mean of X (batch, features) and its first axes (features, count)."""
    mean = X.mean(dim=0)
    return mean, torch.linalg.svd(X - mean, full_matrices=False).Vh[:count].T


def nearest(codes_train, codes_test, data):
    """Return the share of test notes whose nearest training note is of their class."""
    index = torch.cdist(codes_test, codes_train).argmin(dim=1)
    return float((data.y_train[index] == data.y_test).float().mean())
