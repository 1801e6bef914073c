# %% [markdown]
# # Reading architectures
#
# A paper on a new network shows one picture: boxes, arrows and a row of
# numbers. You learn to read that picture as an accountant reads a balance
# sheet. You build a counter, and it finds a misprint and a riddle in the most
# famous picture of the field. Then you write the blocks of five later networks
# in a few lines each, check their totals against what was published, and see
# what lets some of them be deep.
#
# After this lesson you can
#
# - **count** the values, parameters and multiply-adds of any layer by hand and
#   by code;
# - **check** published numbers, and tell a misprint from a riddle;
# - **explain** why 1×1, grouped and depthwise convolutions save work, and what
#   they lose;
# - **write** the blocks of VGG, Inception, ResNet, DenseNet and ShuffleNet;
# - **measure** that very deep plain networks train badly, residual ones well.
#
# It takes a minute on a laptop and downloads nothing. You need
# [convolution](lesson:04_convolution), and batch normalisation and He's
# weights from [an earlier lesson](lesson:03b_generalisation_and_tricks).
# Symbols are in the [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## Nine numbers under a picture
#
# AlexNet ([Krizhevsky, Sutskever & Hinton 2012](cite:krizhevsky2012)) won the
# ImageNet challenge of 2012 and made deep learning famous. The caption of its
# picture gives the sizes of the input and of the eight layers. The first layer
# has 96 filters of 11×11, which move in strides of 4 over a colour image of
# 224×224. Check the first two numbers.

# %%
caption = [150_528, 253_440, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
print(f"input: 3 x 224 x 224 = {3 * 224 * 224:,}")
places = caption[1] // 96
print(f"first layer: {places:,} places a filter; root {places**0.5:.1f}")
print(f"55 x 48 = {55 * 48:,}; 55 x 55 x 96 = {55 * 55 * 96:,}")
print(f"sum of the eight: {sum(caption[1:]):,}; with 290,400 first: "
      f"{290_400 + sum(caption[2:]):,}")
for size in (224, 227):
    steps, rest = divmod(size - 11, 4)
    print(f"places a side from {size} pixels: {steps + 1} and {rest}/4")

# %% [markdown]
# The input is right. The next number is a **misprint**: 2,640 is no square, so
# no square map has that many places. But it is $55\cdot48$. It looks as if
# someone wrote 48, the number of filters on *one* of the two graphics cards
# used, where a second 55 belonged. With $55\cdot55\cdot96 = 290{,}400$ the
# eight layers sum to 659,272; the abstract says
# [650,000](cite:krizhevsky2012).
#
# The 224 is a **riddle**: it gives 54 places and a quarter, and equal padding
# on both sides only adds halves. Three pixels of padding do, one on one side
# and two on the other; so do 227 pixels, which we take. The authors' software
# just [rounds up](cite:krizhevsky2014): the last filter of a row hangs over
# the edge.
#
# ### A counter in the open
#
# A convolution holds, for each of $C_\text{out}$ filters, $k\cdot k$ weights
# for each channel that the filter sees. In $g$ **groups** it sees only
# $C_\text{in}/g$ of them. At each of $P$ places of its output map it uses each
# weight once:
#
# $$\text{weights} = k^2\,\frac{C_\text{in}}{g}\,C_\text{out},
# \qquad \text{multiply-adds} = P\cdot\text{weights}.$$
#
# A dense layer is the case $P = 1$. Biases, normalisation and activations cost
# little; the papers, and we, leave their work out but count their parameters.
# On the device `meta` a tensor has a shape and no numbers. A **forward hook**
# is a function that a layer calls with its output whenever it has run.
#
# Below the counter stands AlexNet as the paper describes it. Three
# convolutions are in two groups: each graphics card saw only its own half of
# the channels.

# %%
import torch
from torch import nn

from deepcourse import repro
from deepcourse.claims import claim

device = repro.device()

def measure(build, size=224, channels=3):
    """Return parameters, multiply-adds, and a row for each layer."""
    rows, kinds = [], (nn.Conv2d, nn.Linear)
    def note(layer, _, output):
        places = output[0, 0].numel()  # ()
        params = sum(p.numel() for p in layer.parameters())
        rows.append((output.shape[1:], params, places * layer.weight.numel()))
    with torch.device("meta"):
        model, image = build(), torch.empty(1, channels, size, size)
    for layer in model.modules():
        if isinstance(layer, kinds):
            layer.register_forward_hook(note)
    model(image)
    params = sum(p.numel() for p in model.parameters())
    return params, sum(row[2] for row in rows), rows


# %%
def alexnet(groups=2):
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=groups), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1, groups=groups), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, groups=groups), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))


# %% [markdown]
# **Predict:** which layer has the most parameters, which the most work?
#
# <details><summary><b>Answer</b></summary>
#
# The first dense layer holds more than half of all parameters; each of its
# weights is used once. The second convolution does the most work: its
# weights are few, but each is used at every place. Dense layers cost memory,
# convolutions cost time.
#
# </details>
#
# And do not trust a counter before you have checked it: by hand for one layer,
# for the whole against the one that comes with PyTorch.

# %%
params, work, rows = measure(alexnet, size=227)
print("output         values   caption   parameters  multiply-adds")
for row, old in zip(rows, caption[1:], strict=True):
    shape, layer_params, layer_work = row
    values = shape.numel()
    print(f"{'x'.join(map(str, shape)):10}{values:11,}{old:10,}"
          f"{layer_params:13,}{layer_work:15,}")
print(f"all: {params:,} parameters, {work:,} multiply-adds")

# %%
from torch.utils.flop_counter import FlopCounterMode

weights = 96 * (11 * 11 * 3)
print(f"by hand: {weights:,} + 96 = {weights + 96:,} parameters,"
      f" {weights:,} x 55 x 55 = {weights * 55 * 55:,} multiply-adds")
assert rows[0][1:] == (weights + 96, weights * 55 * 55)
with torch.device("meta"), FlopCounterMode(display=False) as library:
    alexnet()(torch.empty(1, 3, 227, 227))
print(f"library: {library.get_total_flops():,} = 2 x {work:,}")

# %% [markdown]
# Seven of eight numbers agree. The paper's total is
# [60 million](cite:krizhevsky2012).
#
# > **Note.** The library counts a multiplication and an addition as two
# > operations, most papers as one, and both write "FLOPs".
# > [Winther 2018](cite:winther2018) gives AlexNet 1.4 Gflop and ResNet-152
# > 22.6; [He and others 2016](cite:he2016) give the latter 11.3 billion. It
# > is the same count. Ask which before you compare.
#
# ## Three ways to save
#
# The formula shows where to save. Let a layer map 240 channels to
# 240 on a map of 28×28, so $P = 784$.
#
# - **3×3**, in full: $9\cdot240^2$ weights.
# - **In $g$ groups**: each filter sees a $g$-th of the channels. Divide by
#   $g$.
# - **Bottleneck**: 1×1 filters, which mix channels at one place, narrow the
#   stack to a quarter, $m = 60$; the 3×3 works there; another 1×1 widens
#   again. $240\,m + 9m^2 + 240\,m$. Lost: what does not fit into 60 channels.
# - **Depthwise separable**: as many groups as channels, so that each is
#   filtered alone (*depthwise*), $9\cdot240$; then a 1×1 mixes them, $240^2$.
#   Lost: all outputs share one filter a channel.
# - **ShuffleNet's unit** has all three: bottleneck, depthwise inside,
#   the 1×1s in groups: $2\cdot240\,m/g + 9m$.

# %%
import matplotlib.pyplot as plt

from deepcourse.plot import BLUE, GREEN, GREY, ORANGE, PURPLE

def plans(c, groups):
    m = c // 4
    return {"3×3": [(c, c, 3, 1)], "3×3 in groups": [(c, c, 3, groups)],
            "bottleneck": [(c, m, 1, 1), (m, m, 3, 1), (m, c, 1, 1)],
            "separable": [(c, c, 3, c), (c, c, 1, 1)], "ShuffleNet's": [
                (c, m, 1, groups), (m, m, 3, m), (m, c, 1, groups)]}

def cost(plan, size=28):
    layers = [nn.Conv2d(inputs, outputs, k, padding=k // 2, groups=groups,
                        bias=False) for inputs, outputs, k, groups in plan]
    return measure(lambda: nn.Sequential(*layers), size, plan[0][0])[:2]

c, m, g = 240, 60, 3
by_hand = [9 * c**2, 9 * c**2 // g, 2 * c * m + 9 * m**2, 9 * c + c**2,
           2 * c * m // g + 9 * m]
for (name, plan), hand in zip(plans(c, g).items(), by_hand, strict=True):
    assert cost(plan) == (hand, hand * 784)
    print(f"{name:15}{hand:9,} weights{hand * 784:13,} multiply-adds")

# %% figure="exact" alt="Five dots on a logarithmic axis, multiply-adds of a layer with 240 channels in 3 groups. The full 3×3 convolution lies farthest right with 406 million, 3 groups need a third, bottleneck and depthwise separable layers about 48 million each, ShuffleNet's unit only 8 million."
def plot_costs(channels=240, groups=3, size=28):
    _, ax = plt.subplots(figsize=(5.6, 2.6))
    for name, plan in plans(channels, groups).items():
        work = cost(plan, size)[1] / 1e6
        ax.plot(work, name, "o", color=BLUE, markersize=10)
        ax.text(work * 1.5, name, f"{work:,.3g}", va="center")
    ax.set(xscale="log", xlabel="million multiply-adds",
           xlim=(0.01, 4e5), ylim=(4.6, -0.6))

plot_costs()

# %% [markdown]
# Play (the axis has room for all that you can set): from how many groups on is
# the grouped 3×3 cheaper than the bottleneck? Which dots do not care about
# groups? What happens when the channels double?
#
# <details><summary><b>Answer</b></summary>
#
# From nine on: in the list, 10. The full 3×3, the bottleneck and the separable
# layer do not care. All grow about fourfold, with the square of the channels;
# only a depthwise 3×3 by itself just doubles.
#
# </details>

# %% explore=true
from deepcourse.widgets import explore

explore(plot_costs, channels=(120, 960, 120),
        groups=[1, 2, 3, 5, 6, 10, 15, 30], size=(7, 56, 7))

# %% [markdown]
# ## It breaks: groups are walls
#
# Stack two grouped 1×1 convolutions, nine channels in
# three groups. Set all weights to one; then the derivative of an output by an
# input counts the ways from one to the other. The remedy is a **channel
# shuffle**: read the channels as a table of groups, transpose it. By hand
# it is three words long, and PyTorch has it.

# %% figure="exact" alt="Two tables of nine outputs against nine inputs. Without shuffle three dark blocks of three by three stand on the diagonal and all else is empty: outputs see only inputs of their own group. With shuffle all 81 fields are filled evenly, and lighter."
from matplotlib.colors import ListedColormap

def shuffle(x, groups):
    table = x.unflatten(1, (groups, -1))  # (batch, _, _, rows, columns)
    return table.transpose(1, 2).flatten(1, 2)  # (batch, channels, _, _)

def ways(between):
    grouped = nn.Conv2d(9, 9, 1, groups=3, bias=False).to(device)
    nn.init.ones_(grouped.weight)
    def send(x):
        return grouped(between(grouped(x.view(1, 9, 1, 1)))).flatten()
    still = torch.zeros(9).to(device)  # (channels,)
    return torch.autograd.functional.jacobian(send, still).cpu()

x = torch.randn(2, 12, 4, 4).to(device)  # (batch, channels, rows, columns)
assert torch.equal(shuffle(x, 3), nn.ChannelShuffle(3)(x))
tables = {"no shuffle": ways(nn.Identity()),
          "shuffle": ways(lambda x: shuffle(x, 3))}
_, axes = plt.subplots(1, 2, figsize=(5.2, 2.7), sharey=True)
axes[0].set(ylabel="output channel", yticks=[1, 5, 9])
for ax, (name, table) in zip(axes, tables.items(), strict=True):
    ax.imshow(table, cmap=ListedColormap([BLUE]), alpha=(table / 3).numpy(),
              extent=(0.5, 9.5, 9.5, 0.5))
    ax.set(title=name, xlabel="input channel", xticks=[1, 5, 9])
    print(f"{name}: each output sees {(table[0] > 0).sum()} of 9 inputs")

# %% [markdown]
# Without the shuffle you have three networks side by side that never speak to
# each other. On ImageNet that costs, with three groups, an error of 34.5 % in
# place of 32.6 %, with eight 37.6 % in place of 32.4 %
# ([Zhang and others 2018](cite:zhang2018)).
#
# ## Five blocks, two joints
#
# Here are the blocks that you will write. All but VGG's send the same input
# through several branches and join the answers: they **stack** the channels or
# **add** them up. A bare line is a **shortcut**: it passes the input on. Read
# downwards.

# %% figure="exact" alt="Block diagrams, read from top to bottom. VGG: 3×3, 3×3, halve, in one line. ResNet: a bare shortcut beside 1×1, 3×3, 1×1, joined by the word add. DenseNet: a bare shortcut beside 1×1, 3×3, joined by the word stack. Inception: four branches, 1×1 alone, 1×1 and 3×3, 1×1 and 5×5, pool and 1×1, joined by stack. ShuffleNet: a bare shortcut beside grouped 1×1, shuffle, depthwise 3×3, grouped 1×1, joined by the word add."
def draw(ax, title, joint, *branches, spread=1):
    end = max(len(labels) for labels in branches) + 1
    for i, labels in enumerate(branches):
        x = spread * (i - (len(branches) - 1) / 2)
        ax.plot([0, x, x, 0], [0, 0.5, end - 0.5, end], color=GREY, zorder=1)
        for y, label in enumerate(labels, start=1):
            color = (ORANGE if "1×1" in label else BLUE if "×" in label
                     else PURPLE)
            ax.text(x, y, label, color="white", ha="center", va="center",
                    bbox={"boxstyle": "round", "fc": color, "ec": "none"})
    ax.text(0, end + 0.1, joint, ha="center", va="top", weight="bold")
    ax.set(xlim=(-2, 2), ylim=(end + 0.7, -0.1))
    ax.set_title(title, loc="center")
    ax.axis("off")

figure, axes = plt.subplot_mosaic("VVRRDD;IIISSS", figsize=(5.6, 4.7))
draw(axes["V"], "VGG", "", ["3×3", "3×3", "halve"])
draw(axes["R"], "ResNet", "add", [], ["1×1", "3×3", "1×1"], spread=2)
draw(axes["D"], "DenseNet", "stack", [], ["1×1", "3×3"], spread=2)
draw(axes["I"], "Inception", "stack", ["1×1"], ["1×1", "3×3"],
     ["1×1", "5×5"], ["pool", "1×1"])
draw(axes["S"], "ShuffleNet", "add", [], [
    "1×1 in groups", "shuffle", "3×3 depthwise", "1×1 in groups"], spread=2)

# %%
class Join(nn.Module):
    def __init__(self, how, *branches):
        super().__init__()
        self.how, self.branches = how, nn.ModuleList(branches)

    def forward(self, x):
        answers = [branch(x) for branch in self.branches]
        return sum(answers) if self.how == "add" else torch.cat(answers, dim=1)


# %% [markdown]
# A helper, `conv`, makes a convolution with what follows it.
#
# **VGG** ([Simonyan & Zisserman 2015](cite:simonyan2015)) needs no joint. It
# has only 3×3 filters, two or three in a row, then halve the
# map and (but for the last time) double the channels. Two 3×3 in a row see as
# far as one 5×5, with $2\cdot 9$ instead of $5\cdot5$ weights for each pair of
# channels.
#
# **Inception** ([Szegedy and others 2015](cite:szegedy2015)) looks with 1×1,
# 3×3 and 5×5 filters at once, and at the strongest neighbour, and stacks what
# they see. The large filters come after a narrowing 1×1.

# %%
from functools import partial
from itertools import pairwise

def conv(inputs, outputs, kernel=1, stride=1, groups=1, relu=True, norm=False):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2,
                        groups=groups, bias=not norm)]
    layers += [nn.BatchNorm2d(outputs)] if norm else []
    return nn.Sequential(*layers, *([nn.ReLU()] if relu else []))

normed = partial(conv, norm=True)

# %%
def vgg(inputs, outputs, repeats):
    sizes = [inputs] + [outputs] * repeats
    layers = [conv(*pair, 3) for pair in pairwise(sizes)]
    return nn.Sequential(*layers, nn.MaxPool2d(2))

def inception(inputs, ones, narrow3, threes, narrow5, fives, pooled):
    return Join("stack", conv(inputs, ones), nn.Sequential(
        conv(inputs, narrow3), conv(narrow3, threes, 3)), nn.Sequential(
        conv(inputs, narrow5), conv(narrow5, fives, 5)), nn.Sequential(
        nn.MaxPool2d(3, 1, 1), conv(inputs, pooled)))


# %% [markdown]
# **ResNet** ([He and others 2016](cite:he2016)) adds the input to what two or
# three convolutions make of it, so these need only learn the *difference*. The
# derivative of $x + f(x)$ is $1 + f'(x)$: whatever $f$ does, the 1 lets the
# gradient through. Where sizes change, a 1×1 adapts the input. With `narrow=4`
# it is a bottleneck.
#
# **DenseNet** ([Huang and others 2017](cite:huang2017)) stacks the input on
# top of the answer: nothing is lost, and each such *layer* adds only 32
# channels. Between stages a *transition* halves map and channels. It
# normalises *before* each convolution.
#
# **ShuffleNet** ([Zhang and others 2018](cite:zhang2018)) is ResNet's
# bottleneck with the savings from above. Where it halves the map it stacks
# instead of adding, and pools the shortcut.

# %%
def residual(inputs, outputs, stride=1, narrow=1, late=False):
    m = outputs // narrow
    step = 1 if late else stride  # in the first 1×1; the 3×3 does the rest
    plan = [(inputs, m, 3, stride), (m, outputs, 3)]
    if narrow > 1:
        plan = [(inputs, m, 1, step), (m, m, 3, stride // step), (m, outputs)]
    branch = [normed(*row, relu=row is not plan[-1]) for row in plan]
    short = (nn.Identity() if inputs == outputs
             else normed(inputs, outputs, 1, stride, relu=False))
    return nn.Sequential(Join("add", short, nn.Sequential(*branch)), nn.ReLU())


# %%
def norm_first(inputs, outputs, kernel=1):
    return nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(
        inputs, outputs, kernel, padding=kernel // 2, bias=False))

def dense(inputs, growth=32):
    return Join("stack", nn.Identity(), nn.Sequential(
        norm_first(inputs, 4 * growth), norm_first(4 * growth, growth, 3)))

def shuffle_unit(inputs, outputs, groups, stride=1):
    m, first = outputs // 4, 1 if inputs == 24 else groups  # 24 are too few
    added = outputs - inputs if stride == 2 else outputs
    branch = nn.Sequential(
        normed(inputs, m, groups=first), nn.ChannelShuffle(groups),
        normed(m, m, 3, stride, groups=m, relu=False),
        normed(m, added, groups=groups, relu=False))
    joint = (Join("stack", nn.AvgPool2d(3, 2, 1), branch) if stride == 2
             else Join("add", nn.Identity(), branch))
    return nn.Sequential(joint, nn.ReLU())


# %% [markdown]
# ## Whole networks
#
# A network is a stem, a plan of blocks and a head. The plans below are those
# of the papers' tables: channels and repeats.

# %%
def vgg16():
    plan = [(3, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3),
            (512, 512, 3)]
    return nn.Sequential(
        *[vgg(*row) for row in plan], nn.Flatten(),
        nn.Linear(512 * 7 * 7, 4096), nn.ReLU(),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))


# %%
POOL = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]

def resnet(*repeats, narrow=1, late=False):
    layers, inputs = [normed(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate(repeats):
        outputs = 64 * 2**stage * narrow
        for stride in [2 if stage else 1] + [1] * (count - 1):
            layers.append(residual(inputs, outputs, stride, narrow, late))
            inputs = outputs
    return nn.Sequential(*layers, *POOL, nn.Linear(inputs, 1000))


# %% [markdown]
# GoogLeNet has nine Inception modules. Each row holds its channels, from the
# branch on the left to that on the right.

# %%
MODULES = {"3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
           "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64),
           "4c": (128, 128, 256, 24, 64, 64),
           "4d": (112, 144, 288, 32, 64, 64),
           "4e": (256, 160, 320, 32, 128, 128),
           "5a": (256, 160, 320, 32, 128, 128),
           "5b": (384, 192, 384, 48, 128, 128)}

def googlenet():
    pool, inputs = nn.MaxPool2d(3, 2, ceil_mode=True), 192
    layers = [conv(3, 64, 7, 2), pool, conv(64, 64), conv(64, 192, 3), pool]
    for name, row in MODULES.items():
        layers.append(inception(inputs, *row))
        inputs = row[0] + row[2] + row[4] + row[5]
        layers += [pool] if name in ("3b", "4e") else []
    return nn.Sequential(*layers, *POOL, nn.Linear(inputs, 1000))


# %%
def densenet(*repeats, width=64):
    layers = [normed(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    for stage, count in enumerate(repeats):
        if stage:
            layers += [norm_first(width, width // 2), nn.AvgPool2d(2)]
            width //= 2
        layers += [dense(width + 32 * block) for block in range(count)]
        width += 32 * count
    layers += [nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, *POOL, nn.Linear(width, 1000))

def shufflenet(groups=3, width=240):
    layers, inputs = [normed(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)], 24
    for stage, count in enumerate((4, 8, 4)):
        outputs = width * 2**stage
        for stride in [2] + [1] * (count - 1):
            layers.append(shuffle_unit(inputs, outputs, groups, stride))
            inputs = outputs
    return nn.Sequential(*layers, *POOL, nn.Linear(inputs, 1000))


# %% [markdown]
# Now the audit. 1 G is a billion multiply-adds. The last column says where the
# printed parameters, then the printed work, are from: the *own* paper,
# *tv* for the documentation of [torchvision](cite:torchvision2016),
# [He and others 2016](cite:he2016) or [Zhang and others 2018](cite:zhang2018).
# GoogLeNet's table counts in units of 1,024 and
# [sums to 6,798 of them](cite:szegedy2015), which is 6.96 million.

# %%
NETWORKS = {
    "AlexNet": (alexnet, "60 M", "0.72 G", "own, Zhang"),
    "VGG-16": (vgg16, "138,357,544", "15.3 G", "tv, He"),
    "GoogLeNet": (googlenet, "6.96 M", "1.5 G", "own, own"),
    "ResNet-18": (lambda: resnet(2, 2, 2, 2), "11,689,512", "1.8 G", "tv, He"),
    "ResNet-34": (lambda: resnet(3, 4, 6, 3), "21,797,672", "3.6 G", "tv, He"),
    "ResNet-50": (lambda: resnet(3, 4, 6, 3, narrow=4),
                  "25,557,032", "3.8 G", "tv, He"),
    "ResNet-152": (lambda: resnet(3, 8, 36, 3, narrow=4),
                   "60,192,808", "11.3 G", "tv, He"),
    "DenseNet-121": (lambda: densenet(6, 12, 24, 16),
                     "7,978,856", "2.83 G", "tv, tv"),
    "ShuffleNet": (shufflenet, "-", "0.137 G", "own, own")}
counts = {}
print("               parameters      printed     work  printed  from")
for name, (build, params, work, source) in NETWORKS.items():
    counts[name] = ours = measure(build, 227 if name == "AlexNet" else 224)[:2]
    print(f"{name:12}{ours[0]:13,}{params:>13}{ours[1] / 1e9:7.3g} G"
          f"{work:>9}  {source}")
    assert params.count(",") < 2 or f"{ours[0]:,}" == params
for plan in [(3, 64, 7, 1)], [(3, 24, 7, 3), (24, 64, 1, 1)]:
    weights, work = cost(plan, size=112)
    print(f"{plan}: {weights:,} weights, {work / 1e6:.1f} M")

# %% [markdown]
# The six full parameter counts agree with torchvision's to the last digit. The
# work agrees as far as it is printed, but for four stories:
#
# - **VGG-16**: 15.3 is without the dense layers, 15.5 with.
# - **ResNet-34**: 3.6 is without the 1×1s that adapt our shortcuts.
# - **ResNet-50**: 3.8 is 3.86 cut off. Torchvision documents
#   [4.09](cite:torchvision2016): it halves the map one layer later, in the
#   3×3, as `late=True` does.
# - **GoogLeNet** leaves a riddle: its table prints
#   [2.7 K weights and 34 M](cite:szegedy2015) for the first layer, yet 7×7
#   filters over three colours for 64 channels need 9,408 and 118 M. Make it
#   separable, with eight filters a colour:
#   $7\cdot7\cdot3\cdot8 + 24\cdot64 = 2712$ weights, 34.0 M. Both fit,
#   and our whole network is then at 1.5 G too.
#   [Ioffe & Szegedy 2015](cite:ioffe2015) describe such a layer in the next
#   Inception, and [Chollet 2017](cite:chollet2017) says that the first had one
#   too; that it had the same eight is our inference.
#
# ### Fewer parameters, better answers?
#
# **Predict:** among these nine networks, do more parameters come with fewer
# errors?
#
# The *top-1* error is the share of images whose class is not the first guess;
# *single crop*: each image is seen once, not ten times and averaged. The
# errors are those of [torchvision](cite:torchvision2016)'s first published
# weights; ShuffleNet's is [its paper's](cite:zhang2018), measured alike. Four
# are near relatives: torchvision's AlexNet is a later version for one card,
# its GoogLeNet has batch normalisation, and 3×3 where 5×5 was meant, its
# ResNet-50 and 152 are the `late` ones, which the figure shows.

# %% figure="exact" alt="Bubble chart of nine networks, top-1 error on ImageNet against parameters on a logarithmic axis, area showing multiply-adds. AlexNet with 61 million parameters is worst at 43 percent, VGG-16 has the most parameters, 138 million, and the largest bubble at 28 percent. ResNets and DenseNet lie lower with fewer parameters; ShuffleNet far left, a tiny bubble, is at 33 percent."
ERRORS = {"AlexNet": 43.5, "VGG-16": 28.4, "GoogLeNet": 30.2,
          "ResNet-18": 30.2, "ResNet-34": 26.7, "ResNet-50": 23.9,
          "ResNet-152": 21.7, "DenseNet-121": 25.6, "ShuffleNet": 32.6}
for name, plan in ("ResNet-50", (3, 4, 6, 3)), ("ResNet-152", (3, 8, 36, 3)):
    counts[name] = measure(partial(resnet, *plan, narrow=4, late=True))[:2]
figure, ax = plt.subplots(figsize=(5.6, 3.6))
ax.set(xscale="log", xlim=(1, 700), ylim=(18, 47),
       xticks=[1, 10, 100], xticklabels=["1", "10", "100"],
       xlabel="million parameters (area: multiply-adds)",
       ylabel="top-1 error, %")
for name, error in ERRORS.items():
    params, work = counts[name]
    color = (GREEN if "Res" in name else PURPLE if "Dense" in name
             else ORANGE if name in ("AlexNet", "VGG-16") else BLUE)
    ax.scatter(params / 1e6, error, s=work / 1e7, color=color, alpha=0.6)
    side = -1 if name in ("GoogLeNet", "DenseNet-121", "ResNet-50") else 1
    ax.annotate(name, (params / 1e6, error), va="center", fontsize="small",
                xytext=(side * (4 + (work / 1e7) ** 0.5 / 2),
                        -8 * (name == "ResNet-50")),
                ha="left" if side == 1 else "right",
                textcoords="offset points")

# %% [markdown]
# Across families no, *within* a family yes: look at the four ResNets. The
# DenseNet makes fewer errors than VGG with a seventeenth of its parameters and
# a fifth of its work. What changed is shape: one dense layer at the end for
# three, 1×1 bottlenecks, shortcuts, batch normalisation. The last
# alone takes VGG-16 from 28.4 to [26.6 %](cite:torchvision2016). (Training
# recipes differ too.)
#
# ## Depth needs a shortcut
#
# A deep plain network contains the shallow one: let the extra layers do
# nothing. So its *training* loss should not be worse. But it was, on ImageNet
# ([He and others 2016](cite:he2016)). Plain networks with 18 and 34 layers
# erred in 27.94 % and 28.54 % of validation cases, residual ones in
# [27.88 % and 25.03 %](cite:he2016) (averages of ten crops, with shortcuts
# without weights: hence not the figure's numbers). Try it in small, on the 8×8
# digits: maps of 4×4, eight channels, pairs of 3×3 convolutions, He's weights,
# with and without shortcuts, with and without batch normalisation.
#
# Three seeds each would take long. But groups are walls! A convolution in
# three groups *is* three networks side by side. The sum of their losses does
# not mix them: each depends on the weights of one group, and Adam treats each
# weight by itself.

# %%
from torch.nn import functional as F

class Deep(nn.Module):
    def __init__(self, depth, shortcut, norm, seeds=3, width=8):
        super().__init__()
        def grouped(inputs, outputs, kernel=3):
            return nn.Conv2d(seeds * inputs, seeds * outputs, kernel,
                             padding=kernel // 2, groups=seeds, bias=not norm)
        self.seeds, self.shortcut = seeds, shortcut
        self.stem, self.head = grouped(1, width), grouped(width, 10, 1)
        self.convs = nn.ModuleList(grouped(width, width) for _ in range(depth))
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(seeds * width) if norm else nn.Identity()
            for _ in range(depth))
        for layer in [self.stem, *self.convs]:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if not norm:
                nn.init.zeros_(layer.bias)

    def forward(self, X):
        H = self.stem(X.repeat(1, self.seeds, 1, 1))  # (batch, _, 8, 8)
        H = F.max_pool2d(H.relu(), 2)  # (batch, _, 4, 4)
        convs, norms = self.convs, self.norms
        for i in range(0, len(convs), 2):
            Z = norms[i](convs[i](H)).relu()  # (batch, _, 4, 4)
            Z = norms[i + 1](convs[i + 1](Z))  # (batch, _, 4, 4)
            H = (H + Z if self.shortcut else Z).relu()  # (batch, _, 4, 4)
        logits = self.head(H.mean(dim=(2, 3), keepdim=True))
        return logits.view(len(X), self.seeds, 10)  # (batch, seeds, classes)


# %% [markdown]
# Before training, look at the gradients. **Predict:** in each of the four
# networks, 30 layers deep, how does the gradient of the first layers' weights
# compare with that of the last?
#
# <details><summary><b>Answer</b></summary>
#
# Plain: a few times larger, tiny in all layers. Plain with batch norm: far
# larger. Residual alone: alike, large in all layers. With both: a few times
# larger.
#
# </details>

# %%
from deepcourse.data import load_digits

data = load_digits().to(device)
X, y = data.X_train.view(-1, 1, 8, 8), data.y_train.argmax(dim=1)
KINDS = {"plain": (False, False), "plain + batch norm": (False, True),
         "residual": (True, False), "residual + batch norm": (True, True)}
COLORS = dict(zip(KINDS, (GREY, ORANGE, PURPLE, GREEN), strict=True))

def losses(model, rows):
    logits = model(X[rows]).transpose(1, 2)  # (batch, classes, seeds)
    targets = y[rows, None].expand(-1, 3)  # (batch, seeds)
    return F.cross_entropy(logits, targets, reduction="none").mean(dim=0)

norms = {}
for name, kind in KINDS.items():
    torch.manual_seed(0)
    model = Deep(30, *kind).to(device)
    losses(model, slice(256)).sum().backward()
    norms[name] = torch.stack([layer.weight.grad.view(3, -1).norm(dim=1)
                               for layer in model.convs]).cpu()

# %% figure="trained" alt="Norm of the gradient of each layer's weights in four untrained networks of 30 layers, logarithmic axis. Plain without normalisation lies lowest, below a thousandth in all layers. Plain with batch normalisation falls steadily from about three at the first layers to less than a tenth near the last. Residual without normalisation lies highest, above ten everywhere. Residual with batch normalisation falls only from about 0.7 to 0.13."
figure, ax = plt.subplots()
for name, norm in norms.items():
    ax.semilogy(range(1, 31), norm.log().mean(dim=1).exp(),
                color=COLORS[name], label=name)
ax.set(xlabel="layer", ylabel="norm of the gradient")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize="small")

def fall(name):
    logs = norms[name].log()  # (layers, seeds)
    return (logs[:5].mean(dim=0) - logs[-5:].mean(dim=0)).exp()  # (seeds,)

claim("gradient of the first five layers by the last five, plain + batch norm",
      fall("plain + batch norm"), at_least=10,
      baseline={"residual + batch norm": fall("residual + batch norm")})
middle = {name: norm.median(dim=0).values for name, norm in norms.items()}
claim("a middle layer's gradient, residual alone", middle.pop("residual"),
      at_least=1, baseline=middle)

# %% [markdown]
# - **Plain** (grey): each layer loses a little signal, partly to the zeros
#   around a 4×4 map, and little to the power of 30 is much.
# - **Residual** alone (purple): with He's weights a branch's output is about
#   as strong as its input, and the two add. The mean square grows by some two
#   thirds a block: the signal *explodes*.
# - **Plain with batch norm** (orange): the gradient *grows* backwards, by a
#   constant factor a layer. The norm takes away the mean that ReLU leaves and
#   stretches the rest, and the gradient with it.
#   [Yang and others 2019](cite:yang2019) prove it for wide dense networks.
# - **Residual with batch norm** (green): far more level. The shortcut passes
#   the gradient on, and each normalised branch weighs less against the grown
#   sum ([De & Smith 2020](cite:de2020)). It is not the only way: start each
#   branch at or near zero, and residual networks train without normalisation
#   ([Zhang, Dauphin & Ma 2019](cite:zhangh2019)).
#
# Now train all four at three depths: 100 steps of Adam at a rate of 0.003. The
# last claim repeats the deep plain network at two other rates, and with twice
# the steps.

# %%
def final_loss(kind, depth, lr=0.003, num_steps=100, batch_size=64):
    torch.manual_seed(0)
    model, history = Deep(depth, *kind).to(device), []
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(num_steps):
        history.append(losses(model, torch.randint(len(X), (batch_size,))))
        optimizer.zero_grad()
        history[-1].sum().backward()
        optimizer.step()
    return torch.stack(history[-20:]).mean(dim=0).tolist()


# %% figure="trained" alt="Training loss after 100 steps against depth 6, 18 and 30, three dots for the seeds of each network. Residual with batch norm goes down with depth, the plain network with batch norm goes up. The plain network without it goes up as well; of the residual one without it some runs do well and some badly, at each depth above 6."
depths = (6, 18, 30)
final = {name: [final_loss(kind, depth) for depth in depths]
         for name, kind in KINDS.items()}
figure, ax = plt.subplots()
for name, ends in final.items():
    ax.plot(depths, ends, "o", color=COLORS[name], alpha=0.6)
    ax.plot(depths, torch.tensor(ends).mean(dim=1), color=COLORS[name],
            label=name)
ax.set(xlabel="layers", ylabel="training loss", xticks=depths)
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize="small")
shallow, _, deep = final["plain + batch norm"]
claim("the plain network's loss, 30 layers with batch norm", deep,
      at_least=1.35, baseline={"6 layers": shallow})
shallow, _, best = final["residual + batch norm"]
claim("the residual network's, 30 layers with batch norm", best,
      at_most=0.55, baseline={"6 layers": shallow, "plain, 30 layers": deep})
deep_plain = KINDS["plain + batch norm"], 30
slow, fast = (final_loss(*deep_plain, lr=lr) for lr in (0.001, 0.01))
long = final_loss(*deep_plain, num_steps=200)
claim("the same plain network's, at two other rates or with twice the steps",
      [*slow, *fast, *long], at_least=0.8, baseline={"residual": best})

# %% [markdown]
# With shortcuts and batch normalisation (green) depth helps.
# Without shortcuts (orange) it hurts, with as many weights, as much work, the
# same normalisation. Since this is the *training* loss, overfitting is not to
# blame. Shortcuts alone (purple) are a lottery between seeds; the bare plain
# network (grey) learns little when deep.
#
# It is slowness, not a wall: with many more steps the deep plain network gets
# down as well, slower by far. On ImageNet the gap stayed even after
# [three times the iterations](cite:he2016).
#
# > **Note.** You have measured *that* it trains badly. *Why* is harder. The
# > sizes of the gradients cannot be all of it: Adam rescales each of them, and
# > SGD with momentum, which does not, showed the same in our runs. With batch
# > normalisation He and others found ["healthy norms"](cite:he2016) in their
# > plain networks; they left the cause open.
#
# ## At full size
#
# The blocks above *are* full size: build `resnet(3, 4, 6, 3, narrow=4)` on the
# CPU in place of `meta`, and it runs. Missing are ImageNet and days on several
# GPUs. You would load published weights and train the last
# layers on your own images. Do not take multiply-adds for seconds: depthwise
# convolutions move many numbers for each that they multiply, and
# [Zhang and others 2018](cite:zhang2018) got 2.6 times in practice where
# theory said 4.
#
# ## Recap
#
# You can now
#
# - **count**: weights are $k^2 C_\text{in} C_\text{out}/g$, multiply-adds that
#   times the places;
# - **check** numbers: 253,440 in [AlexNet's caption](cite:krizhevsky2012) is a
#   misprint, its 224 and GoogLeNet's first row are riddles with a solution;
# - **explain** the savings: 1×1s narrow, groups divide, separable layers split
#   space from channels; groups wall off channels until you shuffle them;
# - **write** five blocks with two joints, add and stack;
# - **measure** depth: very deep plain networks train slowly or not at all;
#   their gradients vanish or, with batch normalisation, grow backwards; with
#   shortcuts as well these grow only slowly, and depth pays.
#
# **When to use what?** Start with a small ResNet: it trains easily and every
# library has it. For a phone take a network with depthwise convolutions. For
# a handful of layers a plain stack will do. Read a paper's table with the
# counter at hand. Then it is your turn:
# [the assignment](assignment:04_convolution).
#
# **Further reading.** The lectures behind this lesson are
# [Krippahl](cite:krippahl), with the nine numbers, and
# [Winther 2018](cite:winther2018). Read [He and others 2016](cite:he2016)
# first; its table 1 is the plan of all ResNets.
