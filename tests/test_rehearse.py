"""A rehearsal executes a lesson's shape comments and draws its figure at its controls' ends."""

import pytest

from coursekit.errors import CourseError
from coursekit.rehearse import rehearse


def test_a_good_lesson_is_rehearsed_and_counted(tiny):
    report = rehearse(tiny)
    assert (report.comments, report.drawings) == (1, 2)


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# (batch, features, 1)", r"tiny.py:38: ShapeCommentError.*value has shape \(6, 7\)"),
        ("# (features, features)", r"value has shape \(6, 7\)"),
        ("# (batch, wombats)", r"use wombats, which the table in book/notation.md does not have"),
        ("# (see the text)", "another comment must not begin with a parenthesis"),
    ],
)
def test_a_wrong_shape_comment_fails_with_file_line_and_sizes(tiny, edit, comment, message):
    edit("# (batch, features)", comment)
    with pytest.raises(CourseError, match=message):
        rehearse(tiny)


def test_a_shape_comment_that_never_runs_fails_with_its_line(tiny, edit):
    edit("print(X.size)", "def idle():\n    return X  # (batch, features)\n\n\nprint(X.size)")
    with pytest.raises(
        CourseError, match=r"never executed(.|\n)*tiny.py:40: # \(batch, features\)"
    ):
        rehearse(tiny)


def test_a_figure_that_cannot_be_drawn_at_a_controls_end_fails(tiny, edit):
    edit("return plt.plot([0, slope])", "return plt.plot([0, 1 / (3 - slope)])")
    with pytest.raises(CourseError, match=r"tiny.py:\d+: ZeroDivisionError"):
        rehearse(tiny)


def test_a_false_claim_fails(tiny, edit):
    edit("at_most=2", "at_most=0.5")
    with pytest.raises(CourseError, match="ClaimError: not true"):
        rehearse(tiny)
