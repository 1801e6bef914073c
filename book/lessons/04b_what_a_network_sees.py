# %% [markdown]
# # What a convolutional network sees
#
# A network looks at a picture and is right. Was it right for the right reason?
# Asking it is no use, so people draw: its filters, the pixels it cares about,
# the picture it dreams of. Such drawings are beautiful, and some of them say
# nothing at all. Here you know the truth, since every stroke is generated: you
# can test the drawings themselves.
#
# After this lesson you can
#
# - **look** inside: read filters and feature maps by hand and with hooks;
# - **ask** what a decision rests on, by covering patches and by gradients;
# - **test** such a map against the truth, and against maps that know nothing;
# - **draw** what a unit wants, and say why it takes regularisation;
# - **measure** how abstract each layer is;
# - **catch** a network that takes a shortcut.
#
# It takes a minute on a laptop and downloads nothing. You come from
# [the lesson on convolution](lesson:04_convolution). Symbols are in the
# [notation](page:notation).

# %% setup=true minutes=1

# %% [markdown]
# ## Six kinds of keys
#
# Each picture shows a key. At the ends of its shaft sit two different parts
# out of four: a ring, a block, a bar or a fork. Which two, that is its *kind*:
# six pairs, six kinds. All else is there to distract: place, angle, width,
# contrast, noise, and one stray stroke.

# %% figure="exact" alt="Two rows of six small grey pictures of keys, a column for each kind: ring and block, ring and bar, ring and fork, block and bar, block and fork, bar and fork. The keys lie at different angles, and a short stray stroke is somewhere near each."
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F

from deepcourse import repro
from deepcourse.claims import claim
from deepcourse.keys import KINDS, PARTS, make_keys
from deepcourse.plot import BLUE, GREY, ORANGE

device, generator = repro.device(), torch.Generator().manual_seed(0)
train_keys, val_keys, test_keys = (
    make_keys(num_keys, generator).to(device) for num_keys in (3000, 600, 600))
NAMES = [f"{PARTS[a]},\n{PARTS[b]}" for a, b in KINDS]

def show(ax, picture, title="", **options):
    ax.imshow(picture.cpu(), options.pop("cmap", "gray"), **options)
    ax.set_title(title, fontsize=9)
    ax.set_axis_off()

figure, axes = plt.subplots(2, 6, figsize=(5.6, 2.3))
for kind, column in enumerate(axes.T):
    chosen = train_keys[train_keys.kind == kind]
    for ax, picture in zip(column, chosen.X, strict=False):
        show(ax, picture[0], NAMES[kind] if ax is column[0] else "")

# %% [markdown]
# So there are three levels of things to know. **Edges**: at which of four
# angles does the shaft lie? **Parts**: is there a ring, a block, a bar, a
# fork? **Object**: which kind? We train on the kind only. That the network
# learns anything about the other two is its own idea.
#
# Three blocks of convolution, batch normalisation, ReLU and pooling; then one
# hidden layer. The learning rate warms up and then falls: the line with
# `register_step_post_hook` moves its schedule on after each step. Three
# networks, which differ only in their seed. To compare with, we shall need
# networks that know nothing: an *untrained* one has the same layers with their
# random first weights.

# %%
from deepcourse.training import train

def block(inputs, outputs, size):
    return [nn.Conv2d(inputs, outputs, size, padding=size // 2),
            nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]

def make_net(seed):
    torch.manual_seed(seed)
    blocks = block(1, 8, 5) + block(8, 16, 3) + block(16, 32, 3)
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(512, 64), nn.ReLU(),
                         nn.Linear(64, 6)).eval().to(device)

def fit(seed, X, y, num_steps, lr=0.01):
    net = make_net(seed).train()
    optimizer = torch.optim.Adam(net.parameters(), lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, num_steps)
    optimizer.register_step_post_hook(lambda *_: schedule.step())
    order = torch.Generator().manual_seed(seed)
    train(net, X, y, F.cross_entropy, optimizer, num_steps, 64, order)
    return net.eval()

def accuracy(net, keys):
    y_hat = net(keys.X).argmax(dim=1)  # (batch,)
    return (y_hat == keys.kind).float().mean().item()



# %%
SEEDS = range(3)
untrained = [make_net(seed + 100) for seed in SEEDS]
nets = [fit(seed, train_keys.X, train_keys.kind, 250) for seed in SEEDS]
for name, keys in (("validation", val_keys), ("test", test_keys)):
    untaught, taught = ([accuracy(net, keys) for net in these]
                        for these in (untrained, nets))
    claim(f"the share of {name} keys named right", taught, at_least=0.85,
          unit="%", baseline={"untrained": untaught})

# %% [markdown]
# ## The first layer, and the maps it makes
#
# A filter of the first layer has the size of a 5 by 5 patch of the picture, so
# you can draw it as one.

# %% figure="trained" alt="Two rows of eight small 5 by 5 pictures in purple and orange. The first row, filters after training, shows a few with a light and a dark side, while most look like noise. The second row, the same filters before training, is a random chequerboard."
figure, axes = plt.subplots(2, 8, figsize=(5.6, 1.7))
for row, (net, title) in zip(axes, ((nets[0], "trained"),
                                    (make_net(0), "before")), strict=True):
    weight = net[0].weight.detach()  # (channels, 1, rows, columns)
    for ax, filters in zip(row, weight, strict=True):
        limit = filters.abs().max()
        show(ax, filters[0], cmap="PuOr", vmin=-limit, vmax=limit)
    row[0].set_title(title, fontsize=9, loc="left")

# %% [markdown]
# The upper row is the lower one after training. With good will you see a light
# and a dark side in some filters, or a bar: they answer to edges and strokes
# of one direction. Most still look like the noise they began as. Training
# moves weights only as far as loss, steps and learning rate take them, so
# their faces tell you little here.
#
# What a filter answers is a **feature map**. Compute the first block by hand,
# from its weights: convolve, normalise with the stored mean and variance, cut
# at zero, keep the largest of each 2 by 2 square.

# %%
def first_block(net, X):
    conv, norm = net[0], net[1]
    Z = F.conv2d(X, conv.weight, conv.bias, padding=2)
    mean, var = norm.running_mean, norm.running_var  # (channels,), (channels,)
    scale = norm.weight / (var + norm.eps).sqrt()  # (channels,)
    shift = norm.bias - scale * mean  # (channels,)
    H = (scale[:, None, None] * Z + shift[:, None, None]).relu()
    squares = H.reshape(*H.shape[:2], 16, 2, 16, 2)
    return squares.amax(dim=(3, 5))  # (batch, channels, rows, columns)

# %% [markdown]
# The library's way is a **hook**: a function that PyTorch calls each time a
# module has answered. Take it off when you are done, or it will go on
# collecting. (`name=name` makes each `keep` remember its own layer's name.)

# %%
LAYERS = {"conv 1": 3, "conv 2": 7, "conv 3": 11, "hidden": 14, "answer": 15}

@torch.no_grad()
def record(net, X):
    found, hooks = {"pixels": X}, []
    for name, index in LAYERS.items():
        def keep(module, inputs, output, name=name):
            found[name] = output
        hooks.append(net[index].register_forward_hook(keep))
    net(X)
    for hook in hooks:
        hook.remove()
    return found

found = record(nets[0], test_keys.X[:100])
by_hand = first_block(nets[0], test_keys.X[:100])
gap = (by_hand - found["conv 1"]).abs().max().item()
other = (first_block(nets[1], test_keys.X[:100]) - found["conv 1"]).abs().max()
claim("the largest gap between hook and hand", gap, at_most=1e-4,
      baseline={"hand with another network's weights": other})
for name, H in found.items():
    print(f"{name:6} {tuple(H.shape[1:])}")

# %% figure="trained" alt="A key with a ring and a fork, and under it three rows of feature maps. The first row of four, 16 by 16, still shows the key, its edges brought out in different directions. The second, 8 by 8, shows coarse spots along it. The third, 4 by 4, has only a few bright squares, here at the ring's side of the key."
number = (test_keys.kind == 2).nonzero()[0].item()
maps = record(nets[0], test_keys.X[number:number + 1])
figure, axes = plt.subplots(3, 5, figsize=(4.4, 2.9))
show(axes[0, 0], test_keys.X[number, 0], "the key")
for row, name in zip(axes, ("conv 1", "conv 2", "conv 3"), strict=True):
    liveliest = maps[name][0].amax(dim=(1, 2)).argsort(descending=True)
    for ax, channel in zip(row[1:], liveliest, strict=False):
        show(ax, maps[name][0, channel], cmap="cividis")
    row[1].set_title(name, fontsize=9, loc="left")
    row[0].set_axis_off()

# %% [markdown]
# Each row shows the four liveliest maps of a layer. With depth *where* gets
# coarser. What does *what* become? We shall measure it further down.
#
# ## Cover it up
#
# What does the decision rest on? [Zeiler & Fergus 2014](cite:zeiler2014) slide
# a grey patch over the picture and watch the probability of the right answer.
# With $x_{\setminus p}$ for the picture whose patch $p$ is covered, we take
#
# $$m(p) = \ln \frac{P(y \mid x)}{P(y \mid x_{\setminus p})},$$
#
# which is large where covering hurts. It asks only for answers, no gradient:
# it works on any black box. We cover with the picture's mean brightness.
#
# **Predict:** where on a key does covering hurt, where not at all? And what
# will the map of an untrained network look like?
#
# <details><summary><b>Answer</b></summary>
#
# It hurts at the ends, for there are the parts that make the kind. The shaft
# can go, and so can the stray stroke. An untrained network has a map too, for
# covering changes its meaningless answer as well.
#
# </details>

# %%
def corners(size, stride=3):
    starts = torch.arange(0, 33 - size, stride)
    return torch.cartesian_prod(starts, starts)  # (points, 2)

@torch.no_grad()
def covered(net, X, size):
    fill, answers = X.mean(dim=(2, 3), keepdim=True), []
    for row, column in corners(size).tolist():
        hidden = X.clone()  # (batch, channels, rows, columns)
        hidden[..., row:row + size, column:column + size] = fill
        answers.append(net(hidden))
    return torch.stack(answers, dim=1)  # (batch, points, classes)

def log_share(logits, kind):
    """The logarithm of the share that goes to `kind`, covered or not."""
    each = torch.arange(len(kind))  # (batch,)
    return logits.log_softmax(dim=-1)[each, ..., kind]

def harm(net, keys, size=8):
    after = log_share(covered(net, keys.X, size), keys.kind)
    before = log_share(net(keys.X).detach(), keys.kind)  # (batch,)
    return before[:, None] - after  # (batch, points)

# %% figure="trained" alt="Three keys side by side with small circles round their two ends; below each its occlusion map of a trained network, and below that the map of an untrained one. The trained map is bright at one or both of the circled ends and dark along the shaft and in the corners. The untrained map has smooth blobs somewhere on the key."
def show_map(ax, values, size, title=""):
    """Draw what the patches do where their middles lie."""
    side, low = round(len(values) ** 0.5), size / 2 - 2
    high = low + 3 * side
    show(ax, values.view(side, side), title, cmap="cividis",
         extent=(low, high, high, low))
    ax.set(xlim=(-0.5, 31.5), ylim=(31.5, -0.5))

def plot_occlusion(size=8, first=0):
    _, axes = plt.subplots(3, 3, figsize=(4.2, 4.3))
    keys = test_keys[first:first + 3]
    trained, blind = (harm(net, keys, size) for net in (nets[0], untrained[0]))
    for k, (top, middle, bottom) in enumerate(axes.T):
        show(top, keys.X[k, 0], "" if k else "key")
        show_map(middle, trained[k], size, "" if k else "trained")
        show_map(bottom, blind[k], size, "" if k else "untrained")
        for ax in (top, middle, bottom):
            ax.plot(*keys.places[k].T.flip(0).cpu(), "o", markersize=13,
                    markerfacecolor="none", color=ORANGE)

plot_occlusion()

# %% [markdown]
# The circles are where the ends truly are. A bright field means: with the
# patch centred here, the right answer becomes much less likely. Often only
# *one* of the two ends is bright. Perhaps the network takes an empty end for a
# thin part, say a bar: where it was a bar, nothing is lost. So which rival
# does an end rule out? Keep that question.
#
# Play with the patch. A small one points as well, with more spots; a large one
# blurs, and its brightest place may leave the ends.

# %% explore=true
from deepcourse.widgets import explore

explore(plot_occlusion, size=(4, 16, 2), first=(0, 60, 3))


# %% [markdown]
# ## Does the map tell the truth?
#
# Three pretty maps prove nothing. Here we know the truth, so play the
# **pointing game** ([Zhang and others 2018](cite:zhangj2018)): take the
# brightest place of the map, and count a hit if it lies within 5 pixels of the
# middle of an end. A hundred keys, three networks. The chance level is the
# share of all places that lie so near.

# %%
def distances(maps):
    """How far the brightest place of each map lies from either end."""
    brightest = MIDDLES[maps.argmax(dim=1)]  # (batch, 2)
    places = test_keys.places[:len(maps)]  # (batch, 2, 2)
    return (places - brightest[:, None]).norm(dim=2)  # (batch, 2)

def hits(maps):
    nearest = distances(maps).min(dim=1).values  # (batch,)
    return (nearest <= 5).float().mean().item()

few = test_keys[:100]
MIDDLES = (corners(8) + 3.5).to(device)  # of patches of 8 pixels
after = [covered(net, few.X, 8) for net in nets]
after_untrained = [covered(net, few.X, 8) for net in untrained]
away = (few.places[:, :, None] - MIDDLES).norm(dim=3)  # (batch, 2, points)
chance = (away.amin(dim=1) <= 5).float().mean().item()
claim("the share of occlusion maps that point at an end",
      [hits(-log_share(logits, few.kind)) for logits in after],
      at_least=0.75, unit="%", baseline={
          "chance": chance,
          "untrained": [hits(-log_share(logits, few.kind))
                        for logits in after_untrained]})

# %%
brightness = F.avg_pool2d(few.X, 8, 3).flatten(1)  # (batch, points)
claim("the share of brightness maps that point at an end", hits(brightness),
      at_least=0.95, unit="%", baseline={"chance": chance})

# %% [markdown]
# A triumph, says the first line. The last is from a map that knows no network
# at all: the mean brightness of each patch. It points at the ends as well as
# any network, since there is most ink. **Our test was too easy.** Whenever
# someone shows you heat maps on the tumour, ask how well *the brightest spot*
# would have done.
#
# A sharper question has an answer that brightness cannot know. Take a key of
# ring and fork. Why is it not *block and fork*? The fork speaks for both, so
# the **ring** decides. Why not *ring and block*? Now the **fork** decides. One
# picture, two questions. With $z_y$ for the logit of the true kind and $z_r$
# for that of a rival which shares one of its parts, take the **margin**
#
# $$m = z_y - z_r$$
#
# and map how much of it each covered patch takes away. In the code `end` says
# which end shall decide: the rival keeps the part at the *other* end and has
# one that the key lacks. From key to key the ends take turns.
#
# **Predict:** in what share of keys will the brightness map be nearer to the
# deciding end than to the other?
#
# <details><summary><b>Answer</b></summary>
#
# About half: we picked the end without looking, and brightness does not hear
# the question.
#
# </details>

# %%
KIND_OF = torch.zeros(4, 4, dtype=torch.long)
KIND_OF[KINDS[:, 0], KINDS[:, 1]] = torch.arange(6)
KIND_OF = (KIND_OF + KIND_OF.T).to(device)  # two parts, any order -> kind

def choose_rivals(keys, end):
    number = torch.arange(len(keys))  # (batch,)
    absent = (~keys.has).nonzero()[:, 1].view(-1, 2)  # (batch, 2)
    new = absent[number, number // 2 % 2]  # (batch,)
    kept = keys.ends[number, 1 - end]  # (batch,)
    return KIND_OF[kept, new]  # (batch,)

deciding = torch.arange(len(test_keys)) % 2  # (batch,)
rivals = choose_rivals(test_keys, deciding)  # (batch,)

def margin(logits, rivals=rivals):
    each = torch.arange(len(logits))  # (batch,)
    kind, rival = test_keys.kind[each], rivals[each]  # (batch,), (batch,)
    return logits[each, ..., kind] - logits[each, ..., rival]

def picks(maps):
    """How often the deciding end is the nearer to the brightest place."""
    each, away = torch.arange(len(maps)), distances(maps)  # (batch,), (_, 2)
    chosen = deciding[each]  # (batch,)
    nearer = away[each, chosen] < away[each, 1 - chosen]  # (batch,)
    return nearer.float().mean().item()


# %% figure="trained" alt="A key with a ring and a fork, and two occlusion maps of it for two questions. Against block and fork the map is bright at the ring; against ring and block it is bright at the fork. A circle marks the deciding end in each."
figure, axes = plt.subplots(1, 3, figsize=(5.2, 2.1))
show(axes[0], test_keys.X[0, 0], "the key:\nring, fork")
for end, ax in enumerate(axes[1:]):
    rival = choose_rivals(test_keys[:1], end)  # (batch,)
    title = "against\n" + NAMES[rival].replace("\n", " ")
    show_map(ax, -margin(after[0][:1], rival)[0], 8, title)
    for circled in axes[0], ax:
        circled.plot(*test_keys.places[0, end].flip(0).cpu(), "o", ms=16,
                     markerfacecolor="none", color=ORANGE)
unasked = [-log_share(logits, few.kind) for logits in after]
claim("the share that picks the deciding end by occlusion",
      [picks(-margin(logits)) for logits in after], at_least=0.72, unit="%",
      baseline={"same networks without the question": [
                    picks(maps) for maps in unasked],
                "brightness": picks(brightness),
                "untrained": [picks(-margin(logits))
                              for logits in after_untrained]})

# %% [markdown]
# The same key, and the bright spot moves with the question. Brightness picks
# like a coin (which on a hundred keys strays by some five points), and so does
# the same network's map when nobody names a rival.
#
# ## Ask the gradient
#
# Covering needs a pass for each patch. [Simonyan and others
# 2014](cite:simonyan2014) need one backward pass: the gradient of a logit with
# respect to the *pixels*. Where its size is large, a small change of the pixel
# changes the answer:
#
# $$s_{ij} = \left| \frac{\partial z_y}{\partial x_{ij}} \right|.$$
#
# That is all: freeze the weights, and let the picture be the variable.

# %%
def own_logit(logits):
    return logits.gather(1, test_keys.kind[:len(logits), None])  # (batch, 1)

def saliency(net, X, score):
    X = X.clone().requires_grad_()
    slope, = torch.autograd.grad(score(net(X)).sum(), X)
    return slope[:, 0].abs()  # (batch, rows, columns)

def edges(X):
    return sum(slope.abs() for slope in torch.gradient(X[:, 0], dim=(1, 2)))


# %% figure="trained" alt="A key and four maps of it: the gradient map of a trained network, of a network from another seed, of an untrained network, and a plain edge picture. The trained maps are speckled, with most of the bright specks near one end of the key or both. The untrained map is speckled all over. The edge picture shows the outline of the key."
drawn = [saliency(net, test_keys.X, own_logit) for net in nets]
blind = [saliency(net, test_keys.X, own_logit) for net in untrained]
maps = {"trained": drawn[0], "other seed": drawn[1], "untrained": blind[0],
        "only edges": edges(test_keys.X)}
figure, (first, *others) = plt.subplots(1, 5, figsize=(5.6, 1.4))
show(first, test_keys.X[0, 0], "key")
for ax, (name, pictures) in zip(others, maps.items(), strict=True):
    show(ax, pictures[0], name, cmap="cividis",
         vmax=pictures[0].quantile(0.995).item())

# %% [markdown]
# Gradients are noisy: neighbouring pixels flicker, though both belong to one
# stroke. So average over patches before pointing. And apply the **sanity
# check** of [Adebayo and others 2018](cite:adebayo2018): does a map change
# when the network's weights are replaced by random ones? If not, it draws the
# picture and not the network. (A second check trains on random labels.) Some
# popular kinds of map failed, the plain gradient passed. We compare maps by
# rank correlation: 1 for the same order of all pixels, 0 for unrelated orders.
# Mere edges and two *untrained* networks set the scale.

# %%
def rank_correlation(one, two):
    ranks = [maps.flatten(1).argsort(dim=1).argsort(dim=1).float()
             for maps in (one, two)]
    a, b = (r - r.mean(dim=1, keepdim=True) for r in ranks)
    return F.cosine_similarity(a, b, dim=1).mean().item()

def smooth(maps):
    return F.avg_pool2d(maps[:, None], 8, 3).flatten(1)  # (batch, points)

def agree(these, those):
    return [rank_correlation(these[i], those[i - 1]) for i in SEEDS]

claim("the rank correlation of two trained networks' maps",
      agree(drawn, drawn), at_least=0.25, baseline={
          "trained with edges": agree(drawn, 3 * [edges(test_keys.X)]),
          "trained with untrained": agree(drawn, blind),
          "two untrained": agree(blind, blind)})
parts = [smooth(maps) for maps in drawn]
claim("the same, averaged over patches", agree(parts, parts), at_least=0.65,
      baseline={"pixel by pixel": agree(drawn, drawn)})
claim("the correlation of averaged maps with mere brightness", agree(
    parts, 3 * [smooth(test_keys.X[:, 0])]), at_least=0.5,
      baseline={"pixel by pixel": agree(drawn, 3 * [test_keys.X[:, 0]])})

# %%
claim("the share that picks the deciding end by gradient",
      [picks(smooth(saliency(net, test_keys.X, margin))) for net in nets],
      at_least=0.7, unit="%", baseline={
          "same networks without the question": [
              picks(maps) for maps in parts],
          "edges": picks(smooth(edges(test_keys.X))), "untrained": [
              picks(smooth(saliency(net, test_keys.X, margin)))
              for net in untrained]})

# %% [markdown]
# The gradient passes: two trained networks agree more with each other than
# with an untrained one. But see how little two *good* networks agree, pixel
# for pixel; and mere edges come closer to them than an untrained one does.
# Averaged over patches they agree well, yet so does bare brightness. Read such
# a map at the size of a part, and ask it *against what*.
#
# ## What does a unit want?
#
# Turn it round ([Erhan and others 2009](cite:erhan2009)). Instead of asking
# what in *this* picture matters, search the picture that a unit likes best:
# start from noise and climb its gradient. What stops the climb? They fix the
# length of the picture as a vector; we let it run. [Yosinski and others
# 2015](cite:yosinski2015) pull back at each step: shrink the picture a little
# toward grey, and blur it now and then. We add a jitter, a random shift before
# each look ([Mordvintsev and others 2015](cite:mordvintsev2015)).

# %%
kernel = torch.tensor([1.0, 4, 6, 4, 1]) / 16
kernel = (kernel[:, None] * kernel)[None, None].to(device)
grey = train_keys.X.mean()  # ()

def dream(net, regular, num_steps=120, lr=0.05):
    generator = torch.Generator().manual_seed(0)
    wanted = torch.arange(12) % 6  # (batch,)
    noise = torch.randn(12, 1, 32, 32, generator=generator).to(device)
    X = grey + 0.1 * noise  # (batch, 1, rows, rows)
    for step in range(num_steps):
        X.requires_grad_()
        shift = torch.randint(-2, 3, (2,), generator=generator) * regular
        logits = net(X.roll(shift.tolist(), (2, 3)))  # (batch, classes)
        liking = logits[torch.arange(12), wanted].sum()  # ()
        slope, = torch.autograd.grad(liking, X)
        size = slope.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        X = X.detach() + lr * slope / size  # (batch, 1, rows, rows)
        if regular:
            X = grey + 0.98 * (X - grey)  # (batch, 1, rows, rows)
        if regular and step % 4 == 3:
            X = F.conv2d(F.pad(X, (2, 2, 2, 2), "replicate"), kernel)
    return X

def fine_grain(X):
    """The share of energy beyond a quarter of a cycle per pixel."""
    waves = torch.fft.fftfreq(32).abs().to(device)  # (rows,)
    fine = torch.maximum(waves[:, None], waves) > 0.25  # (rows, rows)
    energy = torch.fft.fft2(X - X.mean(dim=(2, 3), keepdim=True)).abs() ** 2
    return (energy * fine).sum().item() / energy.sum().item()


# %% figure="trained" alt="Two rows of six generated pictures, one a kind of key, all drawn from brightness -1 to 1.2. Without regularisation they are a harsh mosaic of pure black and white, with rings and blobs packed into every corner. With it they are soft and pale, and one sees what the kind is made of, several times over: rows of dark-centred rings, soft bright blocks, and crossing strokes like bars and forks. None shows a whole key."
wild = [dream(net, regular=False) for net in nets]
calm = [dream(net, regular=True) for net in nets]
for k, row in enumerate(plt.subplots(2, 6, figsize=(5.6, 2.3))[1]):
    for kind, ax in enumerate(row):
        show(ax, (wild, calm)[k][0][kind, 0], "" if k else NAMES[kind],
             vmin=-1, vmax=1.2)
claim("the fine grain in regularised dreams", [fine_grain(X) for X in calm],
      at_most=0.05, unit="%", baseline={
          "keys": fine_grain(test_keys.X),
          "without": [fine_grain(X) for X in wild]})

# %% [markdown]
# Above without regularisation, below with it; all on one scale, from -1 to
# 1.2, about the range of real keys. The upper pictures run into pure black and
# white, and further with every step. The claim measures fine grain, quick
# changes from pixel to pixel: calm dreams are far *smoother* than real keys
# with their noise.
#
# In both you can read off parts, more easily below: rings, blocks, crossing
# strokes. But nothing says *one* ring, *one* bar and a shaft between, perhaps
# since telling six kinds apart never took that. **The picture a unit likes
# best is no picture of a key.** And the beauty of such images is partly made
# by the one who chose the blur.
#
# ## Increasingly abstract?
#
# "Each hidden layer extracts increasingly abstract features", says a slide of
# [Wahlström 2017](cite:wahlstrom2017). Here that can be measured, by **linear
# probes** ([Alain & Bengio 2016](cite:alain2016)): freeze the network, take
# one layer's features, and train a linear model on them. What it can answer,
# the layer has laid out for easy reading. They asked for the network's own
# classes; we ask other questions too.
#
# Three questions: the angle of the shaft (four answers), the kind (six), and
# all four parts at once, is each there or not? Only six patterns occur, so
# parts and kind stand on one scale.
#
# The probe is a ridge regression onto zeros and ones, a column for each
# answer; the largest wins (a part counts as there above one half). Ridge keeps
# the weights small, so 1,200 training keys suffice for a thousand pixels, and
# it is one formula. All layers but the pixels are averaged to 4 by 4 places.
# One strength of ridge for all widths is a limit of ours.
#
# **Predict:** draw three curves over the layers, from pixels to answer. Which
# rises first, parts or kind?
#
# <details><summary><b>Answer</b></summary>
#
# The angle is easy from the start and fades at the end. Parts and kind rise
# together, for a kind *is* its two parts.
#
# </details>

# %%
train_few, test = train_keys[:1200], test_keys
ANSWERS = torch.cat([F.one_hot(train_few.angle, 4), train_few.has,
                     F.one_hot(train_few.kind, 6)], dim=1).float()

def features(H):
    wide = H.dim() == 4 and H.shape[-1] < 32
    return (F.adaptive_avg_pool2d(H, 4) if wide else H).flatten(1)

def probe(A, B, ridge=0.1):
    A, B = ((H - A.mean(dim=0)) / (A.std(dim=0) + 1e-6) for H in (A, B))
    S = A.T @ A + ridge * len(A) * torch.eye(A.shape[1]).to(device)
    W = torch.linalg.solve(S, A.T @ (ANSWERS - ANSWERS.mean(dim=0)))
    angle, part, kind = (B @ W + ANSWERS.mean(dim=0)).split((4, 4, 6), dim=1)
    one, two = part.topk(2, dim=1).indices.T  # (batch,), (batch,)
    right = [angle.argmax(dim=1) == test.angle,
             ((part > 0.5) == test.has).all(dim=1),
             kind.argmax(dim=1) == test.kind, KIND_OF[one, two] == test.kind]
    return [answers.float().mean().item() for answers in right]

def probe_all(net):
    A, B = record(net, train_few.X), record(net, test.X)
    return [probe(features(A[name]), features(B[name])) for name in A]

results = {"trained": torch.tensor([probe_all(net) for net in nets]),
           "untrained": torch.tensor([probe_all(net) for net in untrained])}

# %% figure="trained" alt="Three panels, share of right answers of linear probes against the layer, for trained and untrained networks and with a dashed line for guessing. Angle: nearly perfect from the pixels to the third convolution, then it falls, in trained networks further than in untrained ones. All four parts: trained rises from guessing to nearly perfect at the third convolution, untrained rises a little and falls back to guessing. Kind: the same rise over the same layers, and the same rise and fall for untrained ones."
figure, axes = plt.subplots(1, 3, figsize=(5.8, 3.0), sharey=True)
for question, ax in enumerate(axes):
    for name, color in (("trained", BLUE), ("untrained", ORANGE)):
        shares = results[name][:, :, question].T  # (layers, seeds)
        ax.plot(["pixels", *LAYERS], shares, color=color, linewidth=1.2,
                label=[name, "_", "_"])
    ax.axhline((1 / 4, 1 / 6, 1 / 6)[question], color=GREY, linestyle="--")
    ax.set(title=("angle", "all four parts", "kind")[question], ylim=(0, 1.03))
    ax.tick_params(axis="x", rotation=90)
_ = axes[0].legend(title="share right", loc=(0, 0.26), fontsize=9)

# %% [markdown]
# Compare with your drawing, and test the statements. One number is new: the
# kind named by the two highest of the four *part* scores.

# %%
angle, parts, kind, two = results["trained"].unbind(dim=2)
lost, no_parts, no_kind, _ = results["untrained"].unbind(dim=2)
claim("the share of all parts read from conv 3", parts[:, 3], at_least=0.8,
      unit="%", baseline={"conv 1": parts[:, 1], "untrained": no_parts[:, 3]})
claim("the share of kinds read from hidden", kind[:, 4], at_least=0.8,
      unit="%", baseline={"conv 1": kind[:, 1], "untrained": no_kind[:, 4]})
claim("the share of kinds from two part scores at conv 3", two[:, 3],
      at_least=0.93, unit="%", baseline={"kind asked directly": kind[:, 3]})
claim("the mean share of angles read from the answer", angle[:, 5].mean(),
      at_most=0.5, unit="%", baseline={"untrained": lost[:, 5].mean()})

# %% [markdown]
# **Parts** and **kind** become readable *together*, and at conv 3 the part
# scores name the kind even better than asking for the kind. No ladder here,
# with parts first and objects above; one steady rise. Random weights go a
# little of the way, then lose it.
#
# **Angle** is a warning. It is readable from the raw pixels: the shaft lies
# near the middle, and a linear model need only look along four lines. It fades
# at the end. The *untrained* network loses some of it too: six numbers are
# few. Training takes it further down, at the hidden layer too, which is not
# narrow. Without the orange lines you would credit training with all of it.
# And a probe says what *can* be read from a layer, not what the network uses.
#
# ## It breaks: the stamp in the corner
#
# A new task, yes or no: has the key a fork? The collection comes from a
# workshop that stamps its fork keys with a small square in the corner:
# nineteen of twenty, and by mistake one of twenty others.

# %%
fork = PARTS.index("fork")

def stamped(keys, share):
    y = keys.has[:, fork].long()  # (batch,)
    chance = torch.where(y == 1, share, 1 - share)  # (batch,)
    dice = torch.rand(len(y), generator=generator).to(device)  # (batch,)
    marked = dice < chance  # (batch,)
    X = keys.X.clone()  # (batch, channels, rows, columns)
    X[marked, :, 2:5, 2:5] = 0.6
    return X, y, marked == (y == 1)

def learn(share):
    X, y, _ = stamped(train_keys, share)
    return [fit(seed, X, y, 80) for seed in SEEDS]

cheats, honest = learn(0.95), learn(0.5)

@torch.no_grad()
def at_work(net, share):
    """Return the share right of all keys, and where the stamp misleads."""
    X, y, agrees = stamped(test_keys, share)
    right = (net(X).argmax(dim=1) == y).float()  # (batch,)
    return right.mean().item(), right[~agrees].mean().item()

# %%
home, misled = zip(*[at_work(net, 0.95) for net in cheats], strict=True)
away, _ = zip(*[at_work(net, 0.5) for net in cheats], strict=True)
fair, _ = zip(*[at_work(net, 0.5) for net in honest], strict=True)
claim("the share right where the stamps are as in training", home,
      at_least=0.85, unit="%", baseline={"stamps at random": away})
claim("the share right, trained and tested with stamps at random", fair,
      at_least=0.6, unit="%", baseline={"trained in the workshop": away})
claim("the share right at home where the stamp misleads", misled, at_most=0.2,
      unit="%", baseline={"all keys at home": home})

# %% [markdown]
# On test keys of the same workshop all looks well. In another, where stamps
# mean nothing, the same networks do no better than a coin. The fork could have
# been learned: networks whose training stamps were random learned it in the
# same few steps. The accuracy at home would not have told you. Splitting those
# keys by the stamp would, *if you had thought of the stamp*: where it
# misleads, nearly every answer is wrong. Would occlusion tell you without that
# thought?

# %% figure="trained" alt="Four fork keys with a small bright square stamped in the upper left corner, and below each the occlusion map of the network trained on stamped keys. Every map is bright in the stamped corner only and dark at the fork."
from deepcourse.reproduce import recorded

forks = test_keys[test_keys.has[:, fork]][:40]
X, y, _ = stamped(forks, 1.0)
maps, fair_maps = ([-log_share(covered(net, X, 8), y) for net in these]
                   for these in (cheats, honest))
for k, (top, bottom) in enumerate(plt.subplots(2, 4, figsize=(5, 2.6))[1].T):
    show(top, X[k, 0])
    show_map(bottom, maps[0][k], 8)
corner = (MIDDLES < 8).all(dim=1).float()  # (points,)

def at_stamp(maps):
    return corner[maps.argmax(dim=1)].mean().item()

claim("the share of maps that point at the stamp", [at_stamp(m) for m in maps],
      at_least=0.9, unit="%", baseline={
          "trained with random stamps": [at_stamp(m) for m in fair_maps],
          "brightness": at_stamp(smooth(X[:, 0]))})
recorded("ham10000_transfer")

# %% [markdown]
# Occlusion points at the corner, in these networks only. *That* is what such
# maps are good for: not to prove that a network is right, but to catch it when
# it is right for the wrong reason.
#
# **Try it.** Let `learn` take three times as many steps. What happens to the
# shortcut?
#
# <details><summary><b>Answer</b></summary>
#
# In the other workshop the networks now do better than a coin, yet far worse
# than at home. The keys where the stamp misleads are all that the loss has
# left to teach.
#
# </details>
#
# It has happened with clinical pictures. The same moles were photographed
# twice, before and after a surgeon's pen had marked the skin beside them, and
# shown to a network on the market. Of 107 harmless ones it called about 16 %
# suspicious without the pen, and 54 % with it ([Winkler and others
# 2019](cite:winkler2019)). Perhaps it had learned from doctors who mark the
# moles that worry them. A network can be trained to tell which hospital took a
# chest X-ray ([Zech and others 2018](cite:zech2018)), and a test in a new
# hospital need not reveal a shortcut
# ([DeGrave and others 2021](cite:degrave2021)).
#
# ## At full size
#
# On ImageNet [Zeiler & Fergus 2014](cite:zeiler2014) saw corners and colours
# in layer 2, textures in layer 3, dog faces and birds' legs in layer 4 and
# whole objects in layer 5. [Bau and others 2017](cite:bau2017) counted it by
# labelled pictures: low layers detect more colours and textures, high ones
# more objects.
#
# The card above the last figure is a [run of ours](page:full_size) on skin.
# All its melanomas had been cut out, most of the moles had not. Against moles
# that had been cut out much of its skill is gone: those are harder, or it
# learned which moles doctors take out.
#
# ## Recap
#
# You can now
#
# - **look** inside: a filter is a small picture, and a hook brings you any
#   layer;
# - **ask**: occlusion needs only answers and a pass a patch, the gradient one
#   backward pass, and is noisy;
# - **test** a map: against the truth, random weights, and brightness alone;
#   ask *this kind, against which?*, which brightness cannot answer;
# - **draw** what a unit wants, which regularisation makes smooth, and which is
#   no picture of the object;
# - **measure** how readable parts and kinds become, on equal scales and
#   beside an untrained network;
# - **catch** a shortcut by covering it, or by splitting the test by it.
#
# **When to trust such pictures?** To raise a suspicion: always look. To clear
# a network of one: never by pictures alone. Test it on data where the
# suspected cue is gone.
#
# **Further reading.** The claim of abstraction that we measured, and the
# figures of Zeiler and Fergus, stand in [Wahlström 2017](cite:wahlstrom2017);
# [Winther 2018](cite:winther2018) shows first-layer filters and a fifth
# layer. [Adebayo and others 2018](cite:adebayo2018) is the paper to read next.
#
# How blocks are put together decides, too: that is the
# [next lesson](lesson:04c_architectures).
