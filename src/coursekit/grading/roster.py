"""The students of a class, as nbgrader's gradebook has them."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coursekit.classes import own_path
from coursekit.errors import CourseError
from coursekit.grading.senders import keys_of

QUIET = 50  # of nbgrader's words only what is critical: what went wrong is told by our own


@dataclass(frozen=True)
class Roster:
    """Ids of the students, and {how one can be called: {ids}}."""

    db: str
    ids: frozenset
    keys: dict

    def enrol(self, names):
        """Add {id: name} to a gradebook that had no students yet; else change nothing."""
        if self.ids or not names:
            return
        with open_gradebook(self.db) as gradebook:
            for student, name in names.items():
                first, _, last = name.rpartition(" ")
                gradebook.update_or_create_student(student, first_name=first, last_name=last)


def course_folder(folder):
    """Return `folder` as a full path; raise CourseError unless it is an nbgrader course."""
    folder, signs = Path(folder).resolve(), ("nbgrader_config.py", "gradebook.db", "source")
    if not any((folder / name).exists() for name in signs):
        raise CourseError(
            f"expected an nbgrader course folder (with {', '.join(signs[:2])} or {signs[2]}), "
            f"came {folder}: make one with `coursekit class new FOLDER`"
        )
    return folder


def read_roster(folder, db=None):
    """Return the Roster of class `folder`; `db` is the gradebook's address, else the class's."""
    db = db or class_db(folder)
    keys = {}
    with open_gradebook(db) as gradebook:
        students = gradebook.students
        for student in students:
            for key in keys_of(student):
                keys.setdefault(key, set()).add(student.id)
        return Roster(db, frozenset(student.id for student in students), keys)


def class_db(folder):
    """Return the address of class `folder`'s gradebook, as its own settings say."""
    with class_settings(folder) as settings:
        return settings.coursedir.db_url


@contextmanager
def class_settings(folder, db=None):
    """Give nbgrader's application as class `folder` configures it, which is the working folder.

    nbgrader reads its settings from the working folder; the old one comes back at the end.
    """
    from nbgrader.apps import NbGrader

    here = os.getcwd()
    try:
        os.chdir(folder)
        app = NbGrader(log_level=QUIET)
        app.initialize([f"--Application.log_level={QUIET}"])
        app.log.setLevel(QUIET)
        if db:
            app.coursedir.db_url = db
        yield app
    finally:
        os.chdir(here)
        NbGrader.clear_instance()


def open_gradebook(db):
    """Open nbgrader's gradebook at the address `db`; raise CourseError when it cannot be had."""
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SQLAlchemyError

    os.environ["PATH"] = own_path()
    try:
        return Gradebook(db, "")  # makes no course of its own
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        word = str(error).splitlines()[0]
        if isinstance(error, ModuleNotFoundError):
            word += " (for PostgreSQL, `pip install 'psycopg[binary]'`)"
        raise CourseError(
            f"the gradebook {_without_password(db)} cannot be opened: {word}. Expected an address "
            f"such as sqlite:///{Path('gradebook.db').resolve()} or postgresql://user@host/name"
        ) from None


def _without_password(db):
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(db).render_as_string(hide_password=True)
    except ArgumentError:
        return db
