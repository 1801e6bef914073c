"""Downloads are checked from the first on, mirrors tried in turn, errors say what to do."""

import hashlib
import http.server
import re
import threading
from functools import partial

import pytest

from deepcourse import download
from deepcourse.download import DownloadError, fetch_file
from deepcourse.progress import Bar

CONTENT = b"real data"
SHA = hashlib.sha256(CONTENT).hexdigest()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """The address of a server on this machine that holds good/digits.gz and bad/digits.gz."""
    for folder, content in (("good", CONTENT), ("bad", b"another file")):
        (tmp_path / "www" / folder).mkdir(parents=True)
        (tmp_path / "www" / folder / "digits.gz").write_bytes(content)
    handler = partial(Quiet, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder in which data files lie."""
    monkeypatch.setenv("DEEPCOURSE_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def registry(*folders):
    return {"digits/digits.gz": (SHA, folders)}


def test_a_file_is_downloaded_once_and_then_found(server, folder):
    path = fetch_file("digits/digits.gz", registry(f"{server}good/"))
    assert path == folder / "digits" / "digits.gz"
    assert path.read_bytes() == CONTENT
    assert fetch_file("digits/digits.gz", registry("http://127.0.0.1:9/")) == path


def test_mirrors_are_tried_in_turn(server):
    mirrors = registry(f"{server}none/", f"{server}bad/", f"{server}good/")
    assert fetch_file("digits/digits.gz", mirrors).read_bytes() == CONTENT


def test_a_download_with_the_wrong_hash_is_refused_and_not_kept(server, folder):
    with pytest.raises(DownloadError) as caught:
        fetch_file("digits/digits.gz", registry(f"{server}bad/"))
    for part in (f"{server}bad/digits.gz", SHA, "does not match", "DEEPCOURSE_DATA"):
        assert part in str(caught.value)
    assert not (folder / "digits" / "digits.gz").exists()


def test_without_network_the_error_names_file_addresses_and_variable(folder):
    with pytest.raises(DownloadError) as caught:
        fetch_file("digits/digits.gz", registry("http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"))
    for part in ("9/a/digits.gz", "9/b/digits.gz", str(folder), "set DEEPCOURSE_DATA", "refused"):
        assert part in str(caught.value)


def test_a_file_of_yours_with_the_wrong_hash_is_refused_and_left_alone(folder):
    path = folder / "digits" / "digits.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(DownloadError, match=rf"expected SHA-256 {SHA}, came [0-9a-f]{{64}}"):
        fetch_file("digits/digits.gz", registry())
    assert path.read_bytes() == b"mine"


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(KeyError, match=r"'digit'; there are: digits/digits.gz"):
        fetch_file("digit", registry())


def test_without_the_variable_files_lie_in_the_users_cache(monkeypatch):
    monkeypatch.delenv("DEEPCOURSE_DATA")
    assert download.data_folder().name == "deepcourse"


def test_the_registry_holds_sha256_sums_and_https_addresses():
    for sha, folders in download.REGISTRY.values():
        assert re.fullmatch("[0-9a-f]{64}", sha)
        # What S3 serves as a website has no https; the hash keeps such a mirror honest.
        assert all(re.match(r"https://|http://[\w.-]+\.amazonaws\.com/", one) for one in folders)


def test_an_address_that_does_not_end_in_a_slash_is_the_files_own(server):
    own = {"digits/digits-1.gz": (SHA, (f"{server}none/", f"{server}good/digits.gz"))}
    assert fetch_file("digits/digits-1.gz", own).name == "digits-1.gz"


def test_a_file_without_an_address_says_where_to_put_it(folder):
    with pytest.raises(DownloadError, match=r"it has no address\.\n.*put the file at .*digits.gz"):
        fetch_file("digits/digits.gz", registry())


def test_a_download_shows_how_far_it_is(server, monkeypatch):
    drawn = []
    monkeypatch.setattr(download, "Bar", lambda what: Bar(what, stream=Terminal(drawn)))
    fetch_file("digits/digits.gz", registry(f"{server}good/"))
    assert re.search(rf"downloading digits\.gz 100 % .* {len(CONTENT)}/{len(CONTENT)}", drawn[-2])


class Terminal:
    def __init__(self, drawn):
        self.write = drawn.append

    def isatty(self):
        return True

    def flush(self):
        pass
