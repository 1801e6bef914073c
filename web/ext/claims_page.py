"""Sphinx extension: a table of every claim the lessons make, and an anchor for every cell.

Source: the committed notebooks' outputs, in the form that `deepcourse.claims` prints.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from markdown_lines import escape, parse_lines
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from coursekit.claim_lines import parse_claim

LOG = logging.getLogger(__name__)
PRINTED = re.compile(r"^(.*<pre>(?:<span></span>)?|)✓ ([^\n<]+)(?:\n|(?=<))", re.MULTILINE)


def read_claims(path):
    """Yield (cell index, anchor, line, claim or None) of each claim line in a notebook."""
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    for index, cell in enumerate(notebook["cells"]):
        for output in cell.get("outputs", []):
            for line in "".join(output.get("text", [])).splitlines():
                if line.startswith("✓ "):
                    yield index, f"cell-{cell.get('id', index)}", line, parse_claim(line)


def title_of(path):
    """Return a notebook's first heading, without its mark-up."""
    for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"]:
        for line in "".join(cell["source"]).splitlines():
            if line.startswith("# ") and cell["cell_type"] == "markdown":
                return line.removeprefix("# ").strip()
    return Path(path).stem


class ClaimsTable(SphinxDirective):
    """`{claims-table}`: a section a lesson, a row a claim."""

    def run(self):
        """Return what the directive stands for, read from the notebooks of the book."""
        text = []
        for path in sorted((Path(self.env.srcdir) / "notebooks" / "lessons").glob("*.ipynb")):
            docname = f"notebooks/lessons/{path.stem}"
            self.env.note_dependency(str(path))
            if docname in self.env.found_docs:
                text += self.lesson(path, docname)
        return parse_lines(self, text or ["No lesson has made a claim yet."])

    def lesson(self, path, docname):
        """Return the lines, in Markdown, about the claims of one lesson."""
        rows, page = [], f"{self.config.html_baseurl}{docname}.html"
        for index, anchor, line, claim in read_claims(path):
            if claim is None:
                place = f"{path}:{(index + 1) * 10_000 + 1}"
                form = "✓ SUBJECT is at most BOUND (measured VALUE; BASELINE: VALUE)"
                what = "claim %r: not of the form %r; print it with claim()"
                LOG.warning(what, line, form, location=place)
                continue
            link = f"[{escape(claim.subject)}]({page}#{anchor})"
            others = "<br>".join(f"{escape(name)}: {value}" for name, value in claim.baselines)
            bound = f"{claim.relation} {claim.bound}"
            rows.append(f"| {link} | {bound} | {claim.measured} | {others} |")
        if not rows:
            return []
        head = ["| statement | threshold | measured | baseline |", "|---|---|---|---|"]
        return ["", f"## [{title_of(path)}]({page})", "", *head, *rows, ""]


def add_anchors(app, doctree):
    """Give each code cell of a lesson the anchor `cell-` with the cell's id."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for node in doctree.findall(nodes.container):
        if node.get("nb_element") == "cell_code":
            index = node["cell_index"]
            node["ids"].append(f"cell-{cells[index].get('id', index)}")


def mark_lines(app, pagename, templatename, context, doctree):
    """Set the claims that a cell printed apart from its other lines."""
    if "✓ " in context.get("body", ""):
        context["body"] = PRINTED.sub(r'\1<span class="claim"><b>✓</b> \2</span>', context["body"])


def always_read(app, env, added, changed, removed):
    """Read the pages with the table again whenever any page is new, changed or gone."""
    return ["book/claims"] if (added or changed or removed) & env.found_docs else []


def setup(app):
    """Register the directive and the anchors."""
    app.add_directive("claims-table", ClaimsTable)
    app.connect("doctree-read", add_anchors, priority=400)
    app.connect("env-get-outdated", always_read)
    app.connect("html-page-context", mark_lines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
