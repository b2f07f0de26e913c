"""What the documentation says is so: its tables are the code's, its examples load, its commands exist."""

import re
import shlex
from pathlib import Path

import click
import pytest

from tenbin.cli.commands import COMMANDS, load_command
from tenbin.config.load import load, parse
from tenbin.config.schema import sections
from tests.documents import PARTS, ROOT, replaced

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
VARIABLES = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "TENBIN_MASTER_KEY", "DEEPSEEK_API_KEY", "OPENROUTER_API_KEY")
SECRETS = dict.fromkeys((*VARIABLES, "SLACK_TOKENS", "MAIL_PASSWORD"), "k" * 20)


@pytest.mark.parametrize("name", PARTS)
def test_what_is_written_from_the_code_is_up_to_date(name: str) -> None:
    page, write = PARTS[name]
    text = (ROOT / page).read_text(encoding="utf-8")
    assert replaced(text, name, write()) == text, "run: .venv/bin/python -m tests.documents"


def test_the_example_is_in_order() -> None:
    load(ROOT / "docs" / "tenbin.example.yaml", SECRETS)


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += [(page.name, block) for block in re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)]
    return found


@pytest.mark.parametrize(("page", "block"), blocks("yaml"))
def test_configuration_in_a_page_loads(page: str, block: str) -> None:
    keys = {name for path, struct in sections().items() if not path for name in struct.__struct_fields__}
    if any(line.partition(":")[0] in keys for line in block.splitlines()):
        parse(block, page, SECRETS)


def command_lines() -> list[tuple[str, str]]:
    """Every line of a shell block, and every piece of code in a sentence, that begins with `tenbin`."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        text = re.sub(r"```text\n.*?```", "", text, flags=re.DOTALL)  # what was printed, not what to type
        lines = [line.strip().removeprefix("$ ") for line in re.findall(r"^.*$", text, flags=re.MULTILINE)]
        lines += re.findall(r"`([^`\n]+)`", text)
        found += [(page.name, line) for line in lines if re.match(r"tenbin [a-z]+( |$)", line)]
    return sorted(set(found))


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_commands_in_a_page_exist(page: str, line: str) -> None:
    words = shlex.split(re.split(r" {2,}| [|>&]|\.{3}", line)[0].replace("'", ""))[1:]
    assert words[0] in COMMANDS, f"{page}: {line}"
    command = load_command(words[0])
    if isinstance(command, click.Group) and len(words) > 1 and not words[1].startswith("-"):
        assert words[1] in command.commands, f"{page}: {line}"
        command = command.commands[words[1]]
    options = {option for parameter in command.params for option in parameter.opts}
    if command.name == "code":
        return  # the rest is Claude Code's
    for word in words[1:]:
        if word.startswith("-") and word != "-":
            assert word.partition("=")[0] in {*options, "--help", "-h"}, f"{page}: {line}"


def test_sources_named_in_a_page_are_there() -> None:
    """`decide/flow.py`: a path below src/tenbin, or from the top."""
    lost = [
        f"{page.name}: {name}"
        for page in PAGES
        for name in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", page.read_text(encoding="utf-8"))
        if not (ROOT / "src" / "tenbin" / name).exists() and not (ROOT / name).exists()
    ]
    assert not lost


def test_both_readmes_have_the_same_parts() -> None:
    """A heading more in one of them is something that the readers of the other are not told."""

    def shape(name: str) -> list[str]:
        text = re.sub(r"```.*?```", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
        return re.findall(r"^#+", text, flags=re.MULTILINE)

    assert shape("README.md") == shape("README.ja.md")


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in re.findall(r"\]\(([^)\s#]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                waiting.append((page.parent / target).resolve())
    lost = [str(page.relative_to(ROOT)) for page in Path(ROOT / "docs").rglob("*.md") if page.resolve() not in reached]
    assert not lost, "no page links to these"
