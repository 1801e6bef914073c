"""Is a record whole, and does it say what its numbers say? Checked without other packages.

Imports: `record` and `contract`.
"""

import re
from datetime import date
from numbers import Real

from deepcourse.reproduce.frame.contract import Aim
from deepcourse.reproduce.frame.record import SCHEMA, judge, summarize

SHA = re.compile(r"[0-9a-f]{64}")

# key: (type, what it is)
TOP = {
    "schema": (int, f"the number {SCHEMA}"),
    "experiment": (str, "the experiment's name"),
    "title": (str, "the first line of its docstring"),
    "note": (str, "what must stand beside the result, or nothing"),
    "command": (str, "the command that remakes it"),
    "date": (str, "YYYY-MM-DD"),
    "tiny": (bool, "whether data were made up"),
    "config": (dict, "every setting"),
    "code": (str, "SHA-256 of the code"),
    "data": (dict, "SHA-256 of each data file"),
    "hardware": (dict, "what it ran on"),
    "versions": (dict, "of what it ran with"),
    "aims": (list, "what was reported and wanted"),
    "summary": (dict, "mean and sd of each number"),
    "seeds": (list, "every seed's numbers"),
    "attached": (dict, "SHA-256 of each file beside the record"),
}
HARDWARE = {"device": str, "cpu": str, "cores": int, "threads": int}
SEED = {"seed": int, "wall_seconds": Real, "cpu_seconds": Real, "numbers": dict}


class RecordError(ValueError):
    """A record that is not whole, or that says what its own numbers do not."""


def check_record(record, name=None):
    """Raise RecordError, naming the place, what was expected and what came, unless all holds.

    Held: every key is there and of its type; hashes are hashes; no path of a machine stands in
    the command; mean, standard deviation and "met" are those of the seeds' numbers; every seed
    gives the same numbers. `name` is the file's, "NAME.json" or "NAME.variant.json".
    """
    _keys(record, TOP, "the record")
    if record["schema"] != SCHEMA:
        raise RecordError(f"schema: expected {SCHEMA}, came {record['schema']!r}: run it again")
    if name is not None and name.split(".")[0] != record["experiment"]:
        raise RecordError(
            f"experiment: expected {name.split('.')[0]!r}, as the file is called, "
            f"came {record['experiment']!r}"
        )
    _provenance(record)
    _seeds(record["seeds"])
    summary = summarize([seed["numbers"] for seed in record["seeds"]])
    if record["summary"] != summary:
        wrong = [
            k for k in {*summary, *record["summary"]} if summary.get(k) != record["summary"].get(k)
        ]
        raise RecordError(
            f"summary: expected the mean and sd of the seeds' numbers, "
            f"came others for {sorted(wrong)}"
        )
    for aim in record["aims"]:
        _aim(aim, summary)


def _keys(found, wanted, place):
    if not isinstance(found, dict):
        raise RecordError(f"{place}: expected a dictionary, came {found!r}")
    for key, kind in wanted.items():
        kind, meaning = kind if isinstance(kind, tuple) else (kind, kind.__name__)
        if key not in found:
            raise RecordError(f"{place}: {key!r} is missing ({meaning})")
        wrong = not isinstance(found[key], kind) or (kind in (int, Real) and found[key] is True)
        if wrong:
            raise RecordError(f"{place}: {key!r} should be {meaning}, came {found[key]!r}")


def _provenance(record):
    try:
        date.fromisoformat(record["date"])
    except ValueError:
        raise RecordError(f"date: expected YYYY-MM-DD, came {record['date']!r}") from None
    start = f"python -m deepcourse.reproduce {record['experiment']}"
    if not record["command"].startswith(start) or re.search(r"(^|[\s=])[/~]", record["command"]):
        raise RecordError(f"command: expected {start!r} and no path, came {record['command']!r}")
    if not record["data"] and not record["tiny"]:
        raise RecordError(
            "data: expected the hash of each file, came none; only tiny runs have none"
        )
    hashes = {"code": record["code"], **record["data"], **record["attached"]}
    for place, sha in hashes.items():
        if not isinstance(sha, str) or not SHA.fullmatch(sha):
            raise RecordError(f"{place}: expected a SHA-256, came {sha!r}")
    _keys(record["hardware"], HARDWARE, "hardware")
    _keys(
        record["versions"],
        dict.fromkeys(("python", "torch", "numpy", "deepcourse"), str),
        "versions",
    )


def _seeds(seeds):
    if not seeds:
        raise RecordError("seeds: expected at least one, came none")
    for index, seed in enumerate(seeds):
        _keys(seed, SEED, f"seeds[{index}]")
        if set(seed["numbers"]) != set(seeds[0]["numbers"]):
            raise RecordError(
                f"seeds[{index}]: expected the numbers of the first seed, "
                f"{sorted(seeds[0]['numbers'])}, "
                f"came {sorted(seed['numbers'])}"
            )
    numbers = [seed["seed"] for seed in seeds]
    if len(set(numbers)) != len(numbers):
        raise RecordError(f"seeds: expected each once, came {numbers}")


def _aim(aim, summary):
    told = {key: aim.get(key) for key in Aim.__dataclass_fields__}
    try:
        expected = judge(Aim(**told), summary)
    except (KeyError, TypeError) as error:
        raise RecordError(f"aims: {error}") from None
    if aim != expected:
        wrong = sorted(key for key in expected if expected[key] != aim.get(key))
        raise RecordError(
            f"aim {aim.get('number')!r}: its {', '.join(wrong)} should be "
            f"{[expected[key] for key in wrong]}, came {[aim.get(key) for key in wrong]}"
        )
