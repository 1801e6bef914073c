"""What the HAM10000 experiment says of its networks, from scores to the tables of the record."""

import csv
import io
import json

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from deepcourse.reproduce import ham10000_transfer as experiment
from deepcourse.reproduce.clinic import metrics, report
from deepcourse.reproduce.frame.generated import make_ham10000
from deepcourse.reproduce.frame.record import RESULTS
from deepcourse.reproduce.frame.session import Session


def made_scores(count=300, shift=1.0, seed=0):
    rng = np.random.default_rng(seed)
    y = (rng.random(count) < 0.25).astype(int)
    return rng.normal(size=count) + shift * y, y


def test_a_lesion_has_the_mean_logits_of_its_pictures():
    logits = np.array([[0.0, 1.0], [4.0, 0.0], [2.0, 3.0]])
    found, y, names = report.by_lesion(logits, np.array([1, 0, 1]), np.array([8, 5, 8]))
    assert names.tolist() == [5, 8]
    assert y.tolist() == [0, 1]
    assert found.tolist() == [[4.0, 0.0], [1.0, 2.0]]


def test_a_point_of_a_curve_is_the_mean_over_networks_with_an_interval_over_lesions():
    _, y = made_scores()
    runs = [made_scores(shift=s, seed=0)[0] for s in (0.5, 1.0, 1.5)]
    point = report.curve_point(runs, y, 200)
    expected = [roc_auc_score(y, scores) for scores in runs]
    assert point["each"] == pytest.approx(expected)
    assert point["auc"] == pytest.approx(np.mean(expected))
    assert point["sd"] == pytest.approx(np.std(expected, ddof=1))
    assert point["n"] == 3
    assert point["interval"][0] < point["auc"] < point["interval"][1]
    assert report.curve_point(runs[:1], y, 200)["sd"] is None


def test_seven_classes_are_judged_as_scikit_learn_does():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [200, 60, 20])
    logits = rng.normal(size=(280, 3)) + 1.2 * np.eye(3)[y] + np.log([0.7, 0.2, 0.1])
    found = report.many_classes([logits], y, np.array([0.7, 0.2, 0.1]))
    p = np.exp(metrics.log_softmax(logits))
    assert found["auc"] == pytest.approx(roc_auc_score(y, p, multi_class="ovr"))
    fair = (p / [0.7, 0.2, 0.1]).argmax(axis=1)
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y, fair))
    assert found["balanced_accuracy"] > balanced_accuracy_score(y, p.argmax(axis=1)) + 0.05
    assert found["accuracy"] == pytest.approx((p.argmax(axis=1) == y).mean())


def test_the_threshold_of_a_clinic_comes_from_validation_lesions():
    val, test = made_scores(seed=1), made_scores(seed=2)
    point = report.operating_point(val, test, 0.9, 100)
    threshold = point["chosen"]["threshold"]
    assert threshold == metrics.sensitivity_at(*val, 0.9)[1]
    assert threshold != metrics.sensitivity_at(*test, 0.9)[1]
    assert point["chosen"] == {"threshold": threshold, **metrics.confusion(*test, threshold)}
    assert point["curve"]["sensitivity"] == metrics.sensitivity_at(*test, 0.9)[0]
    low, high = point["curve"]["interval"]
    assert low <= point["curve"]["sensitivity"] <= high


def test_the_temperature_comes_from_validation_and_lowers_their_loss_and_not_the_auc():
    pairs = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        z = 2 * rng.normal(size=500) - 1
        y = (rng.random(500) < 1 / (1 + np.exp(-z))).astype(int)
        pairs.append((np.stack([-2 * z, 2 * z], axis=1), y))  # four times too sure
    found = report.honesty(*pairs)
    assert found["temperature"] == pytest.approx(4, rel=0.25)
    assert found["temperature"] == metrics.fit_temperature(*pairs[0])
    assert found["after"]["log_loss"] < found["before"]["log_loss"] - 0.1
    assert found["after"]["error"] < found["before"]["error"] / 2


def test_groups_add_up_to_all_lesions_and_small_ones_have_no_auc():
    scores, y = made_scores()
    group = np.where(np.arange(300) < 145, "a", "b")
    group[np.flatnonzero((group == "b") & (y == 0))[:40]] = "c"
    group[np.flatnonzero((group == "b") & (y == 1))[:9]] = "c"
    found = report.of_groups(scores, y, {"kind": group}, 0.8, 50)["kind"]
    whole = metrics.confusion(scores, y, 0.8)
    for key in ("cases", "controls", "found", "cleared"):
        assert sum(one[key] for one in found.values()) == whole[key]
    assert found["a"]["auc"] == pytest.approx(roc_auc_score(y[:145], scores[:145]))
    assert (found["c"]["cases"], found["c"]["controls"]) == (9, 40)
    assert found["c"]["auc"] is None
    assert found["b"]["auc"] is not None


def test_what_a_leak_adds_is_told_with_the_interval_of_the_difference():
    honest, y = made_scores(shift=1.0)
    better = honest + 0.5 * y
    found = report.compare([honest, honest], [better], y, 200)
    assert found["honest"] == pytest.approx(roc_auc_score(y, honest))
    assert found["leaking"] == pytest.approx(roc_auc_score(y, better))
    assert found["gain"] == pytest.approx(found["leaking"] - found["honest"])
    assert 0 < found["interval"][0] < found["gain"] < found["interval"][1]
    same = report.compare([honest], [honest], y, 50)
    assert same["gain"] == 0
    assert same["interval"] == [0, 0]  # paired: the lesions' luck is the same for both


def test_the_corners_of_an_roc_curve_keep_its_area():
    scores, y = made_scores()
    scores = scores.round(1)  # with ties, whose steps are slanted
    points = report.roc_table(scores, y)
    area = np.trapezoid(points[:, 2], 1 - points[:, 1])
    assert area == pytest.approx(metrics.auc(scores, y))
    assert points[0, 1:].tolist() == [1, 0]
    assert points[-1, 1:].tolist() == [0, 1]
    exact = report.roc_table(*made_scores())
    assert len(exact) < 0.6 * len(metrics.roc_points(*made_scores())[0])


def test_tables_are_comma_separated_with_four_digits():
    assert report.as_csv(["a", "b"], [[1, 0.123456], ["x", ""]]) == "a,b\n1,0.1235\nx,\n"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The tiny experiment's numbers and the files beside them."""
    session = Session(0, "cpu", tmp_path_factory.mktemp("run"), tiny=True)
    return experiment.run(experiment.TINY, 0, session), session.attached


def test_every_method_has_a_point_for_each_number_of_labels_with_its_n(told):
    numbers, _ = told
    methods = {"scratch", "random_frozen"} | {
        f"{body}_{how}" for body in ("cifar10", "fashion_mnist") for how in ("frozen", "tuned")
    }
    assert set(numbers["curve"]) == methods
    assert set(numbers["seven"]) == methods - {"fashion_mnist_tuned"}
    for found in numbers["curve"].values():
        assert {name: point["n"] for name, point in found.items()} == {"20": 2, "all": 1}
    assert set(numbers["fewest"]) == methods


def test_the_parts_hold_every_picture_and_lesion_of_the_two_classes_once(told):
    made, sizes = make_ham10000(), told[0]["parts"]
    mel, nv = (made.classes.index(name) for name in ("mel", "nv"))
    kept = (made.y == mel) | (made.y == nv)
    assert sum(one["pictures"] for one in sizes.values()) == int(kept.sum())
    lesions = sum(one["lesions"] for one in sizes.values())
    assert lesions == len(torch.unique(made.lesion[kept]))
    assert sum(one["melanoma_pictures"] for one in sizes.values()) == int((made.y == mel).sum())


def test_each_kind_of_group_adds_up_to_the_test_lesions(told):
    numbers, _ = told
    whole = numbers["main"]["operating_point"]["chosen"]
    assert whole["cases"] + whole["controls"] == numbers["parts"]["test"]["lesions"]
    assert set(numbers["main"]["groups"]) == {"age", "sex", "site", "proof"}
    for groups in numbers["main"]["groups"].values():
        for key in ("cases", "controls", "found", "cleared"):
            assert sum(one[key] for one in groups.values()) == whole[key]


def test_the_scores_beside_the_record_give_its_auc_and_its_operating_point(told):
    numbers, attached = told
    rows = list(csv.DictReader(io.StringIO(attached["scores.csv"])))
    y = np.array([int(row["melanoma"]) for row in rows])
    scores = np.array([float(row["score"]) for row in rows])
    assert metrics.auc(scores, y) == pytest.approx(numbers["main"]["auc"], abs=1e-3)
    assert len(rows) == numbers["parts"]["test"]["lesions"]
    p = np.array([float(row["probability"]) for row in rows])
    assert np.argsort(p, kind="stable").tolist() == np.argsort(scores, kind="stable").tolist()


def test_the_leaking_split_shares_lesions_and_the_honest_one_does_not(told):
    leak = told[0]["leak"]
    assert leak["pictures"]["share_of_test_pictures_with_trained_lesion"] > 0.1
    assert leak["siblings"]["lesions"] > 3


def test_the_licence_and_the_warning_stand_beside_all_of_it(told):
    attached = told[1]
    assert set(attached) == {"scores.csv", "roc.csv", "learning_curve.csv", "LICENSE"}
    for text in (attached["LICENSE"], experiment.NOTE):
        assert "CC BY-NC 4.0" in text
        assert "Tschandl" in text
        assert "Not a diagnostic device" in text
    assert not any("ISIC" in text or "MADE_" in text for text in attached.values())


@pytest.fixture(scope="module")
def recorded_numbers():
    """The numbers of the committed record, and the folder beside it."""
    found = json.loads((RESULTS / "ham10000_transfer.json").read_text(encoding="utf-8"))
    return found["seeds"][0]["numbers"], RESULTS / "ham10000_transfer"


def read_table(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_the_committed_scores_give_the_recorded_auc_and_groups(recorded_numbers):
    numbers, folder = recorded_numbers
    rows = read_table(folder / "scores.csv")
    y = np.array([int(row["melanoma"]) for row in rows])
    scores = np.array([float(row["score"]) for row in rows])
    main = numbers["main"]
    assert roc_auc_score(y, scores) == pytest.approx(main["auc"], abs=5e-4)
    assert len({row["lesion"] for row in rows}) == len(rows) == numbers["parts"]["test"]["lesions"]
    proven = np.array([row["proof"] == "histo" for row in rows])
    assert proven[y == 1].all()
    assert roc_auc_score(y[proven], scores[proven]) == pytest.approx(main["proven_auc"], abs=5e-4)
    threshold = main["operating_point"]["chosen"]["threshold"]
    for kind, groups in main["groups"].items():
        of_lesion = np.array([row[kind] for row in rows])
        assert set(of_lesion) == set(groups)
        for name, told in groups.items():
            here = of_lesion == name
            counts = metrics.confusion(scores[here], y[here], threshold)
            assert abs(counts["found"] - told["found"]) <= 1, "four digits may move one"
            assert counts["cases"] == told["cases"]


def test_the_committed_curves_are_the_recorded_ones(recorded_numbers):
    numbers, folder = recorded_numbers
    rows = read_table(folder / "learning_curve.csv")
    points = numbers["curve"]
    assert len(rows) == sum(len(found) for found in points.values())
    for row in rows:
        point = points[row["method"]][row["labels"]]
        assert float(row["auc"]) == pytest.approx(point["auc"], rel=1e-3)
        assert float(row["proven_low"]) < float(row["proven_auc"]) < float(row["proven_high"])
        assert int(row["networks"]) == point["n"] == len(point["each"])
    roc = np.loadtxt(folder / "roc.csv", delimiter=",", skiprows=1)
    area = np.trapezoid(roc[:, 2], 1 - roc[:, 1])
    assert area == pytest.approx(numbers["main"]["auc"], abs=1e-3)


def test_what_is_committed_is_small_licensed_and_shows_no_picture(recorded_numbers):
    _, folder = recorded_numbers
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    tables = {name for name in files if not name.endswith(".svg")}
    assert tables == {"scores.csv", "roc.csv", "learning_curve.csv", "LICENSE"}
    assert files["LICENSE"] == report.LICENSE
    assert sum(map(len, files.values())) < 500_000
    assert not any("ISIC" in text or "HAM_" in text for text in files.values())
