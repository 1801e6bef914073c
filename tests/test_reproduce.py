"""The frame of full-size experiments: command line, checkpoints, clock, records and cards."""

import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from deepcourse.reproduce.__main__ import main
from deepcourse.reproduce.frame import (
    bench,
    card,
    experiments,
    machine,
    plain,
    record,
    runner,
    schema,
)
from deepcourse.reproduce.frame.checkpoint import Checkpoint, CheckpointError
from deepcourse.reproduce.frame.clock import Clock
from deepcourse.reproduce.frame.contract import Aim, setting
from deepcourse.reproduce.frame.errors import UserError
from deepcourse.reproduce.frame.experiments import changed
from deepcourse.reproduce.frame.session import Session

NAME = "banknote_autoencoder"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where a test may write; the checkpoints are there too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEEPCOURSE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path


@pytest.fixture
def made(folder, capsys):
    """The record of a tiny run."""
    assert main([NAME, "--tiny", "--seeds", "2", "--set", "num_steps=20"]) == 0
    capsys.readouterr()
    return json.loads((folder / f"{NAME}.tiny.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Config:
    lr: float = setting(0.1, "how far a step goes")
    widths: tuple[int, ...] = setting((4, 2), "units a layer")
    fast: bool = setting(True, "whether to hurry up")


def test_the_list_shows_every_experiment_with_its_title(capsys):
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == experiments.find_experiments()
    assert all(len(line.split()) > 3 for line in lines)


def test_help_after_a_name_explains_each_setting(capsys):
    assert main([NAME, "--help"]) == 0
    out = capsys.readouterr().out
    assert "--seeds N" in out
    assert "batch_size = 128\n      notes a step" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist_mpl"], "no experiment is called 'mnist_mpl': did you mean mnist_mlp?"),
        (["zzz"], "no experiment is called 'zzz': there are: banknote_autoencoder"),
        ([NAME, "--set", "num_step=1"], "no field is called 'num_step': did you mean num_steps?"),
        ([NAME, "--set", "num_steps"], "expected --set field=value, came 'num_steps'"),
        ([NAME, "--set", "num_steps=1.5"], "num_steps: expected a value of type int, came '1.5'"),
        ([NAME, "--device", "abacus"], "cannot compute on device 'abacus'"),
        ([NAME, "--tiny", "--out", "/dev/null/x.json"], "name another file with --out"),
        (["mnist_mpl", "--bench"], "no experiment is called 'mnist_mpl': did you mean mnist_mlp?"),
        (["cifar10_kmeans", "--set", "counts=1600"], "came 1 counts and 5 repeats: set both"),
        (["cifar10_kmeans", "--set", "bench_count=7"], "came [7]: take one more"),
        (["cifar10_kmeans", "--set", "num_validation=0"], "set num_validation to 5000"),
        (["cifar10_kmeans", "--set", "precision=bf16"], "came 'bf16': take one"),
        (["cifar10_cnn", "--set", "precision=bf16"], "('float32', 'bfloat16'), came 'bf16'"),
        (["ham10000_transfer", "--set", "labels=100,0"], "another number in steps, repeats"),
        (["ham10000_transfer", "--set", "labels=1,2,3,4"], "labels that end with 0, for all"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments, message, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_without_network_a_run_says_which_file_it_lacks(monkeypatch, folder, capsys):
    monkeypatch.setenv("DEEPCOURSE_DATA", str(folder / "none"))
    nowhere = {"banknote/data_banknote_authentication.txt": ("0" * 64, ("http://127.0.0.1:9/",))}
    monkeypatch.setattr("deepcourse.download.REGISTRY", nowhere)
    assert main([NAME, "--seeds", "1"]) == 2
    err = capsys.readouterr().err
    assert "data_banknote_authentication.txt is not in" in err
    assert "set DEEPCOURSE_DATA" in err


def test_settings_are_read_as_their_types():
    config = changed(Config(), ["lr=1e-3", "widths=8,4,2", "fast=false"])
    assert config == Config(lr=0.001, widths=(8, 4, 2), fast=False)
    with pytest.raises(UserError, match="fast: expected a value of type bool, came 'maybe'"):
        changed(Config(), ["fast=maybe"])


def test_a_reported_value_needs_its_source():
    with pytest.raises(TypeError, match="needs `reported`, `by` and `cite`"):
        Aim("error", "the error", reported=0.1)
    with pytest.raises(TypeError, match="not both"):
        Aim("error", "the error", at_most=1, at_least=0)


def test_a_process_that_is_killed_goes_on_where_it_was(folder):
    """Kill the command itself, at a moment that nobody chose, and compare with a quiet run."""
    command = [
        sys.executable,
        "-c",
        SLOW,
        NAME,
        "--tiny",
        "--set",
        "num_steps=400",
        "--threads",
        "1",
    ]
    whole = subprocess.run([*command, "--out", "a.json"], capture_output=True, text=True)
    assert whole.returncode == 0, whole.stderr
    with subprocess.Popen([*command, "--out", "b.json"], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not list(folder.glob("checkpoints/**/*.pt")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not (folder / "b.json").exists(), "it was over before it was killed"
    again = subprocess.run([*command, "--out", "b.json"], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    a, b = (json.loads((folder / f"{x}.json").read_text(encoding="utf-8")) for x in "ab")
    assert a["seeds"][0]["numbers"] == b["seeds"][0]["numbers"]
    assert not list(folder.glob("checkpoints/**/*.pt")), "left behind after the record was written"


# Saves at every chance, and is slow enough to be killed in between.
SLOW = """
import sys, time
from deepcourse.reproduce.__main__ import main
from deepcourse.reproduce.frame.checkpoint import Checkpoint
def due(self):
    time.sleep(0.005)
    return True
Checkpoint.due = due
sys.exit(main())
"""


def test_finished_seeds_are_not_run_again(folder, capsys, monkeypatch):
    experiment = experiments.load_experiment(NAME)
    config = changed(experiment.config(tiny=True), ["num_steps=20"])
    device = torch.device("cpu")
    first, _ = runner.run_experiment(experiment, config, 1, device, "x", tiny=True)
    both, _ = runner.run_experiment(experiment, config, 2, device, "x", tiny=True)
    assert both["seeds"][0] == first["seeds"][0]
    assert "seed 0 was finished before" in capsys.readouterr().err
    other = changed(config, ["num_steps=21"])
    runner.run_experiment(experiment, other, 1, device, "x", tiny=True)
    assert "finished before" not in capsys.readouterr().err


def test_a_checkpoint_brings_back_state_random_numbers_and_clock(folder):
    clock = Clock()
    clock.restore((100.0, 200.0))
    saved = Checkpoint(folder / "a.pt", clock)
    assert saved.load() is None
    torch.manual_seed(3)
    saved.save({"step": 7, "model": {"w": torch.ones(2)}})
    expected = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    clock.restore((0.0, 0.0))
    state = Checkpoint(folder / "a.pt", clock).load()
    assert state["step"] == 7
    assert torch.equal(state["model"]["w"], torch.ones(2))
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])  # noqa: NPY002
    wall, cpu = clock.seconds()
    assert 100 <= wall < 101
    assert 200 <= cpu < 201


def test_a_spoiled_checkpoint_says_which_file_to_delete(folder):
    (folder / "a.pt").write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match=r"a\.pt.*delete it and the run begins again"):
        Checkpoint(folder / "a.pt", Clock()).load()


def test_a_stage_runs_once_and_does_not_depend_on_what_ran_before(folder):
    calls = []

    def draw(_):
        calls.append(1)
        return float(torch.rand(1))

    session = Session(0, "cpu", folder / "a", tiny=True)
    first, second = session.stage("one", draw), session.stage("two", draw)
    assert first != second
    again = Session(0, "cpu", folder / "a", tiny=True)
    assert (again.stage("two", draw), len(calls)) == (second, 2)
    alone = Session(0, "cpu", folder / "b", tiny=True)
    assert alone.stage("two", draw) == second


def test_the_clock_leaves_out_what_is_paused():
    clock = Clock()
    with clock.paused():
        time.sleep(0.2)
    assert clock.seconds()[0] < 0.1


def test_the_clock_counts_the_work_of_other_processes():
    clock = Clock()
    busy = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)
    assert clock.seconds()[1] >= 0.3


def test_the_code_hash_ignores_comments_and_sees_code(monkeypatch, tmp_path):
    package = tmp_path / "deepcourse" / "reproduce"
    package.mkdir(parents=True)
    monkeypatch.setattr(experiments, "FOLDER", package)
    texts = {
        "first": '"""A."""\nfrom deepcourse.reproduce import helper\n\ndef run():\n    return 1\n',
        "comment": '"""B."""\n# why\nfrom deepcourse.reproduce import helper\ndef run():return 1\n',
        "code": '"""A."""\nfrom deepcourse.reproduce import helper\n\ndef run():\n    return 2\n',
    }
    hashes = {}
    (package / "helper.py").write_text("x = 1\n", encoding="utf-8")
    for key, text in texts.items():
        (package / "one.py").write_text(text, encoding="utf-8")
        hashes[key] = experiments.code_hash("one")
    assert hashes["first"] == hashes["comment"] != hashes["code"]
    (package / "helper.py").write_text("x = 2\n", encoding="utf-8")
    assert experiments.code_hash("one") != hashes["code"]


def test_numbers_are_plain_and_finite_before_they_are_recorded():
    given = {"a": torch.tensor([1, 2]), "b": np.float64(1 / 3), 3: (True, None, "word")}
    assert record.plain(given) == {"a": [1, 2], "b": 0.333333, "3": [True, None, "word"]}
    with pytest.raises(ValueError, match=r"run\(\)\['loss'\]: expected a finite number, came nan"):
        record.plain({"loss": float("nan")})
    with pytest.raises(TypeError, match="came <object"):
        record.plain({"x": object()})


def test_mean_and_spread_are_those_of_numpy():
    errors = [0.011, 0.0125, 0.0093]
    found = record.summarize([{"net": {"error": e}, "curve": [1, 2], "ok": True} for e in errors])
    assert list(found) == ["net.error"]
    assert found["net.error"]["mean"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert found["net.error"]["sd"] == pytest.approx(np.std(errors, ddof=1), rel=1e-5)


def test_a_record_says_with_what_and_on_what_and_is_whole(made):
    schema.check_record(made, f"{NAME}.tiny")
    assert (
        made["command"]
        == f"python -m deepcourse.reproduce {NAME} --tiny --seeds 2 --set num_steps=20"
    )
    assert made["versions"]["torch"] == torch.__version__
    assert made["hardware"]["threads"] == torch.get_num_threads()
    assert made["config"]["num_steps"] == 20
    assert [seed["seed"] for seed in made["seeds"]] == [0, 1]
    assert all(seed["cpu_seconds"] > 0 for seed in made["seeds"])
    assert os.path.expanduser("~") not in json.dumps(made)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda r: r.pop("date"), "the record: 'date' is missing"),
        (lambda r: r.update(date="yesterday"), "date: expected YYYY-MM-DD, came 'yesterday'"),
        (lambda r: r.update(schema=0), "schema: expected 1, came 0"),
        (lambda r: r.update(tiny=False), "data: expected the hash of each file, came none"),
        (lambda r: r.update(command=f"{r['command']} --out /x"), "no path"),
        (lambda r: r.update(code="abc"), "code: expected a SHA-256, came 'abc'"),
        (lambda r: r["summary"]["ratio"].update(mean=0.0), r"others for \['ratio'\]"),
        (lambda r: r["aims"][0].update(met=not r["aims"][0]["met"]), "aim 'ratio': its met"),
        (lambda r: r["aims"][0].update(number="rat"), "a number that run"),
        (lambda r: r["seeds"].clear(), "seeds: expected at least one, came none"),
        (lambda r: r["seeds"][1]["numbers"].pop("ratio"), "expected the numbers of the first"),
        (lambda r: r["seeds"][1].update(seed=0), r"seeds: expected each once, came \[0, 0\]"),
        (lambda r: r["seeds"][0].update(cpu_seconds="9"), "'cpu_seconds' should be Real, came '9'"),
        (lambda r: r["hardware"].pop("cpu"), "hardware: 'cpu' is missing"),
        (lambda r: r["versions"].pop("torch"), "versions: 'torch' is missing"),
    ],
)
def test_a_spoiled_record_is_refused_with_the_place(made, spoil, message):
    schema.check_record(made)
    spoiled = copy.deepcopy(made)
    spoil(spoiled)
    with pytest.raises(schema.RecordError, match=message):
        schema.check_record(spoiled)


def test_a_record_under_another_name_is_refused(made):
    with pytest.raises(schema.RecordError, match=f"expected 'mnist_cnn', .*came '{NAME}'"):
        schema.check_record(made, "mnist_cnn.long")


AIM = {"what": "test error", "unit": "%", "reported": 0.012, "by": "Winther (2018)", "cite": "w"}
AIM |= {
    "number": "e",
    "at_most": 0.012,
    "at_least": None,
    "mean": 0.0108,
    "sd": 0.0004,
    "met": True,
}


def test_the_card_says_what_was_reported_what_came_and_over_how_many_seeds():
    line = "test error: reported by Winther (2018): 1.2 %; ours: 1.08 % ± 0.04 % over 5 seeds; "
    assert card.aim_line(AIM, 5) == f"{line}target at most 1.2 %: met"
    missed = AIM | {"reported": None, "mean": 0.013, "sd": None, "met": False}
    assert (
        card.aim_line(missed, 1)
        == "test error: ours: 1.3 % over 1 seed; target at most 1.2 %: missed"
    )


def test_a_card_warns_of_generated_data_and_escapes_what_it_shows(made):
    made["title"] = "a <b> & c"
    shown = card.Card(made)
    assert "generated data: these numbers mean nothing" in repr(shown)
    assert "a &lt;b&gt; &amp; c" in shown._repr_html_()
    assert "<b>" not in shown._repr_html_()


def test_a_card_that_is_not_there_names_those_that_are(tmp_path):
    (tmp_path / "mnist_mlp.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"'mnist_mpl': did you mean mnist_mlp\?"):
        card.read_card("mnist_mpl", tmp_path)


def test_showing_a_card_does_not_import_torch():
    code = (
        "import sys; from deepcourse.reproduce import recorded; from deepcourse.reproduce.frame "
        "import card, record, schema; assert not {'torch', 'numpy', 'pooch'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_plain_baseline_learns_and_stops_at_the_goal(folder):
    session = Session(0, "cpu", folder, tiny=True)
    data = session.data("mnist")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    train, val = (data.X_train, data.y_train), (data.X_test, data.y_test)
    untrained = plain.error_of(model, *val)
    race = plain.train_plainly(model, train, val, 0.3, session, lr=0.05, max_epochs=30)
    assert untrained > 0.5
    assert race["reached"]
    assert race["error"] == plain.error_of(model, *val) <= 0.3
    assert race["epochs"] < 30
    hopeless = plain.train_plainly(model, train, val, -1.0, session, lr=0.0, max_epochs=1)
    assert (hopeless["reached"], hopeless["epochs"]) == (False, 1)


def test_a_benchmark_prints_both_times_and_their_ratio(capsys):
    bench.run_benches(["mnist_mlp"], [], torch.device("cpu"), tiny=True)
    out = capsys.readouterr().out
    for part in ("seconds to target on", "mnist_mlp: ", "  ours ", "  plain "):
        assert part in out
    with pytest.raises(TypeError, match=r"bench of x: ours\.cpu, .*plain\.wall is missing"):
        bench.checked({"target": "1 %", "ours": {}}, "x")


def test_the_peak_of_memory_is_what_the_kernel_says():
    status = Path("/proc/self/status")
    if not status.is_file():
        pytest.skip("this system tells no peak in /proc")
    told = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
    assert machine.peak_memory() == pytest.approx(int(told[1]) / 2**20, rel=0.02)
