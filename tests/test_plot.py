"""Figures: one style, legible on white and on black, set only when asked."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from deepcourse import plot

PLACES = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 2.0]])
LABELS = torch.tensor([[0.0], [1.0], [0.0], [1.0]])


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


def rendered(ax, x, y):
    """Return the colour (r, g, b) drawn at a place of the axes, over white."""
    ax.figure.patch.set_facecolor("white")
    ax.figure.canvas.draw()
    column, row = ax.transData.transform((x, y))
    picture = ax.figure.canvas.buffer_rgba()
    return [picture[picture.shape[0] - 1 - round(row), round(column), i] for i in range(3)]


def test_the_upper_half_is_blue_when_the_second_coordinate_decides():
    ax = plt.gca()
    plot.plot_boundary(lambda places: (places[:, 1:] > 1).double(), PLACES, LABELS, ax)
    above, below = rendered(ax, 0.5, 1.6), rendered(ax, 0.5, 0.4)
    assert above[2] > above[0] + 30
    assert below[0] > below[2] + 30


def test_the_right_half_is_blue_when_the_first_coordinate_decides():
    ax = plt.gca()
    plot.plot_boundary(lambda places: (places[:, :1] > 0.5).double(), PLACES, LABELS, ax)
    right, left = rendered(ax, 0.9, 0.6), rendered(ax, 0.1, 0.6)
    assert right[2] > right[0] + 30
    assert left[0] > left[2] + 30


def test_where_the_model_does_not_know_there_is_no_colour():
    ax = plt.gca()
    plot.plot_boundary(lambda places: torch.full((len(places), 1), 0.5), PLACES, LABELS, ax)
    assert min(rendered(ax, 0.5, 1.4)) > 235


def test_answers_of_one_everywhere_are_coloured_too():
    ax = plt.gca()
    plot.plot_boundary(lambda places: torch.ones(len(places), 1), PLACES, LABELS, ax)
    colour = rendered(ax, 0.5, 1.4)
    assert colour[2] > colour[0] + 30


def test_each_example_is_drawn_once_in_the_colour_of_its_label():
    ax = plt.gca()
    plot.plot_boundary(lambda places: places[:, :1] * 0, PLACES, LABELS, ax)
    no, yes = [c for c in ax.collections if isinstance(c, mpl.collections.PathCollection)]
    assert no.get_offsets().tolist() == [[0, 0], [1, 0]]
    assert yes.get_offsets().tolist() == [[0, 1], [1, 2]]
    assert tuple(no.get_edgecolor()[0]) == mpl.colors.to_rgba(plot.ORANGE)
    assert tuple(yes.get_facecolor()[0]) == mpl.colors.to_rgba(plot.BLUE)


def test_a_model_that_needs_gradients_can_be_drawn_and_keeps_its_mode():
    ax = plt.gca()
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Sigmoid()).train()
    plot.plot_boundary(model, PLACES, LABELS, ax)
    assert model.training
