"""Signs of tampering in the source of what a student wrote: nothing that coursework needs.

A sign takes no points away; it puts the submission before the instructor's eyes.
"""

import ast
import contextlib

from coursekit.grading.canary import MODULES, PREDICATES, dotted

SHELL = {
    *("ast_transformers", "ast_node_interactivity", "input_transformers_post", "run_cell"),
    *("input_transformers_cleanup", "input_transformer_manager", "run_cell_async", "run_code"),
    *("run_ast_nodes", "showtraceback", "_showtraceback", "showsyntaxerror", "set_custom_exc"),
    *("custom_exceptions", "error_in_exec", "error_before_exec", "display_formatter"),
    *("displayhook", "display_pub", "compile", "compiler_class", "user_ns", "user_global_ns"),
}
FRAMES = {
    "_getframe",
    "history_manager",
    "input_hist_raw",
    "currentframe",
    "f_back",
    "f_lineno",
    "f_locals",
    "f_globals",
    "settrace",
}
HISTORY = {"In", "_ih", "_i", "_ii", "_iii", "_i1"}
TRUE_FOR_ALL = {"__eq__", "__bool__", "__le__", "__ge__", "__lt__", "__gt__", "__ne__"}


def signs(sources):
    """Return what is suspicious about the sources of a student's cells, a line for each sign."""
    found, loaded, stored = [], set(), set()
    for source in sources:
        nodes = _nodes(source)
        shell = {"ip"} if "get_ipython" in source else set()
        for node in nodes:
            found += _sign(node, shell)
            if isinstance(node, ast.Name):
                (loaded if isinstance(node.ctx, ast.Load) else stored).add(node.id)
    found += [f"it reads the history of cells ({n})" for n in sorted(HISTORY & (loaded - stored))]
    return list(dict.fromkeys(found))


def _nodes(source):
    """Return the syntax tree's nodes, of magic commands too; none where it is no Python."""
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        try:
            return list(ast.walk(ast.parse(source)))
        except SyntaxError:
            from IPython.core.inputtransformer2 import TransformerManager

            return list(ast.walk(ast.parse(TransformerManager().transform_cell(source))))
    return []


def _sign(node, shell):
    if isinstance(node, ast.Attribute):
        if node.attr in FRAMES:
            return [f"it looks into or steers other code's frames ({node.attr})"]
        if shell and node.attr in SHELL and not isinstance(node.value, ast.Constant):
            return [f"it touches the shell that runs the tests ({node.attr})"]
        if isinstance(node.ctx, ast.Store) and (name := dotted(node)):
            root, _, rest = name.partition(".")
            full = ".".join((MODULES.get(root, root), rest)).removeprefix("builtins.")
            if full in PREDICATES or root in ("builtins", "__builtins__"):
                return [f"it replaces {full}, which tests use"]
    if isinstance(node, ast.ImportFrom | ast.Import):
        names = [getattr(node, "module", None) or "", *(each.name for each in node.names)]
        if any("mock" in name.split(".") for name in names):
            return ["it imports mock, whose ANY is equal to everything"]
    names = [
        n
        for n, value in _named(node)
        if isinstance(n, str) and n in TRUE_FOR_ALL and _is_true(value)
    ]
    return [f"something is made equal to everything ({name})" for name in names[:1]]


def _named(node):
    """Yield (name, value) of what a node defines, in a class, a dictionary or from outside."""
    if isinstance(node, ast.FunctionDef):
        yield node.name, node
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield getattr(target, "id", getattr(target, "attr", "")), node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield getattr(key, "value", ""), value
    elif isinstance(node, ast.Call) and dotted(node.func) == "setattr" and len(node.args) == 3:
        yield getattr(node.args[1], "value", ""), node.args[2]


def _is_true(node):
    """Say whether a function returns True whatever comes."""
    if isinstance(node, ast.Lambda):
        return isinstance(node.body, ast.Constant) and node.body.value is True
    if not isinstance(node, ast.FunctionDef):
        return False
    returned = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
    return bool(returned) and all(isinstance(r, ast.Constant) and r.value is True for r in returned)
