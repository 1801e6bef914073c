"""nbgrader's way from the instructor's notebook to the student's, with stubs that name their task.

A class's `nbgrader_config.py` imports this, so that formgrader's button does the same.
"""

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    IncludeHeaderFooter,
    LockCells,
    SaveCells,
)

from coursekit.headings import TASK, WRITTEN_STUB, stub


class ClearSolutionsByTask(ClearSolutions):
    """nbgrader's, with a stub that raises an error saying which task is still to do."""

    def preprocess(self, nb, resources):
        """Learn the tasks' titles from the notebook's headings, then clear its solutions."""
        self.text_stub = WRITTEN_STUB
        prose = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
        self.titles = {number: title for number, title, _ in TASK.findall(prose)}
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, cell_index):
        """Clear one cell's solutions with the stub of its own task."""
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        self.code_stub = {"python": stub(grade_id, self.titles)}
        return super().preprocess_cell(cell, resources, cell_index)


FIRST = [LockCells, ClearSolutionsByTask, ClearOutput, CheckCellMetadata, ComputeChecksums]
LAST = [ClearHiddenTests, ClearMarkScheme, ComputeChecksums, CheckCellMetadata]
WITHOUT_GRADEBOOK = [*FIRST, *LAST]
WITH_GRADEBOOK = [IncludeHeaderFooter, *FIRST, SaveCells, *LAST]
