# %% [markdown]
# # Why a network, and why a deep one
#
# Multiplication looks like something a network cannot do: it only adds,
# weighs and bends. Yet four hidden units multiply two numbers as exactly as
# you like. From these four units you will read off why a network can need far
# fewer parameters than a list of features, and why depth can save
# exponentially many units. Then you train, and see what of this promise
# learning keeps.
#
# After this lesson you can
#
# - **build** a network that multiplies, and **derive** its error;
# - **tell** which activations can multiply, and repair two that cannot;
# - **count** parameters: a list of terms against a network;
# - **state** what the theorem about depth says, and what it does not say;
# - **test** "deep learns better than wide" fairly, at equal parameters.
#
# About a minute on a laptop, no download. You come from
# [the first lesson](lesson:01_regression_to_networks); Taylor's formula is all
# the mathematics that is new. Symbols are in the [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## Four units that multiply
#
# Here is a network with two inputs $a, b$, four hidden units and one output.
# Nobody trained it: the weights are written down.
#
# $$W_1 = \lambda \begin{pmatrix} 1 & -1 & 1 & -1 \\ 1 & -1 & -1 & 1
# \end{pmatrix}, \qquad W_2 = \mu \begin{pmatrix} 1 \\ 1 \\ -1 \\ -1
# \end{pmatrix}, \qquad \mu = \frac{1}{4 \lambda^2 \sigma''(0)}.$$
#
# So the hidden units see $\pm\lambda(a+b)$ and $\pm\lambda(a-b)$. The
# activation is softplus, $\sigma(z) = \ln(1 + e^z)$, a rounded ReLU, with
# $\sigma''(0) = 1/4$. Let it answer three times, with $\lambda = 0.1$. Then
# hold $b = 0.8$, move $a$, and draw what each of the four units sends to the
# output, with the rather large $\lambda = 1$.

# %%
import matplotlib.pyplot as plt
import torch
from torch.nn.functional import softplus

from deepcourse.plot import BLUE, GREEN, GREY, ORANGE, PURPLE

SIGNS = torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])  # (features, hidden)
ENDS = torch.tensor([[1.0], [1], [-1], [-1]])  # (hidden, outputs)


def gate(X, lam, sigma=softplus, curvature=1 / 4, bias=0.0):
    W1 = lam * SIGNS.to(X.dtype)  # (features, hidden)
    W2 = ENDS.to(X.dtype) / (4 * lam**2 * curvature)  # (hidden, outputs)
    H1 = sigma(X @ W1 + bias)  # (batch, hidden)
    return H1 @ W2  # (batch, outputs)


for a, b in [(0.7, -0.4), (0.9, 0.9), (-0.5, -0.6)]:
    answer = gate(torch.tensor([[a, b]]).double(), lam=0.1).item()
    print(f"{a} times {b} is {a * b:.2f}; the gate says {answer:.2f}")

# %% figure="exact" alt="Four curves over a, two bending upwards and two bending downwards, and their sum, which lies close to the dashed straight line a times 0.8."
a = torch.linspace(-1, 1, 101).double()  # (points,)
X = torch.stack([a, 0 * a + 0.8], dim=1)  # (points, features)
parts = softplus(X @ SIGNS.double()) * ENDS.T  # (points, hidden)
fig, ax = plt.subplots()
ax.plot(a, parts, color=BLUE, lw=1.2, label=["four units", None, None, None])
ax.plot(a, parts.sum(1), color=ORANGE, label="their sum")
ax.plot(a, 0.8 * a, color=GREY, ls="--", lw=1.2, label="a times 0.8")
ax.set(xlabel="a", ylabel="sent to the output", xticks=[-1, -0.5, 0, 0.5, 1])
legend = ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))

# %% [markdown]
# ## Why it works
#
# It multiplies: four bent curves add up to an almost straight line whose slope
# is $b$. The bends do the work. Adding a unit to its mirror image removes
# everything odd from the Taylor series of $\sigma$:
#
# $$\sigma(z) + \sigma(-z) = 2\left[\sigma(0) + \tfrac{1}{2!}\sigma''(0) z^2 +
# \tfrac{1}{4!}\sigma''''(0) z^4 + \dots\right].$$
#
# The network takes this at $z = \lambda(a+b)$ and subtracts it at
# $z = \lambda(a-b)$. The constants cancel. For the rest you need
# $(a+b)^2 - (a-b)^2 = 4ab$ and $(a+b)^4 - (a-b)^4 = 8ab(a^2+b^2)$:
#
# $$4\lambda^2\sigma''(0)\,ab + \tfrac{2}{3}\lambda^4\sigma''''(0)\,
# ab\,(a^2+b^2) + \dots$$
#
# Times $\mu = 1/(4\lambda^2\sigma''(0))$ this is
#
# $$\hat y = ab\left[1 + \frac{\sigma''''(0)}{6\,\sigma''(0)}\lambda^2
# (a^2+b^2) + O(\lambda^4)\right].$$
#
# The gate is due to [Lin, Tegmark & Rolnick 2017](cite:lin2017); a slide of
# [Wahlström 2017](cite:wahlstrom2017) shows it, and its $\mu$ is right.
#
# **Predict.** For softplus $\sigma''''(0) = -1/8$. How large is the largest
# error for $a$ and $b$ between $-1$ and $1$, and what does a ten times smaller
# $\lambda$ do to it? Can you go on like this for ever?
#
# <details><summary><b>Answer</b></summary>
#
# The bracket is $1 - \lambda^2(a^2+b^2)/12$. At a corner, $|a| = |b| = 1$, the
# error is about $\lambda^2/6$. With a ten times smaller $\lambda$ it is a
# hundred times smaller: slope 2 on logarithmic axes. But $\hat y$ is a small
# difference of four numbers near $\ln 2$, multiplied by $\mu$. Each carries a
# rounding error of about $\varepsilon$, the spacing of the machine's numbers
# near 1. So rounding adds about $\varepsilon/\lambda^2$, and wins in the end.
#
# </details>

# %% figure="trained" alt="Largest error of the gate against lambda on logarithmic axes: both precisions follow the line lambda squared over 6 as lambda falls, then turn upwards, single precision at an error near 0.0003 and double precision near 0.00000001."
side = torch.linspace(-1, 1, 41).double()  # (rows,)
SQUARE = torch.cartesian_prod(side, side)  # (points, features)
lams = [10 ** (-k / 4) for k in range(21)]


def largest_error(lam, dtype):
    y_hat = gate(SQUARE.to(dtype), lam).double()  # (points, outputs)
    return (y_hat - SQUARE.prod(dim=1, keepdim=True)).abs().max().item()


doubles = [largest_error(lam, torch.float64) for lam in lams]
singles = [largest_error(lam, torch.float32) for lam in lams]

fig, ax = plt.subplots()
ax.loglog(lams, doubles, "o-", ms=4, color=BLUE, label="double precision")
ax.loglog(lams, singles, "s-", ms=4, color=ORANGE, label="single precision")
theory = [lam**2 * (1 + 1) / 12 for lam in lams]
ax.loglog(lams, theory, color=GREY, ls="--", lw=1.2, label=r"$\lambda^2/6$")
ax.set(xlabel=r"$\lambda$", ylabel="largest error", ylim=(1e-12, 1e3))
legend = ax.legend()

# %%
from deepcourse.claims import claim

gaps = [abs(doubles[k] / theory[k] - 1) for k in (0, 4)]  # λ = 1 and λ = 0.1
claim(
    "the distance of the error from λ²/6, at λ = 0.1", gaps[1],
    at_most=0.01, baseline={"at λ = 1": gaps[0]}, unit="%",
)
rough = {"singles": min(singles)}
claim("best error, doubles", min(doubles), at_most=1e-7, baseline=rough)

# %% [markdown]
# "As exactly as you like" is a statement about real numbers. In single
# precision, with which networks are trained, the gate is right to three digits
# and no more. The best $\lambda$ balances $\lambda^2$ against
# $\varepsilon/\lambda^2$: it is of the order $\varepsilon^{1/4}$.
#
# ## Which activations can multiply?
#
# The recipe divides by $\sigma''(0)$, the curvature at zero. Which activations
# have any? PyTorch differentiates twice for you. And what if there is none?
# Then give each hidden unit a **bias** 1, which moves it to another place on
# its curve: the derivation holds there too, with $\sigma''(1)$.

# %%
from torch.func import grad
from torch.nn.functional import gelu

ACTIVATIONS = {
    "softplus": softplus, "gelu": gelu, "square": torch.square,
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
}


def curvature(sigma, at=0.0):
    return grad(grad(sigma))(torch.tensor(at).double()).item() + 0.0


for name, sigma in ACTIVATIONS.items():
    zero, one = curvature(sigma), curvature(sigma, at=1.0)
    print(f"{name:9} σ''(0) = {zero:6.3f}   σ''(1) = {one:6.3f}")

# %%
for name in ["sigmoid", "tanh"]:
    sigma = ACTIVATIONS[name]
    y_hat = gate(SQUARE, 0.01, sigma, curvature(sigma, at=1.0), bias=1.0)
    error = (y_hat - SQUARE.prod(dim=1, keepdim=True)).abs().max()
    subject = f"the error of {name} with bias 1"
    claim(subject, error, at_most=1e-3, baseline={"answering 0": 1.0})
W1 = torch.tensor([[1, 1], [1, -1]])  # (features, hidden)
Z1 = torch.tensor([[3, -7]]) @ W1  # (batch, hidden)
u, v = (Z1**2).flatten().tolist()
print(f"3 times -7 with two squares: ({u} - {v}) / 4 = {(u - v) / 4:.0f}")


# %% [markdown]
# Sigmoid and tanh are straight at zero: all their curvature lies to the left
# and right of it, so the bias repairs them.
#
# ReLU has no curvature to the left, none to the right, and a kink instead of a
# second derivative at zero (the 0.000 is a convention). Its gate gives
# $|a+b| - |a-b|$ up to a factor, whatever $\lambda$ is: that is
# $2\,\mathrm{sign}(ab)\min(|a|,|b|)$, a relative of the product, not the
# product.
#
# The square is the other extreme. It has no higher terms, and it is its own
# mirror image, so **two** units suffice, exactly:
# $ab = \tfrac14\left[(a+b)^2 - (a-b)^2\right]$.
#
# Now play. Make $\lambda$ small and watch the lines straighten; make it tiny
# and watch rounding tear them apart. Find for each activation a bias at which
# the gate works, or convince yourself that there is none.

# %% figure="exact" alt="The gate's answer against a for three values of b, with softplus and lambda 1: three nearly straight lines that bend away from the dashed exact products near the ends."
def plot_gate(log10_lambda=0.0, activation="softplus", bias=0.0):
    """Draw the gate's answer against a for three b, beside the product."""
    sigma = ACTIVATIONS[activation]
    bend = curvature(sigma, at=bias)
    a = torch.linspace(-1, 1, 101).double()  # (points,)
    _, ax = plt.subplots()
    for b, color in [(-0.9, PURPLE), (0.3, BLUE), (0.9, GREEN)]:
        ax.plot(a, a * b, color=GREY, ls="--", lw=1.2)
        if abs(bend) > 1e-9:
            X = torch.stack([a, 0 * a + b], dim=1)  # (points, features)
            y_hat = gate(X, 10**log10_lambda, sigma, bend, bias)
            ax.plot(a, y_hat, color=color)
        ax.text(1.03, b, f"b = {b}", color=color, va="center")
    title = f"curvature {bend:.3f}" + ("" if abs(bend) > 1e-9 else ": no gate")
    ax.set(xlabel="a", ylabel="answer", ylim=(-1.1, 1.1), title=title)
    return ax


ax = plot_gate()

# %% explore=true
from deepcourse.widgets import explore

explore(
    plot_gate, log10_lambda=(-8.0, 0.5, 0.25),
    activation=list(ACTIVATIONS), bias=(-2.0, 2.0, 0.25),
)

# %% [markdown]
# ## The gate as a module
#
# In PyTorch a network is an `nn.Module` that owns its layers. `nn.Linear`
# keeps its weight as (outputs, inputs), the transpose of our $W$.

# %%
from torch import nn


class Gate(nn.Module):
    """Multiply two numbers with four softplus units."""

    def __init__(self, lam):
        super().__init__()
        self.hidden = nn.Linear(2, 4, bias=False, dtype=torch.float64)
        self.output = nn.Linear(4, 1, bias=False, dtype=torch.float64)
        with torch.no_grad():
            self.hidden.weight.copy_(lam * SIGNS.T.double())
            self.output.weight.copy_(ENDS.T.double() / lam**2)

    def forward(self, X):
        return self.output(softplus(self.hidden(X)))  # (batch, outputs)


module = Gate(lam=0.01)
same = torch.allclose(module(SQUARE), gate(SQUARE, 0.01), rtol=0, atol=1e-9)
assert same
print("module and formula agree:", same)
print("weights:", sum(weight.numel() for weight in module.parameters()))

# %% [markdown]
# ## A thousand inputs
#
# Now many inputs. [Wahlström 2017](cite:wahlstrom2017) asks for a quadratic
# model of $D = 1000$ inputs. Regression on features needs one parameter for
# each term $x_i x_j$. If only ten of these products matter, regression still
# has to list all terms, because it does not know which ten. A network needs
# ten gates.
#
# And a model of *all* terms? Any quadratic form is a weighted sum of $D$
# squares, along the eigenvectors of its matrix:
# $x^T A x = \sum_i \alpha_i (v_i^T x)^2$. One layer of square units has it
# all. The code counts, then checks this on 100 inputs.

# %%
D, units = 1000, 4 * 10
terms = D * (D + 1) // 2
print(f"terms to list: {terms:,}")
print(f"ten gates: {(D + 1) * units:,} weights", end=", ")
print(f"{(D + 1) * units + units + 1:,} with biases")
print(f"a gate for each term: {(D + 1) * 4 * terms:,} weights")
print(f"a square unit for each input: {(D + 1) * D:,} weights")

# %%
A = torch.randn(100, 100).double()
A = (A + A.T) / 2  # (features, features)
alpha, V = torch.linalg.eigh(A)  # (features,), (features, features)
X = torch.randn(5, 100).double()  # (batch, features)
listed = ((X @ A) * X).sum(dim=1)  # (batch,)
squares = (X @ V).square() @ alpha  # (batch,)
assert torch.allclose(listed, squares)
print("all terms, or one square for each input: equal")


# %% [markdown]
# [The lecture](cite:wahlstrom2017) rounds 500,500 to 500,000. It counts 40,040
# without biases; a network with biases has 40,081. For all terms the lecture
# puts a gate behind each and arrives at two billion weights. That many work,
# but a million do. So a network saves parameters only where the data leave it
# something to save: here, few products instead of all.

# %% [markdown]
# ## Does it learn them?
#
# Counting shows that a good network *exists*. Training has to *find* it. Take
# 100 inputs first, ten secret pairs among them, and 3,000 examples. The
# network has 40 square units and trains with `train`, the loop that
# [the first lesson](lesson:01_regression_to_networks) built. Its learning
# rates here were chosen on seed 0, which is not among the seeds reported.
#
# The rival is regression on all quadratic terms. There are more terms than
# examples, so countless parameter vectors fit perfectly; we take the smallest,
# as gradient descent from zero would.

# %%
from deepcourse.training import train


def make_products(batch, features, seed):
    """Draw Gaussian inputs; the target sums ten products of pairs."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(batch, features, generator=generator)
    order = torch.randperm(features, generator=generator)
    pairs = order[:20].view(10, 2).sort(dim=1).values  # (10, 2)
    y = X[:, pairs].prod(2).sum(1, keepdim=True) / 10**0.5
    return X, y, pairs  # (batch, features), (batch, outputs), (10, 2)


def r2(y_hat, y):
    return 1 - ((y - y_hat).square().mean() / y.var()).item()


class OneLayer(nn.Module):
    """A network with one hidden layer and any activation."""

    def __init__(self, features, hidden, sigma):
        super().__init__()
        self.first = nn.Linear(features, hidden)
        self.last = nn.Linear(hidden, 1)
        self.sigma = sigma

    def forward(self, X):
        return self.last(self.sigma(self.first(X)))  # (batch, outputs)


def learn(sigma, X, y, lr, num_steps, batch_size, seed):
    torch.manual_seed(seed)
    model = OneLayer(X.shape[1], 40, sigma)
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    order = torch.Generator().manual_seed(seed)
    mse = nn.functional.mse_loss
    losses = train(model, X, y, mse, adam, num_steps, batch_size, order)
    return model.requires_grad_(False), losses


# %%
i, j = torch.triu_indices(100, 100)  # (terms,), (terms,)
network, regression = [], []
for seed in [1, 2, 3]:
    X, y, _ = make_products(5000, 100, seed)
    Phi = X[:, i] * X[:, j]  # (batch, terms)
    fit, new = Phi[:3000], Phi[3000:]
    theta = fit.T @ torch.linalg.solve(fit @ fit.T, y[:3000])
    regression.append(r2(new @ theta, y[3000:]))
    data = X[:3000], y[:3000]  # (batch, features), (batch, outputs)
    model, _ = learn(torch.square, *data, 1e-2, 1000, 256, seed)
    network.append(r2(model(X[3000:]), y[3000:]))

claim(
    "R² on new examples, 40 square units", network, at_least=0.85,
    baseline={"all quadratic terms": regression},
)
print(f"terms: {len(i):,}; share 3000/5050: {3000 / 5050:.3f}")
print("parameters of the network:", sum(p.numel() for p in model.parameters()))


# %% [markdown]
# Regression explains the share 3,000/5,050 of the variance: it learns as many
# directions of its parameter space as it has examples. (From 5,050 noise-free
# examples on it would be perfect.) The network has 4,081 parameters, more than
# examples too, and still finds the products. That training of such products of
# weights tends towards *few* directions is a subject of research
# ([Gunasekar and colleagues 2017](cite:gunasekar2017)).
#
# Now 1,000 inputs and 64,000 examples, an eighth of what the list would need.
# Three activations: the square; softplus, whose four-unit gate you built; and
# softplus without its linear part, $\sigma(z) - z/2$.
#
# **Predict.** All three can multiply. Will all three learn?

# %%
def even(z):
    return softplus(z) - z / 2


RIVALS = {"square": torch.square, "softplus": softplus, "softplus - z/2": even}
scores, curves = {name: [] for name in RIVALS}, {name: [] for name in RIVALS}
for seed in [1, 2, 3]:
    X, y, _ = make_products(66_000, 1000, seed)
    for name, sigma in RIVALS.items():
        data = X[:64_000], y[:64_000]  # (batch, features), (batch, outputs)
        model, losses = learn(sigma, *data, 3e-3, 500, 512, seed)
        scores[name].append(r2(model(X[64_000:]), y[64_000:]))
        curves[name].append(torch.tensor(losses).view(-1, 20).mean(dim=1))

stuck = {"softplus": scores["softplus"]}
claim("R² of the square units", scores["square"], at_least=0.6, baseline=stuck)
evened = scores["softplus - z/2"]
claim("R² of softplus - z/2", evened, at_least=0.5, baseline=stuck)

# %% figure="trained" alt="Training loss over 500 steps for three activations and three seeds: the square and softplus minus z/2 fall from 1 to below 0.2, softplus stays near 1 throughout."
fig, ax = plt.subplots()
colors = dict(zip(RIVALS, [BLUE, ORANGE, GREEN], strict=True))
steps = range(10, 500, 20)  # each point is a mean over twenty steps
for name, lines in curves.items():
    for seed, line in enumerate(lines):
        label = name if seed == 0 else None
        ax.plot(steps, line, color=colors[name], lw=1.5, label=label)
ax.set(xlabel="step", ylabel="training loss", ylim=(0, 1.2))
legend = ax.legend(loc="lower left")

# %% [markdown]
# <details><summary><b>Answer: why softplus stands still</b></summary>
#
# Near zero softplus is $\ln 2 + z/2 + z^2/8 - \dots$ Our target has nothing
# linear in it, so the term $z/2$ carries no information about the pairs; yet
# it dominates each unit's gradient, as noise from the batch. The useful term
# $z^2/8$ drowns in it. Take $z/2$ away, change nothing else, and it learns.
# The gate shows that softplus *can* multiply; it is training that stalls.
# Would larger batches of fresh examples, which average the noise away, get it
# moving? Try it.
#
# (The stairs in the curves come with each new pass through the examples: those
# met before fit better than new ones.)
#
# </details>
#
# > **Note.** A method made for the case needs far fewer examples. For these
# > inputs the mean of $y\,x_i x_j$ is zero unless the pair is one of the ten,
# > so rank all pairs by it. Below, 4,000 examples do. But the method knows
# > that the inputs are independent and that single inputs are multiplied; the
# > network knew neither. The less you know, the more a network is worth.

# %%
found = []
for seed in [1, 2, 3]:
    X, y, pairs = make_products(4000, 1000, seed)
    moments = (X.T @ (y * X)).abs().triu(diagonal=1)  # (features, features)
    top = moments.flatten().topk(10).indices
    picked = {divmod(k, 1000) for k in top.tolist()}
    found.append(len(picked & {tuple(pair) for pair in pairs.tolist()}))

claim("pairs found of ten", found, at_least=10, baseline={"chance": 0})

# %% [markdown]
# ## Multiplying n numbers
#
# Why *deep*? Multiply $n$ numbers. With gates you build a tree: multiply
# pairs, then pairs of results. That takes $n - 1$ gates, so $4(n-1)$ units in
# $\log_2 n$ hidden layers ([Carbonnelle 2016](cite:carbonnelle2016) rounds
# it to $4n$).
#
# In *one* hidden layer, take a unit for each choice of signs
# $s \in \{-1, 1\}^n$:
#
# $$\hat y = \frac{1}{2^n \lambda^n \sigma^{(n)}(0)} \sum_s
# (s_1 \cdots s_n)\, \sigma(\lambda\, s^T x).$$
#
# The alternating sum kills each monomial that lacks a factor. For $\sigma =
# \exp$ it can be done by hand: $\hat y = \prod_i \sinh(\lambda x_i)/\lambda$.
# (Softplus would not do for each $n$: its derivatives of order 3, 5, 7, … are
# zero at 0.) The code checks both against the product, at the corners of the
# cube $[-1, 1]^n$, where Taylor's error is largest, and at 500 random points.

# %%
from itertools import pairwise, product


def signs(n):
    return torch.tensor(list(product([-1.0, 1.0], repeat=n))).double()


def tree(X, lam):
    while X.shape[1] > 1:
        X = Gate(lam)(X.reshape(-1, 2)).detach().reshape(len(X), -1)
    return X  # (batch, outputs)


def flat(X, lam):
    S = signs(X.shape[1])  # (hidden, features)
    W2 = (S / (2 * lam)).prod(dim=1, keepdim=True)  # (hidden, outputs)
    return torch.exp(lam * X @ S.T) @ W2  # (batch, outputs)


def worst(network, n, lam):
    generator = torch.Generator().manual_seed(0)
    inside = 2 * torch.rand(500, n, generator=generator).double() - 1
    X = torch.cat([signs(n), inside])  # (points, features)
    y_hat = network(X, lam)  # (points, outputs)
    return (y_hat - X.prod(dim=1, keepdim=True)).abs().max().item()


# %%
for n in [2, 4, 8, 16]:
    print(f"n = {n}: tree {4 * (n - 1)} units, one layer {2**n:,}")

trivial = {"answering 0": 1.0}
eight, four = worst(tree, 8, 1e-3), worst(flat, 4, 1e-2)
claim("error, tree of 28 units, n = 8", eight, at_most=1e-4, baseline=trivial)
claim("error, 16 flat units, n = 4", four, at_most=1e-3, baseline=trivial)

# %% [markdown]
# **Predict.** Both are right in the limit $\lambda \to 0$. Which of the two
# comes closer in double precision for $n = 8$? Look at the factor in front.

# %% figure="trained" alt="Largest error for eight numbers against lambda on logarithmic axes: the flat network falls to about 0.001 and then shoots up, the tree goes on down to about 0.0000001."
lams = [10 ** (-k / 4) for k in range(21)]
trees = [worst(tree, 8, lam) for lam in lams]
flats = [worst(flat, 8, lam) for lam in lams]
fig, ax = plt.subplots()
ax.loglog(lams, flats, "s-", ms=4, color=ORANGE, label="one layer, 256 units")
ax.loglog(lams, trees, "o-", ms=4, color=BLUE, label="tree, 28 units")
ax.set(xlabel=r"$\lambda$", ylabel="largest error", ylim=(1e-9, 1e4))
legend = ax.legend()
shallow = {"the best flat network": min(flats)}
claim("the best error of the tree", min(trees), at_most=1e-5, baseline=shallow)

# %% [markdown]
# The flat network needs output weights of size $(2\lambda)^{-n}$, and rounding
# is multiplied by them. Depth saves units here, and digits too.

# %% [markdown]
# ### What the theorem says
#
# [Lin, Tegmark & Rolnick 2017](cite:lin2017) prove that $2^n$ is also the
# *least* number. Precisely: take one hidden layer without biases and an
# activation whose Taylor coefficients of degree $0$ to $n$ are not zero. With
# fewer than $2^n$ units the Taylor series of the network cannot agree with
# $x_1 \cdots x_n$ up to degree $n$.
# [Rolnick & Tegmark 2018](cite:rolnick2018) extend the count, for suitable
# activations, to networks that come within every $\varepsilon$ on a box.
#
# <details><summary><b>Why not fewer? The proof in ten lines</b></summary>
#
# Let unit $j$ have input weights $w_{ij}$ and output weight $u_j$. For a set
# $S$ of inputs let $r_S$ be the row with entries $\prod_{i \in S} w_{ij}$, one
# for each unit. There are $2^n$ such rows. With fewer units than rows, the
# rows are linearly dependent: $\sum_S c_S r_S = 0$, not all $c_S$ zero. Among
# the sets with $c_S \ne 0$ pick a largest one, $T$. Multiply the relation by
# $u_j \prod_{i \notin T} w_{ij}$ and sum over the units. Each summand is now,
# up to a factor that is not zero (a Taylor coefficient times a count), the
# network's coefficient of the monomial
# $\prod_{i \in S} x_i \prod_{i \notin T} x_i$. Its degree is at most
# $n$, because $|S| \le |T|$. For $S \ne T$ it is not $x_1 \cdots x_n$, so its
# coefficient must be zero. What remains is $c_T$ times the coefficient of
# $x_1 \cdots x_n$, which must then be zero too. But it is not.
#
# </details>
#
# What it does **not** say: nothing about a *fixed* accuracy, nothing about
# ReLU, and nothing about learning. The square, with most coefficients zero,
# already got by with two units for $n = 2$.
#
# [Wahlström 2017](cite:wahlstrom2017) draws the conclusion for 1,000 inputs
# and degree 1,000. Keep 250 products in each layer; each layer of gates
# doubles the degree. How long would the list of monomials be?

# %%
from math import comb, factorial

rough, exact = 1000**1000 // factorial(1000), comb(1999, 1000)
layers = (1000 - 1).bit_length()
print(f"layers of {4 * 250:,} units: {layers}, degree {2**layers:,}")
print(f"weights: at most {layers * 1000 * 1000 + 1000:,}")
print(f"the lecture's 1000^1000/1000!: about 10^{len(str(rough)) - 1}")
print(f"monomials of degree 1,000: about 10^{len(str(exact)) - 1}")

# %% [markdown]
# The lecture's $1000^{1000}/1000!$ undercounts: dividing by $1000!$ is right
# only for monomials without repeated factors. Counted exactly there are
# $\binom{1999}{1000}$. Ten million weights cannot make *every* such
# polynomial, of course. They can make some: those that are built by composing
# again and again.

# %% [markdown]
# ## Does deep learn better than wide?
#
# "The model learns better using a deep network (several layers) instead of a
# wide and shallow network", says a slide of
# [Wahlström 2017](cite:wahlstrom2017). Test it: the same number of parameters,
# the same examples, the same number of steps, ReLU. Three targets, each of
# eight inputs:
#
# - the **product** of eight numbers between 0.5 and 2;
# - the **sum** of eight sines, $\sum_i \sin 3x_i$, inputs between $-1$ and 1;
# - the **signed product** of eight numbers between $-2$ and 2.

# %%
TARGETS = {
    "product": (0.5, 2.0, lambda X: X.prod(dim=1, keepdim=True)),
    "sum of sines": (-1.0, 1.0, lambda X: (3 * X).sin().sum(1, keepdim=True)),
    "signed product": (-2.0, 2.0, lambda X: X.prod(dim=1, keepdim=True)),
}
SHAPES = {"wide": [8, 144, 1], "deep": [8, 24, 24, 24, 1]}


def mlp(sizes):
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


for name, sizes in SHAPES.items():
    print(name, sizes, sum(p.numel() for p in mlp(sizes).parameters()))


# %%
def errors(target, shape, lr, seed, num_steps=500):
    """Train one network; return its validation and its test error."""
    low, high, f = TARGETS[target]
    generator = torch.Generator().manual_seed(seed)
    X = low + (high - low) * torch.rand(8000, 8, generator=generator)
    y = f(X)  # (batch, outputs)
    y = (y - y[:4000].mean()) / y[:4000].std()
    torch.manual_seed(seed)
    model = mlp(SHAPES[shape])
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    mse = nn.functional.mse_loss
    train(model, X[:4000], y[:4000], mse, adam, num_steps, 256, generator)
    with torch.no_grad():
        misses = (model(X) - y).square()  # (batch, outputs)
    misses = misses / y[6000:].var()
    return misses[4000:6000].mean().item(), misses[6000:].mean().item()


# %% [markdown]
# Both have 1,441 parameters. The learning rate is chosen for each shape and
# target from three, on validation examples of seed 0. Then five other seeds
# give new data, new starts, and test errors. An error of 1 is that of always
# answering the mean.
#
# **Predict** for each target: deep, wide, or no difference?

# %%
results = {}
for target, shape in product(TARGETS, SHAPES):
    valid = {lr: errors(target, shape, lr, 0)[0] for lr in [3e-3, 1e-2, 3e-2]}
    best = min(valid, key=valid.get)
    five = [errors(target, shape, best, seed)[1] for seed in range(1, 6)]
    results[target, shape] = torch.tensor(five)  # (seeds,)

longer = [errors("product", "wide", 1e-2, seed, 2000)[1] for seed in [1, 2, 3]]

# %% figure="trained" alt="Test errors of five seeds for three targets: on the product the deep network is several times better, on the sum of sines the wide one is, on the signed product both stay near 1."
fig, ax = plt.subplots()
looks = [("wide", ORANGE, "s", -0.12), ("deep", BLUE, "o", 0.12)]
for shape, color, mark, shift in looks:
    for place, target in enumerate(TARGETS):
        x = place + shift + 0.02 * torch.arange(-2, 3)  # (seeds,)
        five = results[target, shape]  # (seeds,)
        label = shape if place == 0 else None
        ax.plot(x, five, mark, ms=5, color=color, label=label)
ax.axhline(1, color=GREY, ls="--", lw=1.2)
ax.set(yscale="log", ylabel="test error", xlim=(-0.5, 2.5))
ax.set_xticks(range(3), TARGETS)
legend = ax.legend(loc="lower right")

wins = results["product", "wide"] / results["product", "deep"]
sines = results["sum of sines", "wide"] / results["sum of sines", "deep"]
pair = {"sum of sines": sines}
claim("product, wide error / deep error", wins, at_least=1.5, baseline=pair)
pair = {"product": 1 / wins}
claim("sum, deep error / wide error", 1 / sines, at_least=1.5, baseline=pair)
pair = {"product": results["product", "deep"]}
signed = torch.cat([results["signed product", shape] for shape in SHAPES])
claim("signed product, both errors", signed, at_least=0.8, baseline=pair)
pair = {"500 steps": results["product", "wide"]}
claim("product, wide, 2,000 steps: error", longer, at_most=0.1, baseline=pair)

# %% [markdown]
# Three targets, three verdicts.
#
# - **Product**: deep wins, for each seed. The target is a composition, and
#   the layers can share the work. But the wide network is not unable: after
#   2,000 steps it is about where the deep one was after 500. It is slower.
# - **Sum of sines**: wide wins. Nothing is nested here; one layer is the right
#   shape, and depth only makes the network narrow.
# - **Signed product**: nobody learns anything, although the tree of gates
#   exists. If you know only seven of the factors, the product is zero on
#   average: there is no partial credit, so the gradient has no hint to
#   follow. [Shalev-Shwartz, Shamir & Shammah 2017](cite:shalevshwartz2017)
#   analyse such failures.
#
# So the slide is right about *some* functions. Depth is a **prior**, a bet
# made before seeing data. [Carbonnelle 2016](cite:carbonnelle2016) names two.
# **Smoothness**: near inputs have near answers; nearly every method bets on
# that. **Compositionality**: the answer is built from parts, which are built
# from parts. That is the bet of depth.
# [Poggio and colleagues 2017](cite:poggio2017) make it precise.

# %% [markdown]
# ## At full size
#
# Images are the best-known case in which the bet pays: edges make corners,
# corners make parts, parts make objects. On 1.2 million photographs,
# [Krizhevsky, Sutskever & Hinton 2012](cite:krizhevsky2012) found that taking
# out any one of the middle layers of their network cost about two percentage
# points of top-1 accuracy, though each held at most a hundredth of the
# parameters.
#
# ## Recap
#
# You can now
#
# - **build** the gate and **derive** its error, $\lambda^2/6$ on the square,
#   until rounding wins;
# - **tell** that it takes curvature: softplus has it, sigmoid and tanh with a
#   bias, ReLU nowhere, the square is exact;
# - **count**: ten gates instead of half a million terms, and squares along
#   eigenvectors for all of them;
# - **state** that one layer needs $2^n$ units to match a product of $n$
#   numbers to degree $n$, where a tree needs $4(n-1)$, and that this is not
#   about learning;
# - **test** depth against width, and expect an answer that depends on the
#   target.
#
# Use a deep network when you believe in parts made of parts. When the target
# is a sum of separate effects, stay shallow; when you know the terms, list
# them.
#
# **Further reading.** The lecture behind this lesson is
# [Wahlström 2017](cite:wahlstrom2017); the theorem on $n$ numbers is in
# [Carbonnelle 2016](cite:carbonnelle2016) too. Read
# [Lin, Tegmark & Rolnick 2017](cite:lin2017) for the physics,
# [Rolnick & Tegmark 2018](cite:rolnick2018) for the sharper theorems, and
# [Telgarsky 2016](cite:telgarsky2016) for ReLU networks, where depth pays as
# well.
