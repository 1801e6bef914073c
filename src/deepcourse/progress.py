"""A progress bar on stderr: `Bar`, redrawn on a terminal, a line now and then in a log.

Imports: the standard library only.
"""

import sys
import time

WIDTH = 24


class Bar:
    """How far something is, for a person who waits. Writes nothing to stdout.

    On a terminal one line is redrawn, ten times a second at most. Elsewhere a line is written
    every `quiet` seconds, so that a log stays short and a quick task leaves no trace.

    >>> bar = Bar("reading", total=3)
    >>> for _ in range(3):
    ...     bar.update(1)
    >>> bar.close()
    """

    def __init__(self, what, total=0, stream=None, quiet=30.0):
        self.what, self.total, self.done, self.note = what, total, 0, ""
        self.stream = sys.stderr if stream is None else stream
        self.live = self.stream.isatty()
        self.every = 0.1 if self.live else quiet
        self.began = self.drawn = time.monotonic()

    def update(self, count, note=None):
        """Say that `count` more are done; `note` is shown at the end of the line."""
        self.done += count
        self.note = self.note if note is None else note
        if time.monotonic() - self.drawn >= self.every:
            self._draw()

    def reset(self):
        """Count from the start again."""
        self.done = 0

    def close(self):
        """End the line, if one was drawn."""
        if self.live:
            self._draw()
            self.stream.write("\n")

    def line(self):
        """Return what the bar says now.

        >>> bar = Bar("step", total=4)
        >>> bar.update(1, note="loss 0.50")
        >>> bar.line().split(", ")[0]
        'step  25 % [######                  ] 1/4'
        """
        share = min(self.done / self.total, 1.0) if self.total else 0.0
        filled = "#" * int(WIDTH * share)
        spent = time.monotonic() - self.began
        left = f", {spent / share - spent:,.0f} s left" if 0 < share < 1 else ""
        count = f"{self.done:,}/{self.total:,}" if self.total else f"{self.done:,}"
        text = f"{self.what} {100 * share:3.0f} % [{filled:{WIDTH}}] {count}, {spent:,.0f} s{left}"
        return f"{text}  {self.note}".rstrip()

    def _draw(self):
        self.drawn = time.monotonic()
        self.stream.write(f"\r{self.line()}\x1b[K" if self.live else f"{self.line()}\n")
        self.stream.flush()
