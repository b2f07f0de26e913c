"""What an experiment has shown so far: each arm's figures and their differences, as plain data and as lines for people.

Money is in nano-USD, shares are 0 to 1, times in milliseconds.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

from tenbin.config.experiments import ARMS, ArmName, Experiment, MetricName
from tenbin.core.money import format_usd
from tenbin.measure.experiments.estimates import METRICS, Table, Unit, difference
from tenbin.measure.experiments.outcomes import Outcomes
from tenbin.measure.experiments.sequential import FEWEST_UNITS

FORMAT = 1
"""Of the JSON; grows when a field changes its meaning or goes."""

QUANTILES: tuple[tuple[str, str, float], ...] = (
    ("first_byte_ms_p50", "first_byte_ms", 0.5),
    ("first_byte_ms_p95", "first_byte_ms", 0.95),
    ("total_ms_p50", "total_ms", 0.5),
    ("total_ms_p95", "total_ms", 0.95),
)

Say = Callable[[str, str], str]
"""(English, Japanese) -> one of the two."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of one arm, with its 95 % interval by conversations."""

    name: str
    unit: Unit
    value: float
    low: float | None = None
    high: float | None = None


class ArmReport(msgspec.Struct, frozen=True, kw_only=True):
    """One arm."""

    arm: ArmName
    requests: int
    conversations: int
    unknown_cost: int
    """Requests whose cost nobody knows; they are in no figure of cost."""
    figures: tuple[Figure, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Treatment less control, with a confidence sequence: it holds however often one looks."""

    name: MetricName
    unit: Unit
    better: Literal["lower", "higher"]
    value: float
    low: float | None = None
    high: float | None = None
    sure: bool = False
    """Zero is excluded."""
    verdict: Literal["better", "worse", "open"] = "open"
    """Of the treatment."""


class ExperimentReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything."""

    format: int = FORMAT
    experiment: Experiment
    arms: tuple[ArmReport, ...]
    differences: tuple[Difference, ...]
    fewest_units: int = FEWEST_UNITS
    """Conversations that each arm must have before anything is said of a difference."""


def report(experiment: Experiment, outcomes: Outcomes) -> ExperimentReport:
    """What the requests so far show."""
    if not len(outcomes):
        empty = tuple(ArmReport(arm=arm, requests=0, conversations=0, unknown_cost=0, figures=()) for arm in ARMS)
        return ExperimentReport(experiment=experiment, arms=empty, differences=())
    table = Table(outcomes)
    return ExperimentReport(
        experiment=experiment,
        arms=tuple(_arm(table, number, arm) for number, arm in enumerate(ARMS)),
        differences=tuple(_differences(table, experiment.alpha)),
    )


def _arm(table: Table, number: int, arm: ArmName) -> ArmReport:
    chosen = table.arm == number
    figures = []
    for metric in METRICS:
        ratio = table.ratio(metric, number)
        if ratio is not None:
            low, high = ratio.interval(metric) or (None, None)
            figures.append(Figure(name=metric.name, unit=metric.unit, value=ratio.value, low=low, high=high))
    for name, column, share in QUANTILES:
        found = table.quantile(column, number, share)
        if found is not None:
            figures.append(Figure(name=name, unit="ms", value=found[0], low=found[1], high=found[2]))
    cost = table.columns["billed_nano"][chosen]
    return ArmReport(
        arm=arm,
        requests=int(chosen.sum()),
        conversations=len(set(table.unit[chosen].tolist())),
        unknown_cost=int((cost != cost).sum()),  # NaN is not equal to itself.
        figures=tuple(figures),
    )


def _differences(table: Table, alpha: float) -> list[Difference]:
    found = []
    for metric in METRICS:
        control, treatment = table.ratio(metric, 0), table.ratio(metric, 1)
        if control is None or treatment is None:
            continue
        told = difference(metric, control, treatment, alpha)
        verdict: Literal["better", "worse", "open"] = "open"
        if told.sure:
            verdict = "better" if (told.value < 0) == (metric.better == "lower") else "worse"
        found.append(
            Difference(
                name=metric.name,
                unit=metric.unit,
                better=metric.better,
                value=told.value,
                low=told.low,
                high=told.high,
                sure=told.sure,
                verdict=verdict,
            )
        )
    return found


# -- for people

_NAMES: dict[str, tuple[str, str]] = {
    "cost_per_conversation": ("cost of a conversation", "会話あたりの費用"),
    "cost_per_request": ("cost of a request", "リクエストあたりの費用"),
    "errors": ("errors", "エラー率"),
    "gate_pass": ("passes the gates", "ゲート合格率"),
    "feedback": ("feedback", "フィードバック"),
    "escalations": ("escalations", "エスカレーション率"),
    "first_byte_ms": ("first byte, mean", "最初のバイトまで (平均)"),
    "total_ms": ("whole answer, mean", "応答全体 (平均)"),
    "first_byte_ms_p50": ("first byte, p50", "最初のバイトまで p50"),
    "first_byte_ms_p95": ("first byte, p95", "最初のバイトまで p95"),
    "total_ms_p50": ("whole answer, p50", "応答全体 p50"),
    "total_ms_p95": ("whole answer, p95", "応答全体 p95"),
}
_ARMS = {"control": ("control", "対照群"), "treatment": ("treatment", "処置群")}
_STATES = {
    "running": ("running", "実行中"),
    "harmed": ("ended by harm: everybody is given the control arm", "害のため終了: 全員が対照群です"),
    "stopped": ("stopped", "終了"),
}
_VERDICTS = {
    "better": ("the treatment is better", "処置群が優れています"),
    "worse": ("the treatment is worse", "処置群が劣っています"),
    "open": ("not sure", "未確定"),
}


def lines(told: ExperimentReport, say: Say) -> list[str]:
    """For people, in one of two languages."""
    experiment = told.experiment
    out = [f"{experiment.name}: {say(*_STATES[experiment.state])}"]
    if experiment.reason:
        out.append(say(f"It ended: {experiment.reason}.", f"終了理由: {experiment.reason}"))
    out.append("")
    for arm in told.arms:
        out.append(
            say(
                f"{arm.arm}: {arm.requests:,} requests of {arm.conversations:,} conversations",
                f"{_ARMS[arm.arm][1]}: {arm.conversations:,} 会話、{arm.requests:,} リクエスト",
            )
        )
        for figure in arm.figures:
            between = f"  [{_shown(figure.low, figure.unit)}, {_shown(figure.high, figure.unit)}]"
            bounds = between if figure.low is not None else ""
            out.append(f"  {say(*_NAMES[figure.name])}: {_shown(figure.value, figure.unit)}{bounds}")
        if arm.unknown_cost:
            out.append(
                say(
                    f"  {arm.unknown_cost:,} of unknown cost, in no figure of cost",
                    f"  費用不明 {arm.unknown_cost:,} 件 (費用の数値には含みません)",
                )
            )
    if not told.differences:
        return [*out, "", say("Nothing can be compared yet.", "まだ比較できません。")]
    sure = 100 * (1 - experiment.alpha)
    out += [
        "",
        say(
            f"Treatment less control, {sure:g} % sure at all times together:",
            f"処置群 − 対照群 (いつ見ても有効な {sure:g} % 信頼列):",
        ),
    ]
    for one in told.differences:
        name, value = say(*_NAMES[one.name]), _shown(one.value, one.unit, signed=True)
        if one.low is None:
            few = say(
                f"too few conversations yet ({told.fewest_units} in each arm)",
                f"会話が不足しています (各群 {told.fewest_units} 会話から)",
            )
            out.append(f"  {name}: {value}  ({few})")
        else:
            low, high = _shown(one.low, one.unit, signed=True), _shown(one.high, one.unit, signed=True)
            out.append(f"  {name}: {value}  [{low}, {high}]  {say(*_VERDICTS[one.verdict])}")
    return out


def _shown(value: float | None, unit: Unit, *, signed: bool = False) -> str:
    if value is None:
        return "-"
    sign = ("+" if value > 0 else "-" if value < 0 else "") if signed else ("-" if value < 0 else "")
    size = abs(value)
    if unit == "nano_usd":
        return f"{sign}{format_usd(round(size))}"
    return f"{sign}{size:.1%}" if unit == "share" else f"{sign}{size:,.0f} ms"
