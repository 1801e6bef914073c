"""Repeatable runs: where the lesson runs, with which seed, on how many threads.

Imports, each where it is needed: numpy and torch, and the course's figure style. Nothing at the
top asks for a new Python, so that an old one can be told so.
"""

import os
import platform
import random
import sys

OLDEST_PYTHON = (3, 11)
OLDEST_TORCH = (2, 9)


class SetupError(RuntimeError):
    """Something that a lesson needs is missing or too old; a notebook shows the message alone."""

    def _render_traceback_(self, *_):
        return [f"✗ {self}"]


def start(minutes, gpu_helps=False, seed=0, wheel=None):
    """Prepare a lesson: check versions, set the figure style, seed, say where it runs.

    `minutes` is the expected time on two CPU cores; `gpu_helps` says whether the lesson gains
    from a GPU; `wheel` is the address of the helpers that the lesson belongs to. torch computes
    on one CPU thread from here on: networks of a lesson's size gain little from a second, lose
    much where cores are shared, and sums keep their order. Prints one line, or two. Raises
    SetupError for a package that is missing and a Python or torch that is too old.
    """
    check_python(sys.version_info[:2])
    try:
        import torch

        from deepcourse import plot
    except ModuleNotFoundError as error:
        raise SetupError(
            f"This course needs the package {error.name}, which this Python does not have: run "
            f"`{sys.executable} -m pip install {error.name}`, then run this cell again."
        ) from None
    check_torch(torch.__version__)
    plot.use_style()
    seed_all(seed)
    torch.set_num_threads(1)
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # a GPU would keep 10 bits of each factor
    print("\n".join([_where(minutes), *_hints(gpu_helps, wheel)]))


def check_python(version):
    """Raise SetupError, saying what to do, unless `version`, (major, minor), is new enough.

    >>> check_python((3, 12))
    """
    if version < OLDEST_PYTHON:
        raise SetupError(
            f"This course needs Python {_dotted(OLDEST_PYTHON)} or newer and this is Python "
            f"{_dotted(version)}: open the lesson in Colab, or install a newer Python."
        )


def check_torch(version):
    """Raise SetupError, saying what to do, unless torch's `version` is new enough.

    >>> check_torch("2.11.0+cu128")
    """
    found = tuple(int(part) for part in version.split("+")[0].split(".")[:2])
    if found < OLDEST_TORCH:
        raise SetupError(
            f"This course needs torch {_dotted(OLDEST_TORCH)} or newer and this is torch "
            f"{version}: run `pip install --upgrade torch`, then restart the kernel."
        )


def seed_all(seed):
    """Seed `random`, numpy's global generator and torch (all devices) with `seed`."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries that still use the global generator
    torch.manual_seed(seed)


def device():
    """Return the torch device a lesson runs on: a CUDA GPU if there is one, else the CPU.

    The environment variable DEEPCOURSE_DEVICE overrides it, for example with ``cpu``.
    """
    import torch

    wanted = os.environ.get("DEEPCOURSE_DEVICE")
    return torch.device(wanted or ("cuda" if torch.cuda.is_available() else "cpu"))


def _where(minutes):
    import torch

    there = device()
    name = torch.cuda.get_device_name(there) if there.type == "cuda" else f"{os.cpu_count()} cores"
    return (
        f"Ready on {there.type} ({name}): Python {platform.python_version()}, "
        f"torch {torch.__version__}. Takes about {minutes} min."
    )


def _hints(gpu_helps, wheel):
    """Yield a line for each thing that the reader could change for the better."""
    if gpu_helps and device().type == "cpu":
        yield "A GPU is faster. In Colab: Runtime > Change runtime type > GPU."
    needed = wheel and wheel.rpartition("/")[2].split("-")[1]
    installed = _installed_version()
    if needed and installed and needed != installed:
        yield (
            f"This notebook belongs to deepcourse {needed}, and {installed} is installed: if "
            f"something is missing, run `pip install --no-deps {wheel}` and restart the kernel."
        )


def _installed_version():
    from importlib import metadata

    try:
        return metadata.version("deepcourse")
    except metadata.PackageNotFoundError:  # a folder on the path, not a package
        return None


def _dotted(version):
    return ".".join(str(part) for part in version)
