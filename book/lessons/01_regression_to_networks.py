# %% [markdown]
# # From a line to a network
#
# A neural network is linear regression that has learned to bend. You start
# here with the straight line you know, find out exactly what it cannot do,
# and repair it one bend at a time, until you have a network: first one that
# you build by hand, then one that trains. At the end you put it to the test on
# real patients.
#
# After this lesson you can
#
# - **fit** a line by formula and by gradient descent, to the same answer;
# - **prove** what a single unit can separate and what it cannot;
# - **write** a network as matrices with shapes, and count its parameters;
# - **build** a curve from hidden units by hand, and train one;
# - **judge** on real data whether a network is worth its trouble.
#
# It takes a minute on a laptop and downloads nothing. You need matrix
# products, partial derivatives and a little Python. All symbols stand in the
# [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## Data, model, learning algorithm
#
# Machine learning has three parts, in the order in which
# [Carbonnelle 2016](cite:carbonnelle2016) draws them. **Data**: examples of
# inputs with their answers. A **model**: a family of functions, one for each
# setting of its parameters. A **learning algorithm**: the rule that picks the
# parameters by looking at the data.
#
# Our first data are made up, so that the truth is known. Each of 60 patients
# got a dose of some medicine. The input $x$ counts doublings: 0 is the usual
# dose, 1 twice as much, $-1$ half of it. The target $y$ is the measured
# effect.

# %%
import matplotlib.pyplot as plt
import torch

from deepcourse.claims import claim
from deepcourse.plot import BLUE, GREY, ORANGE, plot_data

torch.set_default_dtype(torch.float64)  # double precision: sharp checks

def effect(x):
    return torch.sigmoid(4 * (x + 0.8)) - torch.sigmoid(5 * (x - 0.9))

def make_patients(batch, seed):
    generator = torch.Generator().manual_seed(seed)
    X = 4 * torch.rand(batch, 1, generator=generator) - 2
    noise = 0.08 * torch.randn(batch, 1, generator=generator)
    return X, effect(X) + noise  # (batch, features), (batch, outputs)


# %% figure="exact" alt="Sixty grey points: the effect is near zero at small doses, rises to one around the usual dose and falls back to zero at large doses."
X, y = make_patients(60, seed=2)  # (batch, features), (batch, outputs)
ax = plot_data(X, y)
ax.set_xlabel("dose, in doublings of the usual one")
label = ax.set_ylabel("effect")


# %% [markdown]
# Too little does nothing, too much does harm. Before you read on: which
# straight line would you draw through these points?
#
# ## The best line, twice
#
# Linear regression answers $\hat y = \theta_0 + \theta_1 x$. Put a 1 in front
# of the input, $\varphi = (1, x)^T$, and this is one inner product,
# $\hat y = \varphi^T\theta$. Stack all $N$ patients as rows of a matrix
# $\Phi$, and $\hat y = \Phi\theta$ answers for everybody at once.
#
# "Best" needs a number to make small, the **loss**. Ours is the mean squared
# error:
#
# $$L(\theta) = \frac{1}{N}\,\|\Phi\theta - y\|^2, \qquad
# \nabla L(\theta) = \frac{2}{N}\,\Phi^T(\Phi\theta - y).$$
#
# At the minimum the gradient is zero. That gives linear equations,
# $\Phi^T\Phi\,\theta = \Phi^T y$, and so the answer in **closed form**.

# %%
def add_one(X):
    return torch.cat([torch.ones(len(X), 1), X], dim=1)  # (batch, features)

def explained(y_hat, y):
    return 1 - ((y_hat - y) ** 2).mean() / y.var(correction=0)  # ()

Phi = add_one(X)  # (batch, features)
theta = torch.linalg.solve(Phi.T @ Phi, Phi.T @ y)  # (features, outputs)
y_hat = Phi @ theta  # (batch, features) @ (features, 1) -> (batch, 1)
print(f"bias {theta[0, 0]:.2f}, slope {theta[1, 0]:.2f}")


# %% [markdown]
# There is a second way, and it is the one that survives when we leave straight
# lines. Stand anywhere, ask the gradient which way is up, and take a small
# step down: $\theta \leftarrow \theta - \eta\,\nabla L(\theta)$. The step size
# $\eta$ is the **learning rate**. Mind the minus: with a plus, as one of our
# source slides prints it, you climb.
#
# A gradient derived on paper deserves a check that knows nothing of the paper.
# Wiggle each parameter a little and see how much the loss changes. Then walk,
# from a starting line that is deliberately bad.

# %%
def mse(theta):
    return ((Phi @ theta - y) ** 2).mean()  # ()

def mse_gradient(theta):
    return 2 / len(y) * Phi.T @ (Phi @ theta - y)  # (features, outputs)

def finite_differences(loss, theta, step=1e-5):
    slopes = torch.zeros_like(theta)  # (features, outputs)
    for i in range(len(theta)):
        nudge = torch.zeros_like(theta)  # (features, outputs)
        nudge[i] = step
        slopes[i] = (loss(theta + nudge) - loss(theta - nudge)) / (2 * step)
    return slopes  # (features, outputs)

start = torch.tensor([[1.0], [0.6]])  # (features, outputs)
wiggled = finite_differences(mse, start)  # (features, outputs)
paper = mse_gradient(start)  # (features, outputs)
claim("the largest error of the gradient derived on paper",
      (paper - wiggled).abs().max(), at_most=1e-8,
      baseline={"without its factor 2": (paper / 2 - wiggled).abs().max()})

# %% figure="exact" alt="The data with three straight lines: the steep starting line turns, step by step, into the nearly flat best line, which misses the hump of the points."
lr, theta_gd, path = 0.3, start, [start]
for _ in range(100):
    theta_gd = theta_gd - lr * mse_gradient(theta_gd)  # (features, outputs)
    path.append(theta_gd)

claim("the distance of gradient descent from the closed form",
      (theta_gd - theta).norm(), at_most=1e-6,
      baseline={"where it began": (start - theta).norm()})
claim("the variance that the best line explains",
      explained(y_hat, y), at_most=0.1,
      baseline={"the true curve": explained(effect(X), y)}, unit="%")
ax = plot_data(X, y, s=8)
ax.set(xlabel="dose, in doublings of the usual one", ylabel="effect",
       title="gradient descent after 0, 1 and 100 steps")
grid = torch.linspace(-2, 2, 201).reshape(-1, 1)
for step, width in ((0, 1), (1, 1), (100, 2)):
    ax.plot(grid, add_one(grid) @ path[step], BLUE, linewidth=width)
    ax.text(2.05, path[step][0] + 2 * path[step][1], step, va="center")

# %% [markdown]
# Both algorithms find the same line. And the line is useless: almost flat, it
# says that the dose hardly matters, and it explains next to nothing of what
# differs between patients. No better algorithm will help, because the *model*
# holds nothing but lines.
#
# ## One unit, and what it cannot do
#
# The smallest repair: send the answer through a fixed function that is not a
# line, $\hat y = \sigma(\varphi^T\theta)$. This is *generalised* linear
# regression, or one artificial **unit**, and $\sigma$ is its **activation**.
# Four of them made history: the threshold of the perceptron
# ([Rosenblatt 1958](cite:rosenblatt1958)), two smooth steps, and the ReLU,
# which simply cuts off what is negative.

# %% figure="exact" alt="Four small curves: threshold jumps from 0 to 1, sigmoid rises smoothly from 0 to 1, tanh smoothly from minus 1 to 1, ReLU is zero and then a rising straight line."
z = torch.linspace(-4, 4, 401)  # (points,)
activations = {"threshold": (z > 0).double(), "sigmoid": torch.sigmoid(z),
               "tanh": torch.tanh(z), "ReLU": torch.relu(z)}
figure, axes = plt.subplots(2, 2, sharex=True, figsize=(5.6, 3.6))
for ax, (name, values) in zip(axes.flat, activations.items(), strict=True):
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.plot(z, values)
    ax.set(title=name, xticks=[-4, 0, 4])

# %% [markdown]
# With a sigmoid the unit answers a number between 0 and 1, which we read as
# the probability $p$ of "yes". Trained by maximum likelihood, it is
# **logistic regression**. Its loss is the mean of $-\log p$ where the answer
# is yes and of $-\log(1-p)$ where it is no. Because
# $\sigma' = \sigma(1-\sigma)$, the chain rule collapses to a gradient that
# looks just like the line's:
#
# $$\nabla L(\theta) = \frac{1}{N}\,\Phi^T(p - y), \qquad
# p = \sigma(\Phi\theta).$$
#
# Two trials will test it. Patients get medicine 1, medicine 2, both or none,
# with doses that vary around 0 and 1. In trial A either medicine helps. In
# trial B each helps alone, and together they cancel.

# %%
corners = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
either = torch.tensor([[0.0], [1], [1], [1]]).repeat(25, 1)
just_one = torch.tensor([[0.0], [1], [1], [0]]).repeat(25, 1)
generator = torch.Generator().manual_seed(0)
shake = 0.12 * torch.randn(100, 2, generator=generator)
X2 = corners.repeat(25, 1) + shake  # (batch, features)
Phi2 = add_one(X2)  # (batch, 3)

def accuracy(p, y):
    return ((p > 0.5) == (y > 0.5)).double().mean()  # ()


# %%
def log_loss(theta, y=either):
    p = torch.sigmoid(Phi2 @ theta)  # (batch, outputs)
    return -torch.where(y == 1, p, 1 - p).log().mean()  # ()

def log_loss_gradient(theta, y=either):
    p = torch.sigmoid(Phi2 @ theta)  # (batch, outputs)
    return Phi2.T @ (p - y) / len(y)  # (features, outputs)

trial = torch.tensor([[0.5], [-1.0], [2.0]])  # (features, outputs)
wiggled = finite_differences(log_loss, trial)  # (features, outputs)
paper = log_loss_gradient(trial)  # (features, outputs)
claim("the largest error of the logistic gradient",
      (paper - wiggled).abs().max(), at_most=1e-8,
      baseline={"with the line's factor 2": (2 * paper - wiggled).abs().max()})


# %% [markdown]
# The gradient holds. Now train one unit on each trial. **Predict** first: how
# many of the 100 patients will it get right in trial A, and how many in B?
#
# <details><summary><b>Answer</b></summary>
#
# In A nearly all of them. In B about half, no better than a coin. The unit
# says "yes" where $\varphi^T\theta > 0$, and the border of that region,
# $\varphi^T\theta = 0$, is a straight line. Trial B asks for four things of
# the corners:
#
# $$\theta_0 < 0,\quad \theta_0+\theta_1 > 0,\quad \theta_0+\theta_2 > 0,\quad
# \theta_0+\theta_1+\theta_2 < 0.$$
#
# Add the two in the middle: $2\theta_0+\theta_1+\theta_2 > 0$. Add the outer
# two: $2\theta_0+\theta_1+\theta_2 < 0$. Both cannot be. This little table is
# XOR, "exclusive or", and [Minsky & Papert 1969](cite:minsky1969) made it
# famous.
#
# </details>

# %%
def fit_unit(y, lr=1.0, num_steps=1000):
    theta = torch.zeros(3, 1)  # (features, outputs)
    for _ in range(num_steps):
        theta = theta - lr * log_loss_gradient(theta, y)
    return lambda X: torch.sigmoid(add_one(X) @ theta)

unit_a, unit_b = fit_unit(either), fit_unit(just_one)
score_a, score_b = accuracy(unit_a(X2), either), accuracy(unit_b(X2), just_one)
claim("the accuracy of one unit in trial B", score_b, at_most=0.75,
      baseline={"one unit in trial A": score_a}, unit="%")

# %% figure="exact" alt="Two panels with the same four clouds of points. Left, either medicine helps: one straight border cuts off the lower left cloud. Right, just one helps: there is almost no colour, the unit is sure of nothing."
from deepcourse.plot import plot_boundary

claim("the accuracy of one unit in trial A", score_a, at_least=0.97,
      baseline={"always yes": either.mean()}, unit="%")
figure, (left, right) = plt.subplots(1, 2, sharey=True)
plot_boundary(unit_a, X2, either, left)
plot_boundary(unit_b, X2, just_one, right)
left.set(title="A: either helps", xlabel="medicine 1", ylabel="medicine 2")
_ = right.set(title="B: just one helps", xlabel="medicine 1", ylabel="")

# %% [markdown]
# Colour shows how sure the unit is, from orange (no) to blue (yes). In trial B
# it is sure of nothing: its best answer is close to one half, everywhere.
#
# The proof in the folded answer is about one table. Is XOR a rare exception?
# There are 16 ways to label four corners with yes and no. Throw thousands of
# random lines at them and collect the labellings that appear.

# %%
thetas = torch.randn(3, 10_000, generator=generator)
labels = (add_one(corners) @ thetas > 0).int().T  # (10000, 4)
found = {tuple(row) for row in labels.tolist()}
print(f"lines make {len(found)} of the {2 ** 4} labellings")
print("XOR among them:", (0, 1, 1, 0) in found)


# %% [markdown]
# Only XOR and its opposite are out of reach. With more inputs, though, the
# reachable share shrinks fast. One unit is not enough.
#
# ## Many units make a layer
#
# Use two units then, and let a third add them up. For trial B this pair will
# do, as in [Goodfellow, Bengio & Courville 2016](cite:goodfellow2016):
# $h_1 = \mathrm{relu}(x_1 + x_2)$ counts the medicines,
# $h_2 = \mathrm{relu}(x_1 + x_2 - 1)$ wakes up only when both are there, and
# $\hat y = h_1 - 2h_2$ lets it veto.
#
# Nobody sees $h_1$ and $h_2$ from outside, so they are **hidden units**. Put
# the weights of each unit into a column, and a whole **layer** of $M$ units is
# one matrix product:
#
# $$H_1 = \sigma(X W_1 + b_1), \qquad \hat y = H_1 W_2 + b_2.$$
#
# Examples stay in rows. So $X$ is (batch, features), $W_1$ is
# (features, hidden) and $b_1$ has one number for each hidden unit. (The slides
# of [Wahlström 2017](cite:wahlstrom2017) build the network the same way. They
# name the entry of $b_2$ $\theta_0^{(1)}$; it belongs to the second layer, so
# read $\theta_0^{(2)}$.)

# %%
def network(X, W1, b1, W2, b2):
    H1 = torch.relu(X @ W1 + b1)  # (batch, hidden)
    return H1 @ W2 + b2  # (batch, outputs)

W1, b1 = torch.ones(2, 2), torch.tensor([0.0, -1.0])  # (2, hidden), (hidden,)
W2, b2 = torch.tensor([[1.0], [-2.0]]), torch.zeros(1)
print("corners:", network(corners, W1, b1, W2, b2).flatten().int().tolist())
claim("the accuracy of two hidden units in trial B",
      accuracy(network(X2, W1, b1, W2, b2), just_one), at_least=0.97,
      baseline={"one unit": score_b}, unit="%")


# %%
from itertools import pairwise

def count_parameters(sizes):
    return sum((n + 1) * m for n, m in pairwise(sizes))

for name, sizes in {"by hand, above": [2, 2, 1],
                    "Winther's digits": [784, 225, 225, 10],
                    "twice as wide": [784, 450, 450, 10],
                    "twice as deep": [784, 225, 225, 225, 225, 10]}.items():
    print(f"{name:17} {count_parameters(sizes):9,}")

# %% [markdown]
# What was impossible for one unit is easy for three. And nothing stops you
# from feeding $H_1$ to another layer, and its output to the next: this is
# **depth**. A layer from $n$ to $m$ units costs $(n+1)\,m$ parameters, the 1
# being the bias. The second row is the network that
# [Winther 2018](cite:winther2018) trains on handwritten digits. The last two
# show that the count grows with the square of the width between hidden layers,
# but only in proportion to the depth. (One of our lectures says
# "exponentially"; it does not.)
#
# **Predict:** stack three layers, but leave the activation out. What can such
# a network do that a line cannot?
#
# <details><summary><b>Answer</b></summary>
#
# Nothing. $(X W_1 + b_1) W_2 + b_2 = X (W_1 W_2) + (b_1 W_2 + b_2)$ is one
# linear layer with the weights $W' = W_1 W_2$. In the column convention of
# many books this reads $W' = W_2 W_1$.
#
# </details>

# %%
X3 = torch.randn(100, 3, generator=generator)  # (batch, features)
W1 = torch.randn(3, 64, generator=generator) / 2  # (features, hidden)
W2 = torch.randn(64, 64, generator=generator) / 8  # (hidden, hidden)
W3 = torch.randn(64, 1, generator=generator) / 8  # (hidden, outputs)
W_all = W1 @ W2 @ W3  # (features, outputs)
stacked = X3 @ W1 @ W2 @ W3  # (batch, outputs)
bent = torch.relu(torch.relu(X3 @ W1) @ W2) @ W3  # (batch, outputs)
claim("what collapsing the layers changes", (stacked - X3 @ W_all).abs().max(),
      at_most=1e-10, baseline={"with ReLU": (bent - X3 @ W_all).abs().max()})


# %% [markdown]
# The thousands of numbers in the three matrices do the work of three. Depth
# without non-linearity is a long way to write a line: all the bending is in
# $\sigma$.
#
# ## Bends add up
#
# Back to the doses. With one input, a ReLU unit is a hinge: flat up to some
# place, straight from there on. A sum of hinges is a chain of straight pieces
# with a bend at each hinge. So you can *build* a curve. Put the bends at the
# knots $k_1 < k_2 < \dots$, start with the first slope, and let each later
# hinge add the **change** of slope. There is no training in it.
#
# At its knots the network is exact; in between it cuts corners. The figure
# shows what each hidden unit contributes and, below, their sum.

# %%
def place_hinges(f, units):
    knots = torch.linspace(-2, 2, units + 1)
    heights = f(knots)
    slopes = heights.diff() / knots.diff()  # (hidden,)
    changes = torch.cat([slopes[:1], slopes.diff()])  # (hidden,)
    W1, b1 = torch.ones(1, units), -knots[:-1]  # (features, hidden), (hidden,)
    return W1, b1, changes.reshape(-1, 1), heights[:1]


# %% figure="exact" alt="Above, six straight rays start one after the other and fan out up and down. Below, their sum: a chain of straight pieces that follows the hump of the true curve inside the data and runs off in a straight line outside."
def plot_hinges(units=6, bends=0):
    def f(x):
        return torch.sin(bends * torch.pi * x / 4) if bends else effect(x)

    W1, b1, W2, b2 = place_hinges(f, units)
    x = torch.linspace(-2.5, 2.5, 501).reshape(-1, 1)  # (points, features)
    parts = torch.relu(x @ W1 + b1) * W2.T  # (points, hidden)
    _, (top, low) = plt.subplots(2, 1, sharex=True, figsize=(5.6, 4.4))
    top.plot(x, parts, linewidth=1.4)
    top.set(title=f"what each hidden unit adds ({units} units)", ylim=(-3, 3))
    low.plot(x, f(x), color=GREY, linewidth=4, alpha=0.5, label="truth")
    low.plot(x, parts.sum(dim=1) + b2, color=ORANGE, label="sum of units")
    low.set(xlabel="x", ylim=(-1.4, 1.9), title="their sum")
    low.legend(ncols=2, loc="upper right")

knots = torch.linspace(-2, 2, 7).reshape(-1, 1)  # (points, features)
miss = network(knots, *place_hinges(effect, 6)) - effect(knots)
line_miss = add_one(knots) @ theta - effect(knots)
claim("the error of six hinges at their knots", miss.abs().max(),
      at_most=1e-12, baseline={"the best line": line_miss.abs().max()})
plot_hinges()

# %% [markdown]
# Large contributions, up and down, cancel to a gentle hump. Look also beyond
# the last knot, at $x = 2$: nobody told the network what to do there, so its
# last piece just runs on.
#
# **Predict:** you double the number of hinges. By what factor does the largest
# error shrink?
#
# <details><summary><b>Answer</b></summary>
#
# By about four. A straight piece of length $h$ misses a smooth curve by at
# most $\frac{h^2}{8}\max|f''|$, and twice the hinges halve $h$.
#
# </details>

# %%
fine = torch.linspace(-2, 2, 4001).reshape(-1, 1)
errors = []
for units in (16, 32, 64, 128, 256):
    gap = network(fine, *place_hinges(effect, units)) - effect(fine)
    errors.append(gap.abs().max().item())
    print(f"{units:4} hidden units: largest error {errors[-1]:.1e}")
ratios = [wider / finer for wider, finer in pairwise(errors)]
claim("the gain from each doubling", ratios, at_least=3.5,
      baseline={"if the error fell like 1 / units": 2.0})

# %% [markdown]
# You have just shown, in one dimension, what the **universal approximation
# theorem** says: with enough hidden units, one hidden layer comes as close as
# you like to any continuous function on a closed, bounded region.
# [Cybenko 1989](cite:cybenko1989) proved it for sigmoid-like activations,
# [Hornik 1991](cite:hornik1991) for continuous, bounded ones that are not
# constant. [Leshno and others 1993](cite:leshno1993) found the border. Among
# ordinary activations, exactly those that are not polynomials will do, ReLU
# included.
#
# What it does **not** say: how many units you need (with many inputs it can be
# astronomically many), what happens outside the region or between your data,
# and whether training will find the weights. The last point is next. First,
# play: pick a wave with more bends and see how many units it needs. With 0
# bends you get the dose curve back.

# %% explore=true
from deepcourse.widgets import explore

explore(plot_hinges, units=(1, 40, 1), bends=(0, 8, 1))


# %% [markdown]
# ## Let gradient descent place the bends
#
# In life you know data, not the curve, so the bends must be *learned*. The
# recipe is the one that worked for the line: loss, gradient, small step down.
# Only the gradient is more work now. We let torch compute it
# (`loss.backward()` fills in `.grad` for each parameter); the lesson on
# backpropagation opens that box. Weights start at random, because units that
# begin equal stay equal. Three seeds start in three places, and we judge each
# by patients that no training has seen.

# %%
def init(hidden, seed):
    def uniform(*shape, reach):
        values = torch.rand(*shape, generator=generator)
        return (reach * (2 * values - 1)).requires_grad_()

    generator, out = torch.Generator().manual_seed(seed), hidden ** -0.5
    return [uniform(1, hidden, reach=1), uniform(hidden, reach=1),
            uniform(hidden, 1, reach=out), uniform(1, reach=out)]

def descend(parameters, X, y, lr, num_steps):
    for _ in range(num_steps):
        loss = ((network(X, *parameters) - y) ** 2).mean()  # ()
        loss.backward()
        with torch.no_grad():
            for parameter in parameters:
                parameter -= lr * parameter.grad
                parameter.grad = None
    return [parameter.detach() for parameter in parameters]


# %% figure="trained" alt="The sixty points, the nearly flat best line, and two trained networks: chains of straight pieces that follow the hump. Small triangles on the axis mark where the bends of the first network are."
X_new, y_new = make_patients(1000, seed=1)
trained = [descend(init(12, seed), X, y, lr=0.1, num_steps=2000)
           for seed in range(3)]
claim("the variance that the network explains for new patients",
      [explained(network(X_new, *t), y_new).item() for t in trained],
      at_least=0.8, baseline={
          "the best line": explained(add_one(X_new) @ theta, y_new)}, unit="%")
bends = -trained[0][1] / trained[0][0][0]  # (hidden,)
ax = plot_data(X, y, s=8)
ax.plot(grid, add_one(grid) @ theta, color=GREY)
ax.plot(bends, torch.full_like(bends, -0.25), "^", color=ORANGE, markersize=5)
ax.set(xlim=(-2.2, 2.2), xlabel="dose, in doublings of the usual one",
       ylabel="effect", title="two of the three networks, and the line")
for t, color in zip(trained, (ORANGE, BLUE), strict=False):
    ax.plot(grid, network(grid, *t), color=color, linewidth=1.5)

# %% [markdown]
# The networks bend where the data bend. Each seed found a different chain, and
# all are good. Triangles mark the bends of the orange network. A unit whose
# bend lies outside the picture bends nothing: for these patients it is a
# straight line, or off.
#
# ## Existing is not finding
#
# Now an honest contest. Take away the noise and let both sides see the true
# curve itself. By hand you know a network with 32 units that is nearly
# perfect. Give gradient descent as many units, and time. Does it get there?

# %% figure="trained" alt="Error against the number of hidden units on logarithmic axes. The line for hinges placed by hand falls steeply; the dots of three training runs lie below it at four units and ever farther above it from eight units on."
target = effect(grid)  # (points, outputs)

def rms(parameters):
    return ((network(grid, *parameters) - target) ** 2).mean().sqrt().item()

widths = [4, 8, 16, 32]
by_hand = [rms(place_hinges(effect, units)) for units in widths]
by_descent = [[rms(descend(init(units, seed), grid, target, lr=0.05,
                           num_steps=2000)) for units in widths]
              for seed in range(3)]
claim("the error of gradient descent over that of 32 hinges placed by hand",
      [errors[-1] / by_hand[-1] for errors in by_descent], at_least=3,
      baseline={"by hand": 1.0})

figure, ax = plt.subplots()
ax.loglog(widths, by_hand, "-o", color=ORANGE, label="placed by hand")
for errors in by_descent:
    ax.loglog(widths, errors, "o", color=BLUE, alpha=0.7)
ax.plot([], [], "o", color=BLUE, label="gradient descent, 3 seeds")
ax.set(xlabel="hidden units", ylabel="error (root mean square)")
ax.set_xticks(widths, widths)
ax.minorticks_off()
legend = ax.legend()

# %% [markdown]
# With four units training may win: it puts its few bends where the curve needs
# them, while our hand spaces them evenly. With many units it falls far behind.
# The weights exist, and gradient descent does not find them in the time we
# gave it: bends that lie outside the data are wasted, and the others creep.
# Better learning algorithms come later in the course. The gap between *a good
# network exists* and *training finds it* never quite goes away.
#
# ## The same in PyTorch
#
# You will rarely write `X @ W1 + b1` again. `nn.Linear` holds the weights and
# the bias of a layer, `nn.Sequential` chains layers, an optimizer takes the
# step. One thing to mind: `nn.Linear` stores its weight as (outputs, inputs),
# the transpose of ours. Is it the same network? Copy the parameters, compare
# the answers, take one step each, compare again.

# %%
from torch import nn

W1, b1, W2, b2 = init(12, seed=0)
model = nn.Sequential(nn.Linear(1, 12), nn.ReLU(), nn.Linear(12, 1))
with torch.no_grad():
    model[0].weight.copy_(W1.T)
    model[0].bias.copy_(b1)
    model[2].weight.copy_(W2.T)
    model[2].bias.copy_(b2)
    before = network(X, W1, b1, W2, b2)  # (batch, outputs)
    forward_gap = (model(X) - before).abs().max().item()

stepped = descend([W1, b1, W2, b2], X, y, lr=0.1, num_steps=1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss = nn.functional.mse_loss(model(X), y)  # ()
loss.backward()
optimizer.step()
step_gap = (model(X) - network(X, *stepped)).abs().max().item()

claim("the gap to PyTorch before and after one step",
      [forward_gap, step_gap], at_most=1e-12, baseline={
          "without the step": (model(X) - before).abs().max()})

# %% [markdown]
# Same network, same step. From now on the lessons use `train` from
# `deepcourse.training`: it is the loop of `descend` for any model, loss and
# optimizer, and it stops with advice when the loss is no longer a number.
#
# Put it to work on trial B, with a border to bend instead of a curve. You know
# that **two** hidden units are enough. **Predict:** of ten random starts, how
# many get it right with two units, and how many with eight?

# %% figure="trained" alt="Two panels of trial B. Left, a network with two hidden units is stuck: it colours only some of the clouds rightly. Right, a network with eight hidden units: a bent border sets the two mixed clouds apart from the other two."
from deepcourse.training import train

def train_trial_b(hidden, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(),
                          nn.Linear(hidden, 1), nn.Sigmoid())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    train(model, X2, just_one, nn.functional.binary_cross_entropy,
          optimizer, num_steps=600)
    return model.requires_grad_(False)

runs = {hidden: [train_trial_b(hidden, seed) for seed in range(10)]
        for hidden in (2, 8)}
scores = {hidden: [accuracy(model(X2), just_one).item() for model in models]
          for hidden, models in runs.items()}
solved = {hidden: sum(s > 0.95 for s in scores[hidden]) for hidden in scores}
claim("runs of ten that solve trial B with eight hidden units", solved[8],
      at_least=8, baseline={"with two": solved[2]})
stuck = scores[2].index(max(s for s in scores[2] if s <= 0.95))
figure, (left, right) = plt.subplots(1, 2, sharey=True)
plot_boundary(runs[2][stuck], X2, just_one, left)
plot_boundary(runs[8][scores[8].index(max(scores[8]))], X2, just_one, right)
left.set(title="2 hidden units", xlabel="medicine 1", ylabel="medicine 2")
_ = right.set(title="8 hidden units", xlabel="medicine 1", ylabel="")

# %% [markdown]
# Two units suffice on paper, yet many of their runs fail. Sometimes a unit is
# off for every patient from the start: its gradient is zero, so it never
# moves. Sometimes both settle where neither can improve alone. The left panel
# shows the best of the failures. Eight units hold spare ones. This is one
# reason why networks are made larger than the task needs.
#
# ## When a network does not help
#
# So far the truth was bent, because we bent it. Now come 442 real people with
# diabetes ([Efron and others 2004](cite:efron2004)). Ten measurements describe
# each, from age and body mass index to blood values; the target is a score of
# how far the disease went in the year after. Linear regression is the rival.
#
# Play by the rules. Each seed deals the patients into three parts. The network
# *trains* on the first. Its width and number of steps are *chosen* on the
# second, the validation set. The third, the test set, decides nothing: it only
# reports. Errors are scaled so that always answering the mean costs about 1.
# **Predict:** who wins?

# %%
from deepcourse.data import load_diabetes

def test_errors(seed):
    data = load_diabetes(seed).standardized(targets=True)
    Phi = add_one(data.X_train)  # (batch, features)
    theta = torch.linalg.lstsq(Phi, data.y_train).solution
    line = ((add_one(data.X_test) @ theta - data.y_test) ** 2).mean().item()
    tried = []
    for hidden in (4, 16, 64):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(10, hidden), nn.ReLU(),
                              nn.Linear(hidden, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for num_steps in (50, 50, 200, 700):  # so: after 50, 100, 300, 1000
            train(model, data.X_train, data.y_train, nn.functional.mse_loss,
                  optimizer, num_steps)
            with torch.no_grad():
                tried.append([((model(X) - y) ** 2).mean().item() for X, y in (
                    (data.X_val, data.y_val), (data.X_test, data.y_test))])
    chosen = min(tried)  # the smallest validation error, with its test error
    return line, chosen[1], tried[-1][1]

line, chosen, largest = zip(*map(test_errors, range(6)), strict=True)


# %% figure="trained" alt="Test errors on six splits of the diabetes patients. Line and chosen network lie close together, between 0.4 and 0.6, now one ahead and now the other; the largest network, trained longest, is clearly worse on nearly every split."
def mean_ratio(errors):
    return sum(e / own for e, own in zip(errors, line, strict=True)) / 6

doses = 1 - explained(network(X_new, *trained[0]), y_new).item()
doses /= 1 - explained(add_one(X_new) @ theta, y_new).item()
claim("the share of the line's error that the chosen network removes",
      1 - mean_ratio(chosen), at_most=0.15,
      baseline={"a network on the doses": 1 - doses}, unit="%")
claim("the error of the largest network over the line's",
      mean_ratio(largest), at_least=1.1,
      baseline={"the chosen network": mean_ratio(chosen)})
figure, ax = plt.subplots()
for errors, color, label in ((largest, GREY, "largest network"),
                             (chosen, ORANGE, "chosen network"),
                             (line, BLUE, "line")):
    ax.plot(range(1, 7), errors, "o", color=color, label=label)
ax.set(xlabel="split of the patients", ylabel="test error", ylim=(0, 1.3))
legend = ax.legend(ncols=3, fontsize="small", loc="upper left")

# %% [markdown]
# The line takes most of what is there to take. The network that validation
# chose stays within a few per cent of it: sometimes ahead, sometimes behind,
# and far less than the dealing of the patients moves both. The largest
# network, trained longest, has learned its few hundred training patients by
# heart and is mostly worse. Where data are few, noisy and nearly linear, start
# with the line. Its weights can also be read.
#
# ## At full size
#
# Nothing new is needed to grow: more units, more layers, the data in small
# batches instead of all at once (`train` takes a `batch_size`), single
# precision instead of double, and `.to(device)` to put model and data on a
# GPU. At the sizes of this lesson a GPU would only be slower. It starts to pay
# with Winther's network for handwritten digits, whose parameters you counted;
# you will train it later in the course.
#
# ## Recap
#
# You can now
#
# - **fit** a line in closed form and by gradient descent, and check a gradient
#   by wiggling;
# - **prove** that one unit draws one straight border and cannot do XOR;
# - **write** $H_1 = \sigma(XW_1 + b_1)$, count its parameters, and say why
#   without $\sigma$ all layers collapse;
# - **build** a curve from hinges, exact at its knots, and train one that only
#   knows data;
# - **judge** by validation and test, with the line as rival, whether a network
#   is worth it.
#
# **When to use a network?** When the truth is bent in ways you cannot name,
# and data are plenty. **When not?** When a linear model does as well: fit it
# first, always. It is your baseline.
#
# **Further reading.** The construction of the network follows
# [Wahlström 2017](cite:wahlstrom2017), and the three parts of learning
# [Carbonnelle 2016](cite:carbonnelle2016), the lectures that inspired this
# lesson. Chapter 6 of
# [Goodfellow, Bengio & Courville 2016](cite:goodfellow2016) covers the same
# ground in more depth; [LeCun, Bengio & Hinton 2015](cite:lecun2015) is the
# short overview by three who were there.
#
# One hidden layer can do everything, so why go deep? That is the
# [next lesson](lesson:01b_why_deep).
