"""Run a lesson or an assignment as a plain program, to hold it to its comments and controls.

Each shape comment is executed as a check, and each explored figure is drawn at the ends of its
controls. (That the outputs are the committed ones is nbval's to say.)
"""

import ast
import contextlib
import inspect
import io
import itertools
import traceback
from dataclasses import dataclass

from coursekit.assignments import read_cells
from coursekit.errors import CourseError
from coursekit.lessons import read_lesson
from coursekit.vocabulary import shape_names

GRADED = ("answer", "check", "test")  # wrong answers, which may lie about shapes, stay out


@dataclass
class Report:
    """What a rehearsal has seen."""

    comments: int = 0
    drawings: int = 0

    def __str__(self):
        return (
            f"{self.comments} shape comments hold, {self.drawings} drawings at the ends of controls"
        )


def rehearse(lesson):
    """Run `lesson`; return a Report.

    Raises CourseError, with file and line, when a cell fails, a shape comment is false, unknown
    to the notation page or never executed, or a control's end cannot be drawn.
    """
    cells = enumerate(read_lesson(lesson).cells)
    pieces = [(c.source, lesson.line(i) + 1) for i, c in cells if c.cell_type == "code"]
    return _perform(pieces, lesson)


def rehearse_assignment(assignment):
    """Run an assignment with its solutions, checks and tests; return a Report. Raises alike."""
    cells = [c for c in read_cells(assignment) if c.kind in ("setup", "given", *GRADED)]
    pieces = [(c.source, int(c.where.rsplit(":", 1)[1]) + 1) for c in cells]
    return _perform(pieces, assignment)


def _perform(pieces, work):
    """Run the (source, first line) pairs of a lesson or assignment one after the other."""
    import matplotlib as mpl

    mpl.use("agg")
    from deepcourse import shapes, widgets

    checker, report = shapes.Checker(), Report()
    space = checker.namespace() | {"__name__": "lesson"}
    filename = str(work.source.relative_to(work.course.root))
    explore, widgets.explore = widgets.explore, lambda plot, **c: _draw_ends(plot, c, report)
    try:
        for source, first_line in pieces:
            _run(source, filename, first_line, checker, space)
    finally:
        widgets.explore = explore
    _require_executed(checker, work)
    report.comments = len(checker.sites)
    return report


def _run(source, filename, first_line, checker, space):
    import matplotlib.pyplot as plt

    space["__sizes__"] = {}
    try:
        tree = ast.increment_lineno(
            checker.instrument(source, filename, first_line), first_line - 1
        )
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(tree, filename, "exec"), space)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in reversed(frames) if f.filename == filename), first_line)
        raise CourseError(
            f"{filename}:{line}: {type(error).__name__}: {error}\n\n{source}\n\n"
            "Mend the cell, or the comment, and run `make notebooks`."
        ) from error
    finally:
        plt.close("all")


def _draw_ends(plot, controls, report):
    """Draw `plot` with each control at each of its ends, the others at their defaults or ends."""
    import matplotlib.pyplot as plt

    from deepcourse.widgets import bounds

    ends = {name: bounds(name, control) for name, control in controls.items()}
    inspect.signature(plot).bind(**{name: low for name, (low, _) in ends.items()})
    for values in itertools.product(*ends.values()):
        plot(**dict(zip(ends, values, strict=True)))
        plt.close("all")
        report.drawings += 1


def _require_executed(checker, work):
    missed = checker.unexecuted()
    if missed:
        raise CourseError(
            "these shape comments were never executed, so nothing says that they are true; call "
            "the code they stand in, or delete them:\n  " + "\n  ".join(missed)
        )
    unknown = checker.names() - shape_names(work.course)
    if unknown:
        raise CourseError(
            f"{work.source.name}: shape comments use {', '.join(sorted(unknown))}, which the "
            "table in book/notation.md does not have: use one of its names, or add a row"
        )
