"""On what a result was measured: hardware and versions, without any name of a host or a user.

Imports: numpy and torch.
"""

import os
import platform
from pathlib import Path

import numpy as np
import torch

import deepcourse


def hardware(device):
    """Return the processor's name, cores and threads used, memory in GiB, and the GPU or None."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "device": device.type,
        "cpu": _processor(),
        "cores": _cores(),
        "threads": torch.get_num_threads(),
        "memory_gib": _memory(),
        "gpu": gpu,
    }


def versions():
    """Return the versions of Python, torch, numpy and this package."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "deepcourse": deepcourse.__version__,
    }


def peak_memory():
    """Return the most memory in GiB that this process has held so far; None where unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 2**30 if platform.system() == "Darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _cores():
    count = getattr(os, "sched_getaffinity", None)
    return len(count(0)) if count else os.cpu_count()


def _processor():
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory():
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (AttributeError, OSError, ValueError):  # not on this system
        return None
