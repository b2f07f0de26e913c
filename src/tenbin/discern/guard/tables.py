"""2. How the guard's tables of words are written down: words apart by blanks, groups of them apart by semicolons."""


def words(table: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(table.split())


def groups(table: str) -> list[list[str]]:
    """The groups of a table, each with its words in order."""
    return [group.split() for group in table.split(";")]
