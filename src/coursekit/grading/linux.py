"""The few calls of the Linux kernel that the sandbox needs and Python 3.11 does not offer.

Source: unshare(2), mount(2), mount_setattr(2), pivot_root(2), prctl(2), capset(2).
"""

import ctypes
import os

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
RDONLY, NOSUID, NODEV, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR = 442  # the same on every architecture, since Linux 5.12
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_RECURSIVE, _AT_FDCWD = 0x8000, -100
_SET_PDEATHSIG, _SET_DUMPABLE, _CAPBSET_DROP, _NO_NEW_PRIVS, _SUBREAPER = 1, 4, 24, 38, 36
_CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def _bytes(text):
    return None if text is None else os.fsencode(text)


def unshare(flags):
    """Leave the namespaces named by `flags`; raises OSError where that is not allowed."""
    _call("unshare", ctypes.c_int(flags))


def mount(source, target, kind=None, flags=0, data=None):
    """Mount `source` on `target`."""
    flags = ctypes.c_ulong(flags)
    _call("mount", _bytes(source), _bytes(target), _bytes(kind), flags, _bytes(data))


def unmount(target):
    """Take a mount away, busy or not."""
    _call("umount2", _bytes(target), DETACH)


def pivot_root(new, old):
    """Make folder `new` the root and put the old root on `old`."""
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(f"pivot_root: its number is not known on {os.uname().machine}")
    _call("syscall", ctypes.c_long(number), _bytes(new), _bytes(old))


def bind(source, target, readonly=True):
    """Show `source` at `target`, with what is mounted below it, without set-uid."""
    mount(source, target, None, BIND | REC)
    attributes = (ctypes.c_uint64 * 4)(_ATTR_NOSUID | (_ATTR_RDONLY if readonly else 0), 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    arguments = (ctypes.c_int(_AT_FDCWD), _bytes(target), ctypes.c_uint(_RECURSIVE))
    number = ctypes.c_long(_MOUNT_SETATTR)
    if _libc.syscall(number, *arguments, ctypes.byref(attributes), size) != 0:
        # Before Linux 5.12; flags that are set must be named again, or the call is refused.
        kept = os.statvfs(target).f_flag & (NOSUID | NODEV | 8 | 1024 | 2048)
        mount(None, target, None, REMOUNT | BIND | NOSUID | kept | (RDONLY if readonly else 0))


def _prctl(option, value=0):
    _call("prctl", ctypes.c_int(option), *(ctypes.c_ulong(each) for each in (value, 0, 0, 0)))


def die_with_parent(signal_number):
    """Get this signal when the parent ends."""
    _prctl(_SET_PDEATHSIG, signal_number)


def set_dumpable(on):
    """Allow or forbid processes of the same user to look into this one."""
    _prctl(_SET_DUMPABLE, int(on))


def adopt_orphans():
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_SUBREAPER, 1)


def drop_privileges():
    """Give up every capability, for good, and whatever a set-uid file would give."""
    for number in range(64):
        if _libc.prctl(_CAPBSET_DROP, number, 0, 0, 0) != 0:
            break  # not allowed without CAP_SETPCAP, or past the last one: the rest suffices
    _prctl(_NO_NEW_PRIVS, 1)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    _call("capset", ctypes.byref(header), ctypes.byref(none))
