"""The parts of the documentation that are written from the code: `python -m tests.documents` writes them anew.

Each stands in its page between two comments that hold its name.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec
from click.testing import CliRunner
from msgspec import inspect

from tenbin.api.admin.document import encoded
from tenbin.api.admin.operations import OPERATIONS
from tenbin.cli.commands import COMMANDS, load_command, tenbin
from tenbin.config.findings import DEFAULT_MODELS, LOCAL_SERVERS
from tenbin.config.quirks import PROFILES
from tenbin.config.schema import field_docs, sections
from tenbin.core.target import Quirks
from tenbin.decide.cache_rules import MINUTE_MS, find
from tenbin.decide.output_priors import AGENT, AGENT_STEP, BACKGROUND, CHAT, COMPACTION, ONCE, TASKS

ROOT = Path(__file__).parents[1]


def table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def type_in_words(shape: inspect.Type) -> str:
    """What a value must be, for people."""
    match shape:
        case inspect.Metadata():
            examples = (shape.extra_json_schema or {}).get("examples")
            return "provider/model" if examples else type_in_words(shape.type)
        case inspect.UnionType():
            return " or ".join(type_in_words(each) for each in shape.types if not isinstance(each, inspect.NoneType))
        case inspect.StructType():
            return "block"
        case inspect.DictType():
            value = "block" if isinstance(shape.value_type, inspect.StructType) else type_in_words(shape.value_type)
            return f"name: {value}"
        case inspect.ListType() | inspect.VarTupleType():
            return f"list of {type_in_words(shape.item_type)}"
        case inspect.LiteralType():
            return ", ".join(f"`{value}`" for value in shape.values)
        case inspect.IntType() | inspect.FloatType():
            kind = "whole number" if isinstance(shape, inspect.IntType) else "number"
            least = f" >= {shape.ge}" if shape.ge is not None else f" > {shape.gt}" if shape.gt is not None else ""
            most = f" and <= {shape.le}" if shape.le is not None else ""
            return kind + least + most
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return "text"
    return "anything"


def default_in_words(field: inspect.Field) -> str:
    if field.required:
        return "(needed)"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if value is None or value in ({}, [], ()) or isinstance(value, msgspec.Struct):
        return ""
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, tuple | list):
        return ", ".join(f"`{each}`" for each in value)
    if isinstance(value, dict):
        return ", ".join(f"`{key}: {each}`" for key, each in value.items())
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def fields_table(struct: type[msgspec.Struct]) -> str:
    shape = inspect.type_info(struct)
    assert isinstance(shape, inspect.StructType)
    docs = field_docs(struct)
    rows = [
        (
            f"`{field.name}`",
            type_in_words(field.type),
            default_in_words(field),
            docs.get(field.name, "").replace("``", "`"),
        )
        for field in shape.fields
    ]
    return table(("Key", "Value", "Default", "Meaning"), rows)


def configuration() -> str:
    parts = []
    for path, struct in sections().items():
        heading = f"### `{path}`\n\n{(struct.__doc__ or '').strip()}\n\n" if path else ""
        parts.append(f"{heading}{fields_table(struct)}")
    return "\n".join(parts)


def profiles() -> str:
    rows = []
    for name, profile in PROFILES.items():
        variables = " or ".join(f"`{variable}`" for variable in profile.env) or "none is needed"
        families = ", ".join(f"`{prefix}`" for prefix in profile.prefixes)
        rows.append((f"`{name}`", f"`{profile.base_url}`", ", ".join(profile.dialects), variables, families))
    return table(
        ("Profile", "Base URL", "Speaks (preferred first)", "API key in", "Families: names that begin with"), rows
    )


def quirks() -> str:
    return fields_table(Quirks)


def default_chain() -> str:
    rows = [(f"`{profile}`", f"`{model}`") for profile, model in DEFAULT_MODELS.items()]
    rows += [(f"`{profile}`", "the first model it lists that can chat") for profile in LOCAL_SERVERS]
    return table(("Provider, in this order", "Model"), [*rows, ("`local`", "the embedded model")])


def subcommands(name: str) -> list[tuple[str, ...]]:
    """A command and the commands below it, as words of a command line."""
    command = load_command(name)
    below = command.commands if isinstance(command, click.Group) else {}
    return [(name,), *((name, each) for each in below)]


def commands() -> str:
    parts = []
    for words in [(), *(words for name in COMMANDS for words in subcommands(name))]:
        # A fixed width, so that the text does not depend on the terminal of whoever writes it.
        said = CliRunner().invoke(
            tenbin, [*words, "--help"], prog_name="tenbin", terminal_width=100, max_content_width=100
        )
        text = "\n".join(line.rstrip() for line in said.output.splitlines())
        parts.append(f"## `{' '.join(('tenbin', *words))}`\n\n```text\n{text.strip()}\n```\n")
    return "\n".join(parts)


def decisions() -> str:
    """A list of the pages, by their own titles."""
    pages = sorted(path for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name != "README.md")
    titles = [(page.name, page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")) for page in pages]
    return "".join(f"- [{title}]({name})\n" for name, title in titles)


CACHES = (
    *("anthropic/claude-opus-5-5", "anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-5-5"),
    *("anthropic/claude-fable-5-1", "anthropic/claude-opus-4-8", "anthropic/claude-opus-4-7"),
    *("anthropic/claude-opus-4-6", "anthropic/claude-haiku-4-5", "openai/gpt-5.5", "openai/gpt-5.6-sol"),
    *("openai/gpt-6-luna", "gemini/gemini-2.5-flash", "gemini/gemini-3.8-flash", "deepseek/deepseek-v4-pro"),
    *("moonshot/kimi-k3", "ollama/any model", "somebody/else"),
)
"""Targets whose prompt caches are shown: one for each row of the rules that differs."""


def prompt_caches() -> str:
    rows = []
    for name in CACHES:
        provider, _, model = name.partition("/")
        rules = find(provider, model)
        minutes = [f"{ms // MINUTE_MS}" for ms in (rules.life_ms, rules.long_life_ms) if ms]
        writes = "a bucket of its own" if rules.counts_writes else "plain input"
        if rules.writes == "never":
            rows.append((f"`{name}`", "never", "", "", "", rules.source))
        else:
            life = ", ".join(minutes)
            rows.append((f"`{name}`", rules.writes, f"{rules.minimum:,}", life, writes, rules.source))
    return table(("Such as", "Cached", "From tokens", "Lives, minutes", "Writing counts as", "Source"), rows)


def answer_lengths() -> str:
    lengths = {name.replace("_", " "): length for name, length in TASKS.items()}
    special = {"a coding agent's call": AGENT_STEP, "a title, a probe": BACKGROUND, "compaction": COMPACTION}
    rows = [
        (
            name,
            f"{length.mean:,.0f}" + (f", or {length.share:.0%} of the prompt" if length.share else ""),
            f"{length.p90:,.0f}",
            length.source,
        )
        for name, length in {**special, **lengths}.items()
    ]
    return table(("Answer of", "Tokens on average", "Nine in ten have at most", "Source"), rows)


def conversations() -> str:
    rows = [
        (
            name,
            f"{going.start:g} + {going.each:g} x requests so far, at most {going.most:g}",
            f"{going.growth:,.0f}",
            f"{going.by_tools:.0%}",
            going.source,
        )
        for name, going in {"coding agent": AGENT, "chat": CHAT, "a single question of a program": ONCE}.items()
    ]
    return table(("Conversation", "Requests still to come", "Growth, tokens", "Tools' results", "Source"), rows)


def abilities() -> str:
    """From what `python -m training.abilities_figures` measured."""
    found = msgspec.json.decode((ROOT / "training/abilities_figures.json").read_bytes())
    priced, unpriced = found["routerbench_11models_3tasks"], found["llmrouter_9models"]
    rows = [
        (
            f"{name}, {figures['rows']:,} prompts",
            measure,
            *(
                pattern.format(figures[how][key])
                for how, key in (("in_sample", alone), ("in_sample", routed), ("cross_validated", routed))
            ),
        )
        for name, figures, measure, routed, alone, pattern in (
            ("RouterBench, 11 models", priced, "AIQ", "aiq", "aiq_of_single_models", "{:.3f}"),
            (
                "RouterBench, 11 models",
                priced,
                "saved at 95 % of the best",
                "saved",
                "saved_of_single_models",
                "{:.0f} %",
            ),
            ("LLMRouter, 9 models", unpriced, "quality at any cost", "at_any_cost", "best_model", "{:.3f}"),
        )
    ]
    hard, preferred = found["agreement"]["hard_problems"], found["agreement"]["preferences"]
    of = [
        ("56 hard problems (llm-model-routing-benchmark), models of 2026", hard),
        ("preference over GPT-4 Turbo's answers (AlpacaEval 2), old models", preferred["all"]),
        ("the same, only names that state nothing but parameters", preferred["stated_parameters"]),
        ("the same, only models that stand in the table", preferred["listed"]),
    ]
    return (
        table(("Outcomes", "Measure", "Models alone", "Shipped table", "Fitted to other fifths"), rows).replace(
            "nan", ""
        )
        + f"\nWeights {found['weights']}. With one knob for the five tables, the last column's AIQ is "
        + f"{priced['cross_validated_with_one_knob']['aiq']:.3f}.\n\n"
        + table(
            ("Outcomes to which nothing is fitted", "Models", "Rank correlation with the table"),
            [(name, str(one["models"]), f"{one['rank_correlation']:.2f}") for name, one in of],
        )
    )


def admin_operations() -> str:
    rows = [(f"`{one.method} {one.url}`", one.about) for one in OPERATIONS]
    return table(("Request", "What it does"), rows)


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "configuration": ("docs/configuration.md", configuration),
    "profiles": ("docs/configuration.md", profiles),
    "quirks": ("docs/configuration.md", quirks),
    "default chain": ("docs/configuration.md", default_chain),
    "commands": ("docs/cli.md", commands),
    "admin operations": ("docs/admin.md", admin_operations),
    "decisions": ("docs/decisions/README.md", decisions),
    "abilities": ("docs/quality.md", abilities),
    "prompt caches": ("docs/true-cost.md", prompt_caches),
    "answer lengths": ("docs/true-cost.md", answer_lengths),
    "conversations": ("docs/true-cost.md", conversations),
}
"""By name: the page, and what writes the part."""


def replaced(page: str, name: str, part: str) -> str:
    """The page with this part in place of the one that stands there. Raises LookupError when it has no place for it."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), flags=re.DOTALL)
    if len(pattern.findall(page)) != 1:
        raise LookupError(f"{begin} and {end} must stand there once")
    return pattern.sub(lambda _: f"{begin}\n\n{part.strip()}\n\n{end}", page)


def main() -> None:
    for name, (page, write) in PARTS.items():
        path = ROOT / page
        path.write_text(replaced(path.read_text(encoding="utf-8"), name, write()), encoding="utf-8")
    (ROOT / "docs" / "openapi.json").write_bytes(encoded())


if __name__ == "__main__":
    main()
