"""Run an assignment's cells with this answer or that, each in a process of its own.

    python -m coursekit.trial < job.json

A job is cells and variants; a variant replaces the sources of some cells. One process runs the
cells as they are and, before the first cell that a variant replaces, forks a child that runs the
variant from there: what comes before, imports included, runs once. A cell passes as in nbgrader:
no exception and nothing on stderr.
"""

import contextlib
import io
import json
import linecache
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import types

from coursekit.errors import CourseError

SECONDS = 120  # for one variant: loose, since a busy machine must not decide
FORK_LATE = sys.platform == "linux"  # elsewhere libraries may not survive a fork: fork first
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def run_variants(cells, variants, seconds=SECONDS):
    """Return ({cell id: outcome} of `cells` as they are, [the same for each of `variants`]).

    `cells` are dicts with id and source; a variant is a dict with `replace` ({id: source}) and,
    if not all, `only` (the ids of what to run from there on). An outcome is "" for a pass, else
    what went wrong in one line; cells after a time-out have none. Raises CourseError when even
    the unchanged cells do not end in time.
    """
    job = {"cells": cells, "variants": variants, "seconds": seconds}
    pinned = dict.fromkeys(THREADS, "1") | {"MPLBACKEND": "agg", "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory(prefix="coursekit-") as folder:
        command = [sys.executable, "-m", "coursekit.trial"]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen(
            command, text=True, cwd=folder, env=os.environ | pinned, start_new_session=True, **pipes
        ) as worker:
            try:
                answer, said = worker.communicate(json.dumps(job), seconds * (len(variants) + 1))
            except subprocess.TimeoutExpired:
                raise CourseError(
                    f"the cells did not end within {seconds} s a run: look for a loop without end"
                ) from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(worker.pid, signal.SIGKILL)
    if worker.returncode != 0:
        raise CourseError(f"the run of the cells broke off; it said:\n{said.strip()[-2000:]}")
    base, others = json.loads(answer)
    return base, others


def _work(job):
    """Run a job in this process and its children; return (outcomes, [outcomes of variants])."""
    cells, variants = job["cells"], job["variants"]
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    done, results = {}, [None] * len(variants)
    index = {cell["id"]: place for place, cell in enumerate(cells)}
    first = [min(index[i] for i in v["replace"]) if FORK_LATE else 0 for v in variants]
    for place, cell in enumerate(cells):
        for number, variant in enumerate(variants):
            if first[number] == place:
                results[number] = _fork(cells[place:], variant, module, job["seconds"])
        done[cell["id"]] = run_cell(cell["source"], cell["id"], module)
    return done, results


def _fork(cells, variant, module, seconds):
    """Run `variant` in a child; return its outcomes as far as they came within `seconds`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _run_variant(cells, variant, module, writer)
        finally:
            os._exit(0)
    os.close(writer)
    text, end = b"", time.monotonic() + seconds
    while select.select([reader], [], [], max(0, end - time.monotonic()))[0]:
        piece = os.read(reader, 1 << 16)
        if not piece:
            break
        text += piece
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader)
    return dict(json.loads(line) for line in text.decode().splitlines())


def _run_variant(cells, variant, module, writer):
    """Run a variant's cells, writing a line with the outcome of each to `writer`."""
    for cell in cells:
        name = cell["id"]
        if name in variant["replace"] or name in variant.get("only", [name]):
            source = variant["replace"].get(name, cell["source"])
            line = json.dumps([name, run_cell(source, name, module)])
            os.write(writer, f"{line}\n".encode())


def run_cell(source, name, module):
    """Run one cell in `module`'s namespace; return "" or, in a line, why it would not pass."""
    filename = f"<{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            exec(compile(source, filename, "exec"), module.__dict__)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        return " ".join(traceback.format_exception_only(error)[-1].split())[:300]
    return f"stderr: {' '.join(err.getvalue().split())[:300]}" if err.getvalue() else ""


def main():
    """Read a job, run it with the terminal shut off, write the outcomes."""
    job = json.load(sys.stdin)
    answer = os.dup(1)
    silent = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(silent, number)
    outcomes = json.dumps(_work(job))
    with os.fdopen(answer, "w") as file:
        file.write(outcomes)


if __name__ == "__main__":
    main()
