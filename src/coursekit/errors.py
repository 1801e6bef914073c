"""The one exception whose message is meant for a person to act on."""


class CourseError(Exception):
    """Something an author or instructor can mend: says what was expected, what came, what to do.

    The command line prints its message alone; every other exception is a defect of coursekit and
    keeps its traceback.
    """
