# %% [markdown]
# # Assignment 1: lines, networks, gates
#
# You will hold a line back, let a unit count, build two networks without any
# training, and find two faults in a program that runs without an error. It
# belongs to the lessons [From a line to a
# network](lesson:01_regression_to_networks) and [Why a network, and why a deep
# one](lesson:01b_why_deep). Keep them open: looking things up is part of the
# work.
#
# There are seven tasks and 20 points. Plan 60 to 90 minutes, and paper: Tasks
# 1, 2 and 6 are solved there and only typed here. Everything runs in seconds.
# The tasks stand alone, except that the plot of Task 2 needs Task 1, and Task
# 7 looks back at Task 4.
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
# As in the lesson, examples stand in rows, numbers are doubles, and `add_one`
# puts a 1 in front of each example. These names you may use in all tasks.

# %%
import math

import matplotlib.pyplot as plt
import torch

from deepcourse.checks import (
    CheckError, check_choice, check_close, check_defined, check_gradient,
    check_runs, check_shape,
)
from deepcourse.plot import GREY

torch.set_default_dtype(torch.float64)  # double precision: sharp checks


def add_one(X):
    """Turn X (batch, features) into Phi (batch, 1 + features)."""
    return torch.cat([torch.ones(len(X), 1), X], dim=1)


# %% [markdown]
# ## Task 1 · A line that is held back (3 points)
#
# With few patients and many measurements, the best line fits the noise too.
# A remedy is to make large weights cost something. **Ridge regression**
# minimises
#
# $$L(\theta) = \frac{1}{N}\,\|\Phi\theta - y\|^2
# + \alpha \sum_{j \ge 1} \theta_j^2.$$
#
# The number $\alpha \ge 0$ sets the price. The sum begins at 1: the bias
# $\theta_0$ is free. It only says where the answers lie on average, and there
# is no reason to pull that towards zero.
#
# Set the gradient to zero on paper. As in the lesson you get linear equations
# for $\theta$, with one matrix more. Then write `fit_ridge`, which solves
# them.
#
# <details><summary><b>A hint</b></summary>
#
# Write the price as $\alpha\,\theta^T D\,\theta$ with a diagonal matrix $D$.
# What stands in its upper left corner? And mind the $N$: it divides one part
# of the loss and not the other.
#
# </details>

# %% task=1 answer
def fit_ridge(X, y, alpha):
    """Return the theta that minimises the ridge loss, the bias first.

    X is (batch, features), y is (batch, outputs), alpha a number;
    theta is (1 + features, outputs).
    """
    ### BEGIN SOLUTION
    Phi = add_one(X)  # (batch, terms)
    D = torch.eye(Phi.shape[1])  # (terms, terms)
    D[0, 0] = 0
    A = Phi.T @ Phi / len(X) + alpha * D  # (terms, terms)
    return torch.linalg.solve(A, Phi.T @ y / len(X))  # (terms, outputs)
    ### END SOLUTION


# %% [markdown]
# The check wants four things: the right shape, a gradient of zero where you
# stand, and two laws. If every patient's target grows by 100, only the bias
# may change. And if weights cost a fortune, all that is left is the mean.

# %% task=1 check
generator = torch.Generator().manual_seed(1)
X1 = torch.randn(20, 3, generator=generator)
y1 = 5 + X1 @ torch.tensor([[1.0], [-2.0], [0.0]])
y1 = y1 + 0.5 * torch.randn(20, 1, generator=generator)


def ridge_loss(theta):
    error = add_one(X1) @ theta - y1
    return error.square().mean() + 0.3 * theta[1:].square().sum()


theta1 = check_runs(fit_ridge, X1, y1, 0.3)
if len(theta1) == 3:
    raise CheckError("theta has 3 rows, expected 4: a bias and 3 weights\n"
                     "  Look at: did you call add_one(X)?")
check_shape("theta", theta1, terms=4, outputs=1)
more = fit_ridge(X1, y1 + 100, 0.3) - theta1
check_close("the change of theta when y grows by 100", more,
            [[100.0], [0], [0], [0]], atol=1e-6,
            hint="the bias comes first, and costs nothing")
theta1.requires_grad_()
ridge_loss(theta1).backward()
check_close("the slope of the loss at your theta", theta1.grad,
            torch.zeros(4, 1), atol=1e-6,
            hint="you are not at the minimum: mind N, alpha and D")
check_close("theta for two outputs, the second ten times the first",
            fit_ridge(X1, torch.cat([y1, 10 * y1], dim=1), 0.3),
            torch.cat([theta1, 10 * theta1], dim=1).detach(), atol=1e-6,
            hint="N counts the patients, not all numbers in y")
check_close("theta when weights cost a fortune",
            fit_ridge(X1, y1, 1e12), [[y1.mean().item()], [0], [0], [0]],
            atol=1e-6)

# %% task=1 test points=1
import torch

generator = torch.Generator().manual_seed(101)
for features, outputs in ((1, 1), (4, 1), (3, 2)):
    X = 3 + torch.randn(30, features, generator=generator).double()
    y = 7 + torch.randn(30, outputs, generator=generator).double()
    ones = torch.ones(30, 1).double()
    expected = torch.linalg.lstsq(torch.cat([ones, X], dim=1), y).solution
    theta = fit_ridge(X, y, 0.0)
    assert theta.shape == expected.shape
    assert torch.allclose(theta, expected, atol=1e-8), "alpha = 0"

# %% task=1 test points=2
import torch

generator = torch.Generator().manual_seed(102)
for features, outputs, alpha in ((1, 1, 0.5), (4, 1, 0.02), (3, 2, 10.0)):
    X = 3 + torch.randn(25, features, generator=generator).double()
    y = 7 + torch.randn(25, outputs, generator=generator).double()
    # Another way to the same minimum: centre everything, then no bias.
    X_mid, y_mid = X.mean(dim=0), y.mean(dim=0)
    cost = alpha * torch.eye(features).double()
    weight = torch.linalg.solve((X - X_mid).T @ (X - X_mid) / 25 + cost,
                                (X - X_mid).T @ (y - y_mid) / 25)
    bias = y_mid - X_mid @ weight
    theta = fit_ridge(X, y, alpha)
    assert torch.allclose(theta[1:], weight, atol=1e-8), "weights"
    assert torch.allclose(theta[0], bias, atol=1e-8), "bias"

# %% task=1 wrong="the bias costs, too" fails="test-1-2"
def fit_ridge(X, y, alpha):
    Phi = add_one(X)
    A = Phi.T @ Phi / len(X) + alpha * torch.eye(Phi.shape[1])
    return torch.linalg.solve(A, Phi.T @ y / len(X))


# %% task=1 wrong="forgets to divide by N" fails="test-1-2"
def fit_ridge(X, y, alpha):
    Phi = add_one(X)
    D = torch.eye(Phi.shape[1])
    D[0, 0] = 0
    return torch.linalg.solve(Phi.T @ Phi + alpha * D, Phi.T @ y)


# %% task=1 wrong="fits a line through the origin" fails="test-1"
def fit_ridge(X, y, alpha):
    A = X.T @ X / len(X) + alpha * torch.eye(X.shape[1])
    weight = torch.linalg.solve(A, X.T @ y / len(X))
    return torch.cat([torch.zeros(1, y.shape[1]), weight])


# %% task=1 wrong="puts the bias last" fails="test-1"
def fit_ridge(X, y, alpha):
    Phi = torch.cat([X, torch.ones(len(X), 1)], dim=1)
    D = torch.eye(Phi.shape[1])
    D[-1, -1] = 0
    A = Phi.T @ Phi / len(X) + alpha * D
    return torch.linalg.solve(A, Phi.T @ y / len(X))


# %% [markdown]
# ## Task 2 · A unit that counts (2 points)
#
# How many migraine attacks will a patient have next month? The answer is 0, 1,
# 2, …, and never negative. A line does not know that. So send it through an
# activation that has only positive values:
#
# $$\hat y = \exp(\Phi\theta).$$
#
# This is one unit with the activation $\exp$. If counts scatter around
# $\hat y$ by Poisson's law, maximum likelihood asks us to minimise
#
# $$L(\theta) = \frac{1}{N} \sum_{i=1}^{N}
# \left(\hat y_i - y_i \log \hat y_i\right).$$
#
# Here is the loss. Find $\nabla L(\theta)$ on paper and write
# `count_loss_gradient`, in one matrix product and without a loop. Simplify
# before you type: what is $\log\hat y_i$? The result will look familiar.

# %%
def count_loss(theta, Phi, y):
    """Return the loss, one number.

    theta is (features, 1), Phi is (batch, features), y is (batch, 1).
    """
    log_y_hat = Phi @ theta  # (batch, outputs)
    return (torch.exp(log_y_hat) - y * log_y_hat).mean()  # ()


# %% task=2 answer
def count_loss_gradient(theta, Phi, y):
    """Return the gradient of the loss, of the shape of theta."""
    ### BEGIN SOLUTION
    y_hat = torch.exp(Phi @ theta)  # (batch, outputs)
    return Phi.T @ (y_hat - y) / len(y)  # (features, outputs)
    ### END SOLUTION


# %% [markdown]
# Your gradient stands trial against one that knows nothing of your paper: each
# entry of $\theta$ is wiggled.

# %% task=2 check
Phi2 = torch.tensor([[1.0, 0], [1, 1], [1, 2]])
y2 = torch.tensor([[1.0], [3], [3]])
place = torch.tensor([[0.3], [-0.2]])
dtheta2 = check_runs(count_loss_gradient, place, Phi2, y2)
check_shape("the gradient", dtheta2, features=2, outputs=1)
check_gradient("the gradient", dtheta2, lambda t: count_loss(t, Phi2, y2),
               place, sizes={"batch": 3},
               hint="d exp(z)/dz = exp(z), and z = Phi @ theta is linear")

# %% task=2 test points=2
import torch
from torch.nn.functional import poisson_nll_loss

generator = torch.Generator().manual_seed(202)
for batch, features in ((1, 1), (7, 3), (40, 5)):
    Phi = torch.randn(batch, features, generator=generator).double()
    theta = torch.randn(features, 1, generator=generator).double() / 2
    y = torch.randint(0, 6, (batch, 1), generator=generator).double()
    tracked = theta.clone().requires_grad_()
    poisson_nll_loss(Phi @ tracked, y, log_input=True).backward()
    dtheta = count_loss_gradient(theta, Phi, y)
    assert dtheta.shape == (features, 1)
    assert torch.allclose(dtheta, tracked.grad)

# %% task=2 wrong="sums instead of taking the mean" fails="test-2"
def count_loss_gradient(theta, Phi, y):
    return Phi.T @ (torch.exp(Phi @ theta) - y)


# %% task=2 wrong="climbs: y minus y_hat" fails="test-2"
def count_loss_gradient(theta, Phi, y):
    return Phi.T @ (y - torch.exp(Phi @ theta)) / len(y)


# %% task=2 wrong="the gradient of the line" fails="test-2"
def count_loss_gradient(theta, Phi, y):
    return Phi.T @ (Phi @ theta - y) / len(y)


# %% [markdown]
# Now watch your unit learn, beside your line of Task 1 with $\alpha = 0$ (so
# this cell needs Task 1, too). The horizontal axis is the number of sleepless
# nights. Where does the line answer something that cannot be?

# %%
generator = torch.Generator().manual_seed(2)
nights = 6 * torch.rand(80, 1, generator=generator)
attacks = torch.poisson(torch.exp(0.5 * nights - 1), generator=generator)
theta_count = torch.zeros(2, 1)
theta_line = check_runs(fit_ridge, nights, attacks, 0.0)
check_runs(count_loss_gradient, theta_count, add_one(nights), attacks)
for _ in range(4000):
    slope = count_loss_gradient(theta_count, add_one(nights), attacks)
    theta_count = theta_count - 0.02 * slope

grid = torch.linspace(0, 6, 101).reshape(-1, 1)
plt.plot(nights, attacks, ".", color=GREY)
plt.plot(grid, add_one(grid) @ theta_line, label="the line")
plt.plot(grid, torch.exp(add_one(grid) @ theta_count), label="the unit")
plt.xlabel("sleepless nights")
plt.ylabel("attacks")
legend = plt.legend()

# %% [markdown]
# ## Task 3 · A network of any depth (2 points)
#
# In the lesson each layer had its own line of code. Now write `forward` for
# any number of layers. They come as a list of pairs, `[(W1, b1), (W2, b2),
# …]`, each W (inputs, units) and each b (units,). After every layer but the
# last stands a ReLU; the last answers as it is, and it may also be the first.
#
# Then leave the ReLU out. The lesson showed that two layers without
# activation collapse into one. Write `collapse`, which does it for any number,
# biases included, and returns one pair: `W_all` (features, outputs) and `b_all`
# (outputs,), such that `X @ W_all + b_all` answers like all layers together.
# Before you type, follow the bias of the first layer through the second on
# paper.

# %% task=3 answer
def forward(X, layers):
    """Return y_hat (batch, outputs) of a ReLU network for X."""
    ### BEGIN SOLUTION
    H = X
    for W, b in layers[:-1]:
        H = torch.relu(H @ W + b)  # (batch, _)
    W, b = layers[-1]
    return H @ W + b  # (batch, outputs)
    ### END SOLUTION


def collapse(layers):
    """Return W_all, b_all: the same as `layers` without activations."""
    ### BEGIN SOLUTION
    W_all, b_all = layers[0]
    for W, b in layers[1:]:
        W_all, b_all = W_all @ W, b_all @ W + b
    return W_all, b_all  # (features, outputs), (outputs,)
    ### END SOLUTION


# %% [markdown]
# The first check is the lesson's network for "just one of two medicines". It
# must answer 0, 1, 1, 0. The second is a network with three layers, small
# enough to follow by hand. The rest use random layers: of sizes 2, 2, 2 and
# then 3, 5, 4, 2.

# %% task=3 check
from itertools import pairwise

corners = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
xor = [(torch.ones(2, 2), torch.tensor([0.0, -1])),
       (torch.tensor([[1.0], [-2]]), torch.zeros(1))]
three = [(torch.tensor([[1.0, -1]]), torch.tensor([0.0, 1])),
         (torch.tensor([[1.0, -2], [2, 1]]), torch.tensor([-1.0, 1])),
         (torch.tensor([[1.0], [-1]]), torch.tensor([-1.0]))]
generator = torch.Generator().manual_seed(3)
layers3 = [(torch.randn(n, m, generator=generator),
            torch.randn(m, generator=generator))
           for n, m in pairwise([3, 5, 4, 2])]
X3 = torch.randn(6, 3, generator=generator)

check_close("forward at the four corners", check_runs(forward, corners, xor),
            [[0.0], [1], [1], [0]],
            hint="a ReLU after each layer except the last; add each bias")
check_close("forward with three layers, at -1, 0, 1 and 2",
            forward(torch.tensor([[-1.0], [0], [1], [2]]), three),
            [[-1.0], [-2], [-1], [0]],
            hint="a ReLU after each layer but the last")
check_shape("forward(X, layers)", forward(X3, layers3), batch=6, outputs=2)
check_close("forward with a single layer", forward(X3, layers3[:1]),
            X3 @ layers3[0][0] + layers3[0][1],
            hint="a single layer is the last layer, so it has no ReLU")

# %% task=3 check
def without_relu(X, layers):
    for W, b in layers:
        X = X @ W + b
    return X


square = [(torch.randn(2, 2, generator=generator),
           torch.randn(2, generator=generator)) for _ in range(2)]
for name, layers in (("sizes 2, 2, 2", square), ("sizes 3, 5, 4, 2", layers3)):
    W_all, b_all = check_runs(collapse, layers)
    zeros, places = torch.zeros(1, len(W_all)), torch.eye(len(W_all))
    check_shape(f"W_all, {name}", W_all, features=len(layers[0][0]), outputs=2)
    check_shape(f"b_all, {name}", b_all, outputs=2)
    check_close(f"b_all, the answer to zeros, {name}", b_all,
                without_relu(zeros, layers)[0],
                hint="what do the later weights do to the first bias?")
    check_close(f"the answer of the collapsed layers, {name}",
                places @ W_all + b_all, without_relu(places, layers),
                hint="W_all is a product: in which order?")

# %% task=3 test points=1
from itertools import pairwise

import torch
from torch import nn

torch.manual_seed(301)
for sizes in ([3, 1], [2, 4, 1], [5, 3, 6, 2], [1, 8, 8, 8, 1]):
    layers, parts = [], []
    for n, m in pairwise(sizes):
        linear = nn.Linear(n, m).double().requires_grad_(False)
        parts += [linear, nn.ReLU()]
        layers.append((linear.weight.T.clone(), linear.bias.clone()))
    X = torch.randn(9, sizes[0]).double()
    expected = nn.Sequential(*parts[:-1])(X)
    y_hat = forward(X, layers)
    assert y_hat.shape == expected.shape
    assert torch.allclose(y_hat, expected), f"layers of sizes {sizes}"

# %% task=3 test points=1
from itertools import pairwise

import torch
from torch import nn

torch.manual_seed(302)
for sizes in ([3, 1], [2, 4, 1], [5, 3, 6, 2], [4, 4, 4, 4]):
    model = nn.Sequential(*[nn.Linear(n, m) for n, m in pairwise(sizes)])
    model.double().requires_grad_(False)
    layers = [(part.weight.T.clone(), part.bias.clone()) for part in model]
    W_all, b_all = collapse(layers)
    # A line is known by its answers to zero and to the unit vectors.
    origin = model(torch.zeros(sizes[0]).double())
    slopes = model(torch.eye(sizes[0]).double()) - origin
    assert W_all.shape == slopes.shape
    assert torch.allclose(W_all, slopes), "W_all"
    assert torch.allclose(b_all, origin), "b_all"

# %% task=3 wrong="a ReLU after the last layer, too" fails="test-3"
def forward(X, layers):
    for W, b in layers:
        X = torch.relu(X @ W + b)
    return X


def collapse(layers):
    W_all, b_all = layers[0]
    for W, b in layers[1:]:
        W_all, b_all = W_all @ W, b_all @ W + b
    return W_all, b_all


# %% task=3 wrong="a ReLU after the first layer only" fails="test-3"
def forward(X, layers):
    for i, (W, b) in enumerate(layers):
        X = X @ W + b
        if i == 0 and len(layers) > 1:
            X = torch.relu(X)
    return X


def collapse(layers):
    W_all, b_all = layers[0]
    for W, b in layers[1:]:
        W_all, b_all = W_all @ W, b_all @ W + b
    return W_all, b_all


# %% task=3 wrong="a ReLU after each layer, unless it is alone" fails="test-3"
def forward(X, layers):
    for W, b in layers:
        X = X @ W + b
        if len(layers) > 1:
            X = torch.relu(X)
    return X


def collapse(layers):
    W_all, b_all = layers[0]
    for W, b in layers[1:]:
        W_all, b_all = W_all @ W, b_all @ W + b
    return W_all, b_all


# %% task=3 wrong="adds the biases without the later weights" fails="test-3-2"
def forward(X, layers):
    for W, b in layers[:-1]:
        X = torch.relu(X @ W + b)
    return X @ layers[-1][0] + layers[-1][1]


def collapse(layers):
    W_all, b_all = layers[0]
    for W, b in layers[1:]:
        W_all = W_all @ W
        b_all = b_all.sum() + b
    return W_all, b_all


# %% task=3 wrong="multiplies in the order of columns" fails="test-3-2"
def forward(X, layers):
    for W, b in layers[:-1]:
        X = torch.relu(X @ W + b)
    return X @ layers[-1][0] + layers[-1][1]


def collapse(layers):
    W_all, b_all = layers[0]
    for W, b in layers[1:]:
        W_all, b_all = W @ W_all, W @ b_all + b
    return W_all, b_all


# %% task=3 wrong="forgets the biases"
def forward(X, layers):
    for W, _ in layers[:-1]:
        X = torch.relu(X @ W)
    return X @ layers[-1][0]


def collapse(layers):
    W_all = layers[0][0]
    for W, _ in layers[1:]:
        W_all = W_all @ W
    return W_all, torch.zeros(W_all.shape[1])


# %% [markdown]
# ## Task 4 · Predict, then measure (2 points)
#
# Four questions, each answered by "same" or "different". Answer them
# **before** you run anything, and put your reason in a comment behind each
# answer: in Task 7 you will come back to one of them.
#
# 1. You fit a line to patients, `fit_ridge(X, y, 0.0)`. Then you give the
#    height in decimetres instead of metres, so that one column of X is ten
#    times as large, and fit again. Are the answers for the patients
#    the same as before? → `line_rescaled`
# 2. The same with `fit_ridge(X, y, 0.1)`. → `ridge_rescaled`
# 3. In a network with one hidden layer of ReLU units you multiply all of $W_1$
#    and $b_1$ by 10 and divide $W_2$ by 10. Are its answers the same?
#    → `relu_rescaled`
# 4. The same with tanh units. → `tanh_rescaled`

# %% task=4 answer
# Give a value to each of these names:
# line_rescaled, ridge_rescaled, relu_rescaled, tanh_rescaled
### BEGIN SOLUTION
line_rescaled = "same"  # a ten times smaller weight does the same work
ridge_rescaled = "different"  # ... and costs a hundred times less
relu_rescaled = "same"  # relu(10 z) = 10 relu(z)
tanh_rescaled = "different"  # tanh(10 z) is not 10 tanh(z): it saturates
### END SOLUTION

# %% [markdown]
# The check cannot tell you whether you are right: it only looks whether your
# answers can be read. When it is content, *measure* what you doubt: insert a
# cell and let the code answer, with `X1` and `y1` of Task 1 and a few random
# weights. Change an answer if you must, but only once you know why it was
# wrong. The first two answers together give a point, and so do the last two.

# %% task=4 check
check_defined(globals(), "line_rescaled", "ridge_rescaled", "relu_rescaled",
              "tanh_rescaled")
for name in ("line_rescaled", "ridge_rescaled", "relu_rescaled",
             "tanh_rescaled"):
    check_choice(name, globals()[name], ["same", "different"])

# %% task=4 test points=1
import torch


def answers(X, y, alpha):
    Phi = torch.cat([torch.ones(len(X), 1).double(), X], dim=1)
    cost = alpha * len(X) * torch.eye(Phi.shape[1]).double()
    cost[0, 0] = 0
    return Phi @ torch.linalg.solve(Phi.T @ Phi + cost, Phi.T @ y)


generator = torch.Generator().manual_seed(401)
X = torch.randn(30, 3, generator=generator).double()
y = X.sum(dim=1, keepdim=True) + torch.randn(30, 1, generator=generator)
tenfold = X * torch.tensor([10.0, 1, 1]).double()
for name, alpha in (("line_rescaled", 0.0), ("ridge_rescaled", 0.1)):
    same = torch.allclose(answers(X, y, alpha), answers(tenfold, y, alpha))
    assert globals()[name] == ("same" if same else "different"), name

# %% task=4 test points=1
import torch

generator = torch.Generator().manual_seed(402)
X = torch.randn(30, 3, generator=generator).double()
W1 = torch.randn(3, 8, generator=generator).double()
b1 = torch.randn(8, generator=generator).double()
W2 = torch.randn(8, 1, generator=generator).double()
for name, sigma in (("relu_rescaled", torch.relu),
                    ("tanh_rescaled", torch.tanh)):
    after = sigma(X @ (10 * W1) + 10 * b1) @ (W2 / 10)
    same = torch.allclose(sigma(X @ W1 + b1) @ W2, after)
    assert globals()[name] == ("same" if same else "different"), name

# %% task=4 wrong="thinks that ridge does not care for units" fails="test-4"
line_rescaled, ridge_rescaled = "same", "same"
relu_rescaled, tanh_rescaled = "same", "different"

# %% task=4 wrong="thinks that every activation scales" fails="test-4-2"
line_rescaled, ridge_rescaled = "same", "different"
relu_rescaled, tanh_rescaled = "same", "same"

# %% task=4 wrong="thinks that no rescaling can be undone"
line_rescaled, ridge_rescaled = "different", "different"
relu_rescaled, tanh_rescaled = "different", "different"

# %% [markdown]
# ## Task 5 · Two faults (4 points)
#
# A colleague predicts how a patient's diabetes will progress, with a line and
# gradient descent. The targets come from a file with one column, so `y_file`
# is (batch,). The program runs, nothing turns red, the loss falls and settles.
# Yet the line explains nothing of what differs between patients, where the
# line of the lesson explained a good part.

# %%
from deepcourse.data import load_diabetes

parts = load_diabetes(seed=0)
X_file = torch.cat([parts.X_train, parts.X_val, parts.X_test])
y_file = torch.cat([parts.y_train, parts.y_val, parts.y_test]).flatten()


def prepare_draft(X, y, num_train):
    X = (X - X.mean(dim=0)) / X.std(dim=0, correction=0)
    return X[:num_train], y[:num_train], X[num_train:], y[num_train:]


def fit_draft(X, y, lr=0.1, num_steps=500):
    weight = torch.zeros(X.shape[1], 1, requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    for _ in range(num_steps):
        y_hat = X @ weight + bias
        loss = ((y_hat - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= lr * parameter.grad
                parameter.grad = None
    return weight.detach(), bias.detach()


# %% [markdown]
# The next cell is correct: it only measures. An explained share of 1 is
# perfect, and 0 is what you get by always answering the mean.

# %%
def explained_on_test(prepare, fit, X=X_file, y=y_file, num_train=350):
    X_train, y_train, X_test, y_test = prepare(X, y, num_train)
    weight, bias = fit(X_train, y_train)
    error = (X_test @ weight + bias).flatten() - y_test.flatten()
    return 1 - (error.square().mean() / y_test.var(correction=0)).item()


share = explained_on_test(prepare_draft, fit_draft)
# (abs: so that a zero is not printed as -0.00)
print(f"the draft explains {abs(share):.2f} of the variance")

# %% [markdown]
# There are two faults, one in each function. One makes the line useless. The
# other is a leak: it lets the test patients, who stand for people not yet
# seen, help in preparing the training data. Find both. Then write `prepare`
# and `fit_line`: copy the drafts and change what is needed, no more.
# `fit_line` must work for y (batch,) and for y (batch, 1).
#
# <details><summary><b>A hint</b></summary>
#
# Print the shapes of `y_hat`, of `y` and of `y_hat - y` in the first step. For
# the other fault, ask of each number that touches the training part: would I
# know it if the test patients came a year later?
#
# </details>

# %% task=5 answer
def prepare(X, y, num_train):
    """Return X_train, y_train, X_test, y_test, with X standardised.

    The first num_train patients are the training part. Its columns get
    mean 0 and standard deviation 1 (correction=0, as in the draft).
    """
    ### BEGIN SOLUTION
    mean = X[:num_train].mean(dim=0)  # (features,)
    std = X[:num_train].std(dim=0, correction=0)  # (features,)
    X = (X - mean) / std
    return X[:num_train], y[:num_train], X[num_train:], y[num_train:]
    ### END SOLUTION


def fit_line(X, y, lr=0.1, num_steps=500):
    """Return weight (features, 1) and bias (1,) of the best line."""
    ### BEGIN SOLUTION
    y = y.reshape(-1, 1)  # (batch, 1)
    weight = torch.zeros(X.shape[1], 1, requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    for _ in range(num_steps):
        y_hat = X @ weight + bias  # (batch, 1)
        loss = ((y_hat - y) ** 2).mean()  # ()
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= lr * parameter.grad
                parameter.grad = None
    return weight.detach(), bias.detach()  # (features, 1), (1,)
    ### END SOLUTION


# %% [markdown]
# The first check asks for a line without noise, $y = 1 + 2x_1 - 3x_2$, once
# with y (batch,) and once with y (batch, 1). The second puts other patients
# into the test part: the training part must not notice.

# %% task=5 check
generator = torch.Generator().manual_seed(5)
X5 = torch.randn(40, 2, generator=generator)
y5 = 1 + 2 * X5[:, 0] - 3 * X5[:, 1]
for target in (y5, y5.reshape(-1, 1)):
    weight5, bias5 = check_runs(fit_line, X5, target)
    about = f"for y {tuple(target.shape)}"
    check_close(f"weight {about}", weight5, [[2.0], [-3]], rtol=1e-3,
                hint="y_hat is (batch, 1); what is y_hat - y?")
    check_close(f"bias {about}", bias5, [1.0], rtol=1e-3)

# %% task=5 check
before = check_runs(prepare, X5, y5, 30)
after = prepare(torch.cat([X5[:30], 100 + X5[30:]]), y5, 30)
check_close("X_train with other test patients", after[0], before[0],
            hint="which patients give the mean and the standard deviation?")
check_close("the means of X_train", before[0].mean(dim=0), [0.0, 0],
            atol=1e-6, hint="the mean of the training part must become 0")
check_close("the standard deviations of X_train",
            before[0].std(dim=0, correction=0), [1.0, 1], rtol=1e-9,
            hint="std divides by n - 1 unless you say correction=0")
same_patient = prepare(torch.cat([X5[:30], X5[:30]]), y5, 30)
check_close("X_test, with the patients of X_train in it", same_patient[2],
            same_patient[0],
            hint="shift and scale both parts with the same two numbers")
one_patient = prepare(X5[:31], y5[:31], 30)
check_close("X_test with one patient", one_patient[2], before[2][:1],
            hint="a patient's numbers must not depend on who else is tested: "
                 "scale both parts with the same two numbers")

# %% task=5 test points=2
import torch

generator = torch.Generator().manual_seed(501)
for features, flat in ((1, True), (3, False), (4, True)):
    X = torch.randn(60, features, generator=generator).double()
    y = 4 + X.sum(dim=1, keepdim=True)
    y = y + torch.randn(60, 1, generator=generator).double()
    ones = torch.ones(60, 1).double()
    best = torch.linalg.lstsq(torch.cat([ones, X], dim=1), y).solution
    weight, bias = fit_line(X, y.flatten() if flat else y)
    assert weight.shape == (features, 1)
    assert torch.allclose(weight, best[1:], atol=1e-3), "weight"
    assert torch.allclose(torch.as_tensor(bias).reshape(-1), best[0],
                          atol=1e-3), "bias"

# %% task=5 test points=2
import numpy as np
import torch

rng = np.random.default_rng(502)
for num_train, num_test, features in ((20, 10, 2), (50, 3, 4), (8, 30, 1)):
    X = rng.normal(3, 2, (num_train + num_test, features))
    X[num_train:] += 5
    y = rng.normal(size=num_train + num_test)
    mean, std = np.mean(X[:num_train], 0), np.std(X[:num_train], 0)
    expected = ((X[:num_train] - mean) / std, y[:num_train],
                (X[num_train:] - mean) / std, y[num_train:])
    got = prepare(torch.tensor(X), torch.tensor(y), num_train)
    for part, wanted in zip(got, expected, strict=True):
        assert np.allclose(part.numpy(), wanted)

# %% task=5 wrong="mends only the leak" fails="test-5"
def prepare(X, y, num_train):
    mean = X[:num_train].mean(dim=0)
    std = X[:num_train].std(dim=0, correction=0)
    X = (X - mean) / std
    return X[:num_train], y[:num_train], X[num_train:], y[num_train:]


fit_line = fit_draft


# %% task=5 wrong="mends only the shapes" fails="test-5-2"
prepare = prepare_draft


def fit_line(X, y, lr=0.1, num_steps=500):
    return fit_draft(X, y.reshape(-1, 1), lr, num_steps)


# %% task=5 wrong="divides by n - 1 in the standard deviation" fails="test-5-2"
def prepare(X, y, num_train):
    X = (X - X[:num_train].mean(dim=0)) / X[:num_train].std(dim=0)
    return X[:num_train], y[:num_train], X[num_train:], y[num_train:]


def fit_line(X, y, lr=0.1, num_steps=500):
    return fit_draft(X, y.reshape(-1, 1), lr, num_steps)


# %% task=5 wrong="standardises the test part by itself" fails="test-5-2"
def prepare(X, y, num_train):
    parts = [(part - part.mean(dim=0)) / part.std(dim=0, correction=0)
             for part in (X[:num_train], X[num_train:])]
    return parts[0], y[:num_train], parts[1], y[num_train:]


def fit_line(X, y, lr=0.1, num_steps=500):
    return fit_draft(X, y.reshape(-1, 1), lr, num_steps)


# %% task=5 wrong="makes a row of y, not a column" fails="test-5"
def prepare(X, y, num_train):
    mean = X[:num_train].mean(dim=0)
    std = X[:num_train].std(dim=0, correction=0)
    X = (X - mean) / std
    return X[:num_train], y[:num_train], X[num_train:], y[num_train:]


def fit_line(X, y, lr=0.1, num_steps=500):
    return fit_draft(X, y.reshape(1, -1), lr, num_steps)


# %% [markdown]
# Now the mended program, and beside it the mended line with the leak left in.

# %%
X_train, y_train, *_ = check_runs(prepare, X_file, y_file, 350)
check_runs(fit_line, X_train, y_train)
print(f"mended:        {explained_on_test(prepare, fit_line):.2f}")
print(f"with the leak: {explained_on_test(prepare_draft, fit_line):.2f}")

# %% [markdown]
# The leak changes nothing you can see. (Your first answer in Task 4 has to do
# with it.) That is why such leaks live long. Now let one more step look at all
# patients. Below, 100 patients have 1,000 blood values of pure noise, and the
# ten that go best with the target are kept: chosen on all 100 patients, or on
# the 70 of the training part.

# %%
X_train, y_train, *_ = check_runs(prepare, X_file, y_file, 350)
check_runs(fit_line, X_train, y_train)
generator = torch.Generator().manual_seed(7)
noise = torch.randn(100, 1000, generator=generator)
target = torch.randn(100, generator=generator)
for chosen_on in (100, 70):
    relation = noise[:chosen_on].T @ target[:chosen_on]
    best = relation.abs().topk(10).indices
    share = explained_on_test(prepare, fit_line, noise[:, best], target, 70)
    print(f"chosen on {chosen_on} patients, explained on test: {share:.2f}")

# %% [markdown]
# Less than 0 is worse than answering the mean, as it should be for noise. With
# the leak the noise passes for a finding.
#
# ## Task 6 · Two networks without training (4 points)
#
# **A window.** A medicine helps inside a range of doses. Build the curve that
# is 0 up to $a$, rises in a straight line to 1 at $b$, stays 1 up to $c$,
# falls to 0 at $d$, and stays 0 from there on, for any $a < b < c < d$. Four
# hidden ReLU units do it, exactly. Draw it, mark the four bends, and write
# down how much the slope *changes* at each.
#
# **A gate of tanh units.** The lesson's
# [multiplication gate](lesson:01b_why_deep#four-units-that-multiply) has
# $\sigma''(0)$ under a fraction, and for tanh that is zero. So give each of
# the four hidden units the same bias $\beta \ne 0$, called `beta`, and put the
# curvature there, $\tanh''(\beta)$, in the place of $\sigma''(0)$. With
# $t = \tanh z$ it is $\tanh''(z) = -2t\,(1 - t^2)$. Everything else stays as
# in the lesson. The answer to $(u, v)$ is then $uv$, up to the small error you
# know.
#
# Both functions return `W1, b1, W2, b2` for the network
# $\sigma(X W_1 + b_1) W_2 + b_2$:
#
# | network | W1 | b1 | W2 | b2 | activation |
# |---|---|---|---|---|---|
# | `window` | (1, 4) | (4,) | (4, 1) | (1,) | ReLU |
# | `tanh_gate` | (2, 4) | (4,) | (4, 1) | (1,) | tanh |

# %% task=6 answer
def window(a, b, c, d):
    """Return W1, b1, W2, b2 of four ReLU units: 0, up to 1, down to 0."""
    ### BEGIN SOLUTION
    W1 = torch.ones(1, 4)
    b1 = -torch.tensor([a, b, c, d])
    up, down = 1 / (b - a), 1 / (d - c)
    W2 = torch.tensor([[up], [-up], [-down], [down]])
    return W1, b1, W2, torch.zeros(1)  # (1, 4), (4,), (4, 1), (1,)
    ### END SOLUTION


def tanh_gate(lam, beta):
    """Return W1, b1, W2, b2 of four tanh units that multiply two inputs.

    lam and beta are plain numbers; math.tanh takes such a number.
    """
    ### BEGIN SOLUTION
    W1 = lam * torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])
    b1 = torch.full((4,), beta)
    t = math.tanh(beta)
    curvature = -2 * t * (1 - t**2)
    W2 = torch.tensor([[1.0], [1], [-1], [-1]]) / (4 * lam**2 * curvature)
    return W1, b1, W2, torch.zeros(1)  # (2, 4), (4,), (4, 1), (1,)
    ### END SOLUTION


# %% [markdown]
# First the window with $a, b, c, d = 1, 3, 4, 8$, at the doses $-9$, 1, 2, 3,
# 3.5, 4, 6, 8 and 20, then a picture of it.

# %% task=6 check
parts6 = check_runs(window, 1.0, 3.0, 4.0, 8.0)
for name, part, dims in zip(
        ("W1", "b1", "W2", "b2"), parts6,
        ({"features": 1, "hidden": 4}, {"hidden": 4},
         {"hidden": 4, "outputs": 1}, {"outputs": 1}), strict=True):
    check_shape(name, part, **dims)
W1, b1, W2, b2 = parts6
doses = torch.tensor([[-9.0], [1], [2], [3], [3.5], [4], [6], [8], [20]])
check_close("the window at nine doses",
            torch.relu(doses @ W1 + b1) @ W2 + b2,
            [[0.0], [0], [0.5], [1], [1], [1], [0.5], [0], [0]],
            hint="the slope changes by 1/(b - a) at a, and by how much at b?")

grid = torch.linspace(0, 10, 401).reshape(-1, 1)
plt.figure()
plt.plot(grid, torch.relu(grid @ W1 + b1) * W2.T, linewidth=1)
plt.plot(grid, torch.relu(grid @ W1 + b1) @ W2 + b2, color=GREY, linewidth=5,
         alpha=0.6)
plt.ylim(-2, 2)
title = plt.title("four hidden units and their sum")

# %% task=6 check
W1, b1, W2, b2 = check_runs(tanh_gate, 0.01, 0.5)
check_shape("W1", W1, features=2, hidden=4)
check_shape("b1", b1, hidden=4)
check_shape("W2", W2, hidden=4, outputs=1)
check_shape("b2", b2, outputs=1)
uv = torch.tensor([[0.8, 0.5], [0.8, -0.5], [1.0, 0.0]])
check_close("u times v", torch.tanh(uv @ W1 + b1) @ W2 + b2,
            [[0.4], [-0.4], [0]], rtol=5e-3, atol=1e-3,
            hint="beta stands in b1, where nothing multiplies it by lam, and "
                 "in the curvature in W2")

# %% task=6 test points=2
import numpy as np
import torch

rng = np.random.default_rng(601)
for _ in range(20):
    a, b, c, d = (rng.uniform(-5, 2) + rng.uniform(0.2, 2, 4).cumsum()
                  ).tolist()
    W1, b1, W2, b2 = window(a, b, c, d)
    assert tuple(W1.shape) == (1, 4)
    x = np.concatenate([rng.uniform(a - 9, d + 9, 50), [a, b, c, d]])
    X = torch.tensor(x.reshape(-1, 1))
    y_hat = torch.relu(X @ W1.double() + b1.double()) @ W2.double() + b2
    expected = np.interp(x, [a, b, c, d], [0, 1, 1, 0])
    assert np.allclose(y_hat.numpy()[:, 0], expected, atol=1e-5)

# %% task=6 test points=2
import numpy as np
import torch

rng = np.random.default_rng(602)
for lam, beta in ((0.01, 0.5), (0.02, 1.0), (0.01, -0.7), (0.005, -1.2)):
    W1, b1, W2, b2 = tanh_gate(lam, beta)
    assert tuple(W1.shape) == (2, 4)
    uv = rng.uniform(-1, 1, (50, 2))
    y_hat = torch.tanh(torch.tensor(uv) @ W1 + b1) @ W2 + b2
    expected = uv[:, 0] * uv[:, 1]
    assert np.allclose(y_hat.numpy()[:, 0], expected, atol=2e-3)

# %% task=6 wrong="never comes back to zero: the last unit is missing" fails="test-6"
def window(a, b, c, d):
    up, down = 1 / (b - a), 1 / (d - c)
    W2 = torch.tensor([[up], [-up], [-down], [0.0]])
    return torch.ones(1, 4), -torch.tensor([a, b, c, d]), W2, torch.zeros(1)


def tanh_gate(lam, beta):
    W1 = lam * torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])
    t = math.tanh(beta)
    ends = torch.tensor([[1.0], [1], [-1], [-1]])
    W2 = ends / (4 * lam**2 * -2 * t * (1 - t**2))
    return W1, torch.full((4,), beta), W2, torch.zeros(1)


# %% task=6 wrong="gives slopes instead of changes of slope" fails="test-6"
def window(a, b, c, d):
    up, down = 1 / (b - a), 1 / (d - c)
    W2 = torch.tensor([[up], [0.0], [-down], [0.0]])
    return torch.ones(1, 4), -torch.tensor([a, b, c, d]), W2, torch.zeros(1)


def tanh_gate(lam, beta):
    W1 = lam * torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])
    t = math.tanh(beta)
    ends = torch.tensor([[1.0], [1], [-1], [-1]])
    W2 = ends / (4 * lam**2 * -2 * t * (1 - t**2))
    return W1, torch.full((4,), beta), W2, torch.zeros(1)


# %% task=6 wrong="forgets that b - a may differ from 1" fails="test-6"
def window(a, b, c, d):
    up, down = 1.0, 1 / (d - c)
    W2 = torch.tensor([[up], [-up], [-down], [down]])
    return torch.ones(1, 4), -torch.tensor([a, b, c, d]), W2, torch.zeros(1)


def tanh_gate(lam, beta):
    W1 = lam * torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])
    t = math.tanh(beta)
    ends = torch.tensor([[1.0], [1], [-1], [-1]])
    W2 = ends / (4 * lam**2 * -2 * t * (1 - t**2))
    return W1, torch.full((4,), beta), W2, torch.zeros(1)


# %% task=6 wrong="keeps softplus's curvature of 1/4" fails="test-6-2"
def window(a, b, c, d):
    up, down = 1 / (b - a), 1 / (d - c)
    W2 = torch.tensor([[up], [-up], [-down], [down]])
    return torch.ones(1, 4), -torch.tensor([a, b, c, d]), W2, torch.zeros(1)


def tanh_gate(lam, beta):
    W1 = lam * torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])
    ends = torch.tensor([[1.0], [1], [-1], [-1]])
    W2 = ends / lam**2
    return W1, torch.full((4,), beta), W2, torch.zeros(1)


# %% task=6 wrong="forgets the bias in the hidden layer" fails="test-6-2"
def window(a, b, c, d):
    up, down = 1 / (b - a), 1 / (d - c)
    W2 = torch.tensor([[up], [-up], [-down], [down]])
    return torch.ones(1, 4), -torch.tensor([a, b, c, d]), W2, torch.zeros(1)


def tanh_gate(lam, beta):
    W1 = lam * torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])
    t = math.tanh(beta)
    ends = torch.tensor([[1.0], [1], [-1], [-1]])
    W2 = ends / (4 * lam**2 * -2 * t * (1 - t**2))
    return W1, torch.zeros(4), W2, torch.zeros(1)


# %% task=6 wrong="takes tanh' for tanh''" fails="test-6-2"
def window(a, b, c, d):
    up, down = 1 / (b - a), 1 / (d - c)
    W2 = torch.tensor([[up], [-up], [-down], [down]])
    return torch.ones(1, 4), -torch.tensor([a, b, c, d]), W2, torch.zeros(1)


def tanh_gate(lam, beta):
    W1 = lam * torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])
    t = math.tanh(beta)
    ends = torch.tensor([[1.0], [1], [-1], [-1]])
    W2 = ends / (4 * lam**2 * (1 - t**2))
    return W1, torch.full((4,), beta), W2, torch.zeros(1)


# %% [markdown]
# ## Task 7 · Advice (3 points)
#
# Answer in your own words, in about 120 words altogether.
#
# **A** (2 points). A clinic has records of 300 patients, with 12 measurements
# each, and wants to predict how long a patient will stay. A colleague asks you
# for a deep network. What do you advise, and what do you measure first? How do
# you keep the comparison fair? Say what result would make you change your
# advice.
#
# **B** (1 point). Go back to Task 4. Take the question that you got wrong, or
# the one you found hardest. Give the reason for the right answer in one or two
# sentences.

# %% [markdown] task=7 written points=3
# **A.** Begin with the line: with 300 patients the noise is large against what
# there is to learn, and 13 numbers can be explained. First I measure what has
# to be beaten: the error of always answering the mean, and that of ridge
# regression. Then a *small* network on the same splits. All choices ($\alpha$,
# width, steps) are made on validation patients, scaling is learned on the
# training part, and the test patients are looked at once. One split of 300 is
# a lottery, so I repeat it over many. I change my advice if the network wins
# by clearly more than the spread between splits, or if its error still falls
# with more patients and more are coming.
#
# **B.** Question 2: in decimetres a ten times smaller weight gives the same
# answers, but its square is a hundred times smaller, so the same $\alpha$
# holds it back less. The balance of fit and price moves, and the answers with
# it.
#
# ### BEGIN MARK SCHEME
#
# **A, first point: what to measure first.** A simple baseline is fitted first
# (linear, ridge or a generalised linear model) *and* something says how good
# it is (against the mean, or on held-out patients). No point for "a deep
# network needs more data" alone.
#
# **A, second point: a fair comparison.** The choice between models is made on
# validation patients, apart from the test patients, *and* the answer says what
# would change the advice: a gain larger than the spread over splits, a
# learning curve that still falls, known curvature or interactions. Half a
# point for one of the two.
#
# **B, one point.** The reason, not the result, of any one question.
#
# 1. A ten times smaller weight gives the same answers, and the minimum over
#    all weights does not change.
# 2. That smaller weight costs a hundred times less, so the balance of fit and
#    price moves. (Hence: standardise before ridge.)
# 3. $\mathrm{relu}(10z) = 10\,\mathrm{relu}(z)$: the tenth in $W_2$ undoes it.
# 4. tanh saturates: $\tanh(10z) \ne 10\tanh(z)$.
#
# ### END MARK SCHEME

# %% [markdown]
# ## Before you hand it in
#
# Restart the kernel, run all cells, and see that no check complains. If you
# leave a task out, keep its `NotImplementedError`: running all cells stops
# there, so go on by hand from the next task. The others count all the same.
