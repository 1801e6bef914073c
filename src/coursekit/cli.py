"""The command `coursekit`: names a command and calls a function."""

import sys
import time
from pathlib import Path

import typer

from coursekit.assignments import find_assignment, find_assignments
from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.grading.commands import add_grading
from coursekit.lessons import find_lesson, find_lessons

app = typer.Typer(
    help="Build, verify and release the course.", no_args_is_help=True, add_completion=False
)


class_app = typer.Typer(help="Make and fill a class for nbgrader.", no_args_is_help=True)
app.add_typer(class_app, name="class")
add_grading(app)
ZIPS = typer.Option(None, help="a folder for zips as from Moodle, to be collected")
BANK = typer.Option(None, help="a folder with your own assignments, in the book's format")


@app.callback()
def _commands():
    """Build, verify and release the course."""


@app.command()
def build(names: list[str] = typer.Argument(None), all: bool = typer.Option(False, "--all")):  # noqa: B008
    """Build lessons (default: each whose sources changed; --all: each one) and assignments."""
    from coursekit.build import build as build_lesson

    lessons, assignments = _named(Course.find(), names)
    for lesson in lessons:
        start = time.monotonic()
        state = build_lesson(lesson, force=all, progress=_progress(lesson.name))
        seconds = f"{time.monotonic() - start:.0f} s" if state == "executed" else ""
        words = {"kept": "up to date", "reset": "prose renewed, outputs kept", "executed": "built"}
        typer.echo(f"\r{lesson.name}: {words[state]} {seconds}".ljust(70))
    if assignments:
        from coursekit.release import release

        for assignment in assignments:
            words = {"kept": "up to date", "released": "the students' version is written"}
            typer.echo(f"assignment {assignment.name}: {words[release(assignment)]}")


@app.command("time")
def time_lessons(
    names: list[str] = typer.Argument(None),  # noqa: B008
    device: str = typer.Option("cpu", help="cpu or cuda"),
):
    """Run lessons and record what they took, for the book's status page; change no notebook."""
    from coursekit.build import measure
    from coursekit.status import require_device

    require_device(device)
    course = Course.find()
    for lesson in [find_lesson(course, name) for name in names or []] or find_lessons(course):
        run = measure(lesson, device, _progress(lesson.name))
        typer.echo(f"\r{lesson.name}: {run}".ljust(70))


@app.command()
def stamp():
    """Write the repository's address, from _config.yml, into notebooks, README and CITATION."""
    from coursekit.stamp import stamp_course

    course = Course.find()
    for path in stamp_course(course):
        typer.echo(f"{path.relative_to(course.root)}: now says {course.repository_url}")


@app.command()
def check(names: list[str] = typer.Argument(None)):  # noqa: B008
    """Check without running: in step, fresh, tidy, numbers, shape of the lesson; no leak."""
    from coursekit.gates import problems

    lessons, assignments = _named(Course.find(), names)
    found = [problem for lesson in lessons for problem in problems(lesson)]
    if assignments:
        from coursekit.release import release_problems

        found += [problem for each in assignments for problem in release_problems(each)]
    for problem in found:
        typer.echo(problem)
    typer.echo(
        f"{len(lessons)} lessons and {len(assignments)} assignments checked, {len(found)} problems"
    )
    raise typer.Exit(1 if found else 0)


@app.command()
def prove(names: list[str] = typer.Argument(None), bank: Path = BANK):  # noqa: B008
    """Prove assignments: solutions pass, stubs fail, each hidden test catches a wrong answer."""
    from coursekit.prove import prove as prove_assignment

    course, broken = Course.find(), 0
    chosen = [find_assignment(course, name, bank) for name in names or []]
    for assignment in chosen or find_assignments(course, bank):
        proof = prove_assignment(assignment)
        typer.echo(proof)
        broken += bool(proof.problems)
    raise typer.Exit(1 if broken else 0)


@app.command()
def rehearse(names: list[str] = typer.Argument(None)):  # noqa: B008
    """Run lessons and assignments, executing shape comments and moving controls to their ends."""
    from coursekit import rehearse as stage

    lessons, assignments = _named(Course.find(), names)
    for lesson in lessons:
        typer.echo(f"{lesson.name}: {stage.rehearse(lesson)}")
    for assignment in assignments:
        typer.echo(f"assignment {assignment.name}: {stage.rehearse_assignment(assignment)}")


@class_app.command("new")
def class_new(
    folder: Path,
    assignments: str = typer.Option("", help="names, with commas between (default: all)"),
    bank: Path = BANK,
):
    """Make an nbgrader course FOLDER: source, release, settings and gradebook."""
    from coursekit.classes import new_class

    names = [name.strip() for name in assignments.split(",") if name.strip()]
    for name in new_class(Course.find(), folder, names, bank):
        typer.echo(f"{name}: give students {folder}/release/{name}/{name}.ipynb")
    typer.echo(f"Put their work into {folder}/submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb")


@class_app.command("add")
def class_add(folder: Path, name: str, bank: Path = BANK):
    """Add the assignment NAME to the class FOLDER."""
    from coursekit.classes import add_assignment

    name = add_assignment(Course.find(), folder, name, bank)
    typer.echo(f"{name}: give students {folder}/release/{name}/{name}.ipynb")


@class_app.command("demo")
def class_demo(folder: Path, bank: Path = BANK, zips: Path = ZIPS):
    """Add ten made-up students to the class FOLDER, with work of every kind."""
    from coursekit.demo import add_demo, describe

    rows = add_demo(Course.find(), folder, bank, zips)
    for name in dict.fromkeys(row["assignment"] for row in rows):
        typer.echo(f"{name}: what the made-up students should get")
        for row in rows:
            if row["assignment"] == name:
                typer.echo(describe(row))
    typer.echo(f"The same stands in {folder}/expected.csv")


def _named(course, names):
    """Return the (lessons, assignments) of these names, or all; a lesson's may be called alike."""
    if not names:
        return find_lessons(course), find_assignments(course)
    wanted = {Path(name).stem for name in names}
    assignments = [each for each in find_assignments(course) if each.name in wanted]
    others = wanted - {each.name for each in assignments}
    lessons = [each for each in find_lessons(course) if each.name in wanted - others]
    return lessons + [find_lesson(course, name) for name in sorted(others)], assignments


def _progress(name):
    """Return a callback that redraws one line on a terminal and is silent in a log."""
    if not sys.stderr.isatty():
        return None

    def show(done, total):
        bar = "#" * (20 * done // total)
        sys.stderr.write(f"\r{name} [{bar:<20}] cell {done} of {total} ")
        sys.stderr.flush()

    return show


def main():
    """Run the command; show a CourseError's message alone, without a traceback."""
    try:
        app()
    except CourseError as error:
        typer.echo(f"\ncoursekit: {error}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
