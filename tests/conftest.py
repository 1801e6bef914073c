"""A tiny course, built once, that tests may spoil: each gets a copy of its own."""

import os
import shutil
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
