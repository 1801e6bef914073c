# %% [markdown]
# # Learning without learning by heart
#
# A network that makes no mistake on the pictures it has seen may have learnt
# digits, or may have learnt the pictures. In this lesson you catch one in the
# act: you watch it learn even the *wrong* labels, to the last one. Then you
# try four cures, and four tricks that make training work at all, and measure
# each.
#
# After this lesson you can
#
# - **write** softmax and cross-entropy so that they never overflow, and
#   **derive** their gradient;
# - **recognise** overfitting from two curves;
# - **apply** early stopping, weight decay, dropout and augmentation, and
#   **measure** what each brings;
# - **prepare** a network: scale inputs, draw weights, normalise, search the
#   rate;
# - **look** inside: weights as pictures, signals from layer to layer.
#
# It takes about a minute on a laptop and downloads nothing. You come from
# [the lesson on gradient descent](lesson:03_stochastic_gradient_descent).
# Symbols are in the [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## Ten answers at once
#
# Here are handwritten digits, 8 by 8 pixels each: the 1,797 that [Alpaydin &
# Kaynak 1998](cite:alpaydin1998) kept for testing, by 13 of their 43 writers.
# They are dealt at random, so each hand appears in training and in test, and
# every test error below flatters: a new hand is harder.
#
# Which digit is it? A model answers with ten numbers, one a class, the
# **logits** $z$. The **softmax** turns them into probabilities:
#
# $$\mathrm{softmax}(z)_i = \frac{e^{z_i}}{\sum_j e^{z_j}}.$$
#
# [Winther 2018](cite:winther2018) names its two nice properties: no entry is
# negative, and they sum to 1. A third one matters just as much: adding the
# same number to all logits changes nothing.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from deepcourse import repro
from deepcourse.claims import claim
from deepcourse.data import load_diabetes, load_digits
from deepcourse.plot import BLUE, GREEN, GREY, ORANGE
from deepcourse.reproduce import recorded
from deepcourse.training import train

device = repro.device()
SPLITS = [load_digits(seed).to(device) for seed in range(5)]  # five deals

def naive_softmax(z):
    return z.exp() / z.exp().sum(dim=1, keepdim=True)  # (batch, classes)

small = torch.tensor([[1.0, 2.0, 3.0]]).to(device)  # (batch, classes)
for shift in (0, 5, 100):
    answer = naive_softmax(small + shift)[0]  # (classes,)
    shown = [f"{p:.2f}".replace("nan", "not a number") for p in answer]
    print(f"shift {shift:3}:", *shown, sep="  ")


# %% [markdown]
# A shift by 5 is harmless. After a shift by 100 the answer is *not a number*,
# `nan` in Python: $e^{100}$ is infinite in single precision, and infinity over
# infinity has no value. You will meet it again. The third property is the way
# out. Subtract the largest logit first; then the largest term is $e^0$. The
# same trick tames the **log-sum-exp**, $\ln\sum_j e^{z_j} = m + \ln\sum_j
# e^{z_j - m}$ with $m = \max_j z_j$.
#
# You need it for the loss. **Cross-entropy** is the mean of
# $-\ln p_{\text{right}}$: how surprised the model is by the truth. In logits,
#
# $$L = \frac1N \sum_n \Big(\ln\sum_j e^{z_{nj}}
# - \sum_j y_{nj} z_{nj}\Big),$$
#
# where row $y_n$ has a 1 at the right digit. Probabilities never appear, so
# there is no logarithm of a rounded 0. The gradient takes two lines:
#
# $$\frac{\partial}{\partial z_i} \ln\sum_j e^{z_j}
# = \frac{e^{z_i}}{\sum_j e^{z_j}} = p_i, \qquad
# \frac{\partial}{\partial z_i} \sum_j y_j z_j = y_i.$$
#
# Hence $\partial L/\partial z_{nj} = (p_{nj} - y_{nj})/N$: *answer minus
# truth*, as for the line and for the single sigmoid.

# %%
def softmax(z):
    return naive_softmax(z - z.max(dim=1, keepdim=True).values)

def log_sum_exp(z):
    m = z.max(dim=1, keepdim=True).values  # (batch, 1)
    return m + (z - m).exp().sum(dim=1, keepdim=True).log()  # (batch, 1)

def surprise(z, y):
    return (log_sum_exp(z) - (y * z).sum(dim=1, keepdim=True)).mean()  # ()


# %%
z = (100 * torch.randn(50, 10)).to(device)  # (batch, classes)
y = torch.eye(10)[torch.randint(10, (50,))].to(device)  # (batch, classes)
z.requires_grad_()
cross_entropy(z, y).backward()
gap = ((softmax(z) - y) / len(z) - z.grad).abs().max()  # ()
claim("the gap of our gradient to torch, at logits of hundreds", gap,
      at_most=1e-6, baseline={"without truth": (y / len(z)).abs().max()})
clipped = -(y * softmax(z).clamp(min=1e-38).log()).sum(dim=1).mean()  # ()
gap, hack = ((loss / cross_entropy(z, y) - 1).abs()
             for loss in (surprise(z, y), clipped))
claim("the relative gap of our loss", gap, at_most=1e-5,
      baseline={"with clipped probabilities": hack})
naive = -(y * naive_softmax(z).log()).sum(dim=1).mean()  # ()
print("the loss as -ln p, by its name, is a number:", not naive.isnan())

# %% [markdown]
# **Softmax regression** is one linear layer under this loss. Each class owns
# 64 weights, one a pixel, so you can draw what it looks for. Train it by hand,
# with the gradient from above, on three splits.

# %% figure="trained" alt="Ten small pictures, the weights of softmax regression for the digits 0 to 9. Blue pixels speak for the digit and red ones against it; the zero has a red hole in its middle."
def softmax_regression(seed, lr=1.0, num_steps=300):
    data = SPLITS[seed]
    W1, b1 = torch.zeros(64, 10).to(device), torch.zeros(10).to(device)
    for _ in range(num_steps):
        probs = softmax(data.X_train @ W1 + b1)  # (batch, classes)
        dlogits = (probs - data.y_train) / len(probs)  # (batch, classes)
        W1 -= lr * data.X_train.T @ dlogits  # (features, classes)
        b1 -= lr * dlogits.sum(dim=0)  # (classes,)
    y_hat = (data.X_test @ W1 + b1).argmax(dim=1)  # (batch,)
    return W1, (y_hat != data.y_test.argmax(dim=1)).float().mean().item()

weights, linear = zip(*map(softmax_regression, range(3)), strict=True)
claim("the test error of softmax regression", linear, at_most=0.08,
      baseline={"always the same digit": 0.9}, unit="%")
figure, axes = plt.subplots(2, 5, figsize=(5.2, 2.4))
for digit, ax in enumerate(axes.flat):
    picture = weights[0][:, digit].view(8, 8).cpu()  # (8, 8)
    ax.imshow(picture, "RdYlBu", vmin=-2, vmax=2)
    ax.set(title=digit, xticks=[], yticks=[])

# %% [markdown]
# Ink on blue speaks for the digit, ink on red against it: hardly a zero has
# ink in its middle. Each picture is a stencil. Softmax regression lays it over
# the digit and adds up. It is a strong baseline, and it is all that one layer
# can do.
#
# ## A network that learns mistakes
#
# Now make it hard, as life is. There are only 200 training pictures, and a
# tired assistant labelled them: 40 got a label drawn by lot, which a few times
# is the right one. Validation and test labels are right. A network with 100
# hidden units could ignore the mistakes. **Predict:** will it? And what will
# the loss on the validation pictures do?
#
# <details><summary><b>Answer</b></summary>
#
# It learns every mistake by heart: nothing in the loss tells a wrong label
# from a right one. First it learns what digits look like, since that pays on
# many pictures at once, and the validation loss falls. Then it learns the
# mistakes, picture by picture, and the validation loss rises: the network
# becomes sure of wrong answers.
#
# </details>
#
# After each of 100 epochs, `fit` notes loss and error on four sets: training,
# validation, test, and the pictures with a *wrong* label. On these, an answer
# without error is a mistake learnt by heart.

# %%
def tired_labels(data, seed, drawn):
    generator = torch.Generator().manual_seed(seed)
    truth = data.y_train[:200]  # (batch, classes)
    y = truth.clone()  # (batch, classes)
    y[:drawn] = torch.eye(10)[
        torch.randint(10, (drawn,), generator=generator)].to(device)
    bad = (y != truth).any(dim=1)  # (batch,)
    return data.X_train[:200], y, bad

def evaluate(model, *sets):
    model.eval()
    with torch.no_grad():
        logits = [(model(X), y) for X, y in sets]
    return [(cross_entropy(z, y).item(),
             (z.argmax(dim=1) != y.argmax(dim=1)).float().mean().item())
            for z, y in logits]

print("really wrong among 40 of 200 labels, in five deals:",
      [tired_labels(SPLITS[k], k, 40)[2].sum().item() for k in range(5)])

def fit(seed, decay=0.0, dropout=0.0, change=None, drawn=40, extra=0):
    data = SPLITS[seed]
    X, y, bad = tired_labels(data, seed, drawn)
    sets = [(X, y), (data.X_val, data.y_val), (data.X_test, data.y_test),
            (X[bad], y[bad])]
    X = torch.cat([X, data.X_val[:extra]])  # (batch, features)
    y = torch.cat([y, data.y_val[:extra]])  # (batch, classes)
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(),
                          nn.Dropout(dropout), nn.Linear(100, 10)).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9,
                                weight_decay=decay)
    generator, history = torch.Generator().manual_seed(seed), []
    for _ in range(100):
        seen = change(X, generator) if change else X  # (batch, features)
        train(model.train(), seen, y, cross_entropy, optimizer,
              num_steps=len(X) // 50, batch_size=50, generator=generator)
        history.append(evaluate(model, *sets))
    return torch.tensor(history)  # (points, 4, 2)


# %% figure="trained" alt="Two graphs against epochs. Above, the training loss falls towards zero; the validation loss falls for about ten epochs to a dot that marks its lowest point, then rises well above it. Below, the share of wrong labels learnt stays low up to the dot and then climbs to one hundred per cent."
TRAIN, VAL, TEST, WRONG = range(4)
LOSS, ERROR = range(2)

def plot_curves(decay=0.0, dropout=0.0, seed=0):
    history = fit(seed, decay, dropout)
    epochs = range(1, len(history) + 1)
    stop = history[:, VAL, LOSS].argmin().item()
    learnt = 100 * (1 - history[:, WRONG, ERROR])  # (points,)
    _, (top, low) = plt.subplots(2, 1, figsize=(5.6, 4.4), sharex=True,
                                 height_ratios=[3, 2])
    top.plot(epochs, history[:, TRAIN, LOSS], color=GREY, label="training")
    top.plot(epochs, history[:, VAL, LOSS], color=BLUE, label="validation")
    low.plot(epochs, learnt, color=GREY)
    for ax, curve in ((top, history[:, VAL, LOSS]), (low, learnt)):
        ax.plot(stop + 1, curve[stop], "o", color=ORANGE, label="stop here")
    top.set(ylabel="loss", ylim=(0, 2.4))
    top.legend(ncols=3, loc="upper right", fontsize="small")
    low.set(xlabel="epoch", ylabel="wrong labels\nlearnt, %", ylim=(-5, 105))

plot_curves()

# %% [markdown]
# That is **overfitting**:
# [one curve goes down, the other turns](demo:playground#by-heart). The lower
# graph shows why. Up to the turn the network has learnt digits; most of the
# mistakes come after. And do not wonder that validation lies *below* training
# for a while: the training labels are partly wrong, the validation labels
# right.
#
# The training loss alone would have told you that all is well. Play with two
# of the cures before you read about them.

# %% explore=true
from deepcourse.widgets import explore

explore(plot_curves, decay=(0.0, 0.05, 0.005), dropout=(0.0, 0.9, 0.1),
        seed=(0, 4, 1))


# %% [markdown]
# ## Cure 1: stop early
#
# The cheapest cure: keep the weights from the epoch where the *validation*
# loss was lowest ([Prechelt 1998](cite:prechelt1998)). The verdict comes from
# the test pictures, which had no say. Each cure is tried on five deals. Here
# is the test loss with early stopping, divided by the one without.

# %%
def judge(histories, stop=False):
    ends = [h[h[:, VAL, LOSS].argmin() if stop else -1] for h in histories]
    return torch.stack(ends)  # (seeds, 4, 2)

plain = [fit(seed) for seed in range(5)]
end, early = judge(plain), judge(plain, stop=True)
claim("wrong labels learnt by the last epoch", 1 - end[:, WRONG, ERROR],
      at_least=0.9, baseline={"early": 1 - early[:, WRONG, ERROR]}, unit="%")
claim("early stopping: test loss over that without", at_most=0.9, baseline={
      "without": 1.0}, measured=early[:, TEST, LOSS] / end[:, TEST, LOSS])

# %% [markdown]
# ## Cure 2: weight decay
#
# Charge for weights, so that the network keeps only those which pay: add
# $\frac{\alpha}{2}\|\theta\|^2$ to the loss. Its gradient is $\alpha\theta$:
# each plain step also [shrinks every weight](demo:playground#weight-decay) by
# the factor $1 - \eta\alpha$, hence the name. [Krogh & Hertz
# 1992](cite:krogh1992) prove for linear networks what it does: it removes what
# the task does not need, and in the right dose it suppresses some of the noise
# in the *targets*. That is our case.
#
# ## Cure 3: dropout
#
# In each training step, silence each hidden unit with probability $q$ and
# multiply the others by $1/(1-q)$, so that the sum stays right on average.
# No unit can count on a certain other one being there, so it is harder for
# them to share a picture among them ([Srivastava and others
# 2014](cite:srivastava2014)). At test time all units work. That is what
# `model.train()` and `model.eval()` switch, and forgetting it is a classic
# mistake.

# %%
H1, q = torch.ones(1000, 100).to(device), 0.5  # (batch, hidden), ()
mask = (torch.rand(H1.shape) > q).float().to(device)  # (batch, hidden)
dropped = mask * H1 / (1 - q)  # (batch, hidden)
by_torch = nn.Dropout(q)(H1)  # (batch, hidden)
assert set(dropped.unique().tolist()) == set(by_torch.unique().tolist())
claim("the drift of the mean by dropout", (dropped.mean() - 1).abs(),
      at_most=0.05, baseline={"without the factor": (mask.mean() - 1).abs()})

# %% [markdown]
# Both cures have a dose. How large should it be? Try four of each, one of them
# zero, and choose by validation, for each deal anew.

# %%
def sweep(ax, name, doses):
    ends = torch.stack([end if dose == 0 else
                        judge([fit(seed, **{name: dose}) for seed in range(5)])
                        for dose in doses])  # (_, seeds, 4, 2)
    val = ends[:, :, VAL, LOSS]  # (_, seeds)
    ax.plot(val, "o-", color=BLUE, linewidth=1, markersize=4)
    ax.set(xticks=range(4), xticklabels=doses, xlabel=name, ylim=(0, 2.4))
    best = val.argmin(dim=0)  # (seeds,)
    return val, [{name: doses[k]} for k in best], ends[best, range(5)]


# %% figure="trained" alt="Two graphs of validation loss against dose for five deals, with weight decay on the left and dropout on the right. Both have the shape of a U: the loss falls from dose zero to the third dose and rises steeply at the fourth."
figure, axes = plt.subplots(1, 2, figsize=(5.6, 2.7), sharey=True)
by_decay, decays, decayed = sweep(axes[0], "decay", [0, 0.001, 0.01, 0.1])
by_dropout, dropouts, thinned = sweep(axes[1], "dropout", [0, 0.5, 0.7, 0.9])
axes[0].set_ylabel("validation loss")
for name, val in (("decay", by_decay), ("dropout", by_dropout)):
    claim(f"{name}: lowest validation loss over that without",
          val.amin(dim=0) / val[0], at_most=0.9,
          baseline={"largest dose": val[-1] / val[0]})

# %% [markdown]
# Too little does little. Too much makes every answer a shrug: the network is
# no longer allowed to be sure of anything. Cures that have a dose often show
# this U.
#
# ## Cure 4: more data, for free
#
# A seven that leans a little is still a seven. So show the network a slightly
# different picture each time: turned by up to 0.2 radians, moved and scaled a
# little. This is **augmentation**
# ([Simard, Steinkraus & Platt 2003](cite:simard2003)). It needs knowledge:
# which changes keep the label? A seven upside down is no seven.

# %%
def wiggle(X, generator):
    draw = 2 * torch.rand(4, len(X), generator=generator).to(device) - 1
    angle, scale = 0.2 * draw[0], 1 + 0.1 * draw[1]  # (batch,), (batch,)
    c, s = scale * angle.cos(), scale * angle.sin()  # (batch,), (batch,)
    x, y = 0.15 * draw[2:]  # (batch,), (batch,)
    maps = torch.stack([c, -s, x, s, c, y], dim=1).view(-1, 2, 3)
    shape = [len(X), 1, 8, 8]  # affine_grid measures from -1 to 1 across
    grid = nn.functional.affine_grid(maps, shape, align_corners=False)
    moved = nn.functional.grid_sample(X.view(shape), grid, align_corners=False)
    return moved.flatten(1)  # (batch, features)


# %% figure="trained" alt="Two rows of six small pictures, a seven and a five: on the left the original, then five copies, each slightly turned, moved or scaled, and a little blurred."
X = SPLITS[0].X_train[[73, 4]]  # (batch, features)
generator = torch.Generator().manual_seed(0)
pictures = torch.stack([X, *(wiggle(X, generator) for _ in range(5))], dim=1)
figure, axes = plt.subplots(2, 6, figsize=(5.2, 1.9))
for ax, x in zip(axes.flat, pictures.flatten(0, 1), strict=True):
    ax.imshow(x.view(8, 8).cpu(), vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])

# %% [markdown]
# The picture measures 2 across in these units, so the shift is 0.6 pixels at
# most. New pixels fall between old ones and are mixed from them: the copies
# are also a little blurred.
#
# ## Which cure?
#
# Now all four side by side, and one pair: augmentation, stopped early. Beside
# the loss stands what you care about in the end, the share of wrong answers.
# And each cure is given a second time, in the same dose, to networks whose 200
# labels are all *right*. **Predict:** will it help them too?
#
# <details><summary><b>Answer</b></summary>
#
# A single cure hardly moves the error: there are no mistakes to learn by
# heart. The loss tells the cures apart. Weight decay in this dose raises it,
# since it forbids the network to be sure where it could be; the other three
# lower it a little. Only the pair helps clearly.
#
# </details>

# %%
def runs(options, drawn):
    return [fit(seed, drawn=drawn, **option)
            for seed, option in enumerate(options)]
moves = [{"change": wiggle}] * 5
moved, bare, fine = runs(moves, 40), runs([{}] * 5, 0), runs(moves, 0)
tired = torch.stack([end, early, decayed, thinned, judge(moved),
                     judge(moved, stop=True)])[:, :, TEST]  # (_, seeds, 2)
right = torch.stack([judge(bare), judge(bare, stop=True), judge(runs(
    decays, 0)), judge(runs(dropouts, 0)), judge(fine),
    judge(fine, stop=True)])[:, :, TEST]  # (_, seeds, 2)


# %% figure="trained" alt="Two graphs with six rows: no cure, early stopping, weight decay, dropout, augmentation, and augmentation stopped early; on the left test loss, on the right test error in per cent. With tired labels each cure brings both down, and the last row is lowest. With right labels the dots stay low in all rows; only weight decay has a visibly higher loss."
figure, axes = plt.subplots(1, 2, figsize=(5.6, 3.6), sharey=True)
for ax, kind, unit in ((axes[0], LOSS, 1), (axes[1], ERROR, 100)):
    for table, color, shift, case in ((tired, ORANGE, -0.17, "tired labels"),
                                      (right, BLUE, 0.17, "right labels")):
        rows, shown = torch.arange(6) + shift, unit * table[..., kind]
        ax.plot(shown, rows, ".", color=color, alpha=0.6)
        ax.plot(shown.mean(dim=1), rows, "|", color=color, markersize=16,
                markeredgewidth=2.5, label=case)
    ax.set(xlim=(0, None), xlabel=("test loss", "test error, %")[kind])
axes[0].set_yticks(range(6), ["none", "stop", "decay", "dropout", "augment",
                              "augment, stop"])
axes[0].invert_yaxis()
legend = figure.legend(*axes[1].get_legend_handles_labels(), ncols=2,
                       loc="outside upper center")

# %% [markdown]
# Dots are deals, bars their means. With tired labels each cure takes a good
# part of the error away, and the four lie close together. The pair does better
# than any of them. So try augmentation first, since it adds knowledge, and
# stop early, since it is free; where you know no change that keeps the label,
# take dropout or decay. The right dose depends on the task: choose it anew,
# and ask whether the loss or the error is what you care about.
#
# One thing was hidden so far. The validation pictures, all with right labels,
# are more than the training pictures. In real life you would not leave them
# idle: the third claim trains on them too.

# %%
error = tired[..., ERROR].mean(dim=1)  # (_,)
claim("mean test error with one cure of four", error[1:5], at_most=0.2,
      baseline={"none": error[0]}, unit="%")
claim("mean test error with the pair", error[5], at_most=0.13,
      baseline={"one cure": error[1:5]}, unit="%")
print(len(SPLITS[0].X_val), "pictures to validate, 200 to train")
fed = judge([fit(seed, extra=359) for seed in range(5)])[:, TEST, ERROR]
claim("mean test error without a cure, trained on all of these", fed.mean(),
      at_most=0.12, baseline={"one cure": error[1:5]}, unit="%")


# %%
loss, calm = right.mean(dim=1).unbind(dim=1)  # (_,), (_,)
claim("right labels: change of the mean error by one cure",
      (calm[1:5] - calm[0]).abs(), at_most=0.02, unit="%",
      baseline={"tired labels": error[0] - error[1:5]})
claim("right labels: loss with decay over that without", loss[2] / loss[0],
      at_least=1.03, baseline={"others": loss[[1, 3, 4, 5]] / loss[0]})
claim("right labels: loss with the pair over that without", loss[5] / loss[0],
      at_most=0.82, baseline={"one cure": loss[1:5] / loss[0]})

# %% [markdown]
# More good data beats each single cure. Where labels are dear, keep a smaller
# validation set, and choose doses on it with more noise.
#
# ## Trick 1: scale the inputs
#
# In the lesson before, the condition number $\kappa$ set the pace. It depends
# on units! Take the diabetes patients: blood values in the hundreds beside
# others near one. Compare $\kappa$ of $\frac2N\Phi^T\Phi$ in raw units and
# standardised.

# %%
def condition(X):
    Phi = torch.cat([torch.ones_like(X[:, :1]), X], dim=1).double()
    return torch.linalg.cond(Phi.T @ Phi / len(Phi)).item()

data = load_diabetes().to(device)
X, both = data.X_train, data.standardized().X_train
raw, centred = condition(X), condition(X - X.mean(dim=0))
claim("what scaled columns divide the condition number by", at_least=10_000,
      measured=raw / condition(both), baseline={"mean only": raw / centred})

# %% [markdown]
# Scaling costs two lines. It cuts $\kappa$ by more than ten thousand, and with
# it the number of steps that gradient descent needs in the worst case. What
# remains is the valley between correlated columns; scaling cannot mend that
# one.
#
# ## Trick 2: draw the weights well
#
# Let a signal run through twenty layers. A unit sums $n$ inputs, so with
# independent weights of mean 0 and variance $\sigma_w^2$ the mean square of
# its sum is $n\sigma_w^2$ times that of the inputs. ReLU then throws half of
# it away. To keep the signal, $n\sigma_w^2/2 = 1$: the variance $2/n$ of [He
# and others 2015](cite:he2015). [Glorot & Bengio 2010](cite:glorot2010) had
# derived $2/(n_{\text{in}}+n_{\text{out}})$, which is $1/n$ in a square layer,
# for symmetric activations such as tanh.
#
# **Predict:** after twenty ReLU layers, what is left of a signal under $1/n$?

# %% figure="trained" alt="Size of the signal against layer on a logarithmic axis: under He's variance it stays near one for twenty layers, under Glorot's it falls to about one thousandth, under half of that to one millionth."
def signal(gain, seed, hidden=256):
    generator = torch.Generator().manual_seed(seed)
    H1 = torch.randn(64, hidden, generator=generator).to(device)
    sizes = []
    for _ in range(20):
        W1 = torch.randn(hidden, hidden, generator=generator).to(device)
        H1 = torch.relu(H1 @ W1 * (gain / hidden) ** 0.5)  # (batch, hidden)
        sizes.append(H1.square().mean().sqrt().item())
    return sizes

figure, ax = plt.subplots(figsize=(5.6, 2.9))
for gain, name, color in ((2, "He, 2/n", BLUE), (1, "Glorot, 1/n", ORANGE),
                          (0.5, "0.5/n", GREY)):
    ax.semilogy(range(1, 21), signal(gain, 0), color=color, label=name)
ax.set(xlabel="layer", ylabel="signal", xticks=[1, 5, 10, 15, 20])
ax.legend()
kept = [signal(2, seed)[-1] for seed in range(3)]
claim("what He's weights keep of a signal after twenty layers", kept,
      at_least=0.2, baseline={"Glorot's": [signal(1, s)[-1] for s in (0, 1)]})

# %% [markdown]
# About a thousandth: half of the square is lost in each layer. Gradients on
# the way back suffer the same. `nn.init.kaiming_normal_` and `xavier_normal_`
# draw these weights; PyTorch's own default for `nn.Linear` has variance
# $1/(3n)$. A network with one or two hidden layers loses little size, so the
# small ones of this lesson keep the default. Deep ones cannot.
#
# ## Trick 3: normalise in between
#
# Why hope that the signal stays in shape? Force it. **Batch normalisation**
# ([Ioffe & Szegedy 2015](cite:ioffe2015)) shifts and scales each unit to mean
# 0 and variance 1 over the mini-batch, then gives the network a scale $\gamma$
# and a shift $\beta$ to learn:
#
# $$\hat z = \gamma\, \frac{z - \mathrm{mean}(z)}
# {\sqrt{\mathrm{var}(z) + \varepsilon}} + \beta.$$

# %%
def batch_norm(Z, gamma, beta, eps=1e-5):
    mean, var = Z.mean(dim=0), Z.var(dim=0, correction=0)
    return gamma * (Z - mean) / (var + eps).sqrt() + beta  # (batch, units)
Z = (5 + 3 * torch.randn(32, 7)).to(device)  # (batch, units)
layer = nn.BatchNorm1d(7).to(device)
ours = batch_norm(Z, layer.weight, layer.bias)  # (batch, units)
gap, in_eval = ((ours - torchs).abs().max() for torchs in
                (layer(Z), layer.eval()(Z)))
claim("the gap of our batch norm to torch", gap, at_most=1e-5,
      baseline={"in eval mode": in_eval})

# %% [markdown]
# At test time there is no batch to lean on, so the layer uses running averages
# that it kept while training: again `train()` against `eval()`.
#
# ## Trick 4: search the learning rate
#
# The rate is the one number you always have to find. It lives on a
# *logarithmic* scale, so try powers of ten, or half powers, for a short run,
# and keep the best on validation data ([Smith 2017](cite:smith2017) does it
# within a single run). Here is the search for a network with four hidden
# layers, 100 steps each: with PyTorch's default weights and with He's, each
# without and with batch normalisation.

# %%
def deep_model(he, norm):
    layers, n = [], 64
    for _ in range(4):
        layers.append(nn.Linear(n, 32))
        if he:
            nn.init.kaiming_normal_(layers[-1].weight)
        if norm:
            layers.append(nn.BatchNorm1d(32))
        layers.append(nn.ReLU())
        n = 32
    return nn.Sequential(*layers, nn.Linear(n, 10))

def short_run(lr, he, norm, seed, num_steps=100):
    torch.manual_seed(seed)
    data, model = SPLITS[seed], deep_model(he, norm).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(num_steps):
        rows = torch.randint(len(data.X_train), (64,))  # (batch,)
        loss = cross_entropy(model(data.X_train[rows]), data.y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return evaluate(model, (data.X_val, data.y_val))[0][ERROR]


# %% figure="trained" alt="Validation error against learning rate for four kinds of network. With default weights the error stays near ninety per cent, with He's weights there is a narrow valley of good rates; with batch normalisation the valley is several times wider for either kind of weights and reaches higher rates."
rates = [10 ** (k / 2) for k in range(-4, 3)]
kinds = {"default": (False, False, GREY), "He": (True, False, ORANGE),
         "default + norm": (False, True, GREEN),
         "He + norm": (True, True, BLUE)}
good, figure, ax = {}, *plt.subplots()
for name, (he, norm, color) in kinds.items():
    errors = torch.tensor([[short_run(lr, he, norm, seed) for lr in rates]
                           for seed in range(3)])  # (seeds, _)
    good[name] = (errors < 0.4).sum(dim=1)  # (seeds,)
    low, high = errors.min(dim=0).values, errors.max(dim=0).values
    ax.fill_between(rates, low, high, color=color, alpha=0.3, linewidth=0)
    ax.semilogx(rates, errors.mean(dim=0), color=color, label=name)
ax.set(xlabel="learning rate", ylabel="validation error", ylim=(0, 1))
ax.legend(ncols=2, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1))
for weights_of in ("default", "He"):
    claim(f"{weights_of} weights: rates of seven that get below 40 % in 100 "
          "steps, with batch norm", good[f"{weights_of} + norm"], at_least=4,
          baseline={"without": good[weights_of]})
soon, late = ([short_run(0.1, False, False, seed, n) for seed in range(3)]
              for n in (100, 1000))
claim("the validation error of default weights after 1,000 steps", late,
      at_most=0.4, baseline={"after 100": soon}, unit="%")

# %% [markdown]
# Without normalisation, He's weights make the network trainable in a window of
# rates. The default weights have hardly started; ten times the steps, at a
# good rate, bring them there too. Batch normalisation opens the window wide,
# and then the weights matter less: they only shift it. [Bjorck and others
# 2018](cite:bjorck2018) find in large networks that this is its main gift: it
# allows larger rates, and these make training faster.
#
# ## The network, inside
#
# [Winther 2018](cite:winther2018) trains a network of 784-225-225-10 units,
# ReLU, ReLU, softmax, on 60,000 pictures of 28 by 28 pixels and reports about
# 1.2 % test error. Ours is its little sister, 64-36-36-10, with all training
# digits, right labels, Adam, dropout and augmentation. Its hidden layers have
# 36 units so that they can be drawn as 6 by 6 squares.
#
# Train it twice: on the pixels as they are, from 0 to 1, and with the mean
# picture subtracted. (Dividing by the spread is not possible: some pixels
# never hold ink.) **Predict:** does half of trick 1 make a difference?

# %%
def sister(seed, centre):
    torch.manual_seed(seed)
    data, generator = SPLITS[seed], torch.Generator().manual_seed(seed)
    mean = centre * data.X_train.mean(dim=0)  # (features,)
    model = nn.Sequential(nn.Linear(64, 36), nn.ReLU(), nn.Linear(36, 36),
                          nn.ReLU(), nn.Dropout(0.1), nn.Linear(36, 10))
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        seen = wiggle(data.X_train, generator) - mean  # (batch, features)
        train(model.train(), seen, data.y_train, cross_entropy, optimizer,
              num_steps=16, batch_size=64, generator=generator)
    wrong = evaluate(model, (data.X_test - mean, data.y_test))[0][ERROR]
    H1 = model[:2](data.X_train - mean)  # (batch, hidden)
    return model.requires_grad_(False), wrong, (H1 == 0).all(dim=0).sum()


# %% figure="trained" alt="Two squares of thirty-six small pictures, the first-layer weights of two trained networks. On the left, trained on raw pixels, ten of the pictures are pale and empty; on the right, with centred pixels, each shows strong blue and red patches and strokes."
(raw, _, many), (centred, wrong, few) = (
    zip(*(sister(seed, centre) for seed in range(3)), strict=True)
    for centre in (0, 1))
claim("centred pixels: units of the first layer silent on every training "
      "picture, in three nets", sum(few), at_most=1,
      baseline={"raw pixels": sum(many)})
claim("the mean test error of the network with centred pixels",
      torch.tensor(wrong).mean(), at_most=0.027, unit="%",
      baseline={"softmax regression": torch.tensor(linear).mean()})
figure, axes = plt.subplots(1, 2, figsize=(5.8, 3.1))
for ax, nets, name in zip(axes, (raw, centred), ("raw", "centred"),
                          strict=True):
    tiles = nets[0][0].weight.view(36, 8, 8)  # (hidden, 8, 8)
    tiles = nn.functional.pad(tiles, (1, 1, 1, 1), value=torch.nan)
    wall = tiles.view(6, 6, 10, 10).transpose(1, 2).reshape(60, 60)
    ax.imshow(wall.cpu(), "RdYlBu", vmin=-1, vmax=1)
    ax.set_title(name)
    ax.axis("off")

# %% [markdown]
# Each little square holds the 64 weights of one hidden unit. Softmax
# regression had whole stencils; here are patches and strokes, and they make
# fewer errors than the stencils.
#
# The pale squares on the left are **dead units**. They are silent on *every*
# training picture, so ReLU passes them no gradient, and their weights stay
# near the random start. The cause: pixels are never negative, so one picture
# moves all weights of a unit the same way ([LeCun and others
# 2012](cite:lecun2012)), and a step too far down silences it for good. With
# the mean subtracted, pixels have both signs, and hardly a unit dies. Silence
# on *some* pictures is different: that is how a unit chooses. Follow one digit
# through the layers.

# %% figure="trained" alt="Four pictures in a row: a digit of 8 by 8 pixels, the 36 values of the first hidden layer, the 36 of the second, both with dark squares for silent units, and a bar chart of ten probabilities with one bar near one."
data, model = SPLITS[0], centred[0]
x = data.X_test[:1]  # (1, features)
H1 = model[:2](x - data.X_train.mean(dim=0))  # (1, hidden)
H2 = model[2:4](H1)  # (1, hidden)
probs = softmax(model[4:](H2))[0]  # (classes,)
figure, axes = plt.subplots(1, 4, figsize=(5.6, 1.7),
                            width_ratios=[1, 1, 1, 2])
stages = (x.view(8, 8), H1.view(6, 6), H2.view(6, 6))
for ax, picture, name in zip(axes, stages, ("x", "H1", "H2"), strict=False):
    ax.imshow(picture.cpu())
    ax.set(title=name, xticks=[], yticks=[])
axes[3].bar(range(10), probs.cpu())
axes[3].set(title="softmax", xticks=range(0, 10, 3), ylim=(0, 1))
claim("the probability of the right digit", probs[data.y_test[0] == 1],
      at_least=0.5, baseline={"a guess": 0.1})
recorded("mnist_mlp")

# %% [markdown]
# The place of a cell in H1 or H2 means nothing: shuffle the units and the
# network is the same. From layer to layer the picture is forgotten and the
# answer appears.
#
# ## At full size
#
# The recipe stays; pixels, units and pictures grow, and a GPU turns hours into
# minutes. The 1.2 % of [Winther 2018](cite:winther2018) is the mark to reach
# with 784-225-225-10. The card above the last figure is that run, on all of
# MNIST: with moved and turned digits and a schedule it passes the mark, with
# plain SGD it misses it. The [page of such runs](page:full_size) has more.
#
# ## Recap
#
# You can now
#
# - **write** softmax and cross-entropy that survive any logits, with the
#   gradient $(p - y)/N$;
# - **recognise** overfitting: training loss down, validation loss up, mistakes
#   learnt by heart;
# - **apply** four cures, choose their dose by validation, and report on test;
# - **prepare** a network: scaled inputs, He's weights for ReLU, batch
#   normalisation, a search over rates;
# - **look** inside: patches and strokes in the first layer, and units that
#   are dead.
#
# **When to use what?** Always: scaled inputs, a validation set, early
# stopping. With few or doubtful data: augmentation first, since it adds
# knowledge, then dropout or weight decay in a dose you have chosen. With deep
# networks: batch normalisation; without it, He's weights. And more good data,
# whenever you can get them.
#
# Now do [the assignment](assignment:03_stochastic_gradient_descent).
#
# **Further reading.** [Winther 2018](cite:winther2018) is the lecture behind
# this lesson, [Krippahl](cite:krippahl) and
# [Carbonnelle 2016](cite:carbonnelle2016) the others of the chapter.
# [LeCun and others 2012](cite:lecun2012) collect the tricks; chapter 7 of
# [Goodfellow, Bengio & Courville 2016](cite:goodfellow2016) treats the cures.
# [Zhang and others 2017](cite:zhang2017) let large networks learn *only*
# random labels by heart, which should keep you thinking.
