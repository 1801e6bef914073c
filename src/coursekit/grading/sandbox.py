"""A process walled in: its own files, processes and network, limits, another user, no privileges.

Called in a freshly forked process. What the process sees afterwards is a new root folder that
holds the named folders (read-only), a private /tmp, a few devices and nothing else: no home, no
class, no gradebook.
"""

import contextlib
import os
import resource
import sys
from dataclasses import asdict, dataclass

from coursekit.grading import linux
from coursekit.grading.jobs import MB

NAMESPACES, BUBBLEWRAP, NONE = "namespaces", "bubblewrap", "none"
DEVICES = ("null", "zero", "full", "random", "urandom")
HOME, WORK = "/tmp/home", "/tmp/work"
STUDENT = 1000  # the user's number inside, where there are user namespaces


@dataclass(frozen=True)
class Walls:
    """What a sandbox shows and allows: `readable` folders and files, `hidden` ones within them."""

    kind: str
    readable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    memory: int = 4096  # MB for one process
    disk: int = 512  # MB
    processes: int = 128
    seconds: int = 600  # of CPU time, for one process
    folder: str = WORK  # where the work happens; of use only without namespaces

    def to_dict(self):
        """Return what JSON can say."""
        return asdict(self)


def leave_namespaces():
    """Give this process, and with processes' numbers its children, namespaces of their own."""
    user, group = os.geteuid(), os.getegid()
    flags = linux.NEWNS | linux.NEWPID | linux.NEWNET | linux.NEWIPC | linux.NEWUTS
    if user == 0:
        linux.unshare(flags)
        return
    linux.unshare(flags | linux.NEWUSER)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{STUDENT} {user} 1")
    _write("/proc/self/gid_map", f"{STUDENT} {group} 1")


def build_root(walls, user):
    """Replace the root folder of this process by what `walls` show; `user` owns /tmp."""
    linux.mount(None, "/", None, linux.REC | linux.PRIVATE)
    linux.mount("tmpfs", "/tmp", "tmpfs", linux.NOSUID | linux.NODEV, "mode=0755")
    os.mkdir("/tmp/new")
    os.mkdir("/tmp/old")
    linux.pivot_root("/tmp", "/tmp/old")
    os.chdir("/")
    linux.mount("tmpfs", "/new", "tmpfs", linux.NOSUID | linux.NODEV, "mode=0755,size=4m")
    os.mkdir("/new/tmp")
    options = f"mode=1777,size={walls.disk}m,nr_inodes=20000"
    linux.mount("tmpfs", "/new/tmp", "tmpfs", linux.NOSUID | linux.NODEV, options)
    _show(walls)
    _make_devices()
    _make_own_files(user)
    os.mkdir("/new/proc")
    with contextlib.suppress(OSError):  # refused in some containers: then without
        linux.mount("proc", "/new/proc", "proc", linux.NOSUID | linux.NODEV | 8)
        if os.geteuid() != 0:  # nobody needs another level of users
            with contextlib.suppress(OSError):
                _write("/new/proc/sys/user/max_user_namespaces", "0")
    os.chdir("/new")
    linux.pivot_root(".", ".")
    linux.unmount(".")
    os.chdir("/")
    linux.mount(None, "/", None, linux.REMOUNT | linux.BIND | linux.RDONLY | linux.NOSUID | 4)


def limit(walls):
    """Set the limits of this process and of all that it starts."""
    wanted = {
        resource.RLIMIT_CPU: walls.seconds,
        resource.RLIMIT_DATA: walls.memory * MB,
        resource.RLIMIT_FSIZE: walls.disk * MB,
        resource.RLIMIT_NPROC: walls.processes,
        resource.RLIMIT_NOFILE: 512,
        resource.RLIMIT_CORE: 0,
    }
    for name, most in wanted.items():
        hard = resource.getrlimit(name)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(name, (most, most))
    with contextlib.suppress(OSError):  # when memory is short, this goes first
        _write("/proc/self/oom_score_adj", "1000")


def become(user):
    """Become `user` (a number) when this is root, and give up every privilege."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    linux.drop_privileges()


def spare_user(kind=NAMESPACES):
    """Return the number of a user that owns nothing and runs nothing else, if this is root.

    Without walls around it that user must be able to reach Python; where it cannot, root stays.
    """
    if os.geteuid() != 0 or (kind == NONE and not _is_open(os.path.realpath(sys.base_prefix))):
        return os.geteuid()
    number = 2_000_000_000 + os.getpid()
    with open("/proc/self/uid_map", encoding="ascii") as file:
        spans = [[int(each) for each in line.split()] for line in file]
    known = any(first <= number < first + count for first, _, count in spans)
    return number if known else 65534


def _is_open(path):
    """Say whether every user may enter this folder and those above it."""
    above = os.path.dirname(path)
    return bool(os.stat(path).st_mode & 0o001) and (above == path or _is_open(above))


def _show(walls):
    def within(path, folders):
        return any(path == f or path.startswith(f.rstrip("/") + "/") for f in folders)

    last = [path for path in walls.readable if within(path, walls.hidden)]
    for path in [path for path in walls.readable if path not in last]:
        _show_one(path)
    for path in walls.hidden:
        if os.path.isdir(f"/new{path}"):
            linux.mount("tmpfs", f"/new{path}", "tmpfs", linux.NOSUID | linux.NODEV, "size=1m")
    for path in last:
        _show_one(path)


def _show_one(path):
    old, new = f"/old{path}", f"/new{path}"
    if not os.path.lexists(old) or (os.path.lexists(new) and not os.path.isdir(new)):
        return
    os.makedirs(os.path.dirname(new), exist_ok=True)
    if os.path.islink(old):
        os.symlink(os.readlink(old), new)
    elif os.path.isdir(old):
        os.makedirs(new, exist_ok=True)
        linux.bind(old, new)
    else:
        _write(new, "")
        linux.bind(old, new)


def _make_devices():
    os.makedirs("/new/dev", exist_ok=True)
    for name in DEVICES:
        _write(f"/new/dev/{name}", "")
        linux.mount(f"/old/dev/{name}", f"/new/dev/{name}", None, linux.BIND)
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        os.symlink(f"/proc/self/fd{target}", f"/new/dev/{name}")
    os.symlink("/tmp/shm", "/new/dev/shm")
    os.mkdir("/new/dev/pts")
    options = "newinstance,ptmxmode=0666,mode=0620"
    with contextlib.suppress(OSError):  # IPython's `!command` wants a terminal
        linux.mount("devpts", "/new/dev/pts", "devpts", linux.NOSUID | 8, options)
        os.symlink("pts/ptmx", "/new/dev/ptmx")


def _make_own_files(user):
    inside = user if os.geteuid() == 0 else STUDENT
    for folder in ("home", "work", "shm"):
        os.mkdir(f"/new/tmp/{folder}", 0o700)
        os.chown(f"/new/tmp/{folder}", inside, inside)
    os.makedirs("/new/etc", exist_ok=True)
    _write("/new/etc/passwd", f"student:x:{inside}:{inside}::{HOME}:/bin/sh\n")
    _write("/new/etc/group", f"student:x:{inside}:\n")


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
