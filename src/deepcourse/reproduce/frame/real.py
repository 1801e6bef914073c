"""Real data sets from the network, checked by hash: `deepcourse.data.load_mnist` and the others.

Images arrive as uint8 tensors (batch, channels, height, width), 0 dark to 255 bright, so that a
whole set fits a GPU; what trains on them scales them there. `deepcourse.data` hands these loaders
on without importing them, because the lessons need no download. Imports: `data`, `download`,
numpy and torch; pillow, when `load_ham10000` decodes.
"""

import csv
import gzip
import io
import struct
import zipfile
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from deepcourse.data import _split
from deepcourse.download import REGISTRY, DownloadError, data_folder, fetch_file
from deepcourse.progress import Bar
from deepcourse.reproduce.frame.cifar import MEMBERS, read_cifar10

DIGITS = tuple("0123456789")
CLOTHES = "T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot"
LESIONS = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
HAM_SMALL = "ham10000/ham10000_images_200x150.zip"
HAM_PARTS = tuple(f"ham10000/HAM10000_images_part_{part}.zip" for part in (1, 2))


@dataclass(frozen=True)
class Images:
    """Pictures with the official split: what to train on (and choose by), and what to report on.

    X_train and X_test are uint8 (batch, channels, height, width), y_train and y_test int64
    (batch) with the number of the class in `classes`.
    """

    X_train: torch.Tensor
    y_train: torch.Tensor
    X_test: torch.Tensor
    y_test: torch.Tensor
    classes: tuple[str, ...]

    def to(self, device):
        """Return the set with its tensors on `device`."""
        return _moved(self, device)


@dataclass(frozen=True)
class Lesions:
    """Dermatoscopic pictures and what is known of each; no split, because lesions repeat.

    X is uint8 (batch, 3, height, width), y int64 (batch) with the number of the diagnosis in
    `classes`, and `lesion` int64 (batch): pictures of one lesion share a number, and must stand
    in one part of a split. `age` is float32 in years, nan where unknown; `sex`, `site` and
    `proof` (how the diagnosis was made) are tuples of words; `image` holds the pictures' names.
    """

    X: torch.Tensor
    y: torch.Tensor
    lesion: torch.Tensor
    age: torch.Tensor
    sex: tuple[str, ...]
    site: tuple[str, ...]
    proof: tuple[str, ...]
    image: tuple[str, ...]
    classes: tuple[str, ...] = LESIONS

    def to(self, device):
        """Return the set with its tensors on `device`."""
        return _moved(self, device)


def load_mnist():
    """Return 60,000 + 10,000 handwritten digits, 1x28x28, as `Images`.

    Source: LeCun, Bottou, Bengio and Haffner (1998). Raises DownloadError without network.
    """
    return _idx_images("mnist", DIGITS)


def load_fashion_mnist():
    """Return 60,000 + 10,000 pictures of clothes, 1x28x28, as `Images`.

    Source: Xiao, Rasul and Vollgraf (2017). Raises DownloadError without network.
    """
    return _idx_images("fashion-mnist", tuple(CLOTHES.split()))


def load_cifar10():
    """Return 50,000 + 10,000 colour photographs of ten classes, 3x32x32, as `Images`.

    Source: Krizhevsky (2009). Raises DownloadError without network.
    """
    return Images(*read_cifar10())


def load_banknotes(seed=0, fractions=(0.6, 0.2, 0.2)):
    """Return 1,348 banknotes as a `Split`; another `seed` shuffles them into other parts.

    X has 4 columns: variance, skewness and kurtosis of the wavelet coefficients of a photograph
    of the note, and the entropy of the photograph. y has 1: 1 for a forgery, else 0. Of the
    1,372 rows 24 repeat another one and are left out, so that none is in two parts.
    Source: Lohweg (2012), UCI. Raises DownloadError without network.
    """
    path = fetch_file("banknote/data_banknote_authentication.txt")
    table = np.loadtxt(path, delimiter=",")
    _, first = np.unique(table, axis=0, return_index=True)
    table = table[np.sort(first)]
    return _split(table[:, :4], table[:, 4:], seed, fractions)


def load_ham10000():
    """Return the 10,015 pictures of HAM10000 at 3x150x200 as `Lesions`, in the order of names.

    Where the folder holds the archive of 200x150 pictures that is used, else the two official
    ones (2.7 GB) are and their pictures scaled down, whose pixels differ a little.
    The licence is non-commercial; nothing learnt from it is a diagnostic device.
    Source: Tschandl, Rosendahl and Kittler (2018). Raises DownloadError without network.
    """
    with fetch_file("ham10000/HAM10000_metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["image_id"])
    numbers = {name: number for number, name in enumerate(sorted({r["lesion_id"] for r in rows}))}
    return Lesions(
        X=_ham_pictures([row["image_id"] for row in rows]),
        y=torch.tensor([LESIONS.index(row["dx"]) for row in rows]),
        lesion=torch.tensor([numbers[row["lesion_id"]] for row in rows]),
        age=torch.tensor([float(row["age"] or "nan") for row in rows]),
        sex=tuple(row["sex"] for row in rows),
        site=tuple(row["localization"] for row in rows),
        proof=tuple(row["dx_type"] for row in rows),
        image=tuple(row["image_id"] for row in rows),
    )


def data_hashes(name):
    """Return {file: SHA-256} of what the loader `load_{name}` reads here."""
    folder = {"fashion_mnist": "fashion-mnist", "banknotes": "banknote"}.get(name, name)
    if name == "cifar10":
        return {f"cifar10/{member}": sha for member, sha in MEMBERS.items()}
    files = [file for file in REGISTRY if file.startswith(f"{folder}/")]
    if name == "ham10000":
        unused = set(HAM_PARTS) if _has_small() else {HAM_SMALL}
        files = [file for file in files if file not in unused]
    if not files:
        raise KeyError(f"no data set is called {name!r}")
    return {file: REGISTRY[file][0] for file in files}


def _moved(data, device):
    """Return a data class with its tensors on `device`."""
    old = {field.name: getattr(data, field.name) for field in fields(data)}
    new = {key: v.to(device) for key, v in old.items() if isinstance(v, torch.Tensor)}
    return replace(data, **new)


def _idx_images(folder, classes):
    train, test = (
        (
            _read_idx(f"{folder}/{part}-images-idx3-ubyte.gz", 3).unsqueeze(1),
            _read_idx(f"{folder}/{part}-labels-idx1-ubyte.gz", 1).long(),
        )
        for part in ("train", "t10k")
    )
    return Images(*train, *test, classes)


def _read_idx(name, dims):
    """Return the uint8 tensor of an IDX file: two zeros, 8 for bytes, `dims`, sizes, bytes."""
    raw = gzip.decompress(fetch_file(name).read_bytes())
    zero, kind, found, *sizes = struct.unpack(f">HBB{dims}I", raw[: 4 + 4 * dims])
    if (zero, kind, found) != (0, 8, dims):
        raise DownloadError(f"{name}: expected IDX bytes of {dims} dimensions, came {raw[:4]!r}")
    return torch.from_numpy(np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).copy()).view(sizes)


def _has_small():
    return (data_folder() / HAM_SMALL).is_file()


def _ham_pictures(names, size=(200, 150)):
    """Return the pictures `names` (width, height `size`) as uint8 (batch, 3, height, width)."""
    from PIL import Image

    X = torch.empty(len(names), 3, size[1], size[0], dtype=torch.uint8)
    archives = [
        zipfile.ZipFile(fetch_file(n)) for n in ([HAM_SMALL] if _has_small() else HAM_PARTS)
    ]
    members = {m.rsplit("/", 1)[-1]: (a, m) for a in archives for m in a.namelist()}
    bar = Bar("decoding HAM10000", len(names))
    for index, name in enumerate(names):
        archive, member = members[f"{name}.jpg"]
        picture = Image.open(io.BytesIO(archive.read(member))).convert("RGB")
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        X[index] = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)
        bar.update(1)
    bar.close()
    for archive in archives:
        archive.close()
    return X
