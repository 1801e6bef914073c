"""The built site in a browser: every page, light and dark, wide and narrow.

Each check is a function that returns what is wrong; `test_the_checks_see_a_planted_fault` holds
each of them against a page that has the fault.
"""

import json
import re
import threading
import zipfile
from urllib.parse import urlsplit

import pytest

import site_pages
from coursekit.site import make_server, zip_site
from site_browser import SIZES, inaccessible, overflows, watch

PAGE_WEIGHT, PAGE_REQUESTS = 240_000, 35  # of a lesson, compressed, without its own pictures


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_clean_fits_and_is_accessible(html, address, browser, size, scheme):
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
    problems = {}
    for name in site_pages.names(html):
        page = context.new_page()
        seen = watch(page)
        page.goto(f"{address}/{name}", wait_until="load")
        page.wait_for_timeout(150)
        page.add_style_tag(content="* { content-visibility: visible !important }")  # all of it
        seen += overflows(page) + inaccessible(page)
        if seen:
            problems[name] = seen
        page.close()
    context.close()
    assert not problems, json.dumps(problems, indent=1)


FAULTS = {
    "console": '<script>console.error("boom")</script>',
    "script error": "<script>missing()</script>",
    "asks another site": '<img alt="a" src="http://127.0.0.2:1/a.png">',
    "HTTP 404": '<img alt="a" src="nowhere.png">',
    "sticks out": '<div style="width:3000px">wide</div>',
    "axe image-alt": '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
    "axe color-contrast": '<p style="color:#ccc;background:#fff">pale</p>',
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_checks_see_a_planted_fault(html, browser, tmp_path, fault):
    (tmp_path / "page.html").write_text(
        f'<!DOCTYPE html><html lang="en"><title>t</title><main><h1>h</h1>{FAULTS[fault]}</main>'
    )
    with make_server(tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page(viewport=SIZES["phone"])
        seen = watch(page)
        page.goto(f"http://127.0.0.1:{server.server_port}/page.html", wait_until="load")
        page.wait_for_timeout(150)
        seen += overflows(page) + inaccessible(page)
        page.close()
        server.shutdown()
    assert any(fault in line for line in seen), seen


def test_search_finds_a_word_of_each_lesson(html, address, browser):
    words = site_pages.rare_words(html)
    page = browser.new_page()
    for name, word in words.items():
        page.goto(f"{address}/search.html?q={word}")
        page.wait_for_selector("#search-results li a", timeout=10_000)
        found = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
        assert any(name in link for link in found), f"{word!r} of {name} found only {found}"
    page.close()


def test_the_search_dialog_opens_with_the_keyboard(address, browser):
    page = browser.new_page()
    page.goto(f"{address}/book/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("perceptron")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=perceptron*")
    page.close()


def test_the_theme_button_turns_the_page_dark_and_it_stays_so(address, browser):
    page = browser.new_page(color_scheme="light")
    page.goto(f"{address}/book/notation.html")
    shade = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(shade)
    for _ in range(3):
        if page.evaluate("() => document.documentElement.dataset.theme") != "dark":
            page.click(".theme-switch-button >> visible=true")
    assert page.evaluate(shade) != light
    page.goto(f"{address}/book/claims.html")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    page.close()


def test_formulas_are_readable_without_scripts(html, address, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for name in site_pages.names(html):
        if 'class="katex"' not in (html / name).read_text(encoding="utf-8"):
            continue
        page.goto(f"{address}/{name}")
        box = page.locator(".katex-html").first.bounding_box()
        assert min(box["width"], box["height"]) > 4, f"{name}: the first formula has no size"
        font = page.locator(".katex").first.evaluate("e => getComputedStyle(e).fontFamily")
        assert "KaTeX" in font, name
    context.close()


def test_the_folder_opens_from_a_disk(html, browser):
    page = browser.new_page()
    seen = watch(page)
    page.goto((html / "index.html").as_uri())
    page.wait_for_url("**/book/index.html")
    page.click("nav.bd-links a:has-text('Bibliography')")
    page.wait_for_selector(".citation")
    page.goto((html / "book" / "bibliography.html").as_uri() + "#lin2017")
    assert page.locator("#lin2017").bounding_box()["y"] < 900
    assert not seen, seen
    page.close()


def test_the_zip_opens_from_a_disk_and_finds_words_without_a_network(html, browser, tmp_path):
    pack = zip_site(html, tmp_path / "offline.zip")
    assert zip_site(html, tmp_path / "again" / "offline.zip").read_bytes() == pack.read_bytes()
    with zipfile.ZipFile(pack) as opened:
        opened.extractall(tmp_path)
    folder = tmp_path / "offline"
    context = browser.new_context(offline=True)
    page = context.new_page()
    seen = watch(page)
    page.on("requestfailed", lambda request: seen.append(f"{request.failure}: {request.url}"))
    name = site_pages.lessons(html)[0]
    page.goto((folder / "index.html").as_uri())
    page.wait_for_url("**/book/index.html")
    page.goto((folder / name).as_uri())
    page.evaluate(
        """() => Promise.all([...document.images].map(i => {
          i.loading = 'eager'; return i.decode();
        }))"""
    )
    seen = [fault for fault in seen if not fault.startswith("net::ERR_ABORTED")]  # by leaving
    assert not seen, seen
    page.goto((folder / "search.html").as_uri() + "?q=perceptron")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    outside = [link for link in site_pages.Page(folder / name).links if link[2].startswith("/")]
    assert not outside, outside
    context.close()


def test_a_lesson_is_light(html, address, browser):
    for name in site_pages.lessons(html):
        page = browser.new_page(viewport=SIZES["phone"])
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(urlsplit(request.url).path))
        page.goto(f"{address}/{name}", wait_until="networkidle")
        own = [path for path in asked if not re.search(r"/_images/", path)]
        weight = sum(site_pages.packed_size(html / path.lstrip("/")) for path in own)
        page.close()
        assert weight <= PAGE_WEIGHT, f"{name} weighs {weight:,} bytes"
        assert len(own) <= PAGE_REQUESTS, f"{name} asks for {len(own)} files: {own}"


def test_the_cover_draws_as_many_bends_as_the_slider_says(address, browser):
    page = browser.new_page(reduced_motion="reduce")
    page.goto(f"{address}/book/index.html")
    slider = page.locator(".pulse-figure input")
    slider.focus()
    slider.press("Home")
    assert "0 hidden units" in page.locator(".pulse-figure output").inner_text()
    slider.press("ArrowRight")
    assert "1 hidden unit," in page.locator(".pulse-figure output").inner_text()
    assert page.locator(".curves path.on").count() == 1
    page.close()
