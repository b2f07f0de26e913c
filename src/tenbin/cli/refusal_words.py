"""How `tenbin explain` tells what turned a request away before anybody was asked."""

from typing import TYPE_CHECKING

from tenbin.cli.language import say

if TYPE_CHECKING:
    from tenbin.core.receipt import Receipt


def plain(receipt: "Receipt") -> dict[str, str] | None:
    """The gate (``limits``, ``breaker`` ...) and what it had against the request; None where none had anything."""
    for entry in receipt.trace:
        if len(entry) == 3 and entry[0] == "refused":
            return {"gate": str(entry[1]), "why": str(entry[2])}
    return None


def told(receipt: "Receipt") -> list[str]:
    """The same in a line, for the caller's plan; other gates have words of their own."""
    found = plain(receipt)
    if found is None or found["gate"] != "limits":
        return []
    why = found["why"]
    return [
        say(
            f"Its key's plan let it in no further: {why} (`tenbin plans`). Nobody was asked.",
            f"鍵のプランの上限 {why} により受け付けませんでした (`tenbin plans`)。呼び出しはありません。",
        )
    ]
