"""Prove an assignment's tests: the solution passes, stubs fail, and each test catches a mistake.

A test that no planted wrong answer fails, or a wrong answer that every test lets through, is a
defect of the assignment; the report names it with its place.
"""

import time
from dataclasses import dataclass, field

from coursekit.assignment_rules import aims, read_assignment
from coursekit.assignments import find_tasks
from coursekit.release import source_notebook
from coursekit.stubs import ClearSolutionsByTask
from coursekit.trial import run_variants

STUB = "(nothing: the stub)"


@dataclass(frozen=True)
class Trial:
    """One wrong answer, or the stub, of a task, and how the task's cells took it."""

    task: int
    name: str
    where: str
    aims: tuple
    outcomes: dict

    @property
    def failed(self):
        """The ids of the tests that it fails."""
        return [name for name, why in self.outcomes.items() if name.startswith("test-") and why]


@dataclass
class Proof:
    """What a mutation run has seen: a trial a row, problems a line."""

    name: str
    solution: dict
    trials: list
    seconds: float
    problems: list = field(default_factory=list)

    def __str__(self):
        tests = [name for name in self.solution if name.startswith("test-")]
        checks = [name for name in self.solution if name.startswith("check-")]
        rows = [("task", "wrong answer", "tests it fails")]
        rows += [(str(t.task), t.name, ", ".join(t.failed) or "NONE") for t in self.trials]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        table = [f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows]
        table.insert(1, f"  {'-' * widths[0]}  {'-' * widths[1]}  {'-' * len(rows[0][2])}")
        planted = sum(trial.name != STUB for trial in self.trials)
        end = f"{len(self.problems)} problems" if self.problems else "proved"
        return "\n".join(
            [
                f"{self.name}: {len(tests)} tests, {len(checks)} checks, {planted} wrong answers",
                *table,
                *self.problems,
                f"{self.name}: {end} in {self.seconds:.0f} s",
            ]
        )


def prove(assignment):
    """Run the assignment's solution, stubs and wrong answers; return a Proof.

    Raises CourseError when the text breaks a rule or the solution does not end.
    """
    start = time.monotonic()
    cells = read_assignment(assignment)
    planned = [*_stubs(assignment, cells), *_planted(cells)]
    planned.sort(key=lambda plan: plan[0].task)
    run = [{"id": cell.id, "source": cell.source} for cell in cells if _runs(cell)]
    variants = [{"replace": {f"task-{c.task}": s}, "only": _only(cells, c)} for c, _, s in planned]
    solution, outcomes = run_variants(run, variants)
    trials = [
        Trial(cell.task, name, cell.where, tuple(aims(cell)), outcome)
        for (cell, name, _), outcome in zip(planned, outcomes, strict=True)
    ]
    proof = Proof(assignment.name, solution, trials, time.monotonic() - start)
    proof.problems = list(_problems(cells, solution, trials))
    return proof


def _runs(cell):
    return cell.kind in ("setup", "given", "answer", "check", "test")


def _only(cells, cell):
    """Return the ids to run after a changed answer: what is given, other answers, its tests."""
    tests = [i for i, c in enumerate(cells) if c.kind == "test" and c.task == cell.task]
    return [
        other.id
        for other in cells[: tests[-1] + 1]
        if other.kind in ("setup", "given", "answer")
        or (other.kind, other.task) == ("test", cell.task)
    ]


def _stubs(assignment, cells):
    """Yield (answer cell, name, what students get instead of it) for each task with tests."""
    notebook = source_notebook(assignment)
    stubs, _ = ClearSolutionsByTask().preprocess(notebook, {})
    sources = {cell.id: cell.source for cell in stubs.cells}
    tested = {cell.task for cell in cells if cell.kind == "test"}
    for cell in cells:
        if cell.kind == "answer" and cell.task in tested:
            yield cell, STUB, sources[cell.id]


def _planted(cells):
    for cell in cells:
        if cell.kind == "wrong":
            yield cell, cell.tags["wrong"], cell.source


def _problems(cells, solution, trials):
    """Yield what the run shows to be wrong, with its place."""
    place = {cell.id: cell.where for cell in cells if cell.id}
    for name, why in solution.items():
        if why:
            yield f"{place[name]}: the solution does not pass {name}: {why}"
    for trial in trials:
        answer, own = f"task-{trial.task}", _tests(cells, trial.task)
        what = "the stub" if trial.name == STUB else f"the wrong answer {trial.name!r}"
        missed = [name for name in own if name not in trial.outcomes]
        if missed:
            yield f"{trial.where}: {what} did not end in time, before {missed[0]}: make it end"
        elif trial.name == STUB:
            passed = [name for name in own if name not in trial.failed]
            for name in passed:
                yield f"{place[name]}: {name} gives its points to the stub: test more"
        elif trial.outcomes[answer]:
            yield f"{trial.where}: {what} breaks before any test: {trial.outcomes[answer]}"
        elif not trial.failed:
            yield f"{trial.where}: {what} passes every test of its task: test what it gets wrong"
        for name in trial.aims:
            if name in trial.outcomes and name not in trial.failed:
                yield f"{trial.where}: {what} is to fail {name} and passes it: mend one of the two"
    caught = {name for trial in trials if trial.name != STUB for name in trial.failed}
    for task in find_tasks(cells):
        for name in _tests(cells, task.number):
            if name not in caught:
                yield f"{place[name]}: no wrong answer fails {name}: plant one that only it catches"


def _tests(cells, task):
    return [cell.id for cell in cells if cell.kind == "test" and cell.task == task]
