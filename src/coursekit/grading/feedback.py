"""Feedback for students: nbgrader's page, one HTML file a student, without the hidden tests.

A hidden test's code and whatever it printed stay with the instructor; that it failed is said.
Messages of visible checks are shown as they are. An output elsewhere that quotes a hidden test is
left out, too. That stops copying, not a student who encodes what the code could see.
"""

import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat.v4 import new_output
from nbgrader.converters import GenerateFeedback
from nbgrader.preprocessors import ClearHiddenTests, GetGrades, NbGraderPreprocessor
from traitlets import Bool, List

from coursekit.errors import CourseError
from coursekit.grading.collect import read_collected
from coursekit.grading.roster import class_settings, course_folder

PLACE = "# (hidden tests)"
FAILED = "The hidden tests of this cell found something that is not right."
QUOTED = "(an output that quotes hidden tests is left out)"
TELLING = 16  # characters: a shorter line may stand in anybody's work


@dataclass
class Given:
    """Which students' pages were written, and which could not be: {student: reason}."""

    written: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)
    archive: Path | None = None  # for Moodle's upload of many feedback files


class HideTests(NbGraderPreprocessor):
    """Takes hidden tests, and what they print, out of a graded notebook."""

    enabled = Bool(True).tag(config=True)

    def preprocess(self, nb, resources):
        """Return the notebook without what lies between nbgrader's hidden-test delimiters."""
        marks = ClearHiddenTests(parent=self.parent)
        begin, end = (re.escape(m) for m in (marks.begin_test_delimeter, marks.end_test_delimeter))
        region = re.compile(rf"^.*{begin}.*?(?:{end}[^\n]*|\Z)", re.DOTALL | re.MULTILINE)
        hidden = [part for cell in nb.cells for part in region.findall(cell.source)]
        seen = "\n".join(region.sub("", cell.source) for cell in nb.cells)
        lines = {line.strip() for part in hidden for line in part.splitlines()}
        telling = [line for line in lines if len(line) >= TELLING and line not in seen]
        for cell in nb.cells:
            if cell.cell_type != "code":
                continue
            if region.search(cell.source):
                cell.source = region.sub(PLACE, cell.source)
                bad = any(output.output_type == "error" for output in cell.outputs)
                cell.outputs = [_say(FAILED)] if bad else []
            else:
                cell.outputs = [_unless_quoted(output, telling) for output in cell.outputs]
        return nb, resources


class Feedback(GenerateFeedback):
    """GenerateFeedback that goes on after a notebook that cannot be shown."""

    preprocessors = List([GetGrades, HideTests, CSSHTMLHeaderPreprocessor])

    def write_all(self, given):
        """Write each page; note in `given` what came of it."""
        from nbconvert.writers import FilesWriter

        self.init_notebooks()
        self.writer = FilesWriter(parent=self, config=self.config)
        self.exporter = self.exporter_class(parent=self, config=self.config)
        for preprocessor in self.preprocessors:
            self.exporter.register_preprocessor(preprocessor)
        for folder, notebooks in sorted(self.assignments.items()):
            student = self.init_single_notebook_resources(notebooks[0])["nbgrader"]["student"]
            try:
                for notebook in notebooks:
                    self.convert_single_notebook(notebook)
            except Exception as error:  # one damaged notebook must not cost the others theirs
                given.failed[student] = f"{folder}: {type(error).__name__}: {error}"
            else:
                given.written.append(student)


def give_feedback(folder, assignment, db=None, show_tests=False):
    """Write feedback/STUDENT/ASSIGNMENT/*.html for all graded work; return a Given.

    show_tests: leave hidden tests and their messages in, as stock nbgrader does. Pages are made
    anew each time, so that later grades and comments are in. Raises CourseError when nothing is
    graded.
    """
    folder = course_folder(folder)
    given = Given()
    with class_settings(folder, db) as settings:
        settings.coursedir.assignment_id = assignment
        converter = Feedback(coursedir=settings.coursedir, parent=settings)
        if show_tests:
            converter.preprocessors = [GetGrades, CSSHTMLHeaderPreprocessor]
        if not list((folder / settings.coursedir.autograded_directory).glob(f"*/{assignment}")):
            raise CourseError(
                f"nothing of {assignment} is graded in {folder}: run `coursekit grade "
                f"{folder.name} --assignment {assignment}` first"
            )
        converter.write_all(given)
    given.archive = _archive(folder, assignment, given.written)
    return given


def _unless_quoted(output, telling):
    text = str(output.get("text", "")) + str(output.get("data", "")) + str(output.get("evalue", ""))
    text += "\n".join(output.get("traceback", ()))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\\n", "\n")
    return _say(QUOTED) if any(line in plain for line in telling) else output


def _say(sentence):
    return new_output("stream", name="stdout", text=sentence + "\n")


def _archive(folder, assignment, students):
    """Pack the pages for Moodle, each in the folder that the student's work came in."""
    rows = [
        row
        for row in read_collected(folder, assignment)
        if row["platform"] == "Moodle" and row["student_id"] in students
    ]
    if not rows:
        return None
    archive = folder / "feedback" / f"{assignment}-moodle.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for row in rows:
            place = f"{row['name']}_{row['platform_id']}_assignsubmission_file_"
            for page in sorted(
                (folder / "feedback" / row["student_id"] / assignment).glob("*.html")
            ):
                pack.write(page, f"{place}/{page.name}")
    return archive
