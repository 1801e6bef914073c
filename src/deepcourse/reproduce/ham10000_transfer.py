"""Melanoma or nevus: what pretraining on other pictures gives, by how many labels there are.

HAM10000 (Tschandl et al., 2018) is split by lesion, so that no lesion is trained and tested on. A
small residual network learns melanoma against nevus, and the seven classes, from 100, 400, 1,600
and all training labels: from scratch, or from a body that was pretrained here on CIFAR-10 or, as a
control that has nothing to do with skin, on Fashion-MNIST; fine-tuned, or frozen under a logistic
regression. Networks at a larger input size give the main result: AUC, sensitivity at 90 %
specificity, calibration before and after temperature scaling, who is served how well. Two leaking
splits show what a split by picture would have pretended. All intervals resample lesions. Settings,
the frozen heads' penalty, the temperature and the operating point were chosen on the validation
lesions, more than a clinic with 100 labels has. Test lesions are scored once a network.
"""

from dataclasses import dataclass, replace

import torch

from deepcourse.reproduce import clinic_data as parts
from deepcourse.reproduce import clinic_net as nets
from deepcourse.reproduce.clinic_heads import heads_of
from deepcourse.reproduce.clinic_imagenet import fetch_imagenet, make_net
from deepcourse.reproduce.clinic_results import assemble
from deepcourse.reproduce.frame.contract import Aim, setting

DATA = ("ham10000", "cifar10", "fashion_mnist")
SEEDS = 1
NOTE = (
    "Not a diagnostic device. Learnt from HAM10000 (Tschandl et al. 2018), CC BY-NC 4.0: these "
    "numbers and what is drawn from them are for non-commercial use."
)
AIMS = (
    Aim("main.auc", "AUC, melanoma against nevus, all labels, by lesion", at_least=0.92),
    Aim("main.sensitivity", "sensitivity at 90 % specificity on the test curve", unit="%"),
    Aim("fewest.scratch", "AUC with 100 labels, from scratch"),
    Aim("fewest.cifar10_tuned", "AUC with 100 labels, CIFAR-10 body fine-tuned"),
    Aim("fewest.fashion_mnist_tuned", "AUC with 100 labels, Fashion-MNIST body fine-tuned"),
    Aim("leak.siblings.gain", "AUC that leaking pictures of the tested lesions would add"),
    Aim("seven.cifar10_tuned.all.balanced_accuracy", "seven classes, balanced accuracy", unit="%"),
)


@dataclass(frozen=True)
class Config:
    """Settings; of a tuple a number of labels has the entry of its place in `labels`."""

    size: tuple[int, ...] = setting((48, 64), "height and width of the curves' pictures")
    large: tuple[int, ...] = setting((72, 96), "height and width of the main result's pictures")
    widths: tuple[int, ...] = setting((32, 64, 128, 256), "channels of the network's blocks")
    fractions: tuple[float, ...] = setting(
        (0.65, 0.15, 0.2), "lesions to train, choose and test on"
    )
    split: int = setting(0, "seed of the split by lesion")
    pretrain_steps: int = setting(2340, "steps of each pretraining")
    pretrain_lr: float = setting(0.2, "highest learning rate of each pretraining, 128 a step")
    labels: tuple[int, ...] = setting((100, 400, 1600, 0), "training labels; 0 is all")
    steps: tuple[int, ...] = setting((100, 200, 400, 800), "training steps")
    repeats: tuple[int, ...] = setting((5, 3, 2, 1), "networks for two classes")
    repeats_seven: tuple[int, ...] = setting((1, 1, 1, 1), "networks for seven classes")
    batch_size: int = setting(64, "pictures a step")
    lr_scratch: tuple[float, ...] = setting((0.1,) * 4, "highest learning rates from scratch")
    lr_tuned: tuple[float, ...] = setting((0.01, 0.01, 0.02, 0.02), "highest rates of fine-tuning")
    weight_decay: float = setting(5e-4, "of every training")
    penalties: tuple[float, ...] = setting((1e-3, 1e-2, 1e-1, 1.0), "of the frozen body's head")
    large_steps: int = setting(800, "training steps of the main result's networks")
    large_repeats: int = setting(2, "networks whose mean logits are the main result")
    leak_repeats: int = setting(1, "networks for each leaking split")
    specificity: float = setting(0.9, "of the operating point")
    num_bootstrap: int = setting(1000, "times that lesions are resampled")
    bfloat16: bool = setting(True, "compute networks in bfloat16")
    imagenet: bool = setting(False, "also start from torchvision's ImageNet ResNet-18 (download)")


TINY = Config(
    size=(24, 32),
    large=(30, 40),
    widths=(8, 16),
    fractions=(0.4, 0.2, 0.4),
    pretrain_steps=12,
    labels=(20, 0),
    steps=(10, 20),
    lr_scratch=(0.1, 0.1),
    lr_tuned=(0.02, 0.02),
    repeats=(2, 1),
    repeats_seven=(1, 1),
    batch_size=16,
    penalties=(0.1,),
    large_steps=20,
    num_bootstrap=20,
    bfloat16=False,
)


def run(config, seed, session):
    """Return the curves, the main result, what leaks would pretend, and the seven classes."""
    lesions = session.data("ham10000")
    pair, size = ("nv", "mel"), (config.size, config.large)
    two, seven, large = (
        parts.make_task(lesions, classes, pixels, config.fractions, config.split)
        for classes, pixels in ((pair, size[0]), (lesions.classes, size[0]), (pair, size[1]))
    )
    bodies, accuracy = {"random": None}, {}
    for name in ("cifar10", "fashion_mnist") + ("imagenet",) * config.imagenet:
        found = session.stage(name, lambda mark, n=name: pretrain(config, n, session, mark))
        bodies[name], accuracy[name] = found["body"], found["accuracy"]
    curves = {"two": {}, "seven": {}}
    for name, body in bodies.items():
        froze = session.stage(
            f"{name}-frozen", lambda _, b=body: freeze(config, two, seven, b, session)
        )
        method = f"{name}_tuned" if body else "scratch"
        for kind, task in (("two", two), ("seven", seven)):
            curves[kind][f"{name}_frozen"] = froze[kind]
            if kind == "two" or name != "fashion_mnist":
                curves[kind][method] = curve(config, task, f"{kind}-{method}", body, session)
    body = bodies["cifar10"]
    main = [
        tune(config, large, body, 0, n, config.large_steps, f"main-{n}", session)
        for n in range(config.large_repeats)
    ]
    leaks = leak(config, two, body, session)
    return assemble(config, lesions, (two, seven), curves, main, leaks, accuracy, session)


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
