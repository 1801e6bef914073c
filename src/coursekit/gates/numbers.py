"""A gate on numbers in prose: nobody types a result by hand.

Each number of two digits or more in a lesson's prose must occur in an output or in the code of its
section (what lies between two `## ` headings), or its sentence must cite a source. Thousands
separators do not count; 0.5 and .5 and 0.50 are one number; 3 % is 3.
"""

import re

from coursekit.gates.page import text_of

NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*\d(?:\.\d+)?|\d+\.\d+|\.\d+|\d\d)(?![\w])")
POWER = re.compile(r"10\^\{?(-?\d+)\}?")
LINK = re.compile(r"\[[^]]*\]\([^)]*\)")  # a link's text names its target: "lesson 01"
CITED = re.compile(r"\]\([^)]*bibliography\.html#[^)]*\)")
SENTENCE = re.compile(r"(?<=[.!?:])[*_)”\"]*\s+|\n\s*\n|\n\s*[-*>|]")
HEADING = re.compile(r"^## ", re.MULTILINE)


def backed(page):
    """Numbers in prose occur in the code or outputs of their section, or are cited."""
    for prose, evidence in _sections(page):
        known = {_value(number) for number in _numbers(evidence)}
        for where, text in prose:
            for sentence in SENTENCE.split(text):
                if CITED.search(sentence):
                    continue
                for number in _numbers(LINK.sub(" ", sentence)):
                    if _value(number) not in known:
                        yield (
                            f"{where}: the prose says {number}, which no code and no output of "
                            f"this section shows, and the sentence cites nothing: print it, cite "
                            f"it or drop it ({sentence.strip()[:70]!r})"
                        )


def _sections(page):
    """Yield (prose cells with their places, all code and outputs) for each section."""
    prose, evidence = [], []
    for index, cell in enumerate(page.built.cells):
        if cell.cell_type == "markdown":
            if HEADING.search(cell.source) and (prose or evidence):
                yield prose, "\n".join(evidence)
                prose, evidence = [], []
            prose.append((page.lesson.where(index), cell.source))
        else:
            evidence += [cell.source, text_of(cell)]
    yield prose, "\n".join(evidence)


def _numbers(text):
    """Return the numbers of two digits or more in `text`; of a power of ten, the exponent too."""
    text = text.replace("{,}", ",").replace("\\,", "")
    exponents = [power.lstrip("-") for power in POWER.findall(text)]
    exponents += [str(int(e)) for e in re.findall(r"\de([-+]?\d+)", text)]
    exponents = [e.lstrip("-") for e in exponents if len(e.lstrip("-")) > 1]
    text = re.sub(r"(?<=\d)_(?=\d)", "", text)
    scientific = re.findall(r"(?<![\w.])(\d+(?:\.\d+)?)e[-+]?\d+", text)
    mantissas = [mantissa for mantissa in scientific if len(mantissa) > 1]
    return NUMBER.findall(POWER.sub(" ", text)) + exponents + mantissas


def _value(number):
    return float(number.replace(",", ""))
