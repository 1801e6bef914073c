"""`python -m deepcourse.reproduce NAME`: remake a lecture's number, and record it."""

import argparse
import sys
from pathlib import Path

USAGE = "python -m deepcourse.reproduce [NAME] [options]"


def main(arguments=None):
    """Run the command line; return 0, or 2 with one sentence on stderr for what cannot be done."""
    from deepcourse.download import DownloadError
    from deepcourse.reproduce.frame.checkpoint import CheckpointError
    from deepcourse.reproduce.frame.errors import UserError

    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _do(_parse(arguments), arguments)
    except (UserError, DownloadError, CheckpointError) as error:
        print(f"deepcourse.reproduce: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="deepcourse.reproduce", usage=USAGE, add_help=False)
    add = parser.add_argument
    add("name", nargs="?", help="the experiment; --list shows them")
    add("--list", action="store_true", help="list the experiments")
    add("--help", "-h", action="store_true", help="this help; after NAME, that experiment's")
    add("--seeds", type=_count, metavar="N", help="run seeds 0 to N-1 (default: the file's SEEDS)")
    add("--device", help="cpu, cuda or mps (default: a GPU if there is one)")
    add("--threads", type=_count, metavar="N", help="CPU threads (default: torch's)")
    add("--tiny", action="store_true", help="the tiny version, on generated data, in seconds")
    add("--set", action="append", default=[], metavar="FIELD=VALUE", help="change one setting")
    add("--out", type=Path, metavar="FILE", help="where the record goes")
    add("--fresh", action="store_true", help="forget the checkpoints of this very run first")
    add("--draw", action="store_true", help="draw the figures of NAME's record, or of all, anew")
    add("--bench", action="store_true", help="seconds to target beside a plain baseline")
    told = parser.parse_args(arguments)
    told.parser = parser
    return told


def _count(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, came {text!r}")
    return int(text)


def _do(told, arguments):
    from deepcourse.reproduce.frame import experiments

    if told.list or not (told.name or told.help or told.bench or told.draw):
        for name in experiments.find_experiments():
            print(f"{name:24}{experiments.title_of(name)}")
        return 0
    if told.help:
        told.parser.print_help()
        if told.name:
            print("\n" + experiments.describe(experiments.load_experiment(told.name)))
        return 0
    if told.bench:
        from deepcourse.reproduce.frame import bench, runner

        device = runner.prepare(told.device, told.threads)
        bench.run_benches([told.name] if told.name else [], told.set, device, told.tiny)
        return 0
    if told.draw:
        return _draw(told.name)
    return _run(told, arguments)


def _run(told, arguments):
    from deepcourse.reproduce.frame import card, errors, experiments, record, runner
    from deepcourse.reproduce.frame.drawing import write_figures

    experiment = experiments.load_experiment(told.name)
    config = experiments.changed(experiment.config(told.tiny), told.set)
    device = runner.prepare(told.device, told.threads)
    out = told.out or _default_out(told, experiment, device)
    if not _writable(out):
        raise errors.UserError(f"cannot write {out}: name another file with --out")
    num_seeds = told.seeds or (1 if told.tiny else experiment.module.SEEDS)
    if told.fresh:
        runner.forget(experiment, config, device, told.tiny)
    command = _command(arguments)
    made, attached = runner.run_experiment(
        experiment, config, num_seeds, device, command, told.tiny
    )
    for name, text in attached.items():
        record.write(out.parent / out.stem / name, text)
    record.write(out, record.to_json(made))
    if not told.tiny:
        write_figures(made, out.stem, out.parent)
    runner.forget(experiment, config, device, told.tiny)
    print(f"{card.Card(made)!r}\nrecord: {out}")
    return 0


def _draw(name):
    from deepcourse.reproduce.frame import card, record
    from deepcourse.reproduce.frame.drawing import write_figures

    folder = record.RESULTS
    for each in [name] if name else sorted(path.stem for path in folder.glob("*.json")):
        for path in write_figures(card.read_card(each, folder).record, each, folder):
            print(path)
    return 0


def _default_out(told, experiment, device):
    """The package's results for a run as published, else the folder where one stands."""
    from deepcourse.reproduce.frame.record import RESULTS

    kind = "" if device.type == "cpu" else f".{device.type}"
    as_published = not (told.tiny or told.set or told.seeds)
    folder = RESULTS if as_published else Path.cwd()
    return folder / f"{experiment.name}{kind}{'.tiny' if told.tiny else ''}.json"


def _writable(path):
    import os

    folder = path.resolve().parent
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK) and not path.is_dir()


def _command(arguments):
    """The command as one would type it: where the record goes is not part of what was measured."""
    kept, skip = [], False
    for word in arguments:
        if not skip and word != "--out" and not word.startswith("--out=") and word != "--fresh":
            kept.append(word)
        skip = word == "--out"
    return " ".join(["python -m deepcourse.reproduce", *kept])


if __name__ == "__main__":
    sys.exit(main())
