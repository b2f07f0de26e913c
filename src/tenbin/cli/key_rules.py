"""What a key, a team or a user may do, as it is said on the command line: options that several commands share."""

import ipaddress
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, get_args

import click

from tenbin.core.account import OPERATIONS, OwnerKind
from tenbin.core.budget import MOST_USD, Allotment, WindowKind
from tenbin.core.features import TIERS
from tenbin.core.money import nano_from_usd

if TYPE_CHECKING:
    from tenbin.config.model import Config

WINDOWS: tuple[WindowKind, ...] = get_args(WindowKind)


def budget_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--budget`` and ``--soft``."""
    for option in (
        click.option(
            "--soft", is_flag=True, help="These budgets refuse nothing: they are counted, shown and warned of."
        ),
        click.option(
            "--budget",
            "budgets",
            multiple=True,
            metavar="WINDOW=USD",
            help=f"What it may spend: month=50, day=2.5; of {', '.join(WINDOWS)}.",
        ),
    ):
        command = option(command)
    return command


def _paths(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for one in given:
        if not one.startswith(("/", "*")):
            raise click.BadParameter(f"{one!r} is no path, and nothing would be let in: write it as /v1/messages*.")
    return given


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a key may ask for, by whom it is answered, and from where."""
    for option in (
        click.option("--ip", "networks", multiple=True, help="An address or network that it may come from."),
        click.option(
            "--operation", "operations", multiple=True, type=click.Choice(OPERATIONS), help="What it may ask."
        ),
        click.option(
            "--route", "routes", multiple=True, callback=_paths, help="A path that it may use, as `/v1/messages*`."
        ),
        click.option("--tier", "tiers", multiple=True, type=click.Choice(TIERS), help="A tier that may answer it."),
        click.option("--target", "targets", multiple=True, help="A provider/model, or model, that may answer it."),
        click.option("--model", "models", multiple=True, help="A name that it may ask for, as `auto` or `claude-*`."),
        click.option("--tag", "tags", multiple=True, help="A word of your own; may be given again."),
    ):
        command = option(command)
    return command


def allotments(kind: OwnerKind | str, given: Sequence[str], *, soft: bool) -> tuple[Allotment, ...]:
    """Budgets as given, ``month=50``; one a window. Raises BadParameter."""
    found: dict[str, Allotment] = {}
    for text in given:
        window, usd = _parted(text)
        if window in found:
            raise click.BadParameter(f"--budget {text!r}: {window} is given twice.")
        found[window] = Allotment(kind, window, nano_from_usd(usd), not soft)  # type: ignore[arg-type]
    return tuple(found.values())


def networks(given: Sequence[str]) -> tuple[str, ...]:
    """Addresses and networks in CIDR form. Raises BadParameter."""
    return tuple(_network(one) for one in given)


def _parted(text: str) -> tuple[WindowKind, Decimal]:
    name, sign, amount = text.partition("=")
    window = next((one for one in WINDOWS if one == name), None)
    if window is None or not sign:
        raise click.BadParameter(f"--budget {text!r}: write WINDOW=USD, as month=50; windows are {', '.join(WINDOWS)}.")
    try:
        usd = Decimal(amount.removeprefix("$"))
    except InvalidOperation:
        usd = Decimal("NaN")
    if not usd.is_finite() or not 0 <= usd <= MOST_USD:
        raise click.BadParameter(f"--budget {text!r}: an amount in USD from 0 to {MOST_USD:,} is needed, as month=50.")
    return window, usd


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise click.BadParameter(f"--ip {text!r} is no address or network: {error}. Write 10.0.0.0/8 or ::1.") from None


def known_plan(name: str | None, config: "Config") -> None:
    """Raises UsageError for the name of a plan that the configuration lacks: a key with such a plan is let nowhere."""
    from tenbin.config.plans import merged
    from tenbin.config.shape import suggestion

    names = merged(config.plans).keys()
    if name and name not in names:
        raise click.UsageError(f"No plan is named {name!r} (`tenbin plans` lists them). {suggestion(name, names)}")
