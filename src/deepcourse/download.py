"""Real data from the network, checked: SHA-256 from the first download on, mirrors in turn.

Files lie in the folder that the environment variable DEEPCOURSE_DATA names, else in the user's
cache. Imports: `progress`; pooch and requests, when `fetch_file` has to download and not before.
"""

import hashlib
import os
from pathlib import Path

from deepcourse.progress import Bar

MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
UCI = ("https://archive.ics.uci.edu/ml/machine-learning-databases/00267/",)
FASHION = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
DATAVERSE = "https://dataverse.harvard.edu/api/access/datafile/"

# file: (SHA-256, addresses: of the folder that holds it where it ends in "/", else of the file).
# Licences stand in the bibliography. A file without an address has to be put there by hand.
REGISTRY = {
    "mnist/train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        MNIST,
    ),
    "mnist/train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        MNIST,
    ),
    "mnist/t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        MNIST,
    ),
    "mnist/t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        MNIST,
    ),
    "banknote/data_banknote_authentication.txt": (
        "d0539aaed2139ba7a587b3e34fb345ce503ff7d5d33dbf9912d8e195ce425cb9",
        UCI,
    ),
    "fashion-mnist/train-images-idx3-ubyte.gz": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        FASHION,
    ),
    "fashion-mnist/train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        FASHION,
    ),
    "fashion-mnist/t10k-images-idx3-ubyte.gz": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        FASHION,
    ),
    "fashion-mnist/t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        FASHION,
    ),
    "cifar10/cifar-10-python.tar.gz": (
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ("https://www.cs.toronto.edu/~kriz/",),
    ),
    "ham10000/HAM10000_metadata.csv": (
        "06aee5e603d313ba69de38263053c792a1dff030eb9c44a96ceb477ceefb99a5",
        (f"{DATAVERSE}4338392",),
    ),
    "ham10000/HAM10000_images_part_1.zip": (
        "6202a599129c2efe81c25aea8586d422eeda8a4fae5df49dd7b7bbf956d419db",
        (f"{DATAVERSE}3172585",),
    ),
    "ham10000/HAM10000_images_part_2.zip": (
        "9677f30118c21ecc667a147de369d89acb25efab046fd32f6b13ad677ce2d6d0",
        (f"{DATAVERSE}3172584",),
    ),
    "ham10000/ham10000_images_200x150.zip": (
        "9fb1c82ec499470eaaa962fc66fedf2487fba36a91680348fa79c454c42e4499",
        (),
    ),
}


class DownloadError(OSError):
    """A data file that is neither here nor to be had, or that is not the file it should be."""


def fetch_file(name, registry=None):
    """Return the path of data file `name`, downloaded and checked when it is not there yet.

    Raises KeyError for a name that `registry` (default: REGISTRY) does not have, and DownloadError
    for a file whose SHA-256 is wrong (a copy of yours is left as it is) or that no address gave.
    """
    registry = REGISTRY if registry is None else registry
    if name not in registry:
        raise KeyError(f"no data file is called {name!r}; there are: {', '.join(registry)}")
    expected, folders = registry[name]
    path = data_folder() / name
    if path.is_file():
        _require_hash(path, expected)
        return path
    failures = []
    for folder in folders:
        address = folder + (path.name if folder.endswith("/") else "")
        try:
            return _retrieve(address, expected, path)
        except (OSError, ValueError) as error:  # no network, no such file, another hash
            failures.append(f"  {address}\n    {type(error).__name__}: {error}")
    found = "no address gave it:\n" + "\n".join(failures) if failures else "it has no address."
    raise DownloadError(
        f"{name} is not in {data_folder()}, and {found}\n"
        f"Try again with a connection, or put the file at {path}, or set DEEPCOURSE_DATA to a "
        f"folder that holds it as {name}."
    )


def data_folder():
    """Return the folder that holds data files."""
    if os.environ.get("DEEPCOURSE_DATA"):
        return Path(os.environ["DEEPCOURSE_DATA"]).expanduser()
    import pooch

    return Path(pooch.os_cache("deepcourse"))


def _retrieve(address, expected, path):
    """Download `address` to `path`, or raise; a file of another hash never reaches `path`."""
    import pooch

    pooch.get_logger().setLevel("ERROR")
    path.parent.mkdir(parents=True, exist_ok=True)
    bar = Bar(f"downloading {path.name}")
    fetch = pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 18)
    got = pooch.retrieve(address, expected, fname=path.name, path=path.parent, downloader=fetch)
    return Path(got)


def _require_hash(path, expected):
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise DownloadError(
            f"{path} is not the file it should be: expected SHA-256 {expected}, came {found}. "
            "It may be a broken download or another version; move it away and run again."
        )
