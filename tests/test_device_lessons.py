"""Each lesson runs on a second device, unchanged: its claims hold, and the work is done there."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from coursekit.course import Course
from coursekit.lessons import find_lessons

QUICK = {"02_backpropagation", "04c_architectures"}  # these run in the gate, all in `make device`
LESSONS = [
    pytest.param(lesson.name, marks=() if lesson.name in QUICK else pytest.mark.slow)
    for lesson in find_lessons(Course(ROOT))
]


def run_on_second_device(name, root=ROOT):
    """Run the lesson `name` of the course at `root` in a process of its own."""
    command = [sys.executable, str(ROOT / "tests" / "run_on_second_device.py"), name, str(root)]
    path = os.pathsep.join([str(root / "src"), str(ROOT / "src"), str(ROOT / "tests")])
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def require_run_there(done):
    """Assert that the lesson ran to its end, and nearly all of its products on the device."""
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["operations"] > 500, counts
    assert counts["products"]["there"] > 20 * counts["products"]["here"], counts


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_on_the_second_device_and_its_claims_hold_there(name):
    require_run_there(run_on_second_device(name))


FAULTS = {
    "a model that stays": (".double().to(device)\n", ".double()\n", "on the same device"),
    "data that stay": ("torch.tensor(array).to(device)", "torch.tensor(array)", "same device"),
    "an array too early": ("P.grad.cpu().numpy()", "P.grad.numpy()", "copy the tensor to host"),
    "all that stays": ("device = repro.device()", 'device = "cpu"', "operations"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lesson_that_forgets_the_device_is_seen(fault, tmp_path):
    old, new, message = FAULTS[fault]
    for part in ("book", "src", "web/demos", "_config.yml", "pyproject.toml", "constraints.txt"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    lesson = tmp_path / "book" / "lessons" / "02_backpropagation.py"
    text = lesson.read_text(encoding="utf-8")
    assert old in text
    lesson.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(AssertionError, match=message):
        require_run_there(run_on_second_device(lesson.stem, tmp_path))
