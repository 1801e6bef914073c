"""The commands of a class's round: collect, grade, feedback, export. Each calls one function."""

import contextlib
import sys
import time
from pathlib import Path

import typer

INBOX = typer.Argument(..., help="a zip from Moodle or Canvas, or a folder")
NAMES = typer.Option(None, help="a csv file file,student_id for what is not recognised")
WORKSHEET = typer.Option(None, help="a csv file from Moodle or Canvas, to be filled in")
READABLE = typer.Option([], help="a folder that students' code may read")
ASSIGNMENTS = typer.Option(None, "--assignment", help="the assignment's name (default: all)")
ASSIGNMENT = typer.Option(..., help="the assignment's name")
DB = typer.Option("", help="URL of the gradebook (default: as nbgrader's settings say)")


def add_grading(app):
    """Add the commands to a Typer application."""
    for command in (collect, grade, feedback, export):
        app.command()(command)


def collect(
    folder: Path,
    inbox: Path = INBOX,
    assignment: str = ASSIGNMENT,
    names: Path = NAMES,
    db: str = DB,
):
    """Bring notebooks from INBOX to where the nbgrader course FOLDER expects them."""
    from coursekit.grading.collect import collect as bring

    harvest = bring(folder, inbox, assignment, names, db)
    typer.echo(harvest)
    if harvest.unknown:
        table = folder / "downloaded" / assignment / "names.csv"
        typer.echo(
            f"write the missing students into {table} and collect again with --names {table}"
        )


def grade(
    folder: Path,
    assignment: str = ASSIGNMENT,
    workers: int = typer.Option(0, help="submissions at a time (default: one for each core)"),
    cluster: str = typer.Option("", help="a Dask scheduler's address, as tcp://10.0.0.1:8786"),
    db: str = DB,
    sandbox: str = typer.Option("auto", help="auto, namespaces, bubblewrap or none"),
    unsafe: bool = typer.Option(False, "--unsafe", help="grade even where no sandbox works"),
    force: bool = typer.Option(False, "--force", help="grade again what is graded already"),
    cell_seconds: float = typer.Option(0.0, help="CPU time for a cell (default: nbgrader's)"),
    memory: int = typer.Option(4096, help="MB for one submission"),
    readable: list[Path] = READABLE,
):
    """Grade the submissions of the nbgrader course FOLDER in sandboxes; run again to go on."""
    from coursekit.grading.grade import Options, grade_class
    from coursekit.grading.records import summary

    options = Options(workers, db, sandbox, unsafe, force, cell_seconds, memory, tuple(readable))
    with _pool(cluster) as pool:
        records = grade_class(folder, assignment, options, typer.echo, _clock(assignment), pool)
    for line in summary(records):
        typer.echo(line)


def feedback(
    folder: Path,
    assignment: str = ASSIGNMENT,
    show_tests: bool = typer.Option(False, "--show-tests", help="leave the hidden tests in"),
    db: str = DB,
):
    """Write one HTML page for each student whose work in the course FOLDER is graded."""
    from coursekit.grading.feedback import give_feedback

    given = give_feedback(folder, assignment, db, show_tests)
    for student, why in given.failed.items():
        typer.echo(f"{student}: no page: {why}")
    typer.echo(f"{len(given.written)} pages in {folder}/feedback/STUDENT/{assignment}/")
    if given.archive:
        typer.echo(f"for Moodle's upload of feedback files: {folder}/feedback/{given.archive.name}")


def export(
    folder: Path,
    assignment: list[str] = ASSIGNMENTS,
    worksheet: Path = WORKSHEET,
    db: str = DB,
):
    """Write the grades of the course FOLDER: a column for each question, and for Moodle, Canvas."""
    from coursekit.grading.exports import export as write

    for path in write(folder, assignment, db, worksheet):
        typer.echo(f"{folder}/grades/{path.name}")


def _pool(address):
    if not address:
        return contextlib.nullcontext()
    from coursekit.grading.cluster import cluster

    return cluster(address)


def _clock(name):
    """Return a callback that shows how far it is and how long it will take."""
    start, terminal = time.monotonic(), sys.stderr.isatty()

    def show(done, total):
        passed = time.monotonic() - start
        left = passed / done * (total - done)
        bar = "#" * (20 * done // total)
        line = f"{name} [{bar:<20}] {done} of {total}, {left:.0f} s to go "
        if terminal:
            sys.stderr.write(f"\r{line.ljust(70)}" + ("\n" if done == total else ""))
        elif done == total or done % max(1, total // 10) == 0:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    return show
