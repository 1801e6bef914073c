"""What the HAM10000 experiment records: from each network's test logits to numbers and tables.

Imports: `data`, `report` and numpy.
"""

import numpy as np

from deepcourse.reproduce.clinic import data as parts
from deepcourse.reproduce.clinic import metrics, report


def assemble(config, lesions, tasks, curves, main, leaks, accuracy, session):
    """Return the record's numbers, and attach the tables with their licence.

    `tasks` are two and seven classes; `curves` holds {task: {method: {labels: [test logits]}}},
    `main` the logits of the main result's networks, "val" and "test", `leaks` what `leak` gave.
    """
    two, seven = tasks
    count = config.num_bootstrap
    proven = is_proven(lesions, two)
    points = curve_points(two, curves["two"], proven, count)
    whole = main_result(config, lesions, two, main, session)
    name = parts.name_of(config.labels[0])
    attach_curves(points, session)
    return {
        "main": whole,
        "fewest": {method: found[name]["auc"] for method, found in points.items()},
        "curve": points,
        "pretraining": gains(two, curves["two"], proven, count),
        "seven": {m: seven_points(seven, found) for m, found in curves["seven"].items()},
        "leak": leaking(two, curves["two"]["cifar10_tuned"]["all"], leaks, count),
        "pretrained_test_accuracy": accuracy,
        "parts": sizes(two),
    }


def lesion_scores(task, logits, part=parts.TEST):
    """Return (scores, y, lesion) of a part's lesions from logits (pictures, 2) of its pictures."""
    rows = task.find(part)
    found, y, lesion = report.by_lesion(np.asarray(logits), task.labels[rows], task.lesion[rows])
    return report.margin(found), y, lesion


def is_proven(lesions, task):
    """Return for each test lesion whether a pathologist saw it, as all melanomas were.

    Most nevi were only followed. What tells followed lesions from excised ones, be it how easy
    they look or how they were photographed, helps an AUC over all and does not help this one.
    """
    names = np.unique(task.lesion[task.find(parts.TEST)])
    return groups_of(lesions, task, names)["proof"] == "histo"


def curve_points(task, methods, proven, num_bootstrap):
    """Return {method: {labels: AUC over its networks, interval}}, also of proven lesions alone."""
    points = {}
    for method, found in methods.items():
        points[method] = {}
        for labels, runs in found.items():
            scores = [lesion_scores(task, logits) for logits in runs]
            y = scores[0][1]
            scores = [one[0] for one in scores]
            hard = report.curve_point([one[proven] for one in scores], y[proven], num_bootstrap)
            points[method][labels] = {
                **report.curve_point(scores, y, num_bootstrap),
                "proven_auc": hard["auc"],
                "proven_interval": hard["interval"],
            }
    return points


def gains(task, methods, proven, num_bootstrap):
    """Return, for pairs of methods and each number of labels, how far their AUCs are apart.

    "proven" is the same among lesions that a pathologist saw.
    """
    pairs = {
        "cifar10_over_scratch": ("scratch", "cifar10_tuned"),
        "fashion_mnist_over_scratch": ("scratch", "fashion_mnist_tuned"),
        "cifar10_over_fashion_mnist": ("fashion_mnist_tuned", "cifar10_tuned"),
    }
    found = {}
    for name, (first, second) in pairs.items():
        found[name] = {}
        for labels in methods[first]:
            runs = [
                [lesion_scores(task, logits)[0] for logits in methods[method][labels]]
                for method in (first, second)
            ]
            y = lesion_scores(task, methods[first][labels][0])[1]
            found[name][labels] = gain(*runs, y, num_bootstrap)
            runs = [[scores[proven] for scores in some] for some in runs]
            found[name][labels]["proven"] = gain(*runs, y[proven], num_bootstrap)
    return found


def gain(first, second, y, num_bootstrap):
    """Return how far two methods' AUCs are apart, and the interval of that."""
    told = report.compare(first, second, y, num_bootstrap)
    return {"gain": told["gain"], "interval": told["interval"]}


def seven_points(task, found):
    """Return {labels: AUC one against rest, balanced accuracy …} and how melanoma fares.

    The classes' shares, which the balanced accuracy takes out, are those of all training pictures.
    "melanoma_against_nevus" reads the two classes' logits and leaves the other lesions out.
    """
    rows = task.find(parts.TEST)
    prior = np.bincount(task.labels[task.find(parts.TRAIN)], minlength=len(task.classes))
    pair = [task.classes.index(name) for name in ("nv", "mel")]
    points = {}
    for labels, runs in found.items():
        of_lesions = [
            report.by_lesion(np.asarray(one), task.labels[rows], task.lesion[rows]) for one in runs
        ]
        y = of_lesions[0][1]
        logits = [one[0] for one in of_lesions]
        points[labels] = report.many_classes(logits, y, prior / prior.sum())
        both = np.isin(y, pair)
        areas = [
            metrics.auc(report.margin(one[both][:, pair]), y[both] == pair[1]) for one in logits
        ]
        points[labels]["melanoma_against_nevus"] = float(np.mean(areas))
    return points


def main_result(config, lesions, task, runs, session):
    """Return what the mean logits of the main networks say of the test lesions, in full.

    Attaches each test lesion's score and group, and the ROC curve.
    """
    count = config.num_bootstrap
    mean = {part: np.mean([np.asarray(run[part]) for run in runs], axis=0) for part in runs[0]}
    pair = []  # (logits, y) of validation and test lesions
    for name, part in (("val", parts.VAL), ("test", parts.TEST)):
        rows = task.find(part)
        pair.append(report.by_lesion(mean[name], task.labels[rows], task.lesion[rows]))
    val, test = ((report.margin(logits), y) for logits, y, _ in pair)
    honesty = report.honesty(pair[0][:2], pair[1][:2])
    point = report.operating_point(val, test, config.specificity, count)
    groups = groups_of(lesions, task, pair[1][2])
    whole = report.curve_point([test[0]], test[1], count)
    attach_lesions(test, pair[1][2], groups, honesty["temperature"], session)
    rows = task.find(parts.TEST)
    return {
        "auc": whole["auc"],
        "interval": whole["interval"],
        "sensitivity": point["chosen"]["sensitivity"],
        "specificity": point["chosen"]["specificity"],
        "networks": len(runs),
        "auc_of_each": [metrics.auc(*lesion_scores(task, run["test"])[:2]) for run in runs],
        "proven_auc": report.mean_auc([test[0]], test[1], groups["proof"] == "histo"),
        "auc_by_picture": metrics.auc(report.margin(mean["test"]), task.labels[rows]),
        "validation_auc": metrics.auc(*val),
        "operating_point": point,
        "calibration": honesty,
        "groups": report.of_groups(*test, groups, point["chosen"]["threshold"], count),
    }


def groups_of(lesions, task, names):
    """Return {property: group of each of the lesions `names`}, told by their first pictures."""
    _, first = np.unique(task.lesion, return_index=True)
    found = dict(zip(task.lesion[first], task.rows[first], strict=True))
    rows = [found[name] for name in names]
    return {
        "age": parts.age_groups(lesions.age.cpu().numpy()[rows]),
        "sex": np.array([lesions.sex[row] for row in rows]),
        "site": parts.site_groups([lesions.site[row] for row in rows]),
        "proof": np.array([lesions.proof[row] for row in rows]),
    }


def leaking(task, honest, leaks, num_bootstrap):
    """Return the AUC that leaks pretend: of a split by picture, and on the same lesions.

    "pictures" is read by picture, as one would who splits so, beside the honest AUC by picture.
    "siblings" compares, on one picture of each test lesion that has several, networks that saw
    its other pictures with networks that did not, with equally many training pictures.
    """
    other, runs = leaks["pictures"]
    rows = other.find(parts.TEST)
    y, trained = other.labels[rows], other.lesion[other.find(parts.TRAIN)]
    known = np.isin(other.lesion[rows], trained)
    scores = [report.margin(np.asarray(one)) for one in runs]
    mine = task.find(parts.TEST)
    fair = [metrics.auc(report.margin(np.asarray(one)), task.labels[mine]) for one in honest]
    place = np.searchsorted(mine, leaks["rows"])
    with_siblings, spoilt = leaks["siblings"]
    of_spoilt = np.searchsorted(with_siblings.find(parts.TEST), leaks["rows"])
    return {
        "pictures": {
            **report.spread([metrics.auc(one, y) for one in scores]),
            "honest_auc_by_picture": float(np.mean(fair)),
            "share_of_test_pictures_with_trained_lesion": float(known.mean()),
            "auc_of_those": report.mean_auc(scores, y, known),
            "auc_of_others": report.mean_auc(scores, y, ~known),
        },
        "siblings": {
            "lesions": len(place),
            **report.compare(
                [report.margin(np.asarray(one)[place]) for one in honest],
                [report.margin(np.asarray(one)[of_spoilt]) for one in spoilt],
                task.labels[leaks["rows"]],
                num_bootstrap,
            ),
        },
    }


def sizes(task):
    """Return how many lesions, pictures and melanomas each part has."""
    found = {}
    for name, part in (("train", parts.TRAIN), ("val", parts.VAL), ("test", parts.TEST)):
        rows = task.find(part)
        found[name] = {
            "pictures": len(rows),
            "lesions": len(np.unique(task.lesion[rows])),
            "melanoma_pictures": int(task.labels[rows].sum()),
            "melanoma_lesions": len(np.unique(task.lesion[rows][task.labels[rows] == 1])),
        }
    return found


def attach_lesions(test, names, groups, temperature, session):
    """Attach scores.csv, a row a test lesion, and roc.csv, the corners of their ROC curve."""
    scores, y = test
    p = 1 / (1 + np.exp(-scores / temperature))
    kinds = list(groups)
    table = zip(names, y, scores, p, *groups.values(), strict=True)
    header = ["lesion", "melanoma", "score", "probability", *kinds]
    rows = [[int(a), int(b), float(c), float(d), *words] for a, b, c, d, *words in table]
    session.attach("scores.csv", report.as_csv(header, rows))
    corners = [[float(one) for one in row] for row in report.roc_table(scores, y)]
    session.attach("roc.csv", report.as_csv(["threshold", "specificity", "sensitivity"], corners))
    session.attach("LICENSE", report.LICENSE)


def attach_curves(points, session):
    """Attach learning_curve.csv: a row a method and number of labels."""
    rows = [
        [
            *(method, labels, one["auc"], one["sd"], one["n"]),
            *(one["interval"] or ("", "")),
            one["proven_auc"],
            *(one["proven_interval"] or ("", "")),
        ]
        for method, found in points.items()
        for labels, one in found.items()
    ]
    header = ["method", "labels", "auc", "sd", "networks", "low", "high"]
    header += ["proven_auc", "proven_low", "proven_high"]
    session.attach("learning_curve.csv", report.as_csv(header, rows))
