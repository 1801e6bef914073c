"""Turn an assignment into notebooks: the instructor's, with all in it, and the student's.

nbgrader's own preprocessors make the student's version from the instructor's, so that it is what
`nbgrader generate_assignment` would write; what coursekit adds is the stub that names its task.
No student's version leaves this module before `coursekit.leaks` has searched it.
"""

import nbformat
from nbformat import NotebookNode

from coursekit.assignment_rules import read_assignment
from coursekit.errors import CourseError
from coursekit.leaks import find_leaks
from coursekit.normalize import NOTEBOOK_METADATA, cell_id, nodes, text_of, write
from coursekit.stubs import WITHOUT_GRADEBOOK

SCHEMA = 3
PARTS = {  # kind: grade, solution, locked
    "setup": (False, False, True),
    "given": (False, False, True),
    "answer": (False, True, False),
    "check": (False, False, True),
    "test": (True, False, True),
    "written": (True, True, False),
}


def source_notebook(assignment):
    """Return the instructor's notebook: solutions, hidden tests, nbgrader's metadata."""
    notebook = nbformat.v4.new_notebook(metadata=nodes(NOTEBOOK_METADATA))
    taken = set()
    for cell in read_assignment(assignment):
        if cell.kind == "wrong":
            continue
        markdown = cell.kind in ("prose", "written")
        new = nbformat.v4.new_markdown_cell if markdown else nbformat.v4.new_code_cell
        made = new(_body(cell), metadata=_metadata(cell))
        made.id = cell.id or cell_id(made, taken)
        notebook.cells.append(made)
    return notebook


def student_notebook(assignment):
    """Return the student's version: stubs, visible checks, no outputs, nbgrader's checksums.

    Raises CourseError when the text breaks a rule or anything hidden is still in the notebook.
    """
    notebook = source_notebook(assignment)
    resources = {"unique_key": assignment.name, "metadata": {"name": assignment.name}}
    for preprocessor in WITHOUT_GRADEBOOK:
        notebook, resources = preprocessor().preprocess(notebook, resources)
    notebook.metadata = nodes(NOTEBOOK_METADATA)
    refuse_to_leak(assignment, notebook)
    return notebook


def refuse_to_leak(assignment, notebook):
    """Raise CourseError when `notebook` shows students what the assignment's text hides."""
    found = find_leaks(assignment.source.read_text(encoding="utf-8"), notebook)
    if found:
        raise CourseError(
            f"{assignment.where(1)}: the student's version is not written, because it would show\n"
            + "\n".join(f"{assignment.where(line)}: {what}" for line, what in found)
            + "\nTake it out of the cells and headings that students see, or word it otherwise "
            "there; a leak without such a line is a defect of coursekit"
        )


def release(assignment):
    """Bring the book's student version up to date; return "kept" or "released"."""
    notebook = student_notebook(assignment)
    path = assignment.notebook
    if path.is_file() and path.read_text(encoding="utf-8") == text_of(notebook):
        return "kept"
    write(notebook, path)
    return "released"


def release_problems(assignment):
    """Return what is wrong with the assignment or its committed student's version, as lines."""
    try:
        notebook = student_notebook(assignment)
    except CourseError as error:
        return str(error).splitlines()
    path = assignment.notebook
    if not path.is_file():
        return [f"{assignment.where(1)}: it has no student's version yet: run `make notebooks`"]
    committed = path.read_text(encoding="utf-8")
    if committed == text_of(notebook):
        return []
    old = nbformat.reads(committed, 4).cells
    pairs = zip(old, notebook.cells, strict=False)
    first = next(
        (i for i, (a, b) in enumerate(pairs) if a != b), min(len(old), len(notebook.cells))
    )
    return [
        f"{assignment.where(1)}: from cell {first + 1} on, notebooks/assignments/{path.name} is "
        "not what its text builds: run `make notebooks`  [in_step]"
    ]


def _body(cell):
    if cell.kind != "test":
        return cell.source
    points = f"{cell.points} point{'s' if cell.points != 1 else ''}"
    return (
        f"# Task {cell.task}: hidden tests run here when your work is graded ({points}).\n"
        f"### BEGIN HIDDEN TESTS\n{cell.source}\n### END HIDDEN TESTS"
    )


def _metadata(cell):
    """Return nbgrader's metadata for a cell; prose has none."""
    if cell.kind not in PARTS:
        return NotebookNode()
    grade, solution, locked = PARTS[cell.kind]
    meta = {
        "schema_version": SCHEMA,
        "grade_id": cell.id,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    return nodes({"nbgrader": meta | ({"points": cell.points} if grade else {})})
