"""Where a network starts: at random, at a body pretrained here, or at ImageNet's ResNet-18.

The last is optional: its weights, trained with torchvision, are a download of 45 MB.
Imports: `net`, `download` and torch.
"""

import torch
from torch import nn
from torch.nn import functional as F

from deepcourse.download import DownloadError
from deepcourse.reproduce.clinic.net import LesionNet, make_body

ADDRESS = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # what the weights expect, of 0 to 1


def make_net(widths, num_classes, weights=None):
    """Return a network from scratch or, with `weights`, with a pretrained body.

    The body is a small one of `widths`, or ResNet-18 where the weights are its.
    """
    if weights and "conv1.weight" in weights:
        model = LesionNet(ResNet18(), 512, num_classes)
    else:
        model = LesionNet(make_body(widths), widths[-1], num_classes)
    if weights:
        model.body.load_state_dict(weights)
    return model


class Block(nn.Module):
    """Two 3x3 convolutions and a bridge. Source: He et al. (2016); names are torchvision's."""

    def __init__(self, width_in, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        bridge = [nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)]
        self.downsample = nn.Sequential(*(bridge if stride > 1 else []))

    def forward(self, X):
        """Return (batch, width, height / stride, width / stride)."""
        inside = F.relu(self.bn1(self.conv1(X)))
        return F.relu(self.downsample(X) + self.bn2(self.conv2(inside)))


class ResNet18(nn.Module):
    """The body of ResNet-18: 512 features of pictures as `net.scaled` gives them."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        widths = (64, 64, 128, 256, 512)
        for layer in range(1, 5):
            stride = 2 if layer > 1 else 1
            first = Block(widths[layer - 1], widths[layer], stride)
            block = nn.Sequential(first, Block(widths[layer], widths[layer], 1))
            self.add_module(f"layer{layer}", block)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def forward(self, X):
        """Return features (batch, 512)."""
        X = ((X * 64 + 127.5) / 255 - self.mean) / self.std
        X = F.max_pool2d(F.relu(self.bn1(self.conv1(X))), 3, 2, 1)
        for layer in range(1, 5):
            X = self.get_submodule(f"layer{layer}")(X)
        return X.mean(dim=(2, 3))


def fetch_imagenet():
    """Return the body's weights, downloaded once and checked by torch against their hash.

    Raises DownloadError, saying what to do, without a network.
    """
    try:
        weights = torch.hub.load_state_dict_from_url(
            ADDRESS, map_location="cpu", check_hash=True, progress=False
        )
    except (OSError, RuntimeError) as error:
        raise DownloadError(
            f"expected ImageNet weights from {ADDRESS}, came {error}: leave out "
            "--set imagenet=true, or try again with a connection"
        ) from error
    return {name: value for name, value in weights.items() if not name.startswith("fc.")}
