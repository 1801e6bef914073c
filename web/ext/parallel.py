"""Sphinx extension: let pages be read in parallel although two of the toolchain's parts are silent.

`sphinx_multitoc_numbering` numbers chapters in the main process, after all pages are read, and
`sphinx_jupyterbook_latex` acts on LaTeX builds alone. Neither declares whether that is safe; Sphinx
would warn and read one page after the other.
"""

SILENT = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")


def declare(app):
    """Declare what those extensions leave open."""
    for name in SILENT:
        if name in app.extensions:
            app.extensions[name].parallel_read_safe = True
            app.extensions[name].parallel_write_safe = True


def setup(app):
    """Run before the first page is read."""
    app.connect("builder-inited", declare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
