# %% [markdown]
# # Learning without learning by heart
#
# A network that makes no mistake on the pictures it has seen may have learned
# digits, or may have learned the pictures. In this lesson you catch one in the
# act: it learns even the *wrong* labels perfectly. Then you try four cures and
# four tricks that make training work at all, and measure each.
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
# It takes half a minute on a laptop and downloads nothing. You come from
# [the lesson on gradient descent](lesson:03_stochastic_gradient_descent).
# Symbols are in the [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## Ten answers at once
#
# Here are 1,797 handwritten digits, 8 by 8 pixels each ([Alpaydin & Kaynak
# 1998](cite:alpaydin1998)). Which digit is it? A model answers with ten
# numbers, one a class, the **logits** $z$. The **softmax** turns them into
# probabilities:
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

from deepcourse.claims import claim
from deepcourse.data import load_digits
from deepcourse.plot import BLUE, GREY, ORANGE
from deepcourse.training import train

SPLITS = [load_digits(seed) for seed in range(5)]  # five ways to deal them

def naive_softmax(z):
    return z.exp() / z.exp().sum(dim=1, keepdim=True)  # (batch, classes)

small = torch.tensor([[1.0, 2.0, 3.0]])  # (batch, classes)
for shift in (0, 5, 100):
    answer = naive_softmax(small + shift)[0]  # (classes,)
    shown = [f"{p:.2f}" for p in answer] if answer.isfinite().all() else "lost"
    print(f"shift {shift:3}:", shown)


# %% [markdown]
# A shift by 5 is harmless. After a shift by 100 the answer is no longer
# finite: $e^{100}$ is too large for single precision. The third property is
# the way out. Subtract the largest logit first; then the largest exponent is
# $e^0$. The same trick tames the **log-sum-exp**, $\ln\sum_j e^{z_j} = m +
# \ln\sum_j e^{z_j - m}$ with $m = \max_j z_j$.
#
# You need it for the loss. **Cross-entropy** is the mean of
# $-\ln p_{\text{right}}$: how surprised the model is by the truth. In logits,
#
# $$L = \frac1N \sum_n \Big(\ln\sum_j e^{z_{nj}} - \sum_j y_{nj} z_{nj}\Big),
# \qquad \frac{\partial L}{\partial z_{nj}} = \frac{p_{nj} - y_{nj}}{N},$$
#
# where row $y_n$ has a 1 at the right digit. Probabilities never appear in
# $L$, so no logarithm of a rounded 0. And the gradient is *answer minus
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
z = 100 * torch.randn(50, 10)  # (batch, classes)
y = torch.eye(10)[torch.randint(10, (50,))]  # (batch, classes)
z.requires_grad_()
cross_entropy(z, y).backward()
ours = (softmax(z) - y) / len(z)  # (batch, classes)
claim("the gap of our gradient to torch, at logits of hundreds",
      (ours - z.grad).abs().max(), at_most=1e-6,
      baseline={"answer without truth": (ours + y / 50 - z.grad).abs().max()})
gap = (surprise(z, y) / cross_entropy(z, y) - 1).abs()  # ()
claim("the gap of our loss to torch", gap, at_most=1e-5,
      baseline={"with the logits doubled":
                (surprise(2 * z, y) / surprise(z, y) - 1).abs()})

# %% [markdown]
# **Softmax regression** is one linear layer under this loss. Each class owns
# 64 weights, one a pixel, so you can draw what it looks for. Train it by hand,
# with the gradient from above, on three splits.

# %% figure="trained" alt="Ten small pictures, the weights of softmax regression for the digits 0 to 9. Blue pixels speak for the digit and red ones against it; the zero has a red hole in its middle."
def softmax_regression(seed, lr=1.0, num_steps=300):
    data = SPLITS[seed]
    W1, b1 = torch.zeros(64, 10), torch.zeros(10)
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
    ax.imshow(weights[0][:, digit].view(8, 8), "RdYlBu", vmin=-2, vmax=2)
    ax.set(title=digit, xticks=[], yticks=[])

# %% [markdown]
# Ink on blue speaks for the digit, ink on red against it: no zero has ink in
# its middle. Each picture is a stencil. Softmax regression lays it over the
# digit and adds up. It is a strong baseline, and it is all that one layer can
# do.
#
# ## A network that learns mistakes
#
# Now make it hard, as life is. There are only 200 training pictures, and a
# tired assistant labelled them: 40 got a label at random. Validation and test
# labels are right. A network with 100 hidden units could ignore the mistakes.
# **Predict:** will it? And what will the loss on the validation pictures do?
#
# <details><summary><b>Answer</b></summary>
#
# It learns every mistake by heart: there are far more weights than
# pictures. The training loss goes to zero. The validation loss falls while the
# network learns what digits look like, and rises while it learns the mistakes:
# it becomes sure of wrong answers.
#
# </details>

# %%
def tired_labels(data, seed, wrong):
    generator = torch.Generator().manual_seed(seed)
    y = data.y_train[:200].clone()  # (batch, classes)
    y[:wrong] = torch.eye(10)[
        torch.randint(10, (wrong,), generator=generator)]
    return data.X_train[:200], y  # (batch, features), (batch, classes)

def evaluate(model, *sets):
    model.eval()
    with torch.no_grad():
        return [cross_entropy(model(X), y).item() for X, y in sets]

def make_model(hidden=100, dropout=0.0):
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(),
                         nn.Dropout(dropout), nn.Linear(hidden, 10))

size = sum(p.numel() for p in make_model().parameters())
print(f"{size:,} parameters for {200} pictures, {40} labels drawn by lot")


# %%
def fit(seed, decay=0.0, dropout=0.0, change=None, num_epochs=100, wrong=40):
    data = SPLITS[seed]
    X, y = tired_labels(data, seed, wrong)
    torch.manual_seed(seed)
    model = make_model(dropout=dropout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9,
                                weight_decay=decay)
    generator, history = torch.Generator().manual_seed(seed), []
    for _ in range(num_epochs):
        seen = change(X, generator) if change else X  # (batch, features)
        train(model.train(), seen, y, cross_entropy, optimizer,
              num_steps=6, batch_size=32, generator=generator)
        history.append(evaluate(model, (X, y), (data.X_val, data.y_val),
                                (data.X_test, data.y_test)))
    return torch.tensor(history)  # (points, 3)


# %% [markdown]
# `fit` returns three losses after each epoch: training, validation, test. Look
# at the first two.

# %% figure="trained" alt="Loss against epochs: the training loss falls to nearly zero; the validation loss falls for about ten epochs to a dot that marks its lowest point, and then rises again, jittering, well above it."
def plot_curves(decay=0.0, dropout=0.0, seed=0):
    history = fit(seed, decay, dropout, num_epochs=60)
    _, ax = plt.subplots()
    ax.plot(history[:, 0], color=GREY, label="training")
    ax.plot(history[:, 1], color=BLUE, label="validation")
    stop = history[:, 1].argmin()
    ax.plot(stop, history[stop, 1], "o", color=ORANGE, label="stop here")
    ax.set(xlabel="epoch", ylabel="loss", ylim=(0, 2.4))
    ax.legend(ncols=3, loc="upper right")

plot_curves()

# %% [markdown]
# That is **overfitting**: one curve goes down, the other turns. The training
# loss alone would have told you that all is well. Play with two of the cures
# that follow before you read about them.

# %% explore=true
from deepcourse.widgets import explore

explore(plot_curves, decay=(0.0, 0.05, 0.005), dropout=(0.0, 0.9, 0.1),
        seed=(0, 4, 1))


# %% [markdown]
# ## Cure 1: stop early
#
# The cheapest cure: keep the weights from the epoch where the *validation*
# loss was lowest ([Prechelt 1998](cite:prechelt1998)). For a fair verdict,
# compare on the test pictures, which had no say. All cures are measured alike,
# on five splits: test loss with the cure, over test loss without, at the end
# of training.

# %% figure="trained" alt="Test loss on five splits, joined in pairs by lines: at the end of training, and stopped early. All five lines fall steeply."
plain = [fit(seed) for seed in range(5)]
end = torch.stack([history[-1, 2] for history in plain])  # (seeds,)
early = torch.stack([history[history[:, 1].argmin(), 2] for history in plain])
claim("the training loss at the end", [h[-1, 0].item() for h in plain],
      at_most=0.15, baseline={"validation": [h[-1, 1].item() for h in plain]})
claim("early stopping: test loss over that without", early / end,
      at_most=0.9, baseline={"without": 1.0})
figure, ax = plt.subplots(figsize=(5.6, 2.7))
ax.plot([0, 1], torch.stack([end, early]), "o-", color=BLUE, linewidth=1.2)
ax.set(xticks=[0, 1], xlim=(-0.3, 1.3), ylim=(0, None), ylabel="test loss")
ticks = ax.set_xticklabels(["at the end", "stopped early"])

# %% [markdown]
# ## Cure 2: weight decay
#
# Overfitting needs large weights, to be sure of so many single pictures. So
# charge for them: add $\frac{\alpha}{2}\|\theta\|^2$ to the loss
# ([Krogh & Hertz 1992](cite:krogh1992)). Its gradient is $\alpha\theta$: each
# plain step also shrinks every weight by the factor $1 - \eta\alpha$, hence
# the name. How large should $\alpha$ be? Try four doses, none included, choose
# by validation, report the test.

# %%
def sweep(name, doses):
    runs = [plain if dose == 0 else
            [fit(seed, **{name: dose}) for seed in range(5)] for dose in doses]
    ends = torch.stack([torch.stack(five)[:, -1] for five in runs])
    val, test = ends[..., 1], ends[..., 2]  # (_, seeds), (_, seeds)
    _, ax = plt.subplots(figsize=(5.6, 2.7))
    ax.plot(val, "o-", color=BLUE, linewidth=1)
    ax.set_xticks(range(len(doses)), doses)
    ax.set(xlabel=name, ylabel="validation loss", ylim=(0, None))
    return test[val.mean(dim=1).argmin()] / test[0]  # (seeds,)


# %% figure="trained" alt="Validation loss against weight decay for five splits: from the left it falls, is lowest at one hundredth, and rises steeply at one tenth."
with_decay = sweep("decay", [0, 0.001, 0.01, 0.1])  # (seeds,)
claim("weight decay: test loss over that without", with_decay, at_most=0.95,
      baseline={"without": 1.0})

# %% [markdown]
# Too little does nothing. Too much makes every answer a shrug: the network is
# no longer allowed to be sure of anything. Expect this U shape of every cure
# that has a dose.
#
# ## Cure 3: dropout
#
# In each training step, silence each hidden unit with probability $q$ and
# multiply the others by $1/(1-q)$, so that the sum stays right on average.
# No unit can count on a certain other one being there, so they cannot share a
# picture among them ([Srivastava and others 2014](cite:srivastava2014)). At
# test time all units work. That is what `model.train()` and `model.eval()`
# switch, and forgetting it is a classic mistake.

# %%
H1, q = torch.ones(1000, 100), 0.5  # (batch, hidden), ()
mask = (torch.rand(H1.shape) > q).float()  # (batch, hidden)
dropped = mask * H1 / (1 - q)  # (batch, hidden)
by_torch = nn.Dropout(q)(H1)  # (batch, hidden)
assert set(dropped.unique().tolist()) == set(by_torch.unique().tolist())
claim("the drift of the mean by dropout", (dropped.mean() - 1).abs(),
      at_most=0.05, baseline={"without the factor": (mask.mean() - 1).abs()})

# %% figure="trained" alt="Validation loss against dropout rate for five splits: it falls from the left to a lowest place at one half or seven tenths and rises again at nine tenths."
ratio = sweep("dropout", [0, 0.5, 0.7, 0.9])  # (seeds,)
claim("dropout: test loss over that without", ratio, at_most=0.9,
      baseline={"without": 1.0})

# %% [markdown]
# ## Cure 4: more data, for free
#
# A seven that leans a little is still a seven. So show the network a slightly
# different picture each time: turned by up to 0.2 radians, moved and scaled a
# little. This is **augmentation**
# ([Simard, Steinkraus & Platt 2003](cite:simard2003)). It needs knowledge:
# which changes keep the label? A seven upside down is no seven.

# %%
def wiggle(X, generator):
    draw = 2 * torch.rand(4, len(X), generator=generator) - 1  # (4, batch)
    angle, scale = 0.2 * draw[0], 1 + 0.1 * draw[1]  # (batch,), (batch,)
    c, s = scale * angle.cos(), scale * angle.sin()  # (batch,), (batch,)
    maps = torch.stack([c, -s, 0.15 * draw[2], s, c, 0.15 * draw[3]], dim=1)
    grid = nn.functional.affine_grid(maps.view(-1, 2, 3), [len(X), 1, 8, 8],
                                     align_corners=False)
    pictures = nn.functional.grid_sample(X.view(-1, 1, 8, 8), grid,
                                         align_corners=False)
    return pictures.flatten(1)  # (batch, features)


# %% figure="trained" alt="Two rows of six small pictures: on the left the original digit, then five copies, each slightly turned, moved or scaled."
X = SPLITS[0].X_train[[0, 2]]  # (batch, features)
generator = torch.Generator().manual_seed(0)
pictures = torch.stack([X, *(wiggle(X, generator) for _ in range(5))], dim=1)
figure, axes = plt.subplots(2, 6, figsize=(5.2, 1.9))
for ax, x in zip(axes.flat, pictures.flatten(0, 1), strict=True):
    ax.imshow(x.view(8, 8), vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
moved = torch.stack([fit(seed, change=wiggle)[-1, 2] for seed in range(5)])
claim("augmentation: test loss over that without", moved / end, at_most=0.85,
      baseline={"without": 1.0})

# %% [markdown]
# All four cures help here, on every split, and they can be combined. But do
# they always? Give the same network the same pictures with the *right* labels,
# and the dose of weight decay that was best before.

# %%
right = torch.stack([fit(seed, wrong=0)[-1, 2] for seed in range(5)])
cured = torch.stack([fit(seed, decay=0.01, wrong=0)[-1, 2]
                     for seed in range(5)])
claim("weight decay with right labels: test loss over that without, mean",
      (cured / right).mean(), at_least=1.05,
      baseline={"with tired labels": with_decay.mean()})

# %% [markdown]
# With right labels the same dose does harm: it forbids the network to be sure
# where it could be. A cure is for an illness. Look at the
# two curves first, and choose the dose anew for each task.
#
# ## Trick 1: scale the inputs
#
# In the lesson before, the condition number $\kappa$ set the pace. It depends
# on units! Take the diabetes patients: blood values in the hundreds beside
# others near one. Compare $\kappa$ of $\frac2N\Phi^T\Phi$ in raw units and
# standardised.

# %%
from deepcourse.data import load_diabetes

def condition(X):
    Phi = torch.cat([torch.ones(len(X), 1), X], dim=1).double()
    return torch.linalg.cond(Phi.T @ Phi / len(Phi)).item()

data = load_diabetes()
claim("the condition number with standardised columns",
      condition(data.standardized().X_train), at_most=2000,
      baseline={"raw": condition(data.X_train)})

# %% [markdown]
# Scaling costs two lines and saves a factor of more than a thousand in steps.
# What remains is the valley between columns that go together; scaling cannot
# mend that one.
#
# ## Trick 2: draw the weights well
#
# Let a signal run through twenty layers. A unit sums $n$ inputs, so with
# independent weights of variance $\sigma_w^2$ the mean square of its sum is
# $n\sigma_w^2$ times that of the inputs. ReLU then throws half of it away.
# To keep the signal, $n\sigma_w^2/2 = 1$: the variance $2/n$ of
# [He and others 2015](cite:he2015). [Glorot & Bengio 2010](cite:glorot2010)
# had derived $2/(n_{\text{in}}+n_{\text{out}})$, which is $1/n$ in a square
# layer, for symmetric activations such as tanh.
#
# **Predict:** after twenty ReLU layers, what is left of a signal under $1/n$?

# %% figure="trained" alt="Size of the signal against layer on a logarithmic axis: under He's variance it stays near one for twenty layers, under Glorot's it falls to about one thousandth, under half of that to one millionth."
def signal(gain, seed, hidden=256):
    generator = torch.Generator().manual_seed(seed)
    H1, sizes = torch.randn(64, hidden, generator=generator), []
    for _ in range(20):
        W1 = torch.randn(hidden, hidden, generator=generator)
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
# $1/(3n)$.
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

Z = 5 + 3 * torch.randn(32, 7)  # (batch, units)
layer = nn.BatchNorm1d(7)
ours = batch_norm(Z, layer.weight, layer.bias)  # (batch, units)
claim("the gap of our batch norm to torch", (ours - layer(Z)).abs().max(),
      at_most=1e-5, baseline={"in eval mode": (
          ours - layer.eval()(Z)).abs().max()})

# %%
def deep_model(he, norm):
    layers, n = [], 64
    for _ in range(4):
        linear_layer = nn.Linear(n, 32)
        if he:
            nn.init.kaiming_normal_(linear_layer.weight)
        layers += [linear_layer, *([nn.BatchNorm1d(32)] * norm), nn.ReLU()]
        n = 32
    return nn.Sequential(*layers, nn.Linear(n, 10))


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
# layers, 100 steps each: PyTorch's default weights, He's weights, and He's
# with batch normalisation (`deep_model` above).

# %%
def short_run(lr, he, norm, seed, num_steps=100):
    torch.manual_seed(seed)
    data, model = SPLITS[seed], deep_model(he, norm)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(num_steps):
        rows = torch.randint(len(data.X_train), (64,))  # (batch,)
        loss = cross_entropy(model(data.X_train[rows]), data.y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    y_hat = model.eval()(data.X_val).argmax(dim=1)  # (batch,)
    return (y_hat != data.y_val.argmax(dim=1)).float().mean().item()


# %% figure="trained" alt="Validation error against learning rate for three kinds of network. With default weights the error stays near ninety per cent almost everywhere, with He's weights there is a valley of good rates, with batch normalisation the valley is several times wider and reaches higher rates."
rates = [10 ** (k / 2) for k in range(-5, 3)]
kinds = {"default": (False, 0), "He": (True, 0), "He + batch norm": (True, 1)}
errors = {name: torch.tensor([[short_run(lr, *kind, seed) for lr in rates]
                              for seed in range(3)])
          for name, kind in kinds.items()}
figure, ax = plt.subplots()
for (name, table), color in zip(errors.items(), (GREY, ORANGE, BLUE),
                                strict=True):
    ax.semilogx(rates, table.T, color=color, linewidth=1.4,
                label=[name, None, None])
ax.set(xlabel="learning rate", ylabel="validation error", ylim=(0, 1))
ax.legend(ncols=3, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1))
good = {name: (table < 0.4).sum(dim=1) for name, table in errors.items()}
others = {name: good[name] for name in ("default", "He")}
claim("rates of eight that get below 40 % with batch norm",
      good["He + batch norm"], at_least=4, baseline=others)

# %% [markdown]
# The default weights have hardly started. He's weights make the network
# trainable in a window of rates; batch normalisation opens the window wide.
# That is its main gift: you need not hit the rate exactly.
#
# ## The network, inside
#
# [Winther 2018](cite:winther2018) trains a network of 784-225-225-10 units,
# ReLU, ReLU, softmax, on 60,000 pictures of 28 by 28 pixels and reports about
# 1.2 % test error. Ours is its little sister, 64-36-36-10, with all training
# digits, right labels, Adam, dropout and augmentation. Its hidden layers have
# 36 units so that they can be drawn as 6 by 6 squares.

# %%
def sister(seed):
    torch.manual_seed(seed)
    data, generator = SPLITS[seed], torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 36), nn.ReLU(), nn.Linear(36, 36),
                          nn.ReLU(), nn.Dropout(0.1), nn.Linear(36, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        seen = wiggle(data.X_train, generator)  # (batch, features)
        train(model.train(), seen, data.y_train, cross_entropy, optimizer,
              num_steps=16, batch_size=64, generator=generator)
    y_hat = model.eval()(data.X_test).argmax(dim=1)  # (batch,)
    wrong = (y_hat != data.y_test.argmax(dim=1)).float().mean().item()
    return model.requires_grad_(False), wrong


# %% figure="trained" alt="Thirty-six small pictures in a square, the first-layer weights of the trained network: blue and red patches, strokes and edges, none of them a whole digit."
models, wrong = zip(*map(sister, range(3)), strict=True)
claim("the test error of the network", wrong, at_most=0.045,
      baseline={"untrained": 0.9}, unit="%")
W1 = models[0][0].weight  # (hidden, features)
tiles = nn.functional.pad(W1.view(36, 8, 8), (1, 1, 1, 1), value=torch.nan)
wall = tiles.view(6, 6, 10, 10).transpose(1, 2).reshape(60, 60)
figure, ax = plt.subplots(figsize=(3.4, 3.4))
ax.imshow(wall, "RdYlBu", vmin=-1, vmax=1)
_ = ax.axis("off")

# %% [markdown]
# Each little square holds the 64 weights of one hidden unit. Softmax
# regression had whole stencils; here are parts: strokes, gaps, corners. A
# blank square is a unit that hardly moved from its random start. And compare
# the error with that of softmax regression at the top: on pictures so small
# and clean the network gains little. Now follow one digit through the layers.

# %% figure="trained" alt="Four pictures in a row: a digit of 8 by 8 pixels, the 36 values of the first hidden layer, the 36 of the second, both with many dark squares, and a bar chart of ten probabilities with one bar near one."
data = SPLITS[0]
x = data.X_test[:1]  # (1, features)
H1 = models[0][:2](x)  # (1, hidden)
H2 = models[0][2:4](H1)  # (1, hidden)
probs = softmax(models[0][4:](H2))[0]  # (classes,)
figure, axes = plt.subplots(1, 4, figsize=(5.6, 1.7),
                            width_ratios=[1, 1, 1, 2])
stages = (x.view(8, 8), H1.view(6, 6), H2.view(6, 6))
for ax, picture, name in zip(axes, stages, ("x", "H1", "H2"), strict=False):
    ax.imshow(picture)
    ax.set(title=name, xticks=[], yticks=[])
axes[3].bar(range(10), probs)
axes[3].set(title="softmax", xticks=range(0, 10, 3), ylim=(0, 1))
claim("the probability of the right digit", probs[data.y_test[0] == 1],
      at_least=0.5, baseline={"a guess": 0.1})

# %% [markdown]
# Many units are silent: ReLU makes the signals sparse. From layer to layer the
# picture is forgotten and the answer appears.
#
# ## At full size
#
# Nothing changes but the numbers: more pixels, more units, hours turned to
# minutes by a GPU. The 1.2 % of [Winther 2018](cite:winther2018) is the mark
# to reach with 784-225-225-10; it is not trained in this lesson, and recorded
# results will follow.
#
# ## Recap
#
# You can now
#
# - **write** softmax and cross-entropy that survive any logits, with the
#   gradient $(p - y)/N$;
# - **recognise** overfitting: training loss down, validation loss up;
# - **apply** four cures, choose their dose by validation, and report on test;
# - **prepare** a network: scaled inputs, He's weights for ReLU, batch
#   normalisation, a search over rates;
# - **look** inside: parts in the first layer, sparse signals on the way.
#
# **When to use what?** Always: scaled inputs, He's weights, a validation set,
# early stopping. With few data: augmentation first, since it adds knowledge,
# then dropout or weight decay. With deep networks: batch normalisation. With
# clean and plentiful data, cures bring little.
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
