"""What is installed: the wheel holds every experiment and every record, and works by itself."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from conftest import ROOT
from deepcourse.reproduce.frame.record import RESULTS


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The course's wheel, built from a copy of what it is made from."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignore)
    code = "from setuptools import build_meta; print(build_meta.build_wheel('out'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "out" / done.stdout.split()[-1]


def test_the_wheel_holds_every_record_and_every_module(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    package = ROOT / "src" / "deepcourse"
    wanted = {p.relative_to(ROOT / "src").as_posix() for p in package.rglob("*.py")}
    wanted |= {p.relative_to(ROOT / "src").as_posix() for p in RESULTS.glob("*.json")}
    assert wanted - held == set()
    assert any(name.endswith("results/mnist_mlp.json") for name in held)


def test_a_record_is_shown_from_the_wheel_alone(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = (
        "import deepcourse; from deepcourse.reproduce import recorded; "
        "print(deepcourse.__file__); print(repr(recorded('mnist_mlp')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stdout.splitlines()[0]
    assert "reported by Winther (2018): 1.2 %" in done.stdout
