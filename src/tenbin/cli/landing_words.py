"""A soft landing in words, for whoever asks why a request was answered by less than it asked for."""

from typing import TYPE_CHECKING, Any

from tenbin.cli.language import say

if TYPE_CHECKING:
    from tenbin.core.receipt import Receipt

_DONE = {
    "substitutes": ("cheaper models", "より安価なモデル"),
    "floor": ("lower quality demanded", "品質の下限を引き下げ"),
    "tier": ("no stronger tier", "上位の層は不使用"),
    "effort": ("less effort", "思考量を削減"),
    "max_tokens": ("shorter answers", "回答を短縮"),
    "cache": ("a less strict cache", "キャッシュの判定を緩和"),
    "background": ("no spending of Tenbin's own", "Tenbin 自身の支出を停止"),
    "user_limits": ("smaller daily limits", "1 日の上限を縮小"),
}


def plain(receipt: "Receipt") -> dict[str, Any] | None:
    """What the receipt keeps of a landing; None where there was none."""
    for entry in receipt.trace:
        if entry[0] == "landing":
            found: dict[str, Any] = dict(entry[1])
            return found
        if list(entry[:2]) == ["refused", "landing"]:
            return {"refused": entry[2]}
    return None


def told(receipt: "Receipt") -> list[str]:
    """The same in a line."""
    found = plain(receipt)
    if found is None:
        return []
    if "refused" in found:
        return [
            say("Soft landing: a budget was nearly spent, it was not begun.", "軟着陸: 予算の残りが少なく、開始せず")
        ]
    stage, share, budget = found["stage"], round(100 * found["share"]), found["budget"]
    english, japanese = zip(*(_DONE[word] for word in found["effects"]), strict=True)
    return [
        say(
            f"Soft landing: stage {stage}, {budget} is {share} % used: {', '.join(english)}.",
            f"軟着陸: 段階 {stage}、{budget} の {share} % を使用: {'、'.join(japanese)}",
        )
    ]
