"""Checks that must fail, run before each test: one that passes shows that checking is switched off.

This finds the generic tricks (asserts taken out, helpers replaced, errors swallowed, values equal
to everything). It is no proof: code that knows which check is the canary can tell them apart.
"""

import ast
import builtins
import random
import secrets

_random = random.SystemRandom()
MODULES = {"np": "numpy", "plt": "matplotlib.pyplot"}
# What tests call, and arguments for which it must say no (or raise AssertionError).
PREDICATES = {
    "numpy.allclose": "0.0, 1.0",
    "numpy.isclose": "0.0, 1.0",
    "numpy.array_equal": "[0], [1]",
    "numpy.testing.assert_allclose": "0.0, 1.0",
    "numpy.testing.assert_array_equal": "[0], [1]",
    "numpy.testing.assert_array_almost_equal": "[0.0], [1.0]",
    "numpy.testing.assert_almost_equal": "0.0, 1.0",
    "numpy.testing.assert_equal": "0, 1",
    "math.isclose": "0.0, 1.0",
    "torch.allclose": "torch.zeros(1), torch.ones(1)",
    "torch.isclose": "torch.zeros(1), torch.ones(1)",
    "torch.equal": "torch.zeros(1), torch.ones(1)",
    "torch.testing.assert_close": "torch.zeros(1), torch.ones(1)",
    "all": "[False]",
    "any": "[False]",
    "isinstance": "0, str",
    "issubclass": "int, str",
    "callable": "0",
    "hasattr": "0, 'no_such_name'",
    "bool": "0",
    "len": "[]",
    "abs": "0",
}


def make(test):
    """Return (source of a canary for this test's source, the words it must fail with)."""
    word = secrets.token_hex(8)
    a, b = _random.sample(range(10, 99999), 2)
    final = _random.choice(
        [
            f"assert {a} == {b}, {word!r}",
            f"assert {max(a, b)} < {min(a, b)}, {word!r}",
            f"assert not [{a}], {word!r}",
            f"assert {float(a)} == {float(b)}, {word!r}",
            f"assert {a} in ({b}, {b + a}), {word!r}",
            f"if {a} != {b}:\n    raise AssertionError({word!r})",
        ]
    )
    lines = [*_probes(test, word), final]
    return "\n".join(lines), word


def judge(reply, outputs, expected):
    """Return "" for an answer as it must be, a reason to suspect tampering, or one led by "?".

    The last kind is not enough by itself: running out of memory looks like it.
    """
    if reply.get("status") == "ok":
        return "a check that must fail passed: checking had been switched off"
    said = str(reply.get("evalue"))
    if said == expected:
        if any(o["output_type"] == "error" and o["evalue"] == expected for o in outputs):
            return ""
        return "the error of a check that must fail was not shown"
    if said.startswith(expected):
        return f"{said[len(expected) :].strip()} says yes to everything"
    return "?a check that must fail failed otherwise than it must"


def make_shown(test):
    """Return (source, what it must display) if what the test displays are points, else None."""
    try:
        body = ast.parse(test).body
    except SyntaxError:
        return None
    if not body or not isinstance(body[-1], ast.Expr):
        return None
    number = str(_random.randrange(10**11, 10**12))  # not a float: %precision would round it
    return number, number


def judge_shown(reply, outputs, expected):
    """Return "" if a displayed number arrived as it was, else a reason for suspicion."""
    shown = [o["data"].get("text/plain") for o in outputs if o["output_type"] == "execute_result"]
    if reply.get("status") == "ok" and shown == [expected]:
        return ""
    doubt = "" if reply.get("status") == "ok" else "?"
    return doubt + "a number that a cell displays does not arrive as it is"


def error(why):
    """Return the output that takes a test's points away."""
    name = "CheckingSwitchedOff"
    return {"output_type": "error", "ename": name, "evalue": why, "traceback": [f"{name}: {why}"]}


def _probes(test, word):
    """Return lines that fail with `word` and a name if what the test calls is not what it was."""
    try:
        tree = ast.parse(test)
    except SyntaxError:
        return []
    called, loaded, stored = {}, set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := dotted(node.func)):
            root, _, rest = name.partition(".")
            full = ".".join(filter(None, (MODULES.get(root, root), rest)))
            if full in PREDICATES:
                called[full] = PREDICATES[full]
        elif isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else stored).add(node.id)
        elif isinstance(node, ast.alias):
            stored.add((node.asname or node.name).split(".")[0])
    lines = [line for name, values in called.items() for line in _probe(name, values, word)]
    for name in sorted(loaded - stored - set(dir(builtins)))[:20]:
        lines.append(_equal_to_all(name, word))
    return lines


def _probe(name, values, word):
    module, _, function = name.rpartition(".")
    call = f"__import__({module!r}, fromlist=['_']).{function}" if module else name
    values = values.replace("torch.", "__import__('torch').")
    if function.startswith("assert_"):
        tried = [f"    {call}({values})", "except AssertionError:", "    pass", "else:"]
        return ["try:", *tried, f"    raise AssertionError({word + ' ' + name!r})"]
    return [f"if {call}({values}):", f"    raise AssertionError({word + ' ' + name!r})"]


def _equal_to_all(name, word):
    """Ask whether a value of the student's own class equals a word it cannot know."""
    own = f"{name!r} in globals() and getattr(type({name}), '__module__', '') == '__main__'"
    return (
        f"try:\n    if {own} and ({name} == {word!r}) is True:\n"
        f"        raise AssertionError({word + ' ' + name!r})\n"
        f"except AssertionError:\n    raise\nexcept Exception:\n    pass"
    )


def dotted(node):
    """Return the name that an expression like a.b.c spells, or ""."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := dotted(node.value)):
        return f"{left}.{node.attr}"
    return ""
