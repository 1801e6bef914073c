"""Build lessons: text to an executed notebook in canonical form.

Source: LESSONS in `book/lessons/*.py`; derived: `notebooks/lessons/*.ipynb`.
"""

import os
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from coursekit import compare
from coursekit.errors import CourseError
from coursekit.kernels import PatientManager
from coursekit.lessons import read_lesson
from coursekit.normalize import normalize, write
from coursekit.staleness import source_hash
from coursekit.status import Run, record

CELL_SECONDS = 300


def build(lesson, force=False, progress=None):
    """Bring a lesson's notebook up to date; return "kept", "reset" (prose only) or "executed".

    `progress(done, total)` is called after each cell. Raises CourseError when the lesson cannot
    be read or fails while it runs; the notebook then stays as it was.
    """
    new = read_lesson(lesson)
    digest = source_hash(new, lesson.course)
    old = nbformat.read(lesson.notebook, 4) if lesson.notebook.is_file() else None
    if old is not None and not force and recorded_hash(old) == digest:
        _copy_outputs(old, new)
        state = "reset"
    else:
        run = execute(new, lesson, progress)
        state = "executed"
    normalize(new, lesson.where, digest)
    if old is not None and state == "executed":
        keep_equal_outputs(old, new)
    if old != new:
        write(new, lesson.notebook)
    elif state == "reset":
        return "kept"
    if state == "executed":
        record(lesson, digest, run, "cpu")
    return state


def measure(lesson, device, progress=None):
    """Run a lesson on `device`, "cpu" or "cuda", and record what it took; write no notebook."""
    notebook = read_lesson(lesson)
    digest = source_hash(notebook, lesson.course)
    run = execute(notebook, lesson, progress, device)
    record(lesson, digest, run, device)
    return run


def renew_prose(lesson, new, old, digest):
    """Return `new`, the lesson as read, in canonical form with the outputs of `old`."""
    _copy_outputs(old, new)
    return normalize(new, lesson.where, digest)


def recorded_hash(notebook):
    """Return the hash that `notebook` carries of its sources, or None."""
    return notebook.metadata.get("deepcourse", {}).get("source_hash")


def execute(notebook, lesson, progress=None, device="cpu"):
    """Run `notebook` in place in a fresh kernel on `device`; return a Run.

    What the lesson downloads goes to an empty folder and is counted. Raises CourseError where a
    cell fails.
    """
    total, done, cpu_seconds = len(notebook.cells), 0, 0.0

    def tick(cell, cell_index, **_):
        nonlocal done, cpu_seconds
        done = max(done, cell_index + 1)
        times = psutil.Process(client.km.provisioner.process.pid).cpu_times()
        cpu_seconds = times.user + times.system
        if progress is not None:
            progress(done, total)

    lesson.notebook.parent.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        kernel_manager_class=PatientManager,
        kernel_name="python3",
        extra_arguments=["--Application.log_level=40"],  # no word about open ports
        timeout=CELL_SECONDS,
        record_timing=False,
        resources={"metadata": {"path": str(lesson.notebook.parent)}},
        on_cell_complete=tick,
    )
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="coursekit-") as data:
        try:
            client.execute(env=_environment(device, data))
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise _failure(notebook, lesson, done, error) from None
        downloaded = sum(p.stat().st_size for p in Path(data).rglob("*") if p.is_file())
    return Run(cpu_seconds, time.monotonic() - begin, downloaded)


def _environment(device, data):
    """Return the environment of a lesson's kernel."""
    environment = os.environ | {"PYTHONHASHSEED": "0", "JUPYTER_PREFER_ENV_PATH": "1"}
    environment.pop("MPLBACKEND", None)
    return environment | {"DEEPCOURSE_DEVICE": device, "DEEPCOURSE_DATA": data}


def _failure(notebook, lesson, done, error):
    """Return the error that says which cell of `lesson` failed, and how."""
    last = min(done, len(notebook.cells) - 1)
    failed = next((i for i, cell in enumerate(notebook.cells) if _failed(cell)), last)
    return CourseError(
        f"lesson {lesson.name} fails in cell {failed} ({lesson.where(failed)}):\n\n"
        f"{notebook.cells[failed].source}\n\n{_reason(notebook.cells[failed], error)}\n\n"
        f"Mend the cell and build again. {lesson.notebook.name} stays as it was."
    )


def keep_equal_outputs(old, new):
    """Put the old outputs back where the new ones are the same, so that a diff shows changes."""
    before = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    for cell in new.cells:
        twin = before.get(cell.id)
        if cell.cell_type != "code" or twin is None:
            continue
        figures = compare.same_figures(compare.pngs(twin.outputs), compare.pngs(cell.outputs))
        if figures and compare.same_texts(twin.outputs, cell.outputs):
            cell.outputs = twin.outputs
            for out in cell.outputs:
                if "execution_count" in out:
                    out.execution_count = cell.execution_count


def _copy_outputs(old, new):
    """Give `new`'s code cells the outputs of `old`'s, which are the same cells in this order."""
    ran = [cell for cell in old.cells if cell.cell_type == "code"]
    cells = [cell for cell in new.cells if cell.cell_type == "code"]
    for cell, twin in zip(cells, ran, strict=True):
        cell.outputs, cell.execution_count = twin.outputs, twin.execution_count


def _failed(cell):
    return any(out.output_type == "error" for out in cell.get("outputs", []))


def _reason(cell, error):
    for out in cell.get("outputs", []):
        if out.output_type == "error":
            return "\n".join(out.traceback)
    return f"{type(error).__name__}: {error}"
