"""Make one PDF of the built site, with an outline, page numbers and working links.

    python -m coursekit.pdf         _build/html to _build/release/deepcourse-VERSION.pdf

All pages, in the order of the contents, become one document, which a headless Chromium prints.
"""

import re
import shutil
import sys
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.site import require_site

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--no-first-run"]
REFERRING = ("for", "aria-labelledby", "aria-describedby", "aria-controls")
SCREEN_ONLY = "script, noscript, .headerlink, button, input, .prev-next-area, .action"
LOCAL = re.compile(r"url\(#([^)]+)\)")
STYLE = """
@page { size: A4; margin: 18mm 18mm 20mm }
html, body { font-size: 10.5pt; background: #fff }
body, .bd-main, .bd-content, .bd-article-container, .bd-article {
  display: block !important; max-width: none !important; width: auto !important;
  padding: 0 !important; margin: 0 !important; overflow: visible !important }
* { content-visibility: visible !important }
article { break-before: page }
article:first-of-type { break-before: auto }
h1, h2, h3, h4 { break-after: avoid }
figure, img, svg, .output, .math { break-inside: avoid }
div.cell, div.cell_input, pre, table, blockquote { break-inside: auto !important }
img, svg { max-width: 100% }
.cell_output img { width: auto; height: auto; max-height: 85mm }
.bd-article h1 { display: block !important; font-size: 22pt; margin: 0 0 6mm }
.bd-article h2 { font-size: 15pt; margin-top: 8mm }
.bd-article p, .bd-article li { font-size: 10pt; line-height: 1.4 }
.bd-article .cover-lead p { font-size: 13pt }
.bd-article pre { font-size: 8pt; line-height: 1.35;
  white-space: pre-wrap !important; overflow: visible !important }
.contents ul { display: block; list-style: none; padding-left: 0 }
.contents li, .contents li > a { display: block; padding: 0 }
.contents .caption { font-weight: bold; margin-bottom: 0 }
"""
FOOTER = (
    '<div style="width: 100%; font: 8pt sans-serif; text-align: center">'
    '<span class="pageNumber"></span></div>'
)


def find_browser():
    """Return the path of a Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, NAMES)), str(MAC) if MAC.exists() else None)


def page_names(html):
    """Return the book's pages, files below folder `html`, in the order of the contents."""
    cover = "book/index.html"
    contents = _soup(html / cover).select("nav.bd-links a.reference.internal")
    names = [cover]
    for link in contents:
        name = _inside(html, cover, link["href"])[0]
        if name and name not in names:
            names.append(name)
    return names


def join_pages(html, names, site):
    """Return the pages `names` of folder `html` as one document; paths in it begin at `html`.

    Links between them stay inside; any other link into the site leads to the published one, `site`.
    """
    pages = {name: _soup(html / name) for name in names}
    articles = [_article(html, name, pages, site) for name in names]
    articles.insert(1, _contents(html, names[0], pages, site))
    title = escape(pages[names[0]].title.get_text().strip()) if pages[names[0]].title else ""
    return (
        '<!DOCTYPE html>\n<html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{title}</title>'
        f'<link rel="stylesheet" href="_static/site.css"><style>{STYLE}</style></head>'
        '<body><main class="bd-main"><div class="bd-content"><div class="bd-article-container">'
        f"{''.join(articles)}</div></div></main></body></html>\n"
    )


def _article(html, name, pages, site):
    """Return the article of a page with names that no other page has."""
    article = pages[name].find("article")
    if article is None:
        raise CourseError(f"{name}: expected <article>, found none: build the site again")
    for node in article.select(SCREEN_ONLY):
        node.decompose()
    for details in article.find_all("details"):
        details["open"] = ""
    for node in article.find_all(True):
        if node.get("id"):
            node["id"] = _anchor(name, node["id"])
        for key in REFERRING:
            if node.get(key):
                node[key] = " ".join(_anchor(name, one) for one in node[key].split())
        for key in [key for key, value in node.attrs.items() if LOCAL.search(str(value))]:
            node[key] = LOCAL.sub(lambda m: f"url(#{_anchor(name, m[1])})", str(node[key]))
        if node.get("src"):
            node["src"] = _inside(html, name, node["src"])[0] or node["src"]
        if node.get("href"):
            node["href"] = _link(html, name, node["href"], pages, site)
    article["id"] = _anchor(name, "")
    return str(article)


def _contents(html, cover, pages, site):
    """Return the list of contents as an article."""
    parts = pages[cover].select_one("nav.bd-links")
    for link in parts.find_all("a"):
        link["href"] = _link(html, cover, link["href"], pages, site)
    return (
        f'<article class="bd-article contents"><h1>Contents</h1>{parts.decode_contents()}</article>'
    )


def _link(html, name, link, pages, site):
    target, anchor = _inside(html, name, link)
    if target is None:
        return link
    if target in pages:
        return f"#{_anchor(target, anchor)}"
    return f"{site}/{target}"


def _inside(html, name, link):
    """Return (file below `html`, anchor) of a link on page `name`; (None, "") when it leads out."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None, ""
    path = (html / name).parent / unquote(parts.path) if parts.path else html / name
    return Path(path).resolve().relative_to(html.resolve()).as_posix(), unquote(parts.fragment)


def _anchor(name, anchor):
    return re.sub(r"[^\w-]+", "-", name.removesuffix(".html")) + (f"--{anchor}" if anchor else "-")


def _soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def make_pdf(html, path, site, browser=None):
    """Print the site in folder `html` to the file `path`, and return `path`."""
    browser = browser or find_browser()
    if browser is None:
        raise CourseError(
            f"the PDF needs Chromium or Chrome; came none of {', '.join(NAMES)}: install one"
        )
    from playwright.sync_api import sync_playwright

    whole = html / "whole-book.html"
    whole.write_text(join_pages(html, page_names(html), site), encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with sync_playwright() as driver:
            started = driver.chromium.launch(executable_path=browser, args=FLAGS)
            page = started.new_page()
            page.goto(whole.resolve().as_uri(), wait_until="load")
            page.pdf(
                path=path,
                outline=True,
                tagged=True,
                prefer_css_page_size=True,
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
            )
            started.close()
    finally:
        whole.unlink()
    return path


def main():
    """Make the PDF of the site built here; return the exit status."""
    try:
        course = Course.find()
        html = require_site(course.root / "_build" / "html", "book/index.html")
        path = html.parent / "release" / f"deepcourse-{course.version}.pdf"
        print(make_pdf(html, path, course.site_url))
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
