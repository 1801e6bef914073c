"""A pytest plugin that executes the shape comments of `deepcourse` while its tests run.

`python -m pytest -p coursekit.shape_plugin tests/test_training.py …`: a false comment raises where
it stands, and a comment that no test reached fails the run.
"""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import pytest

PACKAGE, ITSELF = "deepcourse", "deepcourse.shapes"
CHECKER = None


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):
        source = self.get_source(fullname)
        return compile(CHECKER.instrument(source, self.path), self.path, "exec")

    def exec_module(self, module):
        module.__dict__.update(CHECKER.namespace())
        super().exec_module(module)


class _Finder:
    """Finds the package's modules as usual, and lets `_Loader` load them."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith(f"{PACKAGE}.") or name == ITSELF:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(name, spec.origin)
        return spec


def _install():
    """Load `deepcourse.shapes` from its own file, then put the finder before all others."""
    global CHECKER
    where = Path(__file__).parents[1] / "deepcourse" / "shapes.py"
    spec = importlib.util.spec_from_file_location(ITSELF, where)
    shapes = importlib.util.module_from_spec(spec)
    sys.modules[ITSELF] = shapes
    spec.loader.exec_module(shapes)
    CHECKER = shapes.Checker()
    sys.meta_path.insert(0, _Finder)
    for name in [n for n in sys.modules if n.startswith(f"{PACKAGE}.") and n != ITSELF]:
        del sys.modules[name]


_install()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Fail a run that left a shape comment unexecuted."""
    if CHECKER.unexecuted() and exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    """List the comments that no test has reached."""
    missed = CHECKER.unexecuted()
    if missed:
        terminalreporter.write_line(
            "no test executes these shape comments; test the code they stand in:\n  "
            + "\n  ".join(missed)
        )
