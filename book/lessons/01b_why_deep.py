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
# [the first lesson](lesson:01_regression_to_networks) and need Taylor's
# formula, eigenvectors and binomials. Symbols are in the
# [notation](page:notation).

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

from deepcourse import repro
from deepcourse.plot import BLUE, GREEN, GREY, ORANGE, PURPLE

device = repro.device()
SIGNS = torch.tensor([[1.0, -1, 1, -1], [1, -1, -1, 1]])  # (features, hidden)
ENDS = torch.tensor([[1.0], [1], [-1], [-1]])  # (hidden, outputs)


def gate(X, lam, sigma=softplus, bend=1 / 4, bias=0.0):  # bend: σ''(bias)
    W1 = lam * SIGNS.to(X)  # (features, hidden)
    W2 = ENDS.to(X) / (4 * lam**2 * bend)  # (hidden, outputs)
    H1 = sigma(X @ W1 + bias)  # (batch, hidden)
    return H1 @ W2  # (batch, outputs)


for a, b in [(0.7, -0.4), (0.9, 0.9), (-0.5, -0.6)]:
    pair = torch.tensor([[a, b]]).double().to(device)  # (1, features)
    answer = gate(pair, lam=0.1).item()
    print(f"{a} times {b} is {a * b:.2f}; the gate says {answer:.2f}")

# %% figure="exact" alt="Four curves over a: two bending upwards and two bending downwards, each pair a solid curve and a dashed one for its mirror image; and their sum, which lies close to the grey straight line a times 0.8."
a = torch.linspace(-1, 1, 101).double()  # (points,)
X = torch.stack([a, 0 * a + 0.8], dim=1)  # (points, features)
parts = softplus(X @ SIGNS.double()) * ENDS.T  # (points, hidden)
fig, ax = plt.subplots(figsize=(5.6, 3))  # here λ = 1, and so μ = 1
ax.plot(a, parts[:, ::2], color=BLUE, lw=1.3, label=["a unit", None])
ax.plot(a, parts[:, 1::2], "--", color=BLUE, lw=1.3, label=["mirror", None])
ax.plot(a, parts.sum(1), color=ORANGE, label="sum of the four")
ax.plot(a, 0.8 * a, color=GREY, lw=1.2, label="a times 0.8")
ax.set(xlabel="a", ylabel="sent to the output", xticks=[-1, -0.5, 0, 0.5, 1])
legend = ax.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))

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
# [Wahlström 2017](cite:wahlstrom2017) shows it.
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
# near 1: some $10^{-16}$ in double, $10^{-7}$ in single precision. So rounding
# adds about $\varepsilon/\lambda^2$, and wins in the end.
#
# </details>

# %% figure="trained" alt="Largest error of the gate against lambda on logarithmic axes: both precisions follow the line lambda squared over 6 as lambda falls, then turn upwards, single precision at an error near 0.0003, double precision at a few 1e-8."
side = torch.linspace(-1, 1, 41).double()  # (rows,)
SQUARE = torch.cartesian_prod(side, side).to(device)  # (points, features)
lams = [10 ** (-k / 4) for k in range(21)]


def largest_error(lam, dtype):
    y_hat = gate(SQUARE.to(dtype), lam).double()  # (points, outputs)
    return (y_hat - SQUARE.prod(dim=1, keepdim=True)).abs().max().item()


doubles = [largest_error(lam, torch.float64) for lam in lams]
singles = [largest_error(lam, torch.float32) for lam in lams]

fig, ax = plt.subplots(figsize=(5.6, 3))
ax.loglog(lams, doubles, "o-", ms=4, color=BLUE, label="double precision")
ax.loglog(lams, singles, "s-", ms=4, color=ORANGE, label="single precision")
theory = [lam**2 * (1 + 1) / 12 for lam in lams]
ax.loglog(lams, theory, color=GREY, ls="--", lw=1.2, label=r"$\lambda^2/6$")
ax.set(xlabel=r"$\lambda$", ylabel="largest error", ylim=(1e-12, 1e3))
legend = ax.legend()

# %%
from deepcourse.claims import claim

gaps = [abs(doubles[k] / theory[k] - 1) for k in (0, 4)]  # λ = 1 and λ = 0.1
subject = "at λ = 0.1: the distance of the error from λ²/6"
coarse = {"at λ = 1": gaps[0]}
claim(subject, gaps[1], at_most=0.01, baseline=coarse, unit="%")
subject = "in double precision: the least error"
single = {"in single precision": min(singles)}
claim(subject, min(doubles), at_most=1e-7, baseline=single)
print(f"ε in double precision: {torch.finfo(torch.float64).eps:.0e}")

# %% [markdown]
# "As exactly as you like" is a statement about real numbers. In single
# precision, with which networks are trained, this softplus gate, whose
# constants $\sigma(0)$ must cancel, comes within a few $10^{-4}$ and no
# closer. The best $\lambda$ balances $\lambda^2$ against
# $\varepsilon/\lambda^2$: it is of the order $\varepsilon^{1/4}$.
#
# ## Which activations can multiply?
#
# The recipe divides by $\sigma''(0)$, the curvature at zero. Which activations
# have any? PyTorch differentiates twice for you. And what if there is none?
# Then give each hidden unit a **bias** 1, which moves it to another place on
# its curve. The derivation holds there too, with $\sigma''(1)$, because
# $\sigma(1+z) + \sigma(1-z) = 2\left[\sigma(1) + \tfrac12\sigma''(1)z^2 +
# \dots\right]$.

# %%
from torch.func import grad
from torch.nn.functional import gelu

ACTIVATIONS = {
    "softplus": softplus, "gelu": gelu, "square": torch.square,
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
}


def curvature(sigma, at=0.0):
    second = grad(grad(sigma))(torch.tensor(at).double().to(device))  # ()
    return second.item() + 0.0  # turns -0.0 into 0.0


for name, sigma in ACTIVATIONS.items():
    zero, one = curvature(sigma), curvature(sigma, at=1.0)
    print(f"{name:9} σ''(0) = {zero:6.3f}   σ''(1) = {one:6.3f}")

# %%
for name in ["sigmoid", "tanh"]:
    sigma = ACTIVATIONS[name]
    y_hat = gate(SQUARE, 0.01, sigma, curvature(sigma, at=1.0), bias=1.0)
    error = (y_hat - SQUARE.prod(dim=1, keepdim=True)).abs().max()
    subject = f"{name} with bias 1: the largest error"
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
# second derivative at zero (the 0.000 is a convention). With
# $\mathrm{relu}(z) + \mathrm{relu}(-z) = |z|$ its gate gives
# $|a+b| - |a-b|$ up to a factor, whatever $\lambda$ is: that is
# $2\,\mathrm{sign}(ab)\min(|a|,|b|)$, not the product.
#
# The square is the other extreme. It has no higher terms, and it is its own
# mirror image, so **two** units suffice, exactly:
# $ab = \tfrac14\left[(a+b)^2 - (a-b)^2\right]$.
#
# Make $\lambda$ small and watch the lines straighten; make it tiny
# and watch rounding tear them apart. For which activations is there a bias at
# which the gate works?

# %% figure="exact" alt="The gate's answer against a for three values of b, with softplus and lambda 1: three nearly straight lines that bend away from the dashed exact products near the ends."
def plot_gate(log10_lambda=0.0, activation="softplus", bias=0.0):
    """Draw the gate's answer against a for three b, beside the product."""
    sigma = ACTIVATIONS[activation]
    bend = curvature(sigma, at=bias)
    a = torch.linspace(-1, 1, 101).double()  # (points,)
    _, ax = plt.subplots(figsize=(5.6, 3))
    for b, color in [(-0.9, PURPLE), (0.3, BLUE), (0.9, GREEN)]:
        ax.plot(a, a * b, color=GREY, ls="--", lw=1.2)
        if abs(bend) > 1e-9:
            X = torch.stack([a, 0 * a + b], dim=1).to(device)  # (points, 2)
            y_hat = gate(X, 10**log10_lambda, sigma, bend, bias)
            ax.plot(a, y_hat.cpu(), color=color)
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
# In PyTorch a network is an `nn.Module`. `nn.Linear` keeps its weight as
# (outputs, inputs), the transpose of our $W$. You will stack it below.

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
            W2 = ENDS.T.double() / lam**2  # 4 λ² σ''(0) = λ² for softplus
            self.output.weight.copy_(W2)

    def forward(self, X):
        return self.output(softplus(self.hidden(X)))  # (batch, outputs)


module = Gate(lam=0.01).to(device)
same = torch.allclose(module(SQUARE), gate(SQUARE, 0.01), rtol=0, atol=1e-9)
assert same
print("module and formula agree:", same)
print("weights:", sum(weight.numel() for weight in module.parameters()))

# %% [markdown]
# ## A thousand inputs
#
# [Wahlström 2017](cite:wahlstrom2017) asks for a quadratic
# model of $D = 1000$ inputs. Regression on features needs one parameter for
# each term $x_i x_j$. If only ten of these products matter, regression still
# has to list all terms, because it does not know which ten.
#
# A network needs ten gates. Wired by hand these have 12 weights each, 120 in
# all. But nobody knows which inputs matter, so each of the gates' units must
# see all 1,000.
#
# And a model of *all* terms? [The lecture](cite:wahlstrom2017) puts a gate
# behind each and arrives at two billion weights. That many work, but a million
# do: any quadratic form is a weighted sum of $D$ squares, along the
# eigenvectors of its matrix, $x^T A x = \sum_i \alpha_i (v_i^T x)^2$. So a
# network saves parameters only where the target needs few products of many.

# %%
D, units = 1000, 4 * 10
terms = D * (D + 1) // 2
print(f"terms to list: {terms:,}")
print(f"ten gates wired by hand: {10 * 12} weights")
print(f"ten gates that see all inputs: {(D + 1) * units:,} weights", end=", ")
print(f"{(D + 1) * units + units + 1:,} with biases")
print(f"a gate for each term: {(D + 1) * 4 * terms:,} weights")
print(f"a square unit for each input: {(D + 1) * D:,} weights")

# %% [markdown]
# ## Does it learn them?
#
# Counting shows that a good network *exists*.
# [Training has to *find* it](demo:playground#product). Take 100 inputs first,
# ten secret pairs among them, and 3,000 examples. The network has 40 square
# units; `train` is the loop of [the first
# lesson](lesson:01_regression_to_networks). Learning rates were chosen on
# seeds not reported. The score is $R^2$, the share of the target's variance
# that is explained: 1 is perfect, 0 is what the mean gets.

# %%
from torch import nn

from deepcourse.training import train


def make_products(batch, features, seed):
    """Draw Gaussian inputs; the target sums ten products of pairs."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(batch, features, generator=generator)
    order = torch.randperm(features, generator=generator)
    pairs = order[:20].view(10, 2)  # (10, 2)
    y = X[:, pairs].prod(2).sum(1, keepdim=True) / 10**0.5
    return X.to(device), y.to(device)  # (batch, features), (batch, outputs)


def r2(y_hat, y):
    return 1 - ((y - y_hat).square().mean() / y.var()).item()


class OneLayer(nn.Module):
    """A network with 40 hidden units of any activation."""

    def __init__(self, features, sigma, seed):
        super().__init__()
        torch.manual_seed(1000 + seed)  # not the seed of the data
        self.first = nn.Linear(features, 40)
        self.last = nn.Linear(40, 1)
        self.sigma = sigma

    def forward(self, X):
        return self.last(self.sigma(self.first(X)))  # (batch, outputs)


def follow(model, fit, tests, lr, num_steps, seed, batch_size=256):
    """Train on `fit`; every 100 steps note R² on each of `tests`."""
    adam = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    order = torch.Generator().manual_seed(2000 + seed)
    mse, notes = nn.functional.mse_loss, []
    for _ in range(num_steps // 100):
        train(model, *fit, mse, adam, 100, batch_size, order)
        with torch.no_grad():
            notes.append([r2(model(X), y) for X, y in tests])
    return torch.tensor(notes)  # (points, _)


# %%
network = {500: [], 3000: []}
for seed in [1, 2, 3]:
    X, y = make_products(5000, 100, seed)
    for batch, scores in network.items():
        fit, new = (X[:batch], y[:batch]), (X[3000:], y[3000:])
        model = OneLayer(100, torch.square, seed).to(device)
        notes = follow(model, fit, [new], 1e-2, 600, seed)
        scores.append(notes[-1].item())
print("parameters:", sum(p.numel() for p in model.parameters()))

# %% [markdown]
# The first rival is least squares on all quadratic terms. There are more terms
# than examples, so countless parameter vectors fit perfectly. We take the one
# of smallest length, $\theta = \Phi^T(\Phi\Phi^T)^{-1}y$. Gradient descent
# from zero ends there too: it only ever adds multiples of the rows of $\Phi$.

# %%
i, j = torch.triu_indices(100, 100, device=device)  # (terms,), (terms,)
Phi = X[:, i] * X[:, j]  # (batch, terms)
fit, new = Phi[:3000], Phi[3000:]
theta = fit.T @ torch.linalg.solve(fit @ fit.T, y[:3000])  # (terms, outputs)
rival = {"least squares on all terms": r2(new @ theta, y[3000:])}
subject = "3,000 examples, 40 square units: R² on new ones"
claim(subject, network[3000], at_least=0.8, baseline=rival)
print(f"terms: {len(i):,}; share 3000/5050: {3000 / 5050:.3f}")

# %% [markdown]
# Least squares explains the share 3,000/5,050 of the variance: it sees the
# true $\theta$ in only 3,000 of 5,050 directions, and such a projection keeps
# about that share of the squared length. The network has 4,081 parameters,
# more than examples too, and still predicts.
#
# But that rival was not told that only ten terms matter. Tell it: ten times,
# add the column of $\Phi$ most similar to what is left of $y$, and fit the
# columns you have. This is **orthogonal matching pursuit**, a sparse
# regression. Give it only 500 examples.

# %%
def pursue(Phi, y, count):
    """Choose `count` columns of Phi one by one, and fit y with them."""
    chosen, left = [], y
    for _ in range(count):
        scores = (Phi.T @ left).abs().flatten() / Phi.norm(dim=0)  # (terms,)
        chosen.append(scores.argmax().item())
        theta = torch.linalg.lstsq(Phi[:, chosen], y).solution
        left = y - Phi[:, chosen] @ theta  # (batch, outputs)
    return chosen, theta


pursuit = []
for seed in [1, 2, 3]:
    X, y = make_products(2500, 100, seed)
    Phi = X[:, i] * X[:, j]  # (batch, terms)
    chosen, theta = pursue(Phi[:500], y[:500], 10)
    pursuit.append(r2(Phi[500:, chosen] @ theta, y[500:]))

rivals = {"the network": network[500]}
subject = "500 examples, matching pursuit: R² on new ones"
claim(subject, pursuit, at_least=0.999, baseline=rivals)
print(f"the list for 1,000 inputs: {500 * 500_500:,} numbers")

# %% [markdown]
# The pursuit is exact; the network learns nothing from 500. So the network did
# not save *examples*. It saved the *listing*: for 1,000 inputs this $\Phi$
# holds 250,250,000 numbers, a gigabyte. (For products of two even that has a
# way round: $\Phi^T r$ is part of $X^T(r \odot X)$.)
#
# ### Now 1,000 inputs
#
# The network needs no list, so give it 1,000 inputs and 64,000 examples. Three
# activations: the square; softplus, whose gate you built; and softplus without
# its linear part, $\sigma(z) - z/2$. The learning rate was chosen for the
# square.
#
# **Predict.** All three can multiply. Will all three learn?

# %%
RIVALS = {
    "square": torch.square,
    "softplus - z/2": lambda z: softplus(z) - z / 2,
    "softplus": softplus,
}
curves = {}
steps = {"square": 300, "softplus - z/2": 300, "softplus": 900}
for name, seed in [(name, seed) for seed in [1, 2, 3] for name in RIVALS]:
    if name == "square":
        X, y = make_products(66_000, 1000, seed)
        fit, new = zip(X.split(64_000), y.split(64_000), strict=True)
    model = OneLayer(1000, RIVALS[name], seed).to(device)
    notes = follow(model, fit, [new], 3e-3, steps[name], seed, 512)
    curves.setdefault(name, []).append(notes.flatten())

early = {name: [line[2].item() for line in curves[name]] for name in RIVALS}
slow = {"softplus": early["softplus"]}
for name, bound in [("square", 0.3), ("softplus - z/2", 0.25)]:
    subject = f"{name}: R² after 300 steps"
    claim(subject, early[name], at_least=bound, baseline=slow)
late = [line[-1].item() for line in curves["softplus"]]
slow = {"after 300 steps": early["softplus"]}
claim("softplus: R² after 900 steps", late, at_least=0.1, baseline=slow)

# %% figure="trained" alt="R² on new examples against steps, three seeds each: the square and softplus minus z/2 climb at once and are near 0.4 or above after 300 steps; softplus stays at zero for more than 400 steps and then climbs too."
fig, ax = plt.subplots(figsize=(5.6, 2.8))
colors = dict(zip(RIVALS, [BLUE, GREEN, ORANGE], strict=True))
for name, lines in curves.items():
    for seed, line in enumerate(lines):
        label = name if seed == 0 else None
        x = 100 * torch.arange(1, len(line) + 1)  # (_,)
        ax.plot(x, line, color=colors[name], lw=1.5, label=label)
ax.set(xlabel="step", ylabel="R² on new examples", ylim=(-0.1, 1))
legend = ax.legend(loc="lower right", bbox_to_anchor=(1, 0.55))

# %% [markdown]
# <details><summary><b>Answer: softplus is several times slower</b></summary>
#
# At the start $\hat y \approx 0$, and $\sigma'(z) \approx 1/2 + z/4$. So a
# unit's gradient is, up to a factor, $\mathrm{mean}(yx)/2 +
# \mathrm{mean}(yzx)/4$. The second mean points to the pairs. The first is zero
# but for the noise of the batch, and drowns the second. Taking $z/2$ away
# removes just the first, and learning starts at once: that supports the story.
#
# </details>
#
# ## Multiplying n numbers
#
# Why *deep*? To multiply $n$ numbers with gates you build a tree: pairs, then
# pairs of results. That takes $n - 1$ gates, so $4(n-1)$ units in
# $\log_2 n$ hidden layers ([Carbonnelle 2016](cite:carbonnelle2016) rounds
# it to $4n$).
#
# In *one* hidden layer, take a unit for each choice of signs
# $s \in \{-1, 1\}^n$:
#
# $$\hat y = \frac{1}{2^n \lambda^n \sigma^{(n)}(0)} \sum_s
# (s_1 \cdots s_n)\, \sigma(\lambda\, s^T x).$$
#
# If $x_1$ is missing from a monomial, the choices $s_1 = \pm 1$ give the same
# term with opposite signs: gone. What survives is $x_1 \cdots x_n$, with
# $\lambda^n \sigma^{(n)}(0)$ from each of the $2^n$ choices, and higher powers
# of $\lambda$. For $n = 2$ this *is* the first gate. We take $\sigma = \exp$,
# for which the sum factorises: $\hat y = \prod_i \sinh(\lambda x_i)/\lambda$.
#
# **Predict.** At a corner of the cube $[-1, 1]^n$, where Taylor's error is
# largest, one gate is wrong by $\lambda^2/6$. How wrong is a tree for eight
# numbers? And the flat network for four?
#
# <details><summary><b>Answer</b></summary>
#
# Small relative errors add. The tree has seven gates: $7\lambda^2/6$. And
# $\sinh(z)/z = 1 + z^2/6 + \dots$, so four factors give $4\lambda^2/6$.
#
# </details>

# %%
from itertools import pairwise


def signs(n):
    return torch.cartesian_prod(*[torch.tensor([-1.0, 1.0]).double()] * n)


def tree(X, lam):
    while X.shape[1] > 1:
        X = Gate(lam).to(device)(X.reshape(-1, 2)).detach().view(len(X), -1)
    return X  # (batch, outputs)


def flat(X, lam):
    S = signs(X.shape[1]).to(device)  # (hidden, features)
    W2 = (S / (2 * lam)).prod(dim=1, keepdim=True)  # (hidden, outputs)
    return torch.exp(lam * X @ S.T) @ W2  # (batch, outputs)


def worst(network, n, lam):
    generator = torch.Generator().manual_seed(0)
    inside = 2 * torch.rand(500, n, generator=generator).double() - 1
    X = torch.cat([signs(n), inside]).to(device)  # (points, features)
    y_hat = network(X, lam)  # (points, outputs)
    return (y_hat - X.prod(dim=1, keepdim=True)).abs().max().item()


# %%
for n in [2, 4, 8, 16]:
    print(f"n = {n}: tree {4 * (n - 1)} units, one layer {2**n:,}")

for net, n, share in [(tree, 8, 7), (flat, 4, 4)]:
    off = [abs(worst(net, n, x) * 6 / share / x**2 - 1) for x in [0.01, 1]]
    text = f"{net.__name__}, n = {n}, λ = 0.01: distance from {share}λ²/6"
    coarse = {"at λ = 1": off[1]}
    claim(text, off[0], at_most=0.01, baseline=coarse, unit="%")
print(f"n = 8, λ = 0.01: the factor is {(2 * 0.01) ** -8:.0e}")

# %% [markdown]
# **Predict.** Both are right in the limit $\lambda \to 0$. Which of the two
# comes closer in double precision for $n = 8$?
#
# <details><summary><b>Answer</b></summary>
#
# The flat network needs output weights of size $(2\lambda)^{-n}$, and rounding
# is multiplied by them. For $\lambda = 0.01$ that is $4 \cdot 10^{13}$ times
# $\varepsilon$, already near 0.01. The gates of the tree multiply rounding by
# $1/\lambda^2$ only. Depth saves units here, and digits too.
#
# </details>

# %% figure="trained" alt="Largest error for eight numbers against lambda on logarithmic axes: the flat network falls to about 0.001 and then shoots up, the tree goes on down to a few 1e-8."
lams = [10 ** (-k / 4) for k in range(21)]
trees = [worst(tree, 8, lam) for lam in lams]
flats = [worst(flat, 8, lam) for lam in lams]
fig, ax = plt.subplots(figsize=(5.6, 2.8))
ax.loglog(lams, flats, "s-", ms=4, color=ORANGE, label="one layer, 256 units")
ax.loglog(lams, trees, "o-", ms=4, color=BLUE, label="tree, 28 units")
ax.set(xlabel=r"$\lambda$", ylabel="largest error", ylim=(1e-9, 1e4))
legend = ax.legend()
shallow = {"one layer": min(flats)}
claim("tree: the least error", min(trees), at_most=1e-5, baseline=shallow)

# %% [markdown]
# ### What the theorem says
#
# [Lin, Tegmark & Rolnick 2017](cite:lin2017) prove that $2^n$ is also the
# *least* number. Take one hidden layer without biases and an
# activation, such as $\exp$, whose Taylor coefficients of degree $0$ to $n$
# are not zero. With fewer than $2^n$ units the Taylor series of the network
# cannot agree with $x_1 \cdots x_n$ up to degree $n$. So some accuracy stays
# out of reach; which one, it does not say.
# [Rolnick & Tegmark 2018](cite:rolnick2018) extend the count, for suitable
# activations, to networks that come within every $\varepsilon$ on a box.
#
# <details><summary><b>Why not fewer? The proof</b></summary>
#
# Let unit $j$ have input weights $w_{ij}$ and output weight $u_j$. In the
# network's Taylor series the coefficient of $x_1^{k_1} \cdots x_n^{k_n}$ is a
# nonzero number (a coefficient of $\sigma$ times a count) times
# $\sum_j u_j \prod_i w_{ij}^{k_i}$.
#
# For a set $S$ of inputs let $r_S$ be the row of all
# $\prod_{i \in S} w_{ij}$, one for each unit. For $n = 2$ the rows are $1$,
# $w_{1j}$, $w_{2j}$ and $w_{1j}w_{2j}$. With fewer units than the $2^n$ rows,
# the rows are dependent: $\sum_S c_S r_S = 0$, not all $c_S$ zero. Among the
# sets with $c_S \ne 0$ pick a largest one, $T$. Multiply the relation by
# $u_j \prod_{i \notin T} w_{ij}$ and sum over the units. For each set $S$ this
# sum is such a coefficient, up to a nonzero number: that of
# $\prod_{i \in S} x_i \prod_{i \notin T} x_i$. Its degree is at most $n$,
# because $|S| \le |T|$. For $S \ne T$ it is not $x_1 \cdots x_n$, so its
# coefficient must be zero. What remains is $c_T$ times the coefficient of
# $x_1 \cdots x_n$, which must then be zero too. But it is not.
#
# </details>
#
# What it does **not** say: nothing about learning, about ReLU, or about units
# with biases. Nothing about activations with zeros among the coefficients: the
# square got by with two units for $n = 2$, and softplus lacks degrees 3, 5, 7,
# …; for four numbers half of the 16 softplus units, those with $s_1 = 1$,
# suffice.
#
# [Wahlström 2017](cite:wahlstrom2017) draws the conclusion for 1,000 inputs
# and degree 1,000. Keep 250 products in each layer; each layer doubles the
# degree. The sums at the end of the gates merge into the next weights, so a
# layer has 1,000 by 1,000.
#
# **Predict.** How long would the list of monomials be? The lecture says
# $1000^{1000}/1000!$.
#
# <details><summary><b>Answer</b></summary>
#
# Dividing by $1000!$ is right only for monomials without repeated factors, so
# the lecture undercounts. There are $\binom{1999}{1000}$ (stars and bars:
# 1,000 factors, and a bar after each input but the last). Ten million weights
# cannot make *every* such polynomial, only some: those that are built by
# composing again and again.
#
# </details>

# %%
from math import ceil, comb, factorial, log2

rough, exact = 1000**1000 // factorial(1000), comb(1999, 1000)
layers = ceil(log2(1000))
print(f"layers of {4 * 250:,} units: {layers}, degree {2**layers:,}")
print(f"weights: at most {layers * 1000 * 1000 + 1000:,}")
print(f"the lecture's 1000^1000/1000!: about 10^{len(str(rough)) - 1}")
print(f"monomials of degree 1,000: about 10^{len(str(exact)) - 1}")

# %% [markdown]
# ## Does deep learn better than wide?
#
# "The model learns better using a deep network (several layers) instead of a
# wide and shallow network", says a slide of
# [Wahlström 2017](cite:wahlstrom2017). Test it with ReLU, equal parameters,
# examples and steps. Three targets, each of eight inputs:
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
COLORS = {"wide": ORANGE, "deep": BLUE}


def mlp(sizes):
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


for name, sizes in SHAPES.items():
    print(name, sizes, sum(p.numel() for p in mlp(sizes).parameters()))


# %%
def errors(target, shape, lr, seed, num_steps):
    """Return 1 - R² on old and new examples, every 100 steps."""
    low, high, f = TARGETS[target]
    generator = torch.Generator().manual_seed(seed)
    X = low + (high - low) * torch.rand(8000, 8, generator=generator)
    y = (f(X) - f(X[:4000]).mean()) / f(X[:4000]).std()  # (batch, outputs)
    parts = list(zip(*(a.to(device).split(4000) for a in (X, y)), strict=True))
    torch.manual_seed(1000 + seed)
    model = mlp(SHAPES[shape]).to(device)
    return 1 - follow(model, parts[0], parts, lr, num_steps, seed)


# %% [markdown]
# Both have 1,441 parameters. The error is $1 - R^2$ on 4,000 new examples: 1
# is that of always answering the mean, above 1 is worse. The learning rate is
# chosen from four for each shape, by the mean error of two seeds at the end of
# a budget: 900 steps for the product, 500 for the sum.

# %% figure="trained" alt="Validation error against four learning rates, in two panels, the product and the sum of sines: the errors are highest at 0.001; the wide network's are the larger on the product, the deep network's on the sum."
RATES, BUDGET = [1e-3, 3e-3, 1e-2, 3e-2], {"product": 900, "sum of sines": 500}
best = {}
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(5.6, 2.8))
for ax, (target, budget) in zip(axes, BUDGET.items(), strict=True):
    for shape, color in COLORS.items():
        tried = [
            [errors(target, shape, lr, seed, budget)[-3:, 1].mean()
             for lr in RATES] for seed in [11, 12]
        ]
        means = torch.tensor(tried).mean(dim=0)  # (points,)
        best[target, shape] = RATES[means.argmin()]
        ax.loglog(RATES, means, "o-", color=color, ms=5, label=shape)
    ax.set(title=target, xlabel="learning rate", xticks=[1e-3, 1e-2])
axes[0].set_ylabel("validation error")
legend = axes[0].legend()

# %% [markdown]
# On the signed product none of the four helps; it takes the third. Three other
# seeds then give test errors.
#
# **Predict** for each target: deep, wide, or no difference? And does the
# difference last?
#
# <details><summary><b>Answer</b></summary>
#
# Deep, wide and none. The first difference shrinks.
#
# </details>

# %%
runs = {}
LENGTH = {"product": 2000, "sum of sines": 500, "signed product": 700}
for target, shape in [(t, s) for t in TARGETS for s in SHAPES]:
    lr = best.get((target, shape), 1e-2)
    runs[target, shape] = torch.stack([
        errors(target, shape, lr, seed, LENGTH[target]) for seed in [1, 2, 3]
    ])  # (seeds, _, _)

steps = {key: (lines[:, :, 1] < 0.1).int().argmax(dim=1) + 1
         for key, lines in runs.items()}  # in hundreds
times = {name: steps[name, "wide"] / steps[name, "deep"] for name in BUDGET}
claim("product: steps to error 0.1, wide / deep", times.pop("product"),
      at_least=1.5, baseline=times)
wide = runs["product", "wide"][:, :, 1]  # (seeds, points)
claim("product, wide: error after 2,000 steps", wide[:, -1], at_most=0.15,
      baseline={"after 200 steps": wide[:, 1]})
wide, deep = (runs["sum of sines", shape][:, -1, 1] for shape in SHAPES)
claim("sum of sines: error after 500 steps, deep / wide", deep / wide,
      at_least=1.5, baseline={"no difference": 1})
both = torch.cat([runs["signed product", shape][:, -1] for shape in SHAPES])
claim("signed product: training error", both[:, 0], at_most=0.85,
      baseline={"on new examples": both[:, 1]})

# %% figure="trained" alt="Three panels of error against steps, three seeds each. Product: the deep network falls within 200 steps, the wide one waits on a plateau and follows later. Sum of sines: the wide network falls first. Signed product: the training errors fall, dotted, while the test errors stay at one."
fig, axes = plt.subplots(1, 3, sharey=True, figsize=(5.6, 2.8))
for (target, shape), lines in runs.items():
    ax, color = axes[list(TARGETS).index(target)], COLORS[shape]
    x = 100 * torch.arange(1, lines.shape[1] + 1)  # (_,)
    ax.semilogy(x, lines[:, :, 1].T, color=color, lw=1.3)
    if target == "signed product":
        ax.semilogy(x, lines[:, :, 0].T, color=color, lw=1.3, ls=":")
    ax.set(title=target, xlabel="steps", xlim=(0, None))
axes[0].set_ylabel("test error")
legend = axes[2].legend(axes[2].lines[::6], SHAPES, loc="lower left")

# %% [markdown]
# - **Product**: deep gets there first, for each seed. But wide is slower, not
#   unable: it waits on a plateau, then follows, and by 2,000 steps much of the
#   gap is closed. What you measured is speed at a fixed budget.
# - **Sum of sines**: wide is better at this budget. Deep is also narrow, with
#   layers of 24 units instead of 144; the test cannot tell which of the two
#   hurts.
# - **Signed product**: with 4,000 examples both memorise instead of
#   generalise. The training error (dotted) falls; new examples fare about as
#   badly as the mean. The curvature of a square saw each pair $x_i x_j$; here
#   every term below degree eight is blind: know only seven factors, and the
#   product is zero on average. Without partial credit it takes far more
#   examples. Try it, with fresh ones for each step.
#
# The slide is right about *some* functions and budgets.
#
# ### Depth as a bet
#
# Not measured here: depth is a **prior**, a bet made before seeing data.
# [Carbonnelle 2016](cite:carbonnelle2016) names two. **Smoothness**:
# near inputs have near answers. **Compositionality**: the answer is built from
# parts, which are built from parts. That is the bet of depth, made precise by
# [Poggio and colleagues 2017](cite:poggio2017).
#
# ### At full size
#
# Images are the best-known case in which the bet pays: edges make corners,
# corners parts, parts objects.
# [Krizhevsky, Sutskever & Hinton 2012](cite:krizhevsky2012) found that taking
# out any one of the middle layers of their network cost about two percentage
# points of top-1 accuracy, though each held only about one per cent of the
# parameters.

# %% [markdown]
# ## Recap
#
# You can
#
# - **build** the gate and **derive** its error, $\lambda^2/6$ on the square,
#   until rounding wins;
# - **tell** that it takes curvature: softplus has it, sigmoid and tanh with a
#   bias, ReLU nowhere, the square is exact;
# - **count**: ten gates instead of half a million terms in the list;
# - **state** that one layer without biases, whose activation has no zero among
#   its Taylor coefficients up to degree $n$, needs $2^n$ units to match a
#   product of $n$ numbers to that degree, where a tree needs $4(n-1)$, and
#   that this is not about learning;
# - **test** depth against width; the answer depends on target and budget.
#
# Bet on depth when you believe in parts made of parts. For a sum of separate
# effects, stay shallow, at this budget at least. When you can list the terms,
# list them: sparse regression needs fewer examples.
#
# Now do [the assignment](assignment:01_regression_to_networks).
#
# **Further reading.** The lecture behind this lesson is
# [Wahlström 2017](cite:wahlstrom2017). Read
# [Lin, Tegmark & Rolnick 2017](cite:lin2017) for the physics,
# [Rolnick & Tegmark 2018](cite:rolnick2018) for the sharper theorems, and
# [Telgarsky 2016](cite:telgarsky2016) for ReLU networks.
