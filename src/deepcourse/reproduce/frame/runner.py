"""Run an experiment over its seeds, resume what was interrupted, and make the record.

Imports: `checkpoint`, `experiments`, `machine`, `record`, `session`, `repro`, `real` and torch.
"""

import hashlib
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from deepcourse import repro
from deepcourse.reproduce.frame import machine, record
from deepcourse.reproduce.frame.errors import UserError
from deepcourse.reproduce.frame.experiments import code_hash
from deepcourse.reproduce.frame.real import data_hashes
from deepcourse.reproduce.frame.session import Session


def prepare(device=None, threads=None):
    """Set the number of threads, where given, and return the device to compute on.

    Raises UserError for a device that torch cannot compute on here.
    """
    if threads:
        torch.set_num_threads(threads)
    try:
        found = torch.device(device) if device else repro.device()
        torch.zeros(1, device=found)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"cannot compute on device {str(device)!r}: {reason}") from None
    return found


def checkpoints_folder():
    """Return where checkpoints lie: DEEPCOURSE_CHECKPOINTS, else in the user's cache."""
    if os.environ.get("DEEPCOURSE_CHECKPOINTS"):
        return Path(os.environ["DEEPCOURSE_CHECKPOINTS"]).expanduser()
    import pooch

    return Path(pooch.os_cache("deepcourse")) / "checkpoints"


def run_experiment(experiment, config, num_seeds, device, command, tiny=False, every=30.0):
    """Run seeds 0 … num_seeds - 1 and return (record, {name: text} of files beside it).

    A seed that was finished before is read from its checkpoint, one that was interrupted goes on
    from its last one; both only if configuration, code, torch and kind of device are the same.
    """
    folder = run_folder(experiment, config, device, tiny)
    seeds, attached = [], {}
    for seed in range(num_seeds):
        one, files = _run_seed(
            experiment, config, seed, device, folder / f"seed-{seed}", tiny, every
        )
        seeds.append(one)
        attached |= files
    hashes = (
        {}
        if tiny
        else {k: v for name in experiment.module.DATA for k, v in data_hashes(name).items()}
    )
    where = machine.hardware(torch.device(device)), machine.versions()
    code = code_hash(experiment.name)
    made = record.make_record(experiment, config, seeds, command, where, code, hashes, tiny)
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in attached.items()}
    return {**made, "attached": sums}, attached


def run_folder(experiment, config, device, tiny):
    """Return the folder of the checkpoints of exactly this run."""
    told = [
        experiment.name,
        asdict(config),
        code_hash(experiment.name),
        torch.__version__,
        torch.device(device).type,
        tiny,
    ]
    key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    return checkpoints_folder() / experiment.name / key


def forget(experiment, config, device, tiny):
    """Delete the checkpoints of exactly this run."""
    shutil.rmtree(run_folder(experiment, config, device, tiny), ignore_errors=True)


def _run_seed(experiment, config, seed, device, folder, tiny, every):
    """Return what the record says of one seed, and the files that the seed attached."""
    done = folder / "done.json"
    if done.is_file():
        print(f"{experiment.name}: seed {seed} was finished before", file=sys.stderr)
        kept = json.loads(done.read_text(encoding="utf-8"))
        return kept["seed"], kept["attached"]
    session = Session(seed, device, folder, tiny, every)
    numbers = record.plain(experiment.module.run(config, seed, session))
    wall, cpu = session.clock.seconds()
    one = {
        "seed": seed,
        "wall_seconds": record.rounded(wall),
        "cpu_seconds": record.rounded(cpu),
        "numbers": numbers,
    }
    record.write(done, json.dumps({"seed": one, "attached": session.attached}))
    session.checkpoint.path.unlink(missing_ok=True)
    return one, session.attached
