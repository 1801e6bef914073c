"""A class for tests and pictures: stock nbgrader in subprocesses, formgrader in a browser."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from coursekit.pdf import FLAGS, find_browser

PINNED = {"OMP_NUM_THREADS": "1", "JUPYTER_PREFER_ENV_PATH": "1", "MPLBACKEND": "agg"}
# nbgrader calls alembic by name, and this environment may not be an activated one.
PINNED["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def run(folder, *command):
    """Run a command of this environment in `folder`; return what it said, fail if it fails."""
    ran = subprocess.run(
        [Path(sys.executable).parent / command[0], *command[1:]],
        cwd=folder,
        env=os.environ | PINNED,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@contextlib.contextmanager
def formgrader(folder):
    """Serve class `folder` on a free port of this machine only; yield formgrader's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.open_browser=False",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.allow_root=True",
    ]
    address = f"http://127.0.0.1:{port}/formgrader"
    with (folder.parent / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "server", *arguments],
            cwd=folder,
            env=os.environ | PINNED,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(address, server, folder.parent / "server.log")
            yield address
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(address, server, log):
    for _ in range(240):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.25)
    raise AssertionError(f"the server did not answer at {address}:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def page(width=1100, height=800):
    """Yield a page of the browser that is there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()


def open_list(page, address, assignment):
    """Open the list of submissions to `assignment`, with the students' names."""
    page.goto(f"{address}/gradebook/{assignment}/{assignment}")
    page.get_by_role("link", name="Submission #1").wait_for()
    page.get_by_role("button", name="Show All Names").click()


def open_submission(page, address, assignment, student):
    """Open the work of `student` ("Last, First") for grading by hand."""
    open_list(page, address, assignment)
    page.get_by_role("link", name=student).click()
    page.locator("input.score").first.wait_for()
    page.wait_for_load_state("networkidle")


def grade(page, cell, points, comment=""):
    """Give `points` for the cell with this id, with a comment, and wait until both are saved."""
    with page.expect_response(lambda said: "/api/grade/" in said.url and said.ok):
        page.locator(f"input.score#{cell}").fill(str(points))
        page.locator(f"input.score#{cell}").press("Tab")
    if comment:
        with page.expect_response(lambda said: "/api/comment/" in said.url and said.ok):
            page.locator(f"#{cell}-comment").fill(comment)
            page.locator(f"#{cell}-comment").press("Tab")
