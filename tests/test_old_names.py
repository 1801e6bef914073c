"""Learners may have any torch from the oldest that is allowed: no lesson uses a name it lacks."""

import ast
import importlib

import pytest

import old_names
from conftest import ROOT
from deepcourse.repro import OLDEST_TORCH

FILE = old_names.FOLDER / f"torch-{'.'.join(map(str, OLDEST_TORCH))}.txt"
LISTED = {
    path: set(names.split())
    for path, names in (line.split(": ") for line in FILE.read_text("utf-8").splitlines())
}
READ = sorted(
    [
        *(ROOT / "src" / "deepcourse").rglob("*.py"),
        *(ROOT / "book" / "lessons").glob("*.py"),
        *(ROOT / "book" / "assignments").glob("*.py"),
    ]
)


def added_methods():
    """Return what today's tensors have and the oldest's lack, but for what lists have too."""
    others = {name for kind in (list, str, dict, set) for name in dir(kind)}
    return set(old_names.names("torch.Tensor")) - LISTED["torch.Tensor"] - others


def unknown_names(code):
    """Return (line, name) of each name of torch in `code` that the oldest allowed torch lacks."""
    tree = ast.parse(code)
    known = {}  # name in the code: dotted path
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                if alias.name not in LISTED.get(node.module, {alias.name}):
                    found.append((node.lineno, f"{node.module}.{alias.name}"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not node.attr.startswith("_"):
            base = dotted(node.value, known)
            if node.attr not in LISTED.get(base, {node.attr}):
                found.append((node.lineno, f"{base}.{node.attr}"))
            elif base not in LISTED and node.attr in added_methods():
                found.append((node.lineno, f"Tensor.{node.attr}"))
    return sorted(found)


def dotted(node, known):
    """Return the dotted path that an expression such as `nn.functional` stands for, or ''."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = dotted(node.value, known)
        return f"{base}.{node.attr}" if base else ""
    return ""


@pytest.mark.parametrize("path", READ, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_oldest_torch_has_every_name_that_is_used(path):
    assert unknown_names(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.not_yet_there(1)",
        "from torch import nn\nnn.functional.not_yet_there",
        "import torch.nn.functional as F\nF.not_yet_there",
        "from torch.optim import NotYetThere",
        "import torch as t\nt.linalg.not_yet_there",
    ],
)
def test_a_name_that_is_too_new_is_found(code):
    ((line, name),) = unknown_names(code)
    assert line in (1, 2)
    assert name.rpartition(".")[2].replace("_", "").lower() == "notyetthere"


def test_a_method_of_tensors_that_is_too_new_is_found(monkeypatch):
    monkeypatch.setitem(LISTED, "torch.Tensor", LISTED["torch.Tensor"] - {"softmax"})
    assert unknown_names("logits.softmax(dim=1)") == [(1, "Tensor.softmax")]


def test_the_list_names_modules_that_are_there():
    assert list(LISTED) == list(old_names.MODULES)
    for path in LISTED:
        assert len(LISTED[path] & set(old_names.names(path))) > 4, path
    assert importlib.import_module("torch").nn.Linear.__name__ in LISTED["torch.nn"]
