"""Real data from the network, checked: SHA-256 from the first download on, mirrors in turn.

Files lie in the folder that the environment variable DEEPCOURSE_DATA names, else in the user's
cache. Imports: pooch and requests, when `fetch_file` has to download and not before.
"""

import hashlib
import os
from pathlib import Path

MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
UCI = ("https://archive.ics.uci.edu/ml/machine-learning-databases/00267/",)

# file: (SHA-256, addresses of the folders that hold it). Licences stand in the bibliography.
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
        address = folder + name.rsplit("/", 1)[-1]
        try:
            return _retrieve(address, expected, path)
        except (OSError, ValueError) as error:  # no network, no such file, another hash
            failures.append(f"  {address}\n    {type(error).__name__}: {error}")
    raise DownloadError(
        f"{name} is not in {data_folder()}, and no address gave it:\n" + "\n".join(failures) + "\n"
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
    got = pooch.retrieve(address, expected, fname=path.name, path=path.parent, progressbar=False)
    return Path(got)


def _require_hash(path, expected):
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise DownloadError(
            f"{path} is not the file it should be: expected SHA-256 {expected}, came {found}. "
            "It may be a broken download or another version; move it away and run again."
        )
