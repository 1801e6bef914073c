"""Build lessons: text to an executed notebook in canonical form.

Source: LESSONS in `book/lessons/*.py`; derived: `notebooks/lessons/*.ipynb`.
"""

import os

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from coursekit import compare
from coursekit.errors import CourseError
from coursekit.kernels import PatientManager
from coursekit.lessons import read_lesson
from coursekit.normalize import normalize, write
from coursekit.staleness import source_hash

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
        execute(new, lesson, progress)
        state = "executed"
    normalize(new, lesson.where, digest)
    if old is not None and state == "executed":
        keep_equal_outputs(old, new)
    if old == new:
        return "kept" if state == "reset" else state
    write(new, lesson.notebook)
    return state


def renew_prose(lesson, new, old, digest):
    """Return `new`, the lesson as read, in canonical form with the outputs of `old`."""
    _copy_outputs(old, new)
    return normalize(new, lesson.where, digest)


def recorded_hash(notebook):
    """Return the hash that `notebook` carries of its sources, or None."""
    return notebook.metadata.get("deepcourse", {}).get("source_hash")


def execute(notebook, lesson, progress=None):
    """Run `notebook` in place in a fresh kernel; raise CourseError where a cell fails."""
    total, done = len(notebook.cells), 0

    def tick(cell, cell_index, **_):
        nonlocal done
        done = max(done, cell_index + 1)
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
    environment = os.environ | {"PYTHONHASHSEED": "0", "JUPYTER_PREFER_ENV_PATH": "1"}
    environment.pop("MPLBACKEND", None)
    try:
        client.execute(env=environment)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        failed = next((i for i in range(total) if _failed(notebook.cells[i])), min(done, total - 1))
        raise CourseError(
            f"lesson {lesson.name} fails in cell {failed} ({lesson.where(failed)}):\n\n"
            f"{notebook.cells[failed].source}\n\n{_reason(notebook.cells[failed], error)}\n\n"
            f"Mend the cell and build again. {lesson.notebook.name} stays as it was."
        ) from None


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
