"""Grades a class: prepares and saves in this process, runs in sandboxes beside it."""

import contextlib
import glob
import json
import os
import re
import warnings
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.grading import jobs
from coursekit.grading.converter import Grade
from coursekit.grading.launch import close_servers
from coursekit.grading.protect import WORDS, find_protection
from coursekit.grading.quick import one_engine
from coursekit.grading.records import UNREADABLE, Record, Records, fingerprint, state_of
from coursekit.grading.roster import course_folder
from coursekit.grading.runner import run
from deepcourse.download import data_folder

PRELOAD = ("numpy", "torch", "matplotlib.pyplot", "scipy", "pandas", "sklearn")


@dataclass(frozen=True)
class Options:
    """How a class is graded."""

    workers: int = 0  # submissions at a time; 0: one for each core
    db: str = ""  # the gradebook's URL; "": as nbgrader's settings say
    sandbox: str = "auto"
    unsafe: bool = False  # grade even where no sandbox works
    force: bool = False  # grade again what is graded
    cell_seconds: float = 0.0  # of CPU time; 0: as nbgrader's settings say
    memory: int = 4096  # MB for one submission
    readable: tuple[str, ...] = ()  # folders that students' code may read, such as data


@dataclass
class Work:
    """A submission to be graded."""

    student: str
    folder: Path
    sha256: str
    job: jobs.Job | None = None
    notes: tuple = ()


def grade_class(folder, assignment, options=None, say=print, progress=None, pool=None):
    """Grade each submission to `assignment` that is not graded yet; return all Records.

    `say` gets lines of text, `progress` (done, total). `pool` is anything with
    `submit(function, job)` that returns a future, such as coursekit.grading.cluster.Pool; what
    it gets can be pickled. Raises CourseError when the class or the machine cannot do it.
    """
    options = options or Options()
    with _nbgrader(course_folder(folder), assignment, options) as (converter, environment):
        records = Records(converter.coursedir.root, assignment)
        kept, todo = _find(converter, assignment, records, options.force)
        if not todo:
            say("nothing new to grade")
        else:
            setup = find_protection(
                _setup(converter, assignment, options, environment), options.unsafe
            )
            say(f"protection: {WORDS[setup.sandbox]}")
            try:
                kept += _Grading(converter, records, setup, options, progress, pool).all(todo)
            finally:
                close_servers()
        kept.sort(key=lambda record: record.student)
        records.write_table(kept)
        say(f"written to {folder}/grading/{assignment}.csv")
    return kept


class _Grading:
    """One run over the submissions that are to be graded."""

    def __init__(self, converter, records, setup, options, progress, pool):
        self.converter, self.records, self.setup = converter, records, setup
        self.assignment = converter.coursedir.assignment_id
        self.workers = options.workers or getattr(pool, "workers", 0) or os.cpu_count() or 1
        seconds = options.cell_seconds or converter.seconds()
        self.limits = jobs.Limits(seconds, 10 * seconds, 10 * seconds, options.memory)
        self.progress, self.pool = progress or (lambda done, total: None), pool
        self.done = []

    def all(self, todo):
        """Grade them; return the Records."""
        self.total = len(todo)
        own = None if self.pool else ThreadPoolExecutor(self.workers)
        try:
            again = self._together(iter(todo), self.pool or own)
            for work in again:
                self._alone(work)
        except BaseException:
            close_servers()  # ends what the threads wait for
            raise
        finally:
            if own:
                own.shutdown(cancel_futures=True)
        return self.done

    def _together(self, todo, pool):
        running, again = {}, []
        while True:
            for work in todo:
                if self._prepare(work):
                    running[pool.submit(run, work.job)] = work
                if len(running) > self.workers:
                    break
            if not running:
                return again
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                work = running.pop(future)
                no_worker = future.exception()  # or no sandbox just then
                if no_worker or future.result().timed_out:
                    again.append(work)
                else:
                    self._finish(work, future.result())

    def _alone(self, work):
        """Run a submission with nothing beside it: a busy machine must not have been the reason."""
        try:
            self._finish(work, run(work.job))
        except CourseError as problem:
            self._note(Record(work.student, jobs.CRASHED, [str(problem)], work.sha256))

    def _prepare(self, work):
        """Make the job of a submission; return whether there is one."""
        paths = sorted(glob.glob(os.path.join(glob.escape(str(work.folder)), "*.ipynb")))
        why = "" if paths else "there is no notebook in the folder"
        for unreadable in ("", why):
            if not paths:
                break
            try:
                work.job, work.notes = self.converter.prepare(
                    self.assignment, work.student, paths, self.setup, self.limits, unreadable
                )
                return True
            except Exception as problem:
                why = f"nbgrader could not take it: {type(problem).__name__}: {problem}"[:500]
        with contextlib.suppress(Exception):  # a gradebook that cannot be written shows elsewhere
            self.converter.book.give_up(self.assignment, work.student)
        self._note(Record(work.student, UNREADABLE, [why], work.sha256))
        return False

    def _finish(self, work, result):
        record = Record(work.student, UNREADABLE, [], work.sha256, round(result.cpu, 2))

        def keep(needs):
            record.state, record.reasons = state_of(result, needs, list(work.notes))
            self.records.write(record)

        try:
            self.converter.finish(work.job, result, keep)
        except Exception as problem:
            why = f"its grades could not be saved: {type(problem).__name__}: {problem}"[:500]
            record.state, record.reasons = UNREADABLE, [why]
        work.job = None
        self._note(record)

    def _note(self, record):
        self.done.append(record)
        self.progress(len(self.done), self.total)


@contextlib.contextmanager
def _nbgrader(folder, assignment, options):
    """Yield (converter, environment variables that the class's settings set) in the class."""
    from nbgrader.apps import AutogradeApp

    before, where = dict(os.environ), os.getcwd()
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    try:
        os.chdir(folder)
        with warnings.catch_warnings(), one_engine():
            warnings.filterwarnings("ignore", module=r"(nbgrader|traitlets|sqlalchemy|nbformat)\.?")
            app = AutogradeApp(log_level=50)
            app.initialize(["--Application.log_level=50"], root=str(folder))
            app.log.setLevel(50)
            app.coursedir.assignment_id = assignment
            if options.db:
                app.coursedir.db_url = options.db
            _require_assignment(app.coursedir, assignment)
            converter = Grade(coursedir=app.coursedir, parent=app)
            converter.open()
            changed = {k: v for k, v in os.environ.items() if before.get(k) != v}
            yield converter, changed
    finally:
        os.chdir(where)
        os.environ.clear()
        os.environ.update(before)


def _require_assignment(coursedir, assignment):
    from nbgrader.api import Gradebook, MissingEntry

    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            notebooks = gradebook.find_assignment(assignment).notebooks
        except MissingEntry:
            names = ", ".join(each.name for each in gradebook.assignments) or "none"
            raise CourseError(
                f"expected an assignment of the gradebook ({names}), came {assignment!r}: run "
                f"`nbgrader generate_assignment {assignment}` first"
            ) from None
        for notebook in notebooks:
            spec = json.loads(notebook.kernelspec or "{}")
            language = spec.get("language") or "python"
            if language != "python":
                raise CourseError(
                    f"expected a Python notebook, {notebook.name} is in {language}: grade it with "
                    "`nbgrader autograde`"
                )


def _find(converter, assignment, records, force):
    """Return (Records of what is graded already, Work for the rest)."""
    coursedir = converter.coursedir
    step = coursedir.submitted_directory
    pattern = re.compile(coursedir.format_path(step, "(?P<student>.*)", assignment, escape=True))
    kept, todo = [], []
    found = sorted(glob.glob(coursedir.format_path(step, "*", assignment)))
    if not found:
        raise CourseError(
            f"expected submissions at {coursedir.format_path(step, 'STUDENT', assignment)}, there "
            "are none: put the notebooks there"
        )
    for folder in found:
        student = pattern.fullmatch(folder)["student"]
        sha256, record = fingerprint(folder), records.read(student)
        done = converter.final_folder(assignment, student).is_dir()
        if done and not force and record and record.sha256 == sha256:
            kept.append(record)
        elif done and not force and not record:
            kept.append(Record(student, "graded", ["before, by nbgrader"], sha256))
        else:
            todo.append(Work(student, Path(folder), sha256))
    return kept, todo


def _setup(converter, assignment, options, environment):
    """Return the Setup for a class: what is hidden, what is imported before the fork."""
    coursedir = converter.coursedir
    hidden = {os.path.realpath(coursedir.root), os.path.abspath(coursedir.root)}
    path = coursedir.format_path(coursedir.source_directory, ".", assignment)
    text = "".join(p.read_text("utf-8") for p in Path(os.path.normpath(path)).glob("*.ipynb"))
    used = [m for m in PRELOAD if re.search(rf"\b(import|from) {m.split('.')[0]}\b", text)]
    modules = [m for m in PRELOAD if m in used or m in PRELOAD[:3]]
    data = data_folder()  # what the course's own helpers downloaded: there is no network inside
    if data.is_dir():
        environment = environment | {"DEEPCOURSE_DATA": str(data.resolve())}
    readable = [*options.readable, *([data] if data.is_dir() else [])]
    return jobs.Setup(
        options.sandbox,
        tuple(sorted(hidden)),
        tuple(str(Path(each).resolve()) for each in readable),
        tuple(modules),
        tuple(sorted(environment.items())),
    )
