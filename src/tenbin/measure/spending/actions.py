"""8. What to do about a budget's pace, in words about this very ledger: who costs most, what a switch would save.

Pure. Savings are what the same tokens would have cost elsewhere, by the prices in force, over the window so far; how
long each prompt was is not known of a sum, so of prices that rise with it the lowest is taken.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from tenbin.core.money import NanoUSD
from tenbin.core.money import format_about as usd
from tenbin.core.price import Price
from tenbin.core.usage import Usage
from tenbin.ledger.spending import Sum
from tenbin.measure.response_cache import CacheSum
from tenbin.measure.spending.pace import Pace

MOST_NAMED = 3
"""Routes, models or people that are named in one action."""
LEAST_SHARE = 0.05
"""Who costs less than this share of the spending is not named."""
LEAST_SAVING = 0.1
"""A switch that saves less than this share of what it is about is not proposed."""
MANY_RETRIES = 0.02
"""Share of calls that may be retries before they are told of."""
NOBODY = ("local", "master", "shadow", "keep_alive")
"""Keys on receipts that are no person's."""
RELAXED_SIMILARITY = 0.90
"""Of the semantic cache, while a budget is critical."""

ActionKind: TypeAlias = Literal[
    "switch", "cache", "pause", "user_limits", "review", "batch", "retries", "models", "fresher_cache", "price"
]


class Offer(NamedTuple):
    """A model that could be asked."""

    target: str
    """``provider/model``."""
    ability: float
    """On the scale of tiers (decide.abilities)."""
    price: Price | None
    batch: Price | None = None
    """In a batch, where the provider sells that for less."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a budget's window so far."""

    total: Sum
    by_route_and_model: tuple[Sum, ...] = ()
    """``by``: route, ``provider/model``; dearest first, as all of these."""
    by_key: tuple[Sum, ...] = ()
    """``by``: the key's id."""
    by_user: tuple[Sum, ...] = ()
    batchable: tuple[Sum, ...] = ()
    """``by``: ``provider/model``; of calls that could have been in a batch."""
    own: tuple[Sum, ...] = ()
    """``by``: operation; what Tenbin itself has spent on comparisons and keeping caches warm."""
    cache: CacheSum | None = None
    """The response cache; None where it is switched off."""
    cache_matters: bool = True
    """What it does is known for these very requests; else nothing is said of it."""
    semantic: bool = False
    """It answers by meaning too."""
    offers: tuple[Offer, ...] = ()
    names: Mapping[str, str] = {}
    """What keys are called, by id."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do."""

    kind: ActionKind
    about: tuple[str, ...] = ()
    """The routes, models, keys or users that it is about."""
    amount_nano: NanoUSD | None = None
    """What those have cost in the window so far."""
    saves_nano: NanoUSD | None = None
    """Of that, what it would have saved; less than 0: what it would have cost more. None where nobody can know."""
    english: str
    japanese: str


def actions(pace: Pace | None, found: Findings) -> tuple[Action, ...]:
    """What to do, the most useful first. Nothing for a budget on its way, but for calls whose price is unknown."""
    word = pace.word if pace is not None else "on_track"
    told: list[Action | None] = []
    if word == "critical":
        told += [*_switches(found), _relaxed_cache(found), *_pauses(found), _user_limits(found)]
    elif word == "warning":
        told += [_review(found), _batch(found), _retries(found)]
    elif word == "under_used" and pace is not None:
        told += [_better_model(pace, found), _fresher_cache(found)]
    told.append(_prices(found))
    return tuple(one for one in told if one is not None)


# -- critical


def _switches(found: Findings) -> list[Action]:
    """The dearest routes and models, and the ablest model that would do it for less."""
    whole = found.total.spent_nano
    told: list[Action] = []
    for one in found.by_route_and_model:
        if len(told) == MOST_NAMED or not _matters(one.spent_nano, whole):
            break
        other = _cheaper(one, found.offers)
        if other is None:
            continue
        offer, cost = other
        route, target = one.by
        saved, spent = one.spent_nano - cost, usd(one.spent_nano)
        share = f"{one.spent_nano / whole:.0%}"
        told.append(
            Action(
                kind="switch",
                about=(route, target, offer.target),
                amount_nano=one.spent_nano,
                saves_nano=saved,
                english=f"Route {route}: {target} cost {spent} ({share}). The same tokens at {offer.target} cost "
                f"{usd(cost)}: switching saves {usd(saved)}.",
                japanese=f"ルート {route}: {target} に {spent} ({share})。同じトークンを {offer.target} に送れば "
                f"{usd(cost)} で、{usd(saved)} の節約です。",
            )
        )
    return told


def _cheaper(one: Sum, offers: Sequence[Offer]) -> tuple[Offer, NanoUSD] | None:
    """The ablest of those weaker models that would have saved something worth while."""
    ability = next((offer.ability for offer in offers if offer.target == one.by[-1]), None)
    most = one.spent_nano * (1 - LEAST_SAVING)
    priced = [
        (offer, cost)
        for offer in offers
        if offer.target != one.by[-1]
        and (ability is None or offer.ability <= ability)
        and (cost := cost_at(one, offer.price)) is not None
        and cost <= most
    ]
    return max(priced, key=lambda pair: (pair[0].ability, -pair[1]), default=None)


def _relaxed_cache(found: Findings) -> Action | None:
    cache = found.cache
    if not found.cache_matters:
        return None
    if cache is None:
        return Action(
            kind="cache",
            english="Switch the response cache on (`cache.exact: serve`): the same request again then costs nothing.",
            japanese="応答キャッシュを有効にする (`cache.exact: serve`)。同じリクエストの 2 回目以降は無料になります。",
        )
    if not found.semantic:
        return Action(
            kind="cache",
            amount_nano=cache.saved_nano,
            english=f"The response cache has saved {usd(cache.saved_nano)} by exact matches; let it also answer the "
            "same question in other words (`cache.semantic.mode: serve`).",
            japanese=f"応答キャッシュは完全一致で {usd(cache.saved_nano)} を節約しました。"
            "言い換えた質問にも答えさせる (`cache.semantic.mode: serve`)。",
        )
    return Action(
        kind="cache",
        amount_nano=cache.saved_nano,
        english=f"Relax the semantic cache's threshold to {RELAXED_SIMILARITY:.2f} while this lasts "
        f"(`spending.landing` does it by itself): {cache.semantic:,} answers by meaning and {cache.exact:,} exact ones "
        f"have saved {usd(cache.saved_nano)} at a hit rate of {cache.hit_rate:.0%}.",
        japanese=f"当面、意味キャッシュの閾値を {RELAXED_SIMILARITY:.2f} に緩める (`spending.landing` なら自動)。"
        f"これまで意味一致 {cache.semantic:,} 件と完全一致 {cache.exact:,} 件で {usd(cache.saved_nano)} を節約 "
        f"(ヒット率 {cache.hit_rate:.0%})。",
    )


def _pauses(found: Findings) -> list[Action]:
    told = []
    own = [one for one in found.own if one.spent_nano]
    if own:
        amount, names = sum(one.spent_nano for one in own), tuple(one.by[0] for one in own)
        told.append(
            Action(
                kind="pause",
                about=names,
                amount_nano=amount,
                saves_nano=amount,
                english=f"Pause what Tenbin spends by itself ({', '.join(names)}): {usd(amount)}.",
                japanese=f"Tenbin 自身の支出 ({', '.join(names)}) を止める: {usd(amount)}。",
            )
        )
    waiting = [one for one in found.batchable if one.spent_nano][:MOST_NAMED]
    amount = sum(one.spent_nano for one in found.batchable)
    if waiting and _matters(amount, found.total.spent_nano):
        calls = sum(one.calls for one in found.batchable)
        told.append(
            Action(
                kind="pause",
                about=tuple(one.by[0] for one in waiting),
                amount_nano=amount,
                english=f"Pause routes that are not needed now: {calls:,} calls for {usd(amount)} had nobody looking "
                f"on (no stream, no conversation), mostly at {_list(waiting)}.",
                japanese=f"急がないルートを止める: ストリームでも会話でもない呼び出しが {calls:,} 件、{usd(amount)}。"
                f"主に {_list(waiting)}。",
            )
        )
    return told


def _user_limits(found: Findings) -> Action | None:
    people = [one for one in found.by_user if one.by[0]]
    kind, japanese = ("users", "利用者") if people else ("keys", "鍵")
    people = people or [one for one in found.by_key if one.by[0] not in NOBODY]
    people = [one for one in people if _matters(one.spent_nano, found.total.spent_nano)][:MOST_NAMED]
    if not people:
        return None
    amount = sum(one.spent_nano for one in people)
    named = _list(people, found.names)
    return Action(
        kind="user_limits",
        about=tuple(found.names.get(one.by[0], one.by[0]) for one in people),
        amount_nano=amount,
        english=f"Halve the daily limits of {kind}: {named} together spent {usd(amount)} "
        f"({amount / found.total.spent_nano:.0%}).",
        japanese=f"{japanese}ごとの 1 日の上限を半分にする: {named}、合わせて {usd(amount)} "
        f"({amount / found.total.spent_nano:.0%})。",
    )


# -- warning


def _review(found: Findings) -> Action | None:
    whole = found.total.spent_nano
    dearest = [one for one in found.by_route_and_model if _matters(one.spent_nano, whole)][:MOST_NAMED]
    if not dearest:
        return None
    english, japanese = [], []
    for one in dearest:
        route, target = one.by
        each = usd(one.spent_nano // max(one.calls, 1))
        share = f"{one.spent_nano / whole:.0%}"
        english.append(f"{route} at {target} {usd(one.spent_nano)} ({share}, {one.calls:,} calls of {each})")
        japanese.append(f"{route} ({target}) {usd(one.spent_nano)} ({share}、{one.calls:,} 件、1 件 {each})")
    return Action(
        kind="review",
        about=tuple(f"{one.by[0]} {one.by[1]}" for one in dearest),
        amount_nano=sum(one.spent_nano for one in dearest),
        english=f"Review the dearest routes: {'; '.join(english)}.",
        japanese=f"高額なルートを見直す: {'、'.join(japanese)}。",
    )


def _batch(found: Findings) -> Action | None:
    amount = sum(one.spent_nano for one in found.batchable)
    if not _matters(amount, found.total.spent_nano):
        return None
    offers = {offer.target: offer for offer in found.offers}
    saved, about = 0, []
    for one in found.batchable:
        offer = offers.get(one.by[0])
        cost = cost_at(one, offer.batch) if offer is not None else None
        if cost is not None and cost < one.spent_nano:
            saved += one.spent_nano - cost
            about.append(one.by[0])
    calls = sum(one.calls for one in found.batchable)
    share = f"{amount / found.total.spent_nano:.0%}"
    return Action(
        kind="batch",
        about=tuple(about or [one.by[0] for one in found.batchable])[:MOST_NAMED],
        amount_nano=amount,
        saves_nano=saved if about else None,
        english=f"Batch more: {calls:,} calls for {usd(amount)} ({share}) were neither streams nor conversations."
        + (f" By the batch prices of their providers they save {usd(saved)}." if about else ""),
        japanese=f"バッチを増やす: ストリームでも会話でもない呼び出しが {calls:,} 件、{usd(amount)} ({share})。"
        + (f"プロバイダーのバッチ料金なら {usd(saved)} の節約です。" if about else ""),
    )


def _retries(found: Findings) -> Action | None:
    total = found.total
    if total.retries <= MANY_RETRIES * total.calls and not _matters(total.failed_nano, total.spent_nano):
        return None
    share = f"{total.retries / max(total.calls, 1):.1%}"
    return Action(
        kind="retries",
        amount_nano=total.failed_nano,
        saves_nano=total.failed_nano,
        english=f"Retry less: {total.retries:,} of {total.calls:,} calls ({share}) were retries, and failed calls cost "
        f"{usd(total.failed_nano)}. `tenbin doctor` shows which provider fails.",
        japanese=f"再試行を減らす: {total.calls:,} 件中 {total.retries:,} 件 ({share}) が再試行で、失敗した呼び出しに "
        f"{usd(total.failed_nano)}。どこが失敗するかは `tenbin doctor` で分かります。",
    )


# -- under-used


def _better_model(pace: Pace, found: Findings) -> Action | None:
    """The dearest line that an abler model could take over with what this pace leaves."""
    spare = pace.left_nano + found.total.spent_nano - pace.projected_nano
    grows = pace.projected_nano / found.total.spent_nano if found.total.spent_nano else 0.0
    abilities = {offer.target: offer.ability for offer in found.offers}
    for one in found.by_route_and_model:
        route, target = one.by
        if target not in abilities or not _matters(one.spent_nano, found.total.spent_nano):
            continue
        abler = [
            (offer, cost - one.spent_nano)
            for offer in found.offers
            if offer.ability > abilities[target]
            and (cost := cost_at(one, offer.price)) is not None
            and 0 < (cost - one.spent_nano) * grows <= spare
        ]
        if not abler:
            continue
        offer, more = max(abler, key=lambda pair: (pair[0].ability, -pair[1]))
        whole = round(more * grows)
        return Action(
            kind="models",
            about=(route, target, offer.target),
            amount_nano=one.spent_nano,
            saves_nano=-more,
            english=f"Use better models: route {route} at {offer.target} in place of {target} costs {usd(whole)} more "
            f"in the whole window, of {usd(spare)} that will be left.",
            japanese=f"より良いモデルを使う: ルート {route} を {target} から {offer.target} に替えても期間全体で "
            f"{usd(whole)} の増加。このままなら {usd(spare)} 余ります。",
        )
    return None


def _fresher_cache(found: Findings) -> Action | None:
    cache = found.cache
    if cache is None or not cache.hits:
        return None
    age = _age(cache.mean_age_ms)
    return Action(
        kind="fresher_cache",
        amount_nano=cache.saved_nano,
        saves_nano=-cache.saved_nano,
        english=f"Keep the cache fresher (shorter `cache.life`): {cache.hits:,} answers were on average {age[0]} old; "
        f"all asked anew would have cost {usd(cache.saved_nano)}.",
        japanese=f"キャッシュを新しく保つ (`cache.life` を短く): {cache.hits:,} 件の応答は平均 {age[1]} 前のもの。"
        f"すべて問い直しても {usd(cache.saved_nano)} です。",
    )


# -- always


def _prices(found: Findings) -> Action | None:
    if not found.total.unknown:
        return None
    return Action(
        kind="price",
        english=f"{found.total.unknown:,} calls have no known price and count for nothing here: set it under "
        "`providers`, or mark the provider `free` (`tenbin ledger --by model` names them).",
        japanese=f"料金の分からない呼び出しが {found.total.unknown:,} 件あり、集計に入っていません。`providers` で"
        "料金を設定するか `free` にしてください (`tenbin ledger --by model` で確認できます)。",
    )


# -- words and figures


def cost_at(one: Sum, price: Price | None) -> NanoUSD | None:
    """What a sum's tokens would cost at a price, in the price's first step; None where that is not known."""
    if price is None:
        return None
    rates = Price(label=price.label, steps=price.steps[:1])
    usage = Usage(
        input=one.input,
        cache_read=one.cache_read,
        cache_write_5m=one.cache_write_5m,
        cache_write_1h=one.cache_write_1h,
        output=one.output,
        web_searches=one.web_searches,
    )
    cost = rates.cost(usage)
    # A price for each request is in ``cost`` once.
    each = price.steps[0][1].per_request // 1_000
    return None if cost is None else cost + each * max(one.calls - 1, 0)


def _matters(amount: NanoUSD, whole: NanoUSD) -> bool:
    return whole > 0 and amount >= LEAST_SHARE * whole


def _list(sums: Sequence[Sum], names: Mapping[str, str] | None = None) -> str:
    return ", ".join(f"{(names or {}).get(one.by[0], one.by[0])} {usd(one.spent_nano)}" for one in sums)


def _age(ms: int) -> tuple[str, str]:
    for unit_ms, english, japanese in ((86_400_000, "days", "日"), (3_600_000, "hours", "時間")):
        if ms >= unit_ms:
            return f"{ms / unit_ms:.1f} {english}", f"{ms / unit_ms:.1f} {japanese}"
    return f"{ms / 60_000:.0f} minutes", f"{ms / 60_000:.0f} 分"
