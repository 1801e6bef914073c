"""Sphinx extension: what stands outside the text: descriptions, addresses, the two bare pages."""

import re
from html import escape
from pathlib import Path

from docutils import nodes

from coursekit.course import Course

LONGEST = 155  # characters of a description that search engines show
SPACE = re.compile(r"\s+")
REDIRECT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="refresh" content="0; url={page}"/>
<meta name="description" content="{description}"/>
<link rel="icon" href="_static/favicon.svg"/>
<link rel="canonical" href="{site}/{page}"/>
<title>{title}</title>
</head>
<body><p><a href="{page}">{title}</a></p></body>
</html>
"""


def describe(doctree):
    """Return a page's first paragraph of prose, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        inside = (nodes.table, nodes.figure, nodes.list_item, nodes.citation, nodes.sidebar)
        parent = paragraph.parent
        while parent is not None and not isinstance(parent, inside):
            parent = parent.parent
        text = SPACE.sub(" ", paragraph.astext()).strip()
        if parent is None and len(text) > 40:
            return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " …"
    return ""


def set_address(app, config):
    """Derive all addresses from the repository's, the only one that is written down.

    On a page, `[text](repo:path)` leads to a file of the repository, `[text](demo:name#situation)`
    to a live demo.
    """
    course = Course(Path(app.confdir))
    config.html_baseurl = course.site_url + "/"
    config.html_theme_options["repository_url"] = course.repository_url
    config.html_context["launch_branch"] = course.branch
    schemes = dict.fromkeys(("http", "https", "mailto"))
    demo = course.site_url + "/book/{{path}}.html#{{fragment}}"
    repo = course.repository_url + "/{{path}}"
    config.myst_url_schemes = schemes | {"repo": repo, "demo": demo}


def add_description(app, pagename, templatename, context, doctree):
    """Give the page a description and what previews of a link show."""
    if pagename == "search":
        text = f"Search the book {app.config.project}."
    else:
        text = describe(doctree) if doctree is not None else ""
    text = escape(text or f"A page of the book {app.config.project}.", quote=True)
    title = escape(re.sub("<[^>]+>", "", context.get("title", "")), quote=True)
    metatags = context.get("metatags", "")
    if 'name="description"' not in metatags:
        metatags += f'\n<meta name="description" content="{text}"/>'
    metatags += f'\n<meta property="og:title" content="{title}"/>'
    metatags += f'\n<meta property="og:description" content="{text}"/>'
    context["metatags"] = metatags + '\n<meta property="og:type" content="article"/>'


def add_not_found(app):
    """Write 404.html: it carries its style, because it is shown at any depth of the site."""
    yield "404", {"site": app.config.html_baseurl.rstrip("/")}, "404.html"


def write_root(app, error):
    """Send the address of the folder itself to the cover."""
    if error is not None or app.builder.format != "html":
        return
    cover = app.config.root_doc
    page = REDIRECT.format(
        page=f"{cover}.html",
        site=app.config.html_baseurl.rstrip("/"),
        title=escape(app.config.html_title),
        description=escape(describe(app.env.get_doctree(cover)), quote=True),
    )
    (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")


def setup(app):
    """Connect each of them."""
    app.connect("config-inited", set_address)
    app.connect("html-page-context", add_description)
    app.connect("html-collect-pages", add_not_found)
    app.connect("build-finished", write_root, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
