"""Find an experiment by its name, read its file's contract, and set its configuration.

Imports: `contract`, `errors`; an experiment's own module, when `load_experiment` is called.
"""

import ast
import difflib
import hashlib
import importlib
import re
import typing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import ModuleType

from deepcourse.reproduce.frame.contract import Aim
from deepcourse.reproduce.frame.errors import UserError

FOLDER = Path(__file__).resolve().parents[1]
PACKAGE = "deepcourse.reproduce"
DATA_SETS = ("mnist", "fashion_mnist", "cifar10", "banknotes", "ham10000")


@dataclass(frozen=True)
class Experiment:
    """One file of `deepcourse.reproduce` that keeps the contract told there."""

    name: str
    module: ModuleType

    @property
    def title(self):
        """The first line of the file's docstring, without its full stop."""
        return title_of(self.name)

    @property
    def note(self):
        """What must stand beside every result, such as a licence; may be empty."""
        return getattr(self.module, "NOTE", "")

    def config(self, tiny=False):
        """Return the full configuration, or the tiny one."""
        return self.module.TINY if tiny else self.module.Config()


def find_experiments():
    """Return the names of all experiments: files that hold a class Config and a function run."""
    names = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
    return [name for name in names if has(name, "class Config") and has(name, "def run")]


def has(name, what):
    """Return whether a line of the file `name`.py begins with `what`, such as "def bench".

    Read from the text, so that a mistake in one file does not keep the others from running.
    """
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    return re.search(rf"^{what}\b", text, re.MULTILINE) is not None


def title_of(name):
    """Return the first line of the docstring of `name`.py, without its full stop."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    found = re.match(r'"""(.+)', text)
    return found[1].strip().rstrip(".") if found else ""


def load_experiment(name):
    """Return the `Experiment` called `name`.

    Raises UserError for a name that there is not, and TypeError, with what is missing, for a
    file that does not keep the contract.
    """
    known = find_experiments()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
        raise UserError(f"no experiment is called {name!r}: {hint}")
    module = importlib.import_module(f"{PACKAGE}.{name}")
    problems = _problems(module)
    if problems:
        raise TypeError(f"{name}.py does not keep the contract: " + "; ".join(problems))
    return Experiment(name, module)


def changed(config, settings):
    """Return `config` with each "field=value" of `settings` set, read as the field's type.

    Raises UserError for a field that there is not and a value that does not fit.
    """
    types, found = typing.get_type_hints(type(config)), {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"expected --set field=value, came {text!r}")
        if name not in types:
            close = difflib.get_close_matches(name, types, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(types)}"
            raise UserError(f"no field is called {name!r}: {hint}")
        found[name] = _read(value, types[name], name)
    return replace(config, **found)  # all at once: a Config may check what belongs together


def describe(experiment):
    """Return the help of one experiment: what it is, its settings and its aims."""
    lines = [experiment.module.__doc__.strip(), "", "settings (--set field=value):"]
    for each in fields(experiment.module.Config):
        lines.append(f"  {each.name} = {_shown(each.default)}\n      {each.metadata['help']}")
    lines += ["", f"seeds: {experiment.module.SEEDS}; data: {', '.join(experiment.module.DATA)}"]
    for aim in experiment.module.AIMS:
        bound = "" if aim.at_most is None else f" at most {aim.at_most}"
        bound += "" if aim.at_least is None else f" at least {aim.at_least}"
        by = "" if aim.by is None else f" ({aim.by}: {aim.reported})"
        lines.append(f"aim: {aim.what}{bound}{by}")
    return "\n".join(lines)


def code_hash(name):
    """Return the SHA-256 of an experiment's code and of what it imports from this course.

    Comments, docstrings and layout do not count: what is hashed is the code parsed and written
    anew. It keys checkpoints, so that a run never goes on with what other code began.
    """
    digest, seen, todo = hashlib.sha256(), set(), [f"{PACKAGE}.{name}"]
    while todo:
        module = todo.pop()
        path = FOLDER.parents[1].joinpath(*module.split(".")).with_suffix(".py")
        if module in seen or not path.is_file():
            continue
        seen.add(module)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        todo += sorted(_imports(tree))
    for module in sorted(seen):
        path = FOLDER.parents[1].joinpath(*module.split(".")).with_suffix(".py")
        digest.update(f"{module}\n{_bare(path.read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()


def _imports(tree):
    """Return which modules of this course a file imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("deepcourse.")}


def _bare(text):
    """Return code without comments, docstrings and layout."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        holds = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if holds and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


def _problems(module):
    found = [f"{name} is missing" for name in ("DATA", "SEEDS", "AIMS", "TINY", "bench")]
    found = [text for text in found if not hasattr(module, text.split()[0])]
    if not module.__doc__:
        found.append("the docstring is missing")
    found += [
        f"field {each.name} has no sentence: use setting(default, sentence)"
        for each in fields(module.Config)
        if not each.metadata.get("help")
    ]
    found += [f"no data set is called {one!r}" for one in _of(module, "DATA", DATA_SETS)]
    found += [f"{one!r} is no Aim" for one in getattr(module, "AIMS", ()) if type(one) is not Aim]
    if not isinstance(getattr(module, "TINY", module.Config()), module.Config):
        found.append("TINY is not a Config")
    return found


def _of(module, name, allowed):
    return [one for one in getattr(module, name, ()) if one not in allowed]


def _read(text, kind, name):
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if typing.get_origin(kind) is tuple:
            one = typing.get_args(kind)[0]
            return tuple(one(part) for part in text.split(",") if part)
        return kind(text)
    except (ValueError, KeyError):
        wanted = getattr(kind, "__name__", kind) if typing.get_origin(kind) is None else kind
        raise UserError(f"{name}: expected a value of type {wanted}, came {text!r}") from None


def _shown(value):
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
