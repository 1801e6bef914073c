"""A pytest plugin beside nbval: figures count in the comparison.

nbval passes a stale picture. Here a cell tagged `figure-exact` must redraw the committed picture
(by decoded pixels, `compare.same_figures`), and every other cell as many pictures as committed.
"""

from nbval.plugin import IPyNbCell

from coursekit import compare

_compare_texts = IPyNbCell.compare_outputs


def compare_outputs(item, test, ref, skip_compare=None):
    """Compare a cell's outputs as nbval does, then its figures; return whether all match."""
    if not _compare_texts(item, test, ref, skip_compare):
        return False
    new, old = compare.pngs(test), compare.pngs(ref)
    if len(new) != len(old):
        item.comparison_traceback = [f"committed figures: {len(old)}, drawn now: {len(new)}"]
        return False
    if "figure-exact" not in item.cell.metadata.get("tags", []):
        return True
    if compare.same_figures(old, new):
        return True
    shares = ", ".join(
        f"{compare.differing_share(a, b):.2%}" for a, b in zip(old, new, strict=True)
    )
    item.comparison_traceback = [
        f"the committed figure is not the one this cell draws: {shares} of its pixels differ, at "
        f'most {compare.SHARE:.2%} may. If the new one is right, run "make notebooks".'
    ]
    return False


IPyNbCell.compare_outputs = compare_outputs
