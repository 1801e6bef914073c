# %% [markdown]
# # Backpropagation: sharing out the blame
#
# A network answers, and it is wrong. Thousands of weights had a hand in it.
# Which of them should change, and by how much? Backpropagation settles this
# with one number for each unit, its share of the blame, passed from the output
# backwards. You derive it on paper, write it in a dozen lines, and let a
# machine that knows nothing of your paper check it. Then you build the machine
# that makes paper unnecessary.
#
# After this lesson you can
#
# - **derive** the gradient of one neuron and of a network with hidden units;
# - **write** backpropagation for any layers, activations and losses;
# - **check** a gradient, and catch a wrong one that seems to work;
# - **build** an automatic differentiator, small enough to read in one sitting;
# - **explain** what `loss.backward()` does, and what it costs.
#
# It takes a minute on a laptop and downloads nothing. You come from
# [the first lesson](lesson:01_regression_to_networks); you need the chain rule
# and matrix products. Symbols stand in the [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## One neuron
#
# Start with a single sigmoid neuron and a single example. The neuron adds up,
# $z = w_1x_1 + w_2x_2 + b$, and answers $\hat y = \sigma(z)$ with
# $\sigma(z) = 1/(1+e^{-z})$. The target is $y$, and the loss is
# $L = \tfrac12(\hat y - y)^2$.
#
# How does $L$ change with $w_i$? The weight acts on $z$, and $z$ on $\hat y$,
# and $\hat y$ on $L$. The chain rule has one factor for each link:
#
# $$\frac{\partial L}{\partial w_i} =
# \frac{\partial L}{\partial \hat y}\cdot
# \frac{\partial \hat y}{\partial z}\cdot
# \frac{\partial z}{\partial w_i} =
# \underbrace{(\hat y - y)\cdot \hat y(1-\hat y)}_{\delta}\cdot x_i .$$
#
# The first factor is the mistake. The second is the slope of the sigmoid,
# $\sigma' = \sigma(1-\sigma)$. The last says that a weight is as guilty as its
# input was loud. The first two are the same for all weights. They get a name,
# $\delta = \partial L/\partial z$: the neuron's **blame**.

# %%
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

x, w, b, y = np.array([1.0, 2.0]), np.array([0.5, -0.25]), 0.0, 1.0
y_hat = sigmoid(x @ w + b)  # ()
delta = (y_hat - y) * y_hat * (1 - y_hat)  # ()
dw, db = delta * x, delta  # (features,), ()
print("answer", y_hat, "  blame", delta, "  gradient", *dw, "and", db)

# %% [markdown]
# The answer 0.5 is too small, so the blame is negative: pushing $z$ up would
# lower the loss. The second weight gets twice the gradient of the first,
# because its input is twice as large.
#
# Gradient descent now reads $w_i \leftarrow w_i - \eta\,\delta\,x_i$ and
# $b \leftarrow b - \eta\,\delta$. This is the **delta rule**
# ([Widrow & Hoff 1960](cite:widrow1960) gave it for a linear unit; with
# $\sigma'$ it is the *generalised* one). Shown one example after the other,
# drawn at random with replacement, it turns a border that starts out quite
# wrong. The numbers count the examples seen.

# %% figure="trained" alt="Two clouds of points and five straight borders. The first cuts both clouds in half. With 5, 20, 60 and 300 examples seen the border turns until it runs between the clouds."
import matplotlib.pyplot as plt

from deepcourse.plot import BLUE, GREEN, GREY, ORANGE

rng = np.random.default_rng(0)
labels = np.repeat([0.0, 1.0], 50)  # (batch,)
X = rng.normal(size=(100, 2)) + np.outer(2 * labels - 1, [1.2, 1.2])
w, b, lr = np.array([1.0, -1.5]), 0.0, 0.5  # (features,), (), ()
ax = plt.figure().gca()
ax.plot(*X[labels == 0].T, "x", color=ORANGE, markersize=4)
ax.plot(*X[labels == 1].T, "o", color=BLUE, markersize=3.5)
for step, i in enumerate(rng.integers(100, size=301)):
    if step in (0, 5, 20, 60, 300):
        along = np.array([-w[1], w[0]]) / np.linalg.norm(w)  # (features,)
        middle = -b * w / (w @ w)  # (features,)
        ends = np.outer([-3.4, 3.4], along) + middle  # (2, features)
        ax.plot(*ends.T, color=GREY, linewidth=1 + step / 200)
        ax.text(*(3.8 * along + middle), step, ha="center", va="center")
    y_hat = sigmoid(X[i] @ w + b)  # ()
    delta = (y_hat - labels[i]) * y_hat * (1 - y_hat)  # ()
    w, b = w - lr * delta * X[i], b - lr * delta  # (features,), ()
labelled = ax.set(xlabel="$x_1$", ylabel="$x_2$", ylim=(-4.2, 4.2))

# %% [markdown]
# One neuron is done. It draws
# [one straight border](demo:playground#one-neuron) and no more, as you proved
# in the first lesson.
#
# ## A hidden layer
#
# Put hidden neurons in between. Write $h_j = \sigma(z_j)$ for hidden unit $j$
# and $\hat y_p = \sigma(z_p)$ for output $p$, with
# $z_p = \sum_j h_j w_{jp} + b_p$.
#
# **At the output** nothing is new. Only the inputs of the neuron are now
# called $h_j$:
#
# $$\delta_p = \frac{\partial L}{\partial z_p} =
# (\hat y_p - y_p)\,\hat y_p(1-\hat y_p), \qquad
# \frac{\partial L}{\partial w_{jp}} = h_j\,\delta_p, \qquad
# \frac{\partial L}{\partial b_p} = \delta_p .$$
#
# **At a hidden unit** there is no target: nobody says what $h_j$ should have
# been. But $h_j$ reaches the loss only through the units ahead of it. Each of
# them is one path: add up the paths.
#
# $$\frac{\partial L}{\partial h_j} =
# \sum_p \frac{\partial L}{\partial z_p}\,
# \frac{\partial z_p}{\partial h_j} =
# \sum_p \delta_p\, w_{jp} .$$
#
# One more link, from $h_j$ back to $z_j$, and the blame of the hidden unit is
#
# $$\delta_j = \frac{\partial L}{\partial z_j} =
# \Big(\sum_p \delta_p\, w_{jp}\Big)\,h_j(1-h_j), \qquad
# \frac{\partial L}{\partial w_{ij}} = x_i\,\delta_j .$$
#
# In words: a unit is to blame for what those ahead of it got wrong, in
# proportion to how strongly it spoke to them. That is all of backpropagation.
# With a third layer, the sum repeats one step further back.
#
# Now in matrices, for a whole batch. From here the index of $\delta$ counts
# layers: $\delta_1$ holds all $\delta_j$, $\delta_2$ all $\delta_p$, one row
# for each example. The loss $L = \tfrac12\sum(\hat Y - Y)^2$ adds over
# examples and outputs:
#
# | forward | backward |
# |---|---|
# | $Z_1 = X W_1 + b_1$ | $\delta_2 = (\hat Y - Y)\odot\sigma'(Z_2)$ |
# | $H_1 = \sigma(Z_1)$ | $\partial L/\partial W_2 = H_1^T\,\delta_2$ |
# | $Z_2 = H_1 W_2 + b_2$ | $\delta_1 = (\delta_2 W_2^T)\odot\sigma'(Z_1)$ |
# | $\hat Y = \sigma(Z_2)$ | $\partial L/\partial W_1 = X^T\,\delta_1$ |
#
# And $\partial L/\partial b_\ell$ is $\delta_\ell$ summed over the examples
# (axis 0), because $b_\ell$ acts in every example. Forward goes through $W_2$,
# backward through its transpose: row $j$ of $W_2$ holds what unit $j$ says to
# the units ahead.
#
# The lecture of [Krippahl](cite:krippahl), which this chapter follows, has
# other letters:
#
# | lecture | here | in code |
# |---|---|---|
# | $t$, $s$, $E$ | $y$, $\hat y$, $L$ | `y`, `y_hat`, `loss` |
# | $net$ | $z$ | `Z1`, `Z2` |
# | $s_{in}$ of a hidden neuron | $h_j$ | `H1` |
# | $\delta_{kn} = (t-s)\,s(1-s)$ | $-\delta_p$ | `-delta2` |
# | $\delta_{in} = s(1-s)\sum_p \delta_{kp}w_{mkp}$ | $-\delta_j$ | `-delta1` |
# | $\Delta w = \eta\,\delta\,x$ | $-\eta\,x\,\delta$ | `-lr * dW1` |
#
# Mind the sign. On the slides a minus comes and goes, and in the end their
# $\delta$ is minus ours and their update has a plus. Both are right as long as
# you do not mix them. We keep one convention throughout: $\delta$ is the
# derivative $\partial L/\partial z$, and every step subtracts.

# %%
def forward(X, W1, b1, W2, b2):
    Z1 = X @ W1 + b1  # (batch, hidden)
    H1 = sigmoid(Z1)  # (batch, hidden)
    Z2 = H1 @ W2 + b2  # (batch, outputs)
    return H1, sigmoid(Z2)  # (batch, hidden), (batch, outputs)

def half_squares(y_hat, y):
    return ((y_hat - y) ** 2).sum() / 2

# %%
def backward(X, y, W1, b1, W2, b2):
    H1, y_hat = forward(X, W1, b1, W2, b2)
    delta2 = (y_hat - y) * y_hat * (1 - y_hat)  # (batch, outputs)
    delta1 = (delta2 @ W2.T) * H1 * (1 - H1)  # (batch, hidden)
    dW1 = X.T @ delta1  # (features, hidden)
    dW2 = H1.T @ delta2  # (hidden, outputs)
    return [dW1, delta1.sum(axis=0), dW2, delta2.sum(axis=0)]

# %% [markdown]
# ## Is it right?
#
# `backward` has three transposes, three minus signs and two sums to get wrong.
# Check it by a method that knows no calculus: wiggle one parameter, look how
# the loss moves.
#
# $$\frac{\partial L}{\partial w} \approx \frac{L(w+h) - L(w-h)}{2h}$$
#
# `loss()` sees the change because `P` is changed in place. `ndenumerate` gives
# each position with its value, which is kept and put back.
#
# To compare two gradients, divide the length of their difference by the sum of
# their lengths. This **mismatch** is 0 for equal ones, 1 for opposite ones.

# %%
def differences(loss, parameters, h=1e-5, left=1):
    slopes = [np.zeros_like(P) for P in parameters]
    for P, slope in zip(parameters, slopes, strict=True):
        for i, kept in np.ndenumerate(P):
            P[i] = kept + h
            up = loss()  # ()
            P[i] = kept - left * h
            slope[i] = (up - loss()) / (h + left * h)
            P[i] = kept
    return slopes

# %%
def flat(gradient):
    return np.concatenate([np.ravel(dP) for dP in gradient])  # (terms,)

def mismatch(ours, theirs):
    a, b = flat(ours), flat(theirs)  # (terms,), (terms,)
    return np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b))

# %% [markdown]
# Any data and any weights will do for the test. Take the four points of XOR,
# three hidden units, and weights drawn at random.

# %%
from itertools import combinations, pairwise

from deepcourse.claims import claim

def init(sizes, seed):
    rng = np.random.default_rng(seed)
    shapes = [shape for n, m in pairwise(sizes) for shape in ((n, m), m)]
    return [rng.normal(size=shape) for shape in shapes]

X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])  # (batch, features)
y = np.array([[0.0], [1], [1], [0]])  # (batch, outputs)
parameters = init([2, 3, 1], seed=0)
by_hand = backward(X, y, *parameters)

def loss():
    return half_squares(forward(X, *parameters)[1], y)

wiggled = differences(loss, parameters)
flipped = mismatch([by_hand[0], -by_hand[1], *by_hand[2:]], wiggled)
claim("the mismatch of the gradient by hand", mismatch(by_hand, wiggled),
      at_most=1e-8, baseline={"with one sign wrong": flipped})

# %% [markdown]
# The paper was right. **Predict:** the check itself is only approximate. The
# smaller $h$, the better? Where is the best $h$, roughly?
#
# <details><summary><b>Answer</b></summary>
#
# Taylor's formula says
# $L(w \pm h) = L \pm hL' + h^2L''/2 \pm h^3L'''/6$ and so on. Subtract: the
# central quotient errs by $h^2L'''/6$, the one-sided one by $hL''/2$. But the
# loss is known only to the machine's spacing of numbers, $\varepsilon$, and
# dividing by $h$ multiplies this error. Up to a constant, the sum of $h^2$ and
# $\varepsilon/h$ is smallest at $h = \varepsilon^{1/3}$; that of $h$ and
# $\varepsilon/h$ at $h = \varepsilon^{1/2}$, and there it is larger. The next
# cell prints both.
#
# </details>

# %% figure="trained" alt="Mismatch against the step h on logarithmic axes. Two V shapes: the central differences reach down to about ten to the minus 10 near h equal to ten to the minus 5, the one-sided ones only to about ten to the minus 8, near ten to the minus 7."
steps = 10.0 ** -np.arange(1, 13)
figure, ax = plt.subplots()
for left, mark, name in ((0, "s-", "to one side"), (1, "o-", "central")):
    gaps = [mismatch(by_hand, differences(loss, parameters, h, left))
            for h in steps]
    ax.loglog(steps, gaps, mark, markersize=4, label=name)
ax.set(xlabel="step h", ylabel="mismatch")
legend = ax.legend()
e = np.finfo(float).eps
print(f"spacing {e:.0e}, cube root {e ** (1 / 3):.0e}, root {e**0.5:.1e}")

# %% [markdown]
# Two V's. To the right Taylor errs, to the left rounding does. We keep the
# central differences and the $h$ of our default, near their best.
#
# ## A wrong gradient that learns
#
# Why all this care? Surely a wrong gradient shows at once. Try the two most
# common slips: each forgets one slope, at the output or at the hidden units.
# XOR, the four points in `X`, is the test, with eight hidden units and three
# starts each. **Predict:** what will the loss do in the three cases?

# %%
def slip(where):
    def gradient(X, y, W1, b1, W2, b2):
        H1, y_hat = forward(X, W1, b1, W2, b2)
        at_output = 1 if where == "at the output" else y_hat * (1 - y_hat)
        at_hidden = 1 if where == "at hidden units" else H1 * (1 - H1)
        delta2 = (y_hat - y) * at_output  # (batch, outputs)
        delta1 = (delta2 @ W2.T) * at_hidden  # (batch, hidden)
        return [X.T @ delta1, delta1.sum(axis=0),
                H1.T @ delta2, delta2.sum(axis=0)]
    return gradient

def descend(gradient, seed, y, num_steps=2000, lr=1.0):
    parameters, losses = init([2, 8, 1], seed), []
    for _ in range(num_steps):
        losses.append(half_squares(forward(X, *parameters)[1], y))
        slopes = gradient(X, y, *parameters)
        for P, dP in zip(parameters, slopes, strict=True):
            P -= lr * dP
    return losses

# %% figure="trained" alt="Loss on XOR over the steps of gradient descent, three starts each. With the right gradient it falls to near zero. With the slope at the output forgotten it falls faster. With the slope at hidden units forgotten it hardly falls."
curves = {where: [descend(slip(where), seed, y) for seed in range(3)]
          for where in ("nowhere", "at the output", "at hidden units")}
figure, ax = plt.subplots()
looks = zip(curves.items(), (BLUE, GREEN, ORANGE), strict=True)
for (where, three), color in looks:
    for seed, losses in enumerate(three):
        ax.loglog(range(1, len(losses) + 1), losses, color=color,
                  linewidth=1.2, label=None if seed else where)
ax.set(xlabel="step", ylabel="loss on XOR", title="a slope is forgotten …")
legend = ax.legend(loc="lower left")
last = {where: [losses[-1] for losses in curves[where]] for where in curves}
claim("the loss on XOR with the slope at the output forgotten",
      last["at the output"], at_most=0.01,
      baseline={"at hidden units": last["at hidden units"]})
gaps = {where: mismatch(slip(where)(X, y, *parameters), wiggled)
        for where in curves}
claim("the mismatch of the two slips",
      [gaps["at the output"], gaps["at hidden units"]], at_least=0.1,
      baseline={"no slip": gaps["nowhere"]})
either = np.array([[0.0], [1], [1], [1]])  # (batch, outputs)
early = {where: [descend(slip(where), seed, either, num_steps=100)[-1]
                 for seed in range(3)] for where in curves}
claim("the loss on OR at step 100, slope at hidden units forgotten",
      early["at hidden units"], at_most=0.013,
      baseline={"the right gradient": early["nowhere"]})

# %% [markdown]
# One slip hardly learns. The other learns **faster** than the truth! The check
# refuses both.
#
# <details><summary><b>Answer: why?</b></summary>
#
# **At the output**, the slip is the exact gradient of another loss, so it does
# descend something. Without the slope, $\delta_p = \hat y_p - y_p$. In the
# first lesson that was the gradient of logistic regression, whose loss
# $-y_p\log\hat y_p - (1-y_p)\log(1-\hat y_p)$ is $-\log\hat y_p$ for $y_p = 1$
# and $-\log(1-\hat y_p)$ for $y_p = 0$. "Faster" means at the same learning
# rate, and is partly just a larger step: the factor dropped is at most
# $\tfrac14$.
#
# **At the hidden units**, what remains is the formula for *linear* hidden
# units: $\partial L/\partial W_1$ becomes $(X^T\delta_2)\,W_2^T$, of rank 1 at
# most. All it knows of the mistakes is their sums $X^T\delta_2$ and
# $\sum\delta_2$. On XOR with all answers at $\tfrac12$ the mistakes cancel and
# both sums are 0: $W_1$ and $b_1$ stop.
#
# </details>
#
# On XOR this second slip is fatal. But the last claim tries OR, and there it
# learns, and is ahead of the truth. Slips can pass unnoticed: a falling loss
# does **not** prove that a gradient is right. The check takes a second: do it
# first.
#
# ## The general case
#
# Nothing in the derivation needed two layers, a sigmoid, or squares. For layer
# $\ell$ of $K$, with activation $\sigma_\ell$ and any loss,
#
# $$\delta_K = \frac{\partial L}{\partial H_K}\odot\sigma_K'(Z_K), \qquad
# \delta_\ell = (\delta_{\ell+1} W_{\ell+1}^T)\odot\sigma_\ell'(Z_\ell), \qquad
# \frac{\partial L}{\partial W_\ell} = H_{\ell-1}^T\,\delta_\ell .$$
#
# [Carbonnelle 2016](cite:carbonnelle2016) puts it in a line: chain rule all
# the way. And each step is local. Forward, a layer maps its input to its
# output and remembers what it will need. Backward, it receives the gradient by
# its output, works out the gradients of its own parameters, and hands on the
# gradient by its input. It need not know what the others are. So write each
# kind once.

# %%
class Dense:
    """Z = H W + b. Weights start with variance 1 / inputs."""

    def __init__(self, inputs, units, rng):
        self.W = rng.normal(size=(inputs, units)) / np.sqrt(inputs)
        self.b = np.zeros(units)  # (units,)

    def forward(self, H):
        self.H = H
        return H @ self.W + self.b  # (batch, units)

    def backward(self, dZ):
        self.dW, self.db = self.H.T @ dZ, dZ.sum(axis=0)
        return dZ @ self.W.T  # (batch, features)

# %%
class Activation:
    def __init__(self, sigma, slope):
        self.sigma, self.slope = sigma, slope

    def forward(self, Z):
        self.Z = Z
        return self.sigma(Z)  # (batch, units)

    def backward(self, dH):
        return dH * self.slope(self.Z)  # (batch, units)

# %% [markdown]
# An activation is a pair of functions: $\sigma$ and its slope. A loss is a
# pair, too: $L$ and its derivative by the network's answer. Beside half
# squares stands softmax with cross-entropy, for choosing among classes. The
# next chapter derives it; its derivative is as simple as they come, $p - y$.
# We compute $\log p$ directly: a tiny $p$ is rounded to 0, and $0\cdot\log 0$
# is not a number. At 0 the ReLU has no slope; we take 0, as torch does. Here
# both are *means* over the batch: then a learning rate need not know the batch
# size.

# %%
ACTIVATIONS = {
    "sigmoid": (sigmoid, lambda Z: sigmoid(Z) * (1 - sigmoid(Z))),
    "tanh": (np.tanh, lambda Z: 1 - np.tanh(Z) ** 2),
    "ReLU": (lambda Z: np.maximum(Z, 0), lambda Z: 1.0 * (Z > 0)),
}

# %%
def log_softmax(A):
    log_p = A - np.logaddexp.reduce(A, axis=1, keepdims=True)
    return log_p  # (batch, classes)

LOSSES = {
    "half squares": (lambda A, y: ((A - y) ** 2).sum() / 2 / len(y),
                     lambda A, y: (A - y) / len(y)),
    "cross-entropy": (lambda A, y: -(y * log_softmax(A)).sum() / len(y),
                      lambda A, y: (np.exp(log_softmax(A)) - y) / len(y)),
}

# %% [markdown]
# With these, backpropagation *in general* is two loops: any chain of layers,
# each used once (it remembers one input), any activation, any loss. Check all
# six combinations, on networks with two hidden layers.

# %%
def run(layers, X):
    for layer in layers:
        X = layer.forward(X)
    return X  # (batch, outputs)

def run_back(layers, dA):
    for layer in reversed(layers):
        dA = layer.backward(dA)
    return dA  # (batch, features)

# %%
def network_mismatch(pair, loss, slope):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(7, 4)), np.eye(3)[rng.integers(3, size=7)]
    layers = [Dense(4, 5, rng), Activation(*pair), Dense(5, 6, rng),
              Activation(*pair), Dense(6, 3, rng)]
    dense = layers[::2]
    parameters = [P for layer in dense for P in (layer.W, layer.b)]
    wiggled = differences(lambda: loss(run(layers, X), y), parameters)
    run_back(layers, slope(run(layers, X), y))
    ours = [dP for layer in dense for dP in (layer.dW, layer.db)]
    return mismatch(ours, wiggled)

gaps = [network_mismatch(pair, *loss) for pair in ACTIVATIONS.values()
        for loss in LOSSES.values()]
swapped = np.tanh, ACTIVATIONS["sigmoid"][1]
wrong = network_mismatch(swapped, *LOSSES["half squares"])
claim("the mismatch of the general network in six combinations", gaps,
      at_most=1e-7, baseline={"tanh with the sigmoid's slope": wrong})

# %% [markdown]
# [These two loops, live](demo:playground#rings)
#
# ## An engine that differentiates
#
# Layers were one way to cut up the chain rule. Now cut finer: into single
# additions and multiplications. If each *number* remembers what it was made
# from, and how strongly it depends on each of these, then a program can walk
# back through any computation and hand out blame. Then only a new building
# block needs its slope derived, once.
#
# Three rules suffice to start. For $c = a + b$ the slopes are 1 and 1. For
# $c = a\,b$ they are $b$ and $a$. For a function of one number, its slope.
# (In a power `a**n`, `n` is a plain number.) The rest of arithmetic is made
# from these.
#
# Read the class once from top to bottom. The last line of `backward` is the
# chain rule. The order matters: a value may hand on its blame only when all
# that was made from it has reported. Parents are older than children, so going
# from the youngest to the oldest is always right.
#
# **Predict:** why `+=` in that last line? Let `a = Value(3.0)`. What would `=`
# make of the gradient of `a * a`?
#
# <details><summary><b>Answer</b></summary>
#
# The product has the parents $a$ and $a$, each with slope 3. The derivative of
# $a^2$ at 3 is 6, their sum. With `=` the second would overwrite the first and
# leave 3. It is the sum over $p$ in the formula for the hidden unit: a number
# that acts in several ways is to blame for all of them.
#
# </details>

# %%
import math

class Value:
    """A number that remembers what it was made from, and with what slopes."""

    made = 0

    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = float(data), 0.0, parents
        Value.made += 1
        self.order = Value.made  # parents are always older than children

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data,
                     [(self, other.data), (other, self.data)])

    def __pow__(self, n):
        return Value(self.data**n, [(self, n * self.data ** (n - 1))])

    def exp(self):
        return Value(math.exp(self.data), [(self, math.exp(self.data))])

    def log(self):
        return Value(math.log(self.data), [(self, 1 / self.data)])

    def relu(self):
        return Value(max(self.data, 0), [(self, float(self.data > 0))])

    def backward(self):
        found, waiting = set(), [self]
        while waiting:
            value = waiting.pop()
            if value not in found:
                found.add(value)
                value.grad = 0.0
                waiting += [parent for parent, _ in value.parents]
        self.grad = 1.0
        for value in sorted(found, key=lambda v: v.order, reverse=True):
            for parent, slope in value.parents:
                parent.grad += slope * value.grad

# %%
Value.__radd__, Value.__rmul__ = Value.__add__, Value.__mul__
Value.__neg__ = lambda self: self * -1
Value.__sub__ = lambda self, other: self + -other
Value.__rsub__ = lambda self, other: -self + other
Value.__truediv__ = lambda self, other: self * other**-1
Value.__rtruediv__ = lambda self, other: self**-1 * other

a = Value(3.0)
(a * a).backward()
print("slope of a * a at 3:", a.grad)

# %% [markdown]
# Now watch the engine at work on one neuron. The numbers that have a name are
# drawn (the engine made twenty, with the steps in between and the constants),
# blue the value, orange the blame $\partial L/\partial(\cdot)$. Read blue from
# left to right, then orange from right to left. The $\delta$ of the first
# section stands under $z$.
#
# Then play. Move $w$ or $b$ until $\hat y$ is almost 0 while the target is 1,
# as wrong as can be. What happens to the blame of $z$? (The slope
# $\hat y(1-\hat y)$ goes to zero: the neuron is sure of itself and hardly
# listens. The next lesson measures what this does to deep networks.)

# %% figure="exact" alt="The computation of one neuron as a graph: x and w lead to their product, with b to z, to the answer, with y to the loss L. Under each name stand its value in blue and its gradient in orange."
def plot_neuron(x=2.0, w=-0.5, b=0.5, y=1.0):
    x, w, b, y = Value(x), Value(w), Value(b), Value(y)
    xw = x * w
    z = xw + b
    y_hat = 1 / (1 + (-z).exp())
    loss = (y_hat - y) ** 2 * 0.5
    loss.backward()
    spots = {"$x$": (x, 0, 3), "$w$": (w, 0, 1), "$xw$": (xw, 1, 2),
             "$b$": (b, 1, 0), "$z$": (z, 2, 1), r"$\hat y$": (y_hat, 3, 1),
             "$y$": (y, 3, -1), "$L$": (loss, 4, 0)}
    ax = plt.figure().gca()
    for a, b in ((0, 2), (1, 2), (2, 4), (3, 4), (4, 5), (5, 7), (6, 7)):
        (_, *start), (_, *end) = (list(spots.values())[i] for i in (a, b))
        line = dict(arrowstyle="->", color=GREY, shrinkA=24, shrinkB=24)
        ax.annotate("", end, start, arrowprops=line)
    for name, (value, across, up) in spots.items():
        ax.text(across, up + 0.4, name, ha="center", va="center")
        for shift, number, color in ((0, value.data, BLUE),
                                     (-0.4, value.grad, ORANGE)):
            ax.text(across, up + shift, f"{number:.3f}", ha="center",
                    va="center", color=color, fontsize=11)
    ax.set(xlim=(-0.4, 4.4), ylim=(-1.6, 3.6))
    ax.axis("off")

plot_neuron()

# %% explore=true
from deepcourse.widgets import explore

explore(plot_neuron, x=(-4.0, 4.0, 0.5), w=(-4.0, 4.0, 0.5),
        b=(-4.0, 4.0, 0.5), y=(0.0, 1.0, 1.0))

# %% [markdown]
# ## Three ways, one gradient
#
# You have $\delta$ from paper and an engine that never saw the paper. A third
# witness is torch. The network on XOR has two inputs, three hidden units, one
# output and 13 parameters. The engine needs no new code for it: fill numpy
# arrays with `Value` objects, and the *same* `forward` runs on them. (On an
# array of objects, `np.exp` calls each element's own `.exp()`.)

# %%
import torch

from deepcourse import repro

device = repro.device()

def engine_gradient(parameters):
    made = np.vectorize(Value, otypes=[object])
    values = [made(P) for P in parameters]
    half_squares(forward(X, *values)[1], y).backward()
    return [np.vectorize(lambda v: v.grad)(V) for V in values]

def torch_gradient(parameters, dtype=torch.float64):
    X_t, y_t, W1, b1, W2, b2 = (torch.tensor(P, dtype=dtype).to(device)
                                for P in (X, y, *parameters))
    tensors = [P.requires_grad_() for P in (W1, b1, W2, b2)]
    H1 = torch.sigmoid(X_t @ W1 + b1)  # (batch, hidden)
    y_hat = torch.sigmoid(H1 @ W2 + b2)  # (batch, outputs)
    (((y_hat - y_t) ** 2).sum() / 2).backward()
    return [P.grad.cpu().numpy() for P in tensors]

# %% figure="exact" alt="The gradient of each of the 13 parameters. For every parameter a grey ring, a blue dot and an orange cross lie exactly on each other."
start = Value.made
three = [flat(by_hand), flat(torch_gradient(parameters)),
         flat(engine_gradient(parameters))]
made = Value.made - start
print(f"{len(three[0])} parameters; the engine made {made} values")
figure, ax = plt.subplots()
looks = (("o", GREY, 13, "none", "by hand"), ("x", ORANGE, 12, None, "torch"),
         ("o", BLUE, 5, BLUE, "engine"))
for gradient, look in zip(three, looks, strict=True):
    mark, color, size, fill, name = look
    ax.plot(range(1, 14), gradient, mark, color=color, markersize=size,
            markerfacecolor=fill, label=name)
ax.axhline(0, color=GREY, linewidth=0.8)
ax.set(xlabel="parameter", ylabel="gradient", xticks=[1, 5, 9, 13])
legend = ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
on_paper, by_torch, by_engine = three  # (terms,), (terms,), (terms,)
single = flat(torch_gradient(parameters, torch.float32))  # (terms,)
claim("the largest gap between paper, engine and torch",
      [np.abs(p - q).max() for p, q in combinations(three, 2)], at_most=1e-10,
      baseline={"in single precision": np.abs(single - by_torch).max()})

# %% [markdown]
# To the eye they are one, and the claim says how nearly: within $10^{-10}$.
# The network used additions, products, powers and `exp`. Test the engine also
# on a formula that has everything in it, with numbers used again and again, at
# 20 random places.

# %%
def formula(a, b, log, exp, relu):
    rest = (1 - b) / a + 1 / (1 + exp(-a * b))
    return relu(a * b + a) * log(a * a + b**2) + rest

engine_tools = Value.log, Value.exp, Value.relu
torch_tools = torch.log, torch.exp, torch.relu
gaps, missing = [], []
for a0, b0 in np.random.default_rng(0).normal(size=(20, 2)):
    a, b = Value(a0), Value(b0)
    formula(a, b, *engine_tools).backward()
    a_t, b_t = torch.tensor([a0, b0]).requires_grad_()
    slopes = torch.autograd.grad(formula(a_t, b_t, *torch_tools), (a_t, b_t))
    truth = np.array([slope.item() for slope in slopes])
    size = 1 + np.abs(truth).max()
    gaps.append(np.abs(truth - [a.grad, b.grad]).max() / size)
    missing.append(np.abs(truth).max() / size)
claim("the gap to torch divided by 1 + the largest slope", gaps, at_most=1e-10,
      baseline={"an engine that hands on nothing": missing})

# %% [markdown]
# ## What it costs
#
# Central differences run the network twice for *each* parameter. How does
# backpropagation compare? Count multiplications in the matrix products, for
# one example and the digit network of [Winther 2018](cite:winther2018). Each
# weight takes one forward. Backward it takes two: one for its own gradient,
# one to hand the blame on. (The first layer could save its second.)

# %%
sizes = [784, 225, 225, 10]
weights = sum(n * m for n, m in pairwise(sizes))
parameters_all = weights + sum(sizes[1:])
print(f"parameters        {parameters_all:>15,}")
print(f"forward           {weights:>15,} multiplications")
print(f"backpropagation   {3 * weights:>15,} with its forward pass")
print(f"central differences {2 * parameters_all * weights:,}")

# %% [markdown]
# In dense layers all slopes cost about three forward passes, however many
# there are. A hundred billion multiplications against less than a million:
# this is why large networks can be trained in practice. It works because there
# is *one* loss. To go backwards from one number is cheap. If you had many
# outputs and one input, going forwards would be ([Baydin and others
# 2018](cite:baydin2018) explain both modes).
#
# There is a price, paid in memory: every layer must keep its $H$ until the
# blame comes back.
#
# ## In PyTorch
#
# Now you can say what torch does. Each operation on tensors notes its parents
# and how to hand blame back, as `Value` does, but for whole arrays.
# `loss.backward()` walks this graph, youngest first, and adds into `.grad`.
# Here is the XOR network in three lines, its gradient beside the one from
# paper, and the mistake everybody makes once.
#
# The wiggling is in the library, too: `gradcheck` compares torch's gradients
# with central differences, by the *inputs* of a function. The second cell
# makes the parameters inputs. When you write an operation of your own one day,
# let `gradcheck` judge.

# %%
from torch import nn

X_t, y_t = (torch.tensor(array).to(device) for array in (X, y))
W1, b1, W2, b2 = parameters
model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1),
                      nn.Sigmoid()).double().to(device)
with torch.no_grad():
    given = W1.T, b1, W2.T, b2
    for own, array in zip(model.parameters(), given, strict=True):
        own.copy_(torch.tensor(array))

def gap_after_backward():
    loss = nn.functional.mse_loss(model(X_t), y_t, reduction="sum") / 2  # ()
    loss.backward()
    dW1, db1, dW2, db2 = (P.grad.cpu().numpy() for P in model.parameters())
    return np.abs(flat([dW1.T, db1, dW2.T, db2]) - on_paper).max()

once, twice = gap_after_backward(), gap_after_backward()
claim("the gap of nn.Sequential to paper", once, at_most=1e-10,
      baseline={"a second time, without zero_grad": twice})

# %%
names = [name for name, _ in model.named_parameters()]

def answer(*values):
    named = dict(zip(names, values, strict=True))
    return torch.func.functional_call(model, named, X_t)

given = tuple(model.parameters())
print("gradcheck by", names, torch.autograd.gradcheck(answer, given))

# %% [markdown]
# The second call *added* its gradient to the first: the `+=` again, across
# calls. (Our engine starts from zero each time.) That is useful when a batch
# is too large for the memory and comes in parts. Otherwise call
# `optimizer.zero_grad()` before each step.
#
# ## At full size
#
# A network with a billion weights follows the same rule: each layer hands back
# its gradient. What changes is where the numbers live. The outputs of layers
# that must wait for the blame grow with the batch size, and can outgrow the
# weights, gradients and the optimiser's state. So large models throw some away
# and compute them again on the way back. Numbers are held in single precision,
# about seven digits, or half, about three. That is enough for a step, and too
# little for a check: check in double precision, on a small copy.
#
# ## Recap
#
# You can now
#
# - **derive** $\delta$ at the output, and at a hidden unit as the sum over all
#   that lies ahead, times the slope;
# - **write** it as two loops over layers that each know only themselves;
# - **check** it by central differences, and distrust a loss that merely falls;
# - **build** an engine: numbers that remember their parents and slopes, walked
#   from the youngest to the oldest;
# - **explain** `loss.backward()`: all slopes for about three forward passes
#   (in dense layers), and `+=` everywhere.
#
# **When to use what?** For work, torch's engine, always. By hand, when you
# want to understand or to make one operation fast, and then with a check.
# Central differences only as the judge.
#
# **Further reading.** The derivation follows the lecture of
# [Krippahl](cite:krippahl), and his advice to read chapter 4 of [Skansi
# 2018](cite:skansi2018). The idea has many parents: in optimal control [Kelley
# 1960](cite:kelley1960) came close, [Linnainmaa 1976](cite:linnainmaa1976) had
# the reverse mode in his thesis of 1970, [Werbos 1982](cite:werbos1982)
# brought it to networks, and the four pages of [Rumelhart, Hinton & Williams
# 1986](cite:rumelhart1986), still a good read, made it popular. Chapter 2 of
# [Nielsen 2015](cite:nielsen2015) takes its time with the four formulas.
# [Baydin and others 2018](cite:baydin2018) is the survey of automatic
# differentiation.
#
# What do networks do with their hidden units, once they can train them? That
# is the [next lesson](lesson:02b_learned_codes).
