"""Runs are repeatable, and what is too old is told what to do."""

import ast
import contextlib
import io
import random
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch

from deepcourse import plot, repro


def draws():
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002


def test_the_same_seed_gives_the_same_numbers_from_all_three_generators():
    repro.seed_all(3)
    first = draws()
    repro.seed_all(3)
    assert draws() == first
    repro.seed_all(4)
    assert all(a != b for a, b in zip(draws(), first, strict=True))


def test_start_lets_torch_compute_on_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with mpl.rc_context():
        repro.start(minutes=1)
    try:
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_start_has_convolutions_computed_in_full_precision():
    conv = torch.backends.cudnn.conv
    before, conv.fp32_precision = conv.fp32_precision, "tf32"
    with mpl.rc_context():
        repro.start(minutes=1)
    try:
        assert conv.fp32_precision == "ieee"
    finally:
        conv.fp32_precision = before


def test_start_says_where_it_runs_and_sets_style_and_seed(capsys, monkeypatch):
    monkeypatch.setenv("DEEPCOURSE_DEVICE", "cpu")
    with mpl.rc_context():
        repro.start(minutes=2, gpu_helps=True, seed=7)
        assert mpl.rcParams["figure.figsize"] == list(plot.STYLE["figure.figsize"])
    line = capsys.readouterr().out
    assert line.count("\n") == 2
    for part in ("Ready on cpu", "torch", "about 2 min", "Change runtime type"):
        assert part in line
    seeded = draws()
    repro.seed_all(7)
    assert draws() == seeded


def test_a_lesson_that_gains_nothing_from_a_gpu_does_not_speak_of_one(capsys, monkeypatch):
    monkeypatch.setenv("DEEPCOURSE_DEVICE", "cpu")
    with mpl.rc_context():
        repro.start(minutes=2)
    assert "GPU" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["cpu", "meta"])
def test_the_environment_chooses_the_device(monkeypatch, name):
    monkeypatch.setenv("DEEPCOURSE_DEVICE", name)
    assert repro.device() == torch.device(name)


@pytest.mark.parametrize(
    ("check", "version", "message"),
    [
        (repro.check_python, (3, 10), "needs Python 3.11 or newer and this is Python 3.10"),
        (repro.check_torch, "2.8.1", r"needs torch 2.9 or newer and this is torch 2.8.1"),
        (repro.check_torch, "1.13.0+cu117", "pip install --upgrade torch"),
    ],
)
def test_versions_too_old_are_told_what_to_do(check, version, message):
    with pytest.raises(repro.SetupError, match=message):
        check(version)


@pytest.mark.parametrize("version", ["2.9.0", "2.11.0+cu128", "3.0.0a0+git1", "2.10.0.dev1"])
def test_versions_that_are_new_enough_pass(version):
    repro.check_python((3, 13))
    repro.check_torch(version)


def test_an_old_python_can_at_least_read_what_tells_it_so():
    for name in ("__init__.py", "repro.py"):
        source = (Path(repro.__file__).parent / name).read_text(encoding="utf-8")
        ast.parse(source, feature_version=(3, 7))


@pytest.mark.parametrize("name", ["torch", "matplotlib", "numpy"])
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(name):
    code = f"""
import sys
sys.modules[{name!r}] = None
from deepcourse import repro
repro.start(minutes=1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"needs the package {name}, which this Python does not have" in done.stderr
    assert f"-m pip install {name}`" in done.stderr


def test_a_notebook_shows_the_sentence_without_the_way_to_it():
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        shell.run_cell("from deepcourse import repro; repro.check_python((3, 2))")
    assert said.getvalue().startswith("✗ This course needs Python 3.11 or newer")
    assert said.getvalue().count("\n") == 1


@pytest.mark.parametrize(("version", "lines"), [("0.0.1", 2), (None, 1)])
def test_helpers_of_another_version_than_the_notebook_are_named(capsys, version, lines):
    version = version or metadata.version("deepcourse")
    with mpl.rc_context():
        repro.start(minutes=1, wheel=f"https://a.b/deepcourse-{version}-py3-none-any.whl")
    said = capsys.readouterr().out
    assert said.count("\n") == lines
    assert (f"belongs to deepcourse {version}, and" in said) == (lines == 2)


def test_importing_the_package_does_nothing():
    code = """
import sys, warnings
filters = list(warnings.filters)
import deepcourse
heavy = {"torch", "numpy", "matplotlib", "ipywidgets", "gymnasium", "pandas", "nbformat"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
import matplotlib, torch
before, state = dict(matplotlib.rcParams), torch.random.get_rng_state()
filters = list(warnings.filters)
from deepcourse import claims, data, download, plot, repro, shapes, training, widgets
assert dict(matplotlib.rcParams) == before
assert torch.equal(torch.random.get_rng_state(), state)
assert list(warnings.filters) == filters
assert not {"ipywidgets", "gymnasium", "pandas", "nbformat"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
