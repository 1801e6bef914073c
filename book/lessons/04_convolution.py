# %% [markdown]
# # Convolution
#
# A seven is a seven wherever you write it. A network of dense layers does not
# know this: move the digit by two pixels and it is lost, as you will see. The
# cure is one small window of weights that slides over the whole picture. In
# this lesson you build that window, prove what it promises, and find out which
# of the promises a real network keeps.
#
# After this lesson you can
#
# - **compute** a convolution by hand, by loops, as a matrix product and with
#   PyTorch, and **tell** it from a correlation;
# - **predict** the size of its answer and how far it sees;
# - **count** the parameters that local windows and shared weights save;
# - **prove** and **test** equivariance and invariance, and **say** what breaks
#   them;
# - **choose** how a network ends when position should not matter.
#
# It takes a minute on a laptop and downloads nothing. You need softmax and
# cross-entropy from [the lesson before](lesson:03b_generalisation_and_tricks).
# Symbols are in the [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## A window slides over a picture
#
# Take a photograph, and two windows of 3 by 3 weights. Such a window is called
# a **kernel** or **filter**. The first is on a slide of
# [Winther 2018](cite:winther2018). The second is by Sobel and Feldman, from
# 1968 ([Sobel 2014](cite:sobel2014) tells its story).

# %%
import matplotlib.pyplot as plt
import torch
from torch.nn.functional import conv2d

from deepcourse import repro
from deepcourse.claims import claim
from deepcourse.pictures import load_photo
from deepcourse.reproduce import recorded

device = repro.device()
photo = (255 * load_photo("pagoda")).round()  # (rows, columns)
photo = photo.double().to(device)  # whole numbers stay whole on each device
KERNELS = {"Winther": torch.tensor([[10.0, 0, -10], [0, 0, 0], [-10, 0, 10]]),
           "Sobel": torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])}
KERNELS = {name: K.to(photo) for name, K in KERNELS.items()}

# %% figure="exact" alt="Three pictures side by side: a grey photograph of a pagoda between trees, and the large answers of the two kernels to it, blue above zero and red below. Winther's kernel marks corners, slanted roofs and leaves with small specks of both colours. Sobel's marks the vertical edges: blue where dark follows bright from left to right, red where bright follows dark."
figure, axes = plt.subplots(1, 3, figsize=(5.6, 1.6))
axes[0].imshow((photo / 12).round().cpu(), "gray", interpolation="nearest")
for ax, K in zip(axes[1:], KERNELS.values(), strict=True):
    Z = conv2d(photo[None, None], K[None, None])[0, 0].cpu()
    large = Z.abs() > 2 * Z.abs().mean()
    ax.imshow(Z.sign().where(large, torch.nan), "RdYlBu", vmin=-1.4, vmax=1.4,
              interpolation="nearest")
for ax, name in zip(axes, ("photograph", *KERNELS), strict=True):
    ax.set(title=name, xticks=[], yticks=[])

# %% [markdown]
# The photograph, made grey and small, is
# [by danielbuechele](https://www.flickr.com/photos/danielbuechele/6061409035/)
# (licence CC BY 2.0) and comes with scikit-learn
# ([Pedregosa and others 2011](cite:pedregosa2011)). Blue is a large answer
# above zero, red one below.
#
# Lay the window on the picture. Multiply each weight by the pixel under it and
# add up: one number. Move the window one pixel, do it again. In symbols, with
# kernel $K$ and picture $X$,
#
# $$Z_{ij} = \sum_{a}\sum_{b} K_{ab}\, X_{i+a,\,j+b}.$$
#
# Do it by hand once: a dark picture with a bright lower right corner.

# %%
def slide(X, K):
    height, width = K.shape
    Z = X.new_empty(len(X) - height + 1, X.shape[1] - width + 1)
    for i in range(Z.shape[0]):
        for j in range(Z.shape[1]):
            Z[i, j] = (K * X[i:i + height, j:j + width]).sum()  # ()
    return Z  # (rows, columns)


# %%
corner = photo.new_zeros(6, 6)  # (rows, columns)
corner[3:, 3:] = 1
for name, K in KERNELS.items():
    print(name)
    for row in slide(corner, K).int().tolist():
        print("".join(f"{number:5}" for number in row))

# %% [markdown]
# Check one or two of them. Winther's kernel answers ten wherever it sees the
# corner, and zero along the straight edges: it takes the difference, from left
# to right, of a difference from top to bottom. Sobel's answers all along the
# vertical edge, and not at all along the horizontal one. Different kernels
# *look for* different things.
#
# ## Three ways to one answer
#
# Loops in Python are slow. Cut out all windows first and write each as a row.
# Then the whole convolution is **one matrix product**, the operation that
# hardware does best. This is called *im2col*. (The method `unfold` shows the
# windows without copying a pixel; `reshape` then copies them. PyTorch's ready
# im2col is another function, `nn.functional.unfold`.) All numbers are small
# and whole, which floats add without rounding, so the three ways must agree to
# the last bit.

# %%
cut = photo.unfold(0, 3, 1).unfold(1, 3, 1)
windows = cut.reshape(-1, 9)  # (points, features)
print(f"{len(windows):,} windows of {9} pixels")
for name, K in KERNELS.items():
    Z = slide(photo, K)
    ways = (windows @ K.flatten()).view(Z.shape), conv2d(
        photo[None, None], K[None, None])[0, 0]
    claim(f"{name}: the largest gap between the three ways",
          max((way - Z).abs().max() for way in ways), at_most=0,
          baseline={"a pixel further": (Z[1:] - Z[:-1]).abs().max()})

# %% [markdown]
# ## Convolution, or correlation?
#
# Mathematics would complain. What we computed is called *cross-correlation*.
# A **convolution** turns the kernel by half a turn first:
#
# $$(K * X)_{ij} = \sum_{a}\sum_{b} K_{ab}\, X_{i-a,\,j-b},$$
#
# for all $i, j$ at which no index falls outside the picture.
#
# **Predict:** if we turn the kernels, what becomes of the two pictures above?
#
# <details><summary><b>Answer</b></summary>
#
# Winther's kernel looks the same after half a turn, so its picture stays. It
# cannot tell the two operations apart. Sobel's kernel turns into minus itself:
# blue and red change places.
#
# </details>
#
# An independent witness is `np.convolve`, which does turn, in one dimension.
# Sobel's kernel is a product: $(1, 2, 1)$ downwards times $(1, 0, -1)$
# across. So convolve each column with one and each row with the other.

# %%
import numpy as np
for name, K in KERNELS.items():
    print(f"{name}'s kernel, turned: {K.flip(0, 1).int().tolist()}")
both = np.apply_along_axis(np.convolve, 0, photo.tolist(), (1, 2, 1), "valid")
both = np.apply_along_axis(np.convolve, 1, both, (1, 0, -1), "valid")
turned, straight = (
    np.abs(slide(photo, kernel).cpu().numpy() - both).max().item()
    for kernel in (K.flip(0, 1), K))
claim("Sobel: the gap of the turned window to np.convolve", turned,
      at_most=0, baseline={"not turned": straight})

# %% [markdown]
# `conv2d` does not turn, and deep learning calls it convolution all the same.
# It makes no difference to a network: weights that are *learned* come out
# turned, or not. It does make one when you copy a kernel from a book.
#
# ## How large is the answer, how far does it see?
#
# A window of $k$ pixels fits into $n$ pixels at $n - k + 1$ places. Three
# settings change that:
#
# - **padding** $p$: add $p$ pixels of zeros at each end;
# - **stride** $s$: move the window by $s$ pixels;
# - **dilation** $d$: read every $d$-th pixel, so that the window spans
#   $d(k-1)+1$.
#
# $$n_{\text{out}} = \left\lfloor \frac{n + 2p - d(k-1) - 1}{s}
# \right\rfloor + 1.$$
#
# Below, orange is the first window, and blue are the places of its middle.
# But trust no formula about borders. Compare it with torch in every case that
# fits.

# %% figure="exact" alt="Three grids of seven by seven pixels. With padding one a border of pale zeros surrounds the grid and the orange first window of three by three pixels starts in it, with 49 blue places for its middle. With stride two there are nine places. With dilation two the window's nine pixels lie two apart and there are nine places."
from deepcourse.plot import BLUE, GREEN, GREY, ORANGE, PURPLE

def draw_places(ax, n=7, k=3, stride=1, padding=0, dilation=1):
    def squares(side, **style):
        ax.scatter(*torch.cartesian_prod(side, side).T, **style)

    span = dilation * (k - 1)
    size = (n + 2 * padding - span - 1) // stride + 1
    big = {"s": 70, "marker": "s"}
    squares(torch.arange(-padding, n + padding), color=GREY, alpha=0.2, **big)
    squares(torch.arange(n), color=GREY, alpha=0.3, **big)
    squares(dilation * torch.arange(k) - padding, color=ORANGE, **big)
    squares(stride * torch.arange(size) + span // 2 - padding, color=BLUE, s=9)
    ax.set(xlim=(-1.7, 7.7), ylim=(7.7, -1.7), aspect="equal")
    ax.axis("off")
    return size

figure, axes = plt.subplots(1, 3, figsize=(5.6, 2.1))
for ax, (name, value) in zip(axes, [("padding", 1), ("stride", 2),
                                    ("dilation", 2)], strict=True):
    size = draw_places(ax, **{name: value})
    ax.set_title(f"{name} {value}: {size} by {size}")

# %%
from itertools import product

agree = []
for n, k, s, p, d in product(range(1, 13), range(1, 6), range(1, 5), range(4),
                             range(1, 4)):
    if n + 2 * p > d * (k - 1):
        X, K = photo.new_zeros(1, 1, n, n), photo.new_zeros(1, 1, k, k)
        Z = conv2d(X, K, stride=s, padding=p, dilation=d)
        agree.append(Z.shape[3] == (n + 2 * p - d * (k - 1) - 1) // s + 1)
print(f"the formula holds in {sum(agree):,} of {len(agree):,} cases")


# %% [markdown]
# Now stack layers. The pixels that can reach one unit are its **receptive
# field**, and its width $r$ counts from the first to the last of them. Each
# layer widens it by $d(k-1)$ of its own pixels, and one of those is as wide as
# the strides of all *earlier* layers multiplied:
#
# $$r = 1 + \sum_{\ell} d_\ell\,(k_\ell - 1) \prod_{m < \ell} s_m.$$
#
# Measure it: with all weights positive, the gradient of one unit is non-zero
# exactly at the pixels that reach it.

# %%
def reach(layers):
    field, step = 1, 1
    for k, s, d in layers:
        field, step = field + d * (k - 1) * step, step * s
    return field

def measured_reach(layers, n=101):
    Z = X = photo.new_zeros(1, 1, n, n, requires_grad=True)
    for k, s, d in layers:
        Z = conv2d(Z, photo.new_ones(1, 1, k, k), stride=s, dilation=d)
    Z[0, 0, Z.shape[2] // 2, Z.shape[3] // 2].backward()
    seen = X.grad[0, 0].sum(dim=0).nonzero()[:, 0]  # (points,)
    return (seen.max() - seen.min() + 1).item(), len(seen)

print(f"weights: 7x7 {7 * 7}, three 3x3 {3 * 3 * 3}")
for name, layers in (("one 7x7", [(7, 1, 1)]), ("three 3x3", [(3, 1, 1)] * 3),
                     ("three 3x3, stride 2", [(3, 2, 1)] * 3),
                     ("3x3, dilation 1, 2, 4",
                      [(3, 1, 1), (3, 1, 2), (3, 1, 4)]),
                     ("one 3x3, dilation 2", [(3, 1, 2)])):
    width, seen = measured_reach(layers)
    print(f"{name}: {reach(layers)}, measured {width}, of which seen {seen}")
    assert reach(layers) == width

# %% [markdown]
# Three small windows see as far as one large one, with about half the weights.
# And the last line is a warning: a field can be wide and have **holes**.
#
# ## Few weights, used everywhere
#
# Is this a new kind of layer? No. A convolution is a dense layer in which
# most weights are zero and the others are shared. Send in pictures with a
# single bright pixel: the answers are the columns of its matrix.
#
# So there are two ideas. **Local**: a unit looks at its own window only.
# **Shared**: all units of a map look with the same weights. Which saves more?

# %% figure="exact" alt="A matrix of 16 rows and 36 columns, almost all of it empty. Three short diagonal bands of red and blue entries repeat in each block of rows: the same few weights, moved along."
K = KERNELS["Sobel"]
pixels = torch.eye(36).view(36, 1, 6, 6).to(K)  # (36, 1, rows, columns)
matrix = conv2d(pixels, K[None, None]).flatten(1).T  # (units, features)
x = torch.randint(9, (36,)).to(K)  # (features,)
assert torch.equal(matrix @ x, slide(x.view(6, 6), K).flatten())
figure, ax = plt.subplots(figsize=(5.2, 2.6))
ax.imshow(matrix.where(matrix != 0, torch.nan).cpu(), "RdYlBu")
ax.set(xlabel="pixel of a 6 by 6 picture", ylabel="unit")
print(f"{matrix.numel()} entries, {(matrix != 0).sum()} not zero: "
      f"{len(matrix)} units, {(K != 0).sum()} weights (three of 9 are zero)")

# %%
from torch import nn
count = lambda layer: sum(p.numel() for p in layer.parameters())
for side, colours, maps in ((16, 1, 8), (224, 3, 64)):
    numbers, units = colours * side**2, maps * side**2
    dense = (numbers + 1) * units  # what nn.Linear(numbers, units) would hold
    local = (colours * 3 * 3 + 1) * units
    shared = count(nn.Conv2d(colours, maps, 3, padding=1))
    print(f"{side} by {side}: dense {dense:,}, local {local:,} (1 in "
          f"{dense / local:,.0f}), shared {shared:,} (1 in "
          f"{local / shared:,.0f})")

# %% [markdown]
# ## By hand, then the library
#
# A real layer takes several **channels** $c$, the colours or the maps of the
# layer before, and makes several maps $o$. Each map has a kernel *for every
# channel*, and adds up what they answer:
#
# $$Z_{oij} = b_o + \sum_{c}\sum_{a}\sum_{b} W_{ocab}\, H_{c,\,i+a,\,j+b}.$$

# %%
class Conv2d:
    def __init__(self, weight, bias, stride=1, padding=0):
        self.weight, self.bias = weight, bias
        self.stride, self.padding = stride, padding

    def __call__(self, H):
        p, s = self.padding, self.stride
        H = nn.functional.pad(H, (p, p, p, p))
        k = self.weight.shape[-1]
        cut = H.unfold(2, k, s).unfold(3, k, s)
        Z = torch.einsum("ncijab,ocab->noij", cut, self.weight)
        return Z + self.bias[:, None, None]  # (batch, _, _, _)

X = torch.randn(5, 3, 16, 16).to(photo)  # (batch, channels, rows, columns)
for stride, padding in ((1, 0), (1, 1), (2, 1), (3, 2)):
    layer = nn.Conv2d(3, 8, 3, stride=stride, padding=padding).to(photo)
    ours = Conv2d(layer.weight, layer.bias, stride, padding)(X)
    assert torch.allclose(ours, layer(X), atol=1e-5)
    print(f"stride {stride}, padding {padding}: {list(ours.shape)}, equal")

# %% [markdown]
# And backwards? Let $\delta = \partial L/\partial Z$. The pixel $X_{ij}$ went
# into $Z_{i-a,\,j-b}$ with weight $K_{ab}$, for each $a$ and $b$. So, by the
# chain rule,
#
# $$\frac{\partial L}{\partial X_{ij}} = \sum_{a}\sum_{b} K_{ab}\,
# \delta_{i-a,\,j-b}.$$
#
# Look at the signs. There it is, the mathematicians' convolution: forwards a
# network correlates, backwards it **convolves**. In code, pad $\delta$ with
# $k-1$ zeros at each end and slide the *turned* kernel. For the kernel itself,
# slide $\delta$ over $X$.

# %%
X = photo[:40, :60].clone().requires_grad_()  # (rows, columns)
K = KERNELS["Sobel"].clone().requires_grad_()
delta = torch.randint(-3, 4, (38, 58)).to(photo)  # (rows - 2, columns - 2)
conv2d(X[None, None], K[None, None])[0, 0].backward(delta)
padded = nn.functional.pad(delta, (2, 2, 2, 2))
gaps = [(slide(padded, kernel) - X.grad).abs().max().item()
        for kernel in (K.detach().flip(0, 1), K.detach())]
claim("the gap of the gradient by the picture to autograd", gaps[0],
      at_most=0, baseline={"not turned": gaps[1]})
assert torch.equal(slide(photo[:40, :60], delta), K.grad)

# %% [markdown]
# That was stride 1. With a larger one, first spread $\delta$ out, with zeros
# between. As a layer of its own, which makes small maps large, this is called
# a *transposed convolution* ([Dumoulin & Visin 2016](cite:dumoulin2016)).
#
# ## Move the picture, and the answer moves
#
# Here is the promise. Let $T_u$ move a picture by $u$ pixels. A layer $f$ is
# **equivariant** if $f(T_u X) = T_u f(X)$: move first or compute first, the
# result is the same. (With stride $s$ the maps are coarser: on the right
# stands $T_{u/s}$, which exists only where $s$ divides $u$.) **Invariant**
# would be $f(T_u X) = f(X)$.
#
# The proof is one line. A picture moved by $u$ rows and $v$ columns has
# $X_{i-u,\,j-v}$ at $(i, j)$. Put that into the sum:
#
# $$\sum_{a}\sum_{b} K_{ab}\, X_{(i+a)-u,\,(j+b)-v} = Z_{i-u,\,j-v},$$
#
# the old answer, moved. ReLU acts on each pixel alone, so it may come before
# or after the move. And a **maximum over all places** forgets their order: it
# makes an equivariant network invariant.
#
# The proof is silent on borders. To test *all* moves, let pixels that leave at
# one side come back at the other (`roll`), and let the padding wrap round too.
# The numbers are whole again, so the test is exact.

# %%
def respond(X, mode="circular", stride=1):
    H = X[None, None]
    for K, step in zip(KERNELS.values(), (stride, 1), strict=True):
        H = nn.functional.pad(H, (1, 1, 1, 1), mode=mode)
        H = torch.relu(conv2d(H, K[None, None], stride=step))
    return H[0, 0]  # (rows, columns)

def broken(X, move, mode="circular", stride=1):
    moved = respond(X.roll(move, (0, 1)), mode, stride)
    back = [-(step // stride) for step in move]
    return moved.roll(back, (0, 1)) != respond(X, mode, stride)

square = photo[30:62, 60:92]  # (rows, rows)
for stride in (1, 2):
    kept = [not broken(square, move, stride=stride).any()
            for move in product(range(32), repeat=2)]
    print(f"stride {stride}: {sum(kept):,} of {len(kept):,} moves kept")

# %% [markdown]
# Two layers with ReLU keep the promise for every move. **Predict:** where is
# it broken with zeros for padding? And why does stride 2 keep just a quarter
# of the moves?
#
# <details><summary><b>Answer</b></summary>
#
# Zeros: wherever one of the two answers met the border, two pixels deep, one
# for each layer. The picture at rest met it along the frame. The moved picture
# met it too, and moving back carries that border inside, as a cross. Elsewhere
# nothing changes. Stride 2 looks at every second pixel. A move by an even
# number of pixels in both directions shows it the same pixels; any other move
# shows it *other* ones. The quarter is even-even.
#
# </details>

# %% figure="exact" alt="Three square maps of where equivariance is broken, broken pixels in orange. With wrapped padding there are none. With zeros for padding they lie along the frame, the border of the picture at rest, and along a cross of two lines, the border of the moved picture after moving back. With stride two, moved by an odd number of pixels, they are scattered over the whole picture."
cases = {"wrapped": {}, "zeros": {"mode": "constant"}, "stride 2":
         {"stride": 2}}
figure, axes = plt.subplots(1, 3, figsize=(5.4, 2.1))
for ax, (name, options) in zip(axes, cases.items(), strict=True):
    bad = broken(square, (9, 13), **options).cpu()
    ax.imshow(bad.float().where(bad, torch.nan), "Oranges", vmin=0, vmax=1.6)
    ax.set(title=f"{name}: {bad.sum()}", xticks=[], yticks=[])
    ax.spines[:].set_visible(True)

# %% [markdown]
# ## Pooling: from "it moves along" to "it stays"
#
# To name a digit we need the opposite: the answer should *not* move.
# **Pooling** keeps the largest value (or the mean) of each block and forgets
# where in the block it was. Watch a digit move by one pixel, take Sobel's
# answer, and ask how much of it changes, block by block. The yardstick is the
# change to quite another digit, not moved.

# %% figure="exact" alt="Relative change of the answer when a digit moves by one pixel, against the side of the pooling block, for maximum and mean, each with a dotted line for the change to another digit. Moved and other lie close together for blocks of up to four. With larger blocks the moved maximum falls well below its dotted line, the moved mean only at the end; both reach zero when the block is the whole picture."
from deepcourse.data import load_digits

def on_canvas(X, down=0, right=0):
    pad = (4 + right, 4 - right, 4 + down, 4 - down)
    return nn.functional.pad(X.view(-1, 1, 8, 8), pad)  # (batch, 1, 16, 16)

SPLITS = [load_digits(seed).to(device) for seed in range(5)]
X, K = SPLITS[0].X_train, KERNELS["Sobel"][None, None].float()
still, moved = (conv2d(on_canvas(X, 0, right), K, padding=1).abs()
                for right in (0, 1))
figure, ax = plt.subplots(figsize=(5.6, 2.8))
sides = [1, 2, 4, 8, 16]
for name, pool in (("maximum", nn.functional.max_pool2d),
                   ("mean", nn.functional.avg_pool2d)):
    change, other = (
        [((pool(new, side) - pool(still, side)).norm()
          / pool(still, side).norm()).item() for side in sides]
        for new in (moved, still.roll(1, 0)))  # roll: the digit before
    line, = ax.plot(range(5), change, "o-", label=f"{name}, moved")
    ax.plot(range(5), other, ":", color=line.get_color(),
            label=f"{name}, another digit")
    claim(f"what changes after pooling the whole picture by {name}",
          change[-1], at_most=1e-5, baseline={"another digit": other[-1]})
ax.set(xlabel="side of a block", ylabel="relative change", ylim=(0, None))
ax.set_xticks(range(5), sides)
legend = ax.legend()

# %% [markdown]
# With no or small blocks, one pixel changes as much as another digit does!
# The maximum over blocks of 8 tells the two apart. The mean does not yet: the
# seams run through the middle of the digit, where much ink crosses them. Only
# the whole picture brings the change to zero. So pooling is *approximately*
# invariant, and mind the word.
#
# ## Move the digits
#
# Now train. Digits of 8 by 8 pixels sit in the middle of 16 by 16 pixels of
# paper, in training always in the middle. Then we move the *test* digits.
# Five networks:
#
# - **MLP**: one hidden layer of 56 units;
# - **CNN**: two convolutions, each with pooling, then `Flatten` and a dense
#   layer, in the style of [LeCun and others 1998](cite:lecun1998);
# - **unpooled**: the same without pooling, and the padding wraps;
# - **global**: three wrapped convolutions, no stride, then the maximum of each
#   map over the whole picture ([Lin, Chen & Yan 2014](cite:lin2014) did so
#   with the mean);
# - **global, pooled**: the same, with a cheap 2 by 2 pooling after the first
#   layer.

# %%
def conv(channels, maps, mode="circular"):
    return [nn.Conv2d(channels, maps, 3, padding=1, padding_mode=mode),
            nn.ReLU()]

def make_mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(256, 56), nn.ReLU(),
                         nn.Linear(56, 10))

def make_cnn():
    return nn.Sequential(*conv(1, 8, "zeros"), nn.MaxPool2d(2),
                         *conv(8, 16, "zeros"), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(256, 10))

def make_unpooled():
    return nn.Sequential(*conv(1, 8), *conv(8, 16), nn.Flatten(),
                         nn.Linear(16 * 256, 10))

def make_global(*pool, end=nn.AdaptiveMaxPool2d):
    return nn.Sequential(*conv(1, 8), *pool, *conv(8, 16), *conv(16, 20),
                         end(1), nn.Flatten(), nn.Linear(20, 10))

# %%
NETWORKS = {  # how to make it, its learning rate, steps, how many seeds
    "MLP": (make_mlp, 0.04, 400, 5), "CNN": (make_cnn, 0.01, 400, 5),
    "unpooled": (make_unpooled, 0.02, 260, 3),
    "global, pooled": (lambda: make_global(nn.MaxPool2d(2)), 0.01, 260, 3),
    "global": (make_global, 0.005, 260, 3)}
for name, (make, *_) in NETWORKS.items():
    print(f"{name}: {count(make()):,} parameters")
print(f"MLP, without weights on the margin: {64 * 56 + 56 + 56 * 10 + 10:,}")


# %% [markdown]
# But for the unpooled one, the sizes are comparable when you leave out the
# MLP's weights on the margin, which is always blank. Each network has its own
# learning rate: by turns doubled and halved until validation digits in the
# middle got worse on both sides, over several deals. The last fifth of
# the steps uses a tenth of it. Each seed deals the digits anew. The first two,
# which we compare closely, get five seeds; where a step is dear we save steps
# and seeds.
#
# Before you look: how often does each network err when a test digit moves by
# 0, 1, 2, 3, 4 pixels? Sketch five curves.

# %%
from torch.nn.functional import cross_entropy

from deepcourse.training import train

def fit(name, seed):
    make, rate, num_steps, _ = NETWORKS[name]
    torch.manual_seed(seed)
    data, model = SPLITS[seed], make().to(device)
    generator = torch.Generator().manual_seed(seed)
    X = on_canvas(data.X_train)  # (batch, channels, rows, rows)
    for lr, share in ((rate, 0.8), (rate / 10, 0.2)):
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        train(model, X, data.y_train, cross_entropy, optimizer,
              int(share * num_steps), batch_size=64, generator=generator)
    return model.requires_grad_(False)

MODELS = {name: [fit(name, seed) for seed in range(seeds)]
          for name, (*_, seeds) in NETWORKS.items()}

# %% figure="trained" alt="Left, test error against how far the digits were moved, five networks, one thin line a seed. All start at a few per cent. MLP and unpooled jump to about one half at one pixel and to nine tenths at two; the CNN follows a little lower. The network with global maximum stays flat at a few per cent. With pooling before it, the error is low at even moves and about one fifth at odd ones. Right, the error of that last network for each move in two directions, a pattern like a woven cloth: dark where both are even, brightest where both are odd."
def error_at(model, data, *ways):
    wrong = [model(on_canvas(data.X_test, *way)).argmax(dim=1)
             != data.y_test.argmax(dim=1) for way in ways]
    return torch.stack(wrong).float().mean().item()

def errors(name, *ways, models=None):
    return torch.tensor([error_at(model, SPLITS[seed], *ways) for seed, model
                         in enumerate(models or MODELS[name])])  # (seeds,)

AXES = [{(far, 0), (-far, 0), (0, far), (0, -far)} for far in range(5)]
error = {name: torch.stack([errors(name, *ways) for ways in AXES], dim=1)
         for name in MODELS}
field = {name: torch.stack([errors(name, way) for way in product(
    range(-4, 5), repeat=2)], dim=1) for name in ("global, pooled", "global")}
COLOURS = dict(zip(MODELS, (GREY, BLUE, PURPLE, GREEN, ORANGE), strict=True))
figure, axes = plt.subplots(1, 2, figsize=(5.6, 3), width_ratios=[3, 2])
for name, table in error.items():
    axes[0].plot(range(5), table.T, color=COLOURS[name], linewidth=1.2,
                 label=[name, *[None] * (len(table) - 1)])
axes[0].set(xlabel="moved by, pixels", ylabel="test error", xticks=range(5))
legend = figure.legend(ncols=3, fontsize="small", loc="outside upper left")
axes[1].imshow(field["global, pooled"].mean(dim=0).view(9, 9),
               extent=(-4.5, 4.5, 4.5, -4.5))
axes[1].set(title="global, pooled", xlabel="right", ylabel="down")
ticks = plt.setp(axes[1], xticks=range(-4, 5, 2), yticks=range(-4, 5, 2))

# %% [markdown]
# Read it slowly; it is the point of the chapter.
#
# **The MLP** is lost after two pixels. You may blame its weights on the
# margin, which never saw ink. Set them all to zero: the error stays (the first
# claim below). No, its *trained* weights are tied to places. After the move,
# each sees ink meant for its neighbour.
#
# **The CNN is nearly as lost**, and that is the failure to remember. "A CNN is
# invariant to translation" is false for this common design. It has two faults.
# One is `Flatten`: it hands the maps to a *dense* layer, which has one weight
# for each place. The unpooled network has only this fault, its maps move along
# exactly, and it is as lost as the MLP. The other is the **grid** of the
# pooling, and that is the only fault of *global, pooled*. Moves by an even
# number of pixels, down and right, carry the grid along. Any other cuts the
# digit into other blocks, which the network has never seen: in the right
# picture, dark is seldom wrong, and bright is often, where both are odd.
#
# **Global** does not care at all, as you proved: equivariant layers, then a
# maximum over all places.

# %%
from copy import deepcopy

blanked = deepcopy(MODELS["MLP"])
for model in blanked:
    paper = on_canvas(torch.ones(1, 64).to(device))  # (1, 1, _, _)
    model[1].weight.mul_(paper.flatten())
effect = errors("MLP", *AXES[2], models=blanked) - error["MLP"][:, 2]
claim("what a margin of zeros changes in the MLP's error, moved by two",
      effect.abs(), at_most=0.03, unit="%",
      baseline={"the move": error["MLP"][:, 2] - error["MLP"][:, 0]})
for name, bound in (("MLP", 0.8), ("CNN", 0.55), ("unpooled", 0.75)):
    claim(f"the test error of {name}, moved by two", error[name][:, 2],
          at_least=bound, baseline={"middle": error[name][:, 0]}, unit="%")
pooled = field["global, pooled"].mean(dim=0).view(9, 9)  # (rows, rows)
claim("the test error of global, pooled, over even moves",
      pooled[::2, ::2].mean(), at_most=0.1, unit="%",
      baseline={"down odd": pooled[1::2, ::2].mean(),
                "right odd": pooled[::2, 1::2].mean(),
                "both odd": pooled[1::2, 1::2].mean()})
gap = {name: table.amax(dim=1) - table.amin(dim=1)
       for name, table in field.items()}
claim(f"global: worst less best error of all {9 * 9} moves", gap["global"],
      at_most=0.01, baseline={"pooled": gap["global, pooled"]}, unit="%")

# %%
rims = deepcopy(MODELS["global"])
for layer in (layer for model in rims for layer in model[:5:2]):
    layer.padding_mode = "zeros"
claim("the test error of global, padded with zeros, moved by two",
      errors("global", *AXES[2], models=rims), at_most=0.15, unit="%",
      baseline={"CNN": error["CNN"][:, 2]})
NETWORKS["mean"] = (lambda: make_global(
    nn.MaxPool2d(2), end=nn.AdaptiveAvgPool2d), 0.005, 260, 3)
means = [fit("mean", seed) for seed in range(3)]
claim("the test error with a global mean, in the middle",
      errors("mean", (0, 0), models=means), at_least=0.15, unit="%",
      baseline={"maximum": error["global, pooled"][:, 0]})
gain = error["MLP"] - error["CNN"]  # (seeds, points)
claim("what the CNN gains on the MLP in the middle, deal by deal", gain[:, 0],
      at_most=0.06, baseline={"moved by one": gain[:, 1]}, unit="%")
print(f"one of {len(SPLITS[0].X_test)} test digits is "
      f"{100 / len(SPLITS[0].X_test):.2g} %")

# %% [markdown]
# The last three lines answer three questions. Need the padding wrap? With
# **zeros** the same trained networks do nearly as well while the digit keeps
# off the border. (Do not rely on it: from zeros at the border a network can
# learn where it is, [Kayhan & van Gemert 2020](cite:kayhan2020).) Would the
# **mean** over all places do? It is as invariant as the maximum, but most
# places are blank paper, which dilutes it: in as many steps it has hardly
# learned.
#
# And does the CNN beat the MLP when *nothing* moves? Both saw the same deals,
# so we compare pair by pair. The differences are a few digits, and not always
# to one side: these tests cannot tell the two apart. Larger ones can. On MNIST
# [LeCun and others 1998](cite:lecun1998) report 4.7 and 2.95 % for two of
# their dense networks and 0.95 % for the convolutional LeNet-5.
#
# Move a digit yourself. The bars are the probability of the right answer.

# %% figure="trained" alt="Left, a digit on paper of 16 by 16 pixels, moved off the middle. Right, five bars with the probability of the right answer: MLP, CNN and unpooled nearly zero, the two global networks high."
def plot_moved(right=2, down=-2, example=3):
    data = SPLITS[0]
    x = on_canvas(data.X_test[example], down, right)
    digit = data.y_test[example].argmax().item()
    _, axes = plt.subplots(1, 2, figsize=(5.6, 2.3), width_ratios=[1, 1.4])
    axes[0].imshow(x[0, 0].cpu(), vmin=0, vmax=1)
    axes[0].set(title=f"a {digit}", xticks=[], yticks=[])
    sure = [models[0](x).softmax(dim=1)[0, digit].item()
            for models in MODELS.values()]
    axes[1].barh(list(MODELS), sure, color=list(COLOURS.values()))
    axes[1].invert_yaxis()
    axes[1].set(xlim=(0, 1), xlabel="probability of the right digit")

plot_moved()

# %% explore=true
from deepcourse.widgets import explore

explore(plot_moved, right=(-4, 4, 1), down=(-4, 4, 1), example=(0, 50, 1))

# %% [markdown]
# Two remedies help in part when you need strides for speed: blur before you
# subsample ([Zhang 2019](cite:zhang2019)), or show moved digits in training.
# [Azulay & Weiss 2019](cite:azulay2019), who moved photographs by a pixel and
# saw answers of famous networks jump, found neither enough. An exact one lets
# the picture choose its grid: of all those that a stride could keep, keep the
# one with the largest norm
# ([Chaman & Dokmanić 2021](cite:chaman2021)).
#
# ## What did it learn to look for?
#
# Nobody wrote a kernel this time. Here are the eight of the first layer (blue
# above zero, red below), and what each finds in one digit (yellow is much,
# dark is nothing).

# %% figure="trained" alt="Two rows of eight small pictures. Above, the learned three by three kernels, red and blue, several with one side against the other. Below, the feature map of each for one digit: some light up on one flank of the strokes, others on the strokes themselves or on the paper around."
model = MODELS["global"][0]
maps = model[:2](on_canvas(SPLITS[0].X_test[3]))[0]  # (channels, rows, rows)
figure, axes = plt.subplots(2, 8, figsize=(5.6, 1.7))
for K, H1, (above, below) in zip(model[0].weight[:, 0], maps, axes.T,
                                 strict=True):
    above.imshow(K.cpu(), "RdYlBu", vmin=-1, vmax=1)
    below.imshow(H1.cpu(), vmin=0, vmax=1.5)
ticks = plt.setp(axes, xticks=[], yticks=[])
axes[0, 0].set_ylabel("kernel"), axes[1, 0].set_ylabel("map")
recorded("cifar10_cnn")

# %% [markdown]
# Some have one side against the other, cousins of Sobel's. The maps move along
# when the digit moves; what the later layers make of them is the topic of the
# next lesson.
#
# ## At full size
#
# Nothing new: larger photographs, three channels in, dozens of layers, strides
# to save work, often a global mean at the end. On a GPU a convolution is often
# still the matrix product of windows that you wrote, done tile by tile, so
# that not all windows are stored at once. The card above the last figure is
# such a network, trained on small photographs: it comes to about what a person
# reached who tried it. The [page of such runs](page:full_size) has more.
#
# ## Recap
#
# You can now
#
# - **compute** a convolution by loops, im2col and `conv2d`, equal to the last
#   bit, and **tell** it from a correlation by a kernel that half a turn
#   changes;
# - **predict** sizes and receptive fields with two formulas that you tested;
# - **count**: locality and sharing turn half a million weights into eighty;
# - **prove** equivariance in a line, and **test** it: exact with wrapped
#   padding, broken by borders and strides; pooling is invariant only when it
#   covers the picture;
# - **choose** the end: `Flatten` if position matters, global pooling if not.
#
# **When to use what?** Convolution for data on a grid, where near things
# belong together and the same things occur anywhere: pictures, sound, DNA. Not
# for tables, whose columns have no neighbours. When everything is centred and
# small, an MLP is the baseline to beat.
#
# Practise with the [assignment](assignment:04_convolution).
#
# **Further reading.** The lectures behind this lesson are
# [Winther 2018](cite:winther2018), [Carbonnelle 2016](cite:carbonnelle2016)
# and [NFBI](cite:nfbi). [Fukushima 1980](cite:fukushima1980) had the idea and
# let his network organise itself; [LeCun and others 1989](cite:lecun1989)
# trained one by backpropagation, and
# [LeCun and others 1998](cite:lecun1998) made it LeNet-5.
# [Dumoulin & Visin 2016](cite:dumoulin2016) draw the arithmetic of windows;
# chapter 9 of [Goodfellow, Bengio & Courville 2016](cite:goodfellow2016) has
# the rest.
#
# Next: [what a network sees](lesson:04b_what_a_network_sees).
