"""A tiny course, built once, that tests may spoil: each gets a copy of its own."""

import os
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import settings

from coursekit.build import build
from coursekit.course import Course
from coursekit.lessons import find_lesson

# The gate says the same twice; HYPOTHESIS_PROFILE=default looks for new examples.
settings.register_profile("gate", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

ROOT = Path(__file__).resolve().parents[1]

LESSON = """\
# %% [markdown]
# # A tiny lesson
# It says 42, as its code does, and cites [a paper](cite:lin2017), from 1999.

# %% setup=true minutes=1

# %% [markdown]
# ## Draw
# <details><summary><b>Answer</b></summary>
#
# Up.
#
# </details>

# %% figure="exact" alt="A straight line that rises from left to right."
import matplotlib.pyplot as plt
import numpy as np


def plot_line(slope=42):
    return plt.plot([0, slope])


lines = plot_line()

# %% explore=true
from deepcourse.widgets import explore

explore(plot_line, slope=(1, 3))

# %% [markdown]
# ## Measure
# The matrix has 42 entries.

# %%
from deepcourse.claims import claim

X = np.ones((6, 7))  # (batch, features)
print(X.size)
claim("the mean", X.mean(), at_most=2, baseline={"the sum": X.sum()})
"""


@pytest.fixture(scope="session")
def course():
    """The course itself."""
    return Course(ROOT)


@pytest.fixture(scope="session")
def built_course(tmp_path_factory):
    """A course with one lesson, `tiny`, built; read only."""
    root = tmp_path_factory.mktemp("course")
    (root / "book" / "lessons").mkdir(parents=True)
    for name in ("_config.yml", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    for name in ("notation.md", "references.bib"):
        shutil.copy(ROOT / "book" / name, root / "book" / name)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "deepcourse", root / "src" / "deepcourse", ignore=ignore)
    (root / "book" / "lessons" / "tiny.py").write_text(LESSON, encoding="utf-8")
    course = Course(root)
    build(find_lesson(course, "tiny"))
    return course


@pytest.fixture
def tiny(built_course, tmp_path):
    """The lesson `tiny` of a fresh copy of the tiny course."""
    root = tmp_path / "course"
    shutil.copytree(built_course.root, root)
    return find_lesson(Course(root), "tiny")


@pytest.fixture
def edit(tiny):
    """Return a function that replaces text in the tiny lesson's source (once, and it must be)."""

    def replace(old, new):
        text = tiny.source.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        tiny.source.write_text(text.replace(old, new), encoding="utf-8")

    return replace


@pytest.fixture(scope="session")
def html():
    """The folder of the built site, brought up to date."""
    import site_course
    from coursekit.site import install_web

    status, said = site_course.build(site_course.ROOT)
    assert status == 0, said
    install_web(site_course.ROOT, dev=True)
    return site_course.ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def address(html):
    """The address at which the site is served while the tests run."""
    from coursekit.site import make_server

    with make_server(html) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """The browser that is there; without one, what needs it is skipped and says why."""
    from coursekit.pdf import FLAGS, NAMES, find_browser

    needed = "browser tests skipped: playwright is missing (pip install -e '.[dev]')"
    playwright = pytest.importorskip("playwright.sync_api", reason=needed)
    found = find_browser()
    if found is None:
        pytest.skip(f"browser tests skipped: none of {', '.join(NAMES)} is installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser):
    """A page that notes what it should not do; a test that lets it do so empties `page.seen`."""
    from site_browser import SIZES, watch

    context = browser.new_context(viewport=SIZES["wide"])
    opened = context.new_page()
    opened.seen = watch(opened)
    yield opened
    context.close()
    assert opened.seen == []
