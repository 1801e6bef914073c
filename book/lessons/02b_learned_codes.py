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
# - **watch** a code appear in hidden units, and tell whether it is binary;
# - **explain** why one step that is too large can all but end learning;
# - **measure** what vanishes in a deep network, on both ways, and why;
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
from deepcourse import repro
from deepcourse.layers import ACTIVATIONS, LOSSES, Activation, Dense
from deepcourse.layers import run, run_back
device = repro.device()
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
# succeeds with so few units. We try 20 and draw the first that does.
#
# **Predict:** where must the two blue clouds go?

# %%
from functools import partial

def make_clouds(each, seed):
    corners = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
    X = corners.repeat(each, axis=0)  # (batch, features)
    y = np.eye(2)[np.repeat([0, 1, 1, 0], each)]  # (batch, classes)
    return X + 0.2 * np.random.default_rng(seed).normal(size=X.shape), y

def make_xor(seed):
    rng = np.random.default_rng(seed)
    layers = [Dense(2, 2, rng), Activation(*ACTIVATIONS["tanh"]),
              Dense(2, 2, rng)]
    return learn(layers, X, y, lr=0.5, num_steps=1500)

def accuracy(layers, X, y):
    return (run(layers, X).argmax(axis=1) == y.argmax(axis=1)).mean()  # ()

X, y = make_clouds(25, seed=0)
nets = [make_xor(seed) for seed in range(20)]
good = [net for net in nets if accuracy(net, X, y) > 0.98]
xor = good[0]

# %% figure="trained" alt="Three panels. Left, the four clouds on a square grid. Middle, everything lies pressed on one slanted line: orange at both ends, blue in the middle. Right, tanh has bent this line into a corner; blue lies in the corner and a straight green line cuts it off from the orange ends."
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

# %% [markdown]
# Look what the weights chose to do. They press the plane almost flat, so that
# both blue clouds come to lie in the middle of a line, between the orange
# ones. On a line no cut will do. Then tanh bends it round a corner, and one
# straight cut takes the corner off. Forget what does not matter, then bend:
# two units are enough. Nothing was torn; points that were neighbours still
# are.
#
# Was that the luck of one start? Ask all, on new points. The rival is the best
# straight line on the inputs, found by trying directions and places. And how
# thick is the pressed plane, compared with its length?

# %%
from deepcourse.claims import claim
from deepcourse.reproduce import recorded

X_new, y_new = make_clouds(250, seed=1)
angle = np.linspace(0, np.pi, 180)
along = X_new @ [np.cos(angle), np.sin(angle)]  # (batch, _)
right = [((along > cut) == y_new[:, 1:]).mean(axis=0)
         for cut in np.linspace(-2, 2, 41)]
claim("the accuracy on new points, starts that succeed",
      [accuracy(net, X_new, y_new) for net in good], at_least=0.95,
      baseline={"best straight line": max(np.max(right), 1 - np.min(right)),
                "starts that fail": [accuracy(net, X_new, y_new)
                                     for net in nets if net not in good]},
      unit="%")

def thickness(net):
    length, width = np.linalg.svd(net[0].W)[1]  # (), ()
    return width / length

claim("the pressed plane's width over its length, starts that succeed",
      [thickness(net) for net in good], at_most=0.1,
      baseline={"starts that fail": [thickness(net) for net in nets
                                     if net not in good]})

# %% [markdown]
# Every start that succeeds has found the same trick. None that fails has.
#
# ## Two spirals
#
# One bend is enough for XOR. [Two spirals](demo:playground#spiral) wound round
# each other need more. To watch them come apart step by step, stack three
# layers, each of which passes on what it got plus eight soft bends:
# $H_{\ell+1} = H_\ell + \tanh(H_\ell W + b)\,V + c$. Each maps the plane to
# the plane.
#
# You have earned torch's gradients, so `train` does the work here, with an
# optimizer that later lessons explain. Three seeds, judged on new points.

# %%
from torch import nn

from deepcourse.training import train

def make_spirals(batch, seed, turns=1.25):
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(batch, 1, generator=generator).sqrt()  # (batch, 1)
    y = torch.arange(batch).reshape(-1, 1) % 2.0  # (batch, outputs)
    angle = 2 * torch.pi * (turns * t + y / 2)
    X = 2 * t * torch.cat([angle.cos(), angle.sin()], dim=1)
    X = X + 0.05 * torch.randn(batch, 2, generator=generator)
    return X.to(device), y.to(device)  # (batch, features), (batch, outputs)

class Bend(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.bends = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(),
                                   nn.Linear(hidden, 2))

    def forward(self, H):
        return H + self.bends(H)  # (batch, features)

def move(layers, P):
    H = layers(torch.as_tensor(P).to(device))  # (points, features)
    return H.detach().cpu().numpy()

# %% figure="trained" alt="Four panels. First two interleaved spirals on a square grid. Layer by layer the grid is stretched and folded, until in the last panel a straight green line has the blue points on one side and the orange ones on the other."
def learn_spirals(bends, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(*map(Bend, bends), nn.Linear(2, 1)).to(device)
    train(model, *make_spirals(400, seed=0),
          nn.functional.binary_cross_entropy_with_logits,
          torch.optim.Adam(model.parameters(), lr=0.02), num_steps=600)
    X, y = make_spirals(1000, seed=1)
    return model, ((model(X) > 0) == (y > 0.5)).double().mean().item()

deep, straight, single = ([learn_spirals(bends, seed) for seed in range(3)]
                          for bends in ([8, 8, 8], [], [24]))
linear = {"a straight line": [score for _, score in straight]}
for name, runs in (("three layers of 8", deep), ("one layer of 24", single)):
    claim(f"the accuracy of {name} bends on new points", [s for _, s in runs],
          at_least=0.95, baseline=linear, unit="%")
X_t, y_t = (part.cpu().numpy() for part in make_spirals(120, seed=0))
figure, axes = plt.subplots(2, 2, figsize=(5.0, 3.8))
for depth, ax in enumerate(axes.flat):
    draw(ax, partial(move, deep[0][0][:depth]), X_t, y_t[:, 0], reach=2.1)
    ax.set_title(f"after layer {depth}" if depth else "the plane")
w, b = (P.detach().cpu().numpy() for P in deep[0][0][-1].parameters())
border = axes[1, 1].axline((0, -b[0] / w[0, 1]), slope=-w[0, 0] / w[0, 1],
                           color=GREEN)

# %% [markdown]
# Crosses and dots walk to different sides, until a straight line will do. The
# grid is stretched and folded over, but never torn: each layer is a continuous
# map. The folds matter. [Olah 2014](cite:olah2014) looks at layers
# $\tanh(HW + b)$ whose $W$ is square and can be inverted. Each can be undone,
# so it cannot fold: it only stretches and bends. However many you stack, a
# blue disc *inside* an orange ring stays inside. To free it takes a fold, or a
# third unit, to lift it out of the plane.
#
# And note the second claim: a single layer with as many bends does it as well.
# Three layers were for our eyes. Depth can pay, as you saw in
# [the lesson on depth](lesson:01b_why_deep); here it need not.
#
# ## Eight messages, three wires
#
# A classic experiment. Eight messages, each a row with a single 1. The network
# must give back what it got, but in between there are only three hidden units:
# an 8-3-8 network.
#
# [Mitchell 1997](cite:mitchell1997) trained it by backpropagation, and the
# lecture of [Krippahl](cite:krippahl) shows what came out. No labels are
# needed: each message is its own target. (Such a network is an *autoencoder*;
# a later chapter is about them.) Do it again, with the formulas of the last
# lesson and half squares, $L = \frac12 \sum_k (\hat y_k - y_k)^2$: small
# weights, one message at a time in random order, learning rate 0.3. Twenty
# networks train at once: the first axis of each array counts them.
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
# Now the loop. *Online* means one message at a time. With *momentum*, a step
# is the last step, times a factor, plus the new one: a ball that keeps
# rolling. For now the factor is 0.
#
# Below is one of the twenty networks as it trains. Each panel is the code at
# one moment, counted in epochs: a row for each message, a column for each
# hidden unit, dark for 0 and bright for 1.

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

# %% figure="trained" alt="Six narrow heat maps of eight rows and three columns, at growing numbers of epochs. The first is uniform. The rows become different from one another step by step, in the last each row has its own pattern of dark and bright."
codes, answers = learn_codes(lr=0.3, num_epochs=6000)
found = {"code": codes, "answers": answers}
figure, axes = plt.subplots(1, 6, figsize=(5.6, 2.9))
for ax, epoch in zip(axes, (0, 300, 600, 1000, 2000, 5999), strict=True):
    ax.imshow(codes[epoch, 0], vmin=0, vmax=1)
    ax.set(title=epoch, xticks=[], yticks=[])
axes[0].set_yticks(range(8), range(1, 9))
label = axes[0].set_ylabel("message")

# %% [markdown]
# At first all messages look the same. Then differences grow, and they feed on
# themselves: once two messages differ a little in the code, the outputs can
# use it, and their blame pulls the two further apart. In the end each has a
# pattern of its own.
#
# Perhaps you said: count in binary, three bits are just enough. Look at the
# grey cells of the last panel. They are neither 0 nor 1.
#
# Ask all twenty networks. When are all the outputs on the right side of one
# half? Round each unit to 0 or 1: do two messages get the same word? How many
# values lie between 0.1 and 0.9?

# %%
def solved_at(answers):
    right = ((answers > 0.5) == (MESSAGES > 0.5)).all(axis=(2, 3))
    return [int(run.argmax()) if run[-1] else len(run) for run in right.T]

words = [len({tuple(word) for word in code > 0.5}) for code in codes[-1]]
grey = (codes[-1] > 0.1) & (codes[-1] < 0.9)  # (seeds, batch, hidden)
when = solved_at(answers)

# %%
claim("the epoch at which the last network has all messages right",
      max(when), at_most=5900, baseline={"never": len(answers)})
claim("networks of twenty in which two messages share a rounded word",
      sum(number < 8 for number in words), at_least=2,
      baseline={"if they counted in binary": 0})
claim("networks of twenty with a value in between",
      grey.any(axis=(1, 2)).sum(), at_least=15,
      baseline={"if they counted in binary": 0})
claim("the share of values in between", grey.mean(), at_least=0.1,
      baseline={"if they counted in binary": 0.0}, unit="%")

# %% [markdown]
# So it is *not* binary. Most networks give each message a rounded word of its
# own, as binary would; but hardly one does without values in the middle, and
# some tell two messages apart by nothing else. No wonder: the loss never asked
# for bits. Output $k$ is above one half where $h \cdot w_k + b_k > 0$, on one
# side of a plane in the space of codes. So all it takes is eight points, each
# of which a plane can cut off from the others. The table that [Mitchell
# 1997](cite:mitchell1997) prints has values like .60 and .71, too.
#
# See for yourself. On the left the code of one network at one epoch, on the
# right what it answers. Move the epoch, then try the other networks.

# %% figure="trained" alt="Left, a heat map of eight messages by three hidden units with the values written in. Right, the eight by eight answers: a bright diagonal on a dark ground."
def plot_code(network=1, epoch=5999):
    _, axes = plt.subplots(1, 2, figsize=(5.6, 3.4), width_ratios=[3, 8])
    for ax, name in zip(axes, found, strict=True):
        ax.imshow(found[name][epoch, network], vmin=0, vmax=1, aspect="auto")
        ax.set(title=name, xticks=[], yticks=range(8), yticklabels=range(1, 9))
    for (row, unit), value in np.ndenumerate(codes[epoch, network]):
        axes[0].text(unit, row, f"{value:.2f}", ha="center", va="center",
                     color="black" if value > 0.5 else "w")

plot_code()

# %% explore=true
from deepcourse.widgets import explore

explore(plot_code, network=(0, 19, 1), epoch=(0, 5999, 1))

# %% [markdown]
# ## Faster, and over the edge
#
# Thousands of epochs for eight messages: can it go faster? Four tries.
#
# - *Momentum* 0.9. While the slope stays the same, the steps add up, to
#   $1 + 0.9 + 0.9^2 + \dots = 10$ times the plain one. So it needs a fair
#   rival:
# - no momentum, but ten times the *learning rate*, 3.
# - *Batch, sum*: add up the blame of all eight messages, then step, with a
#   bold learning rate of 10.
# - *Batch, mean*: the same with the mean, an eighth of that step.
#
# **Predict:** which of them will work?

# %%
tries = {
    "online, lr 3": dict(lr=3, num_epochs=800),
    "online, momentum": dict(lr=0.3, momentum=0.9, num_epochs=800),
    "batch, mean": dict(lr=10 / 8, online=False, num_epochs=1500),
    "batch, sum": dict(lr=10, online=False, num_epochs=1500),
}
runs = {"online": answers}
runs |= {name: learn_codes(**tries[name])[1] for name in tries}

# %% figure="trained" alt="Loss against epochs on logarithmic axes, three networks each. All but one kind wait on a plateau, then fall: online last, batch with the mean earlier, online with learning rate 3 earlier still, with momentum first. Batch with the sum jumps to a higher plateau at once and hardly leaves it."
figure, ax = plt.subplots()
looks = zip(runs.items(), (BLUE, GREY, GREEN, PURPLE, ORANGE),
            strict=True)
for (name, output), color in looks:
    losses = ((output - MESSAGES) ** 2).sum(axis=(2, 3)) / 2  # (_, seeds)
    lines = ax.loglog(1 + np.arange(len(losses)), losses[:, :3], color,
                      linewidth=0.8, antialiased=False)
    lines[0].set(label=name, linewidth=1.6)
ax.set(xlabel="epoch", ylabel="loss")
legend = ax.legend(fontsize="small")

# %% [markdown]
# Read the plateaus. Where the messages still look alike, the best answer is
# 1/8 everywhere, with the loss 3.5: there all wait, until the code appears.
# Only the sum sits higher, at 4. That is the loss of answering 0 to
# everything. In 1,500 epochs few of its networks have begun to move, and none
# has solved the task.
#
# Why? At the start every output is about one half, and seven of eight targets
# are 0. So the first, huge step pushes all outputs far down, where the sigmoid
# is flat. Each output is surely wrong once in eight messages, but its
# $\delta$ carries the factor $\hat y(1-\hat y)$, which is now almost zero.
# That ends almost all learning, for very long. Units in this state are called
# [**saturated**](demo:playground#saturated). (The factor comes with half
# squares. With cross-entropy it cancels: there the blame is $p - y$, and wrong
# outputs hear it.)

# %%
for guess in (1 / 8, 0):
    loss = ((guess - MESSAGES) ** 2).sum() / 2  # ()
    print(f"answer {guess:.3g} everywhere: loss {loss:.3g}")
for name in ("online, momentum", "online, lr 3"):
    claim(f"the epoch at which all twenty are right, {name}",
          max(solved_at(runs[name])), at_most=750,
          baseline={"the first of all with lr 0.3": min(when)})
failed = [sum(at == 1500 for at in solved_at(runs[f"batch, {kind}"]))
          for kind in ("sum", "mean")]
claim("networks of twenty that batch steps of 10 leave unsolved", failed[0],
      at_least=20, baseline={"with the mean": failed[1]})
final = {kind: ((runs[f"batch, {kind}"][-1] - MESSAGES) ** 2).sum(axis=(1, 2))
         / 2 for kind in ("sum", "mean")}  # each (seeds,)
claim("networks of twenty that still have a loss of 4, give or take 0.01",
      (abs(final["sum"] - 4) < 0.01).sum(), at_least=12,
      baseline={"with the mean": (abs(final["mean"] - 4) < 0.01).sum()})
before, after = runs["batch, sum"][:2]
claim("the largest of all outputs after the first of these steps",
      after.max(), at_most=0.01, baseline={"before it": before.max()})

# %% [markdown]
# It is not *batch* that fails: with the mean all twenty arrive. It is the size
# of the step. And momentum? The plain run with steps as long is nearly as
# fast: most of that gain was the step, too.
#
# **Predict** once more: could *two* hidden units carry eight messages? Could
# one?
#
# <details><summary><b>Answer</b></summary>
#
# Two can. Put the eight codes on a circle: then a straight line cuts each one
# off from the other seven, and output $k$ needs just such a line. One cannot,
# if each output must cross one half. On a line, a single threshold never
# separates an inner point from both its neighbours, so only the two messages
# at the ends could be had.
#
# </details>
#
# **A puzzle:** let the *largest* output win, whatever its size. Now one unit
# is enough. With which weights?
#
# <details><summary><b>Answer</b></summary>
#
# Give message $k$ a value $h_k$ of its own. Output $k$ is the line $2 h_k h -
# h_k^2$, which is $h^2 - (h - h_k)^2$. The first part is the same for all, so
# the nearest $h_k$ wins.
#
# </details>

# %%
options = dict(lr=0.3, momentum=0.9, online=False, num_epochs=4000)
(_, one), (two_codes, two) = (learn_codes(hidden=n, **options) for n in (1, 2))
solved = [sum(at < 4000 for at in solved_at(said)) for said in (one, two)]
claim("networks of twenty that solve it with two hidden units", solved[1],
      at_least=15, baseline={"with one": solved[0]})
h = np.linspace(0, 1, 8)  # the puzzle: one value a message
winner = (2 * np.outer(h, h) - h**2).argmax(axis=1)  # (batch,)
claim("messages that one unit carries when the largest output wins",
      sum(winner == np.arange(8)), at_least=8,
      baseline={"if each must cross one half": 2})

# %% figure="trained" alt="The unit square of two hidden units' values. Eight numbered points lie round its border, none between two others: a circle, pressed into a square."
figure, ax = plt.subplots(figsize=(5.6, 3.8))
for message, (across, up) in enumerate(two_codes[-1, 0], start=1):
    ax.plot(across, up, "o", color=BLUE, markersize=17, markerfacecolor="none")
    ax.text(across, up, message, ha="center", va="center")
limits = ax.set(xlim=(-0.1, 1.1), ylim=(-0.1, 1.1), xlabel="hidden unit 1",
                ylabel="hidden unit 2", aspect="equal")
recorded("banknote_autoencoder")

# %% [markdown]
# There is the circle, drawn by gradient descent. "Three bits for eight
# messages" was our idea, not the network's.
#
# The card above tells of such a squeeze [at full size](page:full_size): four
# measurements of a banknote pass two units, and far less is lost than by the
# best *linear* map.
#
# ## When the blame does not arrive
#
# Saturation stops learning in one layer. In deep networks something more
# gentle does the same. Write the way back over many layers in one line:
#
# $$\delta_1 = \Big(\big(\dots(\delta_K W_K^T)\odot\sigma'(Z_{K-1})\dots\big)
# W_2^T\Big)\odot\sigma'(Z_1).$$
#
# Each layer multiplies the blame by its weights and by a slope. The slope of
# the sigmoid is at most 1/4. The same product works on the way *forward*: a
# small difference between two pictures goes through every layer's weights and
# slopes.
#
# **Predict:** ten layers, weights of variance $1/n$ for $n$ inputs, as `Dense`
# draws them: they keep the size of what they multiply. How large is the
# gradient of the first layer, compared with the last? And how much of the
# picture reaches the last?
#
# Measure it, on real data: 8x8 pictures of handwritten digits, and ten layers
# of 50 units. We read the length of $dW_\ell = H_{\ell-1}^T\delta_\ell$. (It
# can stand for $\delta_\ell$: beside what you will see, the $H$ differ little
# in length.) And we read how much a layer's inputs *spread* over the pictures,
# as a part of their length.

# %%
from itertools import pairwise

from deepcourse.data import load_digits

digits = load_digits(seed=0)
X, y = digits.X_train.numpy(), digits.y_train.numpy()
SIZES = [64] + [50] * 9 + [10]
KINDS = {"sigmoid": ("sigmoid", 1), "sigmoid, weights x 4": ("sigmoid", 4),
         "tanh": ("tanh", 1), "ReLU": ("ReLU", 2**0.5)}

def make_network(sizes, activation, gain, seed):
    rng, layers = np.random.default_rng(seed), []
    for inputs, units in pairwise(sizes):
        layers += [Dense(inputs, units, rng),
                   Activation(*ACTIVATIONS[activation])]
        layers[-2].W *= gain
    return layers[:-1]

def measure(kind, seed):
    layers = make_network(SIZES, *KINDS[kind], seed)
    run_back(layers, slope(run(layers, X), y))
    back = [np.linalg.norm(layer.dW) for layer in layers[::2]]
    forth = [np.linalg.norm(layer.H - layer.H.mean(axis=0))
             / np.linalg.norm(layer.H) for layer in layers[::2]]
    return back, forth, [a.slope(a.Z).mean() for a in layers[1::2]] + [1]

# %% figure="trained" alt="Two panels over the ten layers, on logarithmic axes. Left, the length of the gradient: for the sigmoid it falls steadily by about six powers of ten from the last layer to the first. Right, the spread of what enters each layer: for the sigmoid it falls as steeply from the first layer to the last. In both, tanh stays level and ReLU nearly so, and sigmoids with four times larger weights fall far less."
table = {kind: np.array([measure(kind, seed) for seed in range(5)])
         for kind in KINDS}  # each (seeds, _, layers)
figure, axes = plt.subplots(1, 2, figsize=(5.6, 3.6))
for kind, look in zip(KINDS, ("C1o-", "C1o:", "C2s-", "C0^-"), strict=True):
    for ax, rows in zip(axes, table[kind].mean(axis=0), strict=False):
        ax.semilogy(range(1, 11), rows, look, markersize=4, label=kind)
for ax, name in zip(axes, ("gradient", "spread of inputs"), strict=True):
    ax.set(title=name, xlabel="layer", xticks=range(1, 11, 3))
legend = figure.legend(*axes[0].get_legend_handles_labels(), ncols=2,
                       loc="outside lower center", fontsize="small")

lost = {kind: (rows[:, 0, 0] / rows[:, 0, -1], rows[:, 1, -1] / rows[:, 1, 0])
        for kind, rows in table.items()}
names = "first layer's gradient over last layer's", "last spread over first"
for way, name in enumerate(names):
    claim(f"{name}, sigmoid", lost["sigmoid"][way], at_most=1e-4,
          baseline={kind: lost[kind][way] for kind in ("tanh", "ReLU")})
mean_slope = {kind: table[kind][:, 2, :-1].mean(axis=1) for kind in KINDS}
claim("the sigmoids' mean slope, weights x 4",
      mean_slope["sigmoid, weights x 4"], at_most=0.18,
      baseline={"weights x 1": mean_slope["sigmoid"]})

# %% [markdown]
# The blame **vanishes** on its way back: each layer costs it a factor of about
# 4, as much as the slope alone explains, and a product of nine such factors
# leaves next to nothing. The picture vanishes on its way forward, by the same
# product: what enters the last layer is almost the same for every picture.
# [Bengio and others 1994](cite:bengio1994) proved it for recurrent networks
# that hold on to information; there "layers" are moments in time.
#
# Who is guilty, the sigmoid? Not alone: it is the *product* of slope and
# weights.
#
# - **Weights four times as large** should make up for a slope of 1/4, and much
#   less is lost. But they also saturate units, so the mean slope drops.
# - **tanh** has slope 1 at zero: nothing vanishes at the start. [Glorot &
#   Bengio 2010](cite:glorot2010) found the right size of the weights for it.
# - **ReLU** has slope 1 or 0. It switches off about half of the blame, so the
#   mean square halves and lengths shrink by $\sqrt{1/2}$. Hence the factor
#   $\sqrt 2$ on its weights ([He and others 2015](cite:he2015)).
#
# Does it matter for learning? Train all four kinds, with the learning rate
# chosen on the validation set. One more test: the *last* layer's gradient is
# large, so train that layer alone.

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

def last_alone(kind):
    layers = make_network(SIZES, *KINDS[kind], seed=0)
    learn(layers[-1:], run(layers[:-1], X), y, lr=0.3, num_steps=300)
    return accuracy(layers, digits.X_test.numpy(), digits.y_test.numpy())

# %%
scores = {kind: [test_accuracy(SIZES, *KINDS[kind], seed, (0.03, 0.1, 0.3),
                               num_steps=300)[0] for seed in range(3)]
          for kind in KINDS}
sigmoids = {kind: scores.pop(kind) for kind in list(KINDS)[:2]}
for kind, score in scores.items():
    claim(f"the test accuracy of ten layers with {kind}", score,
          at_least=0.7, baseline=sigmoids, unit="%")
claim("the test accuracy, only the last layer trained, tanh",
      last_alone("tanh"), at_least=0.4,
      baseline={"sigmoid": last_alone("sigmoid")}, unit="%")

# %% [markdown]
# In the steps they had, ten sigmoid layers have learned *nothing*: they are as
# good as guessing. [Four](demo:playground#deep-sigmoid) can be enough. Larger
# weights help the gradient at the start, and little more. The first layers
# hear almost nothing, but that is half the story. The last layer hears loudly,
# and behind sigmoids it learns nothing either; behind tanh, just as random, it
# learns a good deal. It is not deaf but blind: the picture is gone before it
# arrives.
#
# ## Reading digits
#
# One hidden layer is enough here: 100 ReLU units, softmax, cross-entropy,
# mini-batches, all of it your own code. Its rivals: the same without the
# hidden layer, and *three nearest neighbours*, which learns nothing. It looks
# up the three training pictures that differ least, and lets them vote. For
# each of six deals of the pictures into parts, validation chooses the learning
# rate, and the test set reports.
#
# **Predict:** what share of the linear model's errors does the hidden layer
# remove: a tenth, a third, nearly all? And does it beat the neighbours?

# %%
def digit_runs(sizes):
    return [test_accuracy(sizes, "ReLU", 2**0.5, seed, (0.3, 1.0, 3.0),
                          num_steps=1000) for seed in range(6)]

def other_errors(seed):
    parts = load_digits(seed).to(device)
    near = torch.cdist(parts.X_test, parts.X_train).topk(3, largest=False)
    votes = parts.y_train[near.indices].sum(dim=1)  # (batch, classes)
    usual = parts.y_train.sum(dim=0)  # (classes,)
    truth = parts.y_test.argmax(dim=1)  # (batch,)
    return [(said.argmax(dim=-1) != truth).double().mean().item()
            for said in (votes, usual)]

readers = digit_runs([64, 100, 10])
linear, network = (1 - np.array([score for score, _ in found])
                   for found in (digit_runs([64, 10]), readers))
reader = readers[0][1]
near, usual = np.array([other_errors(seed) for seed in range(6)]).T
errors = {"linear model": linear, "network": network, "neighbours": near}
for name, rates in errors.items():
    claim(f"the test error of the {name}, mean of six deals", rates.mean(),
          at_most=0.06, baseline={"always the same digit": usual.mean()},
          unit="%")
claim("the share of the linear model's errors that the hidden layer removes",
      1 - network.mean() / linear.mean(), at_least=0.2,
      baseline={"none": 0.0}, unit="%")
shares = 1 - network / linear  # (seeds,)
claim("this share in the worst of the deals", shares.min(), at_most=0.25,
      baseline={"in the best": shares.max()}, unit="%")
claim("the share of the network's errors that the neighbours do not make",
      1 - near.mean() / network.mean(), at_least=0.1, baseline={"none": 0.0},
      unit="%")

# %% figure="trained" alt="Three rows of small pictures of handwritten digits. In the first six that the network reads right, below them twelve that it got wrong, each with what it is and what the network said. Several are hard for a person, too."
from itertools import islice

right, wrong = {}, {}  # each picture once, though deals overlap
for seed, (_, layers) in enumerate(readers):
    parts = load_digits(seed)
    said = run(layers, parts.X_test.numpy()).argmax(axis=1)  # (batch,)
    truth = parts.y_test.argmax(dim=1).tolist()
    for pixels, *pair in zip(parts.X_test.tolist(), truth, said, strict=True):
        (right if pair[0] == pair[1] else wrong)[tuple(pixels)] = pair
figure, axes = plt.subplots(3, 6, figsize=(5.6, 3.6))
shown = *islice(right.items(), 6), *islice(wrong.items(), 12)
for ax, (pixels, (digit, answer)) in zip(axes.flat, shown, strict=True):
    ax.imshow(np.reshape(pixels, (8, 8)))
    ax.set_title(f"{digit}, said {answer}", fontsize="small")
    ax.axis("off")

# %% [markdown]
# The first row is your code, reading. The others are its mistakes on test
# pictures. What would you have said?
#
# And the prediction: about a third, and no, it does not. With few mistakes in
# each deal the share is rough: now hardly any, now nearly half. And a rival
# that only remembers errs least. (Pictures by one writer may stand in both
# parts, which can help it.) Try simple rivals first.
#
# ## The same in PyTorch
#
# Is your digit reader the network that torch would build? Copy its weights
# into `nn.Linear` layers, run a batch through both, and compare the gradients.

# %%
model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
model.to(device)
for own, layer in zip(model[::2], reader[::2], strict=True):
    own.load_state_dict({"weight": torch.tensor(layer.W.T),
                         "bias": torch.tensor(layer.b)})
run_back(reader, slope(run(reader, X[:32]), y[:32]))
there = digits.to(device)
answer = model(there.X_train[:32])  # (batch, classes)
nn.functional.cross_entropy(answer, there.y_train[:32]).backward()
gap = np.abs(model[0].weight.grad.cpu().numpy().T - reader[0].dW).max()
claim("the gap between torch's gradient and ours", gap, at_most=1e-10,
      baseline={"no gradient at all": np.abs(reader[0].dW).max()})

# %% [markdown]
# ## At full size
#
# Mitchell's network has a few dozen parameters; a language model has the same
# need on another scale. It, too, gets one row with a single 1 for each token
# and learns a short code, an *embedding*, in which tokens that are used alike
# lie close. Networks with a hundred layers train today thanks to well-sized
# weights, normalisation, and layers that pass on what they got plus something,
# as the spirals did. You will build these parts one by one.
#
# ## Recap
#
# You can now
#
# - **see** layers as maps that stretch, press and fold, until a line will do;
# - **watch** a code appear, and say that it is a set of points that lines can
#   cut apart: eight words, hardly ever binary;
# - **explain** saturation: one step too large, and $\hat y(1-\hat y)$ is
#   almost zero where the answer is surely wrong;
# - **measure** the blame layer by layer on its way back, and the picture on
#   its way forward, and read both as a product of weights and slopes;
# - **train** a digit reader from your own layers, against simple rivals.
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
