"""What a picture's patches say about it: contrast, whitening, K-means, "triangle" features.

Source: Coates, Ng and Lee (2011), sections 3 and 4. Ours: a dictionary that holds the mirror image
of each of its centroids, so that a picture and its mirror image get the same features and a
classifier learns both sides at once; lengths that ride along in the product. Imports: torch.
"""

import torch
from torch.nn import functional as F

# Elements of one block of distances: what stays in a processor's cache, what keeps a GPU busy.
BLOCK = {"cpu": 12_000_000, "cuda": 400_000_000}
FLOOR = 10.0


def normalize_contrast(rows):
    """Return patches (batch, pixels) of grey values 0 to 255 with mean 0 and variance near 1.

    FLOOR is added to each variance: flat patches, which hold noise alone, stay small.
    """
    rows = rows - rows.mean(dim=1, keepdim=True)
    variance = rows.square().sum(dim=1, keepdim=True) / (rows.shape[1] - 1)
    return rows / (variance + FLOOR).sqrt()


def whitening(rows, floor):
    """Return mean (pixels) and symmetric matrix (pixels, pixels): (rows - mean) @ matrix is white.

    Its covariance is the identity, up to `floor`, which is added to the eigenvalues.
    """
    mean = rows.mean(dim=0)
    values, vectors = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
    return mean, vectors / (values + floor).sqrt() @ vectors.T


def mirror(rows, size):
    """Return patches (batch, 3 * size * size) mirrored left to right."""
    return rows.view(-1, 3, size, size).flip(3).reshape(len(rows), -1)


def sample_patches(X, count, size):
    """Return `count` patches (count, 3 * size * size) from anywhere in X (batch, 3, side, side)."""
    draw = lambda end: torch.randint(end, (count, 1, 1, 1), device=X.device)
    steps = torch.arange(size, device=X.device)
    rows = draw(X.shape[2] - size + 1) + steps.view(1, 1, -1, 1)
    columns = draw(X.shape[3] - size + 1) + steps.view(1, 1, 1, -1)
    channels = torch.arange(3, device=X.device).view(1, -1, 1, 1)
    return X[draw(len(X)), channels, rows, columns].view(count, -1).float()


def nearest(rows, centroids, block=20_000):
    """Return the index (batch) of the nearest of `centroids` (count, pixels) to each row."""
    half = (centroids**2).sum(dim=1) / 2  # |x - c|² = |x|² - 2 (x c - |c|² / 2)
    return torch.cat([(part @ centroids.T - half).argmax(dim=1) for part in rows.split(block)])


def kmeans(rows, count, num_rounds):
    """Return `count` centroids (count, pixels) of rows (batch, pixels), by Lloyd's rounds.

    A centroid that lost all its rows goes to a row drawn at random.
    """
    if count > len(rows):
        raise ValueError(
            f"expected at least as many patches as centroids, came {len(rows)} patches for "
            f"{count} centroids: sample more patches"
        )
    pick = lambda number: rows[torch.randperm(len(rows), device=rows.device)[:number]]
    centroids = pick(count)
    for _ in range(num_rounds):
        index = nearest(rows, centroids)
        members = torch.bincount(index, minlength=count)
        sums = torch.zeros_like(centroids).index_add_(0, index, rows)
        centroids = sums / members.clamp(min=1)[:, None]
        empty = members == 0
        centroids[empty] = pick(int(empty.sum()))
    return centroids


def triangle(rows, centroids, dtype=torch.float32):
    """Return max(0, mean distance - distance) (batch, count): half of the centroids say 0.

    Products are taken in `dtype`. The squared lengths of rows and centroids are four more columns,
    each a number and what its rounding left, so that one product gives the squared distances.
    """
    ones = torch.ones(len(rows), 2, dtype=dtype, device=rows.device)
    left = torch.cat([rows.to(dtype), _two_parts((rows**2).sum(dim=1), dtype), ones], dim=1)
    lengths = _two_parts((centroids**2).sum(dim=1), dtype)
    right = torch.cat([(-2 * centroids).to(dtype), torch.ones_like(lengths), lengths], dim=1)
    distance = (left @ right.T).clamp_(min=0).sqrt_()
    return torch.sub(distance.mean(dim=1, keepdim=True), distance, out=distance).relu_()


def _two_parts(column, dtype):
    head = column.to(dtype)
    return torch.stack([head, (column - head.to(column.dtype)).to(dtype)], dim=1)


def quadrants(side, device=None):
    """Return the weights (4, side * side) that sum a map's quadrants, row by row.

    The middle row and column of an odd side count half on both sides, as a mirror image asks.
    """
    place = torch.arange(side, device=device)
    first = (0.5 + (side - 1) / 2 - place).clamp(0, 1)
    halves = torch.stack([first, 1 - first])
    return torch.einsum("ar,bc->abrc", halves, halves).reshape(4, side * side)


def white_patches(X, mean, matrix, size):
    """Return each patch of X (batch, 3, side, side) as `normalize_contrast` and whitening leave it.

    (batch, places, pixels). One convolution whitens all patches; their means and variances come
    from sums over boxes. That is twice as fast as cutting the patches out.
    """
    X = (X.float() - 128).contiguous(memory_format=torch.channels_last)
    number = 3 * size * size
    filters = matrix.T.reshape(number, 3, size, size)
    white = F.conv2d(X, filters.contiguous(memory_format=torch.channels_last))
    grey = torch.stack([X.mean(dim=1), X.square().mean(dim=1)], dim=1)
    boxes = F.avg_pool2d(F.avg_pool2d(grey, (size, 1), 1), (1, size), 1)
    level, power = boxes[:, :1], boxes[:, 1:]
    variance = (power - level.square()).clamp(min=0) * number / (number - 1)
    sums = matrix.sum(dim=0).view(1, -1, 1, 1)
    white = (white - level * sums) / (variance + FLOOR).sqrt() - (mean @ matrix).view(1, -1, 1, 1)
    return white.permute(0, 2, 3, 1).flatten(1, 2)


def encode(X, centroids, mean, matrix, size, dtype=torch.float32, mirrored=False, tick=None):
    """Return the features of pictures X (batch, 3, side, side), summed over each quadrant.

    (batch, 4 * count), or with `mirrored` (batch, 2 * count): then the second half of `centroids`
    holds the mirror images of the first, and what a centroid says left is added to what its mirror
    image says right. `tick(number)` is called after each block of pictures.
    """
    count, places = len(centroids), (X.shape[2] - size + 1) * (X.shape[3] - size + 1)
    weights = quadrants(X.shape[2] - size + 1, X.device).to(dtype)
    width = 2 * count if mirrored else 4 * count
    found = torch.empty(len(X), width, device=X.device)
    block = max(1, BLOCK.get(X.device.type, BLOCK["cpu"]) // (places * max(count, 1000)))
    for start in range(0, len(X), block):
        part = X[start : start + block]
        rows = white_patches(part, mean, matrix, size).flatten(0, 1)
        said = triangle(rows, centroids, dtype).view(len(part), places, count)
        sums = (weights @ said).float().view(len(part), 2, 2, 2, -1)  # up, left, half of the list
        if mirrored:
            sums = sums[:, :, :, 0] + sums.flip(2)[:, :, :, 1]
        found[start : start + block] = sums.reshape(len(part), -1)
        if tick:
            tick(len(part))
    return found
