"""What grading asks of nbgrader's gradebook and changes in it, beside what nbgrader does itself."""

from nbgrader.api import Gradebook


class Book:
    """The gradebook of a course; each question opens and closes it."""

    def __init__(self, coursedir):
        self._coursedir = coursedir

    def _open(self):
        return Gradebook(self._coursedir.db_url, self._coursedir.course_id)

    def notebooks(self, assignment):
        """Return the names of an assignment's notebooks."""
        with self._open() as gradebook:
            return sorted(each.name for each in gradebook.find_assignment(assignment).notebooks)

    def cells(self, assignment, notebook):
        """Return the labels of a notebook's cells, as a set."""
        with self._open() as gradebook:
            found = gradebook.find_notebook(notebook, assignment)
            return {each.name for each in found.source_cells}

    def needs_person(self, job):
        """Return the names of the cells whose grade a person must look at."""
        with self._open() as gradebook:
            found = gradebook.find_submission(job.assignment, job.student)
            grades = [grade for notebook in found.notebooks for grade in notebook.grades]
            return [grade.name for grade in grades if grade.needs_manual_grade]

    def must_look(self, job, names):
        """Mark every grade of the notebooks called `names` as needing a person."""
        if not names:
            return
        with self._open() as gradebook:
            for name in names:
                found = gradebook.find_submission_notebook(name, job.assignment, job.student)
                for grade in found.grades:
                    grade.needs_manual_grade = True
            gradebook.db.commit()

    def keep_tasks(self, assignment, student, names):
        """Take back the zeros that nbgrader gave for the tasks in files with another name."""
        if not names:
            return
        with self._open() as gradebook:
            for name in names:
                found = gradebook.find_submission_notebook(name, assignment, student)
                for grade in found.grades:
                    if grade.cell.type == "TaskCell" and grade.manual_score is None:
                        grade.auto_score, grade.needs_manual_grade = None, True
            gradebook.db.commit()

    def give_up(self, assignment, student):
        """Give zeros that a person must look at to a submission that nbgrader cannot take."""
        with self._open() as gradebook:
            found = gradebook.update_or_create_submission(assignment, student)
            for grade in [grade for notebook in found.notebooks for grade in notebook.grades]:
                if grade.auto_score is None:
                    grade.auto_score = 0.0
                grade.needs_manual_grade = True
            gradebook.db.commit()
