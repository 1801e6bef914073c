"""A tiny assignment for tests: three tasks, 12 points, numpy only."""

NAME = "tiny"
TEXT = """\
# %% [markdown]
# # Tiny assignment (12 points)
# Read [the paper](cite:lin2017) first.

# %% setup=true minutes=5

# %%
import numpy as np

data = np.arange(6.0)

# %% [markdown]
# ## Task 1 · The mean and the spread (6 points)
# Write both.

# %% task=1 answer
def mean(values):
    \"\"\"Return the mean of values.\"\"\"
    ### BEGIN SOLUTION
    total = np.sum(values)
    return total / len(values)
    ### END SOLUTION


def spread(values):
    \"\"\"Return the mean squared distance from the mean.\"\"\"
    ### BEGIN SOLUTION
    centred = values - mean(values)
    return mean(centred**2)
    ### END SOLUTION

# %% task=1 check
assert mean(data) == 2.5, f"expected 2.5, came {mean(data)}: divide by the number of values"

# %% task=1 test points=4
import numpy as np

sample = np.random.default_rng(0).normal(size=(5, 7))
for row in sample:
    np.testing.assert_allclose(mean(row), row.mean(), err_msg="the hidden mean differs")

# %% task=1 test points=2
import numpy as np

wide = np.random.default_rng(1).normal(3.0, size=9)
np.testing.assert_allclose(spread(wide), wide.var())

# %% task=1 wrong="forgets to divide" fails="test-1"
def mean(values):
    return np.sum(values)


def spread(values):
    return mean((values - values.mean()) ** 2)

# %% task=1 wrong="spread round zero" fails="test-1-2"
def mean(values):
    return np.average(values)


def spread(values):
    return mean(values * values)

# %% [markdown]
# ## Task 2 · A prediction (3 points)
# What is the spread of four equal numbers?

# %% task=2 answer
### BEGIN SOLUTION
prediction = 0.0
### END SOLUTION

# %% task=2 test points=3
assert prediction == 0, "equal numbers do not spread"

# %% task=2 wrong="the number itself"
prediction = 1.0

# %% task=2 wrong="a text"
prediction = "zero point"

# %% [markdown]
# ## Task 3 · In words (3 points)
# When does the mean mislead?

# %% [markdown] task=3 written points=3
# When a few values are far from all the others, as incomes are.
#
# ### BEGIN MARK SCHEME
# Two points for outliers, one for an example.
# ### END MARK SCHEME
"""
