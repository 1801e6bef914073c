"""Seconds of work, on the wall and of all CPU threads, across interruptions.

Imports: the standard library only.
"""

import os
import sys
import time
from contextlib import contextmanager


class Clock:
    """Counts wall and CPU seconds since it was made; CPU seconds include worker processes.

    The time of a worker process is known once it has ended.
    """

    def __init__(self):
        self.restore((0.0, 0.0))

    def restore(self, state):
        """Go on from `state`, (wall, CPU) seconds that `seconds()` once gave."""
        self._offset = tuple(then - now for then, now in zip(state, _now(), strict=True))

    def seconds(self):
        """Return (wall, CPU) seconds."""
        return tuple(offset + now for offset, now in zip(self._offset, _now(), strict=True))

    def since(self, before):
        """Return the (wall, CPU) seconds that went by since `before`, what `seconds()` gave."""
        return tuple(now - then for now, then in zip(self.seconds(), before, strict=True))

    @contextmanager
    def paused(self):
        """Leave out what happens inside, such as an evaluation for a curve."""
        before = self.seconds()
        try:
            yield
        finally:
            self.restore(before)


def _now():
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        torch.cuda.synchronize()  # what was asked of a GPU is done before its time is told
    children = os.times()[2:4]  # of one hundredth of a second, which is coarse for this process
    return time.monotonic(), time.process_time() + sum(children)
