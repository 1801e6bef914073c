"""The record of a run: every seed's numbers, their mean and spread, and where they came from.

Imports: the standard library only; `machine`, `experiments` and `real` give their parts to
`make_record`.
"""

import json
import math
import os
import re
import statistics
from dataclasses import asdict
from datetime import UTC, datetime
from numbers import Integral, Real
from pathlib import Path

SCHEMA = 1
RESULTS = Path(__file__).resolve().parents[1] / "results"


def make_record(experiment, config, seeds, command, machine, code, hashes, tiny):
    """Return the record, a dictionary in the form that `schema.check_record` checks.

    `seeds` holds a dictionary a seed: seed, numbers, wall_seconds, cpu_seconds. `machine` is
    (hardware, versions), `code` the hash of the code, `hashes` those of the data files.
    """
    summary = summarize([each["numbers"] for each in seeds])
    return {
        "schema": SCHEMA,
        "experiment": experiment.name,
        "title": experiment.title,
        "note": experiment.note,
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "tiny": tiny,
        "config": json.loads(json.dumps(asdict(config))),
        "code": code,
        "data": hashes,
        "hardware": machine[0],
        "versions": machine[1],
        "aims": [judge(aim, summary) for aim in experiment.module.AIMS],
        "summary": summary,
        "seeds": seeds,
    }


def judge(aim, summary):
    """Return an aim with the mean over the seeds and whether it is met, as a dictionary.

    Raises KeyError, with the numbers there are, when `run` did not return the aim's number.
    """
    if aim.number not in summary:
        raise KeyError(
            f"aim {aim.number!r} needs a number that run() did not return; it gave: "
            f"{', '.join(summary)}"
        )
    mean = summary[aim.number]["mean"]
    return {**asdict(aim), "mean": mean, "sd": summary[aim.number]["sd"], "met": aim.met(mean)}


def summarize(runs):
    """Return {number: mean, sd and n} over the seeds' dictionaries; "a.b" is b inside a.

    The standard deviation has n - 1 below the line, and is None for a single seed. Lists, such
    as curves, and words are left out.

    >>> summarize([{"error": 0.25}, {"error": 0.75}])
    {'error': {'mean': 0.5, 'sd': 0.353553, 'n': 2}}
    """
    flat = [dict(_leaves(run)) for run in runs]
    found = {}
    for name in flat[0]:
        values = [one[name] for one in flat if name in one]
        sd = rounded(statistics.stdev(values)) if len(values) > 1 else None
        found[name] = {"mean": rounded(statistics.fmean(values)), "sd": sd, "n": len(values)}
    return found


def plain(value, place="run()"):
    """Return what `run` gave as dictionaries, lists, words and numbers, to six digits.

    Raises TypeError for anything else and ValueError for nan and infinity, which JSON lacks.
    """
    if hasattr(value, "tolist"):  # a tensor or array
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(one, f"{place}[{key!r}]") for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one, f"{place}[{index}]") for index, one in enumerate(value)]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return rounded(float(value), place)
    raise TypeError(f"{place}: expected numbers, words, lists and dictionaries, came {value!r}")


def rounded(number, place="a number"):
    """Return `number` to six significant digits; ValueError where it is not finite."""
    if not math.isfinite(number):
        raise ValueError(f"{place}: expected a finite number, came {number}; give None instead")
    return float(f"{number:.6g}")


def write(path, text):
    """Write `text` to `path` in one step."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def to_json(record):
    """Return the record as JSON, with each list of numbers on a line of its own."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    flat = re.sub(r"\[([^\[\]{}\"]*)\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    return f"{flat}\n"


def _leaves(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, Real) and not isinstance(value, bool):
            yield f"{prefix}{key}", value
