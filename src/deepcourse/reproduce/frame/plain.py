"""The plain baseline: a classifier of pictures trained the way tutorials do it.

A DataLoader with worker processes that handle one picture at a time, float32, plain SGD with a
constant rate, until the validation part is answered well enough. Imports: torch.
"""

import torch
from torch.utils.data import DataLoader, Dataset

NUM_WORKERS = 2


class Pictures(Dataset):
    """uint8 pictures X (batch, channels, height, width) and labels y, handed out one by one."""

    def __init__(self, X, y, transform=None):
        self.X, self.y, self.transform = X.cpu(), y.cpu(), transform

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        picture = self.X[index].float() / 255
        return (self.transform(picture) if self.transform else picture), self.y[index]


def train_plainly(model, train, val, goal, session, lr, max_epochs, batch_size=128, transform=None):
    """Train `model` until its error on `val` is at most `goal`; return a race's numbers.

    `train` and `val` are (X, y), uint8 pictures and int64 labels. The evaluation after each epoch
    is left out of the seconds. Returns wall and CPU seconds, epochs, the last error, and whether
    the goal was reached within `max_epochs`.
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
            error = error_of(model, *val)
        bar.update(1, f"error {error:.4f}")
    bar.close()
    wall, cpu = (now - then for now, then in zip(session.clock.seconds(), before, strict=True))
    return {
        "wall": wall,
        "cpu": cpu,
        "epochs": epoch,
        "error": error,
        "reached": error <= goal,
    }


@torch.no_grad()
def error_of(model, X, y, batch_size=1000):
    """Return the share of uint8 pictures X that `model`, which is left in its mode, gets wrong."""
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    wrong = 0
    for start in range(0, len(X), batch_size):
        logits = model(X[start : start + batch_size].to(device).float() / 255)
        wrong += int((logits.argmax(dim=1).cpu() != y[start : start + batch_size].cpu()).sum())
    model.train(was_training)
    return wrong / len(X)
