"""What a process and its descendants use, read from /proc."""

import contextlib
import os
from dataclasses import dataclass

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """Seconds of CPU time used, seconds spent waiting for a CPU, bytes of memory, processes."""

    cpu: float = 0.0
    queued: float = 0.0
    memory: int = 0
    processes: int = 0


def descendants(root):
    """Return the numbers of process `root` and of all below it that are still there."""
    found, new = [], [root]
    while new:
        pid = new.pop()
        found.append(pid)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                    new += [int(each) for each in file.read().split()]
    return found


def measure(root):
    """Return the Usage of process `root` and its descendants, those that ended included."""
    cpu = queued = memory = count = 0
    for pid in descendants(root):
        with contextlib.suppress(OSError, IndexError, ValueError):
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            cpu += sum(int(each) for each in fields[11:15]) / TICKS
            count += 1
            with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                _, resident, shared = (int(each) for each in file.read().split()[:3])
            memory += (resident - shared) * PAGE
            with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
                queued += int(file.read().split()[1]) / 1e9
    return Usage(cpu, queued, memory, count)
