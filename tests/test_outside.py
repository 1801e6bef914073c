"""Links that lead out: which are followed, and when one counts as dead."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from coursekit import outside

OWN = ("https://example.github.io/course", "https://github.com/example/course")


class Answers(BaseHTTPRequestHandler):
    """Answer with the status in the path; /flaky only the second time."""

    seen: list = []  # noqa: RUF012 - emptied by the fixture

    def do_GET(self):
        """Answer."""
        flaky = self.path == "/flaky" and self.path not in self.seen
        self.seen.append(self.path)
        self.send_response(503 if flaky else 200 if self.path == "/flaky" else int(self.path[1:]))
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def site():
    """The address of a server of planted answers."""
    Answers.seen.clear()
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_links_are_found_with_their_pages_and_own_ones_left_out(tmp_path):
    (tmp_path / "a.html").write_text(
        f'<a class="x" href="https://b.org/?a=1&amp;b=2#part">b</a><a href="{OWN[0]}/x.html">c</a>'
        f'<a href="{OWN[1]}">d</a><a href="c.html">e</a><link href="https://f.org">'
        f'<a href="{OWN[1]}-of-others">g</a>'
    )
    (tmp_path / "b.html").write_text('<a href="https://b.org/?a=1&b=2">b</a>')
    assert outside.find_links(tmp_path, OWN) == {
        "https://b.org/?a=1&b=2": ["a.html", "b.html"],
        f"{OWN[1]}-of-others": ["a.html"],
    }


@pytest.mark.parametrize(
    ("path", "state", "asked"),
    [
        ("/200", "", 1),
        ("/404", "dead", 1),
        ("/410", "dead", 1),
        ("/403", "unsure", 1),
        ("/429", "unsure", 1),
        ("/500", "dead", 3),
        ("/flaky", "", 2),
    ],
)
def test_an_answer_tells_whether_a_link_is_dead(site, path, state, asked):
    assert outside.follow(site + path, pause=0)[0] == state
    assert Answers.seen == [path] * asked


def test_a_host_that_is_not_there_is_dead():
    state, why = outside.follow("http://127.0.0.1:9/x", pause=0)
    assert state == "dead"
    assert "3 times" in why


def test_only_a_dead_link_fails_and_its_page_is_named(site, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(outside, "PAUSE", 0)
    monkeypatch.setattr(outside.check_links, "__defaults__", (0,))
    page = tmp_path / "index.html"
    page.write_text(f'<a href="{site}/200">a</a><a href="{site}/403">b</a>')
    assert outside.main([str(tmp_path)]) == 0
    assert f"unsure: {site}/403 (HTTP 403) on index.html" in capsys.readouterr().out
    page.write_text(f'<a href="{site}/404">a</a>')
    assert outside.main([str(tmp_path)]) == 1
    assert f"dead: {site}/404 (HTTP 404) on index.html" in capsys.readouterr().out
    assert outside.main([str(tmp_path / "nowhere")]) == 1
    assert "run `make book`" in capsys.readouterr().err
