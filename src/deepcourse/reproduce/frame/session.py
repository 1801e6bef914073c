"""What an experiment's `run` works with: device, data, progress, clock and checkpoints.

Imports: `repro`, `data`, `progress`, `checkpoint`, `clock`, `generated` and torch.
"""

import hashlib
from pathlib import Path

import torch

from deepcourse import data, repro
from deepcourse.progress import Bar
from deepcourse.reproduce.frame import generated
from deepcourse.reproduce.frame.checkpoint import Checkpoint
from deepcourse.reproduce.frame.clock import Clock


class Session:
    """One seed of one experiment.

    `device` is where to compute, `tiny` says that data are generated, `folder` is where the
    checkpoints of this very run lie (experiment, configuration, code and seed), `attached` maps
    the names of files that stand beside the record to their text.
    """

    def __init__(self, seed, device, folder, tiny=False, every=30.0):
        self.seed, self.tiny, self.folder = seed, tiny, Path(folder)
        self.device = torch.device(device)
        # torch's first optimizer loads its compiler, a second that is no part of any training.
        torch.optim.SGD([torch.zeros(1)], lr=0.0)
        self.clock, self.every, self.attached = Clock(), every, {}
        self.checkpoint = Checkpoint(self.folder / "run.pt", self.clock, every)
        repro.seed_all(seed)

    def data(self, name, **options):
        """Return the data set `name` on the device, from its loader or, when tiny, generated.

        `options` go to the loader: `session.data("banknotes", seed=3)`. Loading takes no time of
        the clock's.
        """
        with self.clock.paused():
            load = getattr(generated if self.tiny else data, _loader(name, self.tiny))
            found = load(**options)
            return found.to(self.device) if hasattr(found, "to") else found

    def progress(self, what, total):
        """Return a progress bar: call `update(count, note)`, then `close()`."""
        return Bar(f"seed {self.seed}: {what}", total)

    def stage(self, key, function):
        """Return what `function(checkpoint)` returns, from the store where it has run before.

        For an experiment of several trainings. The random generators start from seed and `key`,
        so that a stage gives the same whether the ones before it ran now or earlier. The value
        must be what `Checkpoint.save` takes.
        """
        done = Checkpoint(self.folder / f"{key}.done.pt", self.clock, self.every)
        found = done.load()
        if found is None:
            repro.seed_all(int(hashlib.sha256(f"{self.seed} {key}".encode()).hexdigest()[:8], 16))
            partial = Checkpoint(self.folder / f"{key}.pt", self.clock, self.every)
            found = {"value": function(partial)}
            done.save(found)
            partial.path.unlink(missing_ok=True)
        return found["value"]

    def attach(self, name, text):
        """Write `text` to a file `name` that stands beside the record, with its hash in it."""
        if Path(name).name != name:
            raise ValueError(f"expected a file's name without a folder, came {name!r}")
        self.attached[name] = text


def _loader(name, tiny):
    return f"make_{name}" if tiny else f"load_{name}"
