"""Figures of recorded results, drawn from the record alone.

    python -m deepcourse.reproduce --draw             # of all records
    python -m deepcourse.reproduce --draw mnist_mlp   # of one

A file `NAME.py` in this folder draws the experiment NAME: its ``draw(record)`` returns a list of
`Drawn`. Each becomes results/NAME/FIGURE.svg, with its caption and the text for who cannot see it
inside; the book's page shows them all. A test draws them again and compares.
`frame.drawing` does the rest.
"""
