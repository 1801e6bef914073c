"""The progress bar: a line that is redrawn on a terminal, a line now and then elsewhere."""

import io

from deepcourse.progress import Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_the_bar_grow_on_one_line(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stream = Terminal()
    bar = Bar("reading", total=4, stream=stream)
    for _ in range(4):
        now[0] += 5
        bar.update(1, note="loss 0.5")
    bar.close()
    text = stream.getvalue()
    assert "\rreading  25 % [######                  ] 1/4, 5 s, 15 s left  loss 0.5" in text
    assert text.endswith("100 % [########################] 4/4, 20 s  loss 0.5\x1b[K\n")
    assert text.count("\n") == 1


def test_a_log_sees_a_line_now_and_then_and_nothing_of_a_quick_task(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stream = io.StringIO()
    bar = Bar("reading", total=100, stream=stream, quiet=30)
    for _ in range(100):
        now[0] += 1
        bar.update(1)
    bar.close()
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["30", "60", "90"]
    quick = io.StringIO()
    bar = Bar("reading", total=1, stream=quick)
    bar.update(1)
    bar.close()
    assert quick.getvalue() == ""


def test_without_a_total_the_bar_counts():
    bar = Bar("reading", stream=io.StringIO())
    bar.update(1234)
    assert "1,234" in bar.line()
    bar.reset()
    assert "1,234" not in bar.line()
