"""Sphinx extension: the recorded results of the full-size experiments, from their JSON files.

A record that is not whole, or that says what its own numbers do not, is a warning.
"""

import ast
import json
from pathlib import Path
from xml.etree import ElementTree

from markdown_lines import escape, parse_lines
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from deepcourse.reproduce.frame.card import provenance, shown, verdict
from deepcourse.reproduce.frame.schema import RecordError, check_record

LOG = logging.getLogger(__name__)
PAGE = "book/full_size"
TOLD = "{http://purl.org/dc/elements/1.1/}"  # where a figure's file holds its words


def results_folder(root):
    """Return where the records of a course lie."""
    return Path(root) / "src" / "deepcourse" / "reproduce" / "results"


class ResultsTable(SphinxDirective):
    """`{results-table}`: a section a record, a row an aim."""

    def run(self):
        """Return what the directive stands for, read from the records."""
        text = []
        for path in sorted(results_folder(self.env.srcdir).glob("*.json")):
            self.env.note_dependency(str(path))
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
                check_record(record, path.stem)
                text += self.section(record, path.stem)
            except (RecordError, ValueError, ElementTree.ParseError) as error:
                LOG.warning("%s: %s", path.name, error, location=str(path))
        return parse_lines(self, text or ["No result has been recorded yet."])

    def section(self, record, stem):
        """Return the lines, in Markdown, about one record."""
        site = f"{self.config.html_baseurl}book/bibliography.html"
        count = len(record["seeds"])
        rows = [self.row(aim, site) for aim in record["aims"]]
        note = ["", f"> **Note.** {escape(record['note'])}"] if record["note"] else []
        return [
            "",
            f"## {escape(record['title'])}",
            "",
            escape(self.story(record["experiment"])).replace("\\`", "`"),
            "",
            f"| `{stem}` | reported | ours, {count} {'seed' if count == 1 else 'seeds'} | target |",
            "|---|---|---|---|",
            *rows,
            *note,
            "",
            f"{escape(provenance(record))}. To run it again:",
            "",
            "```text",
            record["command"],
            "```",
            "",
            *self.figures(stem, record["note"]),
        ]

    def story(self, name):
        """Return what an experiment's file says of itself below its title; may be empty."""
        path = results_folder(self.env.srcdir).parent / f"{name}.py"
        if not path.is_file():
            return ""
        self.env.note_dependency(str(path))
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        return said.partition("\n")[2].strip()

    def figures(self, stem, note):
        """Return the figures beside a record, each with its alt text, caption and `note`."""
        lines = []
        for path in sorted((results_folder(self.env.srcdir) / stem).glob("*.svg")):
            self.env.note_dependency(str(path))
            file = ElementTree.parse(path)
            alt, caption = (file.findtext(f".//{TOLD}{key}") for key in ("description", "title"))
            if not alt or not caption:
                raise ValueError(f"{path.name} has no words beside it: run --draw again")
            place = path.relative_to(self.env.srcdir).as_posix()
            lines += [f"```{{figure}} /{place}", f":alt: {alt}", "", escape(f"{caption} {note}")]
            lines += ["```", ""]
        return lines

    def row(self, aim, site):
        """Return a row of the table, in Markdown."""
        reported = "–"
        if aim["reported"] is not None:
            value = shown(aim["reported"], aim["unit"])
            reported = f"{value} ([{escape(aim['by'])}]({site}#{aim['cite']}))"
        spread = "" if aim["sd"] is None else f" ± {shown(aim['sd'], aim['unit'], digits=2)}"
        ours = f"{shown(aim['mean'], aim['unit'])}{spread}"
        line = f"| {escape(aim['what'])} | {reported} | {ours} | {verdict(aim) or '–'} |"
        return line.replace(" %", "\u00a0%").replace(" · 10", "\u00a0·\u00a010")


def always_read(app, env, added, changed, removed):
    """Read the page again whenever the set of records is another one."""
    found = results_folder(app.srcdir).rglob("*")
    names = sorted(path.name for path in found if path.suffix in (".json", ".svg"))
    before, env.result_names = getattr(env, "result_names", None), names
    return [PAGE] if names != before and PAGE in env.found_docs else []


def setup(app):
    """Register the directive."""
    app.add_directive("results-table", ResultsTable)
    app.connect("env-get-outdated", always_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
