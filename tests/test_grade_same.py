"""The same grades as stock nbgrader, row by row, idle and with other work on the machine."""

import subprocess
import sys

import pytest

import grade_course as course

MEAN = course.MEAN
LOOP = "def mean(values):\n    while True:\n        pass"


def before(statement):
    """Return a right answer that does something else first."""
    return MEAN.replace("    ", f"    {statement}\n    ", 1)


STUDENTS = {
    "right": {},
    "blank": None,
    "only-words": {"mean": "", "share": "", "draw": ""},
    "half": {"share": "def share():\n    return 0"},
    "visible-only": {"mean": "def mean(values):\n    return 2"},
    "syntax": {"mean": "def mean(values:\n    return 1"},
    "exception": {"mean": "1 / 0"},
    "raises": {"mean": "def mean(values):\n    raise KeyError('no')"},
    "endless": {"mean": LOOP},
    "endless-cell": {"share": "while True:\n    pass"},
    "sleeper": {"draw": "import time\n\ndef draw():\n    time.sleep(60)\n    return 1"},
    "missing": {"mean": None},
    "missing-words": {"share": None},
    "warns": {"mean": "import warnings\n" + before("warnings.warn('x')")},
    "stderr": {"mean": "import sys\n" + before("print(1, file=sys.stderr)")},
    "stderr-fd": {"mean": "import os\n" + before("os.write(2, b'x')")},
    "stderr-child": {"mean": "import os\n" + before("os.system('echo x >&2')")},
    "shell-error": {
        "mean": "from IPython import get_ipython\n" + before("get_ipython().system('ls /nowhere')")
    },
    "logs": {"mean": "import logging\n" + before("logging.warning('x')")},
    "prints": {"mean": before("print('x' * 100)")},
    "prints-much": {"code": "for i in range(30000):\n    print(i)"},
    "shows": {"draw": "def draw():\n    plt.plot([1, 2])\n    plt.show()\n    return 1"},
    "leaves-plot": {"draw": "def draw():\n    plt.plot([1, 2])\n    plt.figure()\n    return 1"},
    "partial": {"share": "def share():\n    return 0.5"},
    "partial-text": {"share": "def share():\n    return 'much'"},
    "partial-negative": {"share": "def share():\n    return -1"},
    "partial-numpy": {"share": "def share():\n    return np.float64(1.5)"},
    "partial-late": {"share": "def share():\n    print('x')\n    return 1.25"},
    "slow": {"mean": "import time\n" + before("time.sleep(1)")},
    "asks": {"mean": "input('your name? ')\n" + MEAN},
    "leaves": {"mean": "import sys\nsys.exit(3)"},
    "shadows": {"mean": "sum = 0\nlist = 1\nabs = 3\n" + MEAN},
    "recursion": {"mean": "def mean(values):\n    return mean(values)"},
    "magic": {"mean": "%matplotlib inline\n!echo hello\n" + MEAN},
    "awaits": {"mean": "import asyncio\nawait asyncio.sleep(0.1)\n" + MEAN},
    "runs-loop": {"mean": "import asyncio\nasyncio.run(asyncio.sleep(0))\n" + MEAN},
    "displays": {
        "mean": "from IPython.display import HTML, display\n" + before("display(HTML('<b>x</b>'))")
    },
    "clears": {
        "mean": "from IPython.display import clear_output\nimport sys\n"
        + before("print(1, file=sys.stderr)\n    clear_output()")
    },
    "equal": {"code": "class A:\n    def __eq__(self, other):\n        return self is other"},
    "threads": {
        "mean": "import threading\nt = threading.Thread(target=print, args=('x',))\n"
        "t.start()\nt.join()\n" + MEAN
    },
    "pool": {
        "mean": "from multiprocessing.pool import ThreadPool\n"
        "ThreadPool(2).map(abs, [1, -1])\n" + MEAN
    },
    "forks": {
        "mean": "import os\npid = os.fork()\nif pid == 0:\n    os._exit(0)\n"
        "_ = os.waitpid(pid, 0)\n" + MEAN
    },
    "memory": {"code": "x = bytearray(300_000_000)"},
    "deep-error": {"mean": "def mean(values):\n    return np.zeros(3) @ np.zeros(4)"},
    "writes-file": {"mean": "open('x.txt', 'w').write('x')\nopen('x.txt').read()\n" + MEAN},
    "rebinds": {"mean": "np2 = np\ndel np2\n" + MEAN},
}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same submissions, graded by stock nbgrader and by coursekit; (stock, ours, said)."""
    place = tmp_path_factory.mktemp("same")
    place.chmod(0o755)
    released = course.make_course(place / "stock")
    for student, answers in STUDENTS.items():
        work = released if answers is None else course.answered(released, **course.RIGHT | answers)
        course.submit(place / "stock", student, work)
    ours = course.copy(place / "stock", place / "ours")
    course.nbgrader(place / "stock", "autograde", course.NAME)
    said = course.grade(ours, "--workers", "2")
    return place / "stock", ours, said


def test_every_row_of_the_gradebook_equals_stock_nbgraders(both):
    stock, ours, _ = both
    expected, came = course.rows(stock), course.rows(ours)
    assert len({student for student, _ in expected}) == len(STUDENTS) >= 20
    assert {k: (v, came.get(k)) for k, v in expected.items() if came.get(k) != v} == {}
    assert came.keys() == expected.keys()


def test_no_honest_submission_is_suspected_and_timeouts_are_called_so(both):
    states = course.states(both[1])
    late = {student for student, (state, _) in states.items() if state == "timed out"}
    assert late == {"endless", "endless-cell", "sleeper"}
    assert {state for state, _ in states.values()} <= {
        "graded",
        "needs manual grading",
        "timed out",
    }


def test_the_grades_stay_the_same_with_four_busy_loops_beside_it(both, tmp_path):
    _, ours, _ = both
    again = course.copy(ours, tmp_path / "busy")
    burn = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        course.grade(again, "--workers", "2", "--force")
    finally:
        for each in burn:
            each.kill()
            each.wait()
    assert course.rows(again) == course.rows(ours)
    assert course.states(again) == course.states(ours)
