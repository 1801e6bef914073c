"""The gate's share of `make colab`: two lessons and an assignment, alone, with Colab's versions."""

import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

import colab_runtime
from conftest import ROOT
from coursekit.lessons import setup_source

NEWEST = colab_runtime.RUNTIMES[-1]
SAMPLE = (
    "02_backpropagation",
    "03_stochastic_gradient_descent",
    "assignment_02_backpropagation",
)


@pytest.fixture(scope="module")
def program():
    """The Python of an environment with the newest runtime's versions."""
    return colab_runtime.make_environment(NEWEST)


@pytest.fixture(scope="module")
def address():
    """Where the wheel is served."""
    with colab_runtime.published_wheel() as found:
        yield found


def one_cell(source):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])


def setup_cell():
    return one_cell(setup_source(colab_runtime.COURSE, 1, None))


def test_every_lesson_and_assignment_is_run_by_the_whole_target():
    names = set(colab_runtime.notebooks())
    assert set(SAMPLE) < names
    for folder, form in (("lessons", "{}"), ("assignments", "assignment_{}")):
        for path in (ROOT / "book" / folder).glob("*.py"):
            assert form.format(path.stem) in names


@pytest.mark.parametrize("name", SAMPLE)
def test_a_notebook_alone_passes_with_the_versions_of_colab(program, address, name):
    notebook = colab_runtime.notebooks()[name]
    problem, seconds = colab_runtime.run(program, notebook, name, address)
    assert problem == ""
    assert colab_runtime.setup_is_slow(program, notebook, address, seconds) == ""


def test_a_lesson_whose_claim_is_false_there_fails(program, address):
    notebook = setup_cell()
    claim = "from deepcourse.claims import claim\nclaim('two', 2, at_most=1, baseline={'three': 3})"
    notebook.cells.append(nbformat.v4.new_code_cell(claim))
    problem, _ = colab_runtime.run(program, notebook, "false", address)
    assert "ClaimError" in problem


def test_nothing_of_this_checkout_is_to_be_seen_there(program, address):
    problem, _ = colab_runtime.run(program, one_cell("import coursekit"), "alone", address)
    assert "No module named 'coursekit'" in problem


def test_a_set_up_that_takes_too_long_fails(program, address, monkeypatch):
    monkeypatch.setattr(colab_runtime, "SETUP_SECONDS", 0.01)
    monkeypatch.setattr(colab_runtime, "TRIES", 1)
    said = colab_runtime.setup_is_slow(program, setup_cell(), address, 9.0)
    assert said.startswith("expected a set-up below 0.01 s, came ")


def test_without_a_network_set_up_says_one_sentence(program):
    problem, _ = colab_runtime.run(program, setup_cell(), "offline", "http://127.0.0.1:9")
    assert "SystemExit" in problem
    assert ": connect to a network, then run this cell again." in problem
    assert "Retrying" not in problem


def old_python():
    """Return a Python that is too old for the course, or None."""
    names = ("python3.10", "python3.9", "python3.8")
    found = [shutil.which(name) for name in names]
    found += (Path.home() / ".pyenv" / "versions").glob("3.*/bin/python3.[89]")
    found += (Path.home() / ".pyenv" / "versions").glob("3.*/bin/python3.10")
    runs = [
        p for p in found if p and subprocess.run([p, "-c", ""], capture_output=True).returncode == 0
    ]
    return runs[0] if runs else None


OLD = old_python()


@pytest.mark.skipif(OLD is None, reason="set-up on an old Python not tried: none is on the PATH")
def test_an_old_python_is_told_which_one_it_needs(address, tmp_path):
    subprocess.run([OLD, "-m", "venv", str(tmp_path / "old")], check=True)
    program = tmp_path / "old" / "bin" / "python"
    source = setup_cell().cells[0].source.replace(colab_runtime.COURSE.site_url, address)
    answer = subprocess.run([program, "-c", source], capture_output=True, text=True, cwd=tmp_path)
    assert answer.returncode == 1
    assert "SetupError: This course needs Python 3.11 or newer and this is" in answer.stderr
