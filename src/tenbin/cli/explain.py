"""`tenbin explain`: where a prompt would go and why, or where a past request went."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.language import say
from tenbin.cli.settings import config_option, data_directory, fail, read_file, settle

if TYPE_CHECKING:
    from tenbin.core.ask import Ask
    from tenbin.core.receipt import Attempt, Receipt
    from tenbin.core.weighing import Weighing
    from tenbin.decide.policy import Policy
    from tenbin.ledger.queries import Told

EPILOG = """\b
Examples:
  tenbin explain "Fix the off-by-one error in the paginator"
  tenbin explain "次の契約書を確認してください" --system "You are a lawyer."
  tenbin explain --file request.json --json | jq .weighing.order
  tenbin explain --request req_01K9ZC5T0M3J
\b
Nothing is sent to a provider. Costs are those expected for a conversation that begins
with this prompt; a past request is shown with the conversation as it was.
"""

DIALECTS = {"anthropic": "/v1/messages", "openai_chat": "/v1/chat/completions", "openai_responses": "/v1/responses"}


@click.command(epilog=EPILOG)
@click.argument("prompt", required=False)
@config_option
@click.option("--model", "-m", default="auto", show_default=True, help="The model name that is asked for.")
@click.option("--system", "-s", default="", help="A system prompt before it.")
@click.option(
    "--file", "-f", "body_file", type=click.Path(path_type=Path, dir_okay=False), help="A whole request body, JSON."
)
@click.option("--dialect", type=click.Choice(list(DIALECTS)), default="anthropic", show_default=True, help="Of --file.")
@click.option("--header", "-H", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header of the request.")
@click.option("--request", "request_id", help="Explain this request of the ledger instead.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger, for --request.  [default: as for `tenbin ledger`]",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: {asked, route, targets, weighing, ...}.")
def explain(
    prompt: str | None,
    path: Path | None,
    model: str,
    system: str,
    body_file: Path | None,
    dialect: Any,
    headers: tuple[str, ...],
    request_id: str | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Show where PROMPT would go and why: what is seen in it, what each model would really cost, how good it would be.

    PROMPT may be `-` to read it from standard input.
    """
    given = [name for name, value in (("PROMPT", prompt), ("--file", body_file), ("--request", request_id)) if value]
    if len(given) != 1:
        raise click.UsageError("Give a PROMPT, or --file, or --request." if not given else f"Give one of {given}.")
    if request_id is not None:
        told = _past(request_id, data_directory(data_dir, read_file(path)[1]))
    else:
        if body_file is not None:
            try:
                body = body_file.read_bytes()
            except OSError as error:
                fail(f"{body_file} cannot be read: {error.strerror}.")
        else:
            dialect = "anthropic"
            body = _body(sys.stdin.read() if prompt == "-" else prompt or "", system, model)
        told = _would(path, dialect, body, headers)
    if as_json:
        click.echo(json.dumps(told["plain"], indent=2, ensure_ascii=False))
    else:
        for line in told["lines"]:
            click.echo(line)


def _body(prompt: str, system: str, model: str) -> bytes:
    body: dict[str, Any] = {"model": model, "max_tokens": 4_096, "messages": [{"role": "user", "content": prompt}]}
    if system:
        body["system"] = system
    return json.dumps(body).encode()


def _would(path: Path | None, dialect: Any, body: bytes, headers: tuple[str, ...]) -> dict[str, Any]:
    """Decide on a request that nobody sends."""
    import asyncio

    from tenbin.app import cache_directory, discerner
    from tenbin.core.problems import Unreadable
    from tenbin.decide.resolve import policy
    from tenbin.execute.conversations import Conversations
    from tenbin.execute.deciding import decided
    from tenbin.execute.sensing import Senses
    from tenbin.ledger.prices import PriceBook

    settings = settle(path)
    prices = PriceBook(settings.config.providers, cache=cache_directory())
    resolved = policy(settings.config)
    try:
        ask = _ask(dialect, body, headers)
        chain, weighing, climb = asyncio.run(decided(ask, resolved, Senses(Conversations(), discerner, prices)))
    except Unreadable as unreadable:
        fail(unreadable.problem.message)
    targets, asked = tuple(target.name for target in chain.targets), f"{ask.head.model!r}"
    plain: dict[str, Any] = {"asked": ask.head.model, "route": chain.route, "targets": list(targets)}
    plain |= {"rejected": dict(chain.rejected), "policy": resolved.hash}
    head = say(f"{asked} is asked for: route {chain.route}", f"要求されたモデル {asked}: 経路 {chain.route}")
    lines = [head, ""]
    plain["weighing"], shown = _weighed(weighing)
    plain["climb"] = None
    if climb is not None:
        from tenbin.cli import climb as ladder

        plain["climb"] = ladder.plain_plan(climb)
        shown = [*shown, *([""] if shown else []), *ladder.planned(climb)]
    elif weighing is None:
        lines += _unweighed(targets, chain.rejected, resolved)
    return {"plain": plain, "lines": lines + shown}


def _weighed(weighing: "Weighing | None") -> tuple[dict[str, Any] | None, list[str]]:
    if weighing is None:
        return None, []
    from tenbin.cli import weighing as words

    return words.plain(weighing), words.lines(weighing)


def _unweighed(targets: tuple[str, ...], rejected: tuple[tuple[str, str], ...], policy: "Policy") -> list[str]:
    routing = policy.routing
    lines = [say(f"-> {', '.join(targets) or 'nobody'}", f"-> {', '.join(targets) or 'なし'}")]
    lines += [f"   {name}: {reason}" for name, reason in rejected]
    if routing is None:
        lines.append(say("Nothing can be weighed: no model is configured.", "比較できるモデルが設定されていません。"))
    else:
        names = ", ".join(routing.settings.names)
        english = f"Its name says who answers; nothing was weighed. Names that are weighed: {names} (routing.names)."
        japanese = f"名前が送り先を決めるため、比較していません。比較される名前: {names} (routing.names)"
        lines.append(say(english, japanese))
    return lines


def _ask(dialect: Any, body: bytes, headers: tuple[str, ...]) -> "Ask":
    from tenbin.codecs.registry import dialect as codec
    from tenbin.core.ask import Ask, Caller
    from tenbin.decide.overrides import STEERING
    from tenbin.execute.clock import SystemClock

    pairs = []
    for line in headers:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise click.UsageError(f"{line!r} is no header. Write 'name: value'.")
        pairs.append((name.strip().lower().encode(), value.strip().encode()))
    clock = SystemClock()
    return Ask(
        request_id="explained",
        dialect=dialect,
        operation="generate",
        path=DIALECTS[dialect],
        query=b"",
        headers=tuple(pairs),
        body=body,
        head=codec(dialect).read_head(body),
        caller=Caller(key_id="local"),
        arrived_at_ms=clock.now_ms(),
        arrived_ns=clock.monotonic_ns(),
        client=dict(pairs).get(b"user-agent", b"").decode("latin-1"),
        steered=not STEERING.isdisjoint(dict(pairs)),
    )


def _past(request_id: str, directory: Path) -> dict[str, Any]:
    """A request of the ledger."""
    from sqlite3 import Error

    from tenbin.cli.ledger import database_path
    from tenbin.ledger import queries
    from tenbin.ledger.migrations import SchemaTooNew

    database = database_path(directory)
    try:
        with queries.reading(database) as connection:
            receipt = queries.receipt(connection, request_id)
            said = queries.signals_about(connection, request_id)
    except (FileNotFoundError, SchemaTooNew) as error:
        fail(str(error))
    except Error as error:
        fail(f"The ledger {database} cannot be read: {error}.")
    if receipt is None:
        fail(f"No request {request_id} is in {database}. `tenbin ledger` lists the last ones; it takes them a moment.")
    return _with_signals(_told(receipt), said)


def _said(one: "Told") -> str:
    signal = one.signal
    by = f", {signal.source}" if signal.source else ""
    return f"{signal.kind} {signal.success:g} ({signal.weight:+g}{by})"


def _with_signals(told: dict[str, Any], said: "list[Told]") -> dict[str, Any]:
    """With what later requests, gates and people said of the answer."""
    told["plain"]["signals"] = [
        {
            "kind": one.signal.kind,
            "success": one.signal.success,
            "weight": one.signal.weight,
            "source": one.signal.source,
        }
        for one in said
    ]
    if said:
        words = ", ".join(map(_said, said))
        told["lines"].append(say(f"Said of it later: {words}.", f"後から分かったこと: {words}"))
    return told


def _of_pair(attempt: "Attempt") -> str:
    if attempt.hedge == 1:
        return say(" (slow to begin)", " (開始が遅い)")
    return say(" (asked beside it)", " (並行して問い合わせ)") if attempt.hedge else ""


def _attempt(one: "Attempt") -> str:
    from tenbin.cli import climb as ladder
    from tenbin.core.money import format_usd

    failed = f" ({one.failure})" if one.failure else ""
    place = f"{one.number}." if one.number else say("Judge", "判定役")
    paid = say("price unknown", "価格不明") if one.billed_nano is None else format_usd(one.billed_nano)
    part = ladder.place(one) or _of_pair(one)
    return f"{place} {one.provider}/{one.model}{part}: {one.outcome}{failed}, {one.total_ms:,.0f} ms, {paid}"


def _part(receipt: "Receipt") -> list[str]:
    """Its part in an experiment, where it took one."""
    part = f"{receipt.experiment}, {receipt.arm}"
    return [say(f"Experiment: {part}", f"実験: {part}")] if receipt.experiment is not None else []


def _choice(receipt: "Receipt", plain: dict[str, Any]) -> list[str]:
    """How the target was chosen, and whether the record leads to the same again."""
    from tenbin.decide.weigh import choose

    if receipt.weighing is None and receipt.climb is None and receipt.attempts:
        return [say("Nothing was weighed: its name said who answers.", "名前が送り先を決めたため、比較していません。")]
    if receipt.weighing is None or not receipt.weighing.candidates:
        return []
    same = choose(receipt.weighing) == receipt.weighing
    plain["replays"] = same
    if same:
        return [say("Chosen again from this record: the same.", "この記録から選び直しても同じ結果です。")]
    return [say("Chosen again from this record: NOT the same.", "この記録から選び直すと結果が異なります。")]


def _told(receipt: "Receipt") -> dict[str, Any]:
    import msgspec

    from tenbin.cli import cache_words, landing_words, refusal_words
    from tenbin.cli import climb as ladder
    from tenbin.core.money import format_usd, usd_decimal

    weighing, shown = _weighed(receipt.weighing)
    billed = receipt.billed_nano
    plain: dict[str, Any] = {
        "request_id": receipt.request_id,
        "asked": receipt.requested_model,
        "route": receipt.route,
        "policy": receipt.policy,
        "outcome": receipt.outcome,
        "attempts": [
            {
                "number": one.number,
                "target": f"{one.provider}/{one.model}",
                "outcome": one.outcome,
                "failure": one.failure,
                "billed_usd": None if one.billed_nano is None else usd_decimal(one.billed_nano),
                **({"hedge": one.hedge} if one.hedge else {}),
                **ladder.plain_attempt(one),
            }
            for one in receipt.attempts
        ],
        "billed_usd": None if billed is None else usd_decimal(billed),
        "weighing": weighing,
        "climb": None if receipt.climb is None else ladder.plain_plan(receipt.climb),
        "experiment": receipt.experiment,
        "arm": receipt.arm,
        "cached": None if receipt.cached is None else msgspec.to_builtins(receipt.cached),
        "landing": landing_words.plain(receipt),
        "refused": refusal_words.plain(receipt),
    }
    cost = say("unknown", "不明") if billed is None else format_usd(billed)
    asked = f"{receipt.requested_model!r}"
    lines = [
        say(f"{asked} was asked for: route {receipt.route}", f"要求されたモデル {asked}: 経路 {receipt.route}"),
        "",
    ]
    lines[1:1] = [
        *_part(receipt),
        *cache_words.told(receipt.cached),
        *landing_words.told(receipt),
        *refusal_words.told(receipt),
    ]
    lines += [*shown, ""] if shown else []
    lines += [*ladder.planned(receipt.climb), ""] if receipt.climb is not None else []
    for one in receipt.attempts:
        lines += [_attempt(one), *ladder.judged(one)]
    lines.append(say(f"It cost {cost}.", f"費用は {cost} でした。"))
    same = ladder.replays(receipt)
    if same is not None:
        plain["climb"]["replays"] = same
    lines += _choice(receipt, plain)
    return {"plain": plain, "lines": lines}
