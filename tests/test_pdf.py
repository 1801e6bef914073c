"""One document of all pages, and the PDF that a browser prints of it."""

import re

import pytest

from coursekit import pdf
from coursekit.errors import CourseError

SITE = "https://example.github.io/course"
PAGE = (
    '<!DOCTYPE html><html><head><title>{title}</title></head><body><nav class="bd-links">'
    "{nav}</nav><article><h1 id='top'>{title}<a class='headerlink' href='#top'>#</a></h1>"
    "{body}</article></body></html>"
)
BODY = (
    '<a href="../other/b.html#part">there</a><a href="../other/b.html">whole</a>'
    '<a href="#top">here</a><a href="../_sources/a.ipynb">source</a>'
    '<a href="https://python.org/x">out</a><img alt="dot" src="../_images/dot.svg">'
    "<details><summary>Answer</summary><p>Up.</p></details><script>alert(1)</script>"
    '<course-demo name="x" src="../_static/x.js"><img alt="demo" src="../_images/dot.svg">'
    '<p><a href="../other/b.html#part">Live</a></p><noscript>no</noscript></course-demo>'
    '<svg><defs><clipPath id="cut"></clipPath></defs><g clip-path="url(#cut)"></g></svg>'
)
NAV = (
    '<p class="caption">Part</p><ul><li><a class="reference internal" href="{0}book/a.html">A</a>'
    '</li><li><a class="reference internal" href="{0}other/b.html">B</a></li></ul>'
)


@pytest.fixture
def html(tmp_path):
    """Three pages, of which one links to all kinds of things."""
    for name in ("book", "other", "_images", "_static"):
        (tmp_path / name).mkdir()
    (tmp_path / "_images" / "dot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    nav = NAV.format("../")
    pages = {"book/index": ("Cover", "<p>Read.</p>"), "book/a": ("A", BODY)}
    pages["other/b"] = ("B", '<h2 id="part">Part of B</h2>' + "<p>words</p>" * 80)
    for name, (title, body) in pages.items():
        page = PAGE.format(title=title, nav=nav, body=body)
        (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")
    return tmp_path


def test_links_pictures_and_names_survive_the_joining(html):
    names = pdf.page_names(html)
    assert names == ["book/index.html", "book/a.html", "other/b.html"]
    whole = pdf.join_pages(html, names, SITE)
    links = re.findall(r'href="([^"]+)"', whole)
    assert set(links) == {
        "_static/site.css",
        "#book-a-",
        "#other-b-",
        "#other-b--part",
        "#book-a--top",
        f"{SITE}/_sources/a.ipynb",
        "https://python.org/x",
    }
    anchors = re.findall(r'\bid="([^"]+)"', whole)
    assert len(anchors) == len(set(anchors))
    assert {link[1:] for link in links if link.startswith("#")} <= set(anchors)
    assert 'src="_images/dot.svg"' in whole
    assert 'alt="demo"' in whole, "a live demo leaves its still picture"
    assert "<noscript" not in whole
    assert 'clip-path="url(#book-a--cut)"' in whole
    assert "<details open" in whole
    assert "<script" not in whole
    assert "headerlink" not in whole


def test_the_pdf_has_an_outline_links_tags_and_a_number_on_each_page(html, tmp_path):
    if pdf.find_browser() is None:
        pytest.skip(f"PDF not printed: none of {', '.join(pdf.NAMES)} is installed")
    path = pdf.make_pdf(html, tmp_path / "out" / "book.pdf", SITE)
    data = path.read_bytes()
    outline = re.findall(rb"/Title \((.*?)\)\n", data)
    assert {t.decode() for t in outline} >= {"Cover", "Contents", "A", "B", "Part of B"}
    assert len(re.findall(rb"/Type /Page\n", data)) >= 5
    for part in (b"/Outlines", b"/StructTreeRoot", b"/MarkInfo", b"/Lang (en)"):
        assert part in data
    destinations = set(re.findall(rb"/Dest /([\w-]+)", data))
    assert {b"other-b--part", b"book-a--top"} <= destinations
    assert all(re.search(rb"/" + name + rb" \[?\d", data) for name in destinations)
    assert b"(https://python.org/x)" in data
    assert not (html / "whole-book.html").exists()


def test_without_a_browser_it_says_what_is_missing(html, monkeypatch, tmp_path):
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    with pytest.raises(CourseError, match="needs Chromium or Chrome; came none of chromium"):
        pdf.make_pdf(html, tmp_path / "book.pdf", SITE)
