"""What authors and instructors use: lessons are built, verified and released from here.

Learners need none of it: `deepcourse` never imports this package.
"""
