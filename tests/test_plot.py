"""Figures: one style, legible on white and on black, set only when asked."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from deepcourse import plot


@pytest.fixture(autouse=True)
def clean_figures():
    with mpl.rc_context({"backend": "agg"}):
        yield
    plt.close("all")


def luminance(colour):
    """Relative luminance of a colour. Source: WCAG 2.2, definition of relative luminance."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(colour, page):
    """Contrast ratio of two colours, 1 to 21. Source: WCAG 2.2."""
    light, dark = sorted([luminance(colour), luminance(page)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
@pytest.mark.parametrize("name", ["BLUE", "ORANGE", "GREEN", "PURPLE", "GREY"])
def test_each_colour_stands_out_from_both_pages(name, page):
    assert contrast(getattr(plot, name), page) >= 3  # WCAG's bound for graphics and large text


def test_black_on_white_has_the_contrast_that_the_definition_gives():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_the_style_changes_settings_only_when_asked():
    before = mpl.rcParams["axes.spines.top"]
    assert before is True
    plot.use_style()
    assert mpl.rcParams["axes.spines.top"] is False
    assert mpl.rcParams["figure.facecolor"] == "none"


def test_plot_data_draws_each_example_and_returns_the_axes():
    X, y = np.arange(4.0).reshape(4, 1), np.arange(4.0) ** 2
    ax = plot.plot_data(X, y)
    np.testing.assert_allclose(ax.collections[0].get_offsets(), np.column_stack([X[:, 0], y]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    assert plot.plot_data(X, y, ax=ax, color="red") is ax
