"""Seconds to the target, ours beside a plain baseline, in the same run on the same machine.

An experiment's ``bench(config, seed, session)`` returns

    {"target": "1.2 % validation error", "ours": race, "plain": race}

where a race is {"wall": seconds, "cpu": seconds, "error": number, "reached": bool}; more keys are
welcome. `frame.plain.train_plainly` runs a baseline and returns such. Both use the same split,
threads and device, beside which the baseline's DataLoader has its workers; evaluations are left out
of both times.
Imports: `experiments`, `runner`, `session`, `machine`, `card`.
"""

import tempfile

from deepcourse.reproduce.frame import machine
from deepcourse.reproduce.frame.experiments import changed, find_experiments, load_experiment
from deepcourse.reproduce.frame.session import Session

FIELDS = {"wall", "cpu", "error", "reached"}


def run_benches(names, settings, device, tiny=False, seed=0):
    """Run the benchmark of each experiment in `names` (empty: of all) and print it.

    Returns {name: what its `bench` returned}. Raises UserError for a name that there is not.
    """
    chosen = [load_experiment(name) for name in names or find_experiments()]
    where = machine.hardware(device)
    place = where["gpu"] or f"{where['threads']} of {where['cores']} cores ({where['cpu']})"
    print(f"seconds to target on {place}, seed {seed}", flush=True)
    found = {}
    for each in chosen:
        config = changed(each.config(tiny), settings)
        with tempfile.TemporaryDirectory() as folder:
            session = Session(seed, device, folder, tiny)
            found[each.name] = checked(each.module.bench(config, seed, session), each.name)
        print("\n".join(lines(each.name, found[each.name])), flush=True)
    return found


def checked(result, name):
    """Return `result`, or raise TypeError with what is missing from it."""
    missing = {"target"} - set(result)
    missing |= {
        f"{who}.{key}" for who in ("ours", "plain") for key in FIELDS - set(result.get(who, ()))
    }
    if missing:
        raise TypeError(f"bench of {name}: {', '.join(sorted(missing))} is missing")
    return result


def lines(name, result):
    """Return the lines that show one benchmark.

    >>> race = {"wall": 10.0, "cpu": 20.0, "error": 0.01, "reached": True}
    >>> for line in lines("mnist", {"target": "1 %", "ours": race, "plain": race | {"cpu": 60.0}}):
    ...     print(line)
    mnist: 1 %
      ours   20.0 CPU-s   10.0 s on the wall  (error 0.0100)
      plain  60.0 CPU-s   10.0 s on the wall  (error 0.0100)
      ratio   3.0 CPU       1.0 wall
    """
    shown = [f"{name}: {result['target']}"]
    for who in ("ours", "plain"):
        race = result[who]
        note = "" if race["reached"] else ", target NOT reached"
        shown.append(
            f"  {who:6}{race['cpu']:5.1f} CPU-s  {race['wall']:5.1f} s on the wall  "
            f"(error {race['error']:.4f}{note})"
        )
    if result["ours"]["reached"]:
        ratio = {key: result["plain"][key] / result["ours"][key] for key in ("cpu", "wall")}
        bound = "" if result["plain"]["reached"] else "  (at least: the baseline was stopped)"
        shown.append(f"  ratio {ratio['cpu']:5.1f} CPU     {ratio['wall']:5.1f} wall{bound}")
    return shown
