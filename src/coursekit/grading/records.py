"""What became of each submission: one small file a student, and a table for the instructor."""

import csv
import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from coursekit.grading.jobs import CRASHED, TIMED_OUT, UNREADABLE

GRADED, MANUAL, TAMPERED = "graded", "needs manual grading", "tampering suspected"
STATES = (GRADED, MANUAL, TIMED_OUT, CRASHED, TAMPERED, UNREADABLE)


@dataclass
class Record:
    """A submission's state (one of STATES), the reasons, and the hash of what was handed in."""

    student: str
    state: str
    reasons: list[str] = field(default_factory=list)
    sha256: str = ""
    cpu: float = 0.0  # seconds


class Records:
    """The records of one assignment, in `grading/ASSIGNMENT/` of the class."""

    def __init__(self, folder, assignment):
        self.folder = Path(folder) / "grading" / assignment
        self.table = Path(folder) / "grading" / f"{assignment}.csv"

    def read(self, student):
        """Return the record of a student, or None."""
        try:
            return Record(**json.loads(self._path(student).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, record):
        """Write a record, whole or not at all."""
        path = self._path(record.student)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(record), indent=1), "utf-8")
        os.replace(part, path)

    def write_table(self, records):
        """Write the table of all; a spreadsheet opens it."""
        self.table.parent.mkdir(parents=True, exist_ok=True)
        part = self.table.with_suffix(".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["state", "student", "reason"])
            rows.writerows(
                [r.state, _cell(r.student), _cell("; ".join(r.reasons))] for r in records
            )
        os.replace(part, self.table)
        return self.table

    def _path(self, student):
        return self.folder / f"{student}.json"


def state_of(result, needs, notes):
    """Return (state, reasons) of a Result; `needs` are the cells a person must grade."""
    reasons = [f"{run.name}: {s}" for run in result.runs for s in dict.fromkeys(run.suspicions)]
    state = TAMPERED if reasons else GRADED
    for kind in (UNREADABLE, CRASHED, TIMED_OUT):
        found = [f"{run.name}: {run.why}" for run in result.runs if run.status == kind]
        reasons += found
        if found and (state == GRADED or kind == UNREADABLE):
            state = kind
    if any(note.startswith("cut off") for note in notes):
        state = UNREADABLE
    if any(run.cut for run in result.runs):
        reasons.append("long output was cut")
    if needs and state == GRADED:
        state = MANUAL
        reasons.append(f"by hand: {', '.join(needs)}")
    return state, reasons + notes


def summary(records):
    """Return the lines of the summary: each state, how many, and who, why."""
    lines = []
    for state in STATES:
        found = [record for record in records if record.state == state]
        lines.append(f"{state}: {len(found)}")
        for record in found:
            if record.reasons or state != GRADED:
                lines.append(f"    {record.student}: {'; '.join(record.reasons)[:500]}")
    return lines


def fingerprint(folder):
    """Return the SHA-256 of the names and bytes of all plain files in `folder`."""
    total = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and not path.is_symlink():
            total.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            try:
                with path.open("rb") as file:
                    total.update(hashlib.file_digest(file, "sha256").digest())
            except OSError:
                total.update(b"unreadable")
    return total.hexdigest()


def _cell(text):
    """Keep a spreadsheet from taking a student's text for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text
