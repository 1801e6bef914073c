"""Sphinx extension: links to the published site lead to this copy of it, and must lead somewhere.

Lessons hold absolute addresses, because they are read in Colab too. In the built site each becomes
a relative link; one to a page, heading or bibliography key that is not there is a warning.
"""

import re
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.logging import get_node_location

from coursekit.course import Course
from coursekit.lessons import citation_keys

LOG = logging.getLogger(__name__)
PAGE = re.compile(r"(?P<page>[^#?]*)\.html(?:#(?P<anchor>.+))?$")
BIBLIOGRAPHY = "book/bibliography"


def _target(site, uri):
    """Return (page, anchor) of an address of this site, (None, None) of any other.

    The page is '' when the address names none.
    """
    if uri.rstrip("/") == site:
        return "index", ""
    if not uri.startswith(f"{site}/"):
        return None, None
    match = PAGE.match(uri.removeprefix(f"{site}/"))
    return (match["page"], match["anchor"] or "") if match else ("", "")


def remember(app, doctree):
    """Note a page's anchors and its links into this site, to be compared once all are read."""
    site = app.config.html_baseurl.rstrip("/")
    env, page = app.env, app.env.docname
    env.own_anchors[page] = {i for node in doctree.findall(nodes.Element) for i in node["ids"]}
    env.own_links[page] = [
        (get_node_location(node), node["refuri"], *_target(site, node["refuri"]))
        for node in doctree.findall(nodes.reference)
        if _target(site, node.get("refuri", ""))[0] is not None
    ]


def check(app, env):
    """Warn of each link into this site whose page or anchor does not exist."""
    root = Path(app.confdir)
    keys = citation_keys(Course(root))
    for links in env.own_links.values():
        for place, uri, page, anchor in links:
            if page == "index":
                continue
            if page not in env.found_docs:
                wrong = "there is no such page; mend the address or add the page to _toc.yml"
            elif page == BIBLIOGRAPHY and anchor and anchor not in keys:
                wrong = f"book/references.bib has no entry {anchor}; add it or mend the key"
            elif page != BIBLIOGRAPHY and anchor and anchor not in env.own_anchors[page]:
                wrong = f"{page} has no anchor #{anchor}; mend it after the heading's words"
            else:
                continue
            LOG.warning("link to %s: %s", uri, wrong, location=place, type="own_links")


def make_relative(app, doctree, docname):
    """Turn each absolute link into this site into a relative one."""
    if app.builder.format != "html":
        return
    site = app.config.html_baseurl.rstrip("/")
    for node in doctree.findall(nodes.reference):
        page, anchor = _target(site, node.get("refuri", ""))
        if (page and page in app.env.found_docs) or page == "index":
            known = page if page in app.env.found_docs else app.config.root_doc
            relative = app.builder.get_relative_uri(docname, known)
            node["refuri"] = f"{relative}#{anchor}" if anchor else relative
            node["internal"] = True


def _init(app):
    for name in ("own_links", "own_anchors"):
        if not hasattr(app.env, name):
            setattr(app.env, name, {})


def _purge(app, env, docname):
    env.own_links.pop(docname, None)
    env.own_anchors.pop(docname, None)


def _merge(app, env, docnames, other):
    for name in docnames:
        env.own_links[name] = other.own_links.get(name, [])
        env.own_anchors[name] = other.own_anchors.get(name, set())


def setup(app):
    """Connect: note while reading, compare when all is read, rewrite when writing."""
    app.connect("builder-inited", _init)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("doctree-read", remember)
    app.connect("env-check-consistency", check)
    app.connect("doctree-resolved", make_relative)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": 1}
