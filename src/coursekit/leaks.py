"""Search a student's notebook for what its assignment hides. Knows nothing of how it was released.

On purpose it reads the text by itself, line by line, and shares no code with the reader and the
release: a mistake there cannot hide a leak here. A hidden line leaks when the notebook's JSON says
it more often than the cells that students may see.
"""

import json
import re

from coursekit.lessons import SETUP

SHORTEST = 8  # a shorter line, as `x = 1`, tells nothing
HIDDEN_CELL = re.compile(r"\b(test|written|wrong)\b")
MARKER = re.compile(r"(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)")
HEADING = re.compile(r"^#+ Task (\d+) · (.+?) \(\d+ points?\)$", re.MULTILINE)
INNER_KEYS = ("wrong", "fails")


def find_leaks(text, notebook):
    """Return (line of `text`, what students would see there) for each leak, in order.

    `text` is the assignment as people write it; `notebook` the version that students get.
    """
    visible, hidden = split(text)
    shown = "\n".join(strings(json.loads(json.dumps(notebook))))
    may_show = "\n".join([*visible, SETUP])
    for number, title in HEADING.findall(shown):  # a stub may repeat its task's title
        shown = shown.replace(f"Task {number}: {title}", "")
    found = [
        (number, f"the hidden line {secret!r}")
        for number, secret in hidden
        if shown.count(secret) > may_show.count(secret)
    ]
    found += [(1, f"the marker {mark!r}") for mark in MARKER.findall(shown)]
    for cell in notebook.cells:
        if cell.get("outputs") or cell.get("execution_count") is not None:
            found.append((1, f"an output of the cell {cell.source[:40]!r}"))
        if set(INNER_KEYS) & set(cell.metadata):
            found.append((1, f"the tags {dict(cell.metadata)} of a planted wrong answer"))
    return sorted(found)


def split(text):
    """Return the lines that students may see, and (number, line) of those that they must not."""
    visible, hidden, whole, region = [], [], False, False
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if line.startswith("# %%"):
            tags = re.sub(r'="[^"]*"', "=", line)
            whole, region, markdown = bool(HIDDEN_CELL.search(tags)), False, "[markdown]" in tags
            secret = re.search(r'wrong="([^"]*)"', line)
            bare = secret[1] if secret else ""
        elif bare.startswith("### BEGIN") or bare.startswith("### END"):
            region = "BEGIN" in bare
            continue
        else:
            bare = re.sub(r"^# ?", "", line).strip() if markdown else bare
        if not (whole or region):
            visible.append(bare)
        elif len(bare) >= SHORTEST and re.search(r"[A-Za-z]{2}", bare):
            hidden.append((number, bare))
    return visible, hidden


def strings(value):
    """Yield every string inside a JSON value: sources, outputs, keys and metadata alike."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
