"""What goes to a worker and what comes back: plain data that can be pickled.

A job is one student's work on one assignment, complete: nothing else is read to run it, so it can
run in a thread, in another process or on another machine.
"""

from dataclasses import dataclass, field

DONE, TIMED_OUT, CRASHED, UNREADABLE = "done", "timed out", "crashed", "could not be read"
MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Seconds are of CPU time, of all its processes together."""

    cell: float = 30.0  # seconds for one cell; nbgrader's Execute.timeout
    total: float = 300.0  # seconds for one notebook
    wall: float = 300.0  # seconds by the clock for one cell: a loose backstop
    memory: int = 4096  # MB, of all processes together
    disk: int = 512  # MB, in its own folder and /tmp together
    processes: int = 128  # threads included
    output: int = 1 << 20  # characters kept of what one cell prints
    display: int = 8 << 20  # bytes kept of what one cell shows: pictures, HTML


@dataclass(frozen=True)
class Setup:
    """How the sandboxes of a class are made. Jobs of one class share it.

    `sandbox` is a kind of protection or "auto"; folders in `hidden` are not visible even where
    they lie inside one that is; `modules` are imported before the fork.
    """

    sandbox: str = "auto"
    hidden: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    modules: tuple[str, ...] = ("numpy", "torch", "matplotlib.pyplot")
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cell:
    """A code cell: its place in the notebook, its source, and whether it is a test."""

    index: int
    source: str
    is_test: bool = False


@dataclass(frozen=True)
class Notebook:
    """A notebook to run: its name (without .ipynb) and its code cells in order.

    `unreadable` says why it must not be run, if so: then each cell gets an error as its output.
    """

    name: str
    cells: tuple[Cell, ...]
    unreadable: str = ""
    suspicions: tuple[str, ...] = ()  # what its source gave reason to suspect


@dataclass(frozen=True)
class Job:
    """One submission: `files` is what lies beside the notebooks, {relative path: bytes}."""

    student: str
    assignment: str
    notebooks: tuple[Notebook, ...]
    setup: Setup = Setup()
    limits: Limits = Limits()
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Run:
    """What running one notebook gave.

    `outputs` holds nbformat's outputs as plain dicts for each cell that was reached; `why` says in
    a line what went wrong, and `suspicions` what looks like tampering.
    """

    name: str
    status: str = DONE
    why: str = ""
    outputs: dict[int, list[dict]] = field(default_factory=dict)
    suspicions: list[str] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)  # cells whose output was too long


@dataclass
class Result:
    """What running a job gave; `cpu` and `wall` in seconds."""

    student: str
    assignment: str
    runs: list[Run]
    cpu: float = 0.0
    wall: float = 0.0

    @property
    def timed_out(self):
        """Whether a notebook ran into a limit of time."""
        return any(run.status == TIMED_OUT for run in self.runs)
