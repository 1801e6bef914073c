"""Measure grading beside stock nbgrader, both on one thread, in the same run.

python tests/bench/measure_grading.py fixed [N]    cost of a blank notebook that imports numpy,
                                                   torch and matplotlib, in a class of N (20)
python tests/bench/measure_grading.py class [N]    throughput of a class of N (20), two workers
python tests/bench/measure_grading.py cluster [N]  the same on a Dask cluster of 1 and 2 workers
python tests/bench/measure_grading.py memory [N]   memory of the grader over N (200) submissions
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import grade_course as course  # noqa: E402

BLANK = "import numpy as np\nimport torch\nimport matplotlib.pyplot as plt"
TRAINING = """\
import numpy as np
import torch

torch.manual_seed(0)
x = torch.randn(2000, 20)
y = (x @ torch.randn(20, 1) > 0).float()
model = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
optimiser = torch.optim.Adam(model.parameters(), 1e-2)
for step in range(250):
    loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x), y)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
"""


def make(place, students, answer):
    """Make a course of six questions and a written one; return its folder."""
    folder = Path(place) / "stock"
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text(course.CONFIG.replace("= 6", "= 300"), "utf-8")
    cells = [new_code_cell(BLANK, id="given"), new_code_cell(answer, id="answer")]
    cells[1].metadata.update(course._meta("answer", solution=True))
    if answer != "pass":
        for number in range(6):
            test = new_code_cell(f"assert loss < {number + 1}", id=f"test-{number}")
            test.metadata.update(course._meta(test.id, grade=True, locked=True, points=1))
            cells.append(test)
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = course.source().metadata["kernelspec"]
    (folder / "source" / course.NAME).mkdir(parents=True)
    import nbformat

    nbformat.write(notebook, folder / "source" / course.NAME / f"{course.NAME}.ipynb")
    course.nbgrader(folder, "generate_assignment", course.NAME)
    for number in range(students):
        course.submit(folder, f"s{number:03}", notebook)
    return folder


def timed(function, *arguments):
    """Return (seconds by the clock, seconds of CPU time) of what a function starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    function(*arguments)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def between(folder, workers):
    """Return seconds (clock, CPU) a submission from the first that is done to the last."""
    from coursekit.grading import launch
    from coursekit.grading.grade import Options, grade_class
    from coursekit.grading.usage import measure

    seen = []

    def look(done, total):
        servers = sum(measure(s.process.pid).cpu for s in launch._servers.values())
        seen.append((time.perf_counter(), time.process_time() + servers))

    grade_class(folder, course.NAME, Options(workers=workers), lambda text: None, look)
    return [(b - a) / (len(seen) - 1) for a, b in zip(seen[0], seen[-1], strict=True)]


def fixed(count=20):
    """Print the fixed cost of a submission."""
    with tempfile.TemporaryDirectory() as place:
        folder = make(place, count, "pass")
        ours = between(course.copy(folder, Path(place) / "ours"), 1)
        wall, cpu = (t / count for t in timed(course.nbgrader, folder, "autograde", course.NAME))
        print(f"coursekit: {ours[0]:.2f} s by the clock, {ours[1]:.2f} s of CPU a submission")
        print(f"nbgrader:  {wall:.2f} s by the clock, {cpu:.2f} s of CPU a submission")
        _machine(count)


def whole_class(count=20):
    """Print the throughput of a class of notebooks that train for half a second."""
    with tempfile.TemporaryDirectory() as place:
        folder = make(place, count, TRAINING)
        ours = course.copy(folder, Path(place) / "ours")
        walls = {}
        for workers in (1, 2):
            walls[workers] = timed(course.grade, ours, "--workers", str(workers), "--force")[0]
        stock = timed(course.nbgrader, folder, "autograde", course.NAME)[0]
        assert course.rows(ours) == course.rows(folder), "the grades differ"
        for workers, wall in walls.items():
            print(
                f"{workers} workers: {wall:.1f} s, {stock / wall:.1f} times nbgrader's throughput"
            )
        print(f"nbgrader:  {stock:.1f} s")
        _machine(count)


def on_cluster(count=20):
    """Print the throughput of that class on a Dask cluster of worker processes on this machine."""
    from coursekit.grading.cluster import cluster
    from coursekit.grading.grade import Options, grade_class
    from test_grade_cluster import processes

    with tempfile.TemporaryDirectory() as place:
        folder = make(place, count, TRAINING)
        for workers in (1, 2):
            (Path(place) / str(workers)).mkdir()
            started = processes(Path(place) / str(workers), workers)
            with started as (address, _), cluster(address, workers) as pool:
                start = time.perf_counter()
                options = Options(force=True)
                grade_class(folder, course.NAME, options, lambda text: None, pool=pool)
                wall = time.perf_counter() - start
            print(f"{workers} Dask workers: {wall:.1f} s, {3600 * count / wall:.0f} an hour")
        _machine(count)


def memory(count=200):
    """Print the memory of the grading process at the start, half-way and at the end."""
    from coursekit.grading.grade import Options, grade_class

    seen = {}

    def look(done, total):
        with open("/proc/self/statm", encoding="ascii") as file:
            seen[done] = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    with tempfile.TemporaryDirectory() as place:
        folder = make(place, count, "pass")
        grade_class(folder, course.NAME, Options(workers=2), lambda text: None, look)
    for done in (10, count // 2, count):
        print(f"after {done} submissions: {seen[done]:.0f} MB")
    _machine(count)


def _machine(count):
    print(f"({count} submissions, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})")


if __name__ == "__main__":
    measures = {"fixed": fixed, "class": whole_class, "cluster": on_cluster, "memory": memory}
    if len(sys.argv) < 2 or sys.argv[1] not in measures:
        sys.exit(__doc__)
    measures[sys.argv[1]](*(int(each) for each in sys.argv[2:3]))
