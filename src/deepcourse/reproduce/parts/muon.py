"""Muon: steepest descent in the spectral norm, for the filters of convolutional networks.

A filter bank (out, in, height, width) is one matrix (out, in * height * width). A step goes along
the nearest matrix with orthogonal rows or columns to the gradient, so that all directions of it
count the same, and each bank keeps a fixed length. Source: Jordan, Jin, Boza, You, Cesista,
Newhouse and Bernstein (2024). Imports: torch.
"""

import torch

# The odd polynomial a x + b x³ + c x⁵ lifts small singular values fast and keeps all near 1.
QUINTIC = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Nesterov's momentum, made orthogonal; parameters of two or more axes only.

    Each parameter is first scaled to length √out, as a matrix with orthonormal rows has, so the
    rate `lr` is a share of the parameter and needs no weight decay beside it.
    """

    def __init__(self, parameters, lr, momentum):
        super().__init__(parameters, {"lr": lr, "momentum": momentum})
        for group in self.param_groups:
            flat = [tuple(one.shape) for one in group["params"] if one.ndim < 2]
            if flat:
                raise ValueError(f"expected matrices or filters, came shapes {flat}: use SGD there")

    @torch.no_grad()
    def step(self):
        """Take one step along the gradients; parameters without one stay."""
        for group in self.param_groups:
            for one in group["params"]:
                if one.grad is None:
                    continue
                state = self.state[one]
                if not state:
                    state["momentum"] = torch.zeros_like(one)
                momentum = state["momentum"].mul_(group["momentum"]).add_(one.grad)
                direction = one.grad.add(momentum, alpha=group["momentum"])
                one.mul_(len(one) ** 0.5 / one.norm())
                step = orthogonal(direction.reshape(len(one), -1))
                one.sub_(step.reshape(one.shape).to(one.dtype), alpha=group["lr"])


def orthogonal(matrix, num_steps=3):
    """Return about U V of the singular value decomposition U S V of `matrix` (rows, columns).

    Singular values end between about 0.5 and 1.5 where they were not tiny against the largest.
    The products are taken in bfloat16 on a GPU, and in the matrix's own type elsewhere.
    """
    a, b, c = QUINTIC
    X = matrix.bfloat16() if matrix.is_cuda else matrix
    wide = matrix.shape[0] <= matrix.shape[1]
    X = X if wide else X.T
    X = X / (X.norm() + 1e-7)
    for _ in range(num_steps):
        square = X @ X.T
        X = a * X + (b * square + c * square @ square) @ X
    return X if wide else X.T
