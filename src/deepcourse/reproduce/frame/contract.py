"""What an experiment's file says about itself: settings with a sentence each, and aims.

Imports: `errors`.
"""

from dataclasses import dataclass, field

from deepcourse.reproduce.frame.errors import require

PRECISIONS = ("float32", "bfloat16")


def setting(default, sentence):
    """Return a field of a Config: its default, and the sentence that --help shows for it."""
    if isinstance(default, list | dict | set):
        raise TypeError(f"expected a default that cannot change, such as a tuple, came {default!r}")
    return field(default=default, metadata={"help": sentence})


def require_precision(name):
    """Raise UserError unless a setting `precision` is one that the experiments compute in."""
    require(name in PRECISIONS, f"expected a precision of {PRECISIONS}, came {name!r}: take one")


@dataclass(frozen=True)
class Aim:
    """A number that others reported, or that we want to reach, or both.

    `number` names the entry of what `run` returns, with dots into dictionaries ("auc.all"); its
    mean over the seeds is compared. `what` says in words what it is, `unit` is "%" for fractions
    shown as percentages, or a word. One of `at_most` and `at_least` is the target; neither is for
    a number that is only set beside a reported one. `reported` is the value that `by` gives, whose
    key in the bibliography is `cite`.
    """

    number: str
    what: str
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    reported: float | None = None
    by: str | None = None
    cite: str | None = None

    def __post_init__(self):
        if self.at_most is not None and self.at_least is not None:
            raise TypeError(f"aim {self.number!r}: give at_most or at_least, not both")
        if len({self.reported is None, self.by is None, self.cite is None}) != 1:
            raise TypeError(
                f"aim {self.number!r}: a reported value needs `reported`, `by` and `cite`; "
                f"came {self.reported!r}, {self.by!r}, {self.cite!r}"
            )

    def met(self, mean):
        """Return whether `mean` keeps the target, or None where there is no target."""
        if self.at_most is not None:
            return mean <= self.at_most
        return None if self.at_least is None else mean >= self.at_least
