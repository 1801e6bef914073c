"""nbval itself, run as `make test` runs it, on a notebook that was spoiled."""

import base64
import io
import subprocess
import sys

import nbformat
import pytest
from PIL import Image, ImageDraw

from coursekit import compare
from coursekit.normalize import write

NBVAL = ["-p", "coursekit.nbval_figures", "--nbval", "--nbval-current-env", "--nbval-sanitize-with"]


def nbval(lesson):
    """Run nbval strictly over a lesson's notebook; return (exit code, report)."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir=."]
    command += [*NBVAL, str(compare.MASKS), lesson.notebook.name]
    done = subprocess.run(
        command, cwd=lesson.notebook.parent, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def spoil(lesson, change):
    """Let `change` alter the committed cells."""
    built = nbformat.read(lesson.notebook, 4)
    change(built.cells)
    write(built, lesson.notebook)


def test_an_honest_notebook_passes_though_a_measured_value_moved(tiny):
    def move(cells):
        out = cells[6].outputs[0]
        assert "measured 1;" in out.text
        out.text = out.text.replace("measured 1;", "measured 1.0001;")

    spoil(tiny, move)
    code, report = nbval(tiny)
    assert code == 0, report
    assert "4 passed" in report


def test_a_wrong_number_in_an_output_fails(tiny):
    def change(cells):
        cells[6].outputs[0].text = cells[6].outputs[0].text.replace("42", "43")

    spoil(tiny, change)
    code, report = nbval(tiny)
    assert code == 1
    assert "1 failed, 3 passed" in report


def test_a_changed_bound_of_a_claim_fails(tiny):
    def change(cells):
        cells[6].outputs[0].text = cells[6].outputs[0].text.replace("at most 2", "at most 3")

    spoil(tiny, change)
    assert nbval(tiny)[0] == 1


def test_a_stale_figure_fails_and_the_message_says_what_to_do(tiny):
    def change(cells):
        figure = cells[3].outputs[0].data
        figure["image/png"] = repaint(figure["image/png"])

    spoil(tiny, change)
    code, report = nbval(tiny)
    assert code == 1
    assert "the committed figure is not the one this cell draws" in report
    assert "make notebooks" in report


def test_a_missing_figure_fails(tiny):
    spoil(tiny, lambda cells: cells[3].update(outputs=[]))
    assert nbval(tiny)[0] == 1


def test_a_lesson_that_now_prints_nan_fails(tiny):
    def change(cells):
        cells[6].source = cells[6].source.replace("print(X.size)", "print(X.size * np.nan)")

    spoil(tiny, change)
    assert nbval(tiny)[0] == 1


def repaint(png, size=30):
    """Return `png` with a small square in another colour."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGBA")
    ImageDraw.Draw(image).rectangle([100, 100, 100 + size, 100 + size], fill="red")
    return encode(image)


def encode(image):
    """Return an image as base64 PNG text."""
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(("level", "same"), [(2, True), (60, False)])
def test_figures_are_the_same_up_to_rounding_and_not_beyond(level, same):
    grey = encode(Image.new("RGB", (300, 200), (128, 128, 128)))
    other = encode(Image.new("RGB", (300, 200), (128 + level, 128, 128)))
    assert compare.same_figures([grey], [other]) == same


def test_figures_of_other_number_or_size_differ():
    small = encode(Image.new("RGB", (300, 200), "white"))
    assert not compare.same_figures([small], [])
    assert not compare.same_figures([small], [encode(Image.new("RGB", (301, 200), "white"))])
