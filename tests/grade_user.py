"""Runs a command as an ordinary user when the tests run as root."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

USER = 54321
# Python may lie in root's home: its folder is shown to the user in a mount namespace of our own.
SHOW = """
set -e
if [ -n "$1" ]; then
  mkdir -p "$2" && mount --bind "$1" "$2" && mount -t tmpfs -o mode=755 none "$3"
  mkdir -p "$1" && mount --bind "$2" "$1"
fi
shift 3
exec setpriv --reuid={user} --regid={user} --clear-groups --inh-caps=-all "$@"
"""


def command(folder=None):
    """Return the start of a command line; `folder` and all in it then belong to the user."""
    if folder:
        for path in folder.parents:
            if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & 0o001:
                path.chmod(path.stat().st_mode | 0o011)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, USER, USER, follow_symlinks=False)
    base = Path(os.path.realpath(sys.base_prefix))
    closed = next((p for p in reversed(base.parents) if not p.stat().st_mode & 0o001), None)
    words = [str(base), "/mnt/coursekit-python", str(closed)] if closed else ["", "", ""]
    script = SHOW.replace("{user}", str(USER))
    return ("unshare", "--mount", "sh", "-c", script, "sh", *words, "env", "HOME=/tmp")


def why_not(sandbox, as_user):
    """Return why this way of grading cannot be tested here, or ""."""
    for name in ("unshare", "setpriv") if as_user else ():
        if not shutil.which(name):
            return f"no `{name}` here"
    probe = (
        "from coursekit.grading.jobs import Setup; from coursekit.grading.protect import why_not\n"
        f"print(why_not(Setup(sandbox={sandbox!r}, modules=())))"
    )
    start = command() if as_user else ()
    ran = subprocess.run(
        [*start, sys.executable, "-c", probe], capture_output=True, text=True, cwd="/"
    )
    return (ran.stdout + ran.stderr).strip()[-300:]


def left_over(seconds=5):
    """Return the command lines of orphans that grading left behind, after a moment of patience."""
    end = time.monotonic() + seconds
    while (found := _orphans()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def _orphans():
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes()
            parent = (path / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1]
        except OSError:
            continue
        if words == b"sleep\x007777\0" or (b"coursekit.grading.server" in words and parent == "1"):
            found.append(words)
    return found
