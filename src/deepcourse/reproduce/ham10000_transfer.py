"""Melanoma or nevus: what pretraining on other pictures gives.

HAM10000 (Tschandl et al., 2018) is split by lesion, so that no lesion is trained and tested on (it
names no patients: lesions of one may lie in two parts, and intervals take them for strangers). A
small residual network learns melanoma against nevus, and the seven classes, from 100, 400, 1,600
and all training labels: from scratch, or from a body that was pretrained here on CIFAR-10 or, as a
control that has nothing to do with skin, on Fashion-MNIST; fine-tuned, or frozen under a logistic
regression. Networks at a larger input size give the main result: AUC, sensitivity at 90 %
specificity, calibration before and after temperature scaling, who is served how well. All melanomas
were excised and most nevi were not, so AUCs are also told against excised nevi alone. Two leaking
splits ask what a split by picture would have pretended. Intervals resample lesions. Settings,
the frozen heads' penalty, the temperature and the operating point were chosen on the validation
lesions, more than a clinic with 100 labels has. Test lesions are scored once a network.
"""

from dataclasses import dataclass

from deepcourse.reproduce.clinic import data as parts
from deepcourse.reproduce.clinic import metrics, training
from deepcourse.reproduce.clinic import net as nets
from deepcourse.reproduce.clinic.imagenet import make_net
from deepcourse.reproduce.clinic.report import margin
from deepcourse.reproduce.clinic.results import assemble
from deepcourse.reproduce.frame.contract import Aim, setting
from deepcourse.reproduce.frame.errors import require
from deepcourse.reproduce.frame.plain import scores_of, train_plainly

DATA = ("ham10000", "cifar10", "fashion_mnist")
SEEDS = 1
GOAL = 0.11  # of the benchmark: an AUC of 0.89
NOTE = (
    "Not a diagnostic device. Learnt from HAM10000 (Tschandl et al. 2018), CC BY-NC 4.0: these "
    "numbers and what is drawn from them are for non-commercial use."
)
MAIN = "AUC, melanoma against nevus, all labels, by lesion (mean logits of 3 networks)"
SEVEN = "seven classes, balanced accuracy (2 networks)"
AIMS = (
    Aim("main.auc", MAIN, at_least=0.92),
    Aim("main.proven_auc", "the same against excised nevi only, as all melanomas were excised"),
    Aim("main.sensitivity", "its sensitivity, at the threshold of validation lesions", unit="%"),
    Aim("main.specificity", "its specificity there (90 % in validation)", unit="%"),
    Aim("fewest.scratch", "AUC with 100 labels, from scratch (5 networks)"),
    Aim("fewest.cifar10_tuned", "AUC with 100 labels, CIFAR-10 body fine-tuned (5 networks)"),
    Aim("fewest.fashion_mnist_tuned", "AUC with 100 labels, Fashion-MNIST body tuned (5 networks)"),
    Aim("curve.scratch.all.auc", "AUC, all labels, from scratch (3 networks, smaller pictures)"),
    Aim("curve.cifar10_frozen.all.auc", "AUC, all labels, CIFAR-10 body frozen (same pictures)"),
    Aim("curve.random_frozen.all.auc", "AUC, all labels, random body frozen (same pictures)"),
    Aim("leak.siblings.gain", "AUC that leaking pictures of the tested lesions would add"),
    Aim("seven.cifar10_tuned.all.balanced_accuracy", SEVEN, unit="%"),
    Aim("seven.cifar10_frozen.all.balanced_accuracy", "the same, body frozen", unit="%"),
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
    steps: tuple[int, ...] = setting(
        (100, 200, 400, 800), "training steps for each number of labels"
    )
    repeats: tuple[int, ...] = setting((5, 3, 3, 3), "networks for two classes")
    repeats_seven: tuple[int, ...] = setting((2, 2, 2, 2), "networks for seven classes")
    batch_size: int = setting(64, "pictures a step")
    lr_scratch: tuple[float, ...] = setting((0.1,) * 4, "highest learning rates from scratch")
    lr_tuned: tuple[float, ...] = setting((0.01, 0.01, 0.02, 0.02), "highest rates of fine-tuning")
    weight_decay: float = setting(5e-4, "of every training")
    penalties: tuple[float, ...] = setting((1e-3, 1e-2, 1e-1, 1.0), "of the frozen body's head")
    large_steps: int = setting(800, "training steps of the main result's networks")
    large_repeats: int = setting(3, "networks whose mean logits are the main result")
    leak_repeats: int = setting(3, "networks for each leaking split")
    specificity: float = setting(0.9, "of the operating point")
    num_bootstrap: int = setting(1000, "times that lesions are resampled")
    bfloat16: bool = setting(True, "compute networks in bfloat16")
    imagenet: bool = setting(False, "also start from torchvision's ImageNet ResNet-18 (download)")

    def __post_init__(self):
        each = ("steps", "repeats", "repeats_seven", "lr_scratch", "lr_tuned")
        other = [name for name in each if len(getattr(self, name)) != len(self.labels)]
        require(
            not other,
            f"expected an entry for each of {len(self.labels)} numbers of labels, came another "
            f"number in {', '.join(other)}: set them, too",
        )
        last = f"expected labels that end with 0, for all, came {self.labels}: add it"
        require(self.labels[-1:] == (0,), last)


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
        found = session.stage(
            name, lambda mark, n=name: training.pretrain(config, n, session, mark)
        )
        bodies[name], accuracy[name] = found["body"], found["accuracy"]
    curves = {"two": {}, "seven": {}}
    for name, body in bodies.items():
        froze = session.stage(
            f"{name}-frozen", lambda _, b=body: training.freeze(config, two, seven, b, session)
        )
        method = f"{name}_tuned" if body else "scratch"
        for kind, task in (("two", two), ("seven", seven)):
            curves[kind][f"{name}_frozen"] = froze[kind]
            if kind == "two" or name != "fashion_mnist":
                curves[kind][method] = training.curve(
                    config, task, f"{kind}-{method}", body, session
                )
    body = bodies["cifar10"]
    main = [
        training.tune(config, large, body, 0, n, config.large_steps, f"main-{n}", session)
        for n in range(config.large_repeats)
    ]
    leaks = training.leak(config, two, body, session)
    return assemble(config, lesions, (two, seven), curves, main, leaks, accuracy, session)


def bench(config, seed, session):
    """Race from scratch to an AUC by picture of the validation part, against a usual loop.

    Both train the same network on all training pictures at the curves' size; the "error" of both
    is 1 - AUC, which does not reward calling all lesions nevi.
    """
    goal = 0.9 if session.tiny else GOAL
    lesions = session.data("ham10000")
    task = parts.make_task(lesions, ("nv", "mel"), config.size, config.fractions, config.split)
    (X, y), val = (
        (task.X[rows], task.y[rows]) for rows in (task.choose(0, 0), task.find(parts.VAL))
    )
    recipe = training.recipe_of(config, config.steps[-1], config.lr_scratch[-1], config.batch_size)
    model = nets.Bright(make_net(config.widths, 2)).to(session.device)
    before = session.clock.seconds()
    nets.train(model.net, X, y, recipe, nets.move_lesion, session, session.checkpoint, "ours")
    wall, cpu = session.clock.since(before)
    error = missing_auc(model, *val)
    ours = {"wall": wall, "cpu": cpu, "error": error, "reached": error <= goal}
    usual = nets.Bright(make_net(config.widths, 2))
    options = {"batch_size": 64, "transform": nets.move_one, "measure": missing_auc}
    plain = train_plainly(usual, (X, y), val, goal, session, 0.02, 12, **options)
    return {"target": f"validation AUC {1 - goal:.2f}", "ours": ours, "plain": plain}


def missing_auc(model, X, y):
    """Return 1 - AUC of a network of two classes on pictures X (batch, 3, height, width)."""
    return 1 - metrics.auc(margin(scores_of(model, X).cpu().numpy()), y.cpu().numpy())
