"""Sphinx extension: every picture says what one sees, and the toolchain's ARIA slips are mended."""

import re

from docutils import nodes
from places import nearest
from sphinx.util import logging

LOG = logging.getLogger(__name__)
FILE_NAME = re.compile(r"_images/|\.(?:png|svg|jpe?g|gif|webp)$", re.IGNORECASE)
# what the toolchain writes, and what stands in its place
MENDED = (
    (' role="doc-biblioentry"', ""),
    (' role="doc-backlink"', ""),
    (' role="list" class="citation-list"', ' class="citation-list"'),
    ('<summary aria-label="Toggle hidden content">', "<summary>"),
)
WIDE_TABLE = re.compile(r'<div class="pst-scrollable-table-container">')


def check_alt(app, doctree):
    """Warn of a picture without alternative text, or with a file's name for one."""
    for node in doctree.findall(nodes.image):
        alt = node.get("alt", "").strip()
        if not alt or FILE_NAME.search(alt):
            LOG.warning(
                'picture without alternative text: say what one sees, in a lesson with alt="…" in '
                "the cell's header, on a page with ![what one sees](file)",
                location=nearest(node),
                type="alt",
            )


def mend(app, pagename, templatename, context, doctree):
    """Rewrite what accessibility checks object to."""
    body = context.get("body")
    if body is None:
        return
    for old, new in MENDED:
        body = body.replace(old, new)
    context["body"] = WIDE_TABLE.sub(
        '<div class="pst-scrollable-table-container" tabindex="0" role="group" aria-label="table">',
        body,
    )


def setup(app):
    """Connect the gate and the mending."""
    app.connect("doctree-read", check_alt)
    app.connect("html-page-context", mend, priority=960)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
