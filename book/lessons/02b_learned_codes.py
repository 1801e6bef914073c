# %% [markdown]
# # Codes that nobody designed
#
# Nobody tells a hidden unit what to do. There is a target for the output, and
# blame that trickles back; the rest is the network's own affair. So what does
# it do in there? You look inside while networks train: they bend space, they
# invent a code for eight messages, and when they are deep, sometimes the blame
# never arrives. At the end a network built from your own layers reads
# handwriting.
#
# After this lesson you can
#
# - **see** a network as a chain of maps that warp space until a line will do;
# - **watch** a code appear in hidden units, and tell what is binary about it;
# - **explain** why a step that is too large can end all learning;
# - **measure** where in a deep network the gradient vanishes, and why;
# - **train** a digit reader without any library for learning.
#
# It takes a minute on a laptop and downloads nothing. You come from
# [backpropagation](lesson:02_backpropagation). Symbols stand in the
# [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## Space, bent
#
# One unit draws a straight line, and XOR cannot be had with a line. Yet the
# *last* unit of every network is one unit. So the layers before it must move
# the points to where a line works. With two hidden units you can see it
# happen: they move each point of the plane to another point of a plane, $h =
# \sigma(xW_1 + b_1)$.
#
# The layers are those that you wrote in the last lesson. They now live in
# `deepcourse.layers`. All that is missing is a loop that takes steps.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from deepcourse.layers import ACTIVATIONS, LOSSES, Activation, Dense
from deepcourse.layers import run, run_back

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)  # small matrices: a second thread only slows
slope = LOSSES["cross-entropy"][1]  # the loss's derivative by the answer

# %%
def learn(layers, X, y, lr, num_steps, batch_size=None, seed=0):
    rng = np.random.default_rng(seed)
    dense = [layer for layer in layers if isinstance(layer, Dense)]
    for _ in range(num_steps):
        i = rng.permutation(len(X))[:batch_size]
        run_back(layers, slope(run(layers, X[i]), y[i]))
        for layer in dense:
            layer.W -= lr * layer.dW
            layer.b -= lr * layer.db
    return layers

# %% [markdown]
# Four clouds at the corners of a square, orange where $x_1$ and $x_2$ agree in
# sign and blue where they do not. Two hidden units with tanh, then two
# outputs, one for each colour. As in the first lesson, not every start
# succeeds with so few units; we take the first that does.
#
# **Predict:** where must the two blue clouds go?

# %%
from functools import partial

rng = np.random.default_rng(0)
corners = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
X = corners.repeat(25, axis=0) + 0.2 * rng.normal(size=(100, 2))
y = np.eye(2)[np.repeat([0, 1, 1, 0], 25)]  # (batch, classes)

def make_xor(seed):
    rng = np.random.default_rng(seed)
    layers = [Dense(2, 2, rng), Activation(*ACTIVATIONS["tanh"]),
              Dense(2, 2, rng)]
    return learn(layers, X, y, lr=0.5, num_steps=1500)

def accuracy(layers, X, y):
    return (run(layers, X).argmax(axis=1) == y.argmax(axis=1)).mean()  # ()

xor = next(net for net in map(make_xor, range(20))
           if accuracy(net, X, y) > 0.98)
line = learn([Dense(2, 2, rng)], X, y, lr=0.5, num_steps=1500)

# %% figure="trained" alt="Three panels. Left, the four clouds on a square grid. Middle, everything lies pressed on one slanted line: orange at both ends, blue in the middle. Right, tanh has bent this line into a corner; blue lies in the corner and a straight green line cuts it off from the orange ends."
from deepcourse.claims import claim
from deepcourse.plot import BLUE, GREEN, GREY, ORANGE, PURPLE

def draw(ax, move, X, labels, reach):
    fine = np.linspace(-reach, reach, 65)
    for c in np.linspace(-reach, reach, 9):
        for path in ([fine, 0 * fine + c], [0 * fine + c, fine]):
            ax.plot(*move(np.array(path).T).T, color=GREY, linewidth=0.6,
                    antialiased=False)
    for label, mark, color in ((0, "x", ORANGE), (1, "o", BLUE)):
        ax.plot(*move(X[labels == label]).T, mark, color=color, markersize=3)
    ax.axis("off")

figure, axes = plt.subplots(1, 3, figsize=(5.6, 2.1))
names = "the plane", "after $W_1$, $b_1$", "after tanh"
for depth, (ax, name) in enumerate(zip(axes, names, strict=True)):
    draw(ax, partial(run, xor[:depth]), X, y.argmax(axis=1), reach=1.6)
    ax.set_title(name)
w, b = xor[2].W @ [-1, 1], xor[2].b @ [-1, 1]  # (hidden,), ()
ends = np.array([-1.0, 1])
border = axes[2].plot(ends, -(w[0] * ends + b) / w[1], color=GREEN)
limits = axes[2].set(ylim=(-1.15, 1.15), xlim=(-1.15, 1.15))
claim("the accuracy of a straight line on the hidden units",
      accuracy(xor, X, y), at_least=0.97,
      baseline={"on the inputs": accuracy(line, X, y)}, unit="%")

# %% [markdown]
# Look what the weights chose to do. They press the plane almost flat, so that
# both blue clouds come to lie in the middle of a line, between the orange
# ones. On a line no cut will do. Then tanh bends it round a corner, and one
# straight cut takes the corner off. Forget what does not matter, then bend:
# two units are enough. Nothing was torn; points that were neighbours still
# are.
#
# ## Two spirals
#
# One bend is enough for XOR. Two spirals wound round each other need more, and
# we would like to watch them come apart step by step. So stack three layers,
# each of which passes on what it got plus eight soft bends:
# $H_{\ell+1} = H_\ell + \tanh(H_\ell W + b)\,V$. Each maps the plane to the
# plane. (Layers of this kind come back in the chapter on convolution.)

# %%
from torch import nn

def make_spirals(batch, seed, turns=1.25):
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(batch, 1, generator=generator).sqrt()  # (batch, 1)
    y = torch.arange(batch).reshape(-1, 1) % 2.0  # (batch, outputs)
    angle = 2 * torch.pi * (turns * t + y / 2)
    X = 2 * t * torch.cat([angle.cos(), angle.sin()], dim=1)
    return X + 0.05 * torch.randn(batch, 2, generator=generator), y

# %%
from deepcourse.training import train

class Bend(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.bends = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(),
                                   nn.Linear(hidden, 2))

    def forward(self, H):
        return H + self.bends(H)  # (batch, features)

# %% [markdown]
# You have earned torch's gradients, so `train` does the work here, with an
# optimizer that later lessons explain. Three seeds, judged on new points.

# %% figure="trained" alt="Four panels. First two interleaved spirals on a square grid. Layer by layer the grid is stretched and folded, until in the last panel the blue and the orange points lie on two sides."
def learn_spirals(bends, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(*map(Bend, bends), nn.Linear(2, 1))
    train(model, *make_spirals(400, seed=0),
          nn.functional.binary_cross_entropy_with_logits,
          torch.optim.Adam(model.parameters(), lr=0.02), num_steps=600)
    X, y = make_spirals(1000, seed=1)
    return model, ((model(X) > 0) == (y > 0.5)).double().mean().item()

def move(layers, P):
    return layers(torch.as_tensor(P)).detach().numpy()  # (points, features)

deep, straight, single = ([learn_spirals(bends, seed) for seed in range(3)]
                          for bends in ([8, 8, 8], [], [24]))
linear = {"a straight line": [score for _, score in straight]}
for name, runs in (("three layers of 8", deep), ("one layer of 24", single)):
    claim(f"the accuracy of {name} bends on new points", [s for _, s in runs],
          at_least=0.95, baseline=linear, unit="%")
X_t, y_t = make_spirals(120, seed=0)
figure, axes = plt.subplots(2, 2, figsize=(5.0, 3.8))
for depth, ax in enumerate(axes.flat):
    draw(ax, partial(move, deep[0][0][:depth]), X_t.numpy(), y_t[:, 0].numpy(),
         reach=2.1)
    ax.set_title(f"after layer {depth}" if depth else "the plane")

# %% [markdown]
# Crosses and dots walk to different sides. Again the grid is stretched and
# folded over, never cut: each layer is a continuous map. [Olah
# 2014](cite:olah2014) shows what follows from this. A blue disc *inside* an
# orange ring, for example, cannot be freed by maps that only stretch; it needs
# a fold, or a third dimension to be lifted into.
#
# And note the second claim: a single layer with as many bends does it as well.
# Three layers were for our eyes. Depth can pay, as you saw in
# [the lesson on depth](lesson:01b_why_deep); here it need not.
#
# ## Eight messages, three wires
#
# Now the experiment that made hidden units famous. Eight messages, each a row
# with a single 1. The network must give back what it got, but in between there
# are only three hidden units: an 8-3-8 network. Everything it knows of the
# message has to pass through three numbers.
#
# [Mitchell 1997](cite:mitchell1997) trained it by backpropagation, and the
# lecture of [Krippahl](cite:krippahl) shows what came out. No labels are
# needed: each message is its own target. (Such a network is an *autoencoder*;
# a later chapter is about them.) Do it again, with the formulas of the last
# lesson and half squares: small weights, one message at a time in random
# order, learning rate 0.3. Twenty networks train at once: the first axis of
# each array counts them.
#
# **Predict:** three units, eight messages. What would *you* let them say?

# %%
MESSAGES = np.eye(8)  # (features, features)

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def forward(X, W1, b1, W2, b2):
    H1 = sigmoid(X @ W1 + b1)  # (seeds, batch, hidden)
    y_hat = sigmoid(H1 @ W2 + b2)  # (seeds, batch, outputs)
    return H1, y_hat

# %%
def backward(X, W1, b1, W2, b2):
    H1, y_hat = forward(X, W1, b1, W2, b2)
    delta2 = (y_hat - X) * y_hat * (1 - y_hat)  # (seeds, batch, outputs)
    delta1 = (delta2 @ W2.mT) * H1 * (1 - H1)  # (seeds, batch, hidden)
    return [X.mT @ delta1, delta1.sum(axis=1, keepdims=True),
            H1.mT @ delta2, delta2.sum(axis=1, keepdims=True)]

# %% [markdown]
# Now the loop. With momentum, a step is the last step, shrunk, plus the new
# one: a ball that keeps rolling. For now it is 0. *Online* means one message
# at a time.

# %%
def presentations(rng, online, seeds):
    if not online:
        return [np.tile(MESSAGES, (seeds, 1, 1))]  # all eight at once
    orders = rng.permuted(np.tile(np.arange(8), (seeds, 1)), axis=1)
    return [MESSAGES[orders[:, [i]]] for i in range(8)]  # one at a time

def learn_codes(lr, num_epochs, momentum=0.0, online=True, hidden=3, seeds=20):
    rng, history = np.random.default_rng(0), []
    shapes = (8, hidden), (1, hidden), (hidden, 8), (1, 8)
    parameters = [rng.uniform(-0.1, 0.1, (seeds, *shape)) for shape in shapes]
    velocities = [np.zeros_like(P) for P in parameters]
    for _ in range(num_epochs):
        history.append(forward(MESSAGES, *parameters))
        for X in presentations(rng, online, seeds):
            slopes = backward(X, *parameters)
            for P, V, dP in zip(parameters, velocities, slopes, strict=True):
                V *= momentum
                V -= lr * dP
                P += V
    codes, answers = zip(*history, strict=True)
    return np.array(codes), np.array(answers)

# %% [markdown]
# Here is one of the twenty networks as it trains. Each panel is the code at
# one moment, counted in epochs: a row for each message, a column for each
# hidden unit, dark for 0 and bright for 1.

# %% figure="trained" alt="Six narrow heat maps of eight rows and three columns, at growing numbers of epochs. The first is uniform. The rows become different from one another step by step, in the last each row has its own pattern of dark and bright."
codes, answers = learn_codes(lr=0.3, num_epochs=6000)
figure, axes = plt.subplots(1, 6, figsize=(5.6, 2.9))
for ax, epoch in zip(axes, (0, 300, 600, 1000, 2000, 5999), strict=True):
    ax.imshow(codes[epoch, 0], vmin=0, vmax=1)
    ax.set(title=epoch, xticks=[], yticks=[])
axes[0].set_yticks(range(8), range(1, 9))
label = axes[0].set_ylabel("message")

# %% [markdown]
# At first all messages look the same. Then faint differences appear, and they
# feed on themselves: once two messages differ a little in the code, the
# outputs can use it, and their blame pulls the two further apart. In the end
# each has a pattern of its own. You would have said: count in binary. Nobody
# told the network.
#
# Is it really binary? Look closely, at all twenty. When are all the outputs on
# the right side of one half? How many different words are left if you round
# each unit to 0 or 1? How many values lie between 0.1 and 0.9?

# %%
def solved_at(answers):
    right = ((answers > 0.5) == (MESSAGES > 0.5)).all(axis=(2, 3))
    return [int(run.argmax()) if run[-1] else len(run) for run in right.T]

words = [len({tuple(word) for word in code > 0.5}) for code in codes[-1]]
between = ((codes[-1] > 0.1) & (codes[-1] < 0.9)).mean(axis=(1, 2))  # (seeds,)
when = solved_at(answers)

# %%
claim("the epoch at which the last network has all messages right",
      max(when), at_most=5900, baseline={"never": len(answers)})
claim("networks of twenty whose rounded words collide",
      sum(number < 8 for number in words), at_least=1,
      baseline={"if all codes were binary": 0})
claim("the share of hidden values in between", between.mean(), at_least=0.1,
      baseline={"if all codes were binary": 0.0}, unit="%")

# %% [markdown]
# So: *often* nearly binary, not always. Some networks let two messages share a
# rounded word and tell them apart by a value in the middle. No wonder: the
# loss never asked for bits. It asked for words each of which a plane can cut
# off from all the others. The table that [Mitchell 1997](cite:mitchell1997)
# prints, and many books after him, has values like .60 and .71 in it as well.
#
# See for yourself. On the left the code of one network at one epoch, on the
# right what it answers. This one has several values in the middle. Move the
# epoch, then try the other networks.

# %% figure="trained" alt="Left, a heat map of eight messages by three hidden units with the values written in. Right, the eight by eight answers: a bright diagonal on a dark ground."
def plot_code(network=1, epoch=5999):
    code, answer = codes[epoch, network], answers[epoch, network]
    _, (left, right) = plt.subplots(1, 2, figsize=(5.6, 3.4),
                                    width_ratios=[3, 8])
    left.imshow(code, vmin=0, vmax=1, aspect="auto")
    right.imshow(answer, vmin=0, vmax=1, aspect="auto")
    for row, unit in np.ndindex(code.shape):
        left.text(unit, row, f"{code[row, unit]:.2f}", ha="center",
                  va="center", color="black" if code[row, unit] > 0.5 else "w")
    left.set(title="code", xticks=[], yticks=range(8), ylabel="message")
    right.set(title="answers", xticks=[], yticks=[])
    left.set_yticklabels(range(1, 9))

plot_code()

# %% explore=true
from deepcourse.widgets import explore

explore(plot_code, network=(0, 19, 1), epoch=(0, 5999, 1))

# %% [markdown]
# ## Faster, and over the edge
#
# Thousands of epochs for eight messages: can it go faster? Three tries.
# *Momentum* 0.9, the rest as before. *Batch*: add up the blame of all eight
# messages, then step; with a bold learning rate of 10. And the same with the
# *mean* over the messages in place of the sum: an eighth of that step.
#
# **Predict:** which of them will work?

# %%
tries = {
    "online": dict(lr=0.3, num_epochs=1),
    "online, momentum": dict(lr=0.3, momentum=0.9, num_epochs=800),
    "batch, mean": dict(lr=10 / 8, online=False, num_epochs=1500),
    "batch, sum": dict(lr=10, online=False, num_epochs=1500),
}
runs = {name: learn_codes(**options)[1] for name, options in tries.items()}
runs["online"] = answers

# %% figure="trained" alt="Loss against epochs on logarithmic axes, five networks each. Online falls late, with momentum much earlier, batch with the mean in between. Batch with the sum jumps to a plateau at once and stays there."
figure, ax = plt.subplots()
looks = zip(runs.items(), (BLUE, GREEN, PURPLE, ORANGE), strict=True)
for (name, output), color in looks:
    losses = ((output - MESSAGES) ** 2).sum(axis=(2, 3)) / 2  # (_, seeds)
    lines = ax.loglog(1 + np.arange(len(losses)), losses[:, :5], color,
                      linewidth=0.8)
    lines[0].set(label=name, linewidth=1.6)
ax.set(xlabel="epoch", ylabel="loss")
legend = ax.legend(fontsize="small")

# %% [markdown]
# The sum with a step of 10 fails in all twenty networks, and in 1,500 epochs
# none recovers. Why? At the start every output is about one half, and seven
# of eight targets are 0. So the first, huge step pushes all outputs far down.
# There the sigmoid is flat. Each output is surely wrong once in eight
# messages, but its $\delta$ carries the factor $\hat y(1-\hat y)$, which is
# now almost zero. Hardly anything moves any more. Units in this state are
# called **saturated**.

# %%
claim("the epoch at which all twenty networks with momentum are right",
      max(solved_at(runs["online, momentum"])), at_most=750,
      baseline={"the first without": min(when)})
failed = [sum(at == 1500 for at in solved_at(runs[f"batch, {kind}"]))
          for kind in ("sum", "mean")]
claim("networks of twenty that batch steps of 10 leave unsolved", failed[0],
      at_least=20, baseline={"with the mean": failed[1]})
before, after = runs["batch, sum"][:2]
claim("the largest of all outputs after the first of these steps",
      after.max(), at_most=0.01, baseline={"before it": before.max()})

# %% [markdown]
# It is not *batch* that fails: with the mean all twenty arrive, and an epoch
# is much cheaper than eight separate steps. It is the size of the step.
#
# **Predict** once more: could *two* hidden units carry eight messages? Could
# one?
#
# <details><summary><b>Answer</b></summary>
#
# Two can. Put the eight codes on a circle: then a straight line cuts each one
# off from the other seven, and output $k$ needs just such a line. One cannot.
# On a line, a single threshold never separates an inner point from both its
# neighbours, so only the two messages at the ends could be had.
#
# </details>

# %%
options = dict(lr=0.3, momentum=0.9, online=False, num_epochs=4000)
two_codes, two_answers = learn_codes(hidden=2, **options)
one_answers = learn_codes(hidden=1, **options)[1]
claim("networks of twenty that solve it with two hidden units",
      sum(at < 4000 for at in solved_at(two_answers)), at_least=15,
      baseline={"with one": sum(at < 4000 for at in solved_at(one_answers))})

# %% figure="trained" alt="The unit square of two hidden units' values. Eight numbered points lie round its border, none between two others: a circle, pressed into a square."
figure, ax = plt.subplots(figsize=(5.6, 3.8))
for message, (across, up) in enumerate(two_codes[-1, 0], start=1):
    ax.plot(across, up, "o", color=BLUE, markersize=17, markerfacecolor="none")
    ax.text(across, up, message, ha="center", va="center")
limits = ax.set(xlim=(-0.1, 1.1), ylim=(-0.1, 1.1), xlabel="hidden unit 1",
                ylabel="hidden unit 2", aspect="equal")

# %% [markdown]
# There is the circle, drawn by gradient descent. "Three bits for eight
# messages" was our idea, not the network's.
#
# ## When the blame does not arrive
#
# Saturation kills learning in one layer. In deep networks something more
# gentle does the same. Write the way back over many layers in one line:
#
# $$\delta_1 = \Big(\big(\dots(\delta_K W_K^T)\odot\sigma'(Z_{K-1})\dots\big)
# W_2^T\Big)\odot\sigma'(Z_1).$$
#
# Each layer multiplies the blame by its weights and by a slope. The slope of
# the sigmoid is at most 1/4. **Predict:** ten layers, weights that keep the
# size of what they multiply. How large is the gradient of the first layer,
# compared with the last?
#
# Measure it, on real data: 8x8 pictures of handwritten digits, and ten layers
# of 50 units.

# %%
from itertools import pairwise

from deepcourse.data import load_digits

digits = load_digits(seed=0)
X, y = digits.X_train.numpy(), digits.y_train.numpy()

def make_network(sizes, activation, gain, seed):
    rng, layers = np.random.default_rng(seed), []
    for inputs, units in pairwise(sizes):
        layers += [Dense(inputs, units, rng),
                   Activation(*ACTIVATIONS[activation])]
        layers[-2].W *= gain
    return layers[:-1]

# %% figure="trained" alt="Length of the gradient for each of the ten layers, on a logarithmic axis. For the sigmoid it falls steadily by about six powers of ten from the last layer to the first. For tanh and ReLU it stays level. Sigmoids with four times larger weights lie in between."
SIZES = [64] + [50] * 9 + [10]
KINDS = {"sigmoid": ("sigmoid", 1), "sigmoid, weights x 4": ("sigmoid", 4),
         "tanh": ("tanh", 1), "ReLU": ("ReLU", 2**0.5)}

def lengths(kind, seed):
    layers = make_network(SIZES, *KINDS[kind], seed)
    run_back(layers, slope(run(layers, X), y))
    return [np.linalg.norm(layer.dW) for layer in layers[::2]]

table = {kind: np.array([lengths(kind, seed) for seed in range(5)])
         for kind in KINDS}  # each (seeds, layers)
figure, ax = plt.subplots()
looks = zip(table, (ORANGE, ORANGE, GREEN, BLUE), ("o-", "o:", "s-", "^-"),
            strict=True)
for kind, color, mark in looks:
    ax.semilogy(range(1, 11), table[kind].mean(axis=0), mark, color=color,
                markersize=4, label=kind)
ax.set(xlabel="layer", ylabel="length of the gradient", xticks=range(1, 11))
legend = ax.legend(fontsize="small")
ratios = {kind: rows[:, 0] / rows[:, -1] for kind, rows in table.items()}
claim("first layer's gradient over last layer's, sigmoid", ratios["sigmoid"],
      at_most=1e-4, baseline={kind: ratios[kind] for kind in ("tanh", "ReLU")})

# %% [markdown]
# The blame **vanishes**: each layer costs it a factor of about 4, as much as
# the slope alone explains, and a product of nine such factors leaves next to
# nothing. [Bengio and others 1994](cite:bengio1994) proved it for
# recurrent networks, where "layers" are moments in time.
#
# Who is guilty, the sigmoid? Not alone: it is the *product* of slope and
# weights. Weights four times as large help. With tanh, whose slope at zero
# is 1, nothing vanishes at the start ([Glorot & Bengio 2010](cite:glorot2010)
# found the right size of the weights for it). ReLU has slope 1 or 0. It
# switches off about half of the blame, so its weights need a factor $\sqrt 2$
# ([He and others 2015](cite:he2015)).
#
# Does it matter for learning? Train both, with the learning rate chosen on the
# validation set.

# %%
def test_accuracy(sizes, activation, gain, seed, rates, num_steps):
    parts = load_digits(seed)
    X, y, X_val, y_val, X_test, y_test = (part.numpy() for part in (
        parts.X_train, parts.y_train, parts.X_val, parts.y_val,
        parts.X_test, parts.y_test))
    tried = []
    for lr in rates:
        layers = make_network(sizes, activation, gain, seed)
        learn(layers, X, y, lr, num_steps, batch_size=32, seed=seed)
        tried.append((accuracy(layers, X_val, y_val), lr, layers))
    layers = max(tried, key=lambda entry: entry[:2])[2]
    return accuracy(layers, X_test, y_test), layers

scores = {kind: [test_accuracy(SIZES, *KINDS[kind], seed, (0.03, 0.1, 0.3),
                               num_steps=400)[0] for seed in range(3)]
          for kind in ("sigmoid", "ReLU")}
claim("the test accuracy of ten layers with ReLU", scores["ReLU"],
      at_least=0.7, baseline={"with sigmoid": scores["sigmoid"]}, unit="%")

# %% [markdown]
# In the steps they had, ten sigmoid layers have learned *nothing*: they are as
# good as guessing. It is not that the network could not represent digits. The
# first layers do not hear what they should change.
#
# ## Reading digits
#
# So do not go deep without need. One hidden layer of 100 ReLU units, softmax,
# cross-entropy, mini-batches: all of it your own code. Its rival is the
# same without the hidden layer. For each of six deals of the pictures into
# parts, validation chooses the learning rate, and the test set reports.
# **Predict:** how much does the hidden layer bring?

# %%
def digit_runs(sizes):
    return [test_accuracy(sizes, "ReLU", 2**0.5, seed, (0.1, 0.3, 1.0),
                          num_steps=1000) for seed in range(6)]

linear = np.array([1 - score for score, _ in digit_runs([64, 10])])  # (seeds,)
readers = digit_runs([64, 100, 10])
errors = np.array([1 - score for score, _ in readers])  # (seeds,)
claim("the test error of the network, mean of six deals", errors.mean(),
      at_most=0.04, baseline={"always the same digit": 0.89}, unit="%")
claim("the share of the linear model's errors that the hidden layer removes",
      1 - errors.mean() / linear.mean(), at_least=0.05,
      baseline={"none": 0.0}, unit="%")

# %% figure="trained" alt="Ten small pictures of handwritten digits that the network got wrong, each with what it is and what the network said. Several are hard for a person, too."
wrong = []
for seed, (_, layers) in enumerate(readers):
    parts = load_digits(seed)
    said = run(layers, parts.X_test.numpy()).argmax(axis=1)  # (batch,)
    truth = parts.y_test.argmax(dim=1).numpy()  # (batch,)
    wrong += [(parts.X_test[i].reshape(8, 8), truth[i], said[i])
              for i in np.flatnonzero(said != truth)]
figure, axes = plt.subplots(2, 5, figsize=(5.6, 2.9))
for ax, (picture, digit, answer) in zip(axes.flat, wrong, strict=False):
    ax.imshow(picture)
    ax.set_title(f"{digit}, said {answer}", fontsize="small")
    ax.axis("off")

# %% [markdown]
# These are mistakes on test pictures, with eight by eight pixels to go by. Be
# honest about the size of the gain: the hidden layer removes a part of the
# linear model's mistakes, and on pictures this small and clean there was
# little left to remove.
#
# ## The same in PyTorch
#
# Is your digit reader the network that torch would build? Copy its weights
# into `nn.Linear` layers, run a batch through both, and compare the gradients.

# %%
layers = readers[0][1]
model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
with torch.no_grad():
    for own, layer in zip((model[0], model[2]), layers[::2], strict=True):
        own.weight.copy_(torch.tensor(layer.W.T))
        own.bias.copy_(torch.tensor(layer.b))
run_back(layers, slope(run(layers, X[:32]), y[:32]))
loss = nn.functional.cross_entropy(model(torch.tensor(X[:32])),
                                   torch.tensor(y[:32]))  # ()
loss.backward()
gap = np.abs(model[0].weight.grad.numpy().T - layers[0].dW).max()
claim("the gap between torch's gradient and ours", gap, at_most=1e-10,
      baseline={"no gradient at all": np.abs(layers[0].dW).max()})

# %% [markdown]
# ## At full size
#
# Mitchell's network has a few dozen parameters; a language model has the same
# need on another scale. It, too, gets one row with a single 1 for each word
# and learns a short code, an *embedding*, in which alike words lie close.
# Networks with a hundred layers train today, because blame has a way around
# the slopes: layers that pass on what they got plus something, as the spirals
# did, together with well-sized weights and normalisation. You will build these
# parts one by one.
#
# ## Recap
#
# You can now
#
# - **see** layers as maps that stretch, press and fold, until a line will do;
# - **watch** a code appear, and say that it is a set of points that lines can
#   cut apart: often nearly binary, never by design;
# - **explain** saturation: one step too large, and $\hat y(1-\hat y)$ is zero
#   where the answer is surely wrong;
# - **measure** the gradient layer by layer, and read it as a product of
#   weights and slopes;
# - **train** a digit reader from your own layers, against a linear rival.
#
# **When to use what?** For hidden layers ReLU or tanh, with weights scaled to
# their inputs. The sigmoid for what it is best at: an output that is a
# probability, with the loss that goes with it. Before you add depth, look at
# the gradient of the first layer.
#
# Now do [the assignment](assignment:02_backpropagation).
#
# **Further reading.** The lecture of [Krippahl](cite:krippahl) inspired this
# lesson. Chapter 4 of [Mitchell 1997](cite:mitchell1997) has the 8-3-8
# network; [Ackley, Hinton & Sejnowski 1985](cite:ackley1985) had set the task
# to Boltzmann machines. [Olah 2014](cite:olah2014) draws many more warped
# planes, and chapter 5 of [Nielsen 2015](cite:nielsen2015) takes vanishing
# gradients slowly.
