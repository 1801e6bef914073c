"""What a lesson's last run took, on which device, with which versions.

Derived: `notebooks/status/cpu.json`, written whenever a lesson is built, and `cuda.json`, written
by `coursekit time --device cuda` on a machine with a GPU. The book's status page is made of them.
"""

import importlib.metadata
import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from coursekit.errors import CourseError

DEVICES = ("cpu", "cuda")
PACKAGES = ("torch", "numpy", "matplotlib")


@dataclass(frozen=True)
class Run:
    """What one run of a lesson took."""

    cpu_seconds: float  # of all threads
    wall_seconds: float  # start of the kernel included
    download_bytes: int

    def __str__(self):
        return f"{self.cpu_seconds:.0f} CPU seconds, {self.wall_seconds:.0f} s by the clock"


def record(lesson, source_hash, run, device):
    """Write down that `lesson`, with these sources, ran through on `device` today."""
    rows = records(lesson.course, device)
    rows[lesson.name] = {
        "source_hash": source_hash,
        **{name: round(value, 1) for name, value in asdict(run).items()},
        "device": _device_name(device),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name).split("+")[0] for name in PACKAGES},
    }
    _write(_path(lesson.course, device), rows)


def records(course, device):
    """Return {lesson's name: what its last run on `device` took}; empty where nothing ran."""
    path = _path(course, device)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def renew_hash(lesson, before, after):
    """Let what was recorded for sources `before` stand for `after`, which differ in no result."""
    for device in DEVICES:
        rows = records(lesson.course, device)
        if rows.get(lesson.name, {}).get("source_hash") == before != after:
            rows[lesson.name]["source_hash"] = after
            _write(_path(lesson.course, device), rows)


def require_device(device):
    """Raise CourseError unless lessons can run on `device`."""
    if device not in DEVICES:
        raise CourseError(f"expected --device {' or '.join(DEVICES)}, came {device!r}")
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise CourseError(
                f"--device cuda: torch {torch.__version__} sees no GPU here: run this on a "
                "machine with one and a CUDA build of torch, or leave --device out"
            )


def _write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def _device_name(device):
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} cores, {platform.machine()}"


def _path(course, device):
    return course.root / "notebooks" / "status" / f"{device}.json"
