"""Sphinx extension: pages ask no other site for anything, and carry no script they do not use.

What would is a warning that names the file and the line; what the toolchain adds is taken off.
"""

import re
from pathlib import Path

from docutils import nodes
from places import nearest
from sphinx.util import logging

LOG = logging.getLogger(__name__)
NEVER = ("thebe", "mathjax", "require.js", "fontawesome.js")
# a script or style: what a page must hold for it to be of use there
ONLY_WITH = {
    "togglebutton": 'class="toggle',
    "design-tabs.js": "sd-tab",
    "sphinx-design": "sd-",
    "clipboard.min.js": 'class="highlight',
    "copybutton": 'class="highlight',
    "mystnb": "cell",
    "sphinx-thebe": "thebe",
    "cover.js": 'class="pulse-figure',
    "course-demo.js": "<course-demo ",
}
# an attribute or style rule that makes a browser fetch from elsewhere
FETCHES = re.compile(
    r"""<(?:img|script|iframe|video|audio|source|embed|object|input)\b[^>]*?"""
    r"""\b(?:src|srcset|data|poster)\s*=\s*["']?\s*(?:https?:)?//|<link\b[^>]*?href\s*=\s*["']?"""
    r"""\s*(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import\s+["'](?:https?:)?//""",
    re.IGNORECASE,
)
THEBE = re.compile(
    r'<script type="text/x-thebe-config">.*?</script>|<script>\s*kernelName = .*?</script>',
    re.DOTALL,
)
MEND = "put the file into the repository and link to it there: pages ask no other site for anything"


def check_page(app, doctree):
    """Warn of a picture or raw HTML that a browser would fetch from another site."""
    for node in doctree.findall(nodes.image):
        if "://" in node.get("uri", ""):
            LOG.warning(
                "picture %s: %s", node["uri"], MEND, location=nearest(node), type="self_contained"
            )
    for node in doctree.findall(nodes.raw):
        found = FETCHES.search(node.astext()) if "html" in node.get("format", "") else None
        if found:
            LOG.warning("%s…: %s", found[0], MEND, location=nearest(node), type="self_contained")


def check_styles(app):
    """Warn of an address of another site in the course's own style sheets and scripts."""
    web = Path(app.confdir) / "web"
    files = [*(web / "static").rglob("*"), *(web / "demos").rglob("*")]
    kinds = {".css", ".js", ".mjs", ".json", ".svg", ".html"}
    for path in sorted(p for p in files if p.suffix in kinds):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = FETCHES.search(line)
            if found:
                LOG.warning("%s…: %s", found[0], MEND, location=f"{path}:{number}")


def _asset_text(asset):
    attributes = getattr(asset, "attributes", None) or {}
    name = getattr(asset, "filename", asset) or ""
    return f"{name} {attributes.get('body') or ''}".lower()


def lighten(app, pagename, templatename, context, doctree):
    """Drop the scripts and styles that this page has no use for; warn of a foreign one."""
    body = context.get("body", "")
    if body:
        context["body"] = THEBE.sub("", body)
    for kind in ("script_files", "css_files"):
        kept = []
        for asset in context.get(kind, []):
            text = _asset_text(asset)
            unused = any(name in text and mark not in body for name, mark in ONLY_WITH.items())
            if unused or any(name in text for name in NEVER):
                continue
            if "://" in text.split(" ")[0]:
                config = Path(app.confdir) / "_config.yml"
                LOG.warning("%s on page %s: %s", text, pagename, MEND, location=f"{config}:1")
            kept.append(asset)
        if kind in context:
            context[kind] = kept


def setup(app):
    """Connect the checks, and the filter behind everyone else's additions."""
    app.connect("builder-inited", check_styles)
    app.connect("doctree-read", check_page)
    app.connect("html-page-context", lighten, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
