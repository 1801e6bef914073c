"""K-means features the usual way: one picture at a time in worker processes, in float32.

`config` is that of `cifar10_kmeans`. Source: Coates, Ng and Lee (2011), sections 3 and 4.
Imports: `frame.plain`, `patch_classifier`, `patch_features` and torch.
"""

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from deepcourse.reproduce.frame.plain import NUM_WORKERS, Pictures, train_plainly
from deepcourse.reproduce.parts import patch_classifier, patch_features


class Encoder:
    """Features (count * 4,) of one picture (3, side, side) from 0 to 1.

    `learned` holds centroids (count, pixels) of white patches, and the whitening's mean and matrix.
    """

    def __init__(self, learned, size):
        self.learned, self.size = [one.cpu() for one in learned], size

    def __call__(self, picture):
        """Return what each centroid says on average in each quadrant, centroid by centroid."""
        centroids, mean, matrix = self.learned
        rows = F.unfold(255 * picture[None], self.size)[0].T
        rows = (patch_features.normalize_contrast(rows) - mean) @ matrix
        distance = torch.cdist(rows, centroids)
        said = (distance.mean(dim=1, keepdim=True) - distance).clamp(min=0)
        side = picture.shape[2] - self.size + 1
        said = said.T.view(len(centroids), side, side)
        return F.adaptive_avg_pool2d(said, 2).flatten()


def encode(X, y, encoder, tiny):
    """Return the features of pictures X (batch, 3, side, side), as a DataLoader's workers do."""
    workers = 0 if tiny else NUM_WORKERS
    loader = DataLoader(Pictures(X, y, encoder), 128, num_workers=workers)
    return torch.cat([found for found, _ in loader])


def race(train, val, config, session, learn):
    """Learn a dictionary, its features and a linear classifier by plain SGD; return the numbers.

    `train` and `val` are (pictures, classes); `learn` is that of `cifar10_kmeans`.
    """
    start = session.clock.seconds()
    encoder = Encoder(learn(train[0], config.bench_count, config), config.size)
    known = encode(*train, encoder, session.tiny)
    mean, std = patch_classifier.moments(known)
    known = (known - mean) / std
    with session.clock.paused():
        new = (encode(*val, encoder, session.tiny) - mean) / std
    wall, cpu = session.clock.since(start)
    pairs = (known, train[1]), (new, val[1])
    model = torch.nn.Linear(known.shape[1], 10)
    trained = train_plainly(
        model, *pairs, config.goal, session, config.plain_lr, config.plain_epochs
    )
    return {**trained, "wall": trained["wall"] + wall, "cpu": trained["cpu"] + cpu}
