"""Write grades as csv: a column for each question, and what Moodle and Canvas import.

Moodle's form is its offline grading worksheet (Identifier, Grade), Canvas's its gradebook file
(Student, ID, … and a column for the assignment). Either is made from what `collect` remembered,
or an instructor's own download is filled in, with everything else in it left as it is.
"""

import csv
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.grading.collect import open_csv, read_collected, write_rows
from coursekit.grading.roster import class_db, course_folder, open_gradebook, read_roster
from coursekit.grading.senders import fold

WHO = ["student_id", "last_name", "first_name", "email"]
TOTALS = ["status", "score", "max_score", "late_penalty"]
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
MISSING, WAITING, GRADED = "missing", "needs manual grading", "graded"


def export(folder, assignments=None, db=None, worksheet=None):
    """Write the grades of class `folder`; return the paths written.

    assignments: names (default: all in the gradebook). worksheet: a csv file downloaded from
    Moodle or Canvas, to be filled in for the one assignment named. `grades/ASSIGNMENT.csv` has a
    row for each student. Raises CourseError for an unknown assignment or worksheet.
    """
    folder = course_folder(folder)
    db = db or class_db(folder)
    with open_gradebook(db) as book:
        there = [assignment.name for assignment in book.assignments]
        tables = {name: read_grades(book, name) for name in _chosen(assignments, there)}
    if worksheet and len(tables) != 1:
        raise CourseError(
            f"{worksheet} takes the grades of one assignment, and {len(tables)} are chosen: name "
            f"one with --assignment, of {', '.join(tables)}"
        )
    written = []
    for name, (questions, rows) in tables.items():
        path = folder / "grades" / f"{name}.csv"
        write_rows(path, [*WHO, *TOTALS, *questions], rows)
        written.append(path)
        sent = {row["student_id"]: row for row in read_collected(folder, name)}
        if worksheet:
            roster = read_roster(folder, db)
            written.append(_fill_in(folder, Path(worksheet), name, rows, sent, roster))
        else:
            written += _platform_files(folder, name, rows, sent)
    return written


def read_grades(book, assignment):
    """Return (question columns, a row for each student) of an assignment in a Gradebook.

    A column is called `NOTEBOOK: QUESTION (POINTS)`, or without the notebook where there is one.
    Students who handed in nothing have a score of 0, as in `nbgrader export`, and empty questions.
    """
    assignment = book.find_assignment(assignment)
    several = len(assignment.notebooks) > 1
    questions = {}
    for notebook in sorted(assignment.notebooks, key=lambda each: each.name):
        for cell in notebook.grade_cells + notebook.task_cells:
            prefix = f"{notebook.name}: " if several else ""
            key = (notebook.name, cell.name)
            questions[key] = f"{prefix}{cell.name} ({cell.max_score:g})"
    submitted = {each.student.id: each for each in assignment.submissions}
    rows = []
    for student in sorted(book.students, key=lambda each: each.id):
        row = {
            "student_id": student.id,
            "last_name": student.last_name or "",
            "first_name": student.first_name or "",
            "email": student.email or "",
            "max_score": f"{assignment.max_score:g}",
        }
        rows.append(row | _scores(submitted.get(student.id), questions))
    return list(questions.values()), rows


def _scores(submission, questions):
    if submission is None:
        return {"status": MISSING, "score": "0", "late_penalty": "0"}
    penalty = submission.late_submission_penalty or 0.0
    row = {
        "status": WAITING if submission.needs_manual_grade else GRADED,
        "score": f"{max(0.0, submission.score - penalty):g}",
        "late_penalty": f"{penalty:g}",
    }
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            column = questions.get((notebook.name, grade.name))
            if column:
                row[column] = f"{grade.score:g}"
    return row


def _chosen(wanted, there):
    for name in wanted or ():
        if name not in there:
            raise CourseError(
                f"no assignment {name} in the gradebook, which has {', '.join(there) or 'none'}: "
                "grade it first with `coursekit grade`"
            )
    return list(wanted or there)


def _platform_files(folder, assignment, rows, sent):
    """Write the file for each platform that work came from; students who sent nothing stay out."""
    written, graded = [], [row for row in rows if row["status"] != MISSING]
    for platform, make in (("Moodle", _moodle), ("Canvas", _canvas)):
        mine = [
            (row, sent[row["student_id"]])
            for row in graded
            if sent.get(row["student_id"], {}).get("platform") == platform
        ]
        if mine:
            path = folder / "grades" / f"{assignment}-{platform.lower()}.csv"
            write_rows(path, *make(assignment, mine))
            written.append(path)
    return written


def _moodle(_assignment, pairs):
    header = ["Identifier", "Full name", "Grade", "Maximum Grade"]
    return header, [
        {
            "Identifier": f"Participant {sent['platform_id']}",
            "Full name": sent["name"],
            "Grade": row["score"],
            "Maximum Grade": row["max_score"],
        }
        for row, sent in pairs
    ]


def _canvas(assignment, pairs):
    points = {"Student": "    Points Possible", assignment: pairs[0][0]["max_score"]}
    return [*CANVAS, assignment], [points] + [
        {
            "Student": f"{row['last_name']}, {row['first_name']}".strip(", ") or sent["name"],
            "ID": sent["platform_id"],
            "SIS Login ID": row["student_id"],
            assignment: row["score"],
        }
        for row, sent in pairs
    ]


def _fill_in(folder, worksheet, assignment, rows, sent, roster):
    """Fill a downloaded worksheet in; write it to grades/ under its own name, return the path."""
    table = list(csv.reader(open_csv(worksheet)))
    header = table[0] if table else []
    column = _grade_column(worksheet, header, assignment)
    scores = {row["student_id"]: row["score"] for row in rows if row["status"] != MISSING}
    numbers = {row["platform_id"]: student for student, row in sent.items() if row["platform_id"]}
    for line in table[1:]:
        student = _owner(dict(zip(header, line, strict=False)), numbers, roster)
        if student in scores:
            line += [""] * (len(header) - len(line))
            line[column] = scores[student]
    path = folder / "grades" / worksheet.name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)
    return path


def _grade_column(worksheet, header, assignment):
    if "Identifier" in header and "Grade" in header:
        return header.index("Grade")
    if "Student" in header and "ID" in header:
        named = [n for n, title in enumerate(header) if fold(title).startswith(fold(assignment))]
        if len(named) == 1:
            return named[0]
        raise CourseError(
            f"{worksheet}: expected one column that begins with {assignment}, came {len(named)} "
            f"among {', '.join(header)}: call the assignment so in Canvas, or rename the column"
        )
    raise CourseError(
        f"{worksheet}: expected Moodle's grading worksheet (Identifier, Grade) or Canvas's "
        f"gradebook (Student, ID), came {', '.join(header) or 'an empty file'}"
    )


def _owner(line, numbers, roster):
    """Return the id of the student of a worksheet's line, or None."""
    number = line.get("Identifier", "").rpartition(" ")[2] or line.get("ID", "")
    if number in numbers:
        return numbers[number]
    for title in ("Email address", "ID number", "SIS User ID", "SIS Login ID", "ID"):
        found = roster.keys.get(fold(line.get(title, "")), set())
        if len(found) == 1:
            return next(iter(found))
    found = roster.keys.get(fold(line.get("Full name") or line.get("Student") or ""), set())
    return next(iter(found)) if len(found) == 1 else None
