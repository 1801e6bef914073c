"""A page with the playground open: how tests reach it and what they read off it."""

PAGE = "book/playground.html"
LESSON = "notebooks/lessons/01_regression_to_networks.html"
DEMO = "document.querySelector('course-demo').demo"


def open_demo(page, address, state=""):
    """Open the playground with a state, as a link to it does; return its element's locator."""
    page.goto(f"{address}/{PAGE}#{state}")
    if not state:
        page.click(".demo-open")
    page.wait_for_function(DEMO)
    return page.locator("course-demo")


def steps(page):
    return page.evaluate(f"{DEMO}.trainer.steps")


def wait_for_steps(page, more=1):
    page.wait_for_function(f"n => {DEMO}.trainer.steps >= n", arg=steps(page) + more)


def focused(page):
    """Return name and text of what has the focus, looking into the shadow root."""
    return page.evaluate(
        """() => { const host = document.activeElement;
          const e = host.shadowRoot?.activeElement ?? host;
          return [e.name || e.className || e.tagName, e.value ?? '']; }"""
    )
