"""Who may import whom, how long a file may be, what may be pinned: read from the files."""

import ast
import re
import tomllib

import pytest

from conftest import ROOT
from coursekit.course import Course
from coursekit.lessons import find_lessons

DEEPCOURSE = sorted((ROOT / "src" / "deepcourse").glob("*.py"))
REPRODUCE = sorted((ROOT / "src" / "deepcourse" / "reproduce").rglob("*.py"))
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LIGHT = {"numpy", "torch", "matplotlib", "sklearn", "pooch"}
LAZY = {"ipywidgets", "IPython", "gymnasium", "PIL"}
DOWNWARD = [
    "repro",
    "training",
    "data",
    "pictures",
    "keys",
    "layers",
    "engine",
    "download",
    "progress",
    "widgets",
    "plot",
    "claims",
    "checks",
    "shapes",
]


def imports(path, top_level=False):
    """Return the modules that a file imports (only when it is loaded, with `top_level`)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [*DEEPCOURSE, *REPRODUCE], ids=name)
def test_the_light_package_imports_only_what_colab_has(path):
    import sys

    roots = {module.split(".")[0] for module in imports(path)}
    assert roots <= LIGHT | LAZY | {"deepcourse"} | sys.stdlib_module_names
    eager = {module.split(".")[0] for module in imports(path, top_level=True)}
    assert not eager & LAZY, "import it inside the function that needs it"


@pytest.mark.parametrize("path", DEEPCOURSE, ids=name)
def test_inside_the_light_package_arrows_point_downward(path):
    own = {m.split(".")[1] for m in imports(path) if m.startswith("deepcourse.")}
    if path.stem == "__init__":
        assert not own, "importing the package must load nothing"
        return
    assert path.stem in DOWNWARD, "give the new module its place in DOWNWARD"
    assert own <= set(DOWNWARD[DOWNWARD.index(path.stem) + 1 :])


@pytest.mark.parametrize("path", DEEPCOURSE, ids=name)
def test_no_lesson_drags_a_full_size_experiment_in(path):
    assert not any(module.startswith("deepcourse.reproduce") for module in imports(path))


@pytest.mark.parametrize("path", REPRODUCE, ids=name)
def test_experiments_use_the_frame_and_the_frame_uses_no_experiment(path):
    own = {m for m in imports(path) if m.startswith("deepcourse.reproduce.")}
    framed = {m for m in own if m.startswith("deepcourse.reproduce.frame")}
    frame = path.parent.name == "frame" or path.stem in {"__init__", "__main__"}
    assert not frame or own == framed, "the frame finds experiments by their names"
    experiments = {p.stem for p in REPRODUCE if "class Config" in p.read_text(encoding="utf-8")}
    used = {m.split(".")[2] for m in own - framed}
    assert not used & experiments, "what two experiments share is a module of its own"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_read_in_one_sitting(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is long: cut it"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_function_has_at_most_forty_lines_beside_its_docstring(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and node.body[1:] else node.body[0]
            assert node.end_lineno - first.lineno < 40, f"{node.name} is long: cut it"


def test_the_light_package_keeps_its_budget():
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in DEEPCOURSE)
    assert lines <= 2000


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_what_is_public_has_a_docstring(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "say what the module is for"
    for node in tree.body:
        public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
        assert not public or ast.get_docstring(node), f"{node.name} has no docstring"


def test_nothing_pins_torch_or_numpy_for_those_who_install_the_package():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    for requirement in project["dependencies"]:
        assert not re.search(r"==|<|~=", requirement), requirement


def test_each_helper_of_the_light_package_serves_a_lesson_or_an_assignment():
    sources = [lesson.source for lesson in find_lessons(Course(ROOT))]
    used = set()
    for source in [*sources, *(ROOT / "book" / "assignments").glob("*.py")]:
        used |= {m.split(".")[1] for m in imports(source) if m.startswith("deepcourse.")}
    behind = {"__init__", "shapes", "repro", "download", "progress"}
    modules = {path.stem for path in DEEPCOURSE} - behind
    assert modules <= used, "a helper that no lesson and no assignment uses"


def environment_problems(text, constraints):
    """Return in what environment.yml differs from the lock; it may say less, never otherwise."""
    import yaml

    lock = dict(line.split("==") for line in constraints.splitlines() if not line.startswith("#"))
    lock = {name.lower().replace("_", "-"): version for name, version in lock.items()}
    entries = yaml.safe_load(text)["dependencies"]
    pip = next((entry["pip"] for entry in entries if isinstance(entry, dict)), [])
    found = [] if "-r constraints.txt" in pip else ["-r constraints.txt is missing"]
    found += [] if "-e ." in pip else ["-e . is missing"]
    own = [line for line in pip if line not in {"-r constraints.txt", "-e ."}]
    own += [
        entry for entry in entries if isinstance(entry, str) and not entry.startswith("python=")
    ]
    for line in own:
        name, _, version = line.replace("==", "=").partition("=")
        expected = lock.get(name.lower().replace("_", "-"))
        if line != "pip" and (expected is None or version != expected):
            found.append(f"{line}: the lock has {expected}")
    return found


def test_the_environment_of_binder_is_the_locked_one():
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert environment_problems(text, constraints) == []
    python = re.search(r"- python=(3\.\d+)\n", text)[1]
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert f'python-version: "{python}"' in workflow, "the gate runs on another Python"
    for wrong in ("- -e . --no-deps", "- torch==2.9.0", "- left-pad==1.0"):
        assert environment_problems(text.replace("- -e .", wrong), constraints)
    assert environment_problems(text.replace("- pip\n", "- numpy=1.26\n  - pip\n"), constraints)
    assert environment_problems(text.replace("-r constraints", "-r others"), constraints)


def test_the_lock_names_all_that_the_course_asks_for():
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    with (ROOT / "pyproject.toml").open("rb") as file:
        told = tomllib.load(file)
    asked = list(told["project"]["dependencies"])
    for group in [*told["project"]["optional-dependencies"].values()]:
        asked += group
    for group in told["dependency-groups"].values():
        asked += [one for one in group if isinstance(one, str)]
    names = {re.match(r"[\w-]+", one)[0].lower().replace("_", "-") for one in asked}
    missing = [name for name in names if not re.search(rf"(?m)^{name}==", constraints)]
    assert not missing, "run `make lock`"
