"""A linear head on the features of a frozen body: logistic regression, its penalty chosen.

Imports: `data` and torch.
"""

import torch
from torch.nn import functional as F

from deepcourse.reproduce.clinic.data import TEST, VAL, name_of


def heads_of(features, task, labels, repeats, penalties):
    """Return {labels: test logits of each repeat}; `labels` and `repeats` go together.

    Where all labels are used, one head is all: a second one would be the same.
    """
    return {
        name_of(count): [
            choose_head(features, task, task.choose(count, seed), penalties)
            for seed in range(number if count else 1)
        ]
        for count, number in zip(labels, repeats, strict=True)
    }


def choose_head(features, task, rows, penalties):
    """Return the test logits (pictures, classes) of the head that is best on validation pictures.

    `features` (views, batch, width) are those of the task's pictures; a head is fitted to `rows`
    for each of the `penalties`, and the one with the least log loss on the validation part
    scores the test part. Logits are means over the views, in float64 on the CPU.
    """
    mean, std = features[:, rows].mean(dim=(0, 1)), features[:, rows].std(dim=(0, 1)) + 1e-6
    best = None
    for penalty in penalties:
        scaled = [(features[:, some] - mean) / std for some in (rows, task.find(VAL))]
        weight, bias = fit_head(scaled[0], task.y[rows], len(task.classes), penalty)
        logits = scaled[1].mean(dim=0) @ weight.T + bias
        loss = F.cross_entropy(logits, task.y[task.find(VAL)]).item()
        if best is None or loss < best[0]:
            best = (loss, weight, bias)
    test = (features[:, task.find(TEST)].mean(dim=0) - mean) / std
    return (test @ best[1].T + best[2]).double().cpu()


def fit_head(features, y, num_classes, penalty, num_steps=100):
    """Return (weight, bias) of the logistic regression of classes y (batch,) on features.

    `features` (views, batch, width) all count, each view with its picture's class. The loss is
    the mean log loss plus `penalty` / 2 times the squared weights, on features that the caller
    has standardized.
    """
    X, y = features.flatten(0, 1), y.repeat(len(features))
    weight = torch.zeros(num_classes, X.shape[1], device=X.device, requires_grad=True)
    bias = torch.zeros(num_classes, device=X.device, requires_grad=True)
    lbfgs = torch.optim.LBFGS(
        [weight, bias], max_iter=num_steps, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure():
        lbfgs.zero_grad()
        loss = F.cross_entropy(X @ weight.T + bias, y) + penalty / 2 * weight.square().sum()
        loss.backward()
        return loss

    lbfgs.step(closure)
    return weight.detach(), bias.detach()
