"""A linear support vector machine with squared hinge, for features that fill the memory.

It is solved as a sequence of ridge regressions whose targets move, with one Cholesky factor for
all of them. Imports: torch.
"""

import torch


def classify(train, test, penalties, num_ridges, num_validation):
    """Choose the penalty on the last training examples, train on all, and measure the test part.

    `train` and `test` are (features, classes). Both arrays of features are standardized where they
    lie: they are the largest thing in memory.
    """
    (X, y), (X_test, y_test) = train, test
    cut = len(X) - num_validation
    mean, std = moments(X[:cut])
    for part in (X, X_test):
        part.sub_(mean).div_(std)
    signs = signs_of(y)
    gram = X[:cut].T @ X[:cut]
    rights = {}
    for penalty in penalties:
        weights = squared_hinge(X[:cut], signs[:cut], gram, penalty, num_ridges)
        rights[penalty] = share_right(weights, X[cut:], y[cut:])
    penalty = max(rights, key=rights.get)
    gram.addmm_(X[cut:].T, X[cut:])
    weights = squared_hinge(X, signs, gram, penalty, num_ridges)
    return {
        "accuracy": share_right(weights, X_test, y_test),
        "validation": rights[penalty],
        "penalty": penalty,
    }


def moments(X):
    """Return the mean and the standard deviation of each column; 0.01 is added to the variances."""
    return X.mean(dim=0), (X.var(dim=0) + 0.01).sqrt()


def signs_of(y):
    """Return 1 in each row's own class and -1 in the others, (batch, classes), for classes y."""
    return 2.0 * torch.nn.functional.one_hot(y) - 1


def squared_hinge(X, signs, gram, penalty, num_ridges):
    """Return the weights (features + 1, outputs) of linear support vector machines, bias last.

    They minimize the sum over examples of max(0, 1 - sign * score)² plus penalty * batch * |w|².
    For fixed targets sign * (1 + slack), slack >= 0, that is ridge regression; the best slack for
    fixed weights is max(0, sign * score - 1). The two steps take turns, with Nesterov's momentum.
    X (batch, features), whose columns have mean near 0; `signs` (batch, outputs) of -1 and 1;
    `gram` is X.T @ X. The bias is fitted to what the weights leave, without penalty.
    """
    bias = signs.mean(dim=0)
    shift = penalty * len(X) * torch.eye(len(gram), device=X.device)
    factor = torch.linalg.cholesky(gram + shift)
    weights = ahead = torch.zeros(X.shape[1], signs.shape[1], device=X.device)
    for number in range(num_ridges):
        scores = X @ ahead + bias
        targets = signs * (1 + (signs * scores - 1).clamp(min=0))
        bias = bias + (targets - scores).mean(dim=0)
        last, weights = weights, torch.cholesky_solve(X.T @ (targets - bias), factor)
        ahead = weights + number / (number + 3) * (weights - last)
    return torch.cat([weights, bias[None]])


def share_right(weights, X, y):
    """Return the share of X (batch, features) whose largest score is that of its class y."""
    return float(((X @ weights[:-1] + weights[-1]).argmax(dim=1) == y).float().mean())
