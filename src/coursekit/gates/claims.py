"""Gates on claims. That they are true, and false for their baselines, the run itself has shown."""

from coursekit.claim_lines import parse_claim
from coursekit.gates.page import text_of


def sound(page):
    """Each claim in the text shows as a line of the outputs, with its measured value."""
    total = 0
    for where, cell in page.code():
        lines = [line for line in text_of(cell).splitlines() if line.startswith("✓")]
        total += len(lines)
        for line in lines:
            if parse_claim(line) is None:
                yield f"{where}: not a line that claim() prints: {line!r}: call claim() for it"
        if "claim(" in cell.source and "import claim" not in cell.source and not lines:
            yield f"{where}: calls claim() but shows no claim: call it where it prints"
    if not total:
        yield (
            f"{page.lesson.source.name}: makes no claim: say what the reader should have seen "
            "with deepcourse.claims.claim"
        )
