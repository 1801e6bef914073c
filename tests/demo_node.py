"""Run the live demos' modules in node."""

import json
import subprocess

from coursekit.site import find_node
from site_course import ROOT

FOLDER = ROOT / "web" / "demos"


def node(*arguments):
    """Run node and return what it printed, read as JSON."""
    run = subprocess.run([str(find_node()), *map(str, arguments)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def run_module(text, folder=FOLDER):
    """Run `text` as a module that can import from the demos' folder as `HERE/…`."""
    text = text.replace("HERE/", folder.as_uri() + "/")
    return node("--input-type=module", "--eval", text)
