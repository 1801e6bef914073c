"""What a task's heading looks like, and the stub that repeats its title. Imports little.

`## Task 3 · The gradient (4 points)` announces a task; `# Assignment 1 · … (20 points)` the total.
"""

import json
import re

TASK = re.compile(r"^#{2,4} Task (\d+) · (.+?) \((\d+) points?\)$", re.MULTILINE)
TOTAL = re.compile(r"^# .*\((\d+) points\)$", re.MULTILINE)
WRITTEN_STUB = "*Your answer here.*"


def stub(grade_id, titles):
    """Return the line that stands for the solution of the answer cell `grade_id`.

    >>> stub("task-3", {"3": "The gradient"})
    'raise NotImplementedError("Task 3: The gradient")'
    """
    number = re.sub(r"^task-", "", grade_id)
    message = f"Task {number}: {titles.get(number, 'to do')}"
    return f"raise NotImplementedError({json.dumps(message, ensure_ascii=False)})"
