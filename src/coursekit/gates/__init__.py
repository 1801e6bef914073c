"""What a lesson must hold that can be seen without running it.

A gate is a function of a `Page` (a lesson's text beside its notebook) that yields problems. Each
problem names the place, what was expected, what came and what to do. nbval and `rehearse` judge
what only a run can show.
"""

import nbformat

from coursekit.errors import CourseError
from coursekit.gates import claims, form, notebook, numbers
from coursekit.gates.page import Page
from coursekit.lessons import read_lesson

GATES = (
    notebook.in_step,
    notebook.fresh,
    notebook.executed,
    notebook.quiet,
    notebook.exceptions,
    notebook.figures,
    notebook.light,
    notebook.tidy,
    claims.sound,
    numbers.backed,
    form.sized,
    form.readable,
    form.portable,
)


def problems(lesson, gates=GATES):
    """Return what is wrong with `lesson`, one line of text a problem."""
    try:
        source = read_lesson(lesson)
    except CourseError as error:
        return [str(error)]
    if not lesson.notebook.is_file():
        return [f"{lesson.source.name}: it has no notebook yet: run `make notebooks`"]
    page = Page(lesson, source, nbformat.read(lesson.notebook, 4))
    return [f"{problem}  [{gate.__name__}]" for gate in gates for problem in gate(page)]
