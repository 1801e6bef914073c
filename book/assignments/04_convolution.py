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
# There are six tasks and 20 points. Plan an hour and a quarter, or 100 minutes
# if tensors with three axes still slow you down. Everything runs in seconds.
# The tasks stand alone: when one stops you, go on to the next.
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
# that output $n$ sees. Begin with one layer, without padding: output $n$ of
# stride $s$ starts at input $ns$, and where does it end? Then move all by the
# padding. All numbers count from 0; a negative one lies in the padding.
#
# **Numbers** (1 point). How many layers of width 3 and stride 1 does it take
# until one output sees 250 inputs or more, one second of a good recorder? Give
# `plain_layers`, all with dilation 1, and `doubling_layers`, with dilations 1,
# 2, 4, 8, … Guess before you compute.

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


# Give a value to each of these names:
# plain_layers, doubling_layers
### BEGIN SOLUTION
plain_layers = 125  # 1 + 2 * 125 = 251
doubling_layers = 7  # 1 + 2 * (1 + 2 + 4 + ... + 64) = 255
### END SOLUTION

# %% task=1 check
def check_seen(about, n, layers, expected, hint):
    came = check_runs(seen, n, layers)
    check_close(f"what output {n} sees, {about}", came, expected, hint=hint)


check_seen("no layer", 5, [], [5, 5], "without layers, output 5 is input 5")
check_seen("width 3", 5, [(3, 1, 0, 1)], [5, 7], "inputs 5, 6 and 7")
check_seen("dilation 4", 5, [(3, 1, 0, 4)], [5, 13], "inputs 5, 9 and 13")
check_seen("stride 2", 5, [(3, 2, 0, 1)], [10, 12], "inputs 10, 11 and 12")
check_seen("padding 1", 5, [(3, 1, 1, 1)], [4, 6],
           "the window starts one place earlier")
check_seen("stride 2, padding 1", 0, [(3, 2, 1, 1)], [-1, 1],
           "padding is counted in places of the layer's own input")
check_seen("two layers", 5, [(3, 2, 0, 1), (2, 1, 0, 1)], [10, 14],
           "go backwards: the last layer sees 5 and 6 of the first one's "
           "outputs")
check_seen("three layers", 5, [(5, 3, 0, 1), (3, 2, 1, 2), (2, 1, 0, 1)],
           [27, 49], "go backwards, and take `last` through every layer, too")
check_defined(globals(), "plain_layers", "doubling_layers")
check_shape("plain_layers", plain_layers)
check_shape("doubling_layers", doubling_layers)

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


def count_layers(dilation_of):
    parts, span = [], 0
    while span < 250:
        part = torch.nn.Conv1d(1, 1, 3, bias=False,
                               dilation=dilation_of(len(parts)))
        torch.nn.init.constant_(part.weight, 0.4)
        parts.append(part.double())
        x = torch.ones(1, 1, 700).double().requires_grad_()
        out = torch.nn.Sequential(*parts)(x)
        out[0, 0, out.shape[2] // 2].backward()
        places = x.grad[0, 0].nonzero()
        span = (places.max() - places.min() + 1).item()
    return len(parts)


assert plain_layers == count_layers(lambda layer: 1), "plain_layers"
assert doubling_layers == count_layers(lambda layer: 2**layer), "doubling"

# %% task=1 wrong="goes forwards through the layers" fails="test-1"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in layers:
        first = first * stride - padding
        last = last * stride - padding + dilation * (width - 1)
    return first, last


plain_layers, doubling_layers = 125, 7

# %% task=1 wrong="forgets the padding" fails="test-1"
def seen(n, layers):
    first = last = n
    for width, stride, _, dilation in reversed(layers):
        first = first * stride
        last = last * stride + dilation * (width - 1)
    return first, last


plain_layers, doubling_layers = 125, 7

# %% task=1 wrong="ends one input too late" fails="test-1"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * width
    return first, last


plain_layers, doubling_layers = 125, 7

# %% task=1 wrong="starts the last window at the first one" fails="test-1"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = first + dilation * (width - 1)
    return first, last


plain_layers, doubling_layers = 125, 7

# %% task=1 wrong="thinks that each layer sees three new inputs" fails="test-1-2"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * (width - 1)
    return first, last


plain_layers, doubling_layers = 84, 7

# %% task=1 wrong="takes the last dilation for the whole field" fails="test-1-2"
def seen(n, layers):
    first = last = n
    for width, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * (width - 1)
    return first, last


plain_layers, doubling_layers = 125, 8

# %% [markdown]
# ## Task 2 · A kernel pulled apart (3 points)
#
# A convolution with dilation $d$, along time, from several channels to several
# outputs, is
#
# $$Z_{on} = \sum_{a} \sum_{c} W_{oca}\, x_{c,\, n + d a}.$$
#
# Write it without padding, without torch's convolutions and without cutting
# out windows. Loop over the few numbers $a$ of the kernel, not over the many
# places $n$: for each $a$, the sum over the channels is one matrix product, of
# `W[:, :, a]` and a slice of `x`.

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
Z2 = dilated_conv(x2, W2, 2)
check_shape("Z, with dilation 2", Z2, outputs=1, places=2)
check_close("Z, with dilation 2", Z2, [[1641.0, 3282]],
            hint="Z[0, 0] = 1 * x[0, 0] + 10 * x[0, 2] + 100 * x[0, 4]")
x2 = torch.tensor([[1.0, 2, 3], [10, 20, 30]])
W2 = torch.tensor([[[1.0, 0], [0, 1]], [[0, 0], [1, 0]]])
check_close("Z, with two channels and two outputs",
            dilated_conv(x2, W2, 1), [[21.0, 32], [10, 20]],
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
# **Predict** for each of these six layers (2 points), before you run anything.
# They act on (batch, channels, length).
#
# | name | layer |
# |---|---|
# | `dilated` | a convolution of width 3 and dilation 2, wrapped |
# | `overlap` | at each place the largest of it and both neighbours, wrapped |
# | `pool` | the largest of each pair, stride 2 |
# | `mean` | `dilated`, then ReLU, then the mean over all places |
# | `clock` | adds to each number its place: 0, 1, 2, … |
# | `standard` | mean 0 and deviation 1 for each channel of each recording |
#
# **Code** (1 point). Write `judge`, which measures it. Then run the cell below
# the check, and correct a prediction only when you know why it was wrong.

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
# dilated, overlap, pool, mean, clock, standard
### BEGIN SOLUTION
dilated = "equivariant"
overlap = "equivariant"  # pooling without a stride
pool = "neither"  # a shift by 2 would shift its answer by 1
mean = "invariant"
clock = "neither"  # the places do not move along
standard = "equivariant"
### END SOLUTION

# %% task=3 check
x3 = torch.tensor([[[1.0, 5, 2, 7], [3, 3, 8, 0]]])
WORDS = ["invariant", "equivariant", "neither"]
for about, layer3, expected3 in (
        ("x + 1", lambda x: x + 1, "equivariant"),
        ("the largest number", lambda x: x.amax(dim=-1), "invariant"),
        ("back to front", lambda x: x.flip(-1), "neither"),
        ("the mean, as one place", lambda x: x.mean(-1, keepdim=True),
         "invariant")):
    came3 = check_runs(judge, layer3, x3)
    check_choice("what judge returns", came3, WORDS)
    if came3 != expected3:
        raise CheckError(f"the layer '{about}': expected {expected3}, came "
                         f"{came3}\n  Look at: the order of your questions, "
                         "the axis (dims=-1) and the direction of each shift")
NAMES = ("dilated", "overlap", "pool", "mean", "clock", "standard")
check_defined(globals(), *NAMES)
for name in NAMES:
    check_choice(name, globals()[name], WORDS)

# %%
def standardise(x):
    return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)


torch.manual_seed(3)
x = torch.randn(5, 2, 12)
ring = nn.Conv1d(2, 3, 3, padding=2, dilation=2, padding_mode="circular")
for name, layer in (
        ("dilated", ring),
        ("overlap", lambda x: torch.maximum(
            x, torch.maximum(x.roll(1, dims=-1), x.roll(-1, dims=-1)))),
        ("pool", nn.MaxPool1d(2)),
        ("mean", lambda x: torch.relu(ring(x)).mean(dim=-1)),
        ("clock", lambda x: x + torch.arange(12)),
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
ramp = torch.arange(10).double()


def around(x, n):
    return torch.cat([x[..., -n:], x, x[..., :n]], dim=-1)


def gaps(x):
    return conv1d(around(x, 2), w, dilation=2)


def scaled(x):
    mean = x.mean(dim=-1, keepdim=True)
    return (x - mean) / x.std(dim=-1, correction=0, keepdim=True)


for name, layer in (("dilated", gaps),
                    ("overlap", lambda x: max_pool1d(around(x, 1), 3, 1)),
                    ("pool", lambda x: max_pool1d(x, 2)),
                    ("mean", lambda x: gaps(x).clamp(min=0).mean(-1)),
                    ("clock", lambda x: x + ramp),
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


dilated = overlap = standard = "equivariant"
pool = clock = "neither"
mean = "invariant"


# %% task=3 wrong="shifts without dims: across recordings" fails="test-3"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1))
    if torch.allclose(after, before):
        return "invariant"
    if torch.allclose(after, torch.roll(before, 1)):
        return "equivariant"
    return "neither"


dilated = overlap = standard = "equivariant"
pool = clock = "neither"
mean = "invariant"


# %% task=3 wrong="shifts the answer the other way" fails="test-3"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1, dims=-1))
    if torch.allclose(after, before):
        return "invariant"
    if torch.allclose(after, torch.roll(before, -1, dims=-1)):
        return "equivariant"
    return "neither"


dilated = overlap = standard = "equivariant"
pool = clock = "neither"
mean = "invariant"


# %% task=3 wrong="thinks that only convolutions are equivariant" fails="test-3-2"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1, dims=-1))
    if torch.allclose(after, before):
        return "invariant"
    if torch.allclose(after, torch.roll(before, 1, dims=-1)):
        return "equivariant"
    return "neither"


dilated = "equivariant"
overlap = pool = clock = standard = "neither"
mean = "invariant"


# %% task=3 wrong="thinks that pooling is invariant" fails="test-3-2"
def judge(layer, x):
    before, after = layer(x), layer(torch.roll(x, 1, dims=-1))
    if torch.allclose(after, before):
        return "invariant"
    if torch.allclose(after, torch.roll(before, 1, dims=-1)):
        return "equivariant"
    return "neither"


dilated = standard = "equivariant"
clock = "neither"
overlap = pool = mean = "invariant"

# %% [markdown]
# ## Task 4 · Convolutions in disguise (3 points)
#
# Back to pictures. Two layers are ordinary convolutions in disguise. Find
# their kernels $w$ (outputs, channels, width, width), without bias.
#
# **Depthwise, then 1×1.** In the first step each channel `x[c]` meets a kernel
# of its own, `depth[c]`, and channels do not mix. In the second step they are
# mixed: output $o$ is the sum of all channels, with the weights `point[o, c]`.
# Write `merge`, which gives the kernel that does both at once (2 points). By
# which number is `x[c]` multiplied at row $i$, column $j$ of the kernel, on
# its way to output $o$? A loop over $o$ and $c$ is fine.
#
# **Average pooling** replaces each block of width times width numbers by its
# mean, in each channel for itself. Write `pooling`, which gives the kernel
# that does it with the stride `width` (1 point). What must channel 1 give to
# output 0?

# %% task=4 answer
def merge(depth, point):
    """Return w (outputs, channels, width, width).

    depth is (channels, width, width), point is (outputs, channels).
    """
    ### BEGIN SOLUTION
    return point[:, :, None, None] * depth
    ### END SOLUTION


def pooling(channels, width):
    """Return w (channels, channels, width, width)."""
    ### BEGIN SOLUTION
    mean = torch.full((channels, width, width), 1 / width**2)
    return merge(mean, torch.eye(channels))
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

# %% task=4 check
w4 = check_runs(pooling, 2, 2)
check_shape("w of the pooling", w4, outputs=2, channels=2, rows=2, columns=2)
x4 = torch.tensor([[[[4.0, 4, 8, 8], [0, 0, 8, 8]],
                    [[4, 4, 4, 0], [4, 4, 0, 0]]]])
check_close("two channels, pooled", nn.functional.conv2d(x4, w4, stride=2),
            [[[[2.0, 8]], [[4, 1]]]],
            hint="w[o, c] is zero where o and c differ")

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

# %% task=4 test points=1
import torch
from torch.nn.functional import avg_pool2d, conv2d

generator = torch.Generator().manual_seed(402)
for channels, width in ((1, 2), (3, 2), (2, 3), (5, 4), (4, 1)):
    x = torch.randn(2, channels, 13, 12, generator=generator).double()
    w = pooling(channels, width)
    assert w.shape == (channels, channels, width, width)
    assert torch.allclose(conv2d(x, w, stride=width), avg_pool2d(x, width))

# %% task=4 wrong="sums over the channels" fails="test-4"
def merge(depth, point):
    w = torch.einsum("oc,cij->oij", point, depth)
    return w[:, None].repeat(1, len(depth), 1, 1)


def pooling(channels, width):
    eye = torch.eye(channels)[:, :, None, None]
    return eye.repeat(1, 1, width, width) / width**2


# %% task=4 wrong="turns the kernels on their side" fails="test-4"
def merge(depth, point):
    return torch.einsum("oc,cji->ocij", point, depth)


def pooling(channels, width):
    eye = torch.eye(channels)[:, :, None, None]
    return eye.repeat(1, 1, width, width) / width**2


# %% task=4 wrong="pools all channels together" fails="test-4-2"
def merge(depth, point):
    return point[:, :, None, None] * depth


def pooling(channels, width):
    return torch.ones(channels, channels, width, width) / width**2


# %% task=4 wrong="divides by the width, not by its square" fails="test-4-2"
def merge(depth, point):
    return point[:, :, None, None] * depth


def pooling(channels, width):
    eye = torch.eye(channels)[:, :, None, None]
    return eye.repeat(1, 1, width, width) / width


# %% task=4 wrong="takes the sum for the mean" fails="test-4-2"
def merge(depth, point):
    return point[:, :, None, None] * depth


def pooling(channels, width):
    return torch.eye(channels)[:, :, None, None].repeat(1, 1, width, width)


# %% [markdown]
# ## Task 5 · Two faults (3 points)
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
# Both faults stand in `prepare_draft`; the rest is right. Write `prepare`:
# copy the draft and change what is needed, no more. To hunt them, send a tiny
# recording through the draft line by line, as
# `torch.arange(8.0).reshape(1, 4, 2)`: even numbers are lead 0, odd ones
# lead 1.

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
x5 = torch.tensor([[[1.0, 100], [2, 100], [3, 100], [6, 500]]])
out5 = check_runs(prepare, x5)
check_shape("prepare(X)", out5, batch=1, leads=2, length=4)
check_close("the means over time", out5.mean(dim=2), [[0.0, 0]], atol=1e-9,
            hint="which axis is time now?")
check_close("the standard deviations over time",
            out5.std(dim=2, correction=0), [[1.0, 1]],
            hint="which axis is time now?")
check_close("the places of lead 0, from its smallest number to its largest",
            out5[0, 0].argsort(), [0, 1, 2, 3],
            hint="lead 0 is 1, 2, 3, 6: reshape keeps the order of the numbers "
                 "in memory, and so mixes the leads")

# %% [markdown]
# Here is the mended program. If you like, put one of the faults back in and
# run it again, then the other. One of them costs so little that, alone, nobody
# would have looked for it.

# %%
check_runs(prepare, x5)
print(f"right on test: {right_on_test(prepare):.2f}")

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

# %% task=5 test points=1
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
# the score of the whole recording minus that of the covered one.

# %% task=6 answer
def occlusion(score, x, width):
    """Return how much the score falls, (starts,), for each covered stretch.

    x is (length,); score takes such a tensor and returns one number. The
    last stretch ends where the recording ends.
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
falls6 = check_runs(occlusion, lambda x: 10 * x[1], x6, 2)
check_shape("the falls", falls6, starts=5)
check_close("the falls, for a score that is 10 times number 1", falls6,
            [10.0, 10, 0, 0, 0],
            hint="cover with the mean; clone x anew for each stretch")
check_close("the falls, for a score that is the sum",
            occlusion(torch.sum, x6, 3), [-3.0, -3, 1, 3],
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
# Now the clinic's network. The first cell below makes the clinic's recordings
# and trains it; you need not read it. The network answers with a score, and
# above 0 means "ill". The figure shows two patients and, below each, the fall
# of the score when 0.1 seconds around that time are covered.

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


times = torch.arange(100) / 100
generator = torch.Generator().manual_seed(6)
X6, y6 = record(generator, 400, odds=0.97)
torch.manual_seed(6)
clinic = nn.Sequential(nn.Unflatten(1, (1, -1)), nn.Conv1d(1, 6, 11),
                       nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(),
                       nn.Linear(6, 1))
train(clinic, X6, y6, nn.functional.binary_cross_entropy_with_logits,
      torch.optim.Adam(clinic.parameters(), lr=0.02), num_steps=150)
X6, y6 = record(generator, 400, odds=0.97)
right = ((clinic(X6) > 0) == (y6 == 1)).double().mean().item()
print(f"right for the clinic's own test patients: {right:.2f}")

# %%
def clinic_score(x):
    with torch.no_grad():
        return clinic(x.reshape(1, -1)).item()


figure, axes = plt.subplots(4, 1, sharex=True, figsize=(5.6, 5))
for pair, label in ((axes[:2], 1), (axes[2:], 0)):
    patient = (y6[:, 0] == label).nonzero()[1, 0]
    falls = check_runs(occlusion, clinic_score, X6[patient], 10)
    score = clinic_score(X6[patient])
    pair[0].plot(times, X6[patient], color=GREY)
    pair[0].set_title(f"{'ill' if label else 'well'}, score {score:+.1f}")
    pair[1].plot(times[5:5 + len(falls)], falls)
    pair[1].set_ylabel("fall")
label = plt.xlabel("seconds")

# %% [markdown]
# **Advice** (3 points). A second clinic wants to use the network. Answer in
# about 100 words:
#
# - **A.** Where does the score of the ill patient come from, and where should
#   it come from? Name the times.
# - **B.** The network is right for 19 of 20 test patients. Why does that not
#   reassure you?
# - **C.** What would you measure before anyone uses it, and what would you
#   change?

# %% [markdown] task=6 written points=3
# **A.** The score falls, by more than all it has, when the first tenth of a
# second is covered. There stands a small rectangle, a mark from the recorder,
# which the well patient lacks. The illness shows in the last wave, about
# 0.2 s after the sharp one; covering that changes next to nothing.
#
# **B.** The test patients come from the same clinic and the same recorders, so
# the mark goes with the illness among them as it did in training. The test
# rewards the shortcut. Where the mark is missing, or everybody has it, the
# network may be no better than guessing.
#
# **C.** I measure on patients of another clinic, and on the same recordings
# with the mark cut out or pasted in: the answers must stay. Then I cut the
# start off all recordings, or collect well and ill patients on the same
# recorder, train anew, test at the other clinic, and look at occlusion again.
# Until then: do not use it.
#
# ### BEGIN MARK SCHEME
#
# One point each.
#
# **A.** The mark at about 0.04–0.12 s *and* that the last wave hardly matters.
# Half a point for one of the two.
#
# **B.** The test set shares the shortcut with the training set. No point for
# "one in 20 is still wrong" or "too few patients".
#
# **C.** A measurement that could show the fault (another clinic, or the mark
# removed or added) *and* a change of the data (cut the mark, balance the
# recorders). Half a point for one of the two, none for "more data" or "a
# larger network" alone.
#
# ### END MARK SCHEME

# %% [markdown]
# ## Before you hand it in
#
# Restart the kernel, run all cells, and see that no check complains. If you
# leave a task out, keep its `NotImplementedError`: running all cells stops
# there, so go on by hand from the next task. The others count all the same.
