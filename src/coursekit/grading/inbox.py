"""Open what an instructor downloaded, a zip or a folder, without trusting a name in it.

Nothing is unpacked: entries are listed, and each is read into memory within a limit when it is
asked for. What could reach outside, or fill the disk, is refused by itself; the rest is kept.
"""

import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from coursekit.errors import CourseError

MOST_FILES = 20_000
MOST_BYTES = 100 * 2**20  # of one file: honest notebooks with outputs of 60 MB have been seen
MOST_BYTES_TOGETHER = 8 * 2**30
DOS_DRIVE = 2  # "C:" before a Windows path


@dataclass(frozen=True)
class Entry:
    """A file that came: its path inside the zip or folder, and how to read it."""

    path: PurePosixPath
    size: int  # bytes
    modified: tuple  # (year, month, day, hour, minute, second)
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Refused:
    """An entry that was not taken, and why."""

    path: str
    reason: str


def open_inbox(place):
    """Return ([Entry], [Refused]) for a zip file or a folder; raise CourseError for neither."""
    place = Path(place)
    if place.is_dir():
        return _sift(_folder_entries(place))
    if place.is_file() and zipfile.is_zipfile(place):
        return _sift(_zip_entries(place))
    came = "a file of another kind" if place.is_file() else "nothing"
    raise CourseError(
        f"expected a zip file or a folder with students' notebooks at {place}, came {came}: "
        "download the submissions again, or unpack them and name the folder"
    )


def _sift(entries):
    """Split entries into those to take and those to refuse, within the limits."""
    taken, refused, together = [], [], 0
    for name, entry, fault in entries:
        fault = fault or _fault_of_path(name)
        if not fault and len(taken) >= MOST_FILES:
            fault = f"more than {MOST_FILES} files"
        if not fault and entry.size > MOST_BYTES:
            fault = f"larger than {MOST_BYTES // 2**20} MB unpacked"
        if not fault and together + entry.size > MOST_BYTES_TOGETHER:
            fault = f"all files together are larger than {MOST_BYTES_TOGETHER // 2**30} GB"
        if fault:
            refused.append(Refused(name, fault))
        else:
            together += entry.size
            taken.append(entry)
    return taken, refused


def _fault_of_path(name):
    if not name or any(ord(letter) < ord(" ") for letter in name):
        return "a name with characters that cannot be printed"
    slashed = name.replace("\\", "/")
    if slashed.startswith("/") or slashed[1:DOS_DRIVE] == ":":
        return "an absolute path"
    if ".." in slashed.split("/"):
        return "a path that leads out of the folder"
    return ""


def _zip_entries(place):
    for info in zipfile.ZipFile(place).infolist():
        if info.is_dir():
            continue
        fault = ""
        if stat.S_ISLNK(info.external_attr >> 16):
            fault = "a link, not a file"
        elif info.flag_bits & 1:
            fault = "encrypted"
        path = PurePosixPath(info.filename.replace("\\", "/"))
        read = _reader(place, info)
        yield info.orig_filename, Entry(path, info.file_size, info.date_time, read), fault


def _reader(place, info):
    def read():
        """Return the file's bytes, never more than the zip announced."""
        try:
            with zipfile.ZipFile(place) as archive, archive.open(info) as file:
                data = file.read(MOST_BYTES + 1)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError) as error:
            raise CourseError(f"damaged in the zip: {error}") from None
        if len(data) > MOST_BYTES:
            raise CourseError(f"larger than {MOST_BYTES // 2**20} MB unpacked")
        return data

    return read


def _folder_entries(place):
    import time

    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if path.is_symlink():
            yield name, None, "a link, not a file"
        elif path.is_file() and not _behind_link(path, place):
            state = path.stat()
            modified = time.localtime(state.st_mtime)[:6]
            yield name, Entry(PurePosixPath(name), state.st_size, modified, path.read_bytes), ""
        elif not path.is_dir() and not path.is_file():
            yield name, None, "a device or pipe, not a file"


def _behind_link(path, place):
    return any(parent.is_symlink() for parent in path.parents if place in parent.parents)
