# %% [markdown]
# # From a line to a network
#
# A neural network is linear regression that has learned to bend. You start
# here with the straight line you know, find out exactly what it cannot do,
# and repair it one bend at a time: first by hand, then by training. At the end
# you put the network to the test on real patients.
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
# Machine learning has three parts. **Data**: examples of inputs with their
# answers. A **model**: a family of functions, one for each setting of its
# parameters. A **learning algorithm**: the rule that picks the parameters by
# looking at the data.
#
# Our first data are made up, so that the truth is known. Each of 60 patients
# got a dose of some medicine. The input $x$ counts doublings: 0 is the usual
# dose, 1 twice as much, $-1$ half. The target $y$ is the measured effect.
#
# All is computed on a **device**: a GPU if there is one, else the CPU. Random
# numbers are drawn on the CPU and moved with `.to(device)`: each device gets
# the same data and first weights. Figures take them back with `.cpu()`.

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
import torch

from deepcourse import repro
from deepcourse.claims import claim
from deepcourse.plot import (
    BLUE, GREEN, GREY, ORANGE, PURPLE, plot_boundary, plot_data,
)

device = repro.device()
torch.set_default_dtype(torch.float64)  # double precision: sharp checks

def effect(x):
    return torch.sigmoid(4 * (x + 0.8)) - torch.sigmoid(5 * (x - 0.9))

def make_patients(batch, seed):
    generator = torch.Generator().manual_seed(seed)
    X = 4 * torch.rand(batch, 1, generator=generator) - 2
    y = effect(X) + 0.08 * torch.randn(batch, 1, generator=generator)
    return X.to(device), y.to(device)  # (batch, features), (batch, outputs)


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
# error. Its slope in one parameter follows from the chain rule:
#
# $$L(\theta) = \frac{1}{N}\sum_{i=1}^{N}(\hat y_i - y_i)^2, \qquad
# \frac{\partial L}{\partial\theta_j} =
# \frac{2}{N}\sum_{i=1}^{N}\Phi_{ij}\,(\hat y_i - y_i).$$
#
# Stack these slopes, and the gradient is
# $\nabla L(\theta) = \frac{2}{N}\Phi^T(\Phi\theta - y)$. At the minimum it is
# zero. That gives linear equations, $\Phi^T\Phi\,\theta = \Phi^T y$, and so
# the answer in **closed form**.
#
# How good is a fit? `explained` compares it with always answering the mean: 1
# is perfect, 0 no better than the mean, below 0 worse.

# %%
def add_one(X):
    return torch.cat([torch.ones_like(X[:, :1]), X], 1)  # (batch, features)

def explained(y_hat, y):
    return 1 - ((y_hat - y) ** 2).mean() / y.var(correction=0)  # ()

Phi = add_one(X)  # (batch, features)
theta = torch.linalg.solve(Phi.T @ Phi, Phi.T @ y)  # (features, outputs)
y_hat = Phi @ theta  # (batch, features) @ (features, 1) -> (batch, 1)
print(f"bias {theta[0, 0]:.2f}, slope {theta[1, 0]:.2f}")


# %% [markdown]
# A second way survives when we leave straight lines. Stand anywhere, ask the
# gradient which way is up, and take a small step down:
# $\theta \leftarrow \theta - \eta\,\nabla L(\theta)$. The step size $\eta$ is
# the **learning rate**.
#
# A gradient derived on paper deserves a check that knows nothing of the paper:
# wiggle each parameter a little and see how the loss changes. Then walk, from
# a line that is deliberately bad.
#
# > **Note.** A line that begins with ✓ states what was measured on this
# > machine and lies within its bound. After the semicolon stands what a rival
# > scores, and a rival must miss the bound.

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

start = torch.tensor([[1.0], [0.6]]).to(device)  # (features, outputs)
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
_, ax = plt.subplots(figsize=(5.6, 3))
plot_data(X, y, ax, s=8)
ax.set(xlabel="dose, in doublings of the usual one", ylabel="effect",
       title="gradient descent after 0, 1 and 100 steps",
       xticks=range(-2, 3))
across = torch.linspace(-2, 2, 201).reshape(-1, 1)
grid = across.to(device)
for step, width in ((0, 1), (1, 1), (100, 2)):
    line = (add_one(grid) @ path[step]).cpu()
    ax.plot(across, line, BLUE, linewidth=width)
    ax.text(2.05, line[-1], step, va="center")

# %% [markdown]
# Both algorithms find the same line. And the line is useless: it says that the
# dose hardly matters. No better algorithm will help, because the *model* holds
# nothing but lines.
#
# ## One unit, and what it cannot do
#
# The smallest repair: send the answer through a fixed bent function,
# $\hat y = \sigma(\varphi^T\theta)$. This is *generalised* linear regression,
# or one artificial **unit**, and $\sigma$ is its **activation**. Four of them
# made history: the threshold of the perceptron
# ([Rosenblatt 1958](cite:rosenblatt1958)), two smooth steps, the sigmoid
# $1/(1+e^{-z})$ and tanh, and the ReLU, which cuts off what is negative.

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
# is yes ($y = 1$) and of $-\log(1-p)$ where it is no ($y = 0$). Because
# $\sigma' = \sigma(1-\sigma) = p(1-p)$, the slope of the loss in
# $z = \varphi^T\theta$ is
#
# $$-\frac{p(1-p)}{p} = p - 1 \ \text{ for yes}, \qquad
# \frac{p(1-p)}{1-p} = p \ \text{ for no},$$
#
# which is $p - y$ for both. The gradient looks just like the line's:
# $\nabla L(\theta) = \frac{1}{N}\,\Phi^T(p - y)$.
#
# Two trials will test it. Patients get medicine 1, medicine 2, both or none,
# with doses that vary around 0 and 1. In trial A either medicine helps. In
# trial B each helps alone, and together they cancel.

# %%
corners = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]).to(device)
either = torch.tensor([[0.0], [1], [1], [1]]).repeat(25, 1).to(device)
just_one = torch.tensor([[0.0], [1], [1], [0]]).repeat(25, 1).to(device)
generator = torch.Generator().manual_seed(0)
shake = 0.12 * torch.randn(100, 2, generator=generator)
X2 = corners.repeat(25, 1) + shake.to(device)  # (batch, 2)
Phi2 = add_one(X2)  # (batch, 3)

def accuracy(p, y):
    return ((p > 0.5) == (y > 0.5)).double().mean()  # ()

def log_loss(theta, y=either):
    p = torch.sigmoid(Phi2 @ theta)  # (batch, outputs)
    return -torch.where(y == 1, p, 1 - p).log().mean()  # ()

def log_loss_gradient(theta, y=either):
    p = torch.sigmoid(Phi2 @ theta)  # (batch, outputs)
    return Phi2.T @ (p - y) / len(y)  # (features, outputs)

trial = torch.tensor([[0.5], [-1.0], [2.0]]).to(device)  # (3, outputs)
wiggled = finite_differences(log_loss, trial)  # (features, outputs)
paper = log_loss_gradient(trial)  # (features, outputs)
claim("the largest error of the logistic gradient",
      (paper - wiggled).abs().max(), at_most=1e-8,
      baseline={"with a factor 2": (2 * paper - wiggled).abs().max()})


# %% [markdown]
# The gradient holds. Now train one unit on each trial. **Predict** first: how
# many of the 100 patients will it get right in trial A, and how many in B?
#
# <details><summary><b>Answer</b></summary>
#
# In A nearly all of them. In B never all, and after this training about half.
#
# *Never all:* the unit says "yes" where $\varphi^T\theta > 0$, and the border
# of that region is a straight line. Trial B asks for four things of the
# corners:
#
# $$\theta_0 < 0,\quad \theta_0+\theta_1 > 0,\quad \theta_0+\theta_2 > 0,\quad
# \theta_0+\theta_1+\theta_2 < 0.$$
#
# Add the two in the middle: $2\theta_0+\theta_1+\theta_2 > 0$. Add the outer
# two: $2\theta_0+\theta_1+\theta_2 < 0$. Both cannot be. Three corners of
# four a line can get right, so 75 % is the best it can do. This little table
# is XOR, "exclusive or", and [Minsky & Papert 1969](cite:minsky1969) made it
# famous.
#
# *About half:* the log loss makes confident mistakes expensive. By symmetry it
# is smallest where $p$ is close to one half for everybody, and on which side
# of one half is then chance.
#
# </details>

# %%
def fit_unit(y, lr=1.0, num_steps=1000):
    theta = torch.zeros(3, 1).to(device)  # (features, outputs)
    for _ in range(num_steps):
        theta = theta - lr * log_loss_gradient(theta, y)
    return lambda X: torch.sigmoid(add_one(X) @ theta)

unit_a, unit_b = fit_unit(either), fit_unit(just_one)
score_a, score_b = accuracy(unit_a(X2), either), accuracy(unit_b(X2), just_one)
claim("the accuracy of one unit in trial B", score_b, at_most=0.75,
      baseline={"in trial A": score_a}, unit="%")

# %% figure="exact" alt="Two panels with the same four clouds of points, crosses for no and dots for yes. Left, either medicine helps: one straight border cuts off the lower left cloud. Right, just one helps: there is almost no colour, the unit answers about one half everywhere."
claim("the distance of its answers in trial B from one half",
      (unit_b(X2) - 0.5).abs().max(), at_most=0.2,
      baseline={"in trial A": (unit_a(X2) - 0.5).abs().max()})
figure, (left, right) = plt.subplots(1, 2, sharey=True)
plot_boundary(unit_a, X2, either, left)
plot_boundary(unit_b, X2, just_one, right)
left.set(title="A: either helps", xlabel="medicine 1", ylabel="medicine 2")
right.set(title="B: just one helps", xlabel="medicine 1", ylabel="")
legend = figure.legend(left.collections, ["no", "yes"], ncols=2,
                       loc="outside upper right")

# %% [markdown]
# Colour shows $p$, from orange (no) to blue (yes). In trial B it
# [stays close to one half](demo:playground#xor-line), everywhere. (In trial A
# longer training would narrow the pale band for ever.)
#
# Is XOR a rare exception? There are 16 ways to label four corners with yes and
# no. Throw thousands of random lines at them and collect what appears.

# %%
thetas = torch.randn(3, 10_000, generator=generator).to(device)
labels = (add_one(corners) @ thetas > 0).int().T  # (10000, 4)
found = {tuple(row) for row in labels.tolist()}
print(f"lines make {len(found)} of the {2 ** 4} labellings")
print("XOR among them:", (0, 1, 1, 0) in found)


# %% [markdown]
# Only XOR and its opposite are out of reach, but with more inputs the share
# that is reached shrinks fast.
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
# the weights of each into a column, and a whole **layer** is one matrix
# product. From here on $\sigma$ is any activation; our code takes ReLU.
#
# $$H_1 = \sigma(X W_1 + b_1), \qquad \hat y = H_1 W_2 + b_2.$$
#
# Examples stay in rows. So $X$ is (batch, features), $W_1$ is
# (features, hidden) and $b_1$ has one number for each hidden unit.

# %%
def network(X, W1, b1, W2, b2):
    H1 = torch.relu(X @ W1 + b1)  # (batch, hidden)
    return H1 @ W2 + b2  # (batch, outputs)
W1, b1 = torch.ones(2, 2), torch.tensor([0.0, -1.0])  # (2, hidden), (hidden,)
W2, b2 = torch.tensor([[1.0], [-2.0]]), torch.zeros(1)
by_hand = [part.to(device) for part in (W1, b1, W2, b2)]
print("corners:", network(corners, *by_hand).flatten().int().tolist())
claim("the accuracy of two hidden units in trial B",
      accuracy(network(X2, *by_hand), just_one), at_least=0.97,
      baseline={"one unit": score_b}, unit="%")


# %%
def count_parameters(sizes):
    return sum((n + 1) * m for n, m in pairwise(sizes))

print("                        all  hidden to hidden")
for name, sizes in {"by hand, above": [2, 2, 1],
                    "Winther's digits": [784, 225, 225, 10],
                    "twice as wide": [784, 450, 450, 10],
                    "twice as deep": [784, 225, 225, 225, 225, 10]}.items():
    total, inner = count_parameters(sizes), count_parameters(sizes[1:-1])
    print(f"{name:17} {total:9,} {inner:17,}")

# %% [markdown]
# What was impossible for one unit is easy for three. Feed $H_1$ to another
# layer, and its output to the next: this is **depth**. A layer from $n$ to $m$
# units costs $(n+1)\,m$ parameters, the 1 being the bias. The second row is
# the network that [Winther 2018](cite:winther2018) trains on handwritten
# digits, 784 pixels in and 10 digits out. The last two show what growing
# costs. Twice the width makes the block between the hidden layers about four
# times as large, 202,950 for 50,850. Each further layer adds just 50,850.
#
# **Predict:** stack three layers without activation. What can they do that a
# line cannot?
#
# <details><summary><b>Answer</b></summary>
#
# Nothing. $(X W_1 + b_1) W_2 + b_2 = X (W_1 W_2) + (b_1 W_2 + b_2)$ is one
# linear layer with the weights $W' = W_1 W_2$.
#
# </details>

# %%
draw = lambda *shape: torch.randn(*shape, generator=generator).to(device)
X3 = draw(100, 3)  # (batch, features)
W1, W2 = draw(3, 64) / 2, draw(64, 64) / 8  # (features, _), (hidden, hidden)
W3 = draw(64, 1) / 8  # (hidden, outputs)
W_all = W1 @ W2 @ W3  # (features, outputs)
stacked = X3 @ W1 @ W2 @ W3  # (batch, outputs)
bent = torch.relu(torch.relu(X3 @ W1) @ W2) @ W3  # (batch, outputs)
best = add_one(X3) @ torch.linalg.lstsq(add_one(X3), bent).solution
claim("what collapsing the layers changes", (stacked - X3 @ W_all).abs().max(),
      at_most=1e-10, baseline={"with ReLU": (bent - best).abs().max()})


# %% [markdown]
# The thousands of numbers in the three matrices do the work of three. With
# ReLU in between, even the best line misses. Depth without non-linearity is
# [a long way to write a line](demo:playground#linear-layers).
#
# ## Bends add up
#
# Back to the doses. With one input and a positive weight, a ReLU unit is a
# hinge, $\mathrm{relu}(x - k)$: flat up to $k$, straight from there on. (A
# negative weight turns it round.) A sum of hinges is a chain of straight
# pieces with a bend at each hinge. So you can *build* a curve. Put the bends
# at the knots $k_1 < k_2 < \dots$, begin at the height $b_2 = f(k_1)$ with the
# first slope, and let each later hinge add the **change** of slope.
#
# At its knots the network is exact; in between it cuts corners.

# %%
def place_hinges(f, units):
    knots = torch.linspace(-2, 2, units + 1).to(device)
    heights = f(knots)
    slopes = heights.diff() / knots.diff()  # (hidden,)
    changes = torch.cat([slopes[:1], slopes.diff()])  # (hidden,)
    W1, b1 = knots.new_ones(1, units), -knots[:-1]  # (1, hidden), (hidden,)
    return W1, b1, changes.reshape(-1, 1), heights[:1]


# %% figure="exact" alt="Above, six straight rays start one after the other and fan out up and down. Below, their sum: a chain of straight pieces that follows the hump of the true curve inside the data and runs off in a straight line outside."
def plot_hinges(units=6, bends=0):
    def f(x):
        return torch.sin(bends * torch.pi * x / 4) if bends else effect(x)

    W1, b1, W2, b2 = (part.cpu() for part in place_hinges(f, units))
    x = torch.linspace(-2.5, 2.5, 501).reshape(-1, 1)  # (points, features)
    # One column per unit: what it sends to the output.
    parts = torch.relu(x @ W1 + b1) * W2.T  # (points, hidden)
    _, (top, low) = plt.subplots(2, 1, sharex=True, figsize=(5.6, 3.8))
    for i, part in enumerate(parts.T):
        top.plot(x, part, color=f"C{i % 5}", linewidth=1.6,
                 linestyle=["-", "--", "-.", ":"][i % 4])
    top.set(title=f"what each hidden unit adds ({units} units)")
    low.plot(x, f(x), color=GREY, linewidth=4, alpha=0.5, label="truth")
    low.plot(x, parts.sum(dim=1) + b2, color=ORANGE, label="sum of units")
    low.set(xlabel="x", ylim=(-1.4, 1.9), title="their sum")
    low.legend(ncols=2, loc="upper right")

knots = torch.linspace(-2, 2, 7)[:, None].to(device)  # (points, features)
miss = network(knots, *place_hinges(effect, 6)) - effect(knots)
line_miss = add_one(knots) @ theta - effect(knots)
claim("the error of six hinges at their knots", miss.abs().max(),
      at_most=1e-12, baseline={"the best line": line_miss.abs().max()})
plot_hinges()

# %% [markdown]
# Large contributions, up and down, cancel to a gentle hump. Beyond the last
# knot, at $x = 2$, the last piece runs on.
#
# **Predict:** you double the number of hinges. By what factor does the largest
# error shrink?
#
# <details><summary><b>Answer</b></summary>
#
# By about four. A straight piece of length $h$ misses a smooth curve by at
# most $\frac{h^2}{8}\max|f''|$, and twice the hinges halve $h$. (The worst
# case is a parabola.)
#
# </details>

# %%
fine = torch.linspace(-2, 2, 4001).reshape(-1, 1).to(device)
errors = []
for units in (16, 32, 64, 128, 256):
    gap = network(fine, *place_hinges(effect, units)) - effect(fine)
    errors.append(gap.abs().max().item())
    print(f"{units:4} hidden units: largest error {errors[-1]:.1e}")
ratios = [wider / finer for wider, finer in pairwise(errors)]
claim("the gain from each doubling", ratios, at_least=3.5,
      baseline={"if the error fell like 1 / units": 2.0})

# %% [markdown]
# You saw it for one smooth curve. But any continuous function on a closed
# interval is *uniformly* continuous, so its chain comes as close as you like
# once the knots are dense enough. That proves, for ReLU and one input, the
# **universal approximation theorem**: with enough hidden units, one hidden
# layer comes as close as you like to any continuous function on a closed,
# bounded region. Of the activations that are locally bounded and piecewise
# continuous, exactly those that are not polynomials will do
# ([Leshno and others 1993](cite:leshno1993)).
#
# What it does **not** say: how many units you need (with many inputs it can be
# astronomically many), what happens outside the region or between your data,
# and whether training will find the weights. The last point is next. First,
# play: how many units does a wave with more bends need? (0 bends give the dose
# curve.) A trap: why do 8 units see nothing of 8 bends? All their knots lie on
# zeros of the wave.

# %% explore=true
from deepcourse.widgets import explore

explore(plot_hinges, units=(1, 40, 1), bends=(0, 8, 1))


# %% [markdown]
# ## Let gradient descent place the bends
#
# In life you know data, not the curve, so the bends must be *learned*. The
# recipe is the line's: loss, gradient, small step down. We let torch compute
# the gradient (`loss.backward()` fills in `.grad` for each parameter); the
# lesson on backpropagation opens that box. Weights start at random, because
# units that begin equal get equal gradients and stay equal. Three seeds start
# in three places, and we judge each by patients that no training has seen.

# %%
def init(hidden, seed):
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape, reach):  # numbers between -reach and reach
        values = 2 * torch.rand(*shape, generator=generator) - 1
        values = (reach * values).to(device)
        return values.requires_grad_()  # torch, keep track

    W1, b1 = uniform(1, hidden, reach=1), uniform(hidden, reach=1)
    reach = hidden ** -0.5
    W2, b2 = uniform(hidden, 1, reach=reach), uniform(1, reach=reach)
    return W1, b1, W2, b2

def descend(parameters, X, y, lr, num_steps):
    for _ in range(num_steps):
        loss = ((network(X, *parameters) - y) ** 2).mean()  # ()
        loss.backward()
        with torch.no_grad():  # a step is not part of the loss
            for parameter in parameters:
                parameter -= lr * parameter.grad
                parameter.grad = None  # else gradients would add up
    return [parameter.detach() for parameter in parameters]


# %% figure="trained" alt="The sixty points over the true curve, a thick grey band; a dashed straight line that hardly rises; two trained networks: chains of straight pieces that follow the hump but go on falling at the right edge, where the true curve flattens. Small triangles on the axis mark the bends of the first network."
X_new, y_new = make_patients(1000, seed=1)
trained = [descend(init(12, seed), X, y, lr=0.1, num_steps=2000)
           for seed in range(3)]
claim("the variance that the network explains for new patients",
      [explained(network(X_new, *t), y_new).item() for t in trained],
      at_least=0.8, baseline={"the best line": explained(
          add_one(X_new) @ theta, y_new)}, unit="%")
miss = [(network(grid, *t) - effect(grid)).abs() for t in trained]
claim("how far the networks miss the truth at the right edge",
      [m[-1].item() for m in miss], at_least=0.1,
      baseline={"half-way to it": [m[150].item() for m in miss]})
bends = -trained[0][1] / trained[0][0][0]  # (hidden,)
_, ax = plt.subplots(figsize=(5.6, 3))
plot_data(X, y, ax, s=8, label=None)
ax.plot(across, effect(across), GREY, linewidth=6, alpha=0.4, label="truth")
ax.plot(across, (add_one(grid) @ theta).cpu(), "--", label="best line")
for t, color in zip(trained, (ORANGE, GREEN), strict=False):
    ax.plot(across, network(grid, *t).cpu(), color, linewidth=1.5)
inside = bends[bends.abs() < 2].cpu()  # (_,)
ax.plot(inside, 0 * inside - 0.35, "^", color=ORANGE, markersize=5)
ax.set(xlim=(-2.2, 2.2), xlabel="dose, in doublings of the usual one",
       ylabel="effect", title="two of the three networks",
       xticks=range(-2, 3), yticks=[0, 0.5, 1])
legend = ax.legend(loc="upper left", fontsize="small")

# %% [markdown]
# Each seed found a different chain, and each follows the hump. At the right
# edge all three miss that the truth flattens: few training patients are there
# to tell them, and the average hides it. Triangles mark the bends of the
# orange network; some are too weak to see.
#
# ## Existing is not finding
#
# Now an honest contest. Take away the noise and let all sides see the true
# curve. By hand you know a network with 32 units that is nearly perfect.
# Gradient descent gets as many units and 2,000 steps, at nearly the largest
# rate that is stable. A third rival starts from the same random weights:
# **L-BFGS**, an optimizer that learns from past gradients how the loss is
# curved.

# %%
def lbfgs(parameters, X, y, num_steps):
    def closure():
        optimizer.zero_grad()
        loss = ((network(X, *parameters) - y) ** 2).mean()  # ()
        loss.backward()
        return loss
    optimizer = torch.optim.LBFGS(parameters, max_iter=num_steps,
        tolerance_change=0, line_search_fn="strong_wolfe")
    optimizer.step(closure)
    return [parameter.detach() for parameter in parameters]


# %% figure="trained" alt="Error against the number of hidden units on logarithmic axes. The line for hinges placed by hand falls steeply. Gradient descent lies near it at four units and far above it at 32. L-BFGS from the same starts stays close to it."
target = effect(grid)  # (points, outputs)
widths = [4, 8, 16, 32]

def rms(parameters):
    return ((network(grid, *parameters) - target) ** 2).mean().sqrt().item()

def runs(fit, **options):
    return [[rms(fit(init(units, seed), grid, target, **options))
             for units in widths] for seed in range(3)]

by_hand = [rms(place_hinges(effect, units)) for units in widths]
by_descent = runs(descend, lr=0.2, num_steps=2000)
by_lbfgs = runs(lbfgs, num_steps=500)
claim("the error of gradient descent over that of 32 hinges placed by hand",
      [errors[-1] / by_hand[-1] for errors in by_descent], at_least=3,
      baseline={"L-BFGS": [errors[-1] / by_hand[-1] for errors in by_lbfgs]})
ax = plt.gca()
ax.loglog(widths, by_hand, "-", color=GREY, label="placed by hand")
ax.loglog(widths, torch.tensor(by_descent).T, "o", color=BLUE)
ax.loglog(widths, torch.tensor(by_lbfgs).T, "^", color=ORANGE)
ax.set(xlabel="hidden units", ylabel="error (root mean square)")
ax.set_xticks(widths, widths, minor=False)
ax.minorticks_off()
legend = ax.legend(ax.lines[:1] + ax.lines[1:2] + ax.lines[4:5], [
    "placed by hand", "gradient descent", "L-BFGS, same starts"])

# %% [markdown]
# With four units training may win: it puts its few bends where the curve needs
# them, while our hand spaces them evenly. With many units gradient descent
# falls far behind. Yet good weights were within reach of the very same starts,
# as L-BFGS shows. The trouble is that the loss is **ill-conditioned**. Two
# neighbouring hinges are nearly the same function, so the loss is steep in
# some directions and nearly flat in others. The steep ones cap the learning
# rate, and along the flat ones gradient descent crawls. Bends outside the data
# are wasted on top. Better optimizers come in a later lesson. The gap between
# *a good network exists* and *training finds it* never quite goes away.
#
# ## The same in PyTorch
#
# You will rarely write `X @ W1 + b1` again. `nn.Linear` holds the weights and
# the bias of a layer, `nn.Sequential` chains layers, an optimizer takes the
# step. `SGD` is stochastic gradient descent; on all examples at once, as here,
# it is ours. Mind that `nn.Linear` stores its weight as (outputs, inputs), the
# transpose of ours. Is it the same network? Copy the parameters, compare the
# answers, take one step each, compare again.

# %%
from torch import nn

W1, b1, W2, b2 = init(12, seed=0)
model = nn.Sequential(nn.Linear(1, 12), nn.ReLU(), nn.Linear(12, 1)).to(device)
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
# `deepcourse.training`: the loop of `descend` for any model, loss and
# optimizer.
#
# Put it to work on trial B. The library's log loss,
# `binary_cross_entropy_with_logits`, takes the **logits** $z$ and applies the
# sigmoid itself. In two steps a large $z$ would be rounded to $p = 1$, and
# $\log(1-p)$ be infinite; in one formula nothing is lost. **Predict:** two
# hidden units are enough. Of ten random starts, how many get it right with
# two, and how many with eight?

# %% figure="trained" alt="Two panels of trial B. Left, a network with two hidden units is stuck: it colours three of the four clouds rightly, as a line could. Right, a network with eight hidden units: a bent border sets the two mixed clouds apart from the other two."
from deepcourse.training import train

def make_model(features, hidden, seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(),
                         nn.Linear(hidden, 1)).to(device)

def fit_trial_b(hidden, seed):
    model = make_model(2, hidden, seed)
    train(model, X2, just_one, nn.functional.binary_cross_entropy_with_logits,
          torch.optim.SGD(model.parameters(), lr=0.5), num_steps=600)
    return nn.Sequential(model, nn.Sigmoid()).requires_grad_(False)

two, eight = [sorted((fit_trial_b(hidden, seed) for seed in range(10)),
                     key=lambda model: accuracy(model(X2), just_one))
              for hidden in (2, 8)]
solved = [sum(accuracy(m(X2), just_one).item() > 0.95 for m in models)
          for models in (two, eight)]
claim("runs of ten that solve trial B with eight hidden units", solved[1],
      at_least=8, baseline={"with two": solved[0]})
figure, (left, right) = plt.subplots(1, 2, sharey=True)
plot_boundary(two[-solved[0] - 1], X2, just_one, left)
plot_boundary(eight[-1], X2, just_one, right)
left.set(title="2 hidden units", xlabel="medicine 1", ylabel="medicine 2")
_ = right.set(title="8 hidden units", xlabel="medicine 1", ylabel="")

# %% [markdown]
# Two units suffice on paper, yet many of their runs fail. Sometimes a unit is
# off for every patient from the start: its gradient is zero, so it never
# moves. Sometimes both settle where no small joint change lowers the loss.
# Left is the best of the failures: three clouds of four, a line again. Right
# is a success. Spare units are one reason why networks are made larger than
# the task needs.
#
# [Live: XOR with eight units](demo:playground#xor-hidden)
#
# ## When a network does not help
#
# So far the truth was bent, because we bent it. Now come 442 real people with
# diabetes ([Efron and others 2004](cite:efron2004)): ten measurements each,
# from age to blood values, and a score of how far the disease went in the year
# after.
#
# Each seed deals the patients into three parts. The network
# trains on the first. Its width and number of steps are *chosen* on the
# second, the validation set. Then it is fitted anew on both together, as the
# line is. The third, the test set, only reports. **Predict:** who wins?

# %%
from deepcourse.data import load_diabetes

SETTINGS = [(4, 50), (4, 300), (64, 50), (64, 300), (64, 1000)]

def fit_line(X, y):
    theta = torch.linalg.lstsq(add_one(X), y).solution
    return lambda X: add_one(X) @ theta

def fit_network(X, y, hidden, num_steps):
    model = make_model(10, hidden, seed=0)
    train(model, X, y, nn.functional.mse_loss,
          torch.optim.SGD(model.parameters(), lr=0.1), num_steps)
    return model.requires_grad_(False)

def error(model, X, y):
    return ((model(X) - y) ** 2).mean().item()

def contest(seed):
    data = load_diabetes(seed).standardized(targets=True).to(device)

    def on_validation(setting):
        model = fit_network(data.X_train, data.y_train, *setting)
        return error(model, data.X_val, data.y_val)

    chosen = min(SETTINGS, key=on_validation)
    X = torch.cat([data.X_train, data.X_val])  # (batch, features)
    y = torch.cat([data.y_train, data.y_val])  # (batch, outputs)
    models = [lambda X: y.mean(), fit_line(X, y), fit_network(X, y, *chosen),
              fit_network(X, y, *SETTINGS[-1])]
    return [[error(model, data.X_test, data.y_test) for model in models],
            [error(model, X, y) for model in models]]

errors = torch.tensor([contest(seed) for seed in range(6)])  # (seeds, 2, 4)


# %% figure="trained" alt="Test errors on six splits of the diabetes patients. Always answering the mean costs about one. Line and chosen network lie close together near one half, now one ahead and now the other; the largest network, trained longest, is worse than the line on every split."
ratios = errors / errors[:, :, 1:2]  # (seeds, 2, 4)
mean, line, chosen, largest = ratios.unbind(dim=2)
TEST, TRAIN = 0, 1
claim("the gap between the chosen network and the line, in test errors",
      (chosen[:, TEST] - 1).abs(), at_most=0.1,
      baseline={"the mean": (mean[:, TEST] - 1).abs()}, unit="%")
claim("the test error of the largest network over the line's",
      largest[:, TEST].min(), at_least=1.05,
      baseline={"the chosen network": chosen[:, TEST].min()})
claim("the training error of the largest network over the line's",
      largest[:, TRAIN], at_most=0.8,
      baseline={"the chosen network": chosen[:, TRAIN]})
R = torch.corrcoef(load_diabetes().X_train.T)  # (features, features)
claim("the correlation of the fifth and the sixth measurement", R[4, 5],
      at_least=0.8, baseline={"first and fifth": R[0, 4]})
figure, ax = plt.subplots()
for i, (name, color) in enumerate({
        "mean": GREY, "line": BLUE, "chosen network": ORANGE,
        "largest network": PURPLE}.items()):
    ax.plot(torch.arange(6) + 0.85 + 0.1 * i, errors[:, TEST, i], "o",
            color=color, label=name)
ax.set(xlabel="split of the patients", ylabel="test error", ylim=(0, 1.5))
legend = ax.legend(ncols=2, fontsize="small", loc="upper left")

# %% [markdown]
# These networks found no more than the line. The largest one, trained longest,
# **overfits**: on the patients it trained on its error is far below the
# line's, on new ones above it, on all six splits. (The splits deal the same
# patients anew: they are not six independent trials.) Where data are few,
# noisy and nearly linear, start with the line. Its weights can be read, but
# with care: the fifth and sixth measurements, two blood values, rise and fall
# together, and a line that shifts weight from one to the other, even to
# another sign, answers nearly the same.
#
# ## At full size
#
# Nothing new is needed to grow: more units and layers, small batches (`train`
# takes a `batch_size`), single precision, a GPU as the device.
#
# ## Recap
#
# You can now
#
# - **fit** a line twice, and check a gradient by wiggling;
# - **prove** that one unit draws one straight border and cannot do XOR;
# - **write** $H_1 = \sigma(XW_1 + b_1)$, count its parameters, and say why
#   without $\sigma$ all layers collapse;
# - **build** a curve from hinges, and train one that only knows data;
# - **judge** by validation and test, with the line as rival.
#
# **When to use a network?** When the truth is bent in ways you cannot name,
# and data are plenty. **When not?** When a linear model does as well: fit it
# first, always.
#
# **Further reading.** The lectures of
# [Wahlström 2017](cite:wahlstrom2017) and
# [Carbonnelle 2016](cite:carbonnelle2016) inspired this lesson; chapter 6 of
# [Goodfellow, Bengio & Courville 2016](cite:goodfellow2016) goes deeper.
#
# Given enough units, one hidden layer approximates any continuous function on
# a bounded region. So why go deep? That is the
# [next lesson](lesson:01b_why_deep).
