"""Opens sandboxes: starts the fork server of a class once in each process, and asks it for one."""

import contextlib
import os
import select
import shutil
import signal
import site
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.grading import bubblewrap, sandbox, wire

KINDS = (sandbox.NAMESPACES, sandbox.BUBBLEWRAP)
SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/ssl", "/etc/pki"),
    *("/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/matplotlibrc"),
)
PASSED_ON = ("PATH", "TZ", "LD_LIBRARY_PATH", "DEEPCOURSE_DATA", "NBGRADER_EXECUTION")
PASSED_ON_STARTS = ("LANG", "LC_", "OMP_", "OPENBLAS_", "MKL_", "MPL", "PYTHON")
SECONDS = 120  # for the fork server to import what it imports

_servers, _lock = {}, threading.Lock()


class Server:
    """A fork server; ends with this process, however that ends, since its channel closes then."""

    def __init__(self, setup):
        self.setup, self.lock = setup, threading.Lock()
        self.place = tempfile.TemporaryDirectory(prefix="coursekit-grade-")
        os.chmod(self.place.name, 0o711)
        self.channel, theirs = socket.socketpair()
        with tempfile.TemporaryFile() as said:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "coursekit.grading.server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                env=environment(setup, os.path.expanduser("~"), self.place.name),
                start_new_session=True,  # Ctrl-C is for the grader, which then ends this
            )
            theirs.close()
            try:
                wire.send(self.channel, {"modules": list(setup.modules)})
                self.channel.settimeout(SECONDS)
                ready = wire.receive(self.channel)[0]
            except wire.Broken as problem:
                self.process.kill()
                said.seek(0)
                raise CourseError(
                    f"the fork server did not start ({problem}); it said:\n"
                    + said.read().decode("utf-8", "replace")[-2000:]
                ) from None
        self.channel.settimeout(None)
        if ready["threads"] != 1:
            raise CourseError(
                f"expected the fork server to have one thread, it has {ready['threads']}: a forked "
                f"kernel could hang. Preload fewer modules than {', '.join(setup.modules)}"
            )

    def fork(self, walls, admin):
        """Fork a guard that gets `admin`, its end of a channel; return its number."""
        with self.lock:
            wire.send(self.channel, {"walls": walls.to_dict()}, [admin.fileno()])
            return wire.receive(self.channel)[0]["pid"]

    def close(self):
        """End the server."""
        self.channel.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.place.cleanup()


class Box:
    """The runner's side of one open sandbox: its channel and the number of its guard."""

    def __init__(self, admin, pid, process=None):
        self.admin, self.pid, self.process = admin, pid, process
        self.handle = os.pidfd_open(pid)
        self.broken = ""

    def ask(self, request, fds=()):
        """Send a request to the sandbox's init; raises wire.Broken."""
        wire.send(self.admin, request, fds)

    def hear(self, seconds):
        """Return the next word of the init; raises wire.Broken when there is none."""
        if not select.select([self.admin], [], [], seconds)[0]:
            raise wire.Broken(f"no answer within {seconds:g} s")
        return wire.receive(self.admin)[0]

    def close(self):
        """End the sandbox and everything in it; returns when nothing is left."""
        self.admin.close()
        try:
            if not select.select([self.handle], [], [], 2.0)[0]:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.handle, signal.SIGKILL)
                select.select([self.handle], [], [], 10.0)
            if self.process:
                self.process.wait()
        finally:
            os.close(self.handle)


@contextlib.contextmanager
def open_sandbox(setup, limits):
    """Open a sandbox with these limits; everything in it ends with the block.

    Raises CourseError when none can be made; for which kinds can, see `coursekit.grading.protect`.
    """
    walls = sandbox.Walls(
        setup.sandbox,
        readable_folders(setup),
        setup.hidden,
        limits.memory,
        limits.disk,
        limits.processes,
        int(limits.total * 1.2) + 60,
    )
    admin, theirs = socket.socketpair()
    with contextlib.ExitStack() as stack:
        stack.callback(admin.close)
        try:
            if setup.sandbox == sandbox.BUBBLEWRAP:
                box = _start_cold(setup, walls, admin, theirs)
            else:
                server = server_for(setup)
                if setup.sandbox == sandbox.NONE:
                    walls = stack.enter_context(_bare_folder(server, walls))
                box = Box(admin, server.fork(walls, theirs))
        except (wire.Broken, OSError) as problem:
            _forget(setup)
            raise CourseError(f"the fork server ended ({problem}): try again") from None
        finally:
            theirs.close()
        stack.callback(box.close)
        try:
            word = box.hear(SECONDS)
        except wire.Broken as problem:
            word = {"type": "refused", "why": str(problem)}
        if word["type"] != "ready":
            raise CourseError(
                f"expected a sandbox of the kind {setup.sandbox!r}, but the system refused: "
                f"{word.get('why')}"
            )
        yield box


def server_for(setup):
    """Return this process's fork server for a setup, started when first asked for."""
    with _lock:
        if setup not in _servers:
            _servers[setup] = Server(setup)
        return _servers[setup]


def _forget(setup):
    """End a fork server that broke; the next sandbox gets a new one."""
    with _lock:
        server = _servers.pop(setup, None)
    if server:
        server.close()


def close_servers():
    """End every fork server of this process."""
    with _lock:
        while _servers:
            _servers.popitem()[1].close()


def environment(setup, home, place):
    """Return the environment variables of a sandbox: nothing secret is among them.

    `home` is the grader's own until the modules are imported, for matplotlib's cache and settings.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_STARTS)
    }
    own = {"USER": "student", "LOGNAME": "student", "PYTHONHASHSEED": "0"}
    own |= {"HOME": home, "IPYTHONDIR": f"{place}/.ipython"}
    defaults = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    python = {"PYTHONPATH": os.pathsep.join(_python_path())}
    return defaults | kept | python | dict(setup.environment) | own


def readable_folders(setup):
    """Return what a sandbox shows: the system's programs, Python, and what the setup names."""
    prefixes = sys.prefix, sys.base_prefix, sys.exec_prefix
    python = [*prefixes, site.getusersitepackages(), *_python_path(), *setup.readable]
    home = os.path.expanduser("~")
    found = []
    for path in [*SYSTEM, *(os.path.abspath(each) for each in python if each)]:
        if path in ("/", "/home", "/tmp", home) or not os.path.lexists(path):
            continue
        if not any(path == other or path.startswith(f"{other}/") for other in found):
            found.append(path)
    return tuple(found)


def _python_path():
    """Return PYTHONPATH for a sandbox: what it is here, and where coursekit is.

    Not sys.path: the folder of a script or the one that somebody happened to be in would show
    students what lies there, and nbgrader puts the class itself there.
    """
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    own = str(Path(__file__).resolve().parents[2])
    return list(dict.fromkeys([*(os.path.abspath(path) for path in given if path), own]))


@contextlib.contextmanager
def _bare_folder(server, walls):
    """Without namespaces: a folder of its own among the others, which the guard's user gets."""
    folder = tempfile.mkdtemp(dir=server.place.name)
    os.chmod(folder, 0o777 if os.geteuid() == 0 else 0o700)
    try:
        yield sandbox.Walls(**walls.to_dict() | {"folder": folder})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start_cold(setup, walls, admin, theirs):
    """Start a sandbox in bubblewrap, where nothing is imported yet; return its Box."""
    process = subprocess.Popen(
        bubblewrap.command(walls, theirs.fileno()),
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(setup, sandbox.HOME, sandbox.HOME),
        start_new_session=True,
    )
    box = Box(admin, process.pid, process)
    with contextlib.suppress(wire.Broken):  # then it says so when it is asked whether it is ready
        box.ask({"walls": walls.to_dict(), "user": sandbox.spare_user()})
    return box
