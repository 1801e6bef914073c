"""The card of a recorded result, for a notebook and as text: what others reported, what we got.

Imports: `errors`, `record`. Lessons import this, so it stays small and free of torch.
"""

import difflib
import json
from dataclasses import dataclass
from html import escape

from deepcourse.reproduce.frame.errors import UserError
from deepcourse.reproduce.frame.record import RESULTS

STYLE = (
    "border:1px solid #808080;border-left:4px solid #2f7fc4;border-radius:4px;"
    "padding:.6em 1em;max-width:44em;overflow-wrap:anywhere"
)


MOST = 5  # aims on a card; the page of results has all


@dataclass(frozen=True, repr=False)
class Card:
    """A record that shows itself: HTML in a notebook, lines of text elsewhere."""

    record: dict

    def __repr__(self):
        lines = [f"{self.record['title']} ({self.record['experiment']})"]
        lines += [f"  {line}" for line in self.lines()]
        return "\n".join(lines)

    def _repr_html_(self):
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.lines()[:-1])
        command = escape(self.record["command"])
        return (
            f'<div style="{STYLE}"><strong>{escape(self.record["title"])}</strong>'
            f"<ul>{lines}</ul><code>{command}</code></div>"
        )

    def lines(self):
        """Return what the card says: the first aims, the note, provenance, and the command."""
        record = self.record
        made_up = ["generated data: these numbers mean nothing"] if record["tiny"] else []
        note = [record["note"]] if record["note"] else []
        aims = [aim_line(aim, len(record["seeds"])) for aim in record["aims"][:MOST]]
        more = len(record["aims"]) - len(aims)
        rest = [f"{more} more numbers stand on the page “At full size”"] if more > 0 else []
        return [*made_up, *aims, *rest, *note, provenance(record), record["command"]]


def read_card(name, folder=RESULTS):
    """Return the Card of results/`name`.json; UserError, with what there is, for another name."""
    known = sorted(path.stem for path in folder.glob("*.json"))
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known) or 'none'}"
        raise UserError(f"no result is recorded as {name!r}: {hint}")
    return Card(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))


def aim_line(aim, num_seeds):
    """Return "test error: reported by A: x; ours: y ± s over n seeds; target at most z: met"."""
    parts = []
    if aim["reported"] is not None:
        parts.append(f"reported by {aim['by']}: {shown(aim['reported'], aim['unit'])}")
    spread = "" if aim["sd"] is None else f" ± {shown(aim['sd'], aim['unit'], digits=2)}"
    seeds = f"{num_seeds} seeds" if num_seeds > 1 else "1 seed"
    parts.append(f"ours: {shown(aim['mean'], aim['unit'])}{spread} over {seeds}")
    if aim["met"] is not None:
        parts.append(f"target {verdict(aim)}")
    return f"{aim['what']}: {'; '.join(parts)}"


def verdict(aim):
    """Return "at most z: met" or the like, and nothing where there is no target."""
    if aim["met"] is None:
        return ""
    relation = "at least" if aim["at_most"] is None else "at most"
    bound = aim["at_least"] if aim["at_most"] is None else aim["at_most"]
    return f"{relation} {shown(bound, aim['unit'])}: {'met' if aim['met'] else 'missed'}"


def provenance(record):
    """Return on what, with what, how long and when the result was measured."""
    machine = record["hardware"]
    where = (
        machine.get("gpu") or f"{machine['threads']} of {machine['cores']} cores ({machine['cpu']})"
    )
    count = len(record["seeds"])
    wall = sum(seed["wall_seconds"] for seed in record["seeds"]) / count
    cpu = sum(seed["cpu_seconds"] for seed in record["seeds"]) / count
    return (
        f"{duration(wall)} a seed ({duration(cpu)} of CPU time) on {where}, "
        f"torch {record['versions']['torch'].split('+')[0]}, {record['date']}"
    )


def duration(seconds):
    """Return a time of about two digits: 0.42 s, 34 s, 12 min, 3.5 h.

    >>> [duration(seconds) for seconds in (0.4211, 34.4, 720, 12600)]
    ['0.42 s', '34 s', '12 min', '3.5 h']
    """
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 100 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def shown(number, unit, digits=3):
    """Return a number with three digits and its unit.

    >>> shown(0.01164, "%"), shown(34.4, "CPU-seconds")
    ('1.16 %', '34.4 CPU-seconds')
    """
    if unit == "%":
        return f"{100 * number:.{digits}g} %"
    text = f"{number:.{digits}g}" if abs(number) < 1000 else f"{number:,.0f}"
    return f"{text} {unit}".rstrip()
