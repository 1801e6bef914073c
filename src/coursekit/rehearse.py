"""Run a lesson once more as a plain program, to hold it to what its comments and controls say.

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

from coursekit.errors import CourseError
from coursekit.lessons import read_lesson
from coursekit.vocabulary import shape_names


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
    import matplotlib as mpl

    mpl.use("agg")
    from deepcourse import shapes, widgets

    checker, report = shapes.Checker(), Report()
    space = checker.namespace() | {"__name__": "lesson"}
    filename = str(lesson.source.relative_to(lesson.course.root))
    explore, widgets.explore = widgets.explore, lambda plot, **c: _draw_ends(plot, c, report)
    try:
        for index, cell in enumerate(read_lesson(lesson).cells):
            if cell.cell_type == "code":
                _run(cell.source, filename, lesson.line(index) + 1, checker, space)
    finally:
        widgets.explore = explore
    _require_executed(checker, lesson)
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


def _require_executed(checker, lesson):
    missed = checker.unexecuted()
    if missed:
        raise CourseError(
            "these shape comments were never executed, so nothing says that they are true; call "
            "the code they stand in, or delete them:\n  " + "\n  ".join(missed)
        )
    unknown = checker.names() - shape_names(lesson.course)
    if unknown:
        raise CourseError(
            f"{lesson.source.name}: shape comments use {', '.join(sorted(unknown))}, which the "
            "table in book/notation.md does not have: use one of its names, or add a row"
        )
