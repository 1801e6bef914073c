"""Cells that were copied, deleted, moved, split, renamed or stripped find their place again."""

import json

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grade_course as course
from coursekit.grading.align import align, released_cells
from coursekit.grading.reading import Unreadable, read_notebook

NAMES = {"mean", "test-mean", "test-hidden", "share", "test-share", "draw", "test-draw"}
NAMES |= {"words", "code", "task"}
ORDER = [c.metadata.nbgrader.grade_id for c in course.source().cells if "nbgrader" in c.metadata]
WORDS = "Since outliers pull it, and there are few of them in the data that we have seen so far."


def work(**answers):
    """Return a right submission and what was released."""
    source = course.source()
    released, others = released_cells(source, NAMES)
    right = course.answered(source, **course.RIGHT | {"words": WORDS} | answers)
    return right, released, others


def labels(notebook):
    """Return the labels in the order of the cells."""
    return [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]


def test_an_honest_submission_is_left_as_it_is():
    notebook, released, others = work()
    before = json.dumps(notebook)
    assert align(notebook, released, others) == ([], [])
    assert json.dumps(notebook) == before


@pytest.mark.parametrize("keep_ids", [True, False])
def test_stripped_metadata_comes_back(keep_ids):
    notebook, released, others = work()
    for number, cell in enumerate(notebook.cells):
        cell.metadata = nbformat.NotebookNode()
        cell.id = cell.id if keep_ids else f"x{number}"
    notes, missing = align(notebook, released, others)
    assert missing == []
    assert labels(notebook) == ORDER
    assert any("by its id" in note for note in notes) is keep_ids
    assert course.cell(notebook, "mean" if keep_ids else "x2").source == course.MEAN


def test_of_copied_cells_the_last_changed_one_counts():
    notebook, released, others = work()
    stub = next(each for each in released if each.name == "mean").source
    copy = nbformat.from_dict(course.cell(notebook, "mean") | {"id": "copy", "source": stub})
    notebook.cells.append(copy)
    notes, _ = align(notebook, released, others)
    assert labels(notebook) == ORDER
    assert course.cell(notebook, "mean").metadata.nbgrader.grade_id == "mean"
    assert notes == ["mean was there more than once: the last one counts"]


def test_a_deleted_test_is_put_back_where_it_was():
    notebook, released, others = work(**{"test-mean": None})
    notes, missing = align(notebook, released, others)
    assert missing == ["test-mean"]
    assert labels(notebook) == ORDER
    assert notes == ["test-mean was missing and was put back"]


def test_a_test_that_was_moved_up_runs_behind_its_answer():
    notebook, released, others = work()
    test = course.cell(notebook, "test-hidden")
    notebook.cells.remove(test)
    notebook.cells.insert(0, test)
    notes, _ = align(notebook, released, others)
    assert labels(notebook) == ORDER
    assert notes == ["test-hidden was moved behind what it tests"]


def test_a_split_answer_keeps_both_halves():
    notebook, released, others = work(mean="def helper(x):\n    return x")
    where = next(n for n, c in enumerate(notebook.cells) if c.id == "mean")
    notebook.cells.insert(where + 1, nbformat.v4.new_code_cell(course.MEAN, id="half"))
    align(notebook, released, others)
    assert labels(notebook) == ORDER
    assert notebook.cells[where + 1].source == course.MEAN


def test_a_changed_label_cannot_make_a_test_worth_more_or_nothing():
    notebook, released, others = work()
    for cell in notebook.cells:
        if cell.id.startswith("test-"):
            cell.metadata.nbgrader.update(points=100, grade=False, locked=False, solution=True)
    align(notebook, released, others)
    for each in released:
        found = next(
            c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == each.name
        )
        assert dict(found.metadata.nbgrader) == each.metadata


def test_a_written_answer_without_label_is_found_by_its_place():
    notebook, released, others = work()
    cell = course.cell(notebook, "words")
    cell.metadata, cell.id = nbformat.NotebookNode(), "elsewhere"
    notes, missing = align(notebook, released, others)
    assert missing == []
    assert cell.metadata.nbgrader.grade_id == "words"
    assert notes == ["words was recognised by its place"]


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(range(12)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_whatever_is_done_each_graded_cell_is_there_once_and_behind_its_answers(random, cut):
    notebook, released, others = work()
    cells = [c for n, c in enumerate(notebook.cells) if n not in cut]
    cells += [nbformat.from_dict(c | {"id": f"{c.id}-2"}) for c in cells if random.random() < 0.3]
    for cell in cells:
        if random.random() < 0.3:
            cell.metadata = nbformat.NotebookNode()
    random.shuffle(cells)
    notebook.cells = cells
    align(notebook, released, others)
    found = labels(notebook)
    assert sorted(found) == sorted(set(found))
    graded = [each.name for each in released if each.is_needed]
    assert set(graded) <= set(found)
    for each in released:
        if each.is_test:
            before = {n for n in found[: found.index(each.name)]}
            assert {n for n in ORDER[: ORDER.index(each.name)] if n in found} <= before


@pytest.mark.parametrize("data", [b"", b"x", b"[]", b"{}", b'{"cells": []}', b'{"cells": 3}'])
def test_what_is_no_notebook_is_said_to_be_none(tmp_path, data):
    path = tmp_path / "hw.ipynb"
    path.write_bytes(data)
    with pytest.raises(Unreadable):
        read_notebook(path)


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path):
    text = nbformat.writes(work()[0])
    path = tmp_path / "hw.ipynb"
    path.write_text(text[: len(text) // 2], "utf-8")
    notebook, notes = read_notebook(path)
    assert 2 <= len(notebook.cells) < 12
    assert notes[0].startswith("cut off")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["cells", "cell_type", "source", "metadata", "nbgrader", "id", "code"]
                ),
                inner | st.sampled_from(["code", "markdown"]),
                max_size=5,
            )
        ),
        max_leaves=25,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_json_is_either_a_notebook_that_can_be_aligned_or_unreadable(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "hw.ipynb"
    path.write_text(json.dumps(data), "utf-8")
    try:
        notebook, _ = read_notebook(path)
    except Unreadable:
        return
    _, released, others = work()
    align(notebook, released, others)
    nbformat.validate(nbformat.from_dict(json.loads(nbformat.writes(notebook))))
