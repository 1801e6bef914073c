"""A course to build in a temporary folder: the real pages, and a lesson made for the test.

The site's tests plant faults in it, and `web/bench` multiplies it.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from coursekit.course import Course

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = Course(ROOT).site_url
LESSON = "notebooks/lessons/90_sample"


def png(width=480, height=240):
    """Return a plain picture as base64, without an imaging library."""
    row = b"\x00" + b"\x20\x80\x86\xc0" * width
    chunks = [
        (b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x06\x00\x00\x00"),
        (b"IDAT", zlib.compress(row * height)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks:
        check = zlib.crc32(name + body).to_bytes(4, "big")
        data += len(body).to_bytes(4, "big") + name + body + check
    return base64.b64encode(data).decode()


def markdown(text):
    """Return a Markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code(source, *outputs, alt=None, tags=()):
    """Return a code cell that has run."""
    metadata = {"tags": list(tags)} if tags else {}
    if alt:
        metadata["mystnb"] = {"image": {"alt": alt}}
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": metadata,
        "source": source,
        "outputs": list(outputs),
    }


def printed(text):
    """Return what a cell printed."""
    return {"output_type": "stream", "name": "stdout", "text": text}


def figure():
    """Return a figure as a cell's output."""
    data = {"image/png": png(), "text/plain": "<Figure>"}
    return {"output_type": "display_data", "metadata": {}, "data": data}


SAMPLE_TITLE = """\
# A sample lesson {number}: zygomorphic{number}

A straight line bends where a unit switches on, and this paragraph is long enough for a description.

After this lesson you can **fit** a line and **say** how far it is off."""
SAMPLE_FORMULAS = """\
## Formulas

Inline $x^2$, and

$$
{long}
$$

as [Lin]({address}/book/bibliography.html#lin2017) says, in our
[notation]({address}/book/notation.html#shapes)."""
SAMPLE_PARTS = """\
> **Note.** Think first.

<details>
<summary>Answer</summary>

It bends at $-b/w$.

</details>

| a | b | c | d | e | f |
|---|---|---|---|---|---|
| `some_long_name_of_a_thing` | 1000000 | 2000000 | 3000000 | 4000000 | 5000000 |"""
SAMPLE_CLAIM = (
    "✓ the test error of the network is at most 3 % (measured 2.24 %; majority class: 11 %; "
    "linear: 4 % to 5 % over 5 runs)\n"
)


def sample_record():
    """Return a record of a full-size experiment that there is not, as its JSON holds it."""
    sha, seeds = "0" * 64, []
    for seed, error in enumerate((0.02, 0.03, 0.04)):
        times = {"wall_seconds": 30.0, "cpu_seconds": 60.0}
        seeds.append({"seed": seed, **times, "numbers": {"error": error}})
    summary = {"error": {"mean": 0.03, "sd": 0.01, "n": 3}}
    aim = {"number": "error", "what": "test error of a [line]", "unit": "%"}
    aim |= {"at_most": 0.025, "at_least": None, "mean": 0.03, "sd": 0.01, "met": False}
    aim |= {"reported": 0.02, "by": "Lin (2017)", "cite": "lin2017"}
    return {
        "schema": 1,
        "experiment": "sample",
        "title": "A sample experiment",
        "note": "Not for use.",
        "command": "python -m deepcourse.reproduce sample",
        "date": "2026-01-31",
        "tiny": False,
        "config": {"lr": 0.1},
        "code": sha,
        "data": {"sample.csv": sha},
        "hardware": {"device": "cpu", "cpu": "a CPU", "cores": 4, "threads": 2, "gpu": None},
        "versions": dict.fromkeys(("python", "torch", "numpy", "deepcourse"), "2.13.0"),
        "aims": [aim],
        "summary": summary,
        "seeds": seeds,
        "attached": {},
    }


def write_record(folder, record):
    """Write a record to where a course keeps them, under its experiment's name."""
    path = folder / "src" / "deepcourse" / "reproduce" / "results"
    path.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, ensure_ascii=False)
    (path / f"{record['experiment']}.json").write_text(text, encoding="utf-8")


def write_figure(folder, record, alt, caption):
    """Write a figure beside a record, with the words that the page shows of it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([1, 2])
    path = folder / "src" / "deepcourse" / "reproduce" / "results" / record["experiment"]
    path.mkdir(parents=True, exist_ok=True)
    words = {"Title": caption, "Description": alt}
    figure.savefig(path / "curve.svg", metadata=words)


def sample_cells(number=90):
    """Return the cells of a lesson that uses what lessons use."""
    long = r"\hat y = " + " + ".join(rf"w_{{{i}}} z_{{{i}}}" for i in range(24))
    setup = "from deepcourse import repro; repro.start(minutes=1)"
    layer = "H1 = sigma(X @ W1 + b1)  # (batch, hidden)\nloss = ((H1 - y) ** 2).mean()"
    seen = "Points along a rising line, and the line through them."
    return [
        markdown(SAMPLE_TITLE.format(number=number)),
        code(setup, printed("cpu, torch 2.13\n"), tags=["setup"]),
        markdown(SAMPLE_FORMULAS.format(long=long, address=ADDRESS)),
        code(layer, printed("loss 0.25\n")),
        code("plot_line(X, y)", figure(), alt=seen),
        markdown(SAMPLE_PARTS),
        code("claim(...)", printed(SAMPLE_CLAIM)),
        markdown("## Recap\n\nYou fitted a line."),
    ]


def write_notebook(path, cells):
    """Write a notebook with ids, as the lessons' build does."""
    cells = [{**cell, "id": f"{path.stem[:2]}c{i}"} for i, cell in enumerate(cells)]
    meta = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook = {"cells": cells, "metadata": meta, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")


def make_course(folder):
    """Make a course in `folder`, with the sample lesson before all others; return the folder."""
    folder = Path(folder)
    (folder / "book").mkdir(parents=True)
    for name in ("_config.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for path in (ROOT / "book").glob("*.*"):
        shutil.copy(path, folder / "book")
    if (ROOT / "book" / "images").is_dir():
        shutil.copytree(ROOT / "book" / "images", folder / "book" / "images")
    skip = shutil.ignore_patterns("node_modules", "__pycache__", "bench")
    shutil.copytree(ROOT / "web", folder / "web", ignore=skip)
    (folder / "web" / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    write_notebook(folder / f"{LESSON}.ipynb", sample_cells())
    write_record(folder, sample_record())
    code_file = folder / "src" / "deepcourse" / "reproduce" / "sample.py"
    code_file.write_text('"""A sample.\n\nIt draws `lr` [twice].\n"""\n', encoding="utf-8")
    alt, caption = "A line that rises & falls [twice].", "What a_b_c costs at 5 %."
    write_figure(folder, sample_record(), alt, caption)
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    for name in re.findall(r"notebooks/\w+/\w+", toc):
        copy = folder / f"{name}.ipynb"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / f"{name}.ipynb", copy)
    shutil.copytree(ROOT / "notebooks" / "status", folder / "notebooks" / "status")
    toc = toc.replace("chapters:", f"chapters:\n      - file: {LESSON}", 1)
    (folder / "_toc.yml").write_text(toc, encoding="utf-8")
    return folder


def build(folder, *arguments):
    """Build the course in `folder` in a process of its own; return (status, what it said)."""
    answer = subprocess.run(
        [sys.executable, "-m", "coursekit.site", "build", "--root", str(folder), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    return answer.returncode, answer.stdout + answer.stderr
