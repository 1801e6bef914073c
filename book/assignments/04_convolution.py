# %% [markdown]
# # Assignment 4: convolution in time
#
# You will take convolution out of the plane and along time. You will ask what
# an output sees, find a tremor with a kernel that is pulled apart, sort layers
# by what they do to a shift, mend a program that runs without an error, and
# catch a network at looking in the wrong place. It belongs to the lessons
# [Convolution](lesson:04_convolution), [What a network
# sees](lesson:04b_what_a_network_sees) and [Reading
# architectures](lesson:04c_architectures). Keep them open: looking things up
# is part of the work.
#
# There are six tasks and 20 points. Plan an hour and a half, the last third of
# it for Task 6. Everything runs in seconds, and the tasks stand alone: when one
# stops you, go on to the next.
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
# A recording is a picture with a single row. A batch of them is (batch,
# channels, length), and torch's layers for it end in `1d`. All recordings here
# are made up. This is the formula for a heartbeat, which Tasks 5 and 6 use.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

from deepcourse.checks import (
    CheckError, check_choice, check_close, check_defined, check_runs,
    check_shape,
)
from deepcourse.plot import GREY
from deepcourse.training import train

torch.set_default_dtype(torch.float64)  # double precision: sharp checks


def wave(t, at, width, height):
    """Return a bump around the time `at`; all times are in seconds."""
    return height * torch.exp(-((t - at) / width) ** 2 / 2)


def heartbeat(t, last=0.3):
    """Return a beat around t = 0: small, sharp, and a broad last wave."""
    return (wave(t, -0.17, 0.025, 0.15) + wave(t, 0, 0.012, 1)
            + wave(t, 0.03, 0.012, -0.25) + wave(t, 0.22, 0.04, last))


plt.figure(figsize=(5.6, 2))
times = torch.linspace(-0.4, 0.5, 400)
plt.plot(times, heartbeat(times))
label = plt.xlabel("seconds")

# %% [markdown]
# ## Task 1 · What an output sees (3 points)
#
# The receptive field says *how many* inputs an output sees. Now ask *which*.
# Take a stack of one-dimensional convolutions, each with its width, stride,
# padding and dilation. Output number $n$ of the last layer sees certain inputs
# of that layer, which are outputs of the layer before, and so on down.
#
# **Code** (2 points). Write `seen`, which returns the first and the last input
# that output $n$ sees (it may skip some between). Begin with one layer, without
# padding: output $n$ of stride $s$ starts at input $ns$, and where does it end?
# Then move both by the padding. All numbers count from 0; a negative one lies
# in the padding.
#
# **A number** (1 point). Let all layers have width 3 and stride 1. One output
# shall see 250 inputs or more, one second of a good recorder. With dilation 1
# throughout, that takes 125 layers. How many does it take with the dilations 1,
# 2, 4, 8, …? Give `doubling_layers`, a whole number. Guess before you compute.
#
# Replace both `raise` lines, the one in `seen` and the one below it.

# %% task=1 answer
def seen(n, layers):
    """Return (first, last), two whole numbers.

    Each layer is a tuple (width, stride, padding, dilation); the first
    layer of the list reads the input.
    """
    ### BEGIN SOLUTION
    first = last = n
    for width, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * (width - 1)
    return first, last
    ### END SOLUTION


# Give a value to doubling_layers:
### BEGIN SOLUTION
doubling_layers = 7  # 1 + 2 * (1 + 2 + 4 + ... + 64) = 255
### END SOLUTION

# %% task=1 check
def check_seen(about, n, layers, expected, hint):
    came = check_runs(seen, n, layers)
    check_close(f"what output {n} sees, {about}", came, expected, hint=hint)


check_seen("no layer", 5, [], [5, 5], "without layers, output 5 is input 5")
check_seen("width 3", 5, [(3, 1, 0, 1)], [5, 7], "it sees 5, 6 and 7")
check_seen("dilation 4", 5, [(3, 1, 0, 4)], [5, 13], "it sees 5, 9 and 13")
check_seen("stride 2", 5, [(3, 2, 0, 1)], [10, 12], "it sees 10, 11 and 12")
check_seen("padding 1", 5, [(3, 1, 1, 1)], [4, 6],
           "the window starts one place earlier")
check_seen("stride 2, padding 1", 0, [(3, 2, 1, 1)], [-1, 1],
           "padding is counted in places of the layer's own input")
check_seen("two layers", 5, [(3, 2, 0, 1), (2, 1, 0, 1)], [10, 14],
           "go backwards: the last layer sees 5 and 6 of the first one's "
           "outputs")
check_seen("three layers", 5, [(5, 3, 0, 1), (3, 2, 1, 2), (2, 1, 0, 1)],
           [27, 49], "go backwards, and take `last` through every layer, too")

# The next lines look whether your number can be read, not whether it is right.
check_defined(globals(), "doubling_layers")
if not isinstance(doubling_layers, int):
    raise CheckError("doubling_layers: expected a whole number, came "
                     f"{doubling_layers!r}\n  Look at: there are no parts of "
                     "layers; write it without quotes and without a point")

# %% task=1 test points=2
import random

import torch

rng = random.Random(101)
for _ in range(12):
    layers = [(rng.randint(2, 5), rng.randint(1, 2), rng.randint(0, 2),
               rng.randint(1, 3)) for _ in range(rng.randint(1, 4))]
    parts = [torch.nn.Conv1d(1, 1, k, stride=s, padding=p, dilation=d,
                             bias=False) for k, s, p, d in layers]
    for part in parts:
        torch.nn.init.constant_(part.weight, 1.0)
    x = torch.ones(1, 1, 650).double().requires_grad_()
    out = torch.nn.Sequential(*parts).double()(x)[0, 0]
    n = len(out) // 2 + rng.randint(-3, 3)  # far from both ends
    out[n].backward()
    places = x.grad[0, 0].nonzero()
    expected = places.min().item(), places.max().item()
    assert tuple(seen(n, layers)) == expected, layers

# %% task=1 test points=1
import torch


layers, span = [], 0
while span < 250:
    layers.append(torch.nn.Conv1d(1, 1, 3, bias=False,
                                  dilation=2 ** len(layers)).double())
    torch.nn.init.constant_(layers[-1].weight, 0.4)
    x = torch.ones(1, 1, 700).double().requires_grad_()
    out = torch.nn.Sequential(*layers)(x)
    out[0, 0, out.shape[2] // 2].backward()
    places = x.grad[0, 0].nonzero()
    span = (places.max() - places.min() + 1).item()
assert doubling_layers == len(layers)

# %% task=1 wrong="goes forwards through the layers" fails="test-1"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in layers:
        first = first * stride - padding
        last = last * stride - padding + dilation * (width - 1)
    return first, last


doubling_layers = 7

# %% task=1 wrong="forgets the padding" fails="test-1"
def seen(n, layers):
    first = last = n
    for width, stride, _, dilation in reversed(layers):
        first = first * stride
        last = last * stride + dilation * (width - 1)
    return first, last


doubling_layers = 7

# %% task=1 wrong="ends one input too late" fails="test-1"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * width
    return first, last


doubling_layers = 7

# %% task=1 wrong="starts the last window at the first one" fails="test-1"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = first + dilation * (width - 1)
    return first, last


doubling_layers = 7

# %% task=1 wrong="thinks that doubling only halves the number of layers" fails="test-1-2"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * (width - 1)
    return first, last


doubling_layers = 63

# %% task=1 wrong="takes the last dilation for the whole field" fails="test-1-2"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * (width - 1)
    return first, last


doubling_layers = 8

# %% [markdown]
# ## Task 2 · A kernel pulled apart (3 points)
#
# A convolution with dilation $d$, along time, from several channels to several
# outputs, is
#
# $$Z_{on} = \sum_{a} \sum_{c} W_{oca}\, x_{c,\, n + d a}.$$
#
# Write it, without padding, and please without torch's convolutions and without
# `unfold`. Loop over the few numbers $a$ of the kernel, not over the many places
# $n$: for each $a$, the sum over the channels is one matrix product, of
# `W[:, :, a]` and a slice of `x`. How many places are there? A kernel of width
# $k$ spans $d(k-1) + 1$ of them.

# %% task=2 answer
def dilated_conv(x, W, dilation):
    """Return Z (outputs, places) for a single recording.

    x is (channels, length), W is (outputs, channels, width).
    """
    ### BEGIN SOLUTION
    outputs, _, width = W.shape
    places = x.shape[1] - dilation * (width - 1)
    Z = torch.zeros(outputs, places)
    for a in range(width):
        start = dilation * a
        Z += W[:, :, a] @ x[:, start:start + places]
    return Z  # (outputs, _)
    ### END SOLUTION


# %% task=2 check
x2 = torch.tensor([[1.0, 2, 4, 8, 16, 32]])
W2 = torch.tensor([[[1.0, 10, 100]]])
Z2 = check_runs(dilated_conv, x2, W2, 1)
check_shape("Z, with dilation 1", Z2, outputs=1, places=4)
check_close("Z, with dilation 1", Z2, [[421.0, 842, 1684, 3368]],
            hint="Z[0, 0] = 1 * 1 + 10 * 2 + 100 * 4: nothing is turned")
Z2 = check_runs(dilated_conv, x2, W2, 2)
check_shape("Z, with dilation 2", Z2, outputs=1, places=None)
if Z2.shape[1] != 2:
    raise CheckError(f"Z, with dilation 2: expected 2 places, came "
                     f"{Z2.shape[1]}\n  Look at: the kernel spans d(k - 1) + 1 "
                     "places, here 5 of the 6")
check_close("Z, with dilation 2", Z2, [[1641.0, 3282]],
            hint="Z[0, 0] = 1 * x[0, 0] + 10 * x[0, 2] + 100 * x[0, 4]")
x2 = torch.tensor([[1.0, 2, 3], [10, 20, 30]])
W2 = torch.tensor([[[1.0, 0], [0, 1]], [[0, 0], [1, 0]]])
check_close("Z, with two channels and two outputs",
            check_runs(dilated_conv, x2, W2, 1), [[21.0, 32], [10, 20]],
            hint="output 0 is channel 0 here plus channel 1 one place later")

# %% task=2 test points=1
import torch
from torch.nn.functional import conv1d

generator = torch.Generator().manual_seed(201)
for channels, outputs, width, length in ((1, 1, 3, 9), (1, 1, 1, 5),
                                         (1, 1, 6, 6), (1, 1, 4, 50)):
    x = torch.randn(channels, length, generator=generator).double()
    w = torch.randn(outputs, channels, width, generator=generator).double()
    for dilation in (1, 2, 3):
        if dilation * (width - 1) < length:
            expected = conv1d(x[None], w, dilation=dilation)[0]
            out = dilated_conv(x, w, dilation)
            assert out.shape == expected.shape
            assert torch.allclose(out, expected), f"dilation {dilation}"

# %% task=2 test points=2
import torch
from torch.nn.functional import conv1d

generator = torch.Generator().manual_seed(202)
for channels, outputs, width, length in ((3, 1, 3, 12), (1, 4, 2, 9),
                                         (3, 5, 4, 40), (4, 4, 4, 30)):
    x = torch.randn(channels, length, generator=generator).double()
    w = torch.randn(outputs, channels, width, generator=generator).double()
    for dilation in (1, 2, 3):
        expected = conv1d(x[None], w, dilation=dilation)[0]
        out = dilated_conv(x, w, dilation)
        assert out.shape == expected.shape
        assert torch.allclose(out, expected), f"dilation {dilation}"

# %% task=2 wrong="turns the kernel round" fails="test-2"
def dilated_conv(x, w, dilation):
    places = x.shape[1] - dilation * (w.shape[2] - 1)
    return sum(w[:, :, -1 - i] @ x[:, dilation * i:dilation * i + places]
               for i in range(w.shape[2]))


# %% task=2 wrong="spans dilation times width: loses the last places" fails="test-2"
def dilated_conv(x, w, dilation):
    places = x.shape[1] - dilation * w.shape[2] + 1
    return sum(w[:, :, i] @ x[:, dilation * i:dilation * i + places]
               for i in range(w.shape[2]))


# %% task=2 wrong="skips outputs instead of inputs: a stride" fails="test-2"
def dilated_conv(x, w, dilation):
    places = x.shape[1] - w.shape[2] + 1
    out = sum(w[:, :, i] @ x[:, i:i + places] for i in range(w.shape[2]))
    return out[:, ::dilation]


# %% task=2 wrong="swaps outputs and channels" fails="test-2-2"
def dilated_conv(x, w, dilation):
    places = x.shape[1] - dilation * (w.shape[2] - 1)
    return sum(w[:, :, i].T @ x[:, dilation * i:dilation * i + places]
               for i in range(w.shape[2]))


# %% task=2 wrong="sums the channels before it weights them" fails="test-2-2"
def dilated_conv(x, w, dilation):
    places = x.shape[1] - dilation * (w.shape[2] - 1)
    x, w = x.sum(dim=0, keepdim=True), w.sum(dim=1, keepdim=True)
    return sum(w[:, :, i] @ x[:, dilation * i:dilation * i + places]
               for i in range(w.shape[2]))


# %% [markdown]
# What is it good for? A sensor on a trembling hand records 100 numbers a
# second. A fast tremor swings 10 times a second, a slow one 5 times, in bursts
# that last twice as long. The kernel below is one fast burst. Dilation 2 pulls
# it to the length of a slow one, without a single new weight.

# %%
def burst(t, swings):
    """Return a burst around t = 0 that swings so many times a second."""
    return torch.cos(6.283 * swings * t) * wave(t, 0, 1.5 / swings, 1)


generator = torch.Generator().manual_seed(2)
times = torch.arange(800) / 100
x = burst(times - 1.5, 10) + burst(times - 5.1, 10)
x = x + burst(times - 3.1, 5) + burst(times - 6.7, 5)
x = x + 0.5 * torch.randn(800, generator=generator)
kernel = burst(torch.arange(-30, 31) / 100, 10).reshape(1, 1, -1)

figure, axes = plt.subplots(3, 1, sharex=True, figsize=(5.6, 4))
axes[0].plot(times, x, color=GREY, linewidth=1)
axes[0].set_title("two fast bursts and two slow ones, in noise")
for axis, dilation in zip(axes[1:], (1, 2), strict=True):
    found = check_runs(dilated_conv, x.reshape(1, -1), kernel, dilation)[0]
    start = 30 * dilation  # the middle of the kernel is its number 30
    axis.plot(times[start:start + len(found)], found, linewidth=1)
    axis.set_title(f"after the kernel, dilation {dilation}")
label = plt.xlabel("seconds")

# %% [markdown]
# ## Task 3 · What a shift does (3 points)
#
# Move a recording by one place, wrapped: `torch.roll(x, 1, dims=-1)`. A layer
# is
#
# - `"invariant"`, if its answer stays as it was;
# - else `"equivariant"`, if its answer moves along by one place, wrapped;
# - else `"neither"`.
#
# **Predict** for each of these four layers (2 points), before you run
# anything. They act on (batch, channels, length).
#
# | name | layer |
# |---|---|
# | `overlap` | at each place the largest of three: the place and its two neighbours, wrapped |
# | `pool` | the largest of each pair, stride 2 |
# | `mean` | a wrapped convolution, then ReLU, then the mean over all places |
# | `standard` | mean 0 and deviation 1 for each channel of each recording |
#
# **Code** (1 point). Write `judge`, which measures it. Then run the cell below
# the check, and correct a prediction only when you know why it was wrong.
# Replace both `raise` lines.

# %% task=3 answer
def judge(layer, x):
    """Return "invariant", "equivariant" or "neither".

    layer is a function of x, x is (batch, channels, length). Compare
    tensors with torch.allclose.
    """
    ### BEGIN SOLUTION
    before, after = layer(x), layer(torch.roll(x, 1, dims=-1))
    if torch.allclose(after, before):
        return "invariant"
    if torch.allclose(after, torch.roll(before, 1, dims=-1)):
        return "equivariant"
    return "neither"
    ### END SOLUTION


# Give a value to each of these names:
# overlap, pool, mean, standard
### BEGIN SOLUTION
overlap = "equivariant"  # pooling without a stride
pool = "neither"  # a shift by 2 would shift its answer by 1
mean = "invariant"
standard = "equivariant"  # mean and deviation stay, the rest moves along
### END SOLUTION

# %% task=3 check
x3 = torch.tensor([[[1.0, 5, 2, 7], [3, 3, 8, 0]]])
WORDS = ["invariant", "equivariant", "neither"]
for about, layer3, expected3 in (
        ("x + 1", lambda x: x + 1, "equivariant"),
        ("the largest number", lambda x: x.amax(dim=-1), "invariant"),
        ("back to front", lambda x: x.flip(-1), "neither"),
        ("the mean, as one place", lambda x: x.mean(-1, keepdim=True),
         "invariant"),
        ("a sum of tenths", lambda x: sum((x / 10).unbind(-1)),
         "invariant")):
    came3 = check_runs(judge, layer3, x3)
    check_choice("what judge returns", came3, WORDS)
    if came3 != expected3:
        raise CheckError(f"the layer '{about}': expected {expected3}, came "
                         f"{came3}\n  Look at: the order of your questions, "
                         "the axis (dims=-1), the direction of each shift, "
                         "and torch.allclose: == minds the last digit")
NAMES = ("overlap", "pool", "mean", "standard")
check_defined(globals(), *NAMES)
for name in NAMES:
    check_choice(name, globals()[name], WORDS)

# %%
def standardise(x):
    return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)


torch.manual_seed(3)
x = torch.randn(5, 2, 12)
ring = nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular")
for name, layer in (
        ("overlap", lambda x: torch.maximum(
            x, torch.maximum(x.roll(1, dims=-1), x.roll(-1, dims=-1)))),
        ("pool", nn.MaxPool1d(2)),
        ("mean", lambda x: torch.relu(ring(x)).mean(dim=-1)),
        ("standard", standardise)):
    print(f"{name:9} predicted {globals()[name]}, "
          f"measured {check_runs(judge, layer, x)}")

# %% task=3 test points=1
import torch
from torch.nn.functional import conv1d

generator = torch.Generator().manual_seed(301)
for batch, channels, length in ((1, 1, 8), (4, 3, 9), (3, 3, 3)):
    x = torch.randn(batch, channels, length, generator=generator).double()
    w = torch.randn(2, channels, 3, generator=generator).double()
    ramp = torch.arange(length).double()
    layers = [
        (lambda x: x**3, "equivariant"),
        (lambda x, w=w: conv1d(torch.cat([x, x[..., :2]], dim=-1), w),
         "equivariant"),
        (lambda x: x.roll(2, dims=-1), "equivariant"),
        (lambda x: x.sum(dim=-1), "invariant"),
        (lambda x: x.square().mean(dim=-1, keepdim=True), "invariant"),
        (lambda x: x.sort(dim=-1).values, "invariant"),
        (lambda x, w=w: conv1d(x, w, padding=1), "neither"),
        (lambda x, ramp=ramp: x * ramp, "neither"),
        (lambda x: x.flip(-1), "neither"),
        (lambda x: x.cumsum(dim=-1), "neither"),
    ]
    for number, (layer, expected) in enumerate(layers):
        assert judge(layer, x) == expected, f"layer {number}"

# %% task=3 test points=2
import torch
from torch.nn.functional import conv1d, max_pool1d

generator = torch.Generator().manual_seed(302)
x = torch.randn(4, 2, 10, generator=generator).double()
w = torch.randn(3, 2, 3, generator=generator).double()


def around(x, n):
    return torch.cat([x[..., -n:], x, x[..., :n]], dim=-1)


def scaled(x):
    mean = x.mean(dim=-1, keepdim=True)
    return (x - mean) / x.std(dim=-1, correction=0, keepdim=True)


for name, layer in (("overlap", lambda x: max_pool1d(around(x, 1), 3, 1)),
                    ("pool", lambda x: max_pool1d(x, 2)),
                    ("mean", lambda x: conv1d(around(x, 1), w).clamp(min=0).mean(
                        dim=-1)),
                    ("standard", scaled)):
    moved = layer(torch.cat([x[..., -1:], x[..., :-1]], dim=-1))
    still = layer(x)
    shifted = torch.cat([still[..., -1:], still[..., :-1]], dim=-1)
    if torch.allclose(moved, still):
        measured = "invariant"
    else:
        measured = ("equivariant" if torch.allclose(moved, shifted)
                    else "neither")
    assert globals()[name] == measured, name

# %% task=3 wrong="asks for equivariance first" fails="test-3"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1, dims=-1))
    if torch.allclose(after, torch.roll(before, 1, dims=-1)):
        return "equivariant"
    return "invariant" if torch.allclose(after, before) else "neither"


overlap = standard = "equivariant"
pool, mean = "neither", "invariant"


# %% task=3 wrong="shifts without dims: across recordings" fails="test-3"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1))
    if torch.allclose(after, before):
        return "invariant"
    if torch.allclose(after, torch.roll(before, 1)):
        return "equivariant"
    return "neither"


overlap = standard = "equivariant"
pool, mean = "neither", "invariant"


# %% task=3 wrong="shifts the answer the other way" fails="test-3"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1, dims=-1))
    if torch.allclose(after, before):
        return "invariant"
    if torch.allclose(after, torch.roll(before, -1, dims=-1)):
        return "equivariant"
    return "neither"


overlap = standard = "equivariant"
pool, mean = "neither", "invariant"


# %% task=3 wrong="asks for equality to the last digit" fails="test-3"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1, dims=-1))
    if torch.equal(after, before):
        return "invariant"
    if torch.equal(after, torch.roll(before, 1, dims=-1)):
        return "equivariant"
    return "neither"


overlap = standard = "equivariant"
pool, mean = "neither", "invariant"


# %% task=3 wrong="thinks that only convolutions are equivariant" fails="test-3-2"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1, dims=-1))
    if torch.allclose(after, before):
        return "invariant"
    if torch.allclose(after, torch.roll(before, 1, dims=-1)):
        return "equivariant"
    return "neither"


overlap = pool = standard = "neither"
mean = "invariant"


# %% task=3 wrong="thinks that pooling is invariant" fails="test-3-2"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1, dims=-1))
    if torch.allclose(after, before):
        return "invariant"
    if torch.allclose(after, torch.roll(before, 1, dims=-1)):
        return "equivariant"
    return "neither"


standard = "equivariant"
overlap = pool = mean = "invariant"

# %% [markdown]
# ## Task 4 · A convolution in disguise (2 points)
#
# Back to pictures, and to the [depthwise
# convolution](lesson:04c_architectures#three-ways-to-save). In the first step
# each channel `x[c]` meets a kernel of its own, `depth[c]`, and channels do not
# mix. In the second step, a 1×1 convolution, they are mixed: output $o$ is the
# sum of all channels, with the weights `point[o, c]`.
#
# Both steps together are one ordinary convolution in disguise. Write `merge`,
# which gives its kernel $w$ (outputs, channels, width, width). Put the first
# step into the second and write output $o$, at one place, as a single sum over
# $c$, $i$ and $j$, with $i$ and $j$ the row and the column in the kernel. Then
# read off the number by which `x[c]` is multiplied. A loop over $o$ and $c$ is
# fine.

# %% task=4 answer
def merge(depth, point):
    """Return w (outputs, channels, width, width).

    depth is (channels, width, width), point is (outputs, channels).
    """
    ### BEGIN SOLUTION
    return point[:, :, None, None] * depth
    ### END SOLUTION


# %% task=4 check
depth4 = torch.tensor([[[1.0, 0], [0, 0]], [[0, 1], [2, 0]]])
point4 = torch.tensor([[1.0, 10], [3, 0], [0, -1]])
w4 = check_runs(merge, depth4, point4)
check_shape("w", w4, outputs=3, channels=2, rows=2, columns=2)
check_close("w[0], for the first output", w4[0],
            [[[1.0, 0], [0, 0]], [[0, 10], [20, 0]]],
            hint="w[o, c] is the kernel depth[c] times one number")
check_close("w[1] and w[2]", w4[1:],
            [[[[3.0, 0], [0, 0]], [[0, 0], [0, 0]]],
             [[[0, 0], [0, 0]], [[0, -1], [-2, 0]]]])

# %% [markdown]
# Average pooling wears the same disguise: each weight is one over the number
# of pixels in the block, and channels do not mix. So `merge` makes its kernel,
# from blocks full of 1/4 and a `point` with ones on the diagonal.

# %%
X4 = torch.arange(32.0).reshape(1, 2, 4, 4)
w4 = check_runs(merge, torch.full((2, 2, 2), 1 / 4), torch.eye(2))
print("with the kernel: ", nn.functional.conv2d(X4, w4, stride=2).flatten())
print("average pooling: ", nn.functional.avg_pool2d(X4, 2).flatten())

# %% task=4 test points=2
import torch
from torch.nn.functional import conv2d

generator = torch.Generator().manual_seed(401)
for channels, outputs, width in ((1, 1, 3), (3, 5, 3), (4, 2, 1), (3, 3, 3)):
    x = torch.randn(2, channels, 7, 8, generator=generator).double()
    depth = torch.randn(channels, width, width, generator=generator).double()
    point = torch.randn(outputs, channels, generator=generator).double()
    expected = conv2d(conv2d(x, depth[:, None], groups=channels),
                      point[:, :, None, None])
    w = merge(depth, point)
    assert w.shape == (outputs, channels, width, width)
    assert torch.allclose(conv2d(x, w), expected)

# %% task=4 wrong="sums over the channels" fails="test-4"
def merge(depth, point):
    w = torch.einsum("oc,cij->oij", point, depth)
    return w[:, None].repeat(1, len(depth), 1, 1)



# %% task=4 wrong="turns the kernels on their side" fails="test-4"
def merge(depth, point):
    return torch.einsum("oc,cji->ocij", point, depth)



# %% task=4 wrong="swaps outputs and channels" fails="test-4"
def merge(depth, point):
    return point.T[:, :, None, None] * depth[:, None]


# %% task=4 wrong="forgets the mixing" fails="test-4"
def merge(depth, point):
    return depth.repeat(len(point), 1, 1, 1)


# %% [markdown]
# ## Task 5 · Two faults (4 points)
#
# A recorder with two leads (two wires on the patient) writes a row of two
# numbers a hundred times a second. So `X_file` is (batch, length, leads). In
# half of the patients the last wave of the beat is upside down in lead 0, in
# the others in lead 1: that is to be told. Each lead has an unknown offset.
# The program below runs, nothing turns red, and the network guesses.

# %%
generator = torch.Generator().manual_seed(5)
times = torch.arange(80) / 100
y_file = torch.randint(2, (500,), generator=generator)
at = 0.2 + 0.3 * torch.rand(500, 1, generator=generator)
leads = []
for lead in (0, 1):
    last = torch.where(y_file == lead, -0.3, 0.3).reshape(-1, 1)
    noise = 0.05 * torch.randn(500, 80, generator=generator)
    offset = torch.randn(500, 1, generator=generator)
    leads.append(heartbeat(times - at, last) + noise + offset)
X_file = torch.stack(leads, dim=2)


def prepare_draft(X):
    """Return X as Conv1d wants it, (batch, leads, length).

    Each lead of each recording gets the mean 0 and the standard
    deviation 1 over time.
    """
    batch, length, leads = X.shape
    X = X.reshape(batch, leads, length)
    mean = X.mean(dim=1, keepdim=True)
    std = X.std(dim=1, keepdim=True, correction=0)
    return (X - mean) / std


def right_on_test(prepare):
    """Train on 300 patients; return the share of right answers on 200."""
    torch.manual_seed(0)
    X = prepare(X_file)
    model = nn.Sequential(nn.Conv1d(2, 8, 15), nn.ReLU(),
                          nn.AdaptiveMaxPool1d(1), nn.Flatten(),
                          nn.Linear(8, 2))
    train(model, X[:300], y_file[:300], nn.functional.cross_entropy,
          torch.optim.Adam(model.parameters(), lr=0.01), num_steps=200)
    y_hat = model(X[300:]).argmax(dim=1)
    return (y_hat == y_file[300:]).double().mean().item()


print(f"right on test: {right_on_test(prepare_draft):.2f}")

# %% [markdown]
# Both faults stand in `prepare_draft`; the rest is right. Suspect `reshape`
# first: send a tiny recording through it, as `torch.arange(8.0).reshape(1, 4,
# 2)`, where even numbers are lead 0 and odd ones lead 1. Write `prepare`: copy
# the draft and change what is needed, no more (2 points for the leads in their
# right order, 2 for the mean and the deviation).

# %% task=5 answer
def prepare(X):
    """Return X (batch, leads, length) with each lead standardised."""
    ### BEGIN SOLUTION
    X = X.transpose(1, 2)
    mean = X.mean(dim=2, keepdim=True)
    std = X.std(dim=2, keepdim=True, correction=0)
    return (X - mean) / std
    ### END SOLUTION


# %% task=5 check
x5 = torch.tensor([[[1.0, 300], [2, 100], [3, 200], [6, 200]]])
out5 = check_runs(prepare, x5)
check_shape("prepare(X)", out5, batch=1, leads=2, length=4)
check_close("the means over time", out5.mean(dim=2), [[0.0, 0]], atol=1e-9,
            hint="which axis is time now?")
check_close("the standard deviations over time",
            out5.std(dim=2, correction=0), [[1.0, 1]],
            hint="which axis is time now?")
check_close("lead 1, standardised", out5[0, 1],
            [2**0.5, -(2**0.5), 0, 0], atol=1e-9,
            hint="lead 1 is 300, 100, 200, 200: reshape keeps the order of "
                 "the numbers in memory, and so mixes the leads")

# %% [markdown]
# Here is the mended program. With the wrong axis alone it is right for 0.57 of
# the patients, with the wrong reshape alone for 0.92: that one fault, by itself,
# hardly anybody would have looked for.

# %%
check_runs(prepare, x5)
print(f"right on test: {right_on_test(prepare):.2f} (about 1.00 expected)")

# %% task=5 test points=2
import torch

# Other orders of time and of the leads must come through as they are.
generator = torch.Generator().manual_seed(501)
for batch, length, leads in ((1, 4, 2), (5, 12, 2), (3, 6, 3), (2, 5, 5)):
    X = torch.randn(batch, length, leads, generator=generator).double()
    out = prepare(X)
    assert out.shape == (batch, leads, length)
    time = torch.randperm(length, generator=generator)
    assert torch.allclose(prepare(X[:, time]), out[:, :, time]), "time"
    lead = torch.arange(leads).roll(1)
    assert torch.allclose(prepare(X[:, :, lead]), out[:, lead]), "leads"

# %% task=5 test points=2
import torch

generator = torch.Generator().manual_seed(502)
for batch, length, leads in ((1, 4, 2), (5, 12, 2), (3, 6, 3), (2, 5, 5)):
    X = 9 * torch.rand(batch, leads, 1, generator=generator).double()
    X = X + torch.randn(batch, length, leads, generator=generator).mean(
        dim=2)[:, None, :] * torch.arange(1, leads + 1)[:, None]
    out = prepare(X.transpose(1, 2))
    assert out.shape == (batch, leads, length)
    assert torch.allclose(out.mean(dim=2), torch.zeros(()).double())
    assert torch.allclose(out.square().mean(dim=2), torch.ones(()).double())

# %% task=5 wrong="mends only the order of the axes" fails="test-5-2"
def prepare(X):
    X = X.transpose(1, 2)
    std = X.std(dim=1, keepdim=True, correction=0)
    return (X - X.mean(dim=1, keepdim=True)) / std


# %% task=5 wrong="mends only the standardisation" fails="test-5"
def prepare(X):
    X = X.reshape(X.shape[0], X.shape[2], X.shape[1])
    std = X.std(dim=2, keepdim=True, correction=0)
    return (X - X.mean(dim=2, keepdim=True)) / std


# %% task=5 wrong="standardises over both axes together" fails="test-5-2"
def prepare(X):
    X = X.transpose(1, 2)
    std = X.std(dim=(1, 2), keepdim=True, correction=0)
    return (X - X.mean(dim=(1, 2), keepdim=True)) / std


# %% task=5 wrong="standardises over the patients" fails="test-5-2"
def prepare(X):
    X = X.transpose(1, 2)
    std = X.std(dim=0, keepdim=True, correction=0)
    return (X - X.mean(dim=0, keepdim=True)) / (std + 1e-9)


# %% [markdown]
# ## Task 6 · What does it look at? (5 points)
#
# A clinic gives you a trained network. It tells an illness that flattens the
# last, broad wave of the beat, and is right for 19 of 20 of the clinic's own
# test patients. Where does it look?
#
# **Code** (2 points). Write `occlusion`. For each start $n = 0, 1, 2, \dots$
# replace the stretch of `width` numbers that begins at $n$ by the mean of the
# recording, leaving the rest as it is, and note by how much the score falls:
# the score of the whole recording minus that of the covered one. 6 numbers have
# 5 stretches of 2.

# %% task=6 answer
def occlusion(score, x, width):
    """Return a tensor (starts,): how much the score falls for each stretch.

    x is (length,); score takes such a tensor and returns one number, a
    float or a tensor. The last stretch ends where the recording ends.
    """
    ### BEGIN SOLUTION
    falls = torch.zeros(len(x) - width + 1)
    for start in range(len(falls)):
        covered = x.clone()
        covered[start:start + width] = x.mean()
        falls[start] = score(x) - score(covered)
    return falls
    ### END SOLUTION


# %% task=6 check
x6 = torch.tensor([0.0, 3, 0, 0, 7, 2])  # its mean is 2
falls6 = check_runs(occlusion, lambda x: 10 * x[1].item(), x6, 2)
if not isinstance(falls6, torch.Tensor):
    raise CheckError("the falls: expected a tensor, came a "
                     f"{type(falls6).__name__}\n  Look at: torch.tensor(...) "
                     "makes a tensor of a list of numbers")
if falls6.ndim == 1 and len(falls6) != 5:
    raise CheckError(f"the falls: expected 5 numbers, came {len(falls6)}\n"
                     "  Look at: 6 numbers have 5 stretches of 2")
check_shape("the falls", falls6, starts=5)
check_close("the falls, for a score that is 10 times number 1", falls6,
            [10.0, 10, 0, 0, 0],
            hint="cover with the mean; clone x anew for each stretch")
check_close("the falls, for a score that is the sum",
            check_runs(occlusion, torch.sum, x6, 3), [-3.0, -3, 1, 3],
            hint="whole minus covered, with the mean of the whole recording")

# %% task=6 test points=1
import torch

generator = torch.Generator().manual_seed(601)
for length, width in ((5, 1), (9, 4), (6, 6)):
    x = torch.randn(length, generator=generator).double()
    a = torch.randn(length, generator=generator).double()
    # A linear score falls by a times what is taken away.
    taken = (a * (x - x.mean())).unfold(0, width, 1).sum(dim=1)
    falls = occlusion(lambda x, a=a: (a * x).sum(), x, width)
    assert falls.shape == taken.shape
    assert torch.allclose(falls, taken)

# %% task=6 test points=1
import torch

generator = torch.Generator().manual_seed(602)
for length, width in ((7, 2), (12, 5), (30, 10)):
    x = 3 + torch.randn(length, generator=generator).double()
    W = torch.randn(length, 4, generator=generator).double()

    def score(x, W=W):
        return torch.tanh(x @ W).sum() + (x[1:] * x[:-1]).amax()

    starts = torch.arange(length - width + 1)[:, None]
    places = torch.arange(length)
    inside = (places >= starts) & (places < starts + width)
    covered = torch.where(inside, x.mean(), x)
    expected = score(x) - torch.stack([score(row) for row in covered])
    before = x.clone()
    falls = occlusion(score, x, width)
    assert torch.allclose(falls, expected)
    assert torch.equal(x, before), "x was changed"

# %% task=6 wrong="uncovers nothing again: one copy for all" fails="test-6-2"
def occlusion(score, x, width):
    covered, falls = x.clone(), []
    for start in range(len(x) - width + 1):
        covered[start:start + width] = x.mean()
        falls.append(float(score(x) - score(covered)))
    return torch.tensor(falls)


# %% task=6 wrong="covers with zeros" fails="test-6"
def occlusion(score, x, width):
    falls = []
    for start in range(len(x) - width + 1):
        covered = x.clone()
        covered[start:start + width] = 0
        falls.append(float(score(x) - score(covered)))
    return torch.tensor(falls)


# %% task=6 wrong="forgets the last stretch" fails="test-6"
def occlusion(score, x, width):
    falls = []
    for start in range(len(x) - width):
        covered = x.clone()
        covered[start:start + width] = x.mean()
        falls.append(float(score(x) - score(covered)))
    return torch.tensor(falls)


# %% task=6 wrong="gives the rise, not the fall" fails="test-6-2"
def occlusion(score, x, width):
    falls = []
    for start in range(len(x) - width + 1):
        covered = x.clone()
        covered[start:start + width] = x.mean()
        falls.append(float(score(covered) - score(x)))
    return torch.tensor(falls)


# %% task=6 wrong="covers with the mean of the stretch" fails="test-6-2"
def occlusion(score, x, width):
    falls = []
    for start in range(len(x) - width + 1):
        covered = x.clone()
        covered[start:start + width] = x[start:start + width].mean()
        falls.append(float(score(x) - score(covered)))
    return torch.tensor(falls)


# %% [markdown]
# Now the clinic's network. It answers with a score, and above 0 means "ill". The
# first cell below makes the clinic's recordings and trains it. Do not read it
# yet: who knows how the data were made has no need of occlusion. The figure
# shows two patients and, below each, the fall of the score when 0.1 seconds
# around that time are covered; below 0 the score rises. The dotted line marks
# the sharp beat. Ill and well patients have it alike, and the broad last wave
# follows 0.2 seconds later.

# %%
def record(generator, batch, odds):
    """Return recordings (batch, length) and labels (batch, 1): 1 is ill."""
    y = torch.randint(2, (batch, 1), generator=generator).double()
    at = 0.35 + 0.2 * torch.rand(batch, 1, generator=generator)
    x = heartbeat(times - at, 0.3 - 0.25 * y)
    x = x + 0.1 * torch.randn(batch, 100, generator=generator)
    luck = torch.rand(batch, 1, generator=generator)
    step = (times > 0.04) & (times < 0.12)
    return x + 0.6 * step * (luck < torch.where(y == 1, odds, 1 - odds)), y


def make_network(X, y):
    """Return a network, trained on the recordings X of any length."""
    torch.manual_seed(10)
    model = nn.Sequential(nn.Unflatten(1, (1, -1)), nn.Conv1d(1, 6, 21),
                          nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(),
                          nn.Linear(6, 1))
    train(model, X, y, nn.functional.binary_cross_entropy_with_logits,
          torch.optim.Adam(model.parameters(), lr=0.02), num_steps=150)
    return model


def share_right(model, X, y):
    return ((model(X) > 0) == (y == 1)).double().mean().item()


times = torch.arange(100) / 100
generator = torch.Generator().manual_seed(10)
X6, y6 = record(generator, 400, odds=0.97)  # to train
X7, y7 = record(generator, 400, odds=0.97)  # to test
clinic = make_network(X6, y6)
print("right for the clinic's own test patients: "
      f"{share_right(clinic, X7, y7):.2f}")

# %%
def clinic_score(x):
    with torch.no_grad():
        return clinic(x.reshape(1, -1)).item()


figure, axes = plt.subplots(4, 1, sharex=True, figsize=(5.6, 5))
for pair, label in ((axes[:2], 1), (axes[2:], 0)):
    x = X7[(y7[:, 0] == label).nonzero()[2, 0]]
    falls = check_runs(occlusion, clinic_score, x, 10)
    pair[0].plot(times, x, color=GREY)
    pair[0].set_title(f"{'ill' if label else 'well'}, "
                      f"score {clinic_score(x):+.1f}")
    pair[1].plot(times[5:5 + len(falls)], falls)
    pair[1].set_ylabel("fall")
    for axis in pair:
        axis.axvline(times[x.argmax()], color=GREY, linestyle=":")
label = plt.xlabel("seconds")

# %% [markdown]
# **Advice** (3 points). A second clinic wants to use the network. Answer in
# about 120 words:
#
# - **A.** What makes the ill patient's score high? In the well patient, what
#   does it do to the score to cover the last wave, and what would it do if the
#   network looked where the illness shows? Name the times. (1 point)
# - **B.** Why does 19 of 20 not reassure you? What would you measure before
#   anyone uses the network, and what would you change? (2 points)
#
# If you like, try your change: `make_network(X, y)` trains such a network on
# recordings of any length, `share_right(model, X, y)` tests it, and `X7`, `y7`
# are the test patients.

# %% [markdown] task=6 written points=3
# **A.** The ill patient's score falls by 10, more than all it has, when the time
# from 0.04 to 0.12 s is covered. There stands a rectangle, a mark from the
# recorder, which the well patient lacks. Covering the well patient's last wave,
# at 0.75 s, raises the score by 1 to 2 only, and it stays below 0. A network
# that looked where the illness shows would no longer take the patient for well:
# the score would rise to 0 or more.
#
# **B.** The test patients come from the same clinic and the same recorders, so
# the mark goes with the illness among them as it did in training: the test
# rewards the shortcut. I measure on patients of another clinic, and on
# recordings with the mark cut out or pasted in. (With the mark at random 0.5 are
# right, with the mark on the well ones 0.1.) Then I cut the start off all
# recordings, or collect well and ill patients on the same recorder, train anew
# and measure again. (Without the first 0.15 s: 0.94, wherever the mark is.)
# Until then: do not use it.
#
# ### BEGIN MARK SCHEME
#
# **A** (1 point). The mark at about 0.04–0.12 s *and* that the well patient's
# last wave hardly matters, though covering it should raise the score. Half a
# point for one of the two. "The sharp beat" as the reason for the illness does
# not count: everybody has it.
#
# **B** (2 points). One for the reason: the test set shares the shortcut with
# the training set. No point for "one in 20 is still wrong" or "too few
# patients". Half a point for a measurement that could show the fault (another
# clinic, or the mark removed or added), half a point for a change of the data
# (cut the mark, balance the recorders), none for "more data" or "a larger
# network" alone.
#
# ### END MARK SCHEME

# %% [markdown]
# ## Before you hand it in
#
# Restart the kernel, run all cells, and see that no check complains. If you
# leave a task out, keep its `NotImplementedError`: running all cells stops
# there, so go on by hand from the next task. The others count all the same.
