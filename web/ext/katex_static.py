"""Sphinx math renderer: KaTeX at build time, through one node process, as HTML and MathML.

Pages carry no math script. TeX that KaTeX does not understand is a warning at its place.
"""

import json
import os
import re
import subprocess
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.fileutil import copy_asset_file
from sphinx.util.math import get_node_equation_number

from coursekit.site import find_node

LOG = logging.getLogger(__name__)
NUMBERED = re.compile(r"\\(begin|end)\{(align|equation|gather|alignat)\}")
SCROLLS = 'class="katex-display" tabindex="0" role="group" aria-label="equation"'
PUNCTUATION = re.compile(r"[,.;:!?)’”]+")
OTHER_FORMATS = re.compile(r',url\([^)]*\.(?:woff|ttf)\) format\("[a-z]+"\)')


class Katex:
    """One node process, and what it has answered so far; a forked Sphinx worker starts its own."""

    def __init__(self):
        self.process, self.owner, self.answers = None, None, {}

    def render(self, web, tex, display):
        """Return {"html": …} or {"error": …} for `tex`."""
        key = (tex, display)
        if key not in self.answers:
            if self.process is None or self.owner != os.getpid():
                self.start(web)
            request = json.dumps({"tex": tex, "display": display})
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            self.answers[key] = json.loads(self.process.stdout.readline())
        return self.answers[key]

    def start(self, web):
        """Start node in folder `web`, where it finds KaTeX."""
        self.owner = os.getpid()
        self.process = subprocess.Popen(
            [str(find_node()), str(web / "render.cjs")],
            cwd=web,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def stop(self, *_):
        """End the process, if it is this one's."""
        if self.process is not None and self.owner == os.getpid():
            self.process.communicate(timeout=10)
            self.process = None


KATEX = Katex()


def _html(builder, node, tex, display):
    answer = KATEX.render(Path(builder.app.confdir) / "web", tex, display)
    if "error" in answer:
        LOG.warning("formula: %s. Mend the TeX.", answer["error"], location=node, type="math")
        return f"<code>{escape(tex)}</code>"
    return answer["html"].replace('class="katex-display"', SCROLLS, 1)


def visit_inline(self, node):
    """Write an inline formula."""
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(_html(self.builder, node, node.astext(), False) + "</span>")
    raise nodes.SkipNode


def visit_block(self, node):
    """Write a formula that stands by itself, with its number if it has one."""
    tex = NUMBERED.sub(r"\\\1{\2*}", node.astext())  # Sphinx alone numbers
    if not node["nowrap"] and "\\\\" in tex and "\\begin" not in tex:
        tex = r"\begin{split}" + tex + r"\end{split}"
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(_html(self.builder, node, tex, True))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def keep_punctuation(app, doctree, docname):
    """Bind a comma or full stop to the formula it follows: no line begins with it."""
    for node in list(doctree.findall(nodes.math)):
        parent = node.parent
        place = parent.index(node)
        after = parent[place + 1] if place + 1 < len(parent) else None
        marks = PUNCTUATION.match(after.astext()) if isinstance(after, nodes.Text) else None
        if marks:
            rest = nodes.Text(after.astext()[marks.end() :])
            bound = nodes.inline("", "", node, nodes.Text(marks[0]), classes=["nobreak"])
            parent[place : place + 2] = [bound, rest]


def copy_katex(app, error):
    """Put the style sheet and the fonts that browsers take (woff2) beside the pages."""
    if error is not None or app.builder.format != "html":
        return
    dist = Path(app.confdir) / "web" / "node_modules" / "katex" / "dist"
    target = Path(app.outdir) / "_static" / "katex"
    (target / "fonts").mkdir(parents=True, exist_ok=True)
    css = (dist / "katex.min.css").read_text(encoding="utf-8")
    (target / "katex.min.css").write_text(OTHER_FORMATS.sub("", css), encoding="utf-8")
    for font in sorted((dist / "fonts").glob("*.woff2")):
        copy_asset_file(font, target / "fonts")


def setup(app):
    """Register the renderer as `katex_static`."""
    app.add_html_math_renderer("katex_static", (visit_inline, None), (visit_block, None))
    app.connect("doctree-resolved", keep_punctuation)
    app.connect("build-finished", copy_katex)
    app.connect("build-finished", KATEX.stop)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
