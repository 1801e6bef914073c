"""Controls round a figure: `explore` redraws a pure `plot_*` function as a reader moves a slider.

Imports: ipywidgets, when `explore` is called and not before.
"""


def explore(plot, **controls):
    """Show `plot(**values)` with one control a keyword, redrawn at each change.

    A control is (low, high) or (low, high, step) for a slider, or a list of choices; `plot` must
    draw from its arguments alone, and its default arguments are where the controls start.
    Without ipywidgets, or outside a notebook, one line says so and nothing is drawn.
    Raises TypeError for a control that is none of these.
    """
    for name, control in controls.items():
        bounds(name, control)
    try:
        import ipywidgets
        from IPython import get_ipython
    except ImportError:
        print("To move the controls, install ipywidgets: pip install ipywidgets")
        return
    if get_ipython() is None:
        print("The controls need a notebook: open this lesson in JupyterLab or Colab.")
        return
    ipywidgets.interact(plot, **controls)


def bounds(name, control):
    """Return the two extreme values of a control.

    >>> bounds("width", (1, 16))
    (1, 16)
    >>> bounds("activation", ["relu", "tanh"])
    ('relu', 'tanh')
    """
    if isinstance(control, list) and control:
        return control[0], control[-1]
    if isinstance(control, tuple) and len(control) in (2, 3) and control[0] < control[1]:
        return control[0], control[1]
    raise TypeError(
        f"the control {name!r} must be (low, high), (low, high, step) or a list of choices, "
        f"came {control!r}"
    )
