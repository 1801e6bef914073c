"""Every full-size experiment: its tiny version runs, resumes exactly, and its record holds."""

import dataclasses
import hashlib
import json
import re

import pytest
import torch

from conftest import ROOT
from coursekit.gates import notebook
from deepcourse.reproduce import recorded
from deepcourse.reproduce.frame import checkpoint, experiments, record, schema
from deepcourse.reproduce.frame.bench import checked
from deepcourse.reproduce.frame.card import MOST
from deepcourse.reproduce.frame.session import Session

NAMES = experiments.find_experiments()
COSTS = re.compile("seconds|memory")
RECORDS = sorted(record.RESULTS.glob("*.json"))


class Killed(BaseException):
    """Stands for a machine that is switched off right after a save."""


@pytest.fixture(autouse=True)
def one_thread():
    """Sums keep their order on one thread, which an exact comparison needs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run_tiny(name, folder):
    """Run the tiny version, saving at every chance; return its numbers as recorded."""
    experiment = experiments.load_experiment(name)
    session = Session(0, torch.device("cpu"), folder, tiny=True, every=0.0)
    return record.plain(experiment.module.run(experiment.config(tiny=True), 0, session))


def without_costs(tree):
    """Return the numbers without seconds and memory, which are not the same in each run."""
    if isinstance(tree, dict):
        return {key: without_costs(one) for key, one in tree.items() if not COSTS.search(key)}
    return [without_costs(one) for one in tree] if isinstance(tree, list) else tree


@pytest.fixture
def saves(monkeypatch):
    """Count saves; `saves["stop"]` is the save after which the run is killed."""
    state = {"count": 0, "stop": None}
    save = checkpoint.Checkpoint.save

    def counted(self, *arguments):
        save(self, *arguments)
        state["count"] += 1
        if state["count"] == state["stop"]:
            raise Killed

    monkeypatch.setattr(checkpoint.Checkpoint, "save", counted)
    return state


def test_there_are_experiments():
    assert {"mnist_mlp", "mnist_cnn", "banknote_autoencoder"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_killed_and_resumed_gives_the_numbers_of_one_that_was_not(
    name, tmp_path, saves
):
    whole = run_tiny(name, tmp_path / "whole")
    count = saves["count"]
    assert count >= 2, "save more often: an interrupted run would begin again"
    for part in {1, count // 2, count - 1}:
        folder = tmp_path / f"killed-{part}"
        saves.update(count=0, stop=part)
        with pytest.raises(Killed):
            run_tiny(name, folder)
        saves["stop"] = None
        assert without_costs(run_tiny(name, folder)) == without_costs(whole)


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_is_read_in_one_sitting_and_says_what_it_does(name):
    text = (experiments.FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    experiment = experiments.load_experiment(name)
    told = experiments.describe(experiment)
    for field in dataclasses.fields(experiment.module.Config):
        assert len(field.metadata["help"].split()) >= 3, f"say more of {field.name}"
        assert f"  {field.name} = " in told
    assert len(experiment.title) <= 80


@pytest.mark.parametrize("name", NAMES)
def test_what_an_experiment_cites_is_in_the_bibliography(name):
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    for aim in experiments.load_experiment(name).module.AIMS:
        assert aim.cite is None or f"{{{aim.cite},\n" in bibliography, aim.cite


@pytest.mark.parametrize("name", NAMES)
def test_the_benchmark_of_an_experiment_runs_on_generated_data(name, tmp_path):
    experiment = experiments.load_experiment(name)
    session = Session(0, torch.device("cpu"), tmp_path, tiny=True)
    result = checked(experiment.module.bench(experiment.config(tiny=True), 0, session), name)
    assert result["ours"]["cpu"] > 0
    assert result["plain"]["cpu"] > 0


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_is_whole_and_says_what_its_numbers_say(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    schema.check_record(found, path.stem)
    assert not found["tiny"]
    for name, sha in found["attached"].items():
        beside = path.parent / path.stem / name
        assert hashlib.sha256(beside.read_bytes()).hexdigest() == sha
    assert path.read_text(encoding="utf-8") == record.to_json(found), "edited by hand"


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_answers_the_aims_that_the_experiment_has_now(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    experiment = experiments.load_experiment(found["experiment"])
    wanted = [record.judge(aim, found["summary"]) for aim in experiment.module.AIMS]
    assert found["aims"] == wanted, "run the experiment again, or take the change back"
    assert set(found["config"]) == {f.name for f in dataclasses.fields(experiment.module.Config)}


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_the_card_of_a_record_says_its_first_aims_and_where_they_came_from(path):
    card = recorded(path.stem)
    for text in (repr(card), card._repr_html_()):
        aims = card.record["aims"]
        for aim in aims[:MOST]:
            assert aim["what"].split("'")[0] in text
        assert (f"{len(aims) - MOST} more numbers stand" in text) == (len(aims) > MOST)
        assert card.record["command"] in text
        assert card.record["date"] in text
    assert len(repr(card).splitlines()) == len(card.lines()) + 1


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_card_may_stand_in_a_lesson(path):
    text = repr(recorded(path.stem))
    assert not any(re.search(pattern, text) for pattern in notebook.UNTIDY)
    for number in notebook.DECIMAL.findall(text):
        assert len(number.replace(",", "").replace(".", "").strip("0")) <= 3, number


def test_every_experiment_has_a_record_and_every_record_an_experiment():
    assert {path.stem.split(".")[0] for path in RECORDS} == set(NAMES)
