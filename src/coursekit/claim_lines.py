"""The lines that `deepcourse.claims.claim` prints, read back: for the gates and the claims page."""

import re
from dataclasses import dataclass, field

CLAIM = re.compile(
    r"✓ (?P<subject>.+) is (?P<relation>at most|at least) (?P<bound>[^()]+)"
    r" \(measured (?P<measured>[^;]+)(?P<baselines>(?:; [^;]+)+)\)"
)
NUMBER = r"-?(?:[\d,]+(?:\.\d+)?(?:e[+-]?\d+)?|inf|nan)"


@dataclass(frozen=True)
class Claim:
    """One line that a lesson printed: what is claimed, what was measured, what was compared."""

    subject: str
    relation: str
    bound: str
    measured: str
    baselines: list = field(default_factory=list)  # (name, value) pairs


def parse_claim(line):
    """Return the claim of an output line, or None when the line does not have the form.

    >>> parse_claim("✓ the error is at most 3 % (measured 2.2 %; majority class: 11 %)").baselines
    [('majority class', '11 %')]
    """
    match = CLAIM.fullmatch(line.strip())
    if match is None:
        return None
    unit = re.escape(re.sub(f"^{NUMBER}", "", match["bound"]))
    value = rf"{NUMBER}{unit}(?: to {NUMBER}{unit} over \d+ runs)?"
    baselines = []
    for part in match["baselines"].removeprefix("; ").split("; "):
        found = re.fullmatch(rf"(?P<name>.+?): (?P<value>{value})", part)
        if found is None:
            return None
        baselines.append((found["name"], found["value"]))
    named = (match[name] for name in ("subject", "relation", "bound", "measured"))
    return Claim(*named, baselines)
