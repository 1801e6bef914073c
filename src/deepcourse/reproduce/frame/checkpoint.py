"""Save and load the state of a run so that it goes on as if it had never stopped.

Imports: numpy and torch.
"""

import os
import random
import time
from pathlib import Path

import numpy as np
import torch


class CheckpointError(OSError):
    """A checkpoint that is there and cannot be read."""


class Checkpoint:
    """One file: what the caller gives, the states of the random generators, the clock.

    `every` is how many seconds lie between two saves, where the caller asks `due()`.
    """

    def __init__(self, path, clock, every=30.0):
        self.path, self.clock, self.every = Path(path), clock, every
        self.saved = time.monotonic()

    def due(self):
        """Return whether the last save is longer ago than `every` seconds."""
        return time.monotonic() - self.saved >= self.every

    def save(self, state):
        """Write `state`: dictionaries, lists and tuples of tensors, numbers and strings.

        A model's and an optimizer's `state_dict()` and a generator's `get_state()` are such. The
        file is replaced in one step: whoever is killed while saving finds the one before.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(f".{os.getpid()}.part")
        whole = {"state": state, "random": _random_states(), "clock": self.clock.seconds()}
        with part.open("wb") as file:
            torch.save(whole, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path)
        self.saved = time.monotonic()

    def load(self):
        """Return the state saved last, or None; random generators and clock go back to then.

        Tensors come on the CPU, and `load_state_dict` moves them to where the model is. Raises
        CheckpointError for a file that cannot be read.
        """
        if not self.path.is_file():
            return None
        try:
            whole = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # a file that is no checkpoint fails in many ways
            raise CheckpointError(
                f"expected a checkpoint in {self.path}, came something else ({error}): delete it "
                "and the run begins again"
            ) from error
        _restore_random(whole["random"])
        self.clock.restore(whole["clock"])
        return whole["state"]


def _random_states():
    numpy_state = np.random.get_state()  # noqa: NPY002 - libraries still use the global generator
    return {
        "python": random.getstate(),
        "numpy": (numpy_state[0], numpy_state[1].tolist(), *numpy_state[2:]),
        "torch": torch.random.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
    }


def _restore_random(states):
    random.setstate(states["python"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, np.array(keys, np.uint32), *rest))  # noqa: NPY002
    torch.random.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])
