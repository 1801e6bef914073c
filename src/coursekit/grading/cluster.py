"""Grade on more than one machine: a Dask cluster's workers run the jobs, each in a sandbox there.

Preparing, saving and the gradebook stay with the one process that calls `grade_class`. A worker
that dies loses its job to another one; Dask gives a job up after three workers died of it, and
then it is run here, alone. Whoever can reach a Dask scheduler can run code on its workers: keep it
on a network of your own, or use Dask's `tls://` addresses.
"""

import contextlib
import dataclasses
import functools
from concurrent.futures import Executor
from dataclasses import dataclass

from coursekit.errors import CourseError
from coursekit.grading.protect import find_protection
from coursekit.grading.sandbox import NONE

SECONDS = 30  # to reach the scheduler, and for a first worker to be there


@dataclass
class Pool(Executor):
    """What `grade_class` takes for a pool: `submit`, and how many jobs run at a time."""

    client: object
    workers: int

    def submit(self, function, job):
        """Send `function(job)` to the cluster; return a future of the standard library's kind."""
        executor = self.client.get_executor(pure=False, retries=2)
        return executor.submit(run_there, function, job)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Leave the cluster as it is: it is not ours."""


def run_there(function, job):
    """Run `function(job)` on a worker, behind the protection that works on its machine."""
    return function(dataclasses.replace(job, setup=_protected(job.setup)))


@functools.lru_cache
def _protected(setup):
    unsafe = setup.sandbox == NONE  # said by who started the run, with --unsafe
    return find_protection(dataclasses.replace(setup, sandbox="auto"), unsafe)


@contextlib.contextmanager
def cluster(address, wait_for=1):
    """Give the Pool of the Dask cluster whose scheduler is at `address`, as tcp://10.0.0.1:8786.

    `wait_for` worker processes must be there; more may be.

    Raises CourseError when Dask is missing, the scheduler cannot be reached, has no workers, or a
    worker lacks this package or has another version of Python.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise CourseError(
            "--cluster needs Dask on this machine and on the workers: install it with "
            '`pip install -c constraints.txt -e ".[teach,cluster]"`'
        ) from None
    try:
        client = Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise CourseError(
            f"no Dask scheduler answered at {address} ({type(error).__name__}): start one with "
            "`dask scheduler`, and name the address that it prints"
        ) from None
    with client:
        yield Pool(client, _workers(client, address, wait_for))


def _workers(client, address, wait_for):
    """Return how many jobs the workers run at a time; raise CourseError if they cannot."""
    try:
        client.wait_for_workers(wait_for, timeout=SECONDS)
    except TimeoutError:
        raise CourseError(
            f"the scheduler at {address} has no workers: start one on each machine with "
            f"`dask worker {address} --nworkers auto --nthreads 1`"
        ) from None
    ours = version()
    for worker, theirs in client.run(version, on_error="return").items():
        if theirs != ours:
            raise CourseError(
                f"the worker {worker} has {theirs}, expected {ours} as here: install the same "
                "checkout, Python and constraints there"
            )
    return sum(client.nthreads().values())


def version():
    """Return the versions on which a grade may depend, as one line."""
    import platform
    from importlib.metadata import version as of

    names = ("deepcourse", "ipython", "numpy", "torch", "matplotlib")
    return ", ".join([f"Python {platform.python_version()}", *(f"{n} {of(n)}" for n in names)])
