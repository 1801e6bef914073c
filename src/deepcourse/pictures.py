"""Pictures for the lessons on convolution: `load_photo`, a real photograph without a download.

Imports: torch; scikit-learn, when `load_photo` is called and not before.
"""

import torch

LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look (ITU-R BT.601)


def load_photo(name="pagoda", shrink=4):
    """Return a photograph (rows, columns) in grey levels from 0 (black) to 1 (white).

    `name` is "pagoda" (by danielbuechele) or "dahlia" (by vultilion), both under CC BY 2.0 and
    shipped with scikit-learn, 427 by 640 pixels. Each pixel returned is the mean of a square of
    `shrink` by `shrink`; what is left at the edges is cut off. The dtype is torch's default.
    Raises ValueError for another name or a `shrink` that is no whole number from 1 to 427.

    >>> load_photo().shape
    torch.Size([106, 160])
    """
    files = {"pagoda": "china.jpg", "dahlia": "flower.jpg"}
    if name not in files:
        raise ValueError(f"expected a photograph of {sorted(files)}, came {name!r}")
    if not isinstance(shrink, int) or not 1 <= shrink <= 427:
        raise ValueError(f"expected shrink to be a whole number from 1 to 427, came {shrink!r}")
    from sklearn.datasets import load_sample_image

    colours = torch.tensor(load_sample_image(files[name]) / 255, dtype=torch.get_default_dtype())
    grey = colours @ torch.tensor(LUMA, dtype=colours.dtype)
    return torch.nn.functional.avg_pool2d(grey[None], shrink)[0]
