"""Shape comments that cannot lie: ``H = X @ W  # (batch, hidden)`` is checked when it runs.

A shape comment stands at the end of the line that completes a statement and begins with a
parenthesis. It may follow an assignment (to names, tuples, attributes, items), a `return`, a bare
expression or the head of a `for` loop. A name stands for one size within one call, or one cell
at top level; `batch` is free in each statement; a number is itself, `_` is anything, and known
names may be added, subtracted and multiplied. `book/notation.md` lists the names.

Imports: the standard library only; whatever has a `.shape` can be checked.
"""

import ast
import io
import tokenize
from dataclasses import dataclass, field

FREE = "batch"
HELP = (
    "write # (batch, features), # (hidden,), # () or # (a, b) @ (b, c) -> (a, c); "
    "another comment must not begin with a parenthesis"
)


class ShapeCommentError(AssertionError):
    """A shape comment that is false, means nothing, or was never executed."""


@dataclass(frozen=True)
class Site:
    """One shape comment: where it stands and the shapes it gives, as lists of dimensions."""

    where: str
    text: str
    groups: list  # what the statement makes: one shape, or one for each part of a tuple
    operands: list = field(default_factory=list)  # of the `@` in the statement


class Checker:
    """The shape comments of a program: those found and those that ran."""

    def __init__(self):
        self.sites, self.executed = [], set()

    def unexecuted(self):
        """Return the comments that no run has reached, as `file:line: text`."""
        missed = [s for i, s in enumerate(self.sites) if i not in self.executed]
        return [f"{site.where}: # {site.text}" for site in missed]

    def names(self):
        """Return the names that the comments use."""
        dims = [d for s in self.sites for group in [*s.groups, *s.operands] for d in group]
        return {n.id for d in dims for n in ast.walk(d) if isinstance(n, ast.Name)} - {"_"}

    def instrument(self, source, filename, first_line=1):
        """Return `source` as a syntax tree in which each shape comment is a check.

        Run it with `__shape__` and `__operand__` (see `namespace`) and `__sizes__ = {}` among
        its globals. Raises ShapeCommentError for a comment that cannot be checked.
        """
        tree, comments = ast.parse(source, filename), {}
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            text = token.string.lstrip("#").strip()
            if token.type == tokenize.COMMENT and text.startswith("("):
                before = token.line[: token.start[1]].strip()
                if before:  # a comment alone on its line speaks of nothing that runs
                    comments[token.start[0]] = text
        place = _Placer(self, comments, filename, first_line - 1)
        tree = ast.fix_missing_locations(place.visit(tree))
        for line, text in comments.items():
            raise ShapeCommentError(
                f"{filename}:{line + first_line - 1}: # {text}: no assignment, return, expression "
                f"or for loop ends on this line, so nothing could be checked; {HELP}"
            )
        return tree

    def namespace(self):
        """Return the globals that instrumented code needs."""
        return {"__shape__": self.check, "__operand__": self.operand, "__sizes__": {}}

    def check(self, value, number, sizes):
        """Check what a statement made; return it."""
        site = self.sites[number]
        if not site.operands:
            sizes.pop(FREE, None)
        if len(site.groups) == 1:
            _check(value, site.groups[0], sizes, site)
        else:
            if len(value) != len(site.groups):
                raise ShapeCommentError(
                    f"{site.where}: # {site.text} gives {len(site.groups)} shapes, the statement "
                    f"makes {len(value)} values"
                )
            for part, group in zip(value, site.groups, strict=True):
                _check(part, group, sizes, site)
        self.executed.add(number)
        return value

    def operand(self, value, number, side, sizes):
        """Check the left (side 0) or right (1) of the `@` in a statement; return it."""
        if side == 0:
            sizes.pop(FREE, None)
        _check(value, self.sites[number].operands[side], sizes, self.sites[number])
        return value


def _check(value, dims, sizes, site):
    shape = _shape(value, site)
    known = dict(sizes)
    holds = len(dims) == len(shape)
    for dim, size in zip(dims, shape, strict=False):
        if isinstance(dim, ast.Name) and dim.id == "_":
            continue
        if isinstance(dim, ast.Name):
            holds = holds and sizes.setdefault(dim.id, size) == size
        else:
            holds = holds and _evaluate(dim, sizes, site) == size
    if not holds:
        names = ", ".join(f"{name}={size}" for name, size in known.items())
        raise ShapeCommentError(
            f"{site.where}: the comment says # {site.text}, the value has shape {shape}"
            + (f"; so far {names}" if names else "")
        )


def _shape(value, site):
    if hasattr(value, "shape"):
        return tuple(int(size) for size in value.shape)
    if isinstance(value, int | float | complex):
        return ()
    if isinstance(value, tuple) and all(isinstance(size, int) for size in value):
        return tuple(value)  # a shape itself, such as torch.Size
    raise ShapeCommentError(
        f"{site.where}: # {site.text}: a {type(value).__name__} has no shape to check"
    )


def _evaluate(dim, sizes, site):
    code = compile(ast.Expression(dim), site.where, "eval")
    try:
        return eval(code, {"__builtins__": {}}, dict(sizes))
    except NameError as error:
        raise ShapeCommentError(
            f"{site.where}: # {site.text}: {error}; give its size in an earlier comment"
        ) from None


def _parse(text, where):
    """Return (groups, operands) of a comment's text."""
    left, arrow, right = text.partition("->")
    try:
        made = ast.parse((right if arrow else left).strip(), mode="eval").body
        product = ast.parse(left.strip(), mode="eval").body if arrow else None
    except SyntaxError:
        raise ShapeCommentError(f"{where}: # {text}: not a shape; {HELP}") from None
    operands = []
    if arrow:
        if not (isinstance(product, ast.BinOp) and isinstance(product.op, ast.MatMult)):
            raise ShapeCommentError(f"{where}: # {text}: before -> stands (a, b) @ (b, c); {HELP}")
        operands = [_dims(product.left, text, where), _dims(product.right, text, where)]
    several = (
        isinstance(made, ast.Tuple)
        and made.elts
        and all(isinstance(part, ast.Tuple) for part in made.elts)
    )
    groups = made.elts if several else [made]
    return [_dims(group, text, where) for group in groups], operands


def _dims(group, text, where):
    if not isinstance(group, ast.Tuple) or not all(map(_is_dim, group.elts)):
        raise ShapeCommentError(f"{where}: # {text}: not a shape; {HELP}")
    return group.elts


def _is_dim(node):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
        return _is_dim(node.left) and _is_dim(node.right)
    return isinstance(node, ast.Name) or (
        isinstance(node, ast.Constant) and type(node.value) is int
    )


class _Placer(ast.NodeTransformer):
    """Puts a check after, or round, each statement that a shape comment follows."""

    def __init__(self, checker, comments, filename, offset):
        self.checker, self.comments = checker, comments
        self.filename, self.offset = filename, offset

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        fresh = ast.parse("__sizes__ = {}").body[0]
        node.body.insert(1 if ast.get_docstring(node) is not None else 0, _at(fresh, node))
        return node

    def visit_Return(self, node):
        return self._wrap(node)

    def visit_Expr(self, node):
        return self._wrap(node)

    def visit_Assign(self, node):
        return self._after(node, node.targets)

    def visit_AugAssign(self, node):
        return self._after(node, [node.target])

    def visit_AnnAssign(self, node):
        return self._after(node, [node.target])

    def visit_For(self, node):
        number = self._site(node, node.iter.end_lineno)
        self.generic_visit(node)
        if number is not None:
            node.body.insert(0, self._expression(node.target, number))
        return node

    def _wrap(self, node):
        number = self._site(node, node.end_lineno)
        if number is not None and node.value is not None:
            node.value = self._call("__shape__", node.value, number)
        return node

    def _after(self, node, targets):
        number = self._site(node, node.end_lineno)
        if number is None:
            return node
        return [node, *(self._expression(target, number) for target in targets)]

    def _expression(self, target, number):
        load = ast.parse(ast.unparse(target), mode="eval").body
        for part in ast.walk(load):
            ast.copy_location(part, target)
        return _at(ast.Expr(self._call("__shape__", load, number)), target)

    def _call(self, name, value, number, *more):
        arguments = [value, *map(ast.Constant, (number, *more)), ast.Name("__sizes__", ast.Load())]
        return _at(ast.Call(ast.Name(name, ast.Load()), arguments, []), value)

    def _site(self, node, line):
        """Register the comment at the end of `line`, if there is one; return its number."""
        text = self.comments.pop(line, None)
        if text is None:
            return None
        where = f"{self.filename}:{line + self.offset}"
        number = len(self.checker.sites)
        site = Site(where, text, *_parse(text, where))
        self.checker.sites.append(site)
        if site.operands:
            products = [n for n in ast.walk(node) if isinstance(n, ast.BinOp)]
            products = [n for n in products if isinstance(n.op, ast.MatMult)]
            if len(products) != 1:
                raise ShapeCommentError(
                    f"{where}: # {text}: its statement must hold exactly one @, it holds "
                    f"{len(products)}; give the result's shape alone"
                )
            (product,) = products
            product.left = self._call("__operand__", product.left, number, 0)
            product.right = self._call("__operand__", product.right, number, 1)
        return number


def _at(new, node):
    """Place `new` and its parts where `node` stands, for tracebacks."""
    for part in ast.walk(new):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    return new
