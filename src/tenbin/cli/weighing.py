"""A weighed decision in words: what was seen in the request, each candidate with its costs and quality, the choice."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tenbin.cli.language import say
from tenbin.cli.routing import columns
from tenbin.core.features import TIERS
from tenbin.core.money import format_usd, usd_decimal
from tenbin.core.weighing import Candidate, Cost, Hearing, Weighing

_BUCKETS = (
    ("input", "input", "入力"),
    ("cache_read", "cache read", "キャッシュ読取"),
    ("cache_write", "cache write", "キャッシュ書込"),
    ("output", "output", "出力"),
    ("reasoning", "thinking", "思考"),
    ("request", "request", "要求ごと"),
    ("electricity", "electricity", "電気代"),
    ("quota", "quota (no cash)", "利用枠 (現金外)"),
    ("escalation", "escalation", "やり直し"),
    ("coming_back", "rest of talk", "以後の会話"),
)


def lines(weighing: Weighing) -> list[str]:
    """The whole decision, for a terminal."""
    judge = _judge(weighing.hearing)
    return [*_seen(weighing), "", *_candidates(weighing), "", *judge, *_choice(weighing)]


def plain(weighing: Weighing) -> dict[str, Any]:
    """The same for programs: the record as it is kept, with every amount also in USD."""
    record: dict[str, Any] = msgspec.to_builtins(weighing)
    for told, candidate in zip(record.get("candidates", ()), weighing.candidates, strict=True):
        if candidate.cost is not None:
            told["turn_usd"] = usd_decimal(candidate.cost.turn)
            told["total_usd"] = usd_decimal(candidate.cost.total)
    hearing = weighing.hearing
    if hearing is not None:
        record["hearing"]["saves_usd"] = usd_decimal(hearing.saves_nano)
        if hearing.expected_nano is not None:
            record["hearing"]["expected_usd"] = usd_decimal(hearing.expected_nano)
    return record


def _seen(weighing: Weighing) -> list[str]:
    seen = weighing.features
    rows = [
        (
            say("Category", "分類"),
            f"{seen.category} ({seen.category_reason})" if seen.category_reason else seen.category,
        ),
        (say("Task", "作業"), f"{seen.task} ({seen.task_chance:.0%})" if seen.learned else say("not asked", "未判定")),
        (say("Domain", "分野"), f"{seen.domain} ({seen.domain_chance:.0%})" if seen.learned else ""),
        (say("Language", "言語"), seen.language),
        (say("Prompt", "入力"), say(f"about {seen.prompt_tokens:,} tokens", f"約 {seen.prompt_tokens:,} トークン")),
    ]
    if seen.learned:
        chances = ", ".join(f"{tier} {chance:.0%}" for tier, chance in zip(TIERS, seen.suffices, strict=True))
        rows.append((say("A tier suffices", "足りる見込み"), f"{chances} ({seen.learned})"))
    session = weighing.session
    if session is not None and session.target:
        warm = [one for one in session.warm if one.tokens and one.until_ms > weighing.now_ms]
        known = say(
            f"{session.requests} answers so far, the last by {session.target}",
            f"これまで {session.requests} 回、直前は {session.target}",
        )
        prefix = "; ".join(
            say(
                f"{one.tokens:,} tokens warm on {one.target} for {(one.until_ms - weighing.now_ms) // 1000} s",
                f"{one.target} に {one.tokens:,} トークンが残り {(one.until_ms - weighing.now_ms) // 1000} 秒",
            )
            for one in warm
        )
        rows.append((say("Conversation", "会話"), f"{known}; {prefix}" if prefix else known))
    if weighing.rule:
        rows.append((say("Rules", "規則"), weighing.rule))
    asked = say(f"floor {weighing.floor:.2f}, {weighing.mode}", f"下限 {weighing.floor:.2f}、{weighing.mode}")
    rows.append((say("Asked for", "求める質"), asked))
    width = max(columns(name) for name, _ in rows)
    return [f"{name}{' ' * (width - columns(name))}  {value}" for name, value in rows if value]


def _candidates(weighing: Weighing) -> list[str]:
    if not weighing.candidates:
        return [say("Nothing was weighed: a rule names the target.", "規則が送り先を決めたため、比較していません。")]
    chosen = weighing.order[0] if weighing.order else ""
    used = [
        (field, say(english, japanese))
        for field, english, japanese in _BUCKETS
        if any(one.cost is not None and getattr(one.cost, field) for one in weighing.candidates)
    ]
    head = ["", say("target", "送り先"), say("compared by", "比較額"), say("this turn", "今回")]
    head += [name for _, name in used] + [say("quality", "質"), say("why", "根拠")]
    place = {name: number for number, name in enumerate(weighing.order)}
    ordered = sorted(weighing.candidates, key=lambda one: place.get(one.target, len(place)))
    table = [head, *(_row(one, chosen, [field for field, _ in used]) for one in ordered)]
    return aligned(table, right=range(2, 5 + len(used)))


def _row(candidate: Candidate, chosen: str, used: list[str]) -> list[str]:
    cost, quality = candidate.cost, candidate.quality
    told = candidate.rejected or (_evidence(candidate) if quality is not None else "")
    figures = [_amount(cost, "total"), _amount(cost, "turn"), *(_amount(cost, field) for field in used)]
    value = f"{quality.value:.2f}" if quality is not None else ""
    return ["->" if candidate.target == chosen else "", candidate.target, *figures, value, told]


def _evidence(candidate: Candidate) -> str:
    quality = candidate.quality
    assert quality is not None
    told = say(f"ability {quality.ability:.1f}, {quality.source}", f"能力 {quality.ability:.1f}、{quality.source}")
    if quality.trials:
        told += say(
            f"; {quality.successes:.1f} of {quality.trials:.1f} were good",
            f"、実績 {quality.successes:.1f}/{quality.trials:.1f}",
        )
    return told if candidate.cost is not None else f"{told}; {say('no price is known', '価格不明')}"


def _amount(cost: Cost | None, field: str) -> str:
    if cost is None:
        return ""
    amount: int = getattr(cost, field)
    return format_usd(_three_figures(amount))


def _three_figures(amount: int) -> int:
    """Rounded for a table: estimates say no more than three figures. ``--json`` has the exact amounts."""
    unit: int = 10 ** max(len(str(abs(amount))) - 3, 0)
    return (abs(amount) + unit // 2) // unit * unit * (-1 if amount < 0 else 1)


def _judge(hearing: Hearing | None) -> list[str]:
    """What a judge said, or would be asked."""
    if hearing is None:
        return []
    cost = (
        say("unknown", "不明") if hearing.expected_nano is None else format_usd(_three_figures(hearing.expected_nano))
    )
    saves, between = format_usd(_three_figures(hearing.saves_nano)), ", ".join(hearing.between)
    open_ = say(
        f"open between {between}: {hearing.chance:.0%} that the first suffices, up to {saves} at stake",
        f"候補 {between}: 先頭で足りる見込み {hearing.chance:.0%}、差額は最大 {saves}",
    )
    judge = f"{say('Judge', '判定役')} {hearing.judge}"
    if not hearing.asked and hearing.fault:
        return [
            say(f"{judge} is not asked: {hearing.fault}", f"{judge} には尋ねません: {hearing.fault}"),
            f"   {open_}",
            "",
        ]
    if not hearing.asked:
        told = say(
            f"{judge} would be asked, for about {cost}; what follows is without its word",
            f"{judge} に尋ねます (約 {cost})。以下はその答えを含みません",
        )
    elif hearing.said:
        told = say(
            f"{judge} said in {hearing.ms:,} ms: {hearing.said} suffices (expected to cost {cost})",
            f"{judge} の答え ({hearing.ms:,} ms): {hearing.said} で足りる (見込み費用 {cost})",
        )
        before = ", ".join(f"{tier} {chance:.0%}" for tier, chance in zip(TIERS, hearing.suffices, strict=True))
        open_ += say(f"; before: {before}", f"、尋ねる前: {before}")
    else:
        told = say(
            f"{judge} said nothing that counts in {hearing.ms:,} ms: {hearing.fault}",
            f"{judge} から有効な答えなし ({hearing.ms:,} ms): {hearing.fault}",
        )
    return [told, f"   {open_}", ""]


def _choice(weighing: Weighing) -> list[str]:
    if not weighing.order:
        return [say(f"Nobody can answer: {weighing.reason}", f"送り先がありません: {weighing.reason}")]
    told = [f"-> {', '.join(weighing.order)}", f"   {weighing.reason}"]
    if not weighing.reason:
        told.pop()
    exploration = weighing.exploration
    if exploration is not None and exploration.propensities:
        chances = ", ".join(f"{name} {chance:.1%}" for name, chance in exploration.propensities if chance)
        told.append(
            say(
                f"   exploration ({exploration.share:.1%} of requests): {chances}",
                f"   探索 (リクエストの {exploration.share:.1%}): {chances}",
            )
        )
    return told


def aligned(table: Sequence[Sequence[str]], right: Sequence[int] | range = ()) -> list[str]:
    """Cells under each other, also where an East Asian character takes two columns; ``right``: columns of numbers."""
    widths = [max(columns(line[number]) for line in table) for number in range(len(table[0]))]
    told = []
    for line in table:
        cells = []
        for number, (cell, width) in enumerate(zip(line, widths, strict=True)):
            gap = " " * (width - columns(cell))
            cells.append(gap + cell if number in right else cell + gap)
        told.append("  ".join(cells).rstrip())
    return told
