"""What is said in each alert, in English and Japanese: what happened, how much, whose, and what to do."""

from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from tenbin.core.alert import Alert, Severity, Words
from tenbin.core.budget import FOREVER_MS, Claim, WindowKind
from tenbin.core.money import NanoUSD, format_usd
from tenbin.decide.breaker import Change

_WINDOWS = {
    "hour": ("hourly", "時間予算"),
    "day": ("daily", "日次予算"),
    "week": ("weekly", "週次予算"),
    "month": ("monthly", "月次予算"),
    "total": ("total", "通算予算"),
}
_SCOPES = {"team": "チーム", "user": "利用者", "key": "キー", "route": "ルート", "model": "モデル"}
_DAY_MS = 86_400_000


def budget_reached(
    claim: Claim, spent: NanoUSD, percent: float, now_ms: int, *, full: bool = False, severity: Severity | None = None
) -> Alert:
    """So many percent of a budget are spent. ``full``: what it has left is too little for the next call."""
    full = full or percent >= 100
    if severity is None:
        severity = "info" if percent < 80 else "warning" if not full or not claim.hard else "critical"
    limit, sum_spent, ends = format_usd(claim.limit), format_usd(spent), _at(claim.ends_at_ms, claim.zone)
    name, name_ja = _budget(claim)
    share = 100 * spent / claim.limit if claim.limit else 100.0
    until = "" if claim.ends_at_ms >= FOREVER_MS else f" It begins anew at {ends}."
    until_ja = "" if claim.ends_at_ms >= FOREVER_MS else f"{ends} に新しい期間が始まります。"
    if not full:
        title, title_ja = f"{share:.0f} % of the {name} is spent", f"{name_ja}の {share:.0f} % を使いました"
        do = "See `tenbin budget` for the pace and what can be done."
        do_ja = "`tenbin budget` で消化ペースと対策を確認できます。"
    elif claim.hard:
        title, title_ja = f"The {name} is used up", f"{name_ja}を使い切りました"
        do = "Calls that it counts are refused until then. To let them through, raise it (docs/budgets.md)."
        do_ja = "それまで対象の呼び出しは拒否されます。続けるには予算を引き上げてください (docs/budgets.md)。"
    else:
        title, title_ja = f"The {name} is passed", f"{name_ja}を超えました"
        do = "It is a soft one: nothing is refused. See `tenbin budget` for what can be done."
        do_ja = "警告のみの予算なので、呼び出しは拒否されません。`tenbin budget` で対策を確認できます。"
    threshold = "full" if full else f"{percent:g}"
    return Alert(
        kind="budget",
        severity=severity,
        once=f"budget:{claim.counter}:{claim.starts_at_ms}:{threshold}",
        at_ms=now_ms,
        english=Words(title, f"{sum_spent} of {limit} are spent ({claim.counter}).{until}\n{do}"),
        japanese=Words(title_ja, f"{limit} のうち {sum_spent} を使いました ({claim.counter})。{until_ja}\n{do_ja}"),
    )


def budget_too_small(claim: Claim, spent: NanoUSD, asked: NanoUSD, now_ms: int) -> Alert:
    """A call was refused that might cost more than a budget has left, though much is left."""
    name, name_ja = _budget(claim)
    limit, so_far, most = format_usd(claim.limit), format_usd(spent), format_usd(asked)
    return Alert(
        kind="budget",
        severity="warning",
        once=f"budget:{claim.counter}:{claim.starts_at_ms}:too_small",
        at_ms=now_ms,
        english=Words(
            f"A call was too large for the {name}",
            f"It might have cost up to {most}; {so_far} of {limit} are spent ({claim.counter}). More of them are not "
            "told in this window.\nA limit of output tokens (`max_tokens`) makes a call smaller. See `tenbin budget`.",
        ),
        japanese=Words(
            f"{name_ja}に対して大きすぎる呼び出しを拒否しました",
            f"最大 {most} かかる可能性がありました。{limit} のうち {so_far} を使用済みです ({claim.counter})。"
            "この期間中の同様の拒否は通知しません。\n"
            "出力の上限 (`max_tokens`) を指定すると小さくなります。`tenbin budget` を参照してください。",
        ),
    )


def pace(
    claim: Claim,
    word: Literal["critical", "warning", "under_used"],
    ratio: float | None,
    spent: NanoUSD,
    projected: NanoUSD,
    now_ms: int,
) -> Alert:
    """A budget is being spent too fast, or hardly at all."""
    name, name_ja = _budget(claim)
    limit, so_far, at_end = format_usd(claim.limit), format_usd(spent), format_usd(projected)
    times = f"{ratio:.1f}" if ratio is not None else "-"
    if word == "under_used":
        severity: Severity = "info"
        title, title_ja = f"The {name} is hardly used", f"{name_ja}はあまり使われていません"
        do = "There is room for better models. See `tenbin budget`."
        do_ja = "より高性能なモデルを使う余裕があります。`tenbin budget` を参照してください。"
    else:
        severity = word
        title, title_ja = f"The {name} is spent too fast", f"{name_ja}の消化が速すぎます"
        do = "See `tenbin budget` for what can be done: cheaper models, the dearest routes, a looser cache."
        do_ja = "対策 (安いモデル、高額なルートの見直し、キャッシュ) は `tenbin budget` で確認できます。"
    return Alert(
        kind="pace",
        severity=severity,
        once=f"pace:{claim.counter}:{claim.starts_at_ms}:{word}",
        at_ms=now_ms,
        english=Words(
            title,
            f"{so_far} of {limit} are spent, {times} times what the time gone by allows ({claim.counter}). "
            f"At this rate it comes to {at_end}.\n{do}",
        ),
        japanese=Words(
            title_ja,
            f"{limit} のうち {so_far} を使いました。経過時間に対して {times} 倍のペースです ({claim.counter})。"
            f"このままでは {at_end} に達します。\n{do_ja}",
        ),
    )


def spike(
    whose: str,
    when: str,
    spent: NanoUSD,
    threshold: NanoUSD,
    severity: Literal["warning", "critical"],
    now_ms: int,
    *,
    of: str = "",
) -> Alert:
    """A day's, or an hour's, spending is out of the usual. ``whose``: as in a claim (``global``, ``key:...``); ``of``:
    what it is told once of, where that is not ``when``.
    """
    name, name_ja = _scope(whose)
    sum_spent, usual = format_usd(spent), format_usd(max(threshold, 0))
    return Alert(
        kind="spike",
        severity=severity,
        once=f"spike:{whose}:{of or when}:{severity}",
        at_ms=now_ms,
        english=Words(
            f"Unusual spending of {name}",
            f"{sum_spent} were spent on {when}; more than {usual} is unusual after the days before.\n"
            "See `tenbin anomalies`, and `tenbin ledger` for the requests. `tenbin keys revoke` stops a key.",
        ),
        japanese=Words(
            f"{name_ja}の支出が異常です",
            f"{when} に {sum_spent} を使いました。これまでの日々から見て {usual} を超えるのは異常です。\n"
            "`tenbin anomalies` と `tenbin ledger` で確認できます。キーは `tenbin keys revoke` で止められます。",
        ),
    )


def breaker_changed(change: Change) -> Alert:
    """The breaker has opened or closed."""
    name, name_ja = _scope(f"key:{change.scope}" if change.scope else "global")
    option = f" --key {change.scope}" if change.scope else ""
    once = f"breaker:{change.scope}:{change.circuit}:{change.at_ms}"
    if change.trip is None:
        return Alert(
            kind="breaker",
            severity="info",
            once=once,
            at_ms=change.at_ms,
            english=Words(
                f"The breaker has closed for {name}", "Requests go through again.\n`tenbin breaker` shows it."
            ),
            japanese=Words(
                f"{name_ja}の遮断が解除されました", "リクエストは再び通ります。\n`tenbin breaker` で確認できます。"
            ),
        )
    trip, until = change.trip, _at(change.until_ms, "UTC")
    rule = {
        "hourly": ("the limit of 60 minutes", "60 分の上限"),
        "daily": ("the limit of 24 hours", "24 時間の上限"),
        "velocity": ("what is still usual", "通常の範囲"),
    }[trip.rule]
    return Alert(
        kind="breaker",
        severity="critical",
        once=once,
        at_ms=change.at_ms,
        english=Words(
            f"The breaker has stopped {name}",
            f"{format_usd(trip.spent)} were spent within {trip.minutes} minutes; {rule[0]} is "
            f"{format_usd(trip.limit)}. Requests are refused until {until}, then tried one at a time.\n"
            "Look with `tenbin ledger` at what was spent. To let requests through at once: "
            f"`tenbin breaker reset{option}`",
        ),
        japanese=Words(
            f"{name_ja}を遮断しました",
            f"{trip.minutes} 分間に {format_usd(trip.spent)} を使いました ({rule[1]}は {format_usd(trip.limit)})。"
            f"{until} まで拒否し、その後 1 件ずつ試します。\n"
            f"`tenbin ledger` で支出を確認してください。すぐに再開するには `tenbin breaker reset{option}`。",
        ),
    )


def provider_down(target: str, failures: int, until_ms: int, now_ms: int) -> Alert:
    """A target keeps failing and is skipped."""
    provider = target.partition("/")[0]
    until = _at(until_ms, "UTC")
    return Alert(
        kind="provider",
        severity="warning",
        once=f"provider:{target}:down:{now_ms // 3_600_000}",
        at_ms=now_ms,
        english=Words(
            f"{target} is down",
            f"It failed {failures} times in a row and is skipped until {until}; chains go on with their next target.\n"
            f"`tenbin doctor` says what is wrong with {provider}; GET /health/targets shows all targets.",
        ),
        japanese=Words(
            f"{target} が応答しません",
            f"{failures} 回続けて失敗したため、{until} まで使いません。チェーンは次の対象に進みます。\n"
            f"{provider} の問題は `tenbin doctor` で調べられます。全対象の状態は GET /health/targets です。",
        ),
    )


def provider_back(target: str, now_ms: int) -> Alert:
    """It answers again."""
    return Alert(
        kind="provider",
        severity="info",
        once=f"provider:{target}:back:{now_ms // 3_600_000}",
        at_ms=now_ms,
        english=Words(f"{target} answers again", "Its requests go through again. Nothing needs to be done."),
        japanese=Words(f"{target} が復旧しました", "リクエストは再び通ります。対応は不要です。"),
    )


def limit_hit(key: str, what: str, now_ms: int) -> Alert:
    """A key's plan has refused a request. ``what``: which limit, as its receipt's route says."""
    return Alert(
        kind="limit",
        severity="warning",
        once=f"limit:{key}:{what}:{now_ms // _DAY_MS}",
        at_ms=now_ms,
        english=Words(
            f"Key {key} has reached its limit",
            f"A request was refused ({what}); more of them today are not told.\n"
            "`tenbin ledger` shows what it asked. A larger plan lets it go on (docs/plans.md).",
        ),
        japanese=Words(
            f"キー {key} が上限に達しました",
            f"リクエストを拒否しました ({what})。本日中の同じ拒否は通知しません。\n"
            "内容は `tenbin ledger` で確認できます。続けるにはプランを上げてください (docs/plans.md)。",
        ),
    )


def price_unknown(target: str, now_ms: int) -> Alert:
    """A model was paid for whose price nobody knows."""
    provider, _, model = target.partition("/")
    return Alert(
        kind="price",
        severity="warning",
        once=f"price:{target}:{now_ms // (7 * _DAY_MS)}",
        at_ms=now_ms,
        english=Words(
            f"Nobody knows what {target} costs",
            "It has answered, and what that cost stands in no sum and no budget.\n"
            f"Set its price under providers.{provider}.models.{model}.price, or `free: true` if it costs nothing.",
        ),
        japanese=Words(
            f"{target} の価格が不明です",
            "応答しましたが、その費用は合計にも予算にも含まれていません。\n"
            f"providers.{provider}.models.{model}.price に価格を、無料なら `free: true` を設定してください。",
        ),
    )


def trial(number: int, now_ms: int) -> Alert:
    """What `tenbin alerts test` sends."""
    return Alert(
        kind="provider",
        severity="info",
        once=f"test:{number}:{now_ms}",
        at_ms=now_ms,
        english=Words("This is a test", "Alerts reach you here. Nothing has happened, and nothing needs to be done."),
        japanese=Words("これはテストです", "通知はここに届きます。何も起きていません。対応は不要です。"),
    )


def _budget(claim: Claim) -> tuple[str, str]:
    name, name_ja = _scope(claim.whose or claim.counter.rpartition("/")[0])
    window: WindowKind = claim.window
    english, japanese = _WINDOWS[window]
    return f"{english} budget of {name}", f"{name_ja}の{japanese}"


def _scope(whose: str) -> tuple[str, str]:
    kind, _, name = whose.partition(":")
    if kind == "global" or not name:
        return "all keys together", "全体"
    return f"{kind} {name}", f"{_SCOPES.get(kind, kind)} {name} "


def _at(at_ms: int, zone: str) -> str:
    if at_ms >= FOREVER_MS:
        return "-"
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone)).strftime(f"%Y-%m-%d %H:%M {zone}")
