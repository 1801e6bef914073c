"""Repeatable runs: where the lesson runs, with which seed, on how many threads.

Imports: numpy and torch; `start` also sets the course's figure style.
"""

import os
import platform
import random
import sys

import numpy as np
import torch

OLDEST_PYTHON = (3, 11)
OLDEST_TORCH = (2, 9)


def start(minutes, gpu_helps=False, seed=0):
    """Prepare a lesson: check versions, set the figure style, seed, say where it runs.

    `minutes` is the expected time on two CPU cores; `gpu_helps` says whether the lesson gains
    from a GPU. torch computes on one CPU thread from here on: networks of a lesson's size gain
    little from a second, lose much where cores are shared, and sums keep their order. Prints one
    line, or two. Raises RuntimeError for a Python or torch that is too old.
    """
    check_versions(sys.version_info[:2], torch.__version__)
    from deepcourse import plot

    plot.use_style()
    seed_all(seed)
    torch.set_num_threads(1)
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # a GPU would keep 10 bits of each factor
    print(_where(minutes, gpu_helps))


def check_versions(python, torch_version):
    """Raise RuntimeError, saying what to do, unless `python` and `torch_version` are new enough.

    >>> check_versions((3, 12), "2.11.0+cu128")
    """
    if python < OLDEST_PYTHON:
        raise RuntimeError(
            f"This course needs Python {_dotted(OLDEST_PYTHON)} or newer and this is Python "
            f"{_dotted(python)}: open the lesson in Colab, or install a newer Python."
        )
    found = tuple(int(part) for part in torch_version.split("+")[0].split(".")[:2])
    if found < OLDEST_TORCH:
        raise RuntimeError(
            f"This course needs torch {_dotted(OLDEST_TORCH)} or newer and this is torch "
            f"{torch_version}: run `pip install --upgrade torch`, then restart the kernel."
        )


def seed_all(seed):
    """Seed `random`, numpy's global generator and torch (all devices) with `seed`."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries that still use the global generator
    torch.manual_seed(seed)


def device():
    """Return the torch device a lesson runs on: a CUDA GPU if there is one, else the CPU.

    The environment variable DEEPCOURSE_DEVICE overrides it, for example with ``cpu``.
    """
    wanted = os.environ.get("DEEPCOURSE_DEVICE")
    return torch.device(wanted or ("cuda" if torch.cuda.is_available() else "cpu"))


def _where(minutes, gpu_helps):
    there = device()
    name = torch.cuda.get_device_name(there) if there.type == "cuda" else f"{os.cpu_count()} cores"
    line = (
        f"Ready on {there.type} ({name}): Python {platform.python_version()}, "
        f"torch {torch.__version__}. Takes about {minutes} min."
    )
    if gpu_helps and there.type == "cpu":
        line += "\nA GPU is faster. In Colab: Runtime > Change runtime type > GPU."
    return line


def _dotted(version):
    return ".".join(str(part) for part in version)
