"""8. Reports as lines of plain text: tables in columns, and words within a width that terminals have."""

import textwrap

WIDTH = 110
"""Characters of a line."""


def columns(rows: list[list[str]], indent: str = "") -> list[str]:
    """Rows of equally many cells, each column as wide as it must be: the first to the left, figures to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        indent
        + "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def wrapped(text: str, indent: str) -> list[str]:
    """A sentence in lines of WIDTH, all but the first one further in; no word is broken."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=False)
