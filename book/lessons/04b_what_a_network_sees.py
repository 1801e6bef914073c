# %% [markdown]
# # What a convolutional network sees
#
# A network looks at a picture and is right. Was it right for the right reason?
# Asking it is no use, so people draw: its filters, the pixels it cares about,
# the picture it dreams of. Such drawings are beautiful, and some of them say
# nothing at all. In this lesson you know the truth, since every stroke of
# every picture is generated. So you can test the drawings themselves.
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

from deepcourse.claims import claim
from deepcourse.keys import KINDS, PARTS, make_keys
from deepcourse.plot import BLUE, GREY, ORANGE

generator = torch.Generator().manual_seed(0)
train_keys, val_keys, test_keys = (
    make_keys(num_keys, generator) for num_keys in (3000, 600, 600))
NAMES = [f"{PARTS[a]},\n{PARTS[b]}" for a, b in KINDS]

def show(ax, picture, title="", **options):
    ax.imshow(picture, options.pop("cmap", "gray"), **options)
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
# hidden layer. The learning rate warms up and then falls to nearly zero. Three
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
                         nn.Linear(64, 6)).eval()

def fit(seed, X, y, num_steps, lr=0.01):  # 0.005 ties on val_keys
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

# %% figure="trained" alt="Two rows of eight small 5 by 5 pictures in blue and orange. The first row, filters after training, shows a few with a light and a dark side, while most look like noise. The second row, the same network before training, is a random chequerboard."
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
# moves weights only as far as the loss asks, so their faces tell you little
# here.
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
# collecting.

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

# %% figure="trained" alt="A key with a ring and a fork, and under it three rows of feature maps. The first row, 16 by 16, still shows the key, its edges brought out in different directions. The second, 8 by 8, shows coarse spots along it. The third, 4 by 4, has only a few bright squares, mostly near the ends of the key."
number = (test_keys.kind == 2).nonzero()[0].item()
maps = record(nets[0], test_keys.X[number:number + 1])
figure, axes = plt.subplots(3, 7, figsize=(5.6, 2.7))
show(axes[0, 0], test_keys.X[number, 0], "the key")
for row, name in zip(axes, ("conv 1", "conv 2", "conv 3"), strict=True):
    liveliest = maps[name][0].amax(dim=(1, 2)).argsort(descending=True)
    for ax, channel in zip(row[1:], liveliest, strict=False):
        show(ax, maps[name][0, channel], cmap="cividis")
    row[1].set_title(name, fontsize=9, loc="left")
    row[0].set_axis_off()

# %% [markdown]
# Each row shows the six liveliest maps of a layer. With depth *where* gets
# coarser. What does *what* become? You cannot tell from a few bright squares.
# We shall measure it further down.
#
# ## Cover it up
#
# What does the decision rest on? [Zeiler & Fergus 2014](cite:zeiler2014) slide
# a grey patch over the picture and watch the answer. With $x_{\setminus p}$
# for the picture whose patch $p$ is covered,
#
# $$m(p) = \ln \frac{P(y \mid x)}{P(y \mid x_{\setminus p})}$$
#
# is large where covering hurts. It asks only for answers, no gradient: it
# works on any black box. We cover with the picture's mean brightness.

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

# %% [markdown]
# **Predict:** where on a key does covering hurt, where not at all? And what
# will the map of an untrained network look like?
#
# <details><summary><b>Answer</b></summary>
#
# It hurts at the ends, for there are the parts that make the kind. The shaft
# can go, and so can the stray stroke. An untrained network has a map too, for
# covering changes its meaningless answer as well. Draw many, and you
# will find some that look convincing.
#
# </details>

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
            ax.plot(*keys.places[k].T.flip(0), "o", markersize=13,
                    markerfacecolor="none", color=ORANGE)

plot_occlusion()

# %% [markdown]
# The circles are where the ends truly are. A bright field means: with the
# patch centred here, the right answer becomes much less likely. Play with the
# patch. When it is small, covering hardly harms and the map gets spotty; when
# it is large, the map is sure and blurred.

# %% explore=true
from deepcourse.widgets import explore

explore(plot_occlusion, size=(4, 16, 2), first=(0, 60, 3))


# %% [markdown]
# ## Does the map tell the truth?
#
# Three pretty maps prove nothing. Here we know the truth, so play the
# **pointing game** ([Zhang and others 2018](cite:zhangj2018)): take the
# brightest place of the map, and count a hit if it lies within 5 pixels of the
# middle of an end. A hundred keys, three networks.

# %%
def distances(maps):
    """How far the brightest place of each map lies from either end."""
    brightest = MIDDLES[maps.argmax(dim=1)]  # (batch, 2)
    places = test_keys.places[:len(maps)]  # (batch, 2, 2)
    return (places - brightest[:, None]).norm(dim=2)  # (batch, 2)

def hits(maps):
    nearest = distances(maps).min(dim=1).values  # (batch,)
    return (nearest <= 5).float().mean().item()

few, MIDDLES = test_keys[:100], corners(8) + 3.5  # patches of 8 pixels
after = [covered(net, few.X, 8) for net in nets]
after_untrained = [covered(net, few.X, 8) for net in untrained]
anywhere = torch.rand(100, len(MIDDLES))  # (batch, points)
claim("the share of occlusion maps that point at an end",
      [hits(-log_share(logits, few.kind)) for logits in after],
      at_least=0.75, unit="%", baseline={
          "anywhere": hits(anywhere),
          "untrained": [hits(-log_share(logits, few.kind))
                        for logits in after_untrained]})

# %% [markdown]
# A triumph? Now let a map play that knows no network at all: the mean
# brightness of each patch.

# %%
brightness = F.avg_pool2d(few.X, 8, 3).flatten(1)  # (batch, points)
claim("the share of brightness maps that point at an end", hits(brightness),
      at_least=0.95, unit="%", baseline={"anywhere": hits(anywhere)})

# %% [markdown]
# It points at the ends as well as any network, since there is most ink. **Our
# test was too easy.** It tells a good network from a bad one, and yet a map
# can pass it that has no idea what the network does. Whenever someone shows
# you heat maps on the tumour, ask how well *the brightest spot* would have
# done.
#
# A sharper question has an answer that brightness cannot know: why a key of
# *ring and block* and not one of *ring and bar*? The ring speaks for both. The
# block decides. So watch the difference of two logits, the true kind's minus a
# rival's that shares one of the two parts: the **margin**. A map now shows how
# much a patch, when covered, takes from it. For every key we pick which end
# has to decide.
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
def choose_rivals(keys):
    number = torch.arange(len(keys))  # (batch,)
    deciding = number % 2  # (batch,)
    absent = (~keys.has).nonzero()[:, 1].view(-1, 2)  # (batch, 2)
    new = absent[number, number // 2 % 2]  # (batch,)
    kept = keys.ends[number, 1 - deciding]  # (batch,)
    kind_of = torch.zeros(4, 4, dtype=torch.long)
    kind_of[KINDS[:, 0], KINDS[:, 1]] = torch.arange(6)
    return deciding, (kind_of + kind_of.T)[kept, new]  # (batch,), (batch,)

deciding, rivals = choose_rivals(test_keys)  # (batch,), (batch,)

def margin(logits):
    each = torch.arange(len(logits))  # (batch,)
    kind, rival = test_keys.kind[each], rivals[each]  # (batch,), (batch,)
    return logits[each, ..., kind] - logits[each, ..., rival]

def own_logit(logits):
    return logits[torch.arange(600), test_keys.kind]  # (batch,)

def picks(maps):
    each, away = torch.arange(len(maps)), distances(maps)  # (batch,), (_, 2)
    chosen = deciding[each]  # (batch,)
    nearer = away[each, chosen] < away[each, 1 - chosen]  # (batch,)
    return nearer.float().mean().item()


# %%
kind, rival = test_keys.kind[0], rivals[0]
print("First key:", PARTS[test_keys.ends[0, 0]], "decides between")
print(" and ".join((NAMES[kind], NAMES[rival])).replace("\n", " "))
claim("the share that picks the deciding end by occlusion",
      [picks(-margin(logits)) for logits in after], at_least=0.72, unit="%",
      baseline={"brightness": picks(brightness),
                "untrained": [picks(-margin(logits))
                              for logits in after_untrained]})

# %% [markdown]
# Now the networks stand alone. The map follows the *question*, and that is
# what we wanted to know.
#
# ## Ask the gradient
#
# Covering needs a pass for each patch. [Simonyan and others
# 2014](cite:simonyan2014) need one backward pass: the gradient of a logit with
# respect to the *pixels*. Where its size is large, a small change of
# the pixel changes the answer:
#
# $$s_{ij} = \left| \frac{\partial z_y}{\partial x_{ij}} \right|.$$
#
# That is all: freeze the weights, and let the picture be the variable.

# %%
def saliency(net, X, score):
    X = X.clone().requires_grad_()
    slope, = torch.autograd.grad(score(net(X)).sum(), X)
    return slope[:, 0].abs()  # (batch, rows, columns)

def edges(X):
    down, across = torch.gradient(X[:, 0], dim=(1, 2))
    return down.abs() + across.abs()  # (batch, rows, columns)


# %% figure="trained" alt="Two keys, a row each: the key, the gradient map of a trained network, of a network from another seed, of an untrained network, and a plain edge picture. The trained maps are speckled, with most of the bright specks near the ends of the key. The untrained map is speckled all over. The edge picture shows the outline of the key."
drawn = [saliency(net, test_keys.X, own_logit) for net in nets]
blind = [saliency(net, test_keys.X, own_logit) for net in untrained]
maps = {"trained": drawn[0], "other seed": drawn[1], "untrained": blind[0],
        "only edges": edges(test_keys.X)}
figure, axes = plt.subplots(2, 5, figsize=(5.6, 2.5))
for k, row in enumerate(axes):
    show(row[0], test_keys.X[k, 0], "key" if k == 0 else "")
    for ax, (name, pictures) in zip(row[1:], maps.items(), strict=True):
        show(ax, pictures[k], name if k == 0 else "", cmap="cividis",
             vmax=pictures[k].quantile(0.995).item())

# %% [markdown]
# Gradients are noisy: neighbouring pixels flicker, though both belong to one
# stroke. So average over patches before pointing. And apply the **sanity
# check** of [Adebayo and others 2018](cite:adebayo2018): does a map change
# when the network's weights are replaced by random ones? If not, it draws the
# picture and not the network. They found that some popular kinds of map fail,
# and the plain gradient passes. We compare maps by rank correlation: 1 for the
# same order of all pixels, 0 for unrelated orders.

# %%
def rank_correlation(one, two):
    ranks = [maps.flatten(1).argsort(dim=1).argsort(dim=1).float()
             for maps in (one, two)]
    a, b = (r - r.mean(dim=1, keepdim=True) for r in ranks)
    return F.cosine_similarity(a, b, dim=1).mean().item()

def smooth(maps):
    return F.avg_pool2d(maps[:, None], 8, 3).flatten(1)  # (batch, points)

claim("the rank correlation of a trained with an untrained network's map",
      [rank_correlation(a, b) for a, b in zip(drawn, blind, strict=True)],
      at_most=0.2, baseline={"with another trained network's": [
          rank_correlation(drawn[i], drawn[i - 1]) for i in SEEDS]})
claim("the share that picks the deciding end by gradient",
      [picks(smooth(saliency(net, test_keys.X, margin))) for net in nets],
      at_least=0.7, unit="%", baseline={
          "edges": picks(smooth(edges(test_keys.X))), "untrained": [
              picks(smooth(saliency(net, test_keys.X, margin)))
              for net in untrained]})

# %% [markdown]
# On these networks the gradient passes: random weights give another map, and
# two trained networks agree more with each other than with an untrained one.
# But look how little two *good* networks agree, pixel for pixel. Read such a
# map at the size of a part, never of a pixel.
#
# ## What does a unit want?
#
# Turn it round ([Erhan and others 2009](cite:erhan2009)). Instead of asking
# what in *this* picture matters, search the picture that a unit likes best:
# start from noise and climb its gradient. What stops the climb? Nothing, and
# that shows. [Yosinski and others 2015](cite:yosinski2015) pull back at each
# step: shrink the picture a little toward grey, and blur it now and then. We
# add a jitter, a random shift before each look.

# %%
kernel = torch.tensor([1.0, 4, 6, 4, 1]) / 16
kernel = (kernel[:, None] * kernel)[None, None]  # (1, 1, rows, rows)
grey = train_keys.X.mean()  # ()

def dream(net, regular, num_steps=120, lr=0.05):
    generator = torch.Generator().manual_seed(0)
    wanted = torch.arange(12) % 6  # (batch,)
    X = grey + 0.1 * torch.randn(12, 1, 32, 32, generator=generator)
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

def spread(pictures):
    return (pictures.std(dim=(1, 2, 3)).mean() / train_keys.X.std()).item()


# %% figure="trained" alt="Two rows of six generated pictures, one a kind of key. Without regularisation they are grainy grey texture in which rings and strokes shimmer. With it one sees what the kind is made of, several times over: rows of dark-centred rings, soft bright blocks, and crossing strokes like bars and forks. None shows a whole key."
wild = [dream(net, regular=False) for net in nets]
calm = [dream(net, regular=True) for net in nets]
figure, axes = plt.subplots(2, 6, figsize=(5.6, 2.3))
for row, pictures in zip(axes, (wild[0], calm[0]), strict=True):
    for kind, ax in enumerate(row):
        show(ax, pictures[kind, 0],
             NAMES[kind] if pictures is wild[0] else "")
claim("the spread of regularised dreams over that of keys",
      [spread(X) for X in calm], at_most=4,
      baseline={"without": [spread(X) for X in wild]})

# %% [markdown]
# Above without regularisation, below with it. Below you can read off parts:
# rings, soft blocks, crossing strokes. But nothing says *one* ring, *one* bar
# and a shaft between, for to tell six kinds apart the network never needed to
# know that. **The picture a unit likes best is no picture of a key.** Without
# regularisation the climb runs to a brightness that no key ever had, which is
# what the claim measures, against the spread of brightness in real pictures.
# Remember when you see such images: their beauty is partly made by the one who
# chose the blur.
#
# ## Increasingly abstract?
#
# "Each hidden layer extracts increasingly abstract features", says a slide of
# [Wahlström 2017](cite:wahlstrom2017). Here that can be measured, by **linear
# probes** ([Alain & Bengio 2016](cite:alain2016)): freeze the network, take
# one layer's features, and train a linear model on them for another question.
# What it can answer, the layer has laid out for easy reading.
#
# Three questions: the angle of the shaft (four answers), each part (is it
# there?), the kind (six answers). Every layer is averaged to at most 4 by 4
# places. The probe is ridge regression, in closed form; it learns from 1,200
# training keys and answers for the test keys.
#
# **Predict:** draw three curves over the layers, from pixels to answer.

# %%
train_few, test = train_keys[:1200], test_keys
ANSWERS = torch.cat([torch.eye(4)[train_few.angle], train_few.has.float(),
                     torch.eye(6)[train_few.kind]], dim=1)  # (batch, outputs)

def features(H):
    small = H.dim() == 4 and 4 < H.shape[-1] < 32
    return (F.adaptive_avg_pool2d(H, 4) if small else H).flatten(1)

def probe(A, B, ridge=0.1):
    A, B = ((H - A.mean(dim=0)) / (A.std(dim=0) + 1e-6) for H in (A, B))
    S = A.T @ A + ridge * len(A) * torch.eye(A.shape[1])
    W = torch.linalg.solve(S, A.T @ (ANSWERS - ANSWERS.mean(dim=0)))
    y_hat = B @ W + ANSWERS.mean(dim=0)  # (batch, outputs)
    right = [y_hat[:, :4].argmax(dim=1) == test.angle,
             (y_hat[:, 4:8] > 0.5) == test.has,
             y_hat[:, 8:].argmax(dim=1) == test.kind]
    return [answers.float().mean().item() for answers in right]

def probe_all(net):
    A, B = record(net, train_few.X), record(net, test.X)
    return [probe(features(A[name]), features(B[name])) for name in A]

results = {"trained": torch.tensor([probe_all(net) for net in nets]),
           "untrained": torch.tensor([probe_all(net) for net in untrained])}

# %% figure="trained" alt="Three panels, share of right answers of linear probes against the layer, for trained and untrained networks and with a dashed line for guessing. Angle: nearly perfect from the pixels to the third convolution, then it falls, in trained networks further than in untrained ones. Parts: trained rises from little above guessing to nearly perfect at the third convolution, untrained stays below three quarters and falls back. Kind: trained climbs all the way to the answer, untrained rises a little and falls back to guessing."
figure, axes = plt.subplots(1, 3, figsize=(5.8, 3.0), sharey=True)
for question, ax in enumerate(axes):
    for name, color in (("trained", BLUE), ("untrained", ORANGE)):
        shares = results[name][:, :, question].T  # (layers, seeds)
        ax.plot(["pixels", *LAYERS], shares, color=color, linewidth=1.2,
                label=[name, "_", "_"])
    ax.axhline((1 / 4, 1 / 2, 1 / 6)[question], color=GREY, linestyle="--")
    ax.set(title=("angle", "parts", "kind")[question], ylim=(0, 1.03))
    ax.tick_params(axis="x", rotation=90)
_ = axes[0].legend(title="share right", loc=(0, 0.26), fontsize=9)

# %% [markdown]
# Compare with your drawing, and put the statements to the test.

# %%
angle, parts, kind = results["trained"].unbind(dim=2)
_, by_chance, kind_by_chance = results["untrained"].unbind(dim=2)
claim("the share of parts read from conv 3", parts[:, 3], at_least=0.85,
      unit="%", baseline={"pixels": parts[:, 0], "conv 1": parts[:, 1],
                          "untrained": by_chance[:, 3]})
claim("the share of kinds read from the hidden layer", kind[:, 4],
      at_least=0.8, unit="%", baseline={"conv 1": kind[:, 1],
                                        "untrained": kind_by_chance[:, 4]})
claim("the share of angles read from the answer", angle[:, 5], at_most=0.85,
      unit="%", baseline={"conv 3": angle[:, 3]})

# %% [markdown]
# **Parts** become readable over the convolutions, and **kinds** with or after
# them. Random weights do neither. That is "increasingly abstract", with
# numbers.
#
# **Angle** is a warning. It is readable from the raw pixels: the shaft lies
# near the middle, and a linear model need only look along four lines. It fades
# at the end. It would be nice to say that the trained network throws it away
# as a nuisance. But the *untrained* one loses much of it too: its last layers
# are just narrow. In the figure training takes the angle further down, yet
# without the orange lines you would have credited it with the whole fall. And
# a probe says what *can* be read from a layer, not what the network uses.
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
    marked = torch.rand(len(y), generator=generator) < chance  # (batch,)
    X = keys.X.clone()  # (batch, channels, rows, columns)
    X[marked, :, 2:5, 2:5] = 0.6
    return X, y

X_train, y_train = stamped(train_keys, 0.95)  # (batch, 1, _, _), (batch,)
cheats = [fit(seed, X_train, y_train, 80) for seed in SEEDS]

@torch.no_grad()
def at_work(net, share):
    X, y = stamped(test_keys, share)  # (batch, 1, _, _), (batch,)
    return (net(X).argmax(dim=1) == y).float().mean().item()

home = [at_work(net, 0.95) for net in cheats]
away = [at_work(net, 0.5) for net in cheats]
claim("the share right where the stamps are as in training", home,
      at_least=0.85, unit="%", baseline={"stamps at random": away})

# %% [markdown]
# On test keys of the same workshop all looks well. In another, where stamps
# mean nothing, the same networks do no better than a coin. No test set from
# the first workshop would have told you. Would occlusion?

# %% figure="trained" alt="Four fork keys with a small bright square stamped in the upper left corner, and below each the occlusion map of the network trained on stamped keys. Every map is bright in the stamped corner only and dark at the fork."
forks = test_keys[test_keys.has[:, fork]][:40]
X, y = stamped(forks, 1.0)  # (batch, 1, rows, columns), (batch,)
cover = [-log_share(covered(net, X, 8), y) for net in cheats]
for k, (top, bottom) in enumerate(plt.subplots(2, 4, figsize=(5, 2.6))[1].T):
    show(top, X[k, 0])
    show_map(bottom, cover[0][k], 8)
corner = (MIDDLES < 8).all(dim=1).float()  # (points,)
claim("the share of maps that point at the stamp",
      [corner[maps.argmax(dim=1)].mean().item() for maps in cover],
      at_least=0.9, unit="%", baseline={"anywhere": corner.mean()})

# %% [markdown]
# Occlusion points at the corner in nearly every picture. *That* is what such
# maps are good for: not to prove that a network is right, but to catch it when
# it is right for the wrong reason.
#
# It has happened in clinics. A network on the market rated harmless moles as
# more suspicious when a surgeon's pen had marked the skin beside them; false
# alarms rose by about 40 %, its testers report ([Winkler and others
# 2019](cite:winkler2019)). Networks for pneumonia could tell from a chest
# X-ray in which hospital it was taken, and merely sorting by hospital would
# have looked like skill ([Zech and others 2018](cite:zech2018)). Networks for
# COVID-19 relied on such marks as well; there, maps helped to find it
# ([DeGrave and others 2021](cite:degrave2021)).
#
# ## At full size
#
# On ImageNet [Zeiler & Fergus 2014](cite:zeiler2014) saw corners and colours
# in layer 2, textures in layer 3, dog faces and birds' legs in layer 4 and
# whole objects in layer 5. [Bau and others 2017](cite:bau2017) counted it by
# labelled pictures: low layers detect more colours and textures, high ones
# more objects. [Alain & Bengio 2016](cite:alain2016) found the classes ever
# more linearly readable with depth in two large networks. The hooks and the
# gradients are the same lines of code.
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
#   ask a question that shortcuts cannot answer;
# - **draw** what a unit wants, which regularisation makes legible, and which
#   is no picture of the object;
# - **measure**: parts, then kinds become linearly readable, beside an
#   untrained network;
# - **catch** a shortcut by covering it.
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
# One more thing decides what a network can see: how its blocks are put
# together. That is the [next lesson](lesson:04c_architectures).
