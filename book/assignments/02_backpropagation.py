# %% [markdown]
# # Assignment 2: the way back
#
# You will put a ceiling on the blame, send it back through new layers and new
# blocks of the engine, and convict a program whose loss falls although its
# gradient is wrong. It belongs to the lessons [Backpropagation: sharing out
# the blame](lesson:02_backpropagation) and [Codes that nobody
# designed](lesson:02b_learned_codes). Keep them open: looking things up is
# part of the work.
#
# There are six tasks and 20 points. Plan an hour and a half; Tasks 4 and 5
# take half of it. No answer is longer than a few lines, and no task needs
# another.
#
# **How it works.** In each task, replace the line `raise
# NotImplementedError(...)` with your own. Keep the names and the shapes: the
# tests rely on them. Under each answer stands a check. It costs nothing and
# you may run it as often as you like; when something is wrong it says what it
# expected, what came, and where to look. The points come from hidden tests,
# which put random numbers where the checks have fixed ones. At the end,
# restart the kernel and run all cells once from top to bottom.

# %% setup=true minutes=1

# %% [markdown]
# As in the lessons, numbers are in numpy arrays, examples stand in rows, and
# the name `dA` means the gradient of the loss by `A`. The layers of the lesson
# live in `deepcourse.layers`, its engine in `deepcourse.engine`.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

from deepcourse.checks import (
    CheckError, check_choice, check_close, check_defined, check_gradient,
    check_runs, check_shape,
)
from deepcourse.engine import Value
from deepcourse.layers import ACTIVATIONS, LOSSES, Activation, Dense
from deepcourse.layers import run, run_back
from deepcourse.plot import BLUE, GREY, ORANGE

# %% [markdown]
# ## Task 1 · Blame with a ceiling (2 points)
#
# With half squares, blame grows with the mistake: one target with a misplaced
# decimal point shouts louder than all others together. The **Huber loss** goes
# on as a straight line where the mistake $e = \hat y - y$ exceeds a ceiling
# $c$:
#
# $$\ell(e) = \begin{cases} \tfrac12 e^2 & \text{if } |e| \le c \\
# c\,|e| - \tfrac12 c^2 & \text{if } |e| > c \end{cases} \qquad
# L = \frac1N \sum \ell(\hat y - y).$$
#
# The sum runs over all examples and outputs; $N$ is the batch. Here is the
# loss. Write its partner: the derivative of $L$ by each number of the
# network's answer $A = \hat y$. (`np.where` or `np.clip` will help.)

# %%
def huber(A, y, ceiling):
    """Return the loss for A and y (batch, outputs) and c, the ceiling."""
    e = np.abs(A - y)
    bent = np.where(e <= ceiling, e**2 / 2, ceiling * e - ceiling**2 / 2)
    return bent.sum() / len(y)


# %% task=1 answer
def huber_slope(A, y, ceiling):
    """Return dA (batch, outputs), the derivative of huber by A."""
    ### BEGIN SOLUTION
    return np.clip(A - y, -ceiling, ceiling) / len(y)  # (batch, outputs)
    ### END SOLUTION


# %% task=1 check
A1, y1 = np.array([[3.0], [0.5], [0], [-6]]), np.zeros((4, 1))
dA1 = check_runs(huber_slope, A1, y1, 2.0)
check_shape("dA", dA1, batch=4, outputs=1)
check_close("dA for the mistakes 3, 0.5, 0, -6 and the ceiling 2", dA1,
            [[0.5], [0.125], [0], [-0.5]], sizes={"batch": 4},
            hint="e below the ceiling, +ceiling or -ceiling above it, over N")
A1, y1 = np.array([[3.0, -0.4, 1], [0.2, -7, 0]]), np.zeros((2, 3))
check_gradient("dA with three outputs", huber_slope(A1, y1, 1.5),
               lambda A: huber(A, y1, 1.5), A1,
               sizes={"batch": 2, "outputs": 3},
               hint="N counts the examples, not all numbers")

# %% [markdown]
# See what it is good for: forty points near a line, and in five of them the
# decimal point is misplaced.

# %%
check_runs(huber_slope, A1, y1, 1.5)
rng = np.random.default_rng(1)
x = rng.uniform(-2, 2, (40, 1))
y_typo = x + 0.2 * rng.normal(size=(40, 1))
wrong = np.argsort(x[:, 0])[-5:]
y_typo[wrong] *= 10
plt.plot(x, y_typo, ".", color=GREY)
for name, slope in (("half squares", LOSSES["half squares"][1]),
                    ("Huber", lambda A, y: huber_slope(A, y, 0.5))):
    line = Dense(1, 1, np.random.default_rng(0))
    for _ in range(1000):
        run_back([line], slope(run([line], x), y_typo))
        line.W, line.b = line.W - 0.1 * line.dW, line.b - 0.1 * line.db
    plt.plot([-2, 2], run([line], np.array([[-2.0], [2]])), label=name)
legend = plt.legend()

# %% task=1 test points=2
import numpy as np
import torch

rng = np.random.default_rng(101)
for batch, outputs, ceiling in ((1, 1, 1.0), (6, 1, 0.3), (9, 4, 2.0)):
    A, y = 2 * rng.normal(size=(2, batch, outputs))
    A_t, y_t = torch.tensor(A, requires_grad=True), torch.tensor(y)
    loss = torch.nn.functional.huber_loss(A_t, y_t, delta=ceiling,
                                          reduction="sum") / batch
    loss.backward()
    dA = huber_slope(A, y, ceiling)
    assert dA.shape == A.shape
    assert np.allclose(dA, A_t.grad.numpy())

# %% task=1 wrong="no ceiling: the slope of half squares" fails="test-1"
def huber_slope(A, y, ceiling):
    return (A - y) / len(y)


# %% task=1 wrong="sums instead of taking the mean" fails="test-1"
def huber_slope(A, y, ceiling):
    return np.clip(A - y, -ceiling, ceiling)


# %% task=1 wrong="the ceiling without its sign" fails="test-1"
def huber_slope(A, y, ceiling):
    e = A - y
    return np.where(np.abs(e) <= ceiling, e, ceiling) / len(y)


# %% task=1 wrong="sign without c" fails="test-1"
def huber_slope(A, y, ceiling):
    e = A - y
    return np.where(np.abs(e) <= ceiling, e, np.sign(e)) / len(y)


# %% [markdown]
# ## Task 2 · Two new layers (4 points)
#
# The loops `run` and `run_back` know nothing of layers but `forward` and
# `backward`. So new kinds fit in. Write `backward` for these two:
#
# - `Scale` multiplies each unit by a gain of its own, $A = g \odot H$, with
#   $g$ (units,) the same for all examples.
# - `Around` sends H through some inner layers, and adds H itself to what comes
#   out: $A = H + f(H)$. Its input acts in two ways.
#
# As in `Dense`, `backward` takes dA and returns dH. That of `Scale` also keeps
# the gradient of its gains in `self.dg`, as `Dense` keeps `self.dW`. The inner
# layers of `Around` keep their own gradients, if you send the blame through
# them.

# %% task=2 answer
class Scale:
    def __init__(self, units):
        self.g = np.ones(units)  # (units,)

    def forward(self, H):
        self.H = H
        return self.g * H  # (batch, units)

    def backward(self, dA):
        """Set self.dg (units,) and return dH (batch, units)."""
        ### BEGIN SOLUTION
        self.dg = (dA * self.H).sum(axis=0)  # (units,)
        return dA * self.g  # (batch, units)
        ### END SOLUTION


class Around:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, H):
        return H + run(self.layers, H)  # (batch, units)

    def backward(self, dA):
        """Let the inner layers go back, and return dH (batch, units)."""
        ### BEGIN SOLUTION
        return dA + run_back(self.layers, dA)  # (batch, units)
        ### END SOLUTION


# %% [markdown]
# The checks take $L = \sum R \odot A$ with fixed numbers R: then dA is just R.

# %% task=2 check
rng = np.random.default_rng(2)
H2, R2 = rng.normal(size=(2, 5, 3))
scale = Scale(3)
scale.g = np.array([2.0, -1, 0.5])
scale.forward(H2)
dH2 = check_runs(scale.backward, R2)
check_shape("dH", dH2, batch=5, units=3)
check_gradient("dH", dH2, lambda H: (R2 * scale.g * H).sum(), H2,
               hint="how strongly does A depend on H?")
check_defined(vars(scale), "dg")
if np.shape(scale.dg) != (3,):
    raise CheckError(f"dg: expected the shape (units,) = (3,), came "
                     f"{np.shape(scale.dg)}\n  Look at: one gain multiplies "
                     "its unit in every example: add up over the batch")
check_gradient("dg", scale.dg, lambda g: (R2 * g * H2).sum(), scale.g,
               sizes={"batch": 5}, hint="a gain acts in every example")

# %% task=2 check
inner = Dense(3, 3, rng)
around = Around([inner, Activation(*ACTIVATIONS["tanh"])])
around.forward(H2)
dH2 = check_runs(around.backward, R2)
check_shape("dH", dH2, batch=5, units=3)
if not hasattr(inner, "dW"):
    raise CheckError("the inner Dense layer has no dW\n"
                     "  Look at: run_back takes blame through the layers")
check_close("dW of the inner layer", inner.dW,
            H2.T @ (R2 * (1 - np.tanh(H2 @ inner.W) ** 2)),
            hint="all of dA goes into the inner layers")
check_gradient("dH", dH2, lambda H: (R2 * around.forward(H)).sum(), H2,
               hint="H reaches A by two paths: add them up")

# %% [markdown]
# The lesson lost the blame in ten sigmoid layers. Now put `Around` around
# each. The cell prints the length of the first layer's gradient over that of
# the last. Which term of your `backward` makes the difference?
#
# <details><summary><b>Answer</b></summary>
#
# The dA that is added as it is: it has met no slope and no weight, in any of
# the ten layers.
#
# </details>

# %%
check_runs(around.backward, R2)


def first_over_last(wrap):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 20)), np.eye(20)[rng.integers(20, size=30)]
    dense = [Dense(20, 20, rng) for _ in range(10)]
    sigmoid = ACTIVATIONS["sigmoid"]
    layers = [wrap([each, Activation(*sigmoid)]) for each in dense]
    run_back(layers, LOSSES["cross-entropy"][1](run(layers, X), y))
    first, last = (np.linalg.norm(dense[i].dW) for i in (0, -1))
    return first / last


class Plain(Around):
    def forward(self, H):
        return run(self.layers, H)

    def backward(self, dA):
        return run_back(self.layers, dA)


print(f"plain  {first_over_last(Plain):.6f}")
print(f"around {first_over_last(Around):.6f}")

# %% task=2 test points=2
import numpy as np
import torch

rng = np.random.default_rng(201)
for batch, units in ((1, 1), (7, 3), (4, 4)):
    H, R = rng.normal(size=(2, batch, units))
    layer = Scale(units)
    layer.g = rng.normal(size=units)
    H_t, g_t = (torch.tensor(P, requires_grad=True) for P in (H, layer.g))
    (torch.tensor(R) * g_t * H_t).sum().backward()
    layer.forward(H)
    dH = layer.backward(R)
    assert np.shape(layer.dg) == (units,)
    assert np.allclose(layer.dg, g_t.grad.numpy()), "dg"
    assert np.shape(dH) == (batch, units)
    assert np.allclose(dH, H_t.grad.numpy()), "dH"

# %% task=2 test points=2
import numpy as np
import torch

from deepcourse.layers import ACTIVATIONS, Activation, Dense

rng = np.random.default_rng(202)
for batch, units, hidden in ((1, 1, 1), (7, 3, 5), (4, 6, 2)):
    H, R = rng.normal(size=(2, batch, units))
    one, two = Dense(units, hidden, rng), Dense(hidden, units, rng)
    layer = Around([one, Activation(*ACTIVATIONS["tanh"]), two])
    H_t, W1, W2 = (torch.tensor(P, requires_grad=True)
                   for P in (H, one.W, two.W))
    A = H_t + torch.tanh(H_t @ W1) @ W2
    (torch.tensor(R) * A).sum().backward()
    layer.forward(H)
    dH = layer.backward(R.copy())
    assert np.allclose(dH, H_t.grad.numpy()), "dH"
    assert np.allclose(one.dW, W1.grad.numpy()), "dW of an inner layer"
    assert np.allclose(two.dW, W2.grad.numpy()), "dW of an inner layer"

# %% task=2 wrong="does not add up the gain's blame; forgets the inner path" fails="test-2 test-2-2"
class Scale:
    def __init__(self, units):
        self.g = np.ones(units)

    def forward(self, H):
        self.H = H
        return self.g * H

    def backward(self, dA):
        self.dg = dA * self.H
        return dA * self.g


class Around:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, H):
        return H + run(self.layers, H)

    def backward(self, dA):
        run_back(self.layers, dA)
        return dA


# %% task=2 wrong="hands dA on without the gain; forgets the path around" fails="test-2 test-2-2"
class Scale:
    def __init__(self, units):
        self.g = np.ones(units)

    def forward(self, H):
        self.H = H
        return self.g * H

    def backward(self, dA):
        self.dg = (dA * self.H).sum(axis=0)
        return dA


class Around:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, H):
        return H + run(self.layers, H)

    def backward(self, dA):
        return run_back(self.layers, dA)


# %% task=2 wrong="takes means; splits the blame in halves" fails="test-2 test-2-2"
class Scale:
    def __init__(self, units):
        self.g = np.ones(units)

    def forward(self, H):
        self.H = H
        return self.g * H

    def backward(self, dA):
        self.dg = (dA * self.H).mean(axis=0)
        return dA * self.g


class Around:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, H):
        return H + run(self.layers, H)

    def backward(self, dA):
        return (dA + run_back(self.layers, dA)) / 2


# %% [markdown]
# ## Task 3 · Two new blocks for the engine (3 points)
#
# A block of the engine makes a new `Value` from a number and a list of
# parents, each with its slope. The lesson's `exp`, as a function, would be
#
#     def exp(a):
#         result = math.exp(a.data)
#         return Value(result, [(a, result)])
#
# Write two more: `tanh(a)`, and `maximum(a, b)`, the larger of two values. All
# the blame of a maximum belongs to the larger one; if both are equal, to `a`.
# `math.tanh` takes a plain number.

# %% task=3 answer
def tanh(a):
    """Return a Value, the tanh of the Value a."""
    ### BEGIN SOLUTION
    result = math.tanh(a.data)
    return Value(result, [(a, 1 - result**2)])
    ### END SOLUTION


def maximum(a, b):
    """Return a Value, the larger of the Values a and b."""
    ### BEGIN SOLUTION
    larger = a if a.data >= b.data else b
    return Value(larger.data, [(larger, 1.0)])
    ### END SOLUTION


# %% task=3 check
def value_and_slopes(function, *numbers):
    values = [Value(number) for number in numbers]
    result = check_runs(function, *values)
    if not isinstance(result, Value):
        raise CheckError(f"expected a Value, came a {type(result).__name__}\n"
                         "  Look at: return Value(number, parents)")
    for pair in result.parents:
        if isinstance(pair, Value) or not isinstance(pair[0], Value):
            raise CheckError("each parent must be a pair (Value, slope)\n"
                             "  Look at: [(a, ...)], not a.data, and the "
                             "square brackets")
    result.backward()
    return [result.data, *(value.grad for value in values)]


check_close("tanh(0) and its slope", value_and_slopes(tanh, 0.0), [0.0, 1],
            hint="the slope of tanh is 1 - tanh²")
check_close("tanh(0.7) and its slope", value_and_slopes(tanh, 0.7),
            [0.604368, 0.634740], rtol=1e-4)
for a, b, expected in ((2.0, 5.0, [5, 0, 1]), (2.0, -5.0, [2, 1, 0]),
                       (3.0, 3.0, [3, 1, 0])):
    check_close(f"maximum({a}, {b}) and its two slopes",
                value_and_slopes(maximum, a, b), expected,
                hint="slope 1 by the larger, 0 (or no parent) for the other")
a = Value(0.5)
(a * maximum(tanh(a), a)).backward()
check_close("the slope of a times maximum(tanh(a), a) at 0.5", a.grad, 1.0,
            hint="the parents must be the given Values themselves")

# %% task=3 test points=1
import numpy as np
import torch

from deepcourse.engine import Value

for number in np.random.default_rng(301).normal(size=20):
    a, a_t = Value(number), torch.tensor(number, requires_grad=True)
    result, result_t = tanh(a * 2) * a, torch.tanh(a_t * 2) * a_t
    result.backward()
    result_t.backward()
    assert np.isclose(result.data, result_t.item())
    assert np.isclose(a.grad, a_t.grad.item())

# %% task=3 test points=2
import numpy as np
import torch

from deepcourse.engine import Value

rng = np.random.default_rng(302)
for pair in rng.normal(size=(20, 2)):
    a, b = map(Value, pair)
    a_t, b_t = torch.tensor(pair).requires_grad_()
    result = maximum(a * b, a + b) * a
    result.backward()
    truth = torch.maximum(a_t * b_t, a_t + b_t) * a_t
    slopes = torch.autograd.grad(truth, (a_t, b_t))
    assert np.isclose(result.data, truth.item())
    assert np.allclose([a.grad, b.grad], [slope.item() for slope in slopes])
for number in rng.normal(size=5):
    a, b = Value(number), Value(number)
    maximum(a, b).backward()
    assert (a.grad, b.grad) == (1, 0), "a tie"
    maximum(a, a).backward()
    assert a.grad == 1, "a tie with itself"

# %% task=3 wrong="the sigmoid's slope; blames both" fails="test-3 test-3-2"
def tanh(a):
    result = math.tanh(a.data)
    return Value(result, [(a, result * (1 - result))])


def maximum(a, b):
    return Value(max(a.data, b.data), [(a, 1.0), (b, 1.0)])


# %% task=3 wrong="the slope at tanh(a), not a; a tie blames both" fails="test-3 test-3-2"
def tanh(a):
    result = math.tanh(a.data)
    return Value(result, [(a, 1 - math.tanh(result) ** 2)])


def maximum(a, b):
    return Value(max(a.data, b.data), [(a, float(a.data >= b.data)),
                                       (b, float(b.data >= a.data))])


# %% task=3 wrong="forgets the parents" fails="test-3 test-3-2"
def tanh(a):
    return Value(math.tanh(a.data))


def maximum(a, b):
    return Value(max(a.data, b.data))


# %% task=3 wrong="parents are copies" fails="test-3 test-3-2"
def tanh(a):
    result = math.tanh(a.data)
    return Value(result, [(Value(a.data), 1 - result**2)])


def maximum(a, b):
    larger = max(a.data, b.data)
    return Value(larger, [(Value(larger), 1.0)])


# %% [markdown]
# ## Task 4 · Predict, then measure (4 points)
#
# Four questions. Answer with a number **before** you run anything, and put
# your reason in a comment behind it.
#
# 1. Six tanh layers of one unit each: $z_{\ell+1} = w\tanh(z_\ell)$ with
#    $w = 2$. Every $z_\ell$ happens to be 0. What is $\delta_1/\delta_6$?
#    → `tanh_ratio`. And with the sigmoid in place of tanh, and biases that
#    keep every $z_\ell$ at 0? → `sigmoid_ratio`
# 2. `a = Value(3.0)`, `b = a * a`, `c = b * b`. After `c.backward()`, `a.grad`
#    is $4a^3 = 108$. What is it if the engine's last line has `=` in place of
#    `+=`? → `without_plus`
# 3. A network with 2 inputs, 8 sigmoid units and 1 output learns XOR by
#    gradient descent. All its weights start at 0.5, all biases at 0. After
#    1,000 steps, how many hidden units with *different* weights has it: 1, 2,
#    4 or 8? → `different_units`
# 4. Momentum 0.9, as in the lesson: a step is the last step times 0.9, plus
#    the new one, $-\eta\,\partial L/\partial w$. On a long slope this gradient
#    is always the same. How many times longer than without momentum are the
#    steps in the end? → `longer`

# %% task=4 answer
# Give a number to each of these names:
# tanh_ratio, sigmoid_ratio, without_plus, different_units, longer
### BEGIN SOLUTION
tanh_ratio = 2**5  # five ways back, each times w = 2 and the slope 1
sigmoid_ratio = (2 / 4) ** 5  # the same, with the slope 1/4
without_plus = 27  # b.grad = 3 * 3 = 9, not 18; then a.grad = 3 * 9, not 6 * 9
different_units = 1  # all get the same blame, in every step
longer = 10  # s = 0.9 s + 1 gives s = 10
### END SOLUTION

# %% [markdown]
# The check cannot tell you whether you are right: it only looks whether your
# answers can be read. Then *measure* what you doubt in a cell of your own. For
# question 1, `Value` and your `tanh` of Task 3 do it; for question 3,
# `train_from` stands ready below the check: call it with
# `np.full((2, 8), 0.5)` and `np.full((8, 1), 0.5)`. Change an answer if you
# must, but only once you know why it was wrong.

# %% task=4 check
check_defined(globals(), "tanh_ratio", "sigmoid_ratio", "without_plus",
              "different_units", "longer")
for name in ("tanh_ratio", "sigmoid_ratio", "without_plus", "longer"):
    check_shape(name, globals()[name])
check_choice("different_units", different_units, [1, 2, 4, 8])


# %%
def train_from(W1, W2):
    """Return W1 (2, 8), a column for each unit, after 1,000 steps on XOR."""
    X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0.0], [1], [1], [0]])
    sigmoid = ACTIVATIONS["sigmoid"]
    one, two = (Dense(*W.shape, np.random.default_rng(0)) for W in (W1, W2))
    one.W, two.W = W1, W2
    layers = [one, Activation(*sigmoid), two, Activation(*sigmoid)]
    for _ in range(1000):
        run_back(layers, LOSSES["half squares"][1](run(layers, X), y))
        for layer in (one, two):
            layer.W, layer.b = layer.W - layer.dW, layer.b - layer.db
    return one.W


# %% task=4 test points=1
import numpy as np

import torch

for name, sigma, bias in (("tanh_ratio", torch.tanh, 0.0),
                          ("sigmoid_ratio", torch.sigmoid, -1.0)):
    z = [torch.zeros((), dtype=torch.float64, requires_grad=True)]
    for _ in range(5):
        z.append(2 * sigma(z[-1]) + bias)
    measured = torch.autograd.grad(z[-1], z[0])[0].item()
    assert np.isclose(globals()[name], measured, rtol=0.01), name

# %% task=4 test points=1
import numpy as np

# By hand: b = a a and c = b b, and each slope overwrites the one before.
a = 3.0
b = a * a
for slope in (b, b):
    b_grad = slope
for slope in (a, a):
    a_grad = slope * b_grad
assert np.isclose(without_plus, a_grad)

# %% task=4 test points=1
import torch

X = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]).double()
y = torch.tensor([[0.0], [1], [1], [0]]).double()
model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Sigmoid(),
                            torch.nn.Linear(8, 1), torch.nn.Sigmoid()).double()
for name, parameter in model.named_parameters():
    torch.nn.init.constant_(parameter, 0.5 if "weight" in name else 0.0)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
for _ in range(1000):
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(model(X), y).backward()
    optimizer.step()
rows = model[0].weight.detach()
kinds = []
for row in rows:
    if not any(torch.allclose(row, other, atol=1e-6) for other in kinds):
        kinds.append(row)
assert different_units == len(kinds)

# %% task=4 test points=1
import numpy as np

import torch

w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
for _ in range(200):
    before = w.item()
    optimizer.zero_grad()
    w.sum().backward()
    optimizer.step()
assert np.isclose(longer, (before - w.item()) / 0.1, rtol=0.02)

# %% task=4 wrong="counts layers, not the ways between; forgets one sum" fails="test-4 test-4-2"
tanh_ratio, sigmoid_ratio = 2**6, (2 / 4) ** 6
without_plus, different_units, longer = 54, 1, 10

# %% task=4 wrong="forgets the weights" fails="test-4"
tanh_ratio, sigmoid_ratio = 1, 1 / 4**5
without_plus, different_units, longer = 27, 1, 10

# %% task=4 wrong="thinks that training breaks a tie" fails="test-4-3"
tanh_ratio, sigmoid_ratio = 2**5, 1 / 2**5
without_plus, different_units, longer = 27, 8, 10

# %% task=4 wrong="adds only one earlier step" fails="test-4-4"
tanh_ratio, sigmoid_ratio = 2**5, 1 / 2**5
without_plus, different_units, longer = 27, 1, 1.9

# %% task=4 wrong="overwrites nothing" fails="test-4-2"
tanh_ratio, sigmoid_ratio = 2**5, 1 / 2**5
without_plus, different_units, longer = 108, 1, 10

# %% [markdown]
# ## Task 5 · A wrong gradient, convicted (4 points)
#
# A colleague fits a curve by a network with two hidden layers of tanh. The
# loss falls as it should. Yet there is one fault in `backward_draft`.

# %%
def forward(X, W1, b1, W2, b2, W3, b3):
    H1 = np.tanh(X @ W1 + b1)
    H2 = np.tanh(H1 @ W2 + b2)
    return H1, H2, H2 @ W3 + b3


def backward_draft(X, y, W1, b1, W2, b2, W3, b3):
    H1, H2, y_hat = forward(X, W1, b1, W2, b2, W3, b3)
    delta3 = (y_hat - y) / len(y)
    delta2 = (delta3 @ W3.T) * (1 - H2**2)
    delta1 = (delta2 @ W2.T) * (1 - H2**2)
    return [X.T @ delta1, delta1.sum(axis=0),
            H1.T @ delta2, delta2.sum(axis=0),
            H2.T @ delta3, delta3.sum(axis=0)]


def curve_loss(parameters):
    y_hat = forward(X_curve, *parameters)[2]
    return LOSSES["half squares"][0](y_hat, y_curve)


def start():
    rng = np.random.default_rng(1)
    sizes = ((1, 8), 8, (8, 8), 8, (8, 1), 1)
    return [rng.normal(size=size) / 2 for size in sizes]


def descend(backward, num_steps, lr=0.1):
    parameters, losses = start(), []
    for _ in range(num_steps):
        losses.append(curve_loss(parameters))
        slopes = backward(X_curve, y_curve, *parameters)
        for P, dP in zip(parameters, slopes, strict=True):
            P -= lr * dP
    return losses


X_curve = np.linspace(-2, 2, 60).reshape(-1, 1)
y_curve = np.sin(2 * X_curve)
losses = descend(backward_draft, 1000)
print(f"the loss falls from {losses[0]:.3f} to {losses[-1]:.3f}")

# %% [markdown]
# **A judge.** The lesson wiggled each parameter: two runs of the network for
# every one. Two runs are enough if you move *all* at once, along a direction
# $v$, a list of arrays of the shapes of the parameters $\theta$. If the
# gradient is right, these two numbers agree:
#
# $$\text{measured} = \frac{L(\theta + hv) - L(\theta - hv)}{2h}, \qquad
# \text{claimed} = \sum_{\text{all entries}} \frac{\partial L}{\partial\theta}
# \odot v .$$
#
# Write `judge`, which returns both. `loss` takes the list of parameters, like
# `curve_loss`. The arrays differ in shape, so go through the lists side by
# side, and make new arrays: `parameters` must stay what they are.
#
# **The verdict.** Then run the first check and the cell after it. There $v$
# moves only one array at a time. Which gradients are wrong, and which line do
# they have in common? Write `backward`: copy the draft and mend the one fault.

# %% task=5 answer
def judge(loss, parameters, gradient, direction, h=1e-5):
    """Return measured, claimed: two numbers.

    parameters, gradient, direction are lists of arrays of the same shapes.
    """
    ### BEGIN SOLUTION
    pairs = list(zip(parameters, direction, strict=True))
    up = loss([P + h * V for P, V in pairs])
    down = loss([P - h * V for P, V in pairs])
    claimed = sum((dP * V).sum()
                  for dP, V in zip(gradient, direction, strict=True))
    return (up - down) / (2 * h), claimed
    ### END SOLUTION


def backward(X, y, W1, b1, W2, b2, W3, b3):
    """Return [dW1, db1, dW2, db2, dW3, db3]."""
    ### BEGIN SOLUTION
    H1, H2, y_hat = forward(X, W1, b1, W2, b2, W3, b3)
    delta3 = (y_hat - y) / len(y)  # (batch, outputs)
    delta2 = (delta3 @ W3.T) * (1 - H2**2)  # (batch, _)
    delta1 = (delta2 @ W2.T) * (1 - H1**2)  # (batch, _)
    return [X.T @ delta1, delta1.sum(axis=0),
            H1.T @ delta2, delta2.sum(axis=0),
            H2.T @ delta3, delta3.sum(axis=0)]
    ### END SOLUTION


# %% [markdown]
# The first check takes $L(a, b) = a_1^2 + 3a_2 + b$ at $b = 5$ and the row
# $a = (2, 1)$, a matrix (1, 2). The gradient there is $(4, 3)$ and 1.

# %% task=5 check
place5 = [np.array([[2.0, 1.0]]), np.array(5.0)]
came5 = check_runs(judge, lambda P: P[0][0, 0] ** 2 + 3 * P[0][0, 1] + P[1],
                   place5, [np.array([[4.0, 3.0]]), np.array(1.0)],
                   [np.array([[1.0, -2.0]]), np.array(0.5)])
check_shape("(measured, claimed)", came5, numbers=2)
check_close("(measured, claimed)", came5, [-1.5, -1.5], rtol=1e-6,
            hint="4 * 1 + 3 * (-2) + 1 * 0.5, over all arrays; and 2h below")
check_close("parameters after the call", place5[0], [[2.0, 1]],
            hint="P + h * V makes a new array, P += h * V changes the old one")

# %%
rng = np.random.default_rng(0)
parameters = start()
slopes = backward_draft(X_curve, y_curve, *parameters)
for i, name in enumerate(("W1", "b1", "W2", "b2", "W3", "b3")):
    only = [rng.normal(size=P.shape) * (i == k)  # 0 in all arrays but one
            for k, P in enumerate(parameters)]
    measured, claimed = judge(curve_loss, parameters, slopes, only)
    print(f"d{name}: measured {measured:8.5f}, claimed {claimed:8.5f}")

# %% task=5 check
slopes = check_runs(backward, X_curve, y_curve, *start())
for i, name in enumerate(("dW1", "db1", "dW2", "db2", "dW3", "db3")):
    def moved(P, i=i):
        return curve_loss([P if k == i else Q for k, Q in enumerate(start())])

    check_gradient(name, slopes[i], moved, start()[i], sizes={"batch": 60},
                   hint="compare the lines of the deltas with the formula for "
                        "layer l in the lesson, letter by letter")

# %% [markdown]
# The draft and your mended program. Look at the first fifty steps: would you
# have noticed?

# %%
check_runs(backward, X_curve, y_curve, *start())
for name, function, color in (("draft", backward_draft, ORANGE),
                              ("mended", backward, BLUE)):
    plt.loglog(1 + np.arange(1000), descend(function, 1000), color=color,
               label=name)
plt.xlabel("step")
plt.ylabel("loss")
legend = plt.legend()

# %% task=5 test points=2
import numpy as np
import torch

rng = np.random.default_rng(501)
for shapes in (((3,),), ((2, 4), (4,)), ((3, 2), (2,), (2, 5), (5,))):
    place, direction, gradient = (
        [rng.normal(size=shape) for shape in shapes] for _ in range(3))
    tensors = [torch.tensor(P, requires_grad=True) for P in place]
    sum((P**3).sum() + P.sin().mean() for P in tensors).backward()
    truth = sum((P.grad.numpy() * V).sum()
                for P, V in zip(tensors, direction, strict=True))
    wrong = sum((P * V).sum()
                for P, V in zip(gradient, direction, strict=True))
    kept = [P.copy() for P in place]
    measured, claimed = judge(
        lambda Ps: sum((P**3).sum() + np.sin(P).mean() for P in Ps),
        place, gradient, direction)
    assert np.isclose(measured, truth, rtol=1e-5, atol=1e-6), "measured"
    assert np.isclose(claimed, wrong), "claimed"
    for before, after in zip(kept, place, strict=True):
        assert np.allclose(before, after, rtol=1e-9), "parameters changed"

# %% task=5 test points=2
import numpy as np
import torch

rng = np.random.default_rng(502)
for n, m, k, p in ((1, 8, 8, 1), (3, 5, 4, 2), (2, 3, 6, 1)):
    shapes = (n, m), m, (m, k), k, (k, p), p
    place = [rng.normal(size=shape) for shape in shapes]
    X, y = rng.normal(size=(9, n)), rng.normal(size=(9, p))
    tensors = [torch.tensor(P, requires_grad=True) for P in place]
    W1, b1, W2, b2, W3, b3 = tensors
    H2 = torch.tanh(torch.tanh(torch.tensor(X) @ W1 + b1) @ W2 + b2)
    loss = (H2 @ W3 + b3 - torch.tensor(y)).square().sum() / 2 / 9
    loss.backward()
    slopes = backward(X, y, *place)
    for dP, tensor in zip(slopes, tensors, strict=True):
        assert np.allclose(dP, tensor.grad.numpy())

# %% task=5 wrong="mends nothing; one-sided over 2h" fails="test-5 test-5-2"
backward = backward_draft


def judge(loss, parameters, gradient, direction, h=1e-5):
    pairs = list(zip(parameters, direction, strict=True))
    up = loss([P + h * V for P, V in pairs])
    claimed = sum((dP * V).sum()
                  for dP, V in zip(gradient, direction, strict=True))
    return (up - loss(parameters)) / (2 * h), claimed


# %% task=5 wrong="drops a transpose; moves the parameters in place" fails="test-5 test-5-2"
def judge(loss, parameters, gradient, direction, h=1e-5):
    for P, V in zip(parameters, direction, strict=True):
        P += h * V
    up = loss(parameters)
    for P, V in zip(parameters, direction, strict=True):
        P -= 2 * h * V
    claimed = sum((dP * V).sum()
                  for dP, V in zip(gradient, direction, strict=True))
    return (up - loss(parameters)) / (2 * h), claimed


def backward(X, y, W1, b1, W2, b2, W3, b3):
    H1, H2, y_hat = forward(X, W1, b1, W2, b2, W3, b3)
    delta3 = (y_hat - y) / len(y)
    delta2 = (delta3 @ W3.T) * (1 - H2**2)
    delta1 = (delta2 @ W2) * (1 - H1**2)
    return [X.T @ delta1, delta1.sum(axis=0),
            H1.T @ delta2, delta2.sum(axis=0),
            H2.T @ delta3, delta3.sum(axis=0)]


# %% task=5 wrong="takes the sigmoid's slope; claims the length of the gradient" fails="test-5 test-5-2"
def judge(loss, parameters, gradient, direction, h=1e-5):
    pairs = list(zip(parameters, direction, strict=True))
    up = loss([P + h * V for P, V in pairs])
    down = loss([P - h * V for P, V in pairs])
    return (up - down) / (2 * h), sum((dP * dP).sum() for dP in gradient)


def backward(X, y, W1, b1, W2, b2, W3, b3):
    H1, H2, y_hat = forward(X, W1, b1, W2, b2, W3, b3)
    delta3 = (y_hat - y) / len(y)
    delta2 = (delta3 @ W3.T) * H2 * (1 - H2)
    delta1 = (delta2 @ W2.T) * H1 * (1 - H1)
    return [X.T @ delta1, delta1.sum(axis=0),
            H1.T @ delta2, delta2.sum(axis=0),
            H2.T @ delta3, delta3.sum(axis=0)]


# %% [markdown]
# ## Task 6 · Three suspects (3 points)
#
# A friend trains ten sigmoid layers on digits, with gradients of her own. The
# loss does not fall; the network is as good as guessing. There are three
# suspects:
#
# 1. the gradient is wrong;
# 2. the blame vanishes on its way back;
# 3. the first steps were too large, and units are saturated.
#
# For each suspect name **one measurement** that would convict it and neither
# of the others: *when* you take it, and the result that you would take for
# proof. And say **what to change** then. Two sentences for each will do, about
# 120 words in all.

# %% [markdown] task=6 written points=3
# 1. In double precision, on a small copy with a few examples, compare the
#    gradient with central differences: a mismatch far above $10^{-7}$ convicts
#    it. Then see which parameters differ, and mend the line they share.
# 2. Before the first step, print the length of the gradient of each layer. If
#    it falls by about the same factor from layer to layer, down to a tiny part
#    of the last at the first, it vanishes. Take ReLU or tanh with well-sized
#    weights, ways around, or fewer layers.
# 3. Look at the outputs of the units before and after the first steps: if most
#    are near 0 or 1 afterwards, and were not before, and the gradient has
#    collapsed, they are saturated. Start anew with a smaller learning rate
#    (the mean, not the sum, over the batch).
#
# ### BEGIN MARK SCHEME
#
# One point for each suspect: half for a measurement *with* a result that tells
# it from the others, half for a remedy that fits. A falling or flat loss alone
# convicts nobody.
#
# 1. Central differences (or `gradcheck`, or torch's gradient) as independent
#    judge, with a sensible bound. Remedy: mend the line.
# 2. Gradient length (or blame) layer by layer, falling towards the first,
#    *at the start*, when nothing is saturated yet. Remedy: another activation,
#    larger weights, skip connections, fewer layers.
# 3. Values of units, or $h(1-h)$, *after* some steps, near 0 or 1 (or near 0).
#    Remedy: a smaller step, and a new start. A smaller step alone, from where
#    the units are stuck, is worth half of the half.
#
# ### END MARK SCHEME

# %% [markdown]
# ## Before you hand it in
#
# Restart the kernel, run all cells, and see that no check complains. If you
# leave a task out, keep its `NotImplementedError`: running all cells stops
# there, so go on by hand from the next task. The others count all the same.
