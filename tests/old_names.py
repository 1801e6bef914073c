"""Write which names the oldest torch that lessons may meet has, for `tests/test_old_names.py`.

    PYTHON_WITH_THE_OLDEST_TORCH tests/old_names.py      # writes tests/names/torch-X.Y.txt

Needs nothing but that torch; its first two version numbers become the file's name.
"""

import importlib
from pathlib import Path

FOLDER = Path(__file__).parent / "names"
MODULES = (
    "torch",
    "torch.Tensor",
    "torch.Generator",
    "torch.autograd",
    "torch.autograd.functional",
    "torch.cuda",
    "torch.backends.cudnn",
    "torch.fft",
    "torch.func",
    "torch.linalg",
    "torch.nn",
    "torch.nn.Module",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.nn.utils.rnn",
    "torch.optim",
    "torch.optim.Optimizer",
    "torch.optim.lr_scheduler",
    "torch.random",
    "torch.special",
    "torch.utils.data",
)


def names(path):
    """Return the public names of a module or class, by its dotted path."""
    module, _, last = path.rpartition(".")
    try:
        found = importlib.import_module(path)
    except ModuleNotFoundError:
        found = getattr(importlib.import_module(module), last)
    return sorted(n for n in {*dir(found), *dir(type(found))} if not n.startswith("_"))


def main():
    """Write the file of the torch that is installed here."""
    torch = importlib.import_module("torch")
    version = ".".join(torch.__version__.split(".")[:2])
    lines = [f"{path}: {' '.join(names(path))}" for path in MODULES]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"torch-{version}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
