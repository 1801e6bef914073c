# %% [markdown]
# # Stochastic gradient descent
#
# Ask every patient before each step, and you walk a straight path slowly. Ask
# one at a time, and you run, staggering. All of deep learning is trained
# between these two. In this lesson you build the five rules that do the work,
# check each against PyTorch step by step, and then ask why walking downhill
# seldom gets stuck when there are a million directions.
#
# After this lesson you can
#
# - **choose** between online, mini-batch and batch steps, and **predict** the
#   noise of each;
# - **write** momentum, Nesterov, RMSprop and Adam from memory;
# - **explain** why narrow valleys are slow, and what each rule does about it;
# - **schedule** the learning rate;
# - **retell** what is proved about saddle points, what is calculated, and what
#   is only observed.
#
# It takes a minute on a laptop and downloads nothing. You need gradient
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
# Each method below gets the same **budget** of plain steps: five passes over
# the patients, or **epochs**, each in a new order. A *batch* step averages the
# gradient over all patients, a *mini-batch* step over 16, an *online* step
# takes one. Patients left over at the end of a pass sit out, as in `train`, so
# that all batches are alike. (Batch and online are the two that
# [Krippahl](cite:krippahl) compares.)

# %%
import matplotlib.pyplot as plt
import torch

from deepcourse import repro
from deepcourse.claims import claim
from deepcourse.data import load_diabetes
from deepcourse.plot import BLUE, GREEN, GREY, ORANGE

device = repro.device()
torch.set_default_dtype(torch.float64)  # double precision: sharp checks
data = load_diabetes().standardized(targets=True).to(device)
X, y = data.X_train[:, [4, 5]], data.y_train  # (batch, 2), (batch, outputs)
start = torch.tensor([[-0.5], [1.7]]).to(device)  # (features, outputs)

def gradient(theta, rows=slice(None)):
    misses = X[rows] @ theta - y[rows]  # (batch, outputs)
    return 2 * X[rows].T @ misses / len(misses)  # (features, outputs)


# %%
def walk(batch_size, lr, num_epochs, seed=0, theta=start):
    generator = torch.Generator().manual_seed(seed)
    path, full = [theta], len(X) - len(X) % batch_size
    for _ in range(num_epochs):
        order = torch.randperm(len(X), generator=generator)  # (batch,)
        for rows in order[:full].split(batch_size):  # (batch,)
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
    grid = torch.cartesian_prod(side, side).to(device)  # (points, features)
    heights = excess(grid).reshape(89, 89).T.cpu()  # (rows, rows)
    ax.contour(side, side, heights, [0.03, 0.3, 3],
               colors=GREY, linewidths=0.7)
    ax.plot(*best.cpu(), "+", color=GREY, markersize=9)
    ax.set(xlim=(-1.6, 1.2), ylim=(-1.2, 2), aspect="equal")


# %% [markdown]
# Each method gets the best rate of a small grid, by its mean excess over five
# shuffles. We judge on ten others. **Predict:** with the budget spent, who is
# nearest to the bottom, marked +?
#
# <details><summary><b>Answer</b></summary>
#
# Online, on the mean, closely followed by mini-batch; batch is far behind, at
# its best rate too. It takes only five steps, mini-batch 80, online 1,325.
# Many rough steps beat a few exact ones. Yet we choose mini-batches: hardware
# computes 16 gradients in about the time of one, so an online pass takes many
# times longer.
#
# </details>

# %% figure="exact" alt="Three contour plots of one long, narrow, slanted valley. The batch path makes five zigzags and stays far from the bottom, the mini-batch path drops into the valley and follows it with small jitter to near the bottom, the online path gets there too, with finer jitter."
def mean_excess(batch_size, lr, seeds):
    ends = [excess(walk(batch_size, lr, 5, seed)[-1:]) for seed in seeds]
    return torch.cat(ends).mean().item()

GRIDS = {"batch": (len(X), (0.1, 0.2, 0.4, 0.5)),
         "mini-batch": (16, (0.05, 0.1, 0.15, 0.2)),
         "online": (1, (0.005, 0.01, 0.02))}
RUNS = {name: (size, min(grid, key=lambda lr: mean_excess(size, lr, range(5))))
        for name, (size, grid) in GRIDS.items()}

figure, axes = plt.subplots(1, 3, sharey=True, figsize=(5.0, 2.4))
for ax, (name, (size, lr)) in zip(axes, RUNS.items(), strict=True):
    path = walk(size, lr, num_epochs=5)
    print(f"{name}: rate {lr}, {len(path) - 1:,} steps")
    draw_valley(ax)
    ax.plot(*path.T.cpu(), color=BLUE, linewidth=0.9)
    ax.set(title=name, xlabel="cholesterol", xticks=[-1, 0, 1])
axes[0].set_ylabel("weight of LDL")
ends = {name: mean_excess(*run, range(5, 15)) for name, run in RUNS.items()}
full = {"batch": ends.pop("batch")}
for name, end in ends.items():
    claim(f"the mean excess loss of {name} after five epochs", end,
          at_most=0.05, baseline=full)

# %% [markdown]
# In symbols, with a mini-batch $\mathcal B$ of $B$ examples,
#
# $$\theta \leftarrow \theta - \frac{\eta}{B} \sum_{i \in \mathcal B}
# \nabla L_i(\theta).$$
#
# (A slide of [Carbonnelle 2016](cite:carbonnelle2016) prints a plus here. Read
# a minus.) It is **stochastic** gradient descent, SGD, because chance picks
# the batch. [Robbins & Monro 1951](cite:robbins1951) showed that such steps
# arrive if the rates fall just fast enough: $\sum_t \eta_t = \infty$ and
# $\sum_t \eta_t^2 < \infty$.
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
sigma2 = ((G - g) ** 2).sum(dim=1).mean().item()
sizes = torch.tensor([1, 2, 4, 8, 16, 32, 64, 128, 256])
theory = (sigma2 / sizes * (N - sizes) / (N - 1)).sqrt()
generator = torch.Generator().manual_seed(0)
orders = torch.rand(5000, N, generator=generator).argsort(dim=1).to(device)

def measure(B):
    means = G[orders[:, :B]].mean(dim=1)  # (_, features)
    return ((means - g) ** 2).sum(dim=1).mean().sqrt()  # ()

noise = torch.stack([measure(B) for B in sizes]).cpu()
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
# The slope is minus one half: four times the work buys *half* the noise. Past
# some size a larger batch is mostly wasted, except that a GPU may do it in the
# same time.
#
# ## The valley sets the pace
#
# Near a minimum the loss is a bowl with Hessian $H$. Write the distance from
# the bottom along its eigenvectors. A batch step multiplies part $i$ by
# $1 - \eta\lambda_i$, and nothing else happens:
#
# - it **blows up** unless $\eta < 2/\lambda_{\max}$: the steepest direction
#   sets the limit;
# - at $\eta = 1/\lambda_{\max}$ the flattest direction loses the share
#   $\lambda_{\min}/\lambda_{\max}$ per step: the **condition number**
#   $\kappa = \lambda_{\max}/\lambda_{\min}$ says how many steps you need.

# %%
low, high = torch.linalg.eigvalsh(H).tolist()
print(f"eigenvalues {low:.3f} and {high:.2f}, condition {high / low:.0f}")
print(f"limit of the learning rate: {2 / high:.3f}")
below, above = (excess(walk(N, lr, 100)[-1:]) for lr in (0.51, 0.53))
claim("the excess loss after 100 batch steps at rate 0.53", above,
      at_least=10, baseline={"at rate 0.51": below})

# %% [markdown]
# A hair above the limit, and
# [the walk explodes](demo:playground#too-fast). That is the most common
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
# So when you add momentum, start from the rate $\eta(1-\beta)$.
#
# [Nesterov 1983](cite:nesterov1983) looks ahead: the walker $\varphi$ will
# coast by $-\eta\beta v$ anyway, so measure the gradient *there*, at
# $\theta = \varphi - \eta\beta v$. For constant $\eta, \beta$, exactly:
#
# $$v' = \beta v + \nabla L(\theta), \qquad
# \varphi' = \varphi - \eta v' = \theta + \eta\beta v - \eta v'
# = \theta - \eta\nabla L(\theta),$$
# $$\theta' = \varphi' - \eta\beta v'
# = \theta - \eta\,(\nabla L(\theta) + \beta v').$$
#
# PyTorch stores $\theta$, the looked-ahead place
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
        ax.plot(*path.T.cpu(), color=color, linewidth=1.2,
                label=f"{name}\nends at {left:.1g}")
    ax.set(xlabel="weight of cholesterol", ylabel="weight of LDL")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))

plot_paths()

# %% [markdown]
# "Ends at" is the excess loss. Play: find the rate at which each path
# explodes, and the momentum that overshoots up and down the valley. With
# momentum you may go *above* the limit of plain descent. Why?
#
# <details><summary><b>Answer</b></summary>
#
# Across the valley the old velocity points against the new gradient and
# brakes. The limit becomes $2(1+\beta)/\lambda_{\max}$, up to twice as high.
#
# </details>

# %% explore=true
from deepcourse.widgets import explore

explore(plot_paths, lr=(0.05, 1.1, 0.05), beta=(0.0, 0.95, 0.05),
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
    curve = torch.tensor([[1.0], [kappa]]).to(device)  # (features, outputs)
    theta, state = torch.ones_like(curve), {}
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
# momentum not even four times: $\kappa$ against $\sqrt\kappa$, but only with
# the optimal $\eta$ and $\beta$. In life nobody knows the eigenvalues;
# $\beta = 0.9$ is the usual guess.
#
# ## A rate for each weight
#
# Another cure: give each weight its own rate. **RMSprop**
# ([Tieleman & Hinton 2012](cite:tieleman2012)) divides by a running root mean
# square of that weight's gradients, so that steep and flat weights take steps
# of the same size:
#
# $$s \leftarrow \alpha s + (1-\alpha) (\nabla L)^2, \qquad
# \theta \leftarrow \theta - \eta\, \frac{\nabla L}{\sqrt{s} +
# \varepsilon}.$$
#
# **Adam** ([Kingma & Ba 2015](cite:kingma2015)) does so with a running mean
# $m$ in place of the gradient, which is momentum. Both averages start at zero.
# Too small an $m$ shortens the first steps, too small an $s$ lengthens them:
# RMSprop's first is ten times too long with $\alpha = 0.99$. Adam divides
# both by $1-\beta^t$ at step $t$:
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
# *every* step. Each gets a near miss as its baseline, to show that the test
# can fail: RMSprop with $\varepsilon$ inside the root, Adam uncorrected.

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

def inside(theta, dtheta, state, lr, alpha=0.99, eps=1e-8):
    state["s"] = alpha * state.get("s", 0) + (1 - alpha) * dtheta**2
    return theta - lr * dtheta / (state["s"] + eps).sqrt()

def uncorrected(theta, dtheta, state, lr):
    state["m"] = 0.9 * state.get("m", 0) + 0.1 * dtheta
    state["s"] = 0.999 * state.get("s", 0) + 0.001 * dtheta**2
    return theta - lr * state["m"] / (state["s"].sqrt() + 1e-8)

SGD, RMSprop, Adam = torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adam
for rule, near_miss, optimizer_class, settings in [
        (sgd, momentum, SGD, {}), (momentum, nesterov, SGD, {"momentum": 0.9}),
        (nesterov, momentum, SGD, {"momentum": 0.9, "nesterov": True}),
        (rmsprop, inside, RMSprop, {}), (adam, uncorrected, Adam, {})]:
    miss = largest_gap(near_miss, optimizer_class, **settings)
    claim(f"the largest gap of {rule.__name__} to torch in 100 steps",
          largest_gap(rule, optimizer_class, **settings),
          at_most=1e-12, baseline={near_miss.__name__: miss})


# %% [markdown]
# All five are PyTorch's, to the last digits. In your own work you write the
# three lines `zero_grad`, `backward`, `step`, and change one word to change
# the rule.
#
# Is a rate for each weight the cure for valleys? **Predict:** take one valley
# along an axis, and the same valley turned halfway to the other axis. Each
# rule gets its best rate. Whom does turning cost, Adam or momentum?
#
# <details><summary><b>Answer</b></summary>
#
# It costs Adam. Momentum cannot tell: turn the picture, and the path turns
# with it, at every rate. Adam scales along the axes only. In the turned valley
# both weights see gradients of about the same size, so both get about the same
# rate, and the advantage is gone.
#
# </details>

# %%
flat = torch.tensor([1.0, 1000.0]).diag().to(device)  # (features, features)
starts = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))

def share_left(rule, R, lr, num_steps=300, **settings):
    bowl, theta, state = R @ flat @ R.T, R @ starts.to(device), {}
    first = (bowl @ theta * theta).sum(dim=0)  # (points,)
    for _ in range(num_steps):
        theta = rule(theta, bowl @ theta, state, lr, **settings)
    last = (bowl @ theta * theta).sum(dim=0)  # (points,)
    return (last / first).log().mean().exp().item()


# %% figure="trained" alt="Share of the loss left after 300 steps against the learning rate, logarithmic axes. Momentum falls to about 1e-14 on one and the same curve in both valleys. Adam along an axis falls about as low at rates above 0.01. In the turned valley it stays far higher at these rates; with a shorter memory it falls lower at rates from 0.01 to 0.1 and rises again."
turns = [torch.eye(2), torch.tensor([[0.5, 0.5], [-0.5, 0.5]]) * 2**0.5]
turns = [R.to(device) for R in turns]
coast = [1e-4, 3e-4, 1e-3, 2e-3, 3e-3, 3.5e-3]
rates = [3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
axis, turned = ([share_left(adam, R, lr) for lr in rates] for R in turns)
both = [[share_left(momentum, R, lr) for lr in coast] for R in turns]
short = [share_left(adam, turns[1], lr, betas=(0.9, 0.9)) for lr in rates]
figure, ax = plt.subplots()
ax.loglog(coast, both[0], "o-", color=BLUE, label="momentum, both")
ax.loglog(coast, both[1], "o-", color=BLUE)
ax.loglog(rates, axis, "o-", color=ORANGE, label="Adam, axis")
ax.loglog(rates, turned, "o-", color=GREEN, label="Adam, turned")
ax.loglog(rates, short, "o--", color=GREEN,
          label=r"Adam, turned, $\beta_2 = 0.9$")
ax.set(xlabel="learning rate", ylabel="share of the loss left")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize="small")
claim("what Adam leaves in the turned valley at its best rate", min(turned),
      at_least=1e-8, baseline={"along an axis": min(axis),
                               "momentum, turned": min(both[1])})
claim("what it leaves at rate 0.01 with a short memory", short[1],
      at_most=1e-4, baseline={"with the usual memory": turned[1]})

# %% [markdown]
# Each at its best rate, turning the valley costs Adam much and momentum
# nothing. (Shares are geometric means over eight random starts.) At lower
# rates the stall in the turned valley is mostly memory: the usual $\beta_2$
# keeps the first, steep gradients in $s$ for hundreds of steps. The short one
# forgets them. At high rates it does worse.
#
# So Adam mends one kind of ill-conditioning, weights on different scales, more
# than the other, weights that pull together. In networks scales differ: of
# layers, of rare features. That is one reason given for its popularity. On
# several tasks [Wilson and others 2017](cite:wilson2017) found that SGD with
# momentum generalised better.
#
# ## Let the rate fall
#
# With a constant rate,
# [SGD never comes to rest](demo:playground#restless): near the bottom the
# gradient vanishes, but its noise does not, unless every example is fitted. A
# high rate arrives fast and trembles, a low rate is calm and late. So start
# high and let it fall. The **cosine** schedule ([Loshchilov & Hutter
# 2017](cite:loshchilov2017)) goes from $\eta_0$ to 0 in $T$ steps: $\eta_t =
# \frac{\eta_0}{2}\left(1 + \cos\frac{\pi t}{T}\right)$. **Predict:** sketch
# the three curves of the loss before you look.

# %%
from math import cos, pi

def anneal(schedule, seed, num_epochs=20, batch_size=16):
    generator = torch.Generator().manual_seed(seed)
    full = len(X) - len(X) % batch_size
    num_steps = num_epochs * (full // batch_size)
    theta, path = start, [start]
    for _ in range(num_epochs):
        order = torch.randperm(len(X), generator=generator)  # (batch,)
        for rows in order[:full].split(batch_size):
            lr = schedule((len(path) - 1) / num_steps)
            theta = theta - lr * gradient(theta, rows)  # (features, outputs)
            path.append(theta)
    return excess(torch.cat(path, dim=1).T).cpu()  # (points,)

SCHEDULES = {"high, 0.2": lambda share: 0.2, "low, 0.02": lambda share: 0.02,
             "cosine from 0.2": lambda share: 0.1 * (1 + cos(pi * share))}


means = {name: sum(anneal(schedule, seed) for seed in range(10)) / 10
         for name, schedule in SCHEDULES.items()}

# %% figure="exact" alt="Excess loss after every second epoch on a logarithmic axis, mean of ten runs for each schedule. The high rate falls at once and then jumps about near a few hundredths, the low rate falls slowly and smoothly, the cosine schedule first falls with the high rate and at the end lies more than a hundred times lower than both."
figure, ax = plt.subplots()
for name, mean in means.items():
    ax.semilogy(range(0, 21, 2), mean[::32], label=name)
ax.set(xlabel="epoch", ylabel="excess loss", xticks=range(0, 21, 5))
ax.legend()
ends = {name: means[name][-1] for name in SCHEDULES}
falling = ends.pop("cosine from 0.2")
claim("the mean excess loss that the cosine schedule leaves", falling,
      at_most=1e-3, baseline=ends)

# %% [markdown]
# Batch size and rate work together: near the bottom the noise falls with a
# larger batch *or* a smaller rate. For small rates, half the rate and twice
# the batch tremble about alike: start at the bottom and measure. And the
# library has the schedule; compare the rate at each step.

# %%
def tremble(batch_size, lr, seed):
    path = walk(batch_size, lr, 40, seed, theta=best)  # (points, features)
    return excess(path).mean().item()

pairs = [(tremble(8, 0.01, seed), tremble(16, 0.02, seed))
         for seed in range(3)]
claim("how far twice the batch differs from half the rate",
      [abs(twice / half - 1) for half, twice in pairs], at_most=0.3, unit="%",
      baseline={"neither": tremble(8, 0.02, 0) / pairs[0][0] - 1})

# %%
weight = torch.zeros(1, requires_grad=True)  # (1,)
optimizer = torch.optim.SGD([weight], lr=0.2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=320)
for step in range(320):
    ours = SCHEDULES["cosine from 0.2"](step / 320)
    assert abs(optimizer.param_groups[0]["lr"] - ours) < 1e-12
    optimizer.step()
    scheduler.step()
print("CosineAnnealingLR gives the same rate at each of 320 steps")

# %% [markdown]
# ## A million directions: why it seldom gets stuck
#
# So far the loss was a bowl. A network's is not, and you may fear a bad
# *local minimum* behind each hill. At a place with zero gradient look at the
# $N$ eigenvalues of the Hessian. One negative, and there is a way down: a
# **saddle**. So a minimum needs none negative, and all positive is enough.
#
# If each sign were a fair coin, all would be positive with probability
# $2^{-N}$. For a symmetric Gaussian matrix of *independent* entries it is
# rarer, since its eigenvalues repel each other.
# [Dean & Majumdar 2006](cite:dean2006) calculate
#
# $$P(\text{all positive}) \approx e^{-\frac{\ln 3}{4} N^2} = 3^{-N^2/4}
# \qquad \text{for large } N,$$
#
# up to factors that fall more slowly. Throw the dice: a million matrices of
# each size. (A positive matrix has a positive diagonal; that sorts out most of
# them cheaply. Cholesky's factorisation works exactly for positive ones.)

# %%
def share_positive(N, generator, num_matrices=1_000_000):
    A = torch.randn(num_matrices, N, N, generator=generator)
    A = A[(A.diagonal(dim1=1, dim2=2) > 0).all(dim=1)]  # (_, rows, rows)
    positive = torch.linalg.cholesky_ex(A + A.mT).info == 0
    return positive.sum().item() / num_matrices

generator = torch.Generator().manual_seed(0)
sizes = torch.arange(1, 6)
shares = torch.tensor([share_positive(N, generator) for N in sizes])
print("sizes 1, 2, 3:", [f"{share:.2g}" for share in shares[:3]])

# %% figure="exact" alt="Share of matrices with all eigenvalues positive against matrix size on a logarithmic axis. Dots fall from one half at size one to about one in ten thousand at size five. They bend downwards, from size two on ever farther below the straight line for fair coins, and bend as much as the dashed curve of the theory, which lies above them."
figure, ax = plt.subplots()
fine = torch.linspace(1, 5, 81)  # (points,)
ax.semilogy(sizes, shares, "o", color=ORANGE, label="a million matrices each")
ax.semilogy(fine, 0.5**fine, color=GREY, label="fair coins")
ax.semilogy(fine, 3 ** (-(fine**2) / 4), "--", label="$3^{-N^2/4}$")
ax.set(xlabel="size N", ylabel="share all positive", xticks=sizes)
ax.legend()
bend, wanted = shares.log().diff().diff(), -torch.tensor(3.0).log() / 2
claim("the bends' distance from theory", (bend[:2] - wanted).abs().max(),
      at_most=0.1, baseline={"fair coins, no bend": wanted.abs()})

# %% [markdown]
# The dots lie below the formula: slower factors are left out. What can be
# compared at small $N$ is how the logarithm *bends*: its second difference is
# $-\frac{\ln 3}{2}$ for an $N^2$ law, whatever straight line is added. The
# first two bends agree within noise. That supports the law and proves nothing,
# for a term in $\ln N$ would not drop out. $N = 5$ is left out: a hundred or
# so positive matrices are too few for a bend.
#
# > **Note.** Do not carry this to landscapes. At a critical point of a random
# > Gaussian *landscape* the Hessian also has a random shift, common to all its
# > eigenvalues, and places count with weight $|\det H|$. There minima are a
# > share of about $2^{-N}$ for small $N$ and $e^{-cN}$ for large: rare, but
# > far less so ([Easther, Guth & Masoumi 2016](cite:easther2016)).
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
    rest = torch.eye(10, device=device) - W1 @ W2  # (features, features)
    return ((C @ rest) * rest).sum()  # ()

places = []
choices = [kept for k in range(3) for kept in combinations(range(10), k)]
for kept in choices:
    W1 = torch.zeros(10, 2).to(device)  # (features, hidden)
    W1[:, :len(kept)] = U[:, list(kept)]
    places.append(torch.cat([W1.flatten(), W1.T.flatten()]))
print(f"{1} + {10} + {10 * 9 // 2} = {len(places)} places")

# %% [markdown]
# Are they critical? Ask torch for the gradient at each. Then ask for the
# Hessian, and count its negative eigenvalues: directions that lead down. The
# count can be foretold: one for each kept direction and each better one left
# out, and for each unused number of the code all directions left out.

# %%
slope = torch.func.vmap(torch.func.grad(missed))
places = torch.stack(places)  # (points, _)
claim("the largest slope at these places", slope(places).abs().max(),
      at_most=1e-10,
      baseline={"a step of 0.01 away": slope(places + 0.01).abs().max()})
hessians = torch.func.vmap(torch.func.hessian(missed))(places)
curves = torch.linalg.eigvalsh(hessians)  # (points, _)
down = (curves < -1e-6).sum(dim=1).cpu()
losses = torch.func.vmap(missed)(places).cpu()  # (points,)

def foretold(kept):
    better = sum(i < j and j not in kept for i in kept for j in range(10))
    return better + (2 - len(kept)) * (10 - len(kept))

assert down.tolist() == [foretold(kept) for kept in choices]
level = (curves[losses.argmin()].abs() < 1e-6).sum()  # ()
print(f"{len(down)} critical points, {(down == 0).sum()} minimum")
print(f"there {level} eigenvalues are zero")

# %% figure="exact" alt="Fifty-six dots: loss against the number of directions that lead down, in two branches. Blue dots, which keep the first principal direction, lie low, from the minimum at zero directions to one dot with nine. Orange dots, which do not, lie higher, from two directions to twenty at the top. Within each branch the loss rises on the whole."
first = torch.tensor([9 in kept for kept in choices])
figure, ax = plt.subplots()
ax.plot(down[first], losses[first], "o", color=BLUE, alpha=0.6,
        label="first direction kept")
ax.plot(down[~first], losses[~first], "o", color=ORANGE, alpha=0.6,
        label="not kept")
ax.set(xlabel="directions down", ylabel="loss", xticks=range(0, 21, 5))
ax.legend()
two, nine = losses[~first & (down == 2)], losses[first & (down == 9)]
print(f"2 ways down: {two.item():.1f}, 9 ways down: {nine.item():.1f}")

# %% [markdown]
# One minimum, and it is global: keep the two largest. Four of its eigenvalues
# are zero, for the change of basis costs nothing. In every other place,
# exchanging a kept direction for a better one, or adding one, leads down. *On
# the whole higher places have more ways down*, but there are two branches, and
# a dot with 2 ways down lies above one with 9. That the two rise together is
# nearly built in, since the ranks of the kept directions fix the count.
#
# Does descent find its way past the saddles? Start with tiny weights, next to
# the highest one.

# %% figure="trained" alt="Loss of the linear autoencoder against steps, five runs from tiny weights. Each run is a staircase: it stays level at the grey line of a saddle, falls, stays level at the next, and ends at the lowest line, the minimum. A dotted line marks the lowest saddle, just above the minimum; one run waits there too."
def descend(seed, lr=0.06, num_steps=900):
    generator = torch.Generator().manual_seed(seed)
    weights = 1e-6 * torch.randn(40, generator=generator).to(device)  # (40,)
    history = []
    for _ in range(num_steps):
        slope, loss = torch.func.grad_and_value(missed)(weights)
        weights = weights - lr * slope  # (40,)
        history.append(loss.item())
    return history

runs = [descend(seed) for seed in range(5)]
figure, ax = plt.subplots()
for kept in (0, 1, 2):
    ax.axhline(spread[:10 - kept].sum().item(), color=GREY, linewidth=0.8)
lowest, second = losses.sort().values[:2].tolist()
ax.axhline(second, color=GREY, linewidth=0.8, linestyle=":")
for run in runs:
    ax.plot(run, color=BLUE, linewidth=1.2)
ax.set(xlabel="steps", ylabel="loss", xscale="log")
print(f"minimum {lowest:.2f}, lowest saddle (dotted) {second:.2f}")
claim("what each run still lies above the minimum",
      [run[-1] / lowest - 1 for run in runs], at_most=0.005,
      baseline={"the lowest saddle": second / lowest - 1}, unit="%")

# %% [markdown]
# A saddle does not trap, it *delays*: near it the slope is small, and the walk
# waits on the stairs. Just above the minimum lies the dotted saddle,
# which keeps the third direction for the second. Runs that pass near it
# wait there once more. [Saxe and others 2014](cite:saxe2014) solve the curve
# for a cleaner case: gradient flow from starts in which the directions do not
# mix.
#
# ## What is proved or calculated, and for what
#
# - **Random Gaussian matrices** of independent entries: the chance that all
#   eigenvalues are positive falls like $3^{-N^2/4}$; calculated, with the
#   methods of physics, by [Dean & Majumdar 2006](cite:dean2006).
# - **Random Gaussian landscapes**, the Gaussian processes on the slide of
#   [Carbonnelle 2016](cite:carbonnelle2016): the height of a critical point
#   and its share of directions down go together, so minima lie near the
#   bottom; mean numbers, calculated for isotropic fields and large $N$ by
#   [Bray & Dean 2007](cite:bray2007).
# - **Linear autoencoders**: no bad minimum; proved by
#   [Baldi & Hornik 1989](cite:baldi1989) for an invertible covariance with
#   distinct eigenvalues, a code no wider than the input and no bias. It says
#   nothing about ReLU.
# - **Descent**: from almost every start, descent with a small rate does not
#   end in a given *strict* saddle, one with a negative eigenvalue; proved by
#   [Lee and others 2016](cite:lee2016) for smooth losses. Getting away may
#   take exponentially long ([Du and others 2017](cite:du2017)).
# - **Small ReLU networks**: bad minima exist; proved by
#   [Safran & Shamir 2018](cite:safran2018).
# - **Networks in use**: *observed only*.
#   [Dauphin and others 2014](cite:dauphin2014) searched small networks for
#   critical points and saw loss and share of directions down rise together.
#   [Frye and others 2021](cite:frye2021) found that such searches often return
#   regions where the gradient is merely flat, and no critical points.
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
# - **choose**: mini-batches, since hardware does many examples at once and
#   noise falls only with $\sqrt B$, and **predict** that noise;
# - **write** five rules that agree with `torch.optim` to the last digits;
# - **explain**: a valley costs $\kappa$ steps, with optimal momentum
#   $\sqrt\kappa$; turning it costs Adam, and momentum nothing;
# - **schedule**: start high, end at zero;
# - **retell**: positive *independent* random matrices are rare, a linear
#   autoencoder has a single minimum value, descent almost never ends in a
#   strict saddle, ReLU networks can have bad minima; for networks in use the
#   shape is observed.
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
