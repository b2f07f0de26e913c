"""What holds spending under a configuration, in a few lines: its budgets, and what is done as they empty."""

from collections.abc import Iterator

from tenbin.cli.budget_words import KINDS, WINDOWS
from tenbin.cli.language import say
from tenbin.config.address import without_password
from tenbin.config.model import Config
from tenbin.config.spending_check import budgets_of
from tenbin.core.budget import Budget
from tenbin.core.money import format_about


def held(config: Config) -> Iterator[str]:
    """A heading and a line for each thing; nothing where nothing is limited."""
    lines = list(_lines(config))
    if lines:
        yield ""
        yield say("Spending is held by", "支出の上限")
        yield from lines


def _lines(config: Config) -> Iterator[str]:
    spending = config.spending
    budgets = budgets_of(spending)
    for budget in budgets:
        yield f"  {_limit(budget)}"
    parts = []
    if budgets:
        store = without_password(spending.store)
        parts.append(say(f"counted in {store}", f"集計先 {store}"))
    if spending.landing:
        parts.append(say("a soft landing", "軟着陸"))
    if spending.breaker.on:
        parts.append(say("a breaker", "ブレーカー"))
    if config.alerts.to:
        count = len(config.alerts.to)
        parts.append(say(f"alerts to {count} receiver{'s' if count > 1 else ''}", f"通知先 {count} 件"))
    if parts:
        yield "  " + say(", ", "、").join(parts)


def _limit(budget: Budget) -> str:
    """``each team: $5 a day (hard)``."""
    kind = say(*KINDS[budget.kind])
    if budget.kind == "global":
        whose = kind
    elif budget.name == "*":
        whose = say(f"each {kind}", f"{kind}ごと")
    else:
        whose = f"{kind} {budget.name}"
    amount, window = format_about(budget.nano), say(*WINDOWS[budget.window])
    hard = say("hard", "上限厳守") if budget.hard else say("soft", "目安")
    zone = "" if budget.zone == "UTC" else f", {budget.zone}"
    return say(f"{whose}: {amount} {window} ({hard}{zone})", f"{whose}: {window} {amount} ({hard}{zone})")
