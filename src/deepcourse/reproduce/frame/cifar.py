"""CIFAR-10's files: pickles of Python 2, in the official archive or each in an .xz file.

A pickle can run code, so each is checked by hash before it is opened, and even then may name
nothing but numpy's array. Imports: `download`, numpy and torch.
"""

import hashlib
import io
import lzma
import pickle
import tarfile

import numpy as np
import torch

from deepcourse.download import DownloadError, data_folder, fetch_file
from deepcourse.progress import Bar

ARCHIVE = "cifar10/cifar-10-python.tar.gz"

# SHA-256 of the members as they are once unpacked, from either container.
MEMBERS = {
    "data_batch_1": "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    "data_batch_2": "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    "data_batch_3": "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    "data_batch_4": "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    "data_batch_5": "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    "test_batch": "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
}
CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"


class _Arrays(pickle.Unpickler):
    """Opens a pickle that holds arrays, and refuses to load anything else."""

    def find_class(self, module, name):
        """Return numpy's own function for the three names that an array's pickle uses."""
        rebuild = np.empty(0).__reduce__()[0]
        known = {"_reconstruct": rebuild, "ndarray": np.ndarray, "dtype": np.dtype}
        if module.split(".")[0] != "numpy" or name not in known:
            raise pickle.UnpicklingError(
                f"expected an array of numpy, came a pickle that asks for {module}.{name}: refused"
            )
        return known[name]


def read_cifar10():
    """Return X_train, y_train, X_test, y_test and the names of the classes.

    X is uint8 (batch, 3, 32, 32), y int64 (batch). Raises DownloadError for a member that is not
    the official one, and without network.
    """
    members = _read_members()
    parts = [_decode(members[name]) for name in MEMBERS]
    train, test = parts[:5], parts[5]
    X, y = torch.cat([part[0] for part in train]), torch.cat([part[1] for part in train])
    return X, y, *test, tuple(CLASSES.split())


def _read_members():
    """Return {name: bytes} of the members: from .xz files where all lie there, else the archive."""
    compressed = {name: data_folder() / "cifar10" / f"{name}.xz" for name in MEMBERS}
    found, bar = {}, Bar("unpacking CIFAR-10", len(MEMBERS))
    if all(path.is_file() for path in compressed.values()):
        for name, path in compressed.items():
            found[name] = _checked(path, name, lzma.decompress(path.read_bytes()))
            bar.update(1)
    else:
        path = fetch_file(ARCHIVE)
        with tarfile.open(path) as archive:
            for name in MEMBERS:
                member = archive.extractfile(f"cifar-10-batches-py/{name}")
                found[name] = _checked(path, name, member.read())
                bar.update(1)
    bar.close()
    return found


def _checked(path, name, content):
    sha = hashlib.sha256(content).hexdigest()
    if sha != MEMBERS[name]:
        raise DownloadError(
            f"{name} in {path} is not CIFAR-10's: expected SHA-256 {MEMBERS[name]}, came {sha}. "
            "Move the file away and run again."
        )
    return content


def _decode(content):
    """Return X (batch, 3, 32, 32) and y (batch) of one batch file."""
    batch = _Arrays(io.BytesIO(content), encoding="bytes").load()
    X = torch.from_numpy(np.ascontiguousarray(batch[b"data"])).view(-1, 3, 32, 32)
    return X, torch.tensor(batch[b"labels"])
