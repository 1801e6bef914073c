"""Bring notebooks from a learning platform's zip, or a folder, to where nbgrader expects them.

`submitted/STUDENT/ASSIGNMENT/NOTEBOOK.ipynb` is written; a student's earlier work is moved to
`downloaded/ASSIGNMENT/replaced/`, and `downloaded/ASSIGNMENT/collected.csv` keeps who sent what
under which name, which `coursekit export` needs to address grades.
"""

import csv
import hashlib
import io
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from coursekit.errors import CourseError
from coursekit.grading.inbox import Refused, open_inbox
from coursekit.grading.roster import course_folder, read_roster
from coursekit.grading.senders import Sent, fold, match, read_path

RUBBISH = ("__MACOSX", ".DS_Store", "Thumbs.db", ".ipynb_checkpoints")
NAMES_HEADER = ("file", "student_id")


@dataclass(frozen=True)
class Collected:
    """One row of collected.csv: a notebook that was taken."""

    student_id: str
    notebook: str
    file: str
    name: str  # what the platform calls the student
    platform: str
    platform_id: str
    late: str  # "late" or ""
    sha256: str


@dataclass
class Harvest:
    """What came of collecting: rows taken, and everything that was not, with the reason."""

    taken: list = field(default_factory=list)
    same: list = field(default_factory=list)  # was there already, byte for byte
    replaced: list = field(default_factory=list)
    refused: list = field(default_factory=list)
    unknown: list = field(default_factory=list)  # notebooks of nobody known, or of several
    older: list = field(default_factory=list)  # an earlier attempt of someone whose later is taken

    def __str__(self):
        """Return the summary for the terminal: a line a file that needs an eye, then the counts."""
        lines = []
        for title, rows in (
            ("refused", self.refused),
            ("not taken: nobody known, or several", self.unknown),
            ("an earlier attempt, not taken", self.older),
        ):
            lines += [f"{title}: {row.path}: {row.reason}" for row in rows]
        late = sum(bool(row.late) for row in self.taken)
        counts = [f"{len(self.taken)} notebooks taken" + (f" ({late} late)" if late else "")]
        counts += [f"{len(self.replaced)} of them in place of earlier work"] * bool(self.replaced)
        counts += [f"{len(self.same)} the same as before"] * bool(self.same)
        counts += [f"{len(self.older)} earlier attempts"] * bool(self.older)
        counts += [f"{len(self.unknown)} of nobody known"] * bool(self.unknown)
        counts += [f"{len(self.refused)} refused"] * bool(self.refused)
        return "\n".join([*lines, ", ".join(counts)])


def collect(folder, inbox, assignment, names=None, db=None):
    """Collect the notebooks in `inbox` (zip or folder) for class `folder`; return a Harvest.

    names: a csv file with the columns file,student_id for what cannot be told from file names; a
    `file` is a path as listed, or its first folder. db: the gradebook's address, where it is not
    the class's own. Raises CourseError, having written nothing, when the class, the inbox or the
    csv file is not what it should be.
    """
    folder = course_folder(folder)
    wanted = _notebooks(folder, assignment)
    given = read_names(names) if names else {}
    roster = read_roster(folder, db)
    if given.keys() and roster.ids:
        _require_known(set(given.values()) - roster.ids, names)
    entries, refused = open_inbox(inbox)
    harvest = Harvest(refused=refused)
    claims = {}  # {(student, notebook): [(order, entry, sent)]}
    for entry in entries:
        if any(part in RUBBISH or part.startswith("._") for part in entry.path.parts):
            continue
        fault, student, sent = _sender(entry, assignment, given, roster)
        notebook = None if fault else _which(sent.file, wanted)
        if not fault and notebook is None:
            fault = f"the assignment has several notebooks, none called {sent.file}"
        if fault:
            put = harvest.refused if fault.startswith("no notebook") else harvest.unknown
            put.append(Refused(str(entry.path), fault))
            continue
        order = (sent.attempt, entry.modified, str(entry.path))
        claims.setdefault((student, notebook), []).append((order, entry, sent))
    for key in sorted(claims):
        _take(folder, assignment, key, sorted(claims[key], key=lambda c: c[0]), harvest)
    roster.enrol({row.student_id: row.name for row in harvest.taken})
    _remember(folder, assignment, harvest)
    _ask_for_names(folder, assignment, harvest)
    return harvest


def read_names(path):
    """Return {file: student id} from a csv file with the columns file,student_id."""
    rows = csv.DictReader(open_csv(path))
    if not set(NAMES_HEADER) <= set(rows.fieldnames or ()):
        raise CourseError(
            f"{path}: expected the columns file,student_id, came "
            f"{','.join(rows.fieldnames or ['nothing'])}: name them so in its first line"
        )
    return {
        row["file"].strip().strip("/"): row["student_id"].strip()
        for row in rows
        if row["file"] and (row["student_id"] or "").strip()
    }


def _require_known(strangers, names):
    if strangers:
        raise CourseError(
            f"{names}: no student {', '.join(sorted(strangers))} in the gradebook: mend the id, or "
            "add the student with `nbgrader db student add ID`"
        )


def _notebooks(folder, assignment):
    """Return the names, without .ipynb, of the assignment's notebooks."""
    for part in ("release", "source"):
        found = sorted(path.stem for path in (folder / part / assignment).glob("*.ipynb"))
        if found:
            return found
    there = sorted(p.name for p in (folder / "source").glob("*") if p.is_dir())
    raise CourseError(
        f"expected an assignment of the class, came {assignment}: it has "
        f"{', '.join(there) or 'none'}; add one with `coursekit class add {folder.name} NAME`"
    )


def _sender(entry, assignment, given, roster):
    """Return (what is wrong or "", student id, Sent)."""
    sent = read_path(entry.path, assignment)
    if PurePosixPath(sent.file).suffix.lower() != ".ipynb":
        return f"no notebook, but {entry.path.suffix or 'a file without an ending'}", "", sent
    for name in (str(entry.path), entry.path.name, entry.path.parts[0]):
        if name in given:
            return "", given[name], sent
    if not roster.ids:
        return _without_roster(sent)
    found = match(sent, roster.keys)
    if len(found) == 1:
        return "", found.pop(), sent
    if found:
        return f"can be from {' or '.join(sorted(found))}", "", sent
    return "no student of the gradebook is called so", "", sent


def _without_roster(sent: Sent):
    """Take names from a learning platform where the gradebook has no students yet."""
    if sent.platform:
        return "", fold(sent.name).replace(" ", "-"), sent
    return "the gradebook has no students, and the name does not say whose it is", "", sent


def _which(file, wanted):
    if len(wanted) == 1:
        return wanted[0]
    stem = fold(PurePosixPath(file).stem)
    return next((name for name in wanted if fold(name) == stem), None)


def _take(folder, assignment, key, claims, harvest):
    """Write the last attempt of one student, keep what was there, list the earlier ones."""
    student, notebook = key
    *earlier, (_, entry, sent) = claims
    try:
        data = entry.read()
    except CourseError as error:
        harvest.refused.append(Refused(str(entry.path), str(error)))
        if earlier:
            _take(folder, assignment, key, earlier, harvest)
        return
    harvest.older += [Refused(str(e.path), f"{entry.path} is later") for _, e, _ in earlier]
    late = "late" if sent.late else ""
    digest = hashlib.sha256(data).hexdigest()
    who = (sent.name, sent.platform, sent.platform_id)
    row = Collected(student, notebook, str(entry.path), *who, late, digest)
    path = folder / "submitted" / student / assignment / f"{notebook}.ipynb"
    if path.exists():
        if path.read_bytes() == data:
            harvest.same.append(row)
            return
        _keep(folder, assignment, student, path)
        harvest.replaced.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)
    harvest.taken.append(row)


def _keep(folder, assignment, student, path):
    """Move earlier work aside under a name that is free."""
    place = folder / "downloaded" / assignment / "replaced" / student
    place.mkdir(parents=True, exist_ok=True)
    number = 1
    while (place / f"{path.stem}-{number}.ipynb").exists():
        number += 1
    path.replace(place / f"{path.stem}-{number}.ipynb")


def _remember(folder, assignment, harvest):
    """Renew collected.csv: the rows of before, with those of now in their place."""
    before = read_collected(folder, assignment)
    rows = {(row["student_id"], row["notebook"]): row for row in before}
    for row in [*harvest.same, *harvest.taken]:
        rows[(row.student_id, row.notebook)] = asdict(row)
    header = list(Collected.__dataclass_fields__)
    write_rows(_table(folder, assignment), header, [rows[key] for key in sorted(rows)])


def read_collected(folder, assignment):
    """Return the rows of collected.csv, as dicts; none where nothing was collected."""
    path = _table(folder, assignment)
    return list(csv.DictReader(open_csv(path))) if path.exists() else []


def _table(folder, assignment):
    return folder / "downloaded" / assignment / "collected.csv"


def _ask_for_names(folder, assignment, harvest):
    """Write a csv file in which only the student ids of unknown files are to be filled in."""
    path = folder / "downloaded" / assignment / "names.csv"
    if harvest.unknown:
        rows = [{"file": row.path, "student_id": ""} for row in harvest.unknown]
        write_rows(path, NAMES_HEADER, rows)
    else:
        path.unlink(missing_ok=True)


def open_csv(path):
    """Return a csv file's text, to be read; raise CourseError where it is none in UTF-8."""
    try:
        return io.StringIO(Path(path).read_text(encoding="utf-8-sig"), newline="")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"expected a csv file in UTF-8 at {path}: {error}") from None


def write_rows(path, header, rows):
    """Write a csv file at once, so that a broken run leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, header, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    part.replace(path)
