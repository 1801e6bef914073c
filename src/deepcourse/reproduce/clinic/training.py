"""The trainings of the HAM10000 experiment, each a stage that an interrupted run keeps.

`config` is that of `ham10000_transfer`. Imports: `data`, `heads`, `imagenet`,
`net` and torch.
"""

from dataclasses import replace

import torch

from deepcourse.reproduce.clinic import data as parts
from deepcourse.reproduce.clinic import net as nets
from deepcourse.reproduce.clinic.heads import heads_of
from deepcourse.reproduce.clinic.imagenet import fetch_imagenet, make_net


def pretrain(config, name, session, mark):
    """Return the weights of a body that learnt to name other pictures, and its test accuracy."""
    if name == "imagenet":
        return {"body": fetch_imagenet(), "accuracy": None}
    data = session.data(name)
    margin = (32 - data.X_train.shape[3]) // 2
    X, X_test = (torch.nn.functional.pad(one, [margin] * 4) for one in (data.X_train, data.X_test))
    model = make_net(config.widths, len(data.classes), None).to(session.device)
    recipe = recipe_of(config, config.pretrain_steps, config.pretrain_lr, batch_size=128)
    nets.train(model, X, data.y_train, recipe, nets.move_photo, session, mark, name)
    predicted = nets.logits_of(model, X_test, config.bfloat16, views=(0,)).argmax(dim=1)
    accuracy = (predicted == data.y_test.cpu()).double().mean().item()
    return {"body": model.body.state_dict(), "accuracy": accuracy}


def recipe_of(config, num_steps, rate, batch_size):
    """Return the recipe of one training."""
    return nets.Recipe(num_steps, batch_size, rate, config.weight_decay, config.bfloat16)


def freeze(config, two, seven, weights, session):
    """Return {task: {labels: test logits of each repeat}} of linear heads on a body as it is."""
    model = make_net(config.widths, 1, weights).to(session.device)
    if weights is None:
        nets.wake(model, seven.X[seven.find(parts.TRAIN)], config.bfloat16)
    seen = nets.features_of_views(model, seven.X, config.bfloat16)  # of all pictures
    return {
        "two": heads_of(seen[:, two.rows], two, config.labels, config.repeats, config.penalties),
        "seven": heads_of(seen, seven, config.labels, config.repeats_seven, config.penalties),
    }


def curve(config, task, key, weights, session):
    """Return {labels: test logits of each repeat} of networks trained as a whole."""
    repeats = config.repeats if len(task.classes) == 2 else config.repeats_seven
    return {
        parts.name_of(count): [
            tune(config, task, weights, count, n, steps, f"{key}-{count}-{n}", session)["test"]
            for n in range(number)
        ]
        for count, steps, number in zip(config.labels, config.steps, repeats, strict=True)
    }


def tune(config, task, weights, count, repeat, num_steps, key, session):
    """Return the logits, "val" and "test", of a network trained on `count` labels."""

    def work(mark):
        model = make_net(config.widths, len(task.classes), weights).to(task.X.device)
        rates = config.lr_tuned if weights else config.lr_scratch
        rate = rates[config.labels.index(count)]
        recipe = recipe_of(config, num_steps, rate, config.batch_size)
        rows = task.choose(count, repeat)
        nets.train(model, task.X[rows], task.y[rows], recipe, nets.move_lesion, session, mark, key)
        # Only the main result chooses anything by what a network says of validation lesions.
        wanted = {"val": parts.VAL, "test": parts.TEST} if "main" in key else {"test": parts.TEST}
        found = {name: task.X[task.find(part)] for name, part in wanted.items()}
        return {name: nets.logits_of(model, X, config.bfloat16) for name, X in found.items()}

    return session.stage(key, work)


def leak(config, task, weights, session):
    """Return the tasks of two leaking splits with each network's test logits.

    "pictures" cuts by picture; "siblings" trains on other pictures of tested lesions.
    """
    by_picture = parts.split_by(task.rows, task.labels, config.fractions, config.split)
    swapped, rows = parts.swap_siblings(task.part, task.lesion, task.labels, config.split)
    found = {"rows": rows}
    for name, part in (("pictures", by_picture), ("siblings", swapped)):
        leaking = replace(task, part=part)
        logits = [
            tune(config, leaking, weights, 0, n, config.steps[-1], f"leak-{name}-{n}", session)
            for n in range(config.leak_repeats)
        ]
        found[name] = leaking, [one["test"] for one in logits]
    return found
