"""A kernel without sockets and threads: the shell that ipykernel uses, answering on one channel.

The shell is made before the fork, beside numpy, torch and matplotlib, and then runs one student's
cells. What it shows goes to the channel as ipykernel would send it to a client; what is printed
goes straight to file descriptors 1 and 2, whoever prints it.
"""

import asyncio
import builtins
import contextlib
import getpass
import io
import os
import signal
import sys
import threading

from coursekit.grading import wire

DISPLAYED = ("execute_result", "display_data", "update_display_data", "clear_output", "error")
LONGEST = 8 << 20  # characters of one text in a message
MODULES = ("numpy", "torch", "matplotlib.pyplot")


def make_shell():
    """Return ipykernel's shell, without history, its messages going to an Outbox."""
    from ipykernel.zmqshell import ZMQInteractiveShell
    from jupyter_client.jsonutil import json_default
    from jupyter_client.session import Session
    from traitlets.config import Config

    class Outbox(Session):
        """A jupyter session that writes to the channel of this process."""

        channel, owner, lock = None, None, threading.Lock()

        def send(self, stream, msg_or_type, content=None, *args, **kwargs):
            """Send what a client would display; nothing else."""
            kind = msg_or_type if isinstance(msg_or_type, str) else msg_or_type["msg_type"]
            content = content if isinstance(msg_or_type, str) else msg_or_type["content"]
            if kind in DISPLAYED and self.owner == os.getpid():  # as jupyter: not after a fork
                with self.lock, _uninterrupted():
                    self.channel.sendall(_pack(kind, content, json_default))

    config = Config()
    config.HistoryManager.enabled = False
    config.IPKernelApp.connection_file = ""  # libraries look for it to know that this is Jupyter
    shell = ZMQInteractiveShell.instance(config=config, kernel=_NoKernel())
    shell.displayhook.session = shell.display_pub.session = Outbox()
    shell.displayhook.topic = b"execute_result"
    shell.display_pub.pub_socket = shell.displayhook.pub_socket = None
    shell.enable_gui = lambda gui=None: None  # there is no event loop of a window here
    return shell


class _NoKernel:
    """What a shell asks of its kernel: nothing that matters here."""

    eventloop = None
    shell_streams = ()


@contextlib.contextmanager
def _uninterrupted():
    """Hold an interrupt back: half a message would spoil all that follow."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cut(value):
    """Return what a message says, without texts that are too long to send."""
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:1000]} … cut: {len(value)} characters"
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    return [_cut(each) for each in value[:1000]] if isinstance(value, list) else value


def _pack(kind, content, default):
    import json

    content = _cut(content)
    try:
        return wire.pack({"type": kind, "content": content})
    except (TypeError, ValueError):
        content = json.loads(json.dumps(content, default=default, skipkeys=True))
        return wire.pack({"type": kind, "content": content})


def load(modules=MODULES):
    """Import what students will; what is not installed or breaks is left to them."""
    import importlib

    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def serve(channel, shell):
    """Answer requests on `channel` (a socket) until it closes; this process is the student's."""
    _prepare(channel, shell)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    channel.setblocking(True)
    loop.run_until_complete(_answer(loop, channel, shell))


def _prepare(channel, shell):
    """Make this process look as a fresh kernel does."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = open(number, "wb", 0, closefd=False)  # noqa: SIM115 - as long as the process lives
        stream = io.TextIOWrapper(raw, "utf-8", "backslashreplace", write_through=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = ["ipykernel_launcher.py", "-f", "kernel.json"]
    sys.path.insert(0, "")
    builtins.input = getpass.getpass = _no_input
    outbox = shell.displayhook.session
    outbox.channel, outbox.owner = channel, os.getpid()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else every student's numbers were the same


def _no_input(*args, **kwargs):
    from IPython.core.error import StdinNotImplementedError

    raise StdinNotImplementedError(
        "raw_input was called, but this frontend does not support input requests."
    )


async def _answer(loop, channel, shell):
    while True:
        # The channel's reads must not hold up what students left running in the loop.
        await _readable(loop, channel)
        try:
            request, _ = wire.receive(channel)
        except wire.Broken:
            os._exit(0)
        reply = await _run(shell, request["source"])
        if os.getpid() != shell.displayhook.session.owner:
            os._exit(0)  # a student's os.fork came back here
        _flush()
        channel.sendall(wire.pack({"type": "done", "key": request["key"]} | reply))


async def _readable(loop, channel):
    ready = loop.create_future()
    loop.add_reader(channel, lambda: ready.done() or ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(channel)


async def _run(shell, source):
    """Run a cell as ipykernel does; return what its reply would say."""
    try:
        result = await _execute(shell, source)
        error = result.error_before_exec or result.error_in_exec
        if result.success:
            return {"status": "ok"}
        stack = list(shell._last_traceback or [])
    except (Exception, KeyboardInterrupt, SystemExit, asyncio.CancelledError) as problem:
        error, stack = problem, []
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(Exception):
        return {
            "status": "error",
            "ename": type(error).__name__,
            "evalue": str(error)[:10_000],
            "traceback": [str(line)[:10_000] for line in stack[:200]],
        }
    return {"status": "error", "ename": "Error", "evalue": "", "traceback": []}


async def _execute(shell, source):
    broken = None
    try:
        transformed = shell.transform_cell(source)
    except Exception:
        transformed, broken = source, sys.exc_info()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not shell.should_run_async(
        source, transformed_cell=transformed, preprocessing_exc_tuple=broken
    ):
        return shell.run_cell(source, store_history=True)
    task = asyncio.ensure_future(
        shell.run_cell_async(
            source,
            store_history=True,
            transformed_cell=transformed,
            preprocessing_exc_tuple=broken,
        )
    )
    signal.signal(signal.SIGINT, lambda *_: task.cancel())
    result = None
    try:
        result = await task
        return result
    finally:
        shell.events.trigger("post_execute")
        shell.events.trigger("post_run_cell", result)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
