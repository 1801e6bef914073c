"""What an assignment must hold before it is released: each rule yields problems with their place.

A rule is a function of the assignment's cells. That the tests test anything is `prove`'s to say.
"""

import ast
import builtins
import difflib
import symtable
from collections import Counter

from coursekit.assignments import REGION, find_tasks, read_cells, total_points
from coursekit.errors import CourseError

CODE = {"given", "setup", "answer", "check", "test", "wrong"}
WRONG_ANSWERS = 2


def read_assignment(assignment):
    """Return the cells of an assignment that keeps all rules.

    Raises CourseError with one line for each problem: the place, what is wrong, what to do.
    """
    cells = read_cells(assignment)
    first = (python, headings, parts, regions, whole_points)
    problems = [problem for rule in first for problem in rule(cells)]
    if not problems:
        problems = [problem for rule in (names, wrong_answers) for problem in rule(cells)]
    if problems:
        raise CourseError("\n".join(problems))
    return cells


def python(cells):
    """Each code cell is Python that runs without IPython."""
    for cell in cells:
        try:
            if cell.kind in CODE:
                ast.parse(cell.source)
        except SyntaxError as error:
            yield (
                f"{cell.where}: line {error.lineno} of the cell is no plain Python "
                f"({error.msg}: {(error.text or '').strip()!r}): mend it; % and ! lines do not work"
            )


def headings(cells):
    """Each task has one heading, and no heading is without its cells."""
    tasks = find_tasks(cells)
    for number, count in Counter(task.number for task in tasks).items():
        if count > 1:
            where = [task.where for task in tasks if task.number == number]
            yield f"{where[1]}: Task {number} has a heading at {where[0]} already: number it anew"
    announced, used = {task.number for task in tasks}, set()
    for cell in cells:
        if cell.task is not None and cell.task not in announced | used:
            yield (
                f"{cell.where}: no heading announces task {cell.task}: add a Markdown cell with "
                f"`## Task {cell.task} · What to do (3 points)` before it"
            )
        used.add(cell.task)
    for task in tasks:
        if task.number not in used:
            yield f"{task.where}: Task {task.number} has no cells: add its answer and its test"


def parts(cells):
    """A task has one answer and a test of it, or a written answer, or both; one set-up cell."""
    for task in find_tasks(cells):
        own = [cell for cell in cells if cell.task == task.number]
        count = Counter(cell.kind for cell in own)
        for kind in ("answer", "written"):
            if count[kind] > 1:
                second = [cell for cell in own if cell.kind == kind][1]
                yield (
                    f"{second.where}: the second {kind} cell of task {task.number}; its id would "
                    "be taken twice: join the two, or make it a task of its own"
                )
        if own and not count["test"] + count["written"]:
            yield (
                f"{task.where}: task {task.number} has no test, so nothing gives its points: add "
                f"a cell `# %% task={task.number} test points={task.points}`"
            )
        if own and not count["answer"] and (count["test"] or not count["written"]):
            yield (
                f"{task.where}: task {task.number} has no answer cell: add one, "
                f"`# %% task={task.number} answer`, with its solution"
            )
    setups = [cell for cell in cells if cell.kind == "setup"]
    if len(setups) != 1:
        place = setups[1].where if setups else cells[0].where
        yield f"{place}: expected one set-up cell (`# %% setup minutes=60`), found {len(setups)}"


def regions(cells):
    """Solutions stand between their markers; the markers of other regions are coursekit's."""
    for cell in cells:
        marks = [m.groups() for m in map(REGION.match, cell.source.splitlines()) if m]
        if cell.kind == "answer":
            pair = [("BEGIN", "SOLUTION"), ("END", "SOLUTION")]
            if not marks or marks != pair * (len(marks) // 2):
                yield (
                    f"{cell.where}: expected the solution between lines `### BEGIN SOLUTION` and "
                    f"`### END SOLUTION`, came {_said(marks)}: mark what students must not see"
                )
        elif cell.kind == "written":
            pair = [("BEGIN", "MARK SCHEME"), ("END", "MARK SCHEME")]
            if marks != pair * (len(marks) // 2):
                yield (
                    f"{cell.where}: expected `### BEGIN MARK SCHEME` … `### END MARK SCHEME` in "
                    f"pairs or not at all, came {_said(marks)}: the whole cell is hidden anyway"
                )
        elif marks:
            yield (
                f"{cell.where}: {_said(marks)} in a {cell.kind} cell: take it out; a solution "
                "belongs in an answer cell, and tests are hidden as a whole"
            )
        if cell.kind in CODE - {"setup"} and not cell.source.strip():
            yield f"{cell.where}: the {cell.kind} cell is empty: fill it or delete it"


def whole_points(cells):
    """What the tests give is what each heading and the title promise."""
    tasks, total = find_tasks(cells), total_points(cells)
    for task in tasks:
        given = sum(cell.points for cell in cells if cell.task == task.number)
        if given != task.points:
            yield (
                f"{task.where}: Task {task.number} promises {task.points} points and its cells "
                f"give {given}: change the heading or the points= of its cells"
            )
    for cell in cells:
        if cell.kind in ("test", "written") and cell.points < 1:
            yield f"{cell.where}: points={cell.points}: give at least 1"
    promised = sum(task.points for task in tasks)
    if promised != total:
        yield (
            f"{cells[0].where}: the tasks add up to {promised} points, expected {total}: change "
            "their points, or state the total in the title, `# … (12 points)`"
        )


def names(cells):
    """A test uses only names that it makes, or that earlier cells and solutions make."""
    known, modules = set(dir(builtins)) | {"__name__"}, set()
    for cell in cells:
        if cell.kind not in CODE - {"wrong"}:
            continue
        made, imported, used = names_of(cell.source)
        if cell.kind in ("test", "check"):
            for name in sorted(used - known):
                near = difflib.get_close_matches(name, known - set(dir(builtins)), n=1)
                hint = f", as {near[0]!r} does" if near else ""
                yield (
                    f"{cell.where}: this {cell.kind} uses {name!r}, which no solution or cell "
                    f"above it makes{hint}: mend the name, or import it in the {cell.kind}"
                )
        if cell.kind == "test":
            for name in sorted(used & modules):
                yield (
                    f"{cell.where}: this test uses {name!r} from an import above it, which a "
                    "student's code can rebind: import it inside the test"
                )
        known |= made
        modules = (modules | imported) - (made - imported)


def wrong_answers(cells):
    """A task with tests has planted wrong answers, each named, each aimed at tests of its task."""
    for task in find_tasks(cells):
        own = [cell for cell in cells if cell.task == task.number]
        tests = [cell.id for cell in own if cell.kind == "test"]
        wrong = [cell for cell in own if cell.kind == "wrong"]
        if len(wrong) < WRONG_ANSWERS and tests:
            yield (
                f"{task.where}: task {task.number} has {len(wrong)} wrong answers, expected at "
                f"least {WRONG_ANSWERS}: plant what students get wrong, "
                f'`# %% task={task.number} wrong="forgets the mean"`'
            )
        for cell in wrong:
            for test in aims(cell):
                if test not in tests:
                    yield (
                        f"{cell.where}: this wrong answer is to fail {test!r}; the tests of task "
                        f"{task.number} are {', '.join(tests) or 'none'}: mend fails="
                    )
        for name, count in Counter(cell.tags["wrong"] for cell in wrong).items():
            if count > 1 or len(name) < 4:
                where = [cell.where for cell in wrong if cell.tags["wrong"] == name][-1]
                yield f"{where}: wrong={name!r}: give each wrong answer a telling name of its own"


def aims(cell):
    """Return the ids of the tests that a wrong answer says it fails."""
    return cell.tags.get("fails", "").replace(",", " ").split()


def names_of(code):
    """Return the names that `code` makes, those of them that it imports, and those it needs."""
    top = symtable.symtable(code, "cell", "exec")
    own = top.get_symbols()
    made = {s.get_name() for s in own if s.is_assigned() or s.is_imported() or s.is_namespace()}
    imported = {s.get_name() for s in own if s.is_imported()}
    used, tables = {s.get_name() for s in own if s.is_referenced()}, top.get_children()
    while tables:
        table = tables.pop()
        used |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and s.is_global()}
        tables += table.get_children()
    return made, imported, used - made


def _said(marks):
    return ", ".join(" ".join(mark) for mark in marks) or "none"
