"""Run one lesson on the second device, and count what was computed where.

`python tests/run_on_second_device.py NAME [ROOT]` rehearses the lesson of the course at ROOT
(here), so that each claim, shape comment and control is tried there, and prints one line of JSON:
`operations` that ran on the device, and how many `products`, of matrices and convolutions, ran
`there` and `here`, on the CPU.
"""

import json
import os
import sys
from pathlib import Path

from torch.utils._python_dispatch import TorchDispatchMode

import second_device
from coursekit.course import Course
from coursekit.lessons import find_lesson
from coursekit.rehearse import rehearse


class ProductsHere(TorchDispatchMode):
    """Counts products of CPU tensors; what the device does under its cover is not seen."""

    number = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func._schema.name in second_device.PRODUCTS and args[0].device.type == "cpu":
            self.number += 1
        return func(*args, **(kwargs or {}))


def main(name, root="."):
    """Rehearse the lesson called `name`; print what ran where."""
    os.environ["DEEPCOURSE_DEVICE"] = second_device.NAME
    with ProductsHere() as here:
        rehearse(find_lesson(Course(Path(root)), name))
    there = sum(second_device.OPS[product] for product in second_device.PRODUCTS)
    total = sum(second_device.OPS.values())
    print(json.dumps({"operations": total, "products": {"there": there, "here": here.number}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
