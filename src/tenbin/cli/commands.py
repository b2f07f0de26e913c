"""The list of commands. A command's module is imported when it is called, so that `tenbin --help` is quick."""

from importlib import import_module

import click

from tenbin import __version__

COMMANDS = {
    "serve": "Start the gateway.",
    "init": "Write a commented tenbin.yaml from what is found here.",
    "import": "Write a tenbin.yaml from another router's configuration.",
    "check": "Look for mistakes in a tenbin.yaml and show how it routes.",
    "doctor": "Prove the whole path to every provider.",
    "code": "Start Claude Code through the gateway.",
    "env": "Print the variables with which a client finds the gateway.",
    "explain": "Show where a prompt would go, or a past request went, and why.",
    "ledger": "Show the last requests and what they cost.",
    "budget": "Show every budget: spent, left, its pace, what to do.",
    "anomalies": "Show days and hours on which more was spent than usual.",
    "plans": "Show what plans allow, and what a key has left today.",
    "breaker": "Show whether spending is stopped; let it go on.",
    "alerts": "Alerts of money and trouble: do they arrive, what was told.",
    "content": "Requests and answers that are kept: look at one, delete them.",
    "cache": "Look at caches: what they brought, what spoils them.",
    "experiment": "Compare two policies on live traffic.",
    "quality": "Show how much quality cheap answers keep, as measured.",
    "evidence": "Show what was learned of models in your own traffic.",
    "feedback": "Say whether an answer was good.",
    "keys": "Keys for clients: make, list, change, rotate, expire, revoke them.",
    "teams": "Teams: their budgets and plans; disable all keys of one.",
    "users": "Users: their budgets and plans; disable all keys of one.",
    "eval": "Measure how good the gateway's own judgement is, on data.",
    "schema": "Print the JSON Schema of tenbin.yaml, for editors.",
    "simulate": "Serve a simulated provider, to try things at no cost.",
}
"""Each command and what the overview says of it. The command stands in the module of its name, or of MODULES."""

MODULES = {"eval": "evaluation", "import": "importing"}
"""Modules of commands whose names Python keeps for itself."""

EPILOG = """\b
Examples:
  tenbin serve                     start with what is found here
  tenbin init && tenbin check      write a tenbin.yaml, then look at its routing
  tenbin code                      Claude Code through the gateway
\b
Exit codes: 0 all is well; 1 it is not, and the reason was said; 2 the command
line makes no sense; 130 interrupted. `tenbin code` ends with Claude Code's own.
"""


def load_command(name: str) -> click.Command:
    """A command by its name in COMMANDS; its module is imported."""
    module = MODULES.get(name, name)
    command = getattr(import_module(f"tenbin.cli.{module}"), module)
    assert isinstance(command, click.Command)
    return command


class _Commands(click.Group):
    """A group that knows its commands by name only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return load_command(name) if name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from tenbin.config.shape import suggestion

            ctx.fail(f"{args[0]!r} is not a command. {suggestion(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="tenbin %(version)s")
def tenbin() -> None:
    """Tenbin, an LLM gateway: any client, any provider, every token counted."""
