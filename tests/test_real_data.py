"""The loaders of real data, on small files of the same formats, made here."""

import gzip
import hashlib
import io
import lzma
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from deepcourse import data, download
from deepcourse.download import DownloadError
from deepcourse.reproduce.frame import cifar, generated, real
from deepcourse.reproduce.frame.session import Session

NAMES = ("mnist", "fashion_mnist", "cifar10", "banknotes", "ham10000")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of data files; no address leads anywhere."""
    monkeypatch.setenv("DEEPCOURSE_DATA", str(tmp_path))
    for name, (sha, _) in list(download.REGISTRY.items()):
        monkeypatch.setitem(download.REGISTRY, name, (sha, ("http://127.0.0.1:9/",)))
    return tmp_path


@pytest.fixture
def put(folder, monkeypatch):
    """Return a function that stores a file and lets the registry expect it."""

    def store(name, content):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        sha = hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(download.REGISTRY, name, (sha, ()))

    return store


def idx(array):
    """Return an array of bytes in the IDX format, as the format's description says."""
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes())


def batch(rng, count):
    """Return pixels (count, 3072), labels and the pickle that Python 2 would have written."""
    pixels, labels = rng.integers(0, 256, (count, 3072), dtype=np.uint8), rng.integers(0, 10, count)
    return pixels, labels, python2_pickle(pixels, labels)


def python2_pickle(pixels, labels):
    """Return what Python 2 wrote for {"data": array, "labels": list}, opcode by opcode."""

    def word(text):
        return b"U" + bytes([len(text)]) + text

    def number(value):
        return b"J" + struct.pack("<i", value)

    kind = b"cnumpy\ndtype\n(" + word(b"u1") + number(0) + number(1) + b"tR"
    kind += b"(" + number(3) + word(b"|") + b"NNN" + number(-1) + number(-1) + number(0) + b"tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(" + number(0) + b"t"
    array += word(b"b") + b"tR(" + number(1) + b"(" + b"".join(map(number, pixels.shape)) + b"t"
    array += kind + number(0) + b"T" + struct.pack("<i", pixels.size) + pixels.tobytes() + b"tb"
    numbers = b"](" + b"".join(map(number, labels.tolist())) + b"e"
    return b"\x80\x02}(" + word(b"data") + array + word(b"labels") + numbers + b"u."


@pytest.fixture
def batches(monkeypatch):
    """Six small batches: pixels, labels, content; their hashes are the expected ones."""
    rng = np.random.default_rng(0)
    made = {name: batch(rng, 4) for name in cifar.MEMBERS}
    for name, (_, _, content) in made.items():
        monkeypatch.setitem(cifar.MEMBERS, name, hashlib.sha256(content).hexdigest())
    return made


def put_xz(put, batches):
    for name, (_, _, content) in batches.items():
        put(f"cifar10/{name}.xz", lzma.compress(content))


def put_archive(put, batches):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, (_, _, content) in batches.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    put("cifar10/cifar-10-python.tar.gz", archive.getvalue())


@pytest.mark.parametrize("loader", ["mnist", "fashion_mnist"])
def test_idx_files_become_uint8_pictures_and_labels(loader, put):
    rng = np.random.default_rng(0)
    where = loader.replace("_", "-")
    X, y = rng.integers(0, 256, (5, 28, 28)), rng.integers(0, 10, 5)
    for part, count in (("train", 5), ("t10k", 3)):
        put(f"{where}/{part}-images-idx3-ubyte.gz", idx(X[:count]))
        put(f"{where}/{part}-labels-idx1-ubyte.gz", idx(y[:count]))
    found = getattr(data, f"load_{loader}")()
    assert found.X_train.dtype == torch.uint8
    assert np.array_equal(found.X_train.numpy(), X[:, None])
    assert found.y_train.tolist() == y.tolist()
    assert found.X_test.shape == (3, 1, 28, 28)
    assert len(found.classes) == 10


def test_an_idx_file_of_another_shape_is_refused(put):
    for part in ("train", "t10k"):
        put(f"mnist/{part}-images-idx3-ubyte.gz", idx(np.zeros((2, 2))))
        put(f"mnist/{part}-labels-idx1-ubyte.gz", idx(np.zeros(2)))
    with pytest.raises(DownloadError, match="expected IDX bytes of 3 dimensions"):
        data.load_mnist()


@pytest.mark.parametrize("store", [put_xz, put_archive])
def test_cifar_is_the_same_from_the_archive_and_from_single_files(store, put, batches):
    store(put, batches)
    found = data.load_cifar10()
    pixels = np.concatenate([made[0] for made in batches.values()])
    labels = np.concatenate([made[1] for made in batches.values()])
    assert found.X_train.shape == (20, 3, 32, 32)
    assert np.array_equal(found.X_train.numpy().reshape(20, -1), pixels[:20])
    assert np.array_equal(found.X_test.numpy().reshape(4, -1), pixels[20:])
    assert found.y_train.tolist() + found.y_test.tolist() == labels.tolist()
    assert found.classes[3] == "cat"


@pytest.mark.parametrize("store", [put_xz, put_archive])
def test_a_batch_of_cifar_with_another_hash_is_never_opened(store, put, batches, monkeypatch):
    monkeypatch.setitem(cifar.MEMBERS, "test_batch", "0" * 64)
    monkeypatch.setattr(cifar, "_decode", lambda content: pytest.fail("opened"))
    store(put, batches)
    with pytest.raises(DownloadError, match=r"test_batch in .* expected SHA-256 0{64}, came"):
        data.load_cifar10()


def test_a_pickle_that_would_run_code_is_refused():
    with pytest.raises(pickle.UnpicklingError, match=r"asks for \w+\.eval: refused"):
        cifar._decode(b"\x80\x02c__builtin__\neval\n(U\x031+1tR.")


def test_repeated_banknotes_are_left_out_and_stand_in_one_part_only(put):
    rows = np.random.default_rng(0).normal(size=(50, 4)).round(3)
    table = np.column_stack([rows, np.arange(50) % 2])
    table = np.concatenate([table, table[:7]])
    text = "\n".join(",".join(str(value) for value in row) for row in table)
    put("banknote/data_banknote_authentication.txt", text.encode())
    found = data.load_banknotes(seed=1)
    assert (len(found.X_train), len(found.X_val), len(found.X_test)) == (30, 10, 10)
    together = torch.cat([found.X_train, found.X_val, found.X_test]).tolist()
    assert sorted(together) == sorted(rows.astype(np.float32).tolist())
    assert found.y_train.shape == (30, 1)


def jpeg(colour, size):
    picture = io.BytesIO()
    Image.new("RGB", size, colour).save(picture, "JPEG")
    return picture.getvalue()


def zipped(members):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return archive.getvalue()


TABLE = """lesion_id,image_id,dx,dx_type,age,sex,localization
HAM_2,ISIC_3,nv,follow_up,,unknown,back
HAM_1,ISIC_1,mel,histo,80.0,male,scalp
HAM_2,ISIC_2,nv,follow_up,40.0,female,back
"""


@pytest.mark.parametrize("official", [False, True])
def test_lesions_come_with_what_is_known_of_them_in_the_order_of_names(official, put):
    put("ham10000/HAM10000_metadata.csv", TABLE.encode())
    colours = {"ISIC_1": (200, 0, 0), "ISIC_2": (0, 200, 0), "ISIC_3": (0, 0, 200)}
    size = (600, 450) if official else (200, 150)
    files = {f"images/{name}.jpg": jpeg(c, size) for name, c in colours.items()}
    if official:
        first, *rest = files
        put("ham10000/HAM10000_images_part_1.zip", zipped({first: files[first]}))
        put("ham10000/HAM10000_images_part_2.zip", zipped({name: files[name] for name in rest}))
    else:
        put("ham10000/ham10000_images_200x150.zip", zipped(files))
    found = data.load_ham10000()
    assert found.image == ("ISIC_1", "ISIC_2", "ISIC_3")
    assert found.X.shape == (3, 3, 150, 200)
    assert found.X.float().mean(dim=(2, 3)).argmax(dim=1).tolist() == [0, 1, 2]
    assert [found.classes[k] for k in found.y] == ["mel", "nv", "nv"]
    assert found.lesion.tolist() == [0, 1, 1]
    assert found.age[:2].tolist() == [80, 40]
    assert found.age[2].isnan()
    assert (found.sex[0], found.site[0], found.proof[0]) == ("male", "scalp", "histo")
    used = set(real.data_hashes("ham10000"))
    assert ("ham10000/HAM10000_images_part_1.zip" in used) == official
    assert ("ham10000/ham10000_images_200x150.zip" in used) != official


def test_the_hashes_of_a_data_set_are_those_its_loader_checks():
    assert real.data_hashes("cifar10")["cifar10/test_batch"] == cifar.MEMBERS["test_batch"]
    assert set(real.data_hashes("fashion_mnist")) == {
        f"fashion-mnist/{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    }
    assert len(real.data_hashes("banknotes")) == 1
    with pytest.raises(KeyError, match="no data set is called 'digits'"):
        real.data_hashes("digits")


@pytest.mark.parametrize("name", NAMES)
def test_without_network_each_loader_names_the_file_the_address_and_the_variable(name):
    with pytest.raises(DownloadError) as caught:
        getattr(data, f"load_{name}")()
    for part in ("127.0.0.1:9", "set DEEPCOURSE_DATA to a folder", "no address gave it"):
        assert part in str(caught.value)


def test_a_data_set_that_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'load_imagenet'"):
        _ = data.load_imagenet
    with pytest.raises(AttributeError, match="has no attribute 'anything'"):
        _ = data.anything


def test_reading_the_lessons_data_reads_no_real_data():
    code = (
        "import sys; from deepcourse.data import load_digits; load_digits(); print([*sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "deepcourse.reproduce" not in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_generated_data_have_the_form_of_the_real_ones_and_do_not_change(name, tmp_path):
    session = Session(0, "cpu", tmp_path, tiny=True)
    first, second = session.data(name), session.data(name)
    assert type(first) is (data.Split if name == "banknotes" else type(first))
    X = first.X if name == "ham10000" else first.X_train
    again = second.X if name == "ham10000" else second.X_train
    assert torch.equal(X, again)
    assert X.dtype == (torch.float32 if name == "banknotes" else torch.uint8)
    if name == "ham10000":
        assert len(X) == len(first.age) == len(first.sex) == len(first.image) == len(first.y)
        assert first.y.unique().tolist() == [*range(7)]
        of_one = dict(zip(first.lesion.tolist(), first.y.tolist(), strict=True))
        assert [of_one[lesion] for lesion in first.lesion.tolist()] == first.y.tolist()


def test_generated_pictures_can_be_learnt():
    found = generated.make_cifar10()
    mean = torch.stack([found.X_train[found.y_train == k].float().mean(dim=0) for k in range(10)])
    distance = torch.cdist(found.X_test.float().flatten(1), mean.flatten(1))
    assert (distance.argmin(dim=1) == found.y_test).float().mean() > 0.5
