"""Say who sent a file, from how Moodle, Canvas or Colab named it.

Moodle writes `Full Name_PARTICIPANT_assignsubmission_file_/FILE` (or all in one name, without the
folder; before it a group's name and a dash; `Participant_123` when it hides names). Canvas writes
`lastfirst_LATE_USER_SUBMISSION_FILE`, with `-1`, `-2` for later attempts. Colab and browsers put
`Copy of` before a name and ` (1)` behind it.
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

MOODLE = re.compile(
    r"^(?P<name>[^/_]+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?/?(?P<file>.*)$"
)
CANVAS = re.compile(
    r"^(?P<name>[^/_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<submission>\d+)_(?P<file>[^/]+)$",
    re.IGNORECASE,
)
COPY = re.compile(r"^(?:copy of |kopie von |copie de |copia de )+", re.IGNORECASE)
AGAIN = re.compile(r"\s*(?:\((\d+)\)|- copy|-copy\d*)$", re.IGNORECASE)
ATTEMPT = re.compile(r"-(\d{1,3})$")
LATE = re.compile(r"(?:^|[ _.-])late(?=$|[ _.-])", re.IGNORECASE)


@dataclass(frozen=True)
class Sent:
    """What a file's path says of it."""

    name: str  # what the learning platform calls the student; "" where it does not say
    platform: str  # "Moodle", "Canvas" or ""
    platform_id: str  # Moodle's participant, Canvas's user
    file: str  # the notebook's own name, without what was put around it
    late: bool
    attempt: int  # later attempts have higher numbers
    words: tuple  # other parts of the path that may name the student


def read_path(path, assignment):
    """Return what `path` (PurePosixPath, in the zip or folder) says: a Sent."""
    text = path.as_posix()
    for start in range(len(path.parts)):  # Moodle's folder may itself lie in a folder
        moodle = MOODLE.match("/".join(path.parts[start:]))
        if moodle:
            name = moodle["name"].split("-")[-1] if "-" in moodle["name"] else moodle["name"]
            words = (moodle["name"], name)
            file, attempt = _bare(moodle["file"].rsplit("/", 1)[-1])
            return Sent(moodle["name"], "Moodle", moodle["id"], file, False, attempt, words)
    canvas = CANVAS.match(path.name)
    if canvas:
        file, again = _bare(canvas["file"])
        number = ATTEMPT.search(PurePosixPath(file).stem)
        if number:
            file = ATTEMPT.sub("", PurePosixPath(file).stem) + PurePosixPath(file).suffix
            again = int(number[1])
        late = bool(canvas["late"])
        return Sent(canvas["name"], "Canvas", canvas["id"], file, late, again, (canvas["name"],))
    file, attempt = _bare(path.name)
    late = bool(LATE.search(text))
    rest = LATE.sub("", PurePosixPath(file).stem)
    rest = re.sub(re.escape(assignment), " ", rest, flags=re.IGNORECASE)
    words = (*reversed(path.parts[:-1]), COPY.sub("", rest.strip(" -_.")))
    return Sent("", "", "", file, late, attempt, tuple(word for word in words if word.strip()))


def _bare(file):
    """Return (a file's name without `Copy of` and ` (1)`, the number in the brackets)."""
    stem, suffix = PurePosixPath(file).stem, PurePosixPath(file).suffix
    attempt = 0
    while True:
        again = AGAIN.search(stem)
        if not again:
            break
        attempt = max(attempt, int(again[1] or 1))
        stem = stem[: again.start()]
    return COPY.sub("", stem).strip() + suffix, attempt


def fold(text):
    """Return `text` as letters and digits alone: Bruno Cédar and cedar_bruno differ in order only.

    A student's words are sorted by the caller where the order may differ.
    """
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", " ", plain.casefold()).strip()


def keys_of(student):
    """Return the ways a student can be called: id, e-mail, first last, last first, run together."""
    names = {fold(f"{student.first_name or ''} {student.last_name or ''}")}
    names.add(fold(f"{student.last_name or ''} {student.first_name or ''}"))
    address = (student.email or "").casefold()
    names |= {fold(student.id), fold(address), fold(address.split("@")[0])}
    names.add(fold(student.lms_user_id or ""))
    names |= {name.replace(" ", "") for name in names}
    return {name for name in names if name}


def match(sent, roster):
    """Return (ids of the students whom a Sent can come from, by how they are called).

    roster: {key: {student id, …}}. The first word of the path that names anybody decides.
    """
    if sent.platform_id and sent.platform == "Canvas":
        found = roster.get(sent.platform_id, set())
        if len(found) == 1:
            return found
    for word in sent.words:
        whole = fold(word)
        found = roster.get(whole) or roster.get(whole.replace(" ", ""))
        if found:
            return set(found)
        inside = {
            student
            for key, students in roster.items()
            if len(key) > 1 and re.search(rf"(?:^| ){re.escape(key)}(?: |$)", whole)
            for student in students
        }
        if inside:
            return inside
    return set()
