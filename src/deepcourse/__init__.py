"""Helpers that the lessons share. Importing this package does nothing else.

Imports: nothing. Each module is imported by its own name: ``from deepcourse import claims``.
"""

__version__ = "0.1.0"
