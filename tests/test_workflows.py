"""GitHub's workflows: what they may do, what they run, and what two checkers say of them.

The checkers are no part of the locked environment: `make workflows` installs them beside it.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
import yaml

from conftest import ROOT
from coursekit.classes import own_path

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
BESIDE = ROOT / "_build" / "workflows" / "bin"  # where `make workflows` puts the checkers
PINNED = re.compile(r"actions/[\w-]+@(?:[0-9a-f]{40}|v\d+\.\d+\.\d+)")
MAY_WRITE = {  # (file, job): what it may change; every other job only reads
    ("publish.yml", "notebooks"): {"contents"},
    ("publish.yml", "release"): {"contents"},
    ("publish.yml", "deploy"): {"pages", "id-token"},
    ("colab.yml", "report"): {"issues"},
    ("links.yml", "report"): {"issues"},
}
PARAMETERS = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def load(path):
    """Return a workflow; YAML takes its key `on` for a truth value."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    workflow["on"] = workflow.pop(True)
    return workflow


def problems(name, workflow):
    """Return what is wrong with a workflow: rights, pins, credentials, expressions in scripts."""
    found = [] if workflow.get("permissions") == {} else ["permissions: {} must stand at the top"]
    if "pull_request_target" in workflow["on"] or "workflow_run" in workflow["on"]:
        found.append("it runs with this repository's rights on what strangers send")
    for key, job in workflow["jobs"].items():
        rights = job.get("permissions", {})
        writes = {right for right, level in rights.items() if level != "read"}
        if writes != MAY_WRITE.get((name, key), set()):
            found.append(f"{key} may change {sorted(writes)}")
        if "timeout-minutes" not in job:
            found.append(f"{key} has no timeout-minutes")
        for step in job["steps"]:
            uses = step.get("uses", "")
            if uses and not PINNED.fullmatch(uses):
                found.append(f"{key}: {uses} is not pinned")
            if uses.startswith("actions/checkout@") and (
                step.get("with", {}).get("persist-credentials") is not False
            ):
                found.append(f"{key}: checkout keeps its credentials")
            if "${{" in step.get("run", ""):
                found.append(f"{key}: an expression inside a script: hand it over in env")
    return found


def test_the_four_workflows_are_there():
    assert [path.name for path in FILES] == ["ci.yml", "colab.yml", "links.yml", "publish.yml"]


@PARAMETERS
def test_a_workflow_asks_for_no_more_than_it_needs(path):
    assert problems(path.name, load(path)) == []


def test_each_fault_of_a_workflow_is_seen():
    step = {"uses": "actions/checkout@main", "run": "echo ${{ github.head_ref }}"}
    job = {"permissions": {"contents": "write"}, "steps": [step]}
    workflow = {"on": {"pull_request_target": None}, "jobs": {"gate": job}}
    assert len(problems("ci.yml", workflow)) == 7


def test_a_pin_by_commit_names_its_release_and_each_action_has_one_pin():
    pins = {}
    for path in FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            if "uses:" in line:
                found = re.search(r"uses: (actions/[\w-]+)@(\S+)(?: # v\d+\.\d+\.\d+)$", line)
                assert found, f"{path.name}: {line.strip()}"
                pins.setdefault(found[1], set()).add(found[2])
    assert all(len(versions) == 1 for versions in pins.values()), pins


def test_what_the_workflows_run_exists():
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    targets = set(re.findall(r"^([\w./]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for target in re.findall(r"\bmake ([a-z.][\w./]*)$", text, re.MULTILINE):
        assert target in targets, f"make {target}"
    for name in re.findall(r"(?<![\w/])(tests/\w+\.py|\.ci/\w+)", text):
        assert (ROOT / name).is_file(), name
        assert not name.startswith(".ci/") or os.access(ROOT / name, os.X_OK), name
    steps = load(FOLDER / "ci.yml")["jobs"]["gate"]["steps"]
    assert steps[-1]["run"] == ".ci/run"


def test_the_weekly_workflows_run_weekly_and_report():
    for name in ("colab.yml", "links.yml"):
        workflow = load(FOLDER / name)
        (schedule,) = workflow["on"]["schedule"]
        assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
        report = workflow["jobs"]["report"]
        assert report["if"] == "failure()"
        assert set(workflow["jobs"]) == {report["needs"], "report"}


def test_publishing_takes_the_address_of_its_own_repository():
    build = load(FOLDER / "publish.yml")["jobs"]["build"]
    own = "${{ github.server_url }}/${{ github.repository }}"
    assert build["env"]["COURSE_REPOSITORY"] == own
    assert any(step.get("run") == "make publish" for step in build["steps"])


@pytest.mark.parametrize(
    "command",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
        ["zizmor", "--offline", "--quiet", "--persona", "pedantic"],
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("fault", ["none", "jobs: {gate: {runs-on: ubuntu-latest, step: []}}"])
def test_a_checker_has_nothing_to_say(command, fault, tmp_path):
    program = shutil.which(command[0], path=f"{BESIDE}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip(f"workflows not checked by {command[0]}: run `make workflows`")
    files = [str(path) for path in FILES]
    if fault != "none":
        files = [str(tmp_path / "faulty.yml")]
        Path(files[0]).write_text(f"on: pull_request_target\npermissions: write-all\n{fault}\n")
    answer = subprocess.run([program, *command[1:], *files], capture_output=True, text=True)
    assert (answer.returncode == 0) == (fault == "none"), answer.stdout + answer.stderr


def run_as_in_colab(folder, code):
    """Run a notebook with one cell as the weekly workflow does, with our own programs."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbformat.write(notebook, folder / "a.ipynb")
    command = ["bash", str(ROOT / ".ci" / "colab"), str(folder)]
    environment = os.environ | {"PATH": own_path()}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(("code", "status"), [("import numpy", 0), ("1 / 0", 1)])
def test_each_notebook_runs_alone_as_in_colab(tmp_path, code, status):
    answer = run_as_in_colab(tmp_path, code)
    assert answer.returncode == status, answer.stdout + answer.stderr
    assert ("a: passed" in answer.stdout) == (status == 0)
    assert ("ZeroDivisionError" in answer.stderr) == (status == 1)


def test_a_notebook_that_changes_the_version_of_numpy_fails_as_in_colab(tmp_path, monkeypatch):
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(there))
    code = f"""
from pathlib import Path
info = Path({str(there)!r}) / "numpy-0.1.dist-info"
info.mkdir()
(info / "METADATA").write_text("Metadata-Version: 2.1\\nName: numpy\\nVersion: 0.1\\n")
"""
    answer = run_as_in_colab(tmp_path, code)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "expected torch and numpy to stay as they were" in answer.stdout
    assert "numpy==0.1" in answer.stdout
