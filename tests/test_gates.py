"""Each gate bites: a planted fault is found by the right gate, which says what to do."""

import nbformat
import pytest

from coursekit import gates
from coursekit.build import build
from coursekit.gates import claims, form, notebook, numbers
from coursekit.normalize import write
from coursekit.staleness import source_hash


def found(lesson, gate):
    """Return what `gate` alone says of `lesson`, as one text."""
    return "\n".join(gates.problems(lesson, [gate]))


def spoil(lesson, change):
    """Let `change` alter the built notebook's cells, then write it back."""
    built = nbformat.read(lesson.notebook, 4)
    change(built.cells)
    write(built, lesson.notebook)


def test_a_good_lesson_passes_every_gate_but_the_one_on_its_size(tiny):
    assert gates.problems(tiny, [g for g in gates.GATES if g is not form.sized]) == []


def test_a_lesson_without_its_notebook_is_told_to_be_built(tiny):
    tiny.notebook.unlink()
    assert "no notebook yet: run `make notebooks`" in found(tiny, notebook.in_step)


def test_a_changed_sentence_is_out_of_step(tiny, edit):
    edit("# Up.", "# Down.")
    message = found(tiny, notebook.in_step)
    assert "tiny.py:7: from this cell on" in message
    assert "run `make notebooks`" in message
    assert not found(tiny, notebook.fresh)


def test_a_changed_helper_makes_the_outputs_stale(tiny):
    helper = tiny.course.root / "src" / "deepcourse" / "claims.py"
    helper.write_text(helper.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    message = found(tiny, notebook.fresh)
    assert "stale" in message
    assert "claims.py" in message
    assert "run `make notebooks`" in message


def test_changed_pins_make_the_outputs_stale(tiny):
    pins = tiny.course.root / "constraints.txt"
    pins.write_text(pins.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert "stale" in found(tiny, notebook.fresh)


def test_another_record_makes_the_outputs_that_show_it_stale(tiny):
    folder = tiny.course.root / "src" / "deepcourse" / "reproduce" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    shows = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('recorded("tiny_run")')])
    hashes = set()
    for text in ("{}", "{ }"):
        (folder / "tiny_run.json").write_text(text, encoding="utf-8")
        (folder / "other.json").write_text(text * 2, encoding="utf-8")
        hashes.add(source_hash(shows, tiny.course))
    assert len(hashes) == 2
    (folder / "other.json").unlink()
    assert source_hash(shows, tiny.course) in hashes


def test_a_cell_that_was_not_run_is_found(tiny):
    spoil(tiny, lambda cells: cells[3].update(execution_count=None))
    assert "tiny.py:15: expected execution count 2, came None" in found(tiny, notebook.executed)


def test_output_on_stderr_is_found(tiny):
    warning = nbformat.v4.new_output("stream", name="stderr", text="UserWarning: look out\n")
    spoil(tiny, lambda cells: cells[6].outputs.append(warning))
    assert "tiny.py:35: the cell writes to stderr" in found(tiny, notebook.quiet)


def test_a_committed_error_and_a_dead_widget_are_found(tiny):
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
    widget = nbformat.v4.new_output("display_data", data={notebook.WIDGET: {"model_id": "1"}})
    spoil(tiny, lambda cells: cells[6].outputs.extend([error, widget]))
    message = found(tiny, notebook.quiet)
    assert "ends in ValueError" in message
    assert "widget" in message


def test_no_other_cell_may_be_excused_from_the_comparison(tiny):
    spoil(tiny, lambda cells: cells[6].metadata.update(tags=["nbval-ignore-output"]))
    assert "only set-up and explore cells" in found(tiny, notebook.exceptions)


def test_a_comment_that_switches_nbval_off_is_found(tiny, edit):
    edit("print(X.size)", "# NBVAL_SKIP\nprint(X.size)")
    build(tiny)
    assert "NBVAL_SKIP switches a comparison off" in found(tiny, notebook.exceptions)


def test_an_explore_cell_can_hide_nothing_else(tiny, edit):
    edit("explore(plot_line, slope=(1, 3))", "explore(plot_line, slope=(1, 3))\nprint(42)")
    build(tiny)
    assert "one call of explore" in found(tiny, notebook.exceptions)


def test_a_figure_without_kind_and_alt_is_found(tiny, edit):
    edit('# %% figure="exact" alt="A straight line that rises from left to right."', "# %%")
    build(tiny)
    assert "tiny.py:15: the cell draws a figure; its header needs" in found(tiny, notebook.figures)


def test_a_heavy_figure_and_a_heavy_notebook_are_found(tiny, edit):
    noise = "plt.imshow(np.random.default_rng(0).random((900, 900)))"
    edit("lines = plot_line()", f"lines = {noise}")
    build(tiny)
    assert "at most 60 kB" in found(tiny, notebook.figures)
    spoil(tiny, lambda cells: cells[0].update(source="word " * 100_000))
    assert "at most 400 kB" in found(tiny, notebook.light)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("loss nan", "the output shows nan"),
        ("loss -inf", "the output shows -inf"),
        ("tensor(3)", "a bare tensor"),
        ("<object at 0x7f3a2b4c5d>", "a memory address"),
        ("/home/me/x.png", "a path of the machine"),
        ("12:30:55", "a time of day"),
        ("0.12345", "at most three significant digits"),
    ],
)
def test_an_output_that_no_other_machine_would_print_is_found(tiny, output, message):
    stream = nbformat.v4.new_output("stream", name="stdout", text=f"{output}\n")
    spoil(tiny, lambda cells: cells[6].outputs.append(stream))
    assert message in found(tiny, notebook.tidy)


def test_a_short_number_and_a_banana_are_tidy(tiny):
    stream = nbformat.v4.new_output("stream", name="stdout", text="0.012 1234 a banana, info\n")
    spoil(tiny, lambda cells: cells[6].outputs.append(stream))
    assert not found(tiny, notebook.tidy)


def test_a_lesson_without_claims_and_a_claim_typed_by_hand_are_found(tiny, edit):
    edit('claim("the mean"', 'print("✓ all is well")  # claim("the mean"')
    build(tiny)
    assert "not a line that claim() prints: '✓ all is well'" in found(tiny, claims.sound)
    edit('print("✓ all is well")', "")
    build(tiny)
    assert "makes no claim" in found(tiny, claims.sound)


@pytest.mark.parametrize(
    "prose", ["It has 43 entries.", "It has 4,200 entries.", "It has $4.2$ of them.", "In 1999."]
)
def test_a_number_typed_in_prose_is_found(tiny, edit, prose):
    edit("The matrix has 42 entries.", prose)
    build(tiny)
    message = found(tiny, numbers.backed)
    assert "tiny.py:31: the prose says" in message
    assert "print it, cite it or drop it" in message


@pytest.mark.parametrize(
    "prose",
    [
        "All 42.0 of them.",
        "Nine of 3 and 4.",
        "In 1999 [they](cite:lin2017) said 17.",
        "$42$, {42}",
    ],
)
def test_a_number_that_its_section_shows_or_a_source_backs_passes(tiny, edit, prose):
    edit("The matrix has 42 entries.", prose)
    build(tiny)
    assert not found(tiny, numbers.backed)


def test_a_number_shown_only_in_another_section_is_found(tiny, edit):
    edit("print(X.size)", "print(6 * 7, 6 * 8)")
    edit("# Up.", "# Up 48.")
    build(tiny)
    assert "tiny.py:7: the prose says 48" in found(tiny, numbers.backed)


def test_a_lesson_of_the_wrong_size_is_found(tiny, edit):
    edit("print(X.size)", "print(X.size)\n" + "X.sum()\n" * 61)
    build(tiny)
    message = found(tiny, form.sized)
    for part in ("7 cells, expected 25 to 45", "words of prose, expected 1500", "more than 25 lin"):
        assert part in message


def test_what_reads_badly_is_found(tiny, edit):
    edit("print(X.size)", "print(X.size)\n\n# %%\n1\n\n# %%\n2\n\n# %%\n" + "x = 1  # " + "y" * 80)
    edit("<details>", "<div>")
    edit("</details>", "</div>")
    edit("explore(plot_line, slope=(1, 3))", "")
    edit("explore=true", "")
    build(tiny)
    message = found(tiny, form.readable)
    for part in ("third code cell in a row", "at most 79", "one explore cell", "no prediction"):
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# Up.", "# {ref}`up`", "is MyST"),
        ("# Up.", "# ```{note}\n# Up\n# ```", "is MyST"),
        ("# Up.", r"# $\newcommand{\R}{R}$", "KaTeX and MathJax"),
        ("lines = plot_line()", "plot_line();", "a semicolon at the end"),
        ("import numpy as np", "import numpy as np\nimport sklearn", "imports sklearn"),
    ],
)
def test_what_colab_cannot_show_or_import_is_found(tiny, edit, old, new, message):
    edit(old, new)
    build(tiny)
    assert message in found(tiny, form.portable)
