# %% [markdown]
# # Assignment 3: rules, rates, cures
#
# You will write an optimiser that the lesson left out, a loss that does not
# want to be too sure, and a learning rate that rises before it falls. Then you
# mend a training loop that runs without an error and is wrong. It belongs to
# the lessons [Stochastic gradient
# descent](lesson:03_stochastic_gradient_descent) and [Learning without
# learning by heart](lesson:03b_generalisation_and_tricks). Keep them open:
# looking things up is part of the work.
#
# There are six tasks and 20 points. Plan 60 to 90 minutes; no answer needs
# more than a few new lines. Everything runs in seconds, and the tasks stand
# alone.
#
# **How it works.** In each task, replace the line `raise
# NotImplementedError(...)` with your own. Keep the names and the shapes: the
# tests rely on them. Under each answer stands a check. It costs nothing and
# you may run it as often as you like; when something is wrong it says what it
# expected, what came, and where to look. The points come from hidden tests,
# which put random numbers where the checks have fixed ones. At the end,
# restart the kernel and run all cells once from top to bottom.

# %% setup=true minutes=1

# %% [markdown]
# Examples stand in rows and numbers are doubles. These names you may use in
# all tasks.

# %%
import copy
import math

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from deepcourse.checks import (
    CheckError, check_choice, check_close, check_defined, check_runs,
    check_shape,
)
from deepcourse.plot import BLUE, GREY

torch.set_default_dtype(torch.float64)  # double precision: sharp checks

# %% [markdown]
# ## Task 1 · Adam with honest decay (3 points)
#
# Weight decay adds $\alpha\theta$ to the gradient. Adam then divides it by
# $\sqrt s$ like the rest, so a weight with steep gradients hardly shrinks at
# all. **AdamW** ([Loshchilov & Hutter 2019](cite:loshchilov2019)) keeps the
# decay out of the averages. In each step it
#
# 1. shrinks the weights, $\theta \leftarrow (1 - \eta\alpha)\,\theta$;
# 2. takes Adam's step from there, with the gradient $\nabla L$ as it came.
#
# Write `adamw`. Copy the body of
# [the lesson's](lesson:03_stochastic_gradient_descent#a-rate-for-each-weight)
# `adam` and add what is missing.

# %% task=1 answer
def adamw(theta, dtheta, state, lr, decay, betas=(0.9, 0.999), eps=1e-8):
    """Return theta after one step; decay is alpha.

    state is a dict, empty at the first step, that you may fill.
    """
    ### BEGIN SOLUTION
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * dtheta
    state["s"] = betas[1] * state.get("s", 0) + (1 - betas[1]) * dtheta**2
    m = state["m"] / (1 - betas[0] ** t)  # (features, outputs)
    s = state["s"] / (1 - betas[1] ** t)  # (features, outputs)
    theta = (1 - lr * decay) * theta  # (features, outputs)
    return theta - lr * m / (s.sqrt() + eps)  # (features, outputs)
    ### END SOLUTION


# %% [markdown]
# First one step that you can do in your head, at rate 0.1 and decay 0.5: what
# is left of a 1, and how long is Adam's first step? Then five steps beside
# PyTorch.

# %% task=1 check
theta1, slopes1 = torch.ones(2, 1), torch.tensor([[3.0], [-40.0]])
after = check_runs(adamw, theta1, slopes1, {}, 0.1, 0.5)
check_shape("theta", after, features=2, outputs=1)
check_close("theta after one step", after, [[0.95 - 0.1], [0.95 + 0.1]],
            hint="1 shrinks to 0.95; Adam's first step is lr long, whatever "
                 "the size of the gradient")

ours, state = torch.ones(2, 1), {}
theirs = torch.ones(2, 1, requires_grad=True)
optimizer = torch.optim.AdamW([theirs], lr=0.1, weight_decay=0.5)
for step in range(1, 6):
    theirs.grad = slopes1 * math.cos(step)
    optimizer.step()
    ours = adamw(ours, slopes1 * math.cos(step), state, 0.1, 0.5)
    check_close(f"theta after step {step}", ours, theirs,
                hint="what must `state` remember? And the decay may touch "
                     "neither m nor s")

# %% task=1 test points=1
import torch

generator = torch.Generator().manual_seed(101)
for lr in (0.3, 0.01):
    theirs = torch.randn(4, 2, generator=generator).double()
    ours, state = theirs.clone(), {}
    theirs.requires_grad_()
    optimizer = torch.optim.Adam([theirs], lr=lr)
    for _ in range(20):
        slope = 10 * torch.randn(4, 2, generator=generator).double()
        theirs.grad = slope.clone()
        optimizer.step()
        ours = adamw(ours, slope, state, lr, 0.0)
        assert ours.shape == theirs.shape
        assert torch.allclose(ours, theirs, atol=1e-8), "without decay"

# %% task=1 test points=2
import torch

generator = torch.Generator().manual_seed(102)
for lr, decay in ((0.3, 0.2), (0.01, 3.0), (0.1, 1.0)):
    theirs = torch.randn(4, 2, generator=generator).double()
    ours, state = theirs.clone(), {}
    theirs.requires_grad_()
    optimizer = torch.optim.AdamW([theirs], lr=lr, weight_decay=decay)
    for _ in range(20):
        slope = 10 * torch.randn(4, 2, generator=generator).double()
        theirs.grad = slope.clone()
        optimizer.step()
        ours = adamw(ours, slope, state, lr, decay)
        assert torch.allclose(ours, theirs, atol=1e-8), "with decay"

# %% task=1 wrong="adds the decay to the gradient" fails="test-1-2"
def adamw(theta, dtheta, state, lr, decay, betas=(0.9, 0.999), eps=1e-8):
    dtheta = dtheta + decay * theta
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * dtheta
    state["s"] = betas[1] * state.get("s", 0) + (1 - betas[1]) * dtheta**2
    m = state["m"] / (1 - betas[0] ** t)
    s = state["s"] / (1 - betas[1] ** t)
    return theta - lr * m / (s.sqrt() + eps)


# %% task=1 wrong="shrinks by alpha, without the rate" fails="test-1-2"
def adamw(theta, dtheta, state, lr, decay, betas=(0.9, 0.999), eps=1e-8):
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * dtheta
    state["s"] = betas[1] * state.get("s", 0) + (1 - betas[1]) * dtheta**2
    m = state["m"] / (1 - betas[0] ** t)
    s = state["s"] / (1 - betas[1] ** t)
    return (1 - decay) * theta - lr * m / (s.sqrt() + eps)


# %% task=1 wrong="forgets the correction of the averages" fails="test-1"
def adamw(theta, dtheta, state, lr, decay, betas=(0.9, 0.999), eps=1e-8):
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * dtheta
    state["s"] = betas[1] * state.get("s", 0) + (1 - betas[1]) * dtheta**2
    theta = (1 - lr * decay) * theta
    return theta - lr * state["m"] / (state["s"].sqrt() + eps)


# %% task=1 wrong="remembers nothing" fails="test-1"
def adamw(theta, dtheta, state, lr, decay, betas=(0.9, 0.999), eps=1e-8):
    return (1 - lr * decay) * theta - lr * dtheta / (dtheta.abs() + eps)


# %% [markdown]
# What it buys: weights that start at 1 get gradients that are nothing but
# noise, of size 1 and of size 100, for 2,000 steps. Which decay treats both
# alike?

# %%
generator = torch.Generator().manual_seed(1)
theta_w, state = torch.ones(500, 2), {}
theta_l2 = torch.ones(500, 2, requires_grad=True)
optimizer = torch.optim.Adam([theta_l2], lr=1e-3, weight_decay=0.5)
check_runs(adamw, theta_w, theta_w, {}, 1e-3, 0.5)
for _ in range(2000):
    slope = torch.randn(500, 2, generator=generator) * torch.tensor([1, 100])
    theta_w = adamw(theta_w, slope, state, 1e-3, 0.5)
    theta_l2.grad = slope
    optimizer.step()
for name, theta in (("in the gradient", theta_l2), ("AdamW", theta_w)):
    small, large = theta.mean(dim=0).tolist()
    print(f"decay {name}: {small:.2f} left with small gradients, "
          f"{large:.2f} with large ones")

# %% [markdown]
# ## Task 2 · Do not be too sure (4 points)
#
# Cross-entropy with hard labels is never content: it asks for a probability of
# exactly 1, so for infinite logits. **Label smoothing**
# ([Szegedy and others 2016](cite:szegedy2016)) asks for less. It gives a share
# $\varepsilon$ of the label away, in equal parts to all $K$ classes, the right
# one included. The target for class $j$ becomes
#
# $$t_{nj} = (1 - \varepsilon)\, y_{nj} + \frac{\varepsilon}{K}, \qquad
# \text{and} \qquad L = -\frac1N \sum_n \sum_j t_{nj} \ln p_{nj}.$$
#
# Write `log_softmax`, which returns all $\ln p_{nj}$ and survives logits of
# $\pm 1000$. Taking the logarithm of a softmax does not. (The lesson's
# `log_sum_exp(z)` is `torch.logsumexp(z, dim=1, keepdim=True)`.) Then write
# `smooth_loss` with it. Here labels are integers, not rows with a 1. Leave
# torch's own `log_softmax` and `cross_entropy` aside.

# %% task=2 answer
def log_softmax(z):
    """Return ln p (batch, classes) for logits z (batch, classes)."""
    ### BEGIN SOLUTION
    return z - torch.logsumexp(z, dim=1, keepdim=True)  # (batch, classes)
    ### END SOLUTION


def smooth_loss(z, labels, eps):
    """Return the loss, one number; labels is (batch,), integers."""
    ### BEGIN SOLUTION
    K = z.shape[1]
    y = torch.eye(K)[labels]  # (batch, classes)
    target = (1 - eps) * y + eps / K  # (batch, classes)
    return -(target * log_softmax(z)).sum(dim=1).mean()  # ()
    ### END SOLUTION


# %% [markdown]
# With the logits $0$, $\ln 2$ and $\ln 3$ the probabilities are 1/6, 1/3 and
# 1/2.

# %% task=2 check
z2 = torch.tensor([[0.0, math.log(2), math.log(3)]])
log_p = check_runs(log_softmax, z2)
check_shape("log_softmax(z)", log_p, batch=1, classes=3)
check_close("log_softmax(z)", log_p,
            [[-math.log(6), -math.log(3), -math.log(2)]],
            hint="normalise over the classes, dim=1")
check_close("log_softmax of two rows of large logits",
            log_softmax(torch.tensor([[0.0, 1000.0], [-1000.0, 0.0]])),
            [[-1000.0, 0], [-1000, 0]],
            hint="never form exp(z) or log(p), and take the log-sum-exp of "
                 "each row from that row: keepdim=True")

# %% task=2 check
right = torch.tensor([2])
check_shape("the loss", check_runs(smooth_loss, z2, right, 0.6))
check_close("the loss without smoothing", smooth_loss(z2, right, 0.0),
            math.log(2), sizes={"classes": 3},
            hint="each label picks one number of its row; "
                 "torch.eye(K)[labels] has rows with a 1")
check_close("the loss with eps = 0.6", smooth_loss(z2, right, 0.6),
            0.2 * math.log(6) + 0.2 * math.log(3) + 0.6 * math.log(2),
            sizes={"classes": 3},
            hint="the target is 0.2, 0.2 and 0.6: the right class gets its "
                 "share of eps, too")
check_close("the loss of four examples", smooth_loss(
    z2.repeat(4, 1), torch.tensor([2, 2, 0, 1]), 0.0),
    (2 * math.log(2) + math.log(6) + math.log(3)) / 4, sizes={"batch": 4},
    hint="a sum over the classes, a mean over the examples")

# %% task=2 test points=2
import torch

generator = torch.Generator().manual_seed(201)
for batch, classes, scale in ((1, 2, 1.0), (6, 10, 5.0), (6, 3, 1000.0)):
    z = scale * torch.randn(batch, classes, generator=generator).double()
    expected = torch.nn.functional.log_softmax(z, dim=1)
    log_p = log_softmax(z)
    assert log_p.shape == expected.shape
    assert torch.allclose(log_p, expected), f"logits of size {scale}"

# %% task=2 test points=2
import torch

generator = torch.Generator().manual_seed(202)
for batch, classes, eps in ((1, 2, 0.3), (8, 10, 0.1), (20, 5, 0.0)):
    z = 3 * torch.randn(batch, classes, generator=generator).double()
    labels = torch.randint(classes, (batch,), generator=generator)
    expected = torch.nn.functional.cross_entropy(
        z, labels, label_smoothing=eps)
    loss = torch.as_tensor(smooth_loss(z, labels, eps))
    assert loss.shape == ()
    assert torch.allclose(loss, expected), f"eps = {eps}"

# %% task=2 wrong="takes the logarithm of the softmax" fails="test-2"
def log_softmax(z):
    return torch.softmax(z, dim=1).log()


def smooth_loss(z, labels, eps):
    K = z.shape[1]
    target = (1 - eps) * torch.eye(K)[labels] + eps / K
    return -(target * log_softmax(z)).sum(dim=1).mean()


# %% task=2 wrong="shares eps among the wrong classes only" fails="test-2-2"
def log_softmax(z):
    return z - torch.logsumexp(z, dim=1, keepdim=True)


def smooth_loss(z, labels, eps):
    y = torch.eye(z.shape[1])[labels]
    target = (1 - eps) * y + eps / (z.shape[1] - 1) * (1 - y)
    return -(target * log_softmax(z)).sum(dim=1).mean()


# %% task=2 wrong="takes the mean over the classes, too" fails="test-2-2"
def log_softmax(z):
    return z - torch.logsumexp(z, dim=1, keepdim=True)


def smooth_loss(z, labels, eps):
    K = z.shape[1]
    target = (1 - eps) * torch.eye(K)[labels] + eps / K
    return -(target * log_softmax(z)).mean()


# %% task=2 wrong="forgets keepdim" fails="test-2"
def log_softmax(z):
    return z - torch.logsumexp(z, dim=1)


def smooth_loss(z, labels, eps):
    K = z.shape[1]
    target = (1 - eps) * torch.eye(K)[labels] + eps / K
    return -(target * log_softmax(z)).sum(dim=1).mean()


# %% task=2 wrong="normalises over the batch, not the classes" fails="test-2"
def log_softmax(z):
    return z - torch.logsumexp(z, dim=0, keepdim=True)


def smooth_loss(z, labels, eps):
    K = z.shape[1]
    target = (1 - eps) * torch.eye(K)[labels] + eps / K
    return -(target * log_softmax(z)).sum(dim=1).mean()


# %% [markdown]
# ## Task 3 · Warm up, then cool down (3 points)
#
# With large batches a high rate can do harm in the first steps, before
# the weights have found a reasonable place
# ([Goyal and others 2017](cite:goyal2017)). So rise first. Write `rate`:
#
# - in steps 0, 1, …, `warm` − 1 the rate rises evenly: step 0 gets
#   `peak / warm`, step `warm` − 1 gets `peak`;
# - from step `warm` on it falls like
#   [the lesson's cosine](lesson:03_stochastic_gradient_descent#let-the-rate-fall),
#   squeezed into the steps that are left: `peak` at step `warm`, and it would
#   be 0 at step `num_steps`.

# %% task=3 answer
def rate(step, num_steps, warm, peak):
    """Return the learning rate of a step, one number.

    step counts 0, 1, …, num_steps - 1, and 1 <= warm < num_steps.
    """
    ### BEGIN SOLUTION
    if step < warm:
        return peak * (step + 1) / warm
    share = (step - warm) / (num_steps - warm)
    return peak / 2 * (1 + math.cos(math.pi * share))
    ### END SOLUTION


# %% [markdown]
# Ten steps, two of them to warm up, with a peak of 0.4. Then a picture of a
# longer run.

# %% task=3 check
check_runs(rate, 0, 10, 2, 0.4)  # while the rate rises
check_runs(rate, 2, 10, 2, 0.4)  # while it falls
for step, expected, why in (
        (0, 0.2, "step 0 gets peak / warm"),
        (1, 0.4, "step warm - 1 gets peak"),
        (2, 0.4, "the cosine starts at step warm, with peak"),
        (6, 0.2, "of the 8 steps of the cosine, 4 are over: half the peak"),
        (9, 0.2 * (1 + math.cos(math.pi * 7 / 8)), "7 of 8 are over")):
    check_close(f"the rate of step {step}", rate(step, 10, 2, 0.4), expected,
                hint=why)
plt.plot([rate(step, 100, 15, 0.4) for step in range(100)], ".", color=BLUE)
plt.xlabel("step")
label = plt.ylabel("learning rate")

# %% task=3 test points=1
import random

dice = random.Random(301)
for _ in range(20):
    warm = dice.randint(1, 30)
    num_steps, peak = warm + dice.randint(1, 50), dice.uniform(0.01, 2)
    for step in range(warm):
        expected = peak - (warm - 1 - step) * peak / warm
        assert abs(rate(step, num_steps, warm, peak) - expected) < 1e-9

# %% task=3 test points=2
import random

import torch

dice = random.Random(302)
for _ in range(10):
    warm, rest = dice.randint(2, 20), dice.randint(2, 50)
    peak = dice.uniform(0.01, 2)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=rest)
    for step in range(warm, warm + rest):
        expected = optimizer.param_groups[0]["lr"]
        assert abs(rate(step, warm + rest, warm, peak) - expected) < 1e-9
        optimizer.step()
        cosine.step()

# %% task=3 wrong="starts at zero" fails="test-3"
def rate(step, num_steps, warm, peak):
    if step < warm:
        return peak * step / warm
    share = (step - warm) / (num_steps - warm)
    return peak / 2 * (1 + math.cos(math.pi * share))


# %% task=3 wrong="jumps into a cosine over all steps" fails="test-3-2"
def rate(step, num_steps, warm, peak):
    if step < warm:
        return peak * (step + 1) / warm
    return peak / 2 * (1 + math.cos(math.pi * step / num_steps))


# %% task=3 wrong="is late: does not count the warm-up's steps" fails="test-3-2"
def rate(step, num_steps, warm, peak):
    if step < warm:
        return peak * (step + 1) / warm
    share = (step - warm) / num_steps
    return peak / 2 * (1 + math.cos(math.pi * share))


# %% [markdown]
# ## Task 4 · Predict, then measure (2 points)
#
# By which factor does it change: 1/4, 1/2, 1, 2 or 4? Answer **before** you
# compute anything.
#
# 1. You multiply the loss by 4. The length of the *first* step of plain SGD.
#    → `sgd_step`
# 2. The same for the first step of Adam. → `adam_step`
# 3. The gradient is the same in every step. You switch on momentum 0.75 and
#    leave the learning rate. The length of a step, after many steps.
#    → `momentum_step`
# 4. You draw batches of 64 instead of 16 from a million examples. The noise of
#    the gradient (root mean square). → `noise`
# 5. A hidden unit always has the value 3. You put the lesson's dropout with
#    $q = 0.75$ behind it. The mean, over many training steps, of what comes
#    out, compared with the 3 that goes in. → `dropout_mean`
# 6. A ReLU layer gets four times as many inputs. The standard deviation of
#    He's weights. → `he_std`

# %% task=4 answer
# Give a number to each of these names:
# sgd_step, adam_step, momentum_step, noise, dropout_mean, he_std
### BEGIN SOLUTION
sgd_step = 4  # the step is lr times the gradient
adam_step = 1  # m and the root of s both grow by 4
momentum_step = 4  # 1 / (1 - 0.75)
noise = 1 / 2  # sigma / sqrt(B)
dropout_mean = 1  # a quarter of the time, four times as much
he_std = 1 / 2  # the root of 2 / n
### END SOLUTION

# %% [markdown]
# The check cannot tell you whether you are right: it only looks whether your
# answers can be read. When it is content, measure what you doubt: insert a
# cell and let the code answer. Change an answer if you must, but only once you
# know why it was wrong.

# %% task=4 check
names4 = ["sgd_step", "adam_step", "momentum_step", "noise", "dropout_mean",
          "he_std"]
check_defined(globals(), *names4)
for name in names4:
    value = globals()[name]
    if not isinstance(value, int | float):
        raise CheckError(f"{name}: expected a number, came {value!r}\n"
                         "  Look at: write it without quotes, as in 1 / 4")
    check_choice(name, float(value), [1 / 4, 1 / 2, 1.0, 2.0, 4.0])

# %% task=4 test points=1
import torch


def length(optimizer_class, slope, num_steps=1, **settings):
    weight = torch.zeros(1, requires_grad=True)
    optimizer = optimizer_class([weight], lr=0.01, **settings)
    for _ in range(num_steps):
        before = weight.item()
        weight.grad = torch.full((1,), slope, dtype=weight.dtype)
        optimizer.step()
    return abs(weight.item() - before)


slope = 0.5 + torch.rand(1, generator=torch.Generator().manual_seed(401))
slope, SGD, Adam = slope.item(), torch.optim.SGD, torch.optim.Adam
for name, new, old in (
        ("sgd_step", length(SGD, 4 * slope), length(SGD, slope)),
        ("adam_step", length(Adam, 4 * slope), length(Adam, slope)),
        ("momentum_step", length(SGD, slope, 99, momentum=0.75),
         length(SGD, slope, 99))):
    assert abs(globals()[name] - new / old) < 0.01, name

# %% task=4 test points=1
import torch

torch.manual_seed(402)
normal = torch.nn.init.kaiming_normal_
draws = torch.randn(4000, 64)
measured = {
    "noise": draws.mean(dim=1).std() / draws[:, :16].mean(dim=1).std(),
    "dropout_mean": torch.nn.Dropout(0.75)(torch.ones(100_000)).mean(),
    "he_std": (normal(torch.empty(200, 400)).std()
               / normal(torch.empty(200, 100)).std())}
for name, factor in measured.items():
    assert abs(globals()[name] - factor.item()) < 0.1, name

# %% task=4 wrong="thinks that Adam scales with the loss" fails="test-4"
sgd_step, adam_step, momentum_step = 4, 4, 4
noise, dropout_mean, he_std = 1 / 2, 1, 1 / 2

# %% task=4 wrong="thinks that momentum only smooths" fails="test-4"
sgd_step, adam_step, momentum_step = 4, 1, 1
noise, dropout_mean, he_std = 1 / 2, 1, 1 / 2

# %% task=4 wrong="takes noise and weights to fall like 1/n" fails="test-4-2"
sgd_step, adam_step, momentum_step = 4, 1, 4
noise, dropout_mean, he_std = 1 / 4, 1, 1 / 4

# %% task=4 wrong="forgets dropout's factor 1/(1 - q)" fails="test-4-2"
sgd_step, adam_step, momentum_step = 4, 1, 4
noise, dropout_mean, he_std = 1 / 2, 1 / 4, 1 / 2

# %% [markdown]
# ## Task 5 · Two faults (5 points)
#
# A colleague trains a network with dropout on 200 digits, 40 of them with a
# label drawn by lot, and stops early: when the validation loss has not fallen
# for `patience` epochs, the loop ends and the best weights are put back.
# Nothing turns red.

# %%
from deepcourse.data import load_digits

digits = load_digits()
generator = torch.Generator().manual_seed(5)
X_few, y_few = digits.X_train[:200], digits.y_train[:200].clone()
y_few[:40] = torch.eye(10)[torch.randint(10, (40,), generator=generator)]


def make_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Dropout(0.5),
                         nn.Linear(100, 10))


def evaluate_draft(model, X, y):
    with torch.no_grad():
        return cross_entropy(model(X), y).item()


def fit_draft(model, X, y, X_val, y_val, num_epochs=100, patience=10):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    lowest, kept, waited = math.inf, None, 0
    model.train()
    for _ in range(num_epochs):
        for rows in torch.randperm(len(X)).split(20):
            optimizer.zero_grad()
            cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
        val = evaluate_draft(model, X_val, y_val)
        if val < lowest:
            lowest, kept, waited = val, model.state_dict(), 0
        else:
            waited += 1
        if waited == patience:
            break
    model.load_state_dict(kept)
    return lowest


# %% [markdown]
# The loop returns its lowest validation loss. The weights that had it are back
# in the model, so measuring again must give the same number each time.

# %%
def report(fit, evaluate):
    model = make_model()
    lowest = fit(model, X_few, y_few, digits.X_val, digits.y_val)
    again = [evaluate(model, digits.X_val, digits.y_val) for _ in range(3)]
    print(f"lowest: {lowest:.3f}, measured again:",
          ", ".join(f"{loss:.3f}" for loss in again))


report(fit_draft, evaluate_draft)

# %% [markdown]
# There are two faults, one in each function. Write `evaluate` and `fit`: copy
# the drafts, change what is needed, and let `fit` call `evaluate`. Take care
# that mending one fault does not bring in a third.
#
# <details><summary><b>A hint for <code>evaluate</code></b></summary>
#
# Which layer of the network acts differently in training? Who tells it that
# training is over, and who tells it that training goes on?
#
# </details>
#
# <details><summary><b>A hint for <code>fit</code></b></summary>
#
# Is `kept` a photograph of the weights, or the weights themselves? Print
# `kept["0.bias"][0]` in each epoch and see.
# `copy.deepcopy` makes a photograph of anything.
#
# </details>

# %% task=5 answer
def evaluate(model, X, y):
    """Return the loss of the model as it will be used, a float."""
    ### BEGIN SOLUTION
    model.eval()
    with torch.no_grad():
        return cross_entropy(model(X), y).item()
    ### END SOLUTION


def fit(model, X, y, X_val, y_val, num_epochs=100, patience=10):
    """Train, put the best weights back, return the lowest loss."""
    ### BEGIN SOLUTION
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    lowest, kept, waited = math.inf, None, 0
    for _ in range(num_epochs):
        model.train()
        for rows in torch.randperm(len(X)).split(20):
            optimizer.zero_grad()
            cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
        val = evaluate(model, X_val, y_val)
        if val < lowest:
            lowest, waited = val, 0
            kept = copy.deepcopy(model.state_dict())
        else:
            waited += 1
        if waited == patience:
            break
    model.load_state_dict(kept)
    return lowest
    ### END SOLUTION


# %% [markdown]
# The check trains a model that notes, each time it is called, whether it was
# in training mode. Then the report once more: all four numbers agree.

# %% task=5 check
model5 = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 10))
model5.train()
came = check_runs(evaluate, model5, digits.X_val, digits.y_val)
linear = model5[1]  # without dropout, only this layer is left
check_close("evaluate on a model that comes in training mode", came,
            cross_entropy(linear(digits.X_val), digits.y_val),
            hint="dropout must be off while you measure")

# %% task=5 check
class Noting(nn.Sequential):
    def forward(self, X):
        if len(X) == 20:  # a training batch
            self.modes = [*getattr(self, "modes", []), self.training]
        return super().forward(X)


noting = Noting(*make_model())
lowest5 = check_runs(fit, noting, X_few, y_few, digits.X_val, digits.y_val)
if not all(noting.modes):
    raise CheckError("fit: the model was not in training mode in batch "
                     f"{noting.modes.index(False)}, counted from 0\n"
                     "  Look at: evaluate switches dropout off; who switches "
                     "it on again for the next epoch?")
check_close("the loss of the weights that fit puts back",
            evaluate(noting, digits.X_val, digits.y_val), lowest5,
            hint="are the weights in `kept` still those of the best epoch? "
                 "And does fit call evaluate, not the draft?")
report(fit, evaluate)

# %% task=5 test points=2
import torch
from torch import nn
from torch.nn.functional import cross_entropy

torch.manual_seed(501)
for batch, features, classes in ((1, 3, 2), (40, 8, 5)):
    linear = nn.Linear(features, classes).double()
    model = nn.Sequential(nn.Dropout(0.6), linear).train()
    X = torch.randn(batch, features).double()
    y = torch.eye(classes).double()[torch.randint(classes, (batch,))]
    expected = cross_entropy(linear(X), y).item()
    assert abs(evaluate(model, X, y) - expected) < 1e-9

# %% task=5 test points=3
from copy import deepcopy

import torch
from torch import nn
from torch.nn.functional import cross_entropy


class Spy(nn.Sequential):
    def forward(self, X):
        if len(X) == 31:  # the validation part
            self.seen.append(deepcopy(self[3].state_dict()))
            self.first.append(deepcopy(self[0].state_dict()))
        else:
            self.modes.append(self.training)
        return super().forward(X)


for seed in (502, 503):
    torch.manual_seed(seed)
    model = Spy(nn.Linear(6, 30), nn.ReLU(), nn.Dropout(0.3),
                nn.Linear(30, 3)).double()
    model.seen, model.first, model.modes = [], [], []
    X, X_val = torch.randn(40, 6).double(), torch.randn(31, 6).double()
    y, y_val = (torch.eye(3).double()[(part[:, 0] > 0).long()]
                for part in (X, X_val))
    y[:12] = torch.eye(3).double()[torch.randint(3, (12,))]
    lowest = fit(model, X, y, X_val, y_val, num_epochs=200, patience=8)
    assert model.modes
    assert all(model.modes), "trained without dropout"
    assert len(model.seen) < 200, "did not stop early"
    bare = nn.Sequential(nn.Linear(6, 30), nn.ReLU(), nn.Linear(30, 3))
    losses = []
    for first, last in zip(model.first, model.seen, strict=True):
        bare.double()[0].load_state_dict(first)
        bare[2].load_state_dict(last)
        losses.append(cross_entropy(bare(X_val), y_val).item())
    after = cross_entropy(model[3](torch.relu(model[0](X_val))), y_val).item()
    assert abs(lowest - min(losses)) < 1e-9, "lowest"
    assert abs(after - min(losses)) < 1e-9, "the best weights are not back"

# %% task=5 wrong="mends only evaluate, and trains on without dropout" fails="test-5-2"
def evaluate(model, X, y):
    model.eval()
    return evaluate_draft(model, X, y)


def fit(model, X, y, X_val, y_val, num_epochs=100, patience=10):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    lowest, kept, waited = math.inf, None, 0
    model.train()
    for _ in range(num_epochs):
        for rows in torch.randperm(len(X)).split(20):
            optimizer.zero_grad()
            cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
        val = evaluate(model, X_val, y_val)
        if val < lowest:
            lowest, waited = val, 0
            kept = copy.deepcopy(model.state_dict())
        else:
            waited += 1
        if waited == patience:
            break
    model.load_state_dict(kept)
    return lowest


# %% task=5 wrong="mends only the photograph" fails="test-5"
evaluate = evaluate_draft


def fit(model, X, y, X_val, y_val, num_epochs=100, patience=10):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    lowest, kept, waited = math.inf, None, 0
    model.train()
    for _ in range(num_epochs):
        for rows in torch.randperm(len(X)).split(20):
            optimizer.zero_grad()
            cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
        val = evaluate(model, X_val, y_val)
        if val < lowest:
            lowest, waited = val, 0
            kept = copy.deepcopy(model.state_dict())
        else:
            waited += 1
        if waited == patience:
            break
    model.load_state_dict(kept)
    return lowest


# %% task=5 wrong="copies the dict, not the tensors in it" fails="test-5-2"
def evaluate(model, X, y):
    model.eval()
    return evaluate_draft(model, X, y)


def fit(model, X, y, X_val, y_val, num_epochs=100, patience=10):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    lowest, kept, waited = math.inf, None, 0
    for _ in range(num_epochs):
        model.train()
        for rows in torch.randperm(len(X)).split(20):
            optimizer.zero_grad()
            cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
        val = evaluate(model, X_val, y_val)
        if val < lowest:
            lowest, kept, waited = val, dict(model.state_dict()), 0
        else:
            waited += 1
        if waited == patience:
            break
    model.load_state_dict(kept)
    return lowest


# %% task=5 wrong="forgets to put the best weights back" fails="test-5-2"
def evaluate(model, X, y):
    model.eval()
    return evaluate_draft(model, X, y)


def fit(model, X, y, X_val, y_val, num_epochs=100, patience=10):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(num_epochs):
        model.train()
        for rows in torch.randperm(len(X)).split(20):
            optimizer.zero_grad()
            cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()
        losses.append(evaluate(model, X_val, y_val))
        if len(losses) - 1 - losses.index(min(losses)) == patience:
            break
    return min(losses)


# %% [markdown]
# ## Task 6 · Two pairs of curves (3 points)
#
# Two networks for ten classes, trained for 60 epochs each. Below are their
# losses after epochs 1, 5, 9, and so on.

# %%
epochs = range(1, 61, 4)
P_train = [2.22, 1.36, 0.88, 0.71, 0.57, 0.46, 0.37, 0.33,
           0.28, 0.23, 0.19, 0.15, 0.16, 0.16, 0.10]
P_val = [2.24, 1.29, 0.67, 0.61, 0.62, 0.63, 0.59, 0.69,
         0.66, 0.75, 0.78, 0.78, 0.85, 0.81, 0.87]
Q_train = [1.90, 1.38, 1.36, 1.33, 1.40, 1.38, 1.37, 1.35,
           1.34, 1.36, 1.36, 1.36, 1.36, 1.35, 1.36]
Q_val = [1.92, 1.39, 1.37, 1.33, 1.42, 1.37, 1.38, 1.36,
         1.36, 1.35, 1.38, 1.38, 1.38, 1.35, 1.37]
figure, axes = plt.subplots(1, 2, sharey=True, figsize=(6.4, 2.8))
for ax, name, training, validation in (
        (axes[0], "P", P_train, P_val), (axes[1], "Q", Q_train, Q_val)):
    ax.plot(epochs, training, color=GREY, linewidth=5, alpha=0.6,
            label="training")
    ax.plot(epochs, validation, color=BLUE, label="validation")
    ax.set(title=name, xlabel="epoch", ylim=(0, 2.4))
axes[0].set_ylabel("loss")
legend = axes[1].legend()

# %% [markdown]
# Answer in about 100 words altogether.
#
# 1. What is wrong with P? Name two cures.
# 2. What is wrong with Q? Name one thing that you would change, and one of
#    P's cures that would *not* help Q, with the reason.
# 3. You try five changes on Q and take the one with the lowest validation
#    loss. Why is that loss not what you should report, and what should you
#    report?

# %% [markdown] task=6 written points=3
# 1. P overfits: the training loss goes on falling while the validation loss
#    turns after about 25 epochs. Stop early there, and add augmentation (or
#    dropout, weight decay, more data).
# 2. Q underfits: both losses are stuck at 1.36, with no gap between them. I
#    would first lower its weight decay or dropout (or try another learning
#    rate, or a larger network). Early stopping would not help: the validation
#    loss never rises, so there is nothing to stop before.
# 3. The lowest of five is partly the luckiest of five: it was chosen on these
#    examples. Report the loss of the chosen network on test examples that had
#    no say, looked at once, best over several seeds.
#
# ### BEGIN MARK SCHEME
#
# One point each. Half a point where one of two parts is missing.
#
# 1. "Overfitting" *with* what in the curves shows it, and two of: early
#    stopping, weight decay, dropout, augmentation or more data, a smaller
#    network.
# 2. "Underfitting" (or: stuck, too strongly held back) because the *training*
#    loss is high and level, and one change: less decay or dropout, another
#    rate or schedule, better inputs or weights at the start, a larger network.
#    And a cure that does not help, with its reason: each of P's cures holds
#    the network back or closes a gap, and there is no gap. "Train longer" is
#    no change that counts: the curves have been level for 50 epochs.
# 3. The choice made the validation loss too rosy *and* a test part, used once
#    after all choices.
#
# ### END MARK SCHEME

# %% [markdown]
# ## Before you hand it in
#
# Restart the kernel, run all cells, and see that no check complains. If you
# leave a task out, keep its `NotImplementedError`: running all cells stops
# there, so go on by hand from the next task. The others count all the same.
