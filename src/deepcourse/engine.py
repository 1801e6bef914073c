"""The engine of the lesson 02_backpropagation: numbers that differentiate what is made from them.

Each number remembers its parents and how strongly it depends on each. Imports nothing.

>>> a = Value(3.0)
>>> (a * a).backward()
>>> a.grad
6.0
"""

import math


class Value:
    """A number `data` with its `parents`, pairs of a Value and the slope by it.

    After `loss.backward()`, `grad` is the derivative of `loss` by this number.
    """

    made = 0

    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = float(data), 0.0, parents
        Value.made += 1
        self.order = Value.made  # parents are always older than children

    def __add__(self, other):
        other = _value(other)
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        other = _value(other)
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def __pow__(self, n):
        return Value(self.data**n, [(self, n * self.data ** (n - 1))])

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__

    def exp(self):
        """Return e to this power."""
        return Value(math.exp(self.data), [(self, math.exp(self.data))])

    def log(self):
        """Return the natural logarithm."""
        return Value(math.log(self.data), [(self, 1 / self.data)])

    def relu(self):
        """Return this number, or 0 if it is negative; the slope at 0 is 0."""
        return Value(max(self.data, 0), [(self, float(self.data > 0))])

    def backward(self):
        """Set `grad` of this number and of all it was made from; old values are dropped."""
        found, waiting = set(), [self]
        while waiting:
            value = waiting.pop()
            if value not in found:
                found.add(value)
                value.grad = 0.0
                waiting += [parent for parent, _ in value.parents]
        self.grad = 1.0
        for value in sorted(found, key=lambda v: v.order, reverse=True):
            for parent, slope in value.parents:
                parent.grad += slope * value.grad


def _value(number):
    return number if isinstance(number, Value) else Value(number)
