# %% [markdown]
# # Stochastic gradient descent
#
# Ask every patient before each step, and you walk a straight path slowly. Ask
# one at a time, and you run, staggering. All of deep learning is trained
# between these two. In this lesson you build the five rules that do the work,
# check each against PyTorch step by step, and then ask why walking downhill
# does not get stuck when there are a million directions.
#
# After this lesson you can
#
# - **choose** between online, mini-batch and batch steps, and **predict** the
#   noise of each;
# - **write** momentum, Nesterov, RMSprop and Adam from memory;
# - **explain** why narrow valleys are slow, and what each rule does about it;
# - **schedule** the learning rate;
# - **retell** what is proved about saddle points, for what, and what is only
#   observed.
#
# It takes half a minute on a laptop and downloads nothing. You need gradient
# descent from [the first lesson](lesson:01_regression_to_networks) and
# eigenvalues. Symbols are in the [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## How many patients for one step?
#
# In a study of diabetes ([Efron and others 2004](cite:efron2004)) two columns
# measure nearly the same thing: total cholesterol and LDL, its largest part.
# Fit a linear model to just these two, all columns scaled to mean 0 and
# standard deviation 1. There are two weights, so you can see the whole
# landscape of the loss, and the closed form says where the bottom is. That is
# what makes it a good testing ground.
#
# Each rule below gets the same **budget**: each patient is looked at five
# times. A *batch* step averages the gradient over all patients, a *mini-batch*
# step over 16, an *online* step takes one. The patients come in an order that
# is shuffled for each pass, or **epoch**. (Batch and online are the two that
# [Krippahl](cite:krippahl) compares.)

# %%
import matplotlib.pyplot as plt
import torch

from deepcourse.claims import claim
from deepcourse.data import load_diabetes
from deepcourse.plot import BLUE, GREEN, GREY, ORANGE

torch.set_default_dtype(torch.float64)  # double precision: sharp checks
data = load_diabetes().standardized(targets=True)
X, y = data.X_train[:, [4, 5]], data.y_train  # (batch, 2), (batch, outputs)
start = torch.tensor([[-0.5], [1.7]])  # (features, outputs)

def gradient(theta, rows=slice(None)):
    misses = X[rows] @ theta - y[rows]  # (batch, outputs)
    return 2 * X[rows].T @ misses / len(misses)  # (features, outputs)


# %%
def walk(batch_size, lr, num_epochs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    theta, path = start, [start]
    for _ in range(num_epochs):
        order = torch.randperm(len(X), generator=generator)  # (batch,)
        for rows in order.split(batch_size):  # (batch,)
            theta = theta - lr * gradient(theta, rows)  # (features, outputs)
            path.append(theta)
    return torch.cat(path, dim=1).T  # (points, features)


# %% [markdown]
# To see and to measure: the **excess**, how far the loss lies above its least
# value. On a bowl with Hessian $H$ and lowest point $\theta^*$ it is
# $\frac12 (\theta-\theta^*)^T H\, (\theta-\theta^*)$.

# %%
best = torch.linalg.solve(X.T @ X, X.T @ y)  # (features, outputs)
H = 2 / len(X) * (X.T @ X)  # (features, features)

def excess(places):
    away = places - best.T  # (points, features)
    return (away @ H * away).sum(dim=1) / 2  # (points,)

def draw_valley(ax):
    side = torch.linspace(-2.2, 2.2, 89)  # (rows,)
    grid = torch.cartesian_prod(side, side)  # (points, features)
    heights = excess(grid).reshape(89, 89).T  # (rows, rows)
    ax.contour(side, side, heights, [0.03, 0.3, 3],
               colors=GREY, linewidths=0.7)
    ax.plot(*best, "+", color=GREY, markersize=9)
    ax.set(xlim=(-1.6, 1.2), ylim=(-1.2, 2), aspect="equal")


# %% [markdown]
# **Predict:** with the budget spent, who is nearest to the bottom, marked +?
#
# <details><summary><b>Answer</b></summary>
#
# Batch takes only five steps, mini-batch 85, online 1,325. Five steps, at
# almost the highest rate that the valley allows, cross it and get no further.
# Many rough steps beat a few exact ones.
#
# </details>

# %% figure="exact" alt="Three contour plots of one long, narrow, slanted valley. The batch path makes five zigzags and stays far from the bottom, the mini-batch path drops into the valley and follows it with small jitter to the bottom, the online path gets there too, trembling more."
RUNS = {"batch": (len(X), 0.5), "mini-batch": (16, 0.1), "online": (1, 0.01)}
figure, axes = plt.subplots(1, 3, sharey=True, figsize=(5.4, 2.6))
for ax, (name, (size, lr)) in zip(axes, RUNS.items(), strict=True):
    path = walk(size, lr, num_epochs=5)
    print(f"{name}: {len(path) - 1:,} steps")
    draw_valley(ax)
    ax.plot(*path.T, color=BLUE, linewidth=0.9)
    ax.set(title=name, xlabel="cholesterol", xticks=[-1, 0, 1])
axes[0].set_ylabel("weight of LDL")
ends = [excess(walk(16, 0.1, 5, seed)[-1:]).item() for seed in range(5)]
full = excess(walk(len(X), 0.5, 5)[-1:])  # (1,)
claim("the excess loss of mini-batches after five epochs", ends,
      at_most=0.08, baseline={"batch": full})

# %% [markdown]
# In symbols, with a mini-batch $\mathcal B$ of $B$ examples,
#
# $$\theta \leftarrow \theta - \frac{\eta}{B} \sum_{i \in \mathcal B}
# \nabla L_i(\theta).$$
#
# (A slide of [Carbonnelle 2016](cite:carbonnelle2016) prints a plus here. Read
# a minus.) It is **stochastic** gradient descent, SGD, because chance picks
# the batch. The idea is old: [Robbins & Monro 1951](cite:robbins1951).
#
# ## How rough is a rough gradient?
#
# On average a random batch gives the right gradient: averaging over all
# batches is averaging over all patients. How far off is one batch? Let
# $\sigma^2$ be the mean squared distance of one patient's gradient from the
# mean of all $N$. Averages of $B$ independent draws have $\sigma^2/B$. We draw
# *without* putting back, so a batch that holds everybody is exact:
#
# $$\mathrm{E}\,\|g_{\mathcal B} - g\|^2 = \frac{\sigma^2}{B} \cdot
# \frac{N-B}{N-1}.$$
#
# Check it by drawing five thousand batches of each size.

# %%
G = 2 * X * (X @ start - y)  # (batch, features)
g, N = gradient(start).T, len(X)  # (1, features), ()
assert torch.allclose(G.mean(dim=0, keepdim=True), g)
sigma2 = ((G - g) ** 2).sum(dim=1).mean()  # ()
sizes = torch.tensor([1, 2, 4, 8, 16, 32, 64, 128, 256])
theory = (sigma2 / sizes * (N - sizes) / (N - 1)).sqrt()
generator = torch.Generator().manual_seed(0)
orders = torch.rand(5000, N, generator=generator).argsort(dim=1)

def measure(B):
    means = G[orders[:, :B]].mean(dim=1)  # (_, features)
    return ((means - g) ** 2).sum(dim=1).mean().sqrt()  # ()

noise = torch.stack([measure(B) for B in sizes])
faster = (noise[0] / 16 / theory[4] - 1).abs()  # ()

# %% figure="exact" alt="Root mean square noise of the gradient against batch size on logarithmic axes. The measured dots follow the straight line with slope minus one half and bend below it when the batch is a large part of all patients."
figure, ax = plt.subplots()
ax.loglog(sizes, (sigma2 / sizes).sqrt(), "--", color=GREY, linewidth=1.2,
          label=r"$\sigma/\sqrt{B}$")
ax.loglog(sizes, theory, color=BLUE, label="without putting back")
ax.loglog(sizes, noise, "o", color=ORANGE, label="5,000 batches each")
ax.set(xlabel="batch size B", ylabel="noise of the gradient")
ax.legend()
claim("the distance of the measured noise from the formula",
      (noise / theory - 1).abs().max(), at_most=0.1, unit="%",
      baseline={"if noise fell like 1/B, at B = 16": faster})

# %% [markdown]
# The slope is one half: four times the work buys *half* the noise. Past some
# size a larger batch is mostly wasted, except that a GPU may do it in the same
# time.
#
# ## The valley sets the pace
#
# Near a minimum the loss is a bowl with Hessian $H$. Write the distance from
# the bottom along its eigenvectors. A batch step multiplies part $i$ by
# $1 - \eta\lambda_i$, and nothing else happens:
#
# - it **blows up** unless $\eta < 2/\lambda_{\max}$: the steepest direction
#   sets the limit;
# - the flattest direction then shrinks by about $\lambda_{\min}/
#   \lambda_{\max}$ a step: the **condition number**
#   $\kappa = \lambda_{\max}/\lambda_{\min}$ says how many steps you need.

# %%
low, high = torch.linalg.eigvalsh(H).tolist()
print(f"eigenvalues {low:.3f} and {high:.2f}, condition {high / low:.0f}")
print(f"limit of the learning rate: {2 / high:.3f}")
below, above = (excess(walk(N, lr, 100)[-1:]) for lr in (0.51, 0.53))
claim("the excess loss after 100 batch steps at rate 0.53", above,
      at_least=10, baseline={"at rate 0.51": below})

# %% [markdown]
# A hair above the limit, and the walk explodes. That is the most common
# failure in all of training. `train` of the first lesson stops with advice
# when it sees it.
#
# ## Momentum
#
# Let the walker have mass. A velocity $v$ collects gradients and forgets them
# slowly ([Polyak 1964](cite:polyak1964)):
#
# $$v \leftarrow \beta v + \nabla L(\theta), \qquad
# \theta \leftarrow \theta - \eta v.$$
#
# Across the valley the gradients alternate and cancel. Along it they agree and
# add up, to $1/(1-\beta)$ times one gradient.
# [Nesterov 1983](cite:nesterov1983) looks ahead: the walker will coast by
# $-\eta\beta v$ anyway, so measure the gradient *there*, before you get
# there. PyTorch stores the looked-ahead place as its parameter. Take back the
# last look, step by $-\eta v$, look again: together that is
# $-\eta\,(\nabla L + \beta v)$
# ([Sutskever and others 2013](cite:sutskever2013) relate the two forms).

# %%
def sgd(theta, dtheta, state, lr):
    return theta - lr * dtheta  # (features, outputs)

def momentum(theta, dtheta, state, lr, beta=0.9):
    state["v"] = beta * state.get("v", 0) + dtheta  # (features, outputs)
    return theta - lr * state["v"]  # (features, outputs)

def nesterov(theta, dtheta, state, lr, beta=0.9):
    state["v"] = beta * state.get("v", 0) + dtheta  # (features, outputs)
    return theta - lr * (dtheta + beta * state["v"])  # (features, outputs)


# %% figure="exact" alt="The narrow valley with two paths of thirty steps from one start. Plain gradient descent zigzags across it and stops short of the bottom. With momentum the path swings more widely at first and arrives."
def follow(rule, slope, theta, num_steps, **settings):
    state, path = {}, [theta]
    for _ in range(num_steps):
        theta = rule(theta, slope(theta), state, **settings)
        path.append(theta)
    return torch.cat(path, dim=1).T  # (points, features)

def plot_paths(lr=0.45, beta=0.5, num_steps=30):
    _, ax = plt.subplots(figsize=(5.2, 2.9))
    draw_valley(ax)
    coast = follow(momentum, gradient, start, num_steps, lr=lr, beta=beta)
    plain = follow(sgd, gradient, start, num_steps, lr=lr)
    for path, color, name in ((plain, BLUE, "without momentum"),
                              (coast, ORANGE, f"momentum {beta:.2f}")):
        left = excess(path[-1:]).item()
        ax.plot(*path.T, color=color, linewidth=1.2,
                label=f"{name}\nends at {left:.1g}")
    ax.set(xlabel="weight of cholesterol", ylabel="weight of LDL")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))

plot_paths()

# %% [markdown]
# "Ends at" is the excess loss. Play: find the rate at which each path
# explodes, and the momentum that overshoots up and down the valley. You will
# see that momentum may go *above* the limit of plain descent: its own limit is
# $2(1+\beta)/\lambda_{\max}$, for mass smooths the zigzag.

# %% explore=true
from deepcourse.widgets import explore

explore(plot_paths, lr=(0.05, 0.8, 0.05), beta=(0.0, 0.95, 0.05),
        num_steps=(1, 60, 1))


# %% [markdown]
# How much does it buy? On a bowl the best settings are known
# ([Polyak 1964](cite:polyak1964)): for plain descent
# $\eta = 2/(\lambda_{\min}+\lambda_{\max})$; with momentum
# $\eta = 4/(\sqrt{\lambda_{\min}}+\sqrt{\lambda_{\max}})^2$ and
# $\beta = \left(\frac{\sqrt\kappa-1}{\sqrt\kappa+1}\right)^2$. Count the steps
# until a millionth of the loss is left.

# %%
def count_steps(rule, kappa, lr, limit=10_000, **settings):
    curve = torch.tensor([[1.0], [kappa]])  # (features, outputs)
    theta, state = torch.ones(2, 1), {}
    for step in range(limit):
        if (curve * theta**2).sum() < 1e-6 * curve.sum():
            return step
        theta = rule(theta, curve * theta, state, lr, **settings)

for kappa in (10, 100, 1000):
    root = kappa**0.5
    beta = ((root - 1) / (root + 1)) ** 2
    plain = count_steps(sgd, kappa, lr=2 / (1 + kappa))
    coast = count_steps(momentum, kappa, lr=4 / (1 + root) ** 2, beta=beta)
    print(f"condition {kappa:4}: plain {plain:4} steps, momentum {coast:3}")


# %% [markdown]
# Raise the condition tenfold: plain descent needs about ten times the steps,
# momentum not even four times: $\kappa$ against $\sqrt\kappa$. In life nobody
# knows the eigenvalues; $\beta = 0.9$ is the usual guess.
#
# ## A rate for each weight
#
# Another cure: give each weight its own rate. **RMSprop**
# ([Tieleman & Hinton 2012](cite:tieleman2012)) divides by a running root mean
# square $\sqrt s$ of that weight's gradients, so that steep and flat weights
# take steps of the same size.
#
# **Adam** ([Kingma & Ba 2015](cite:kingma2015)) does the same with a running
# mean $m$ in place of the gradient, which is momentum. Both averages start at
# zero and would be too small at first, so Adam divides by $1-\beta^t$ at
# step $t$:
#
# $$m \leftarrow \beta_1 m + (1-\beta_1) \nabla L, \quad
# s \leftarrow \beta_2 s + (1-\beta_2) (\nabla L)^2, \quad
# \theta \leftarrow \theta - \eta\, \frac{m/(1-\beta_1^t)}
# {\sqrt{s/(1-\beta_2^t)} + \varepsilon}.$$

# %%
def rmsprop(theta, dtheta, state, lr, alpha=0.99, eps=1e-8):
    state["s"] = alpha * state.get("s", 0) + (1 - alpha) * dtheta**2
    return theta - lr * dtheta / (state["s"].sqrt() + eps)

def adam(theta, dtheta, state, lr, betas=(0.9, 0.999), eps=1e-8):
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * dtheta
    state["s"] = betas[1] * state.get("s", 0) + (1 - betas[1]) * dtheta**2
    m = state["m"] / (1 - betas[0] ** t)  # (features, outputs)
    return theta - lr * m / ((state["s"] / (1 - betas[1] ** t)).sqrt() + eps)


# %% [markdown]
# Formulas of this kind are easy to get nearly right. So walk each rule beside
# its namesake in `torch.optim`, on the same mini-batches, and compare after
# *every* step. The baseline shows that the test can fail: Nesterov's rule
# beside classical momentum.

# %%
def largest_gap(rule, optimizer_class, num_steps=100, lr=0.02, **settings):
    ours, state = start, {}
    theirs = start.clone().requires_grad_()
    optimizer = optimizer_class([theirs], lr=lr, **settings)
    gaps, generator = [], torch.Generator().manual_seed(0)
    for _ in range(num_steps):
        rows = torch.randint(N, (16,), generator=generator)  # (batch,)
        ours = rule(ours, gradient(ours, rows), state, lr)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(X[rows] @ theirs, y[rows]).backward()
        optimizer.step()
        gaps.append((ours - theirs).abs().max().item())
    return max(gaps)


# %%
SGD, RMSprop, Adam = torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adam
wrong = {"Nesterov against classical momentum":
         largest_gap(nesterov, SGD, momentum=0.9)}
for rule, optimizer_class, settings in [
        (sgd, SGD, {}), (momentum, SGD, {"momentum": 0.9}),
        (nesterov, SGD, {"momentum": 0.9, "nesterov": True}),
        (rmsprop, RMSprop, {}), (adam, Adam, {})]:
    claim(f"the largest gap of {rule.__name__} to torch in 100 steps",
          largest_gap(rule, optimizer_class, **settings),
          at_most=1e-12, baseline=wrong)


# %% [markdown]
# All five are PyTorch's, to the last digits. In your own work you write the
# three lines `zero_grad`, `backward`, `step`, and change one word to change
# the rule.
#
# Is a rate for each weight the cure for valleys? **Predict:** take one valley
# along an axis, and the same valley turned halfway to the other axis. Where
# does Adam do better, and where momentum?
#
# <details><summary><b>Answer</b></summary>
#
# Momentum cannot tell: turn the picture, and the path
# turns with it. Adam scales along the axes only. In the turned valley both
# weights see gradients of the same size, so both get the same rate, and the
# advantage is gone.
#
# </details>

# %%
flat, steps = torch.diag(torch.tensor([1.0, 1000.0])), range(0, 301, 5)
turns = [torch.eye(2), torch.tensor([[0.5, 0.5], [-0.5, 0.5]]) * 2**0.5]

def shares_left(rule, R, lr):
    bowl = R @ flat @ R.T
    path = follow(rule, lambda theta: bowl @ theta, R @ torch.ones(2, 1),
                  num_steps=300, lr=lr)
    height = (path @ bowl * path).sum(dim=1)  # (points,)
    return height[::5] / height[0]  # (_,)


# %% figure="exact" alt="Share of the loss left against steps. Momentum falls on one and the same curve in both valleys. Adam in the valley along an axis falls far below it; Adam in the turned valley hardly falls after the first hundred steps."
straight, turned = (shares_left(adam, R, 0.1) for R in turns)
coast = torch.stack([shares_left(momentum, R, 1e-3) for R in turns])
figure, ax = plt.subplots()
ax.semilogy(steps, turned, color=GREEN, label="Adam, turned")
ax.semilogy(steps, coast.T, color=BLUE, label=["momentum, both", ""])
ax.semilogy(steps, straight, color=ORANGE, label="Adam, axis")
ax.set(xlabel="steps", ylabel="share of the loss left", ylim=(1e-9, 3))
ax.legend(loc="lower right", fontsize="small")
claim("the share that Adam leaves along an axis", straight[-1], at_most=1e-9,
      baseline={"turned": turned[-1], "momentum": coast[:, -1]})

# %% [markdown]
# So Adam mends one kind of ill-conditioning, weights on different scales, and
# not the other, weights that pull together. In networks the first kind is
# everywhere: layers differ, rare features differ. That is why Adam is the
# usual first choice. It is not the best in every task: on several,
# [Wilson and others 2017](cite:wilson2017) found that SGD with momentum
# generalised better.
#
# ## Let the rate fall
#
# With a constant rate, SGD never comes to rest: near the bottom the gradient
# vanishes but its noise does not. A high rate arrives fast and trembles, a low
# rate is calm and late. So start high and let it fall. The **cosine** schedule
# ([Loshchilov & Hutter 2017](cite:loshchilov2017)) goes from $\eta_0$ to 0 in
# $T$ steps: $\eta_t = \frac{\eta_0}{2}\left(1 + \cos\frac{\pi t}{T}\right)$.
# **Predict:** sketch the three curves of the loss before you look.

# %%
from math import cos, pi

def anneal(schedule, seed, num_epochs=20, batch_size=16):
    generator = torch.Generator().manual_seed(seed)
    num_steps = num_epochs * -(-len(X) // batch_size)
    theta, path = start, [start]
    for _ in range(num_epochs):
        order = torch.randperm(len(X), generator=generator)  # (batch,)
        for rows in order.split(batch_size):
            lr = schedule((len(path) - 1) / num_steps)
            theta = theta - lr * gradient(theta, rows)  # (features, outputs)
            path.append(theta)
    return excess(torch.cat(path, dim=1).T)  # (points,)

SCHEDULES = {"high, 0.2": lambda share: 0.2, "low, 0.02": lambda share: 0.02,
             "cosine from 0.2": lambda share: 0.1 * (1 + cos(pi * share))}


runs = {name: [anneal(schedule, seed) for seed in range(5)]
        for name, schedule in SCHEDULES.items()}

# %% figure="exact" alt="Excess loss after every second epoch on a logarithmic axis, median of five runs for each schedule. The high rate falls at once and then jumps about near one hundredth, the low rate falls slowly and smoothly, the cosine schedule first jumps with the high rate and at the end lies a hundred times lower than both."
figure, ax = plt.subplots()
for name, five in runs.items():
    middle = torch.stack(five).median(dim=0).values  # (points,)
    ax.semilogy(range(0, 21, 2), middle[::34], label=name)
ax.set(xlabel="epoch", ylabel="excess loss", xticks=range(0, 21, 5))
ax.legend()
ends = {name: [run[-1].item() for run in five] for name, five in runs.items()}
falling = ends.pop("cosine from 0.2")
claim("the excess loss that the cosine schedule leaves", falling,
      at_most=1e-3, baseline=ends)

# %% [markdown]
# Batch size and rate work together: noise falls with a larger batch *or* a
# smaller rate. Half the rate, or twice the batch, tremble about alike. And
# the library has the schedule:

# %%
weight = torch.zeros(1, requires_grad=True)  # (1,)
optimizer = torch.optim.SGD([weight], lr=0.2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=340)
for step in range(340):
    ours = SCHEDULES["cosine from 0.2"](step / 340)
    assert abs(optimizer.param_groups[0]["lr"] - ours) < 1e-12
    optimizer.step()
    scheduler.step()
print("CosineAnnealingLR gives the same rate at each of 340 steps")

# %% [markdown]
# ## A million directions: why it does not get stuck
#
# So far the loss was a bowl. A network's is not, and you may fear a bad
# *local minimum* behind each hill. At a place with zero gradient the Hessian
# decides: a minimum needs *all* $N$ eigenvalues positive; one negative, and
# there is a way down, a **saddle**. If each were a fair coin, that would be
# $2^{-N}$. Eigenvalues repel each other, so it is worse. For a random
# symmetric Gaussian matrix [Dean & Majumdar 2006](cite:dean2006) derive
#
# $$P(\text{all positive}) \approx e^{-\frac{\ln 3}{4} N^2} = 3^{-N^2/4}
# \qquad \text{for large } N,$$
#
# up to factors that fall more slowly. Throw the dice: a million matrices of
# each size. (A positive matrix has a positive diagonal; that sorts out most of
# them cheaply. Cholesky's factorisation works exactly for positive ones.)

# %%
def share_of_minima(N, generator, num_matrices=1_000_000):
    A = torch.randn(num_matrices, N, N, generator=generator)
    A = A[(A.diagonal(dim1=1, dim2=2) > 0).all(dim=1)]  # (_, rows, rows)
    positive = torch.linalg.cholesky_ex(A + A.mT).info == 0
    return positive.sum().item() / num_matrices

generator = torch.Generator().manual_seed(0)
sizes = torch.arange(1, 6)
shares = torch.tensor([share_of_minima(N, generator) for N in sizes])
print("sizes 1, 2, 3:", [f"{share:.2g}" for share in shares[:3]])

# %% figure="exact" alt="Share of minima against matrix size on a logarithmic axis. Dots fall from one half at size one to about one in ten thousand at size five. They bend downwards, from size two on ever farther below the straight line for fair coins, and bend as much as the dashed curve of the theory, which lies above them."
figure, ax = plt.subplots()
fine = torch.linspace(1, 5, 81)  # (points,)
ax.semilogy(sizes, shares, "o", color=ORANGE, label="a million matrices each")
ax.semilogy(fine, 0.5**fine, color=GREY, label="fair coins")
ax.semilogy(fine, 3 ** (-(fine**2) / 4), "--", label="$3^{-N^2/4}$")
ax.set(xlabel="size N of the Hessian", ylabel="share of minima", xticks=sizes)
ax.legend()
bend, wanted = shares.log().diff().diff(), -torch.tensor(3.0).log() / 2
claim("the distance of the logarithm's bend from the theory's",
      (bend[:2] - wanted).abs().max(), at_most=0.1,
      baseline={"fair coins, which do not bend": wanted.abs()})

# %% [markdown]
# The dots lie below the formula: it is the leading term for large $N$, and
# slower factors are left out. What can be compared at small $N$ is how the
# logarithm *bends*: its second difference is $-\frac{\ln 3}{2}$ if there is
# an $N^2$ law, whatever straight line is added. It fits. Extrapolate to a
# million directions, if you can imagine such a number: practically every
# place without slope is a saddle.
#
# ## A landscape with every critical point in view
#
# Random matrices are no network. Here is a small real one: a linear
# autoencoder squeezes the patients' ten columns into a code of two numbers
# and back, $\hat X = X W_1 W_2$. Its loss is not a bowl, since weights
# multiply. Yet [Baldi & Hornik 1989](cite:baldi1989) found its critical
# points: choose at most two of the ten principal directions and keep
# exactly those. The loss is the sum of the eigenvalues left out. That makes
# 56 places, up to a change of basis in the code.
#
# **Predict:** how many of the 56 are minima?

# %%
from itertools import combinations

Z = data.X_train  # (batch, features)
spread, U = torch.linalg.eigh(Z.T @ Z / len(Z))  # (features,), (_, features)
C = (U * spread) @ U.T  # (features, features) @ (_, _) -> (features, features)

def missed(weights):
    W1, W2 = weights[:20].view(10, 2), weights[20:].view(2, 10)
    rest = torch.eye(10) - W1 @ W2  # (features, features)
    return ((C @ rest) * rest).sum()  # ()

places = []
for kept in [kept for k in range(3) for kept in combinations(range(10), k)]:
    W1 = torch.zeros(10, 2)  # (features, hidden)
    W1[:, :len(kept)] = U[:, list(kept)]
    places.append(torch.cat([W1.flatten(), W1.T.flatten()]))
print(f"{1} + {10} + {10 * 9 // 2} = {len(places)} places")

# %% [markdown]
# Are they critical? Ask torch for the gradient at each. Then ask for the
# Hessian, and count its negative eigenvalues: directions that lead down.

# %%
slope = torch.func.vmap(torch.func.grad(missed))
places = torch.stack(places)  # (points, _)
claim("the largest slope at these places", slope(places).abs().max(),
      at_most=1e-10,
      baseline={"a step of 0.01 away": slope(places + 0.01).abs().max()})
hessians = torch.func.vmap(torch.func.hessian(missed))(places)
down = (torch.linalg.eigvalsh(hessians) < -1e-6).sum(dim=1)
losses = torch.func.vmap(missed)(places)  # (points,)
print(f"{len(down)} critical points, {(down == 0).sum()} minimum")

# %% figure="exact" alt="Fifty-six dots: loss against the number of directions that lead down. One dot, the only minimum, sits at zero directions and the lowest loss; the more directions lead down, the higher the loss, up to twenty directions at the top."
def ranks(values):
    below = (values[:, None] > values).sum(dim=1)
    return below + (values[:, None] == values).sum(dim=1) / 2

figure, ax = plt.subplots()
ax.plot(down, losses, "o", color=BLUE, alpha=0.6)
ax.plot(0, losses.min(), "o", color=ORANGE, label="the minimum")
ax.set(xlabel="directions that lead down", ylabel="loss",
       xticks=range(0, 21, 5))
ax.legend()
order = torch.randperm(56, generator=generator)
rank = torch.stack([ranks(losses), ranks(down), ranks(losses)[order]])
rank = torch.corrcoef(rank.double())
claim("the rank correlation of loss and directions down", rank[0, 1],
      at_least=0.9, baseline={"losses shuffled": rank[2, 1]})

# %% [markdown]
# One minimum, and it is global: keep the two largest. In every other place,
# exchanging a kept direction for a better one leads down. And the picture has
# a shape: *high places have many ways down; those with few lie low*.
#
# Does descent find its way past the saddles? Start with tiny weights, next to
# the highest one.

# %% figure="trained" alt="Loss of the linear autoencoder against steps, five runs from tiny weights. Each run is a staircase: it stays level at the grey line of a saddle, falls, stays level at the next, and ends at the lowest line, the minimum."
def descend(seed, lr=0.06, num_steps=900):
    generator = torch.Generator().manual_seed(seed)
    weights = 1e-6 * torch.randn(40, generator=generator)  # (40,)
    history = []
    for _ in range(num_steps):
        slope, loss = torch.func.grad_and_value(missed)(weights)
        weights = weights - lr * slope  # (40,)
        history.append(loss.item())
    return history

runs = [descend(seed) for seed in range(5)]
figure, ax = plt.subplots()
for kept in (0, 1, 2):
    ax.axhline(spread[:10 - kept].sum(), color=GREY, linewidth=0.8)
for run in runs:
    ax.plot(run, color=BLUE, linewidth=1.2)
ax.set(xlabel="steps", ylabel="loss", xscale="log")
lowest, second = losses.sort().values[:2].tolist()
claim("what each run still lies above the minimum",
      [run[-1] / lowest - 1 for run in runs], at_most=0.005,
      baseline={"the lowest saddle": second / lowest - 1}, unit="%")

# %% [markdown]
# A saddle does not trap, it *delays*: near it the slope is small, and the walk
# waits on the stairs ([Saxe and others 2014](cite:saxe2014) solve the curve).
#
# ## What is proved, and for what
#
# - **Random Gaussian matrices**: all eigenvalues positive has a chance that
#   falls like $3^{-N^2/4}$; calculated, with the methods of physics, by
#   [Dean & Majumdar 2006](cite:dean2006).
# - **Random Gaussian landscapes**, the Gaussian processes on the slide of
#   [Carbonnelle 2016](cite:carbonnelle2016): the height of a critical point
#   and its share of directions down go together, so minima lie near the
#   bottom; calculated for large $N$ by [Bray & Dean 2007](cite:bray2007).
# - **Linear autoencoders**: no bad minimum, for any size; proved by
#   [Baldi & Hornik 1989](cite:baldi1989). Our picture illustrates a theorem.
#   It says nothing about ReLU.
# - **Networks in use**: *observed only*.
#   [Dauphin and others 2014](cite:dauphin2014) looked for critical points of
#   small networks on images and found the same shape: loss and share of
#   directions down rise together. A network's Hessian is not a random Gaussian
#   matrix, so the first two results are a reason to look, and no proof.
#
# ## At full size
#
# The rules stay as they are; only the batch grows, to what fills the GPU, and
# the schedule starts with a short warm-up. With a few hundred patients you
# could afford batch steps. With a million images the first such step alone
# would read them all.
# Chapter 8 of [Goodfellow, Bengio & Courville 2016](cite:goodfellow2016) has
# the rest.
#
# ## Recap
#
# You can now
#
# - **choose**: mini-batches, since noise falls only with $\sqrt B$, and
#   **predict** that noise;
# - **write** five rules that agree with `torch.optim` to the last digits;
# - **explain**: a valley costs $\kappa$ steps, with momentum $\sqrt\kappa$;
#   Adam mends only valleys along the axes;
# - **schedule**: start high, end at zero;
# - **retell**: minima are rare among *random* critical points, a linear
#   autoencoder has a single minimum value; for other networks it is observed.
#
# **When to use what?** Begin with Adam at $\eta = 10^{-3}$ and a cosine
# schedule. If you can afford a search, try SGD with momentum too. For two
# weights and a bowl, use the closed form.
#
# **Further reading.** The lectures behind this lesson are
# [Krippahl](cite:krippahl) (online against batch) and
# [Carbonnelle 2016](cite:carbonnelle2016) (mini-batches, high dimension).
# [Bottou, Curtis & Nocedal 2018](cite:bottou2018) is the review to read next.
#
# All this only makes the *training* loss small. What of patients nobody has
# seen? That is the
# [next lesson](lesson:03b_generalisation_and_tricks).
