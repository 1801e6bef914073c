"""Runs one job in a sandbox: `run(job)` is all that a worker needs, here or on another machine.

The runner never trusts what comes out of a sandbox: it reads sized JSON, keeps the clock, and ends
the sandbox when a limit is passed or a message makes no sense.
"""

import base64
import contextlib
import os
import secrets
import select
import signal
import socket
import time

from coursekit.grading import canary, wire
from coursekit.grading.jobs import CRASHED, MB, TIMED_OUT, UNREADABLE, Result, Run
from coursekit.grading.launch import open_sandbox
from coursekit.grading.outputs import Outputs
from coursekit.grading.usage import measure

TICK = 0.2  # seconds between two looks at what is used
GRACE = 5.0  # seconds that an interrupted cell has to end
LONGEST = 48 * MB  # bytes of one message out of a sandbox
TIMEOUT = ("CellTimeoutError", "No reply from kernel before timeout")


def run(job):
    """Run a job; return its Result. Raises CourseError only when no sandbox can be made.

    Whatever the student's code does ends in the Result: an error of the cell, a status, a
    suspicion. Safe in several threads at once.
    """
    start = time.monotonic()
    result = Result(job.student, job.assignment, [])
    with open_sandbox(job.setup, job.limits) as box:
        try:
            for path, data in job.files.items():
                box.ask({"do": "write", "path": path, "data": base64.b64encode(data).decode()})
        except wire.Broken as problem:
            box.broken = f"its files could not be put into the sandbox: {problem}"
        for notebook in job.notebooks:
            result.runs.append(_Session(box, notebook, job.limits).run())
        result.cpu = measure(box.pid).cpu
    result.wall = time.monotonic() - start
    return result


class _Stop(Exception):
    """The notebook cannot go on; carries the status and the reason."""


class _Session:
    """One notebook in one kernel."""

    def __init__(self, box, notebook, limits):
        self.box, self.notebook, self.limits = box, notebook, limits
        self.run_ = Run(notebook.name, suspicions=list(notebook.suspicions))
        self.used = 0.0  # seconds of CPU time or of doing nothing
        self.inbox = wire.Inbox(LONGEST)

    def run(self):
        """Run every cell; return the Run."""
        if self.notebook.unreadable or self.box.broken:
            unreadable = self.notebook.unreadable
            self._stop(UNREADABLE if unreadable else CRASHED, unreadable or self.box.broken)
            return self.run_
        mine, theirs = socket.socketpair()
        (out, out_), (err, err_) = os.pipe(), os.pipe()
        self.pipes = {out: "stdout", err: "stderr"}  # those that are still open
        try:
            for fd in self.pipes:
                os.set_blocking(fd, False)
            self.channel = mine
            try:
                self.box.ask({"do": "start"}, [theirs.fileno(), out_, err_])
                self.base = measure(self.box.pid).memory
            finally:
                theirs.close()
                os.close(out_)
                os.close(err_)
            for cell in self.notebook.cells:
                self._cell(cell)
        except (_Stop, wire.Broken) as stop:
            status, why = stop.args if isinstance(stop, _Stop) else (CRASHED, str(stop))
            self._stop(status, why)
        finally:
            mine.close()
            os.close(out)
            os.close(err)
        return self.run_

    def _stop(self, status, why):
        """Note why it ended, and fail every cell that was not reached."""
        self.run_.status, self.run_.why = status, why
        name = TIMEOUT[0] if status == TIMED_OUT else "DeadKernelError"
        for cell in self.notebook.cells:
            if cell.index not in self.run_.outputs:
                failed = Outputs(self.limits)
                failed.fail(name, f"not run: {why}", [f"{name}: not run: {why}"])
                self.run_.outputs[cell.index] = failed.finish()

    def _cell(self, cell):
        doubt = ""
        if cell.is_test:
            doubt = self._canary(cell)
        outputs = Outputs(self.limits)
        try:
            reply = self._request(cell.source, outputs, cell)
            if doubt.startswith("?"):
                # An odd answer to the canary is no proof; with a pass after it, it is a reason.
                doubt = doubt[1:] if reply.get("status") == "ok" else ""
            if doubt:
                self.run_.suspicions.append(doubt)
                outputs.outputs.insert(0, canary.error(doubt))
        except _Stop as stop:
            outputs.fail("DeadKernelError", stop.args[1], [f"DeadKernelError: {stop.args[1]}"])
            raise
        finally:
            self.run_.outputs[cell.index] = outputs.finish()
            if outputs.was_cut:
                self.run_.cut.append(cell.index)

    def _canary(self, cell):
        """Run checks that must fail; return what is suspicious about the answers, or ""."""
        source, expected = canary.make(cell.source)
        outputs = Outputs(self.limits)
        reply = self._request(source, outputs, cell)
        doubt = canary.judge(reply, outputs.outputs, expected)
        if not doubt and (shown := canary.make_shown(cell.source)):
            outputs = Outputs(self.limits)
            reply = self._request(shown[0], outputs, cell)
            doubt = canary.judge_shown(reply, outputs.outputs, shown[1])
        return doubt

    def _request(self, source, outputs, cell):
        """Run `source`; put what it shows into `outputs`; return the reply."""
        key = secrets.token_hex(16)
        try:
            self.channel.sendall(wire.pack({"key": key, "source": source}))
        except OSError:
            raise _Stop(CRASHED, self._death(cell)) from None
        clock = _Clock(self.box.pid, self.limits, self.base)
        late = None
        while True:
            reply = self._listen(outputs, key, cell)
            if reply is not None:
                break
            why = clock.why_too_late()
            if late is None and why:
                late = time.monotonic()
                self.run_.status, self.run_.why = TIMED_OUT, f"{_place(cell)} {why}"
                self.box.ask({"do": "interrupt"})
            if late and time.monotonic() > late + GRACE:
                outputs.fail(*TIMEOUT, [": ".join(TIMEOUT)])
                raise _Stop(TIMED_OUT, f"{self.run_.why} and did not let itself be stopped")
            if clock.memory > self.limits.memory * MB:
                raise _Stop(CRASHED, f"{_place(cell)} used more than {self.limits.memory} MB")
        outputs.replied(reply)
        if late:
            outputs.fail(*TIMEOUT, [": ".join(TIMEOUT)])
        self.used += clock.spent()
        if self.used > self.limits.total:
            raise _Stop(TIMED_OUT, f"the notebook used {self.limits.total:g} s in all")
        return reply

    def _listen(self, outputs, key, cell):
        """Take what comes within a tick; return the reply once it is there."""
        watched = [self.channel, *self.pipes, self.box.admin]
        ready, _, _ = select.select(watched, [], [], TICK)
        data = b""
        ended = False
        if self.channel in ready:
            try:
                data = self.channel.recv(1 << 20)
                ended = not data
            except OSError:
                ended = True
        # What was printed before a message was sent is in the pipes by now: it comes first.
        self._drain(outputs)
        reply = None
        for message in self.inbox.feed(data):
            try:
                if message["type"] == "done":
                    if not secrets.compare_digest(str(message["key"]), key):
                        raise ValueError("a reply to no request")
                    reply = message
                else:
                    outputs.take(message["type"], message["content"])
            except (KeyError, TypeError, ValueError, AttributeError):
                self.run_.suspicions.append(f"{_place(cell)} sent a message of its own making")
                raise _Stop(CRASHED, f"{_place(cell)} wrote into the grader's channel") from None
        if reply is None and (ended or self.box.admin in ready):
            raise _Stop(CRASHED, self._death(cell))
        return reply

    def _drain(self, outputs):
        for fd, name in list(self.pipes.items()):
            for _ in range(256):  # a loop that prints without end must not hold the clock up
                try:
                    data = os.read(fd, 1 << 16)
                except BlockingIOError:
                    break
                if not data:
                    del self.pipes[fd]
                    break
                outputs.write(name, data)

    def _death(self, cell):
        with contextlib.suppress(wire.Broken):
            code = self.box.hear(2.0).get("code")
            if isinstance(code, int) and code < 0:
                with contextlib.suppress(ValueError):
                    return f"{_place(cell)} ended the kernel ({signal.Signals(-code).name})"
            return f"{_place(cell)} ended the kernel (exit code {code})"
        self.box.broken = "the sandbox ended"
        return f"{_place(cell)} ended the sandbox"


def _place(cell):
    return f"cell {cell.index + 1}"


class _Clock:
    """What a cell has used so far, looked up at most once a tick."""

    def __init__(self, pid, limits, base):
        self.pid, self.limits, self.base = pid, limits, base
        self.start = self.seen = time.monotonic()
        self.first = self.last = measure(pid)
        self.idle, self.memory = 0.0, 0

    def why_too_late(self):
        """Return which limit of time is passed, or ""."""
        now = time.monotonic()
        if now - self.seen >= TICK:
            usage = measure(self.pid)
            busy = usage.cpu - self.last.cpu + max(0.0, usage.queued - self.last.queued)
            if busy < 0.1 * (now - self.seen):
                self.idle += now - self.seen
            self.seen, self.last = now, usage
            self.memory = usage.memory - self.base
        if self.last.cpu - self.first.cpu > self.limits.cell:
            return f"used more than {self.limits.cell:g} s of CPU time"
        if self.idle > self.limits.cell:
            return f"did nothing for more than {self.limits.cell:g} s"
        if now - self.start > self.limits.wall:
            return f"took more than {self.limits.wall:g} s"
        return ""

    def spent(self):
        """Return the seconds of CPU time and of doing nothing."""
        return self.last.cpu - self.first.cpu + self.idle
