"""The figures of recorded results: what stands beside each record is what it draws now."""

import json
import math
from xml.etree import ElementTree

import pytest

from conftest import ROOT
from deepcourse.reproduce.__main__ import main
from deepcourse.reproduce.figures import ham10000_transfer
from deepcourse.reproduce.frame import drawing, experiments, record

RECORDS = sorted(record.RESULTS.glob("*.json"))
DRAWERS = sorted((ROOT / "src" / "deepcourse" / "reproduce" / "figures").glob("[!_]*.py"))
WORDS = "{http://purl.org/dc/elements/1.1/}"


def told(svg, key):
    return ElementTree.fromstring(svg).findtext(f".//{WORDS}{key}")


@pytest.fixture(params=RECORDS, ids=lambda path: path.stem)
def drawn(request):
    """A record's path, and its figures as they are drawn now."""
    return request.param, drawing.draw(json.loads(request.param.read_text(encoding="utf-8")))


def test_the_figures_beside_a_record_are_those_that_it_draws(drawn):
    path, now = drawn
    kept = {one.name: one.read_text(encoding="utf-8") for one in path.with_suffix("").glob("*.svg")}
    again = "run `python -m deepcourse.reproduce --draw`"
    assert kept.keys() == now.keys(), again
    assert all(kept[name] == now[name] for name in kept), again


def test_a_figure_says_what_is_seen_in_it_and_whose_data_it_shows(drawn):
    path, now = drawn
    note = json.loads(path.read_text(encoding="utf-8"))["note"]
    for text in now.values():
        assert len(told(text, "description").split()) >= 20
        assert len(told(text, "title").split()) >= 8
        assert "\n" not in told(text, "description") + told(text, "title")
        rights = ElementTree.fromstring(text).find(f".//{WORDS}rights")
        assert "".join(rights.itertext()).strip() == note if note else rights is None


def test_a_figure_asks_for_nothing_and_stays_light(drawn):
    for text in drawn[1].values():
        assert len(text) < 120_000
        assert 'href="http' not in text
        assert "url(http" not in text


def test_every_file_of_figures_belongs_to_an_experiment():
    assert {path.stem for path in DRAWERS} <= set(experiments.find_experiments())


def test_an_experiment_without_figures_has_none():
    assert drawing.draw({"experiment": "nothing_of_this_name", "note": ""}) == {}


def test_the_command_draws_one_record_anew(tmp_path, monkeypatch, capsys):
    text = (record.RESULTS / "mnist_mlp.json").read_text(encoding="utf-8")
    (tmp_path / "mnist_mlp.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    assert main(["--draw", "mnist_mlp"]) == 0
    assert (tmp_path / "mnist_mlp" / "epochs.svg").is_file()
    assert "epochs.svg" in capsys.readouterr().out


def test_a_figure_that_is_drawn_no_more_goes_away(tmp_path):
    path = next(path for path in RECORDS if path.stem == "mnist_mlp")
    (tmp_path / "mnist_mlp").mkdir()
    for name in ("old.svg", "table.csv"):
        (tmp_path / "mnist_mlp" / name).write_text("", encoding="utf-8")
    found = json.loads(path.read_text(encoding="utf-8"))
    assert drawing.write_figures(found, "mnist_mlp", tmp_path)
    left = {one.name for one in (tmp_path / "mnist_mlp").iterdir()}
    assert left == {"epochs.svg", "table.csv"}


def test_what_has_no_record_cannot_be_drawn(capsys):
    assert main(["--draw", "mnist_mpl"]) == 2
    assert "did you mean mnist_mlp?" in capsys.readouterr().err


@pytest.mark.parametrize(("found", "count"), [(0, 8), (3, 8), (8, 8), (91, 123)])
def test_an_end_of_wilsons_interval_is_a_share_that_is_just_not_rejected(found, count):
    share, low, high = ham10000_transfer.wilson(found, count)
    assert low <= share <= high
    for p in (low, high):
        if 0 < p < 1:
            assert abs(share - p) == pytest.approx(1.96 * math.sqrt(p * (1 - p) / count))
