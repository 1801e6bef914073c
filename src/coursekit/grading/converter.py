"""nbgrader's own autograding, cut in two: all but the execution happens here, in one process.

`prepare` sanitises a submission with nbgrader's preprocessors and returns a Job; `finish` puts the
Result's outputs where nbgrader's Execute would, runs the preprocessors that save the grades, and
then moves the finished folder to its place. That folder says that a submission is done: whatever
breaks off earlier is simply graded again.
"""

import os
import shutil
import stat
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbgrader import utils
from nbgrader.converters import Autograde, BaseConverter
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import find_all_files
from traitlets import Any

from coursekit.grading import jobs
from coursekit.grading.align import align, released_cells
from coursekit.grading.canary import error
from coursekit.grading.gradebook import Book
from coursekit.grading.reading import Unreadable, read_notebook
from coursekit.grading.suspicion import signs

STAGING = "grading/unfinished"
MOST_FILES = 64 << 20  # bytes of what lies beside a notebook


class PlainFiles(BaseConverter):
    """Leaves links and special files alone when a submission's other files are copied."""

    def init_assignment(self, assignment_id, student_id):
        """Copy plain files; a link could bring a classmate's work or the gradebook along."""
        source = self._format_source(assignment_id, student_id)
        dest = self._format_dest(assignment_id, student_id)
        total = 0
        for name in find_all_files(source, [*self.coursedir.ignore, "*.ipynb"]):
            info = os.lstat(name)
            total += info.st_size
            inside = os.path.realpath(name) == os.path.join(
                os.path.realpath(source), os.path.relpath(name, source)
            )
            if not stat.S_ISREG(info.st_mode) or not inside or total > MOST_FILES:
                self.left_out.append(os.path.relpath(name, source))
                continue
            path = os.path.join(dest, os.path.relpath(name, source))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copyfile(name, path)


class PutOutputs(NbGraderPreprocessor):
    """Stands where Execute does: puts the outputs of a Run into the cells."""

    run = Any()

    def preprocess(self, nb, resources):
        """Fill the code cells; one that was not run gets an error, or it would count as a pass."""
        blank = nbformat.v4.new_output("error", ename="NotRun", evalue="", traceback=["NotRun"])
        for index, cell in enumerate(nb.cells):
            if cell.cell_type == "code":
                outputs = self.run.outputs.get(index, [blank] if cell.source.strip() else [])
                cell.outputs = [nbformat.from_dict(output) for output in outputs]
                cell.execution_count = None
                self._check_points(cell)
        nb.metadata["language_info"] = {"name": "python", "file_extension": ".py"}
        return nb, resources

    def _check_points(self, cell):
        """Give no points where nbgrader would refuse the whole submission."""
        try:
            if utils.is_grade(cell):
                utils.determine_grade(cell)
        except (ValueError, KeyError) as problem:
            why = f"cell {cell.metadata.nbgrader.grade_id}: {problem}"
            self.run.suspicions.append(why)
            cell.outputs.insert(0, nbformat.from_dict(error(why)))


class Grade(Autograde, PlainFiles):
    """Autograde for one submission at a time, without executing."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.left_out = []
        self._run = None

    def open(self):
        """Get ready; the working folder must be the class."""
        from nbconvert.writers import FilesWriter

        self.writer = FilesWriter(parent=self, config=self.config)
        self.exporter = self.exporter_class(parent=self, config=self.config)
        self.book = Book(self.coursedir)

    @property
    def _output_directory(self):
        return STAGING

    @property
    def _input_directory(self):
        return self.coursedir.submitted_directory

    def final_folder(self, assignment, student):
        """Return where the graded submission lies when it is done."""
        path = self.coursedir.format_path(self.coursedir.autograded_directory, student, assignment)
        return Path(os.path.normpath(path))

    def staging_folder(self, assignment, student):
        """Return where it lies until then."""
        return Path(os.path.normpath(self._format_dest(assignment, student)))

    def seconds(self):
        """Return the time for a cell that the class's settings give to Execute."""
        return float(Execute(parent=self).timeout or 86_400)

    def prepare(self, assignment, student, paths, setup, limits, unreadable=""):
        """Sanitise the notebooks at `paths`; return (Job, notes on what had to be repaired).

        Raises whatever nbgrader raises; nothing is in its final place then. With a reason in
        `unreadable`, the files are not even opened.
        """
        staging = self.staging_folder(assignment, student)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)  # nbconvert makes it only when it differs from the one before
        found = self._by_name(assignment, paths)
        submitted = self._format_source(assignment, student)
        self.left_out = []
        self.notebooks = [os.path.join(submitted, f"{name}.ipynb") for name in found]
        self.run_pre_convert_hook()
        self.init_assignment(assignment, student)
        renamed = [name for name, path in found.items() if Path(path).stem != name]
        self.book.keep_tasks(assignment, student, renamed)
        notebooks, notes = [], []
        for name, path in found.items():
            notebook, found, why = self._repaired(assignment, name, path, unreadable)
            cells, suspicions = self._sanitise(notebook, assignment, student, name)
            notebooks.append(jobs.Notebook(name, cells, why, tuple(suspicions)))
            notes += found
        folder = self.staging_folder(assignment, student)
        if self.left_out:
            notes.append(f"left out: {', '.join(self.left_out)[:200]}")
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix != ".ipynb"
        }
        job = jobs.Job(student, assignment, tuple(notebooks), setup, limits, files)
        return job, notes

    def finish(self, job, result, record):
        """Save the grades of a Result and put the graded submission in its place.

        Every grade of a notebook that is suspected, crashed or unreadable is marked as needing a
        person. `record` is called with the cells that do, when all is saved but the folder is not
        yet in its place.
        """
        self._sanitizing = False
        for run in result.runs:
            name = f"{run.name}.ipynb"
            self._run = run
            self._init_preprocessors()
            path = self.staging_folder(job.assignment, job.student) / name
            with utils.setenv(NBGRADER_EXECUTION="autograde"):
                self._convert(_load(path), job.assignment, job.student, run.name)
        self._sanitizing = True
        odd = (jobs.CRASHED, jobs.UNREADABLE)
        names = [run.name for run in result.runs if run.suspicions or run.status in odd]
        self.book.must_look(job, names)
        needs = self.book.needs_person(job)
        staging = self.staging_folder(job.assignment, job.student)
        self._set_modes(staging)
        record(needs)
        final = self.final_folder(job.assignment, job.student)
        if final.exists():
            utils.rmtree(str(final))
        final.parent.mkdir(parents=True, exist_ok=True)
        staging.rename(final)
        self.run_post_convert_hook()

    def _by_name(self, assignment, paths):
        """Return {notebook of the assignment: file}; a lone file with another name is it."""
        names = self.book.notebooks(assignment)
        files = {Path(path).stem: path for path in paths}
        found = {name: files[name] for name in names if name in files}
        return found or ({names[0]: paths[0]} if len(names) == len(paths) == 1 else {})

    def _repaired(self, assignment, name, path, unreadable=""):
        """Return (notebook fit for nbgrader, notes, why it could not be read or "")."""
        released, others = self._released(assignment, name)
        why, notes = "", []
        try:
            if unreadable:
                raise Unreadable(unreadable)
            notebook, notes = read_notebook(path)
        except Unreadable as problem:
            why = str(problem)
            notebook = nbformat.v4.new_notebook()
            notebook.cells = [nbformat.v4.new_markdown_cell(f"**Could not be read**: {why}")]
            align(notebook, released, others)
            return notebook, [], why
        if Path(path).stem != name:
            notes.append(f"it is called {Path(path).name}, expected {name}.ipynb")
        found, missing = align(notebook, released, others)
        if missing and len(missing) == len(released):
            why = "none of its cells is one of the assignment's"
        return notebook, notes + found, why

    def _released(self, assignment, name):
        """Return what `align` needs to know of a notebook: as students got it, else as written."""
        names = self.book.cells(assignment, name)
        for step in (self.coursedir.release_directory, self.coursedir.source_directory):
            folder = self.coursedir.format_path(step, ".", assignment)
            path = Path(os.path.normpath(folder)) / f"{name}.ipynb"
            if path.is_file():
                released, others = released_cells(nbformat.read(path, 4), names)
                if {each.name for each in released} == names:
                    return released, others
        return [], set()

    def _sanitise(self, notebook, assignment, student, name):
        """Run nbgrader's sanitising preprocessors; return (Cells to run, signs of tampering)."""
        self._sanitizing = True
        self._init_preprocessors()
        self._convert(notebook, assignment, student, name)
        path = self.staging_folder(assignment, student) / f"{name}.ipynb"
        clean = _load(path)
        own = [c.source for c in clean.cells if c.cell_type == "code" and not utils.is_locked(c)]
        cells = tuple(
            jobs.Cell(index, cell.source, utils.is_grade(cell) and not utils.is_solution(cell))
            for index, cell in enumerate(clean.cells)
            if cell.cell_type == "code" and cell.source.strip()
        )
        return cells, signs(own)

    def _convert(self, notebook, assignment, student, name):
        resources = ResourcesDict()
        resources["unique_key"] = name
        resources["output_files_dir"] = f"{name}_files"
        resources["metadata"] = ResourcesDict(name=name, path="")
        resources["nbgrader"] = {
            "student": student,
            "assignment": assignment,
            "notebook": name,
            "db_url": self.coursedir.db_url,
        }
        output, resources = self.exporter.from_notebook_node(notebook, resources)
        self.write_single_notebook(output, resources)

    def _init_preprocessors(self):
        """Register the half of nbgrader's preprocessors that is due; Execute is ours."""
        self.exporter._preprocessors = []
        names = [getattr(each, "__name__", each) for each in self.autograde_preprocessors]
        cut = next((i for i, name in enumerate(names) if str(name).endswith("Execute")), 0)
        if self._sanitizing:
            due = [*self.sanitize_preprocessors, *self.autograde_preprocessors[:cut]]
        else:
            due = [PutOutputs(run=self._run, parent=self), *self.autograde_preprocessors[cut + 1 :]]
        for each in due:
            self.exporter.register_preprocessor(each, enabled=isinstance(each, PutOutputs))

    def _set_modes(self, folder):
        modes = int(str(self.permissions), 8)
        for path in folder.rglob("*"):
            if path.is_file():
                path.chmod(modes)


def _load(path):
    """Read a notebook that was just written: there is no need to validate it again."""
    return nbformat.v4.reads(path.read_text("utf-8"))
