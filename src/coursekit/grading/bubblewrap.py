"""The same walls built by bubblewrap, for systems that let it make namespaces but not us.

Python starts anew in each sandbox, so a submission costs a second or two more than with our own.
"""

import os
import shutil
import sys

from coursekit.errors import CourseError
from coursekit.grading import sandbox

SERVER = "coursekit.grading.server"


def command(walls, channel):
    """Return the command that starts an init inside `walls`, with the channel of this number."""
    program = shutil.which("bwrap")
    if program is None:
        raise CourseError("expected bubblewrap, but no `bwrap` is installed: install bubblewrap")
    words = [program, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    words += ["--die-with-parent", "--as-pid-1", "--new-session"]
    if os.geteuid() == 0:  # the init changes the user, and gives up the right to do so
        for right in ("SETUID", "SETGID", "CHOWN"):
            words += ["--cap-add", f"CAP_{right}"]
    else:
        inside = str(sandbox.STUDENT)
        words += ["--unshare-user", "--uid", inside, "--gid", inside, "--cap-drop", "ALL"]
    words += ["--perms", "1777", "--size", str(walls.disk << 20), "--tmpfs", "/tmp"]
    words += ["--proc", "/proc", "--dev", "/dev", *_files(walls)]
    words += ["--remount-ro", "/", "--chdir", "/"]
    return [*words, sys.executable, "-P", "-m", SERVER, str(channel), "--cold"]


def _files(walls):
    words, made = [], {"/", "/tmp"}
    last = [path for path in walls.readable if _is_within(path, walls.hidden)]
    first = [path for path in walls.readable if path not in last]
    for path in first:
        words += _show(path, made)
    for path in walls.hidden:
        words += ["--tmpfs", path] if _is_within(path, first) else []
    for path in last:
        words += _show(path, made)
    return words


def _show(path, made):
    words, parts = [], path.split("/")
    for end in range(2, len(parts)):  # else bubblewrap makes folders that only root may enter
        parent = "/".join(parts[:end])
        if parent not in made:
            made.add(parent)
            words += ["--perms", "0755", "--dir", parent]
    if os.path.islink(path):
        return [*words, "--symlink", os.readlink(path), path]
    return [*words, "--ro-bind", path, path]


def _is_within(path, folders):
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
