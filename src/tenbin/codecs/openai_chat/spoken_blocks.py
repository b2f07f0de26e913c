"""Stages 6 and 7, the numbering of an answer's blocks, shared by those who read its words and its tool calls."""

from typing import Literal

from tenbin.core.answer import BlockStarted, BlockStopped, Delta


class SpokenBlocks:
    """Which block has which index, and which one of text, thinking or refusal is open."""

    __slots__ = ("_next", "open")

    def __init__(self) -> None:
        self._next = 0
        self.open: tuple[str, int] | None = None
        """Kind and index."""

    def index_of(self, kind: Literal["text", "thinking", "refusal"], deltas: list[Delta]) -> int:
        """The index of the open block of this kind; opens one, ending any other."""
        if self.open is not None and self.open[0] == kind:
            return self.open[1]
        index = self.take(deltas)
        self.open = (kind, index)
        deltas.append(BlockStarted(index=index, kind=kind))
        return index

    def take(self, deltas: list[Delta]) -> int:
        """The next block's index; an open one ends where it begins."""
        self.close(deltas)
        self._next += 1
        return self._next - 1

    def close(self, deltas: list[Delta]) -> None:
        """End the open block, if there is one."""
        if self.open is not None:
            deltas.append(BlockStopped(self.open[1]))
            self.open = None
