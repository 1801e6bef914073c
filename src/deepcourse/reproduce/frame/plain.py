"""The plain baseline: a classifier trained the way tutorials do it.

A DataLoader with worker processes that handle one picture at a time, float32, plain SGD with a
constant rate, until the validation part is answered well enough. Imports: torch.
"""

import torch
from torch.utils.data import DataLoader, Dataset

NUM_WORKERS = 2


class Pictures(Dataset):
    """uint8 pictures X (batch, channels, height, width), or any features, and labels y, one by one.

    Pictures are scaled to 0 … 1; `transform` is then applied to each.
    """

    def __init__(self, X, y, transform=None):
        self.X, self.y, self.transform = X.cpu(), y.cpu(), transform

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        picture = scaled(self.X[index])
        return (self.transform(picture) if self.transform else picture), self.y[index]


def scaled(X):
    """Return uint8 pictures as numbers from 0 to 1, and features as they are."""
    return X.float() / 255 if X.dtype == torch.uint8 else X


def train_plainly(
    model, train, val, goal, session, lr, max_epochs, batch_size=128, transform=None, measure=None
):
    """Train `model` until its error on `val` is at most `goal`; return a race's numbers.

    `train` and `val` are (X, y), uint8 pictures, or features in float32, and int64 labels. The
    evaluation after each epoch, by `measure` (default: the share of errors), is left out of the
    seconds. The workers come on top of torch's threads. Returns wall and CPU seconds, epochs,
    the last error, and whether the goal was reached within `max_epochs`.
    """
    workers = 0 if session.tiny else NUM_WORKERS
    loader = DataLoader(Pictures(*train, transform), batch_size, shuffle=True, num_workers=workers)
    model = model.to(session.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    before, error, epoch = session.clock.seconds(), 1.0, 0
    bar = session.progress("plain baseline", max_epochs)
    while error > goal and epoch < max_epochs:
        model.train()
        for X, y in loader:
            logits = model(X.to(session.device))
            loss = torch.nn.functional.cross_entropy(logits, y.to(session.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        epoch += 1
        with session.clock.paused():
            error = (measure or error_of)(model, *val)
        bar.update(1, f"error {error:.4f}")
    bar.close()
    wall, cpu = session.clock.since(before)
    return {
        "wall": wall,
        "cpu": cpu,
        "epochs": epoch,
        "error": error,
        "reached": error <= goal,
    }


def error_of(model, X, y):
    """Return the share of X, pictures or features, that `model` gets wrong."""
    return float((scores_of(model, X).argmax(dim=1) != y.cpu()).float().mean())


@torch.no_grad()
def scores_of(model, X, batch_size=1000):
    """Return the model's scores (batch, classes) of X on the CPU; its mode is kept."""
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    found = [model(scaled(some.to(device))).cpu() for some in X.split(batch_size)]
    model.train(was_training)
    return torch.cat(found)
