"""From text to notebook: the same bytes twice, only what changed, and nothing lost on failure."""

import nbformat
import pytest

from coursekit.build import build
from coursekit.course import Course
from coursekit.errors import CourseError
from coursekit.lessons import find_lesson, read_lesson
from coursekit.normalize import normalize


def test_building_twice_gives_the_same_bytes(tiny):
    before = tiny.notebook.read_bytes()
    assert build(tiny, force=True) == "executed"
    assert tiny.notebook.read_bytes() == before
    tiny.notebook.unlink()
    build(tiny)
    assert tiny.notebook.read_bytes() == before


def test_an_unchanged_lesson_is_not_run_again(tiny):
    stamp = tiny.notebook.stat().st_mtime_ns
    assert build(tiny) == "kept"
    assert tiny.notebook.stat().st_mtime_ns == stamp


def test_changed_prose_is_renewed_without_running_the_lesson(tiny, edit):
    edit("has 42 entries", "has 42 entries, no more")
    assert build(tiny) == "reset"
    cells = nbformat.read(tiny.notebook, 4).cells
    assert any("no more" in cell.source for cell in cells)
    assert cells[3].outputs  # the figure is still there


def test_changed_code_is_run(tiny, edit):
    edit("print(X.size)", "print(X.size + 1)")
    assert build(tiny) == "executed"
    assert "43\n" in nbformat.read(tiny.notebook, 4).cells[-1].outputs[0].text


@pytest.mark.parametrize("name", ["src/deepcourse/claims.py", "constraints.txt"])
def test_a_changed_helper_or_constraint_makes_the_lesson_run(tiny, name):
    path = tiny.course.root / name
    path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert build(tiny) == "executed"


def test_a_changed_helper_that_the_lesson_does_not_import_changes_nothing(tiny):
    path = tiny.course.root / "src" / "deepcourse" / "shapes.py"
    path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert build(tiny) == "kept"


def test_a_failing_lesson_is_named_with_its_cell_and_the_old_notebook_stays(tiny, edit):
    before = tiny.notebook.read_bytes()
    edit("print(X.size)", "print(X.sise)")
    with pytest.raises(CourseError) as caught:
        build(tiny)
    message = str(caught.value)
    for part in ("lesson tiny", "book/lessons/tiny.py:35", "X.sise", "AttributeError", "stays"):
        assert part in message
    assert tiny.notebook.read_bytes() == before


def test_a_false_claim_stops_the_build(tiny, edit):
    edit("at_most=2", "at_most=0.5")
    with pytest.raises(CourseError, match="not true: the mean is at most"):
        build(tiny)


def test_a_cell_that_writes_to_stderr_stops_the_build(tiny, edit):
    before = tiny.notebook.read_bytes()
    edit("print(X.size)", "import sys; print(42, file=sys.stderr)")
    with pytest.raises(CourseError, match=r"tiny.py:35: this cell writes to stderr"):
        build(tiny)
    assert tiny.notebook.read_bytes() == before


def test_an_unknown_lesson_is_answered_with_the_nearest_name(tiny):
    with pytest.raises(CourseError, match=r"no lesson is called 'tinny'. Did you mean 'tiny'\?"):
        find_lesson(tiny.course, "tinny")


def test_a_lesson_is_found_by_its_path_too(tiny):
    assert find_lesson(tiny.course, "book/lessons/tiny.py") == tiny


def test_outside_a_checkout_the_error_says_where_to_go(tmp_path):
    with pytest.raises(CourseError, match="change into the checkout"):
        Course.find(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minutes=1", "minuts=1", r"tiny.py:5: the cell's header holds minuts"),
        ('figure="exact"', "figure=exact", "text in double quotes"),
        ('figure="exact"', 'figure="nice"', "came figure='nice'"),
        ("A straight line that rises from left to right.", "line", "20 characters or more"),
        ("cite:lin2017", "cite:lin1917", "references.bib does not have"),
        ("cite:lin2017", "lesson:zzz", r"book/lessons/zzz.py is not there"),
        ("cite:lin2017", "page:zzz", r"book/zzz.md is not there"),
        ("# %% [markdown]\n# # A tiny", "# hello\n# %% [markdown]\n# # A tiny", "tiny.py:1: expec"),
    ],
)
def test_a_header_or_link_that_means_nothing_is_refused_with_its_line(
    tiny, edit, old, new, message
):
    edit(old, new)
    with pytest.raises(CourseError, match=message):
        read_lesson(tiny)


@pytest.mark.parametrize("blank_lines", ["\n", "\n\n\n\n"])
def test_blank_lines_before_a_header_mean_nothing(tiny, edit, blank_lines):
    edit("lines = plot_line()\n\n# %%", f"lines = plot_line(){blank_lines}# %%")
    assert read_lesson(tiny).cells[3].metadata.tags == ["figure-exact"]


def test_links_are_stamped_with_the_one_address(tiny, edit):
    edit("cite:lin2017", "page:notation#shapes")
    config = tiny.course.root / "_config.yml"
    config.write_text("repository: {url: https://github.com/Some-One/fork/}\n", encoding="utf-8")
    cells = read_lesson(find_lesson(Course(tiny.course.root), "tiny")).cells
    assert "](https://some-one.github.io/fork/book/notation.html#shapes)" in cells[0].source
    assert '"https://some-one.github.io/fork/deepcourse-' in cells[1].source


def test_the_canonical_form_is_a_fixed_point_and_drops_the_rest(tiny):
    notebook = nbformat.read(tiny.notebook, 4)
    digest = notebook.metadata.deepcourse.source_hash
    notebook.cells[3].metadata["collapsed"] = True
    notebook.cells[3].execution_count = 7
    notebook.metadata["widgets"] = {}
    once = normalize(notebook, tiny.where, digest)
    assert once == nbformat.read(tiny.notebook, 4)


def test_cells_with_the_same_text_get_different_ids(tiny, edit):
    edit("print(X.size)", "print(X.size)\n\n# %%\n1 + 1\n\n# %%\n1 + 1\n\n# %%\nprint(42)")
    build(tiny)
    ids = [cell.id for cell in nbformat.read(tiny.notebook, 4).cells]
    assert len(set(ids)) == len(ids)
