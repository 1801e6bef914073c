"""`explore` shows controls in a notebook, one line elsewhere, and refuses what is no control."""

import doctest
import sys

import pytest

from deepcourse import widgets


def test_the_docstrings_hold():
    assert doctest.testmod(widgets).failed == 0


def test_outside_a_notebook_one_line_says_where_the_controls_are(capsys):
    widgets.explore(lambda a: 1 / 0, a=(0, 1))
    assert "open this lesson in JupyterLab or Colab" in capsys.readouterr().out


def test_without_ipywidgets_one_line_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    widgets.explore(lambda a: 1 / 0, a=(0, 1))
    assert "pip install ipywidgets" in capsys.readouterr().out


def test_in_a_notebook_the_figure_is_drawn_with_its_defaults_first(monkeypatch):
    seen = []
    import ipywidgets

    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    monkeypatch.setattr(ipywidgets, "interact", lambda f, **c: seen.append((f(), c)))
    widgets.explore(lambda a=3: a, a=(1, 5))
    assert seen == [(3, {"a": (1, 5)})]


@pytest.mark.parametrize("control", [3, (3, 1), (1, 2, 3, 4), [], "relu", (1,)])
def test_what_is_no_control_is_refused_by_name(control):
    with pytest.raises(TypeError, match="the control 'width' must be"):
        widgets.explore(lambda width: None, width=control)
