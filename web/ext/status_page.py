"""Sphinx extension: a table of what each lesson's last run took, on the CPU and on a GPU.

Source: `notebooks/status/*.json`, which `coursekit build` and `coursekit time` write.
"""

import json
from pathlib import Path

from claims_page import title_of
from markdown_lines import parse_lines
from sphinx.util.docutils import SphinxDirective

from coursekit.course import Course
from coursekit.status import DEVICES, records

HEAD = "| lesson | CPU seconds | GPU seconds | download | last verified |"
RULE = "|---|--:|--:|--:|--:|"


class LessonStatus(SphinxDirective):
    """`{lesson-status}`: a row a lesson."""

    def run(self):
        """Return the table, read from the files that the runs wrote."""
        course = Course(Path(self.env.srcdir))
        measured = {device: records(course, device) for device in DEVICES}
        rows, versions = [], {}
        for path in sorted((course.root / "notebooks" / "lessons").glob("*.ipynb")):
            self.env.note_dependency(str(path))
            if f"notebooks/lessons/{path.stem}" in self.env.found_docs:
                cpu, gpu = (measured[device].get(path.stem) for device in DEVICES)
                rows.append(self.row(path, cpu, gpu))
                for row in filter(None, (cpu, gpu)):
                    versions.setdefault(_versions(row), []).append(title_of(path))
        return parse_lines(self, [HEAD, RULE, *rows, "", *_said(versions)])

    def row(self, path, cpu, gpu):
        """Return the line of the table about the notebook `path` and its two records."""
        page = f"{self.config.html_baseurl}notebooks/lessons/{path.stem}.html"
        metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
        now = metadata.get("deepcourse", {}).get("source_hash")
        cells = [
            f"[{title_of(path)}]({page})",
            _seconds(cpu, "cpu_seconds", now),
            _seconds(gpu, "wall_seconds", now),
            _size(cpu),
            cpu["date"] if cpu else "never",
        ]
        return f"| {' | '.join(cells)} |"


def _seconds(row, key, now):
    if row is None:
        return "not measured"
    where = f" ({row['device']})" if key == "wall_seconds" else ""
    changed = "" if row["source_hash"] == now else ", before its last change"
    return f"{row[key]:.0f}{where}{changed}"


def _size(row):
    if row is None:
        return "not measured"
    return f"{row['download_bytes'] / 1e6:.1f} MB" if row["download_bytes"] else "none"


def _versions(row):
    versions = [f"{name} {value}" for name, value in row["versions"].items()]
    return f"{', '.join(versions)} ({row['device']})"


def _said(versions):
    """Return a line for each set of versions: which lessons ran with it, if not all."""
    if len(versions) == 1:
        return [f"All ran with {next(iter(versions))}."]
    return [f"- {', '.join(titles)}: {said}" for said, titles in versions.items()]


def always_read(app, env, added, changed, removed):
    """Read the page again at each build: a record may be new where no page is."""
    return ["book/status"] if "book/status" in env.found_docs else []


def setup(app):
    """Register the directive."""
    app.add_directive("lesson-status", LessonStatus)
    app.connect("env-get-outdated", always_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
