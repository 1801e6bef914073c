"""Run the commands of `book/for_instructors.md`, write their outputs into it, take its pictures.

    python tests/instructors_page.py             in an environment that is there
    python tests/instructors_page.py --install   with the page's own installation, and its times

Each `console` block is run, command by command, in a fresh folder with a fresh clone of the last
commit. After the block that grades, formgrader is opened in a browser, the written answers get
their points, and the pictures are taken.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import grading

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "book" / "for_instructors.md"
IMAGES = ROOT / "book" / "images"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRESS = re.compile(r"^.*\] \d+ of \d+, \d+ s to go.*\n", re.MULTILINE)
INSTALLS = ("python3 -m venv", ". .venv", "pip install")
SERVER = "jupyter server"
KILOBYTES = 80
POINTS = {"Birch, Alma": (3, "Clear, and you say what would change your mind.")}


def write_bank(folder):
    """Write the assignment that the page shows into `folder`."""
    folder.mkdir()
    text = re.search(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)[1]
    (folder / "dice.py").write_text(text, encoding="utf-8")


def commands(block):
    """Return the commands of a block: the lines that begin with `$ `."""
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def run_page(folder, install):
    """Run all commands in `folder`; return {block: its new text}, print what each took."""
    shell = Shell(folder, install)
    new = {}
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        lines = []
        for command in commands(block):
            start = time.monotonic()
            if command.startswith(SERVER):
                output = photograph(Path(shell.cwd))
            elif install or not command.startswith(INSTALLS):
                output = shell.run(command)
            if command.startswith(INSTALLS):
                output = ""  # what pip has to say differs from machine to machine
            print(f"{time.monotonic() - start:6.0f} s  {command}", flush=True)
            lines += [f"$ {command}", *output.rstrip().splitlines()]
        new[block] = "\n".join(lines) + "\n"
    return new


class Shell:
    """Runs commands one after the other; keeps the folder and the variables between them."""

    def __init__(self, folder, install):
        """Start in a clone of the last commit, with the page's own assignment beside it."""
        subprocess.run(["git", "clone", "-q", ROOT, folder / "deepcourse"], check=True)
        write_bank(folder / "bank")
        self.cwd, self.state = str(folder / "deepcourse"), folder / ".state"
        path = os.environ["PATH"]
        here = str(Path(sys.executable).parent)
        self.env = os.environ | grading.PINNED | {
            "PATH": path if install else f"{here}{os.pathsep}{path}",
        }  # fmt: skip

    def run(self, command):
        """Run one command; return what it wrote."""
        script = f"{{ {command}\n}} || exit 1\npwd > {self.state}\nenv -0 > {self.state}.env"
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=self.cwd,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}"
        self.cwd = self.state.read_text().strip()
        pairs = Path(f"{self.state}.env").read_text().split("\0")
        self.env = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        return PROGRESS.sub("", ran.stdout)


def photograph(folder):
    """Grade by hand in formgrader, take the pictures; return what the server says, shortened."""
    name = next((folder / "release").iterdir()).name
    with grading.formgrader(folder) as address, grading.page(1000, 640) as page:
        grading.open_list(page, address, name)
        picture(page, "formgrader")
        for student, (points, comment) in POINTS.items():
            grading.open_submission(page, address, name, student)
            cell = page.locator("input.score").last.get_attribute("id")
            page.locator(f"#{cell}-comment").scroll_into_view_if_needed()
            grading.grade(page, cell, points, comment)
            page.locator(f"#{cell}-comment").blur()
            picture(page, "formgrader-grading")
    grading.run(folder, "coursekit", "feedback", str(folder), "--assignment", name)
    with grading.page(1000, 640) as page:
        page.goto((folder / "feedback" / "s06" / name / f"{name}.html").as_uri())
        picture(page, "feedback")
    shutil.rmtree(folder / "feedback")  # the page's own command is still to make it
    return "…\nhttp://127.0.0.1:8888/formgrader?token=…"


def picture(page, name):
    """Take a picture of what `page` shows now, in few colours."""
    from PIL import Image

    page.wait_for_timeout(800)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    few = shot.quantize(32, dither=Image.Dither.NONE)
    few.save(IMAGES / f"{name}.png", optimize=True)
    weight = (IMAGES / f"{name}.png").stat().st_size
    assert weight <= KILOBYTES * 1000, f"{name}.png weighs {weight} bytes"


def main():
    """Run the page and write it anew."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="instructors-") as place:
        new = run_page(Path(place), "--install" in sys.argv)
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda m: f"```console\n{new[m[1]]}```", text), encoding="utf-8")


if __name__ == "__main__":
    main()
