"""What can be said of a page that is open in a browser: what it asks for, what it objects to."""

from urllib.parse import urlsplit

import site_course

SIZES = {"wide": {"width": 1400, "height": 900}, "phone": {"width": 390, "height": 844}}


def watch(page):
    """Return a list that fills with what `page` should not do while it is open."""
    problems = []

    def request(asked):
        host = urlsplit(asked.url).hostname
        if urlsplit(asked.url).scheme in {"http", "https"} and host != "127.0.0.1":
            problems.append(f"asks another site for {asked.url}")

    def response(answer):
        if answer.status >= 400:
            problems.append(f"HTTP {answer.status} for {answer.url}")

    def console(message):
        if message.type == "error":
            problems.append(f"console: {message.text}")

    page.on("request", request)
    page.on("response", response)
    page.on("console", console)
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    return problems


def overflows(page):
    """Return a list that names what sticks out of the window to the right."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
        [...document.querySelectorAll('body *')].filter(e => {
          for (let a = e; a !== document.body; a = a.parentElement)
            if (/auto|scroll|hidden/.test(getComputedStyle(a).overflowX)) return false;
          return e.getBoundingClientRect().right > innerWidth + 1;
        }).slice(0, 3).map(e => `${e.tagName}.${e.className} sticks out of the window`)"""
    )


def inaccessible(page):
    """Return a line for each thing axe-core objects to."""
    if not page.evaluate("() => 'axe' in window"):
        axe = site_course.ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
        page.evaluate(axe.read_text(encoding="utf-8"))
    answer = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"axe {found['id']}: {node['target']} {node['failureSummary'][:150]}"
        for found in answer["violations"]
        for node in found["nodes"][:3]
    ]
