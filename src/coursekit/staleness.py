"""One hash says whether a notebook's outputs still belong to their sources, without running it.

Hashed: the code cells as the build runs them, every `deepcourse` module they import (and the
modules those import), the results that they show, and the constraints file. Prose is not in it:
the gate that compares cells holds prose in step, and mending a sentence does not run the lesson
again.
"""

import ast
import hashlib
import re


def source_hash(notebook, course):
    """Return the hash of all that `notebook`'s outputs were made from."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    digest = hashlib.sha256()
    for part in code:
        digest.update(f"cell\n{part}\n".encode())
    for path in [*helpers("\n".join(code), course), course.root / "constraints.txt"]:
        digest.update(f"file {path.relative_to(course.root).as_posix()}\n".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def helpers(code, course):
    """Return the files, beside itself, that the outputs of `code` come from."""
    return [*modules(code, course), *records(code, course)]


def modules(code, course):
    """Return the files of `deepcourse` that `code` imports, themselves and through each other."""
    found, todo = set(), _imported(code, course)
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo |= _imported(path.read_text(encoding="utf-8"), course)
    return sorted(found)


def records(code, course):
    """Return the files of the recorded results that `code` shows by `recorded("NAME")`."""
    folder = course.root / "src" / "deepcourse" / "reproduce" / "results"
    paths = [folder / f"{name}.json" for name in re.findall(r'\brecorded\("([\w.]+)"\)', code)]
    return sorted({path for path in paths if path.is_file()})


def _imported(code, course):
    package = course.root / "src" / "deepcourse"
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    paths = set()
    for name in names:
        parts = name.split(".")
        if parts[0] != "deepcourse":
            continue
        module = package.joinpath(*parts[1:])
        paths |= {p for p in (module.with_suffix(".py"), module / "__init__.py") if p.is_file()}
        paths.add(package / "__init__.py")
    return paths
