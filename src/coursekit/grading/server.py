"""The fork server: imports once what every submission needs, then forks for each of them.

    python -m coursekit.grading.server FD

A request on socket FD brings a sandbox's walls and the runner's end of a channel; the answer is
the number of the process that guards it. Guard and init belong to us, the kernel to the student:

    server ── guard (waits, ends what is left) ── init (first process inside) ── kernel

Cold, inside bubblewrap, only the last two exist. Each ends when its channel closes.
"""

import base64
import contextlib
import gc
import os
import select
import signal
import socket
import sys
from pathlib import Path

from coursekit.grading import kernel, linux, sandbox, wire
from coursekit.grading.usage import descendants


def main():
    """Serve forks on the socket whose number is given; with `--cold`, be the init of one."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    if "--cold" in sys.argv:
        return _cold(channel)
    os.chdir("/")
    settings, _ = wire.receive(channel)
    shell = kernel.make_shell()
    kernel.load(settings["modules"])
    gc.collect()
    gc.freeze()
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    signal.signal(signal.SIGCHLD, _reap)  # ignoring it would lose count of the time they used
    wire.send(channel, {"ready": True, "threads": threads})
    with contextlib.suppress(wire.Broken):
        while True:
            request, fds = wire.receive(channel)
            child = os.fork()
            if child == 0:
                channel.close()
                _guard(sandbox.Walls(**request["walls"]), socket.socket(fileno=fds[0]), shell)
            for fd in fds:
                os.close(fd)
            wire.send(channel, {"pid": child})


def _reap(*_):
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _guard(walls, admin, shell):
    """Fork the init of a sandbox and wait for it; never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    linux.die_with_parent(signal.SIGKILL)
    linux.adopt_orphans()
    try:
        user = sandbox.spare_user(walls.kind)
        if walls.kind == sandbox.NAMESPACES:
            sandbox.leave_namespaces()
        child = os.fork()
        if child == 0:
            _be_init(walls, admin, shell, user)
        admin.close()
        os.waitpid(child, 0)
        _end_all()
    except BaseException as error:
        with contextlib.suppress(BaseException):
            wire.send(admin, {"type": "refused", "why": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def _be_init(walls, admin, shell, user):
    try:
        linux.die_with_parent(signal.SIGKILL)
        if walls.kind == sandbox.NAMESPACES:
            sandbox.build_root(walls, user)
        else:
            linux.adopt_orphans()
        sandbox.limit(walls)
        sandbox.become(user)
        linux.die_with_parent(signal.SIGKILL)  # becoming another user forgets it
        linux.set_dumpable(False)
        os.chdir(walls.folder)
        Init(admin, shell, walls).serve()
    except wire.Broken:
        pass
    except BaseException as error:
        with contextlib.suppress(BaseException):
            wire.send(admin, {"type": "refused", "why": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def _cold(admin):
    """Be the init inside bubblewrap: nothing is imported yet."""
    request, _ = wire.receive(admin)
    walls = sandbox.Walls(**request["walls"])
    for folder in (sandbox.HOME, sandbox.WORK, "/tmp/shm"):
        os.mkdir(folder, 0o700)
        if os.geteuid() == 0:
            os.chown(folder, request["user"], request["user"])
    sandbox.limit(walls)
    sandbox.become(request["user"])
    linux.set_dumpable(False)
    os.chdir(walls.folder)
    with contextlib.suppress(wire.Broken):
        Init(admin, kernel.make_shell(), walls).serve()
    os._exit(0)


class Init:
    """The first process of a sandbox: writes the files, starts kernels, reports their end."""

    def __init__(self, admin, shell, walls):
        self.admin, self.shell, self.kind = admin, shell, walls.kind
        self.kernel = None
        self.woken, waker = socket.socketpair()
        self.woken.setblocking(False)
        waker.setblocking(False)
        self.waker = waker
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        home = walls.folder if walls.kind == sandbox.NONE else sandbox.HOME
        ours = {"IPYTHONDIR": ".ipython", "MPLCONFIGDIR": ".matplotlib"}
        os.environ.update({name: f"{home}/{folder}" for name, folder in ours.items()})
        os.environ.update(HOME=home, TMPDIR="/tmp")

    def serve(self):
        """Do what the runner asks until it closes the channel (raises wire.Broken then)."""
        wire.send(self.admin, {"type": "ready"})
        while True:
            ready, _, _ = select.select([self.admin, self.woken], [], [])
            if self.woken in ready:
                with contextlib.suppress(BlockingIOError):
                    self.woken.recv(4096)
                self.reap()
            if self.admin in ready:
                request, fds = wire.receive(self.admin)
                getattr(self, f"do_{request['do']}")(request, fds)

    def reap(self):
        """Take note of every child that ended."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.kernel:
                    self.kernel = None
                    code = os.waitstatus_to_exitcode(ended[1])
                    wire.send(self.admin, {"type": "ended", "code": code})

    def do_write(self, request, _):
        """Write a file into the work folder."""
        path = Path(request["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(request["data"]))

    def do_start(self, _, fds):
        """End what a notebook before left, then fork a kernel with these three channels."""
        self.clear()
        child = os.fork()
        if child == 0:
            _be_kernel(fds, self)
        for fd in fds:
            os.close(fd)
        self.kernel = child

    def do_interrupt(self, _, fds):
        """Interrupt the kernel as Ctrl-C would."""
        if self.kernel:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.kernel, signal.SIGINT)

    def clear(self):
        """End every other process of the sandbox."""
        self.kernel = None
        if self.kind == sandbox.NONE:
            _end_all()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
        self.reap()


def _be_kernel(fds, init):
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for each in (init.admin, init.waker, init.woken):
            each.close()
        linux.die_with_parent(signal.SIGKILL)
        linux.set_dumpable(True)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number, fd in enumerate((null, fds[1], fds[2])):
            os.dup2(fd, number)
            os.close(fd)
        kernel.serve(socket.socket(fileno=fds[0]), init.shell)
    finally:
        os._exit(1)


def _end_all():
    """Kill every descendant, until there is none."""
    while left := [pid for pid in descendants(os.getpid()) if pid != os.getpid()]:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _reap()


if __name__ == "__main__":
    main()
