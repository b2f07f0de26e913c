"""What `serve` says is what the READMEs show, and names every way in."""

import re
from pathlib import Path

import pytest

from tenbin.cli import welcome as words
from tenbin.cli.settings import Settings
from tenbin.cli.welcome import welcome
from tenbin.config.findings import Findings, FoundKey, FoundModel, FoundServer, build, found_keys
from tenbin.config.load import parse
from tenbin.decide.resolve import policy
from tenbin.execute.upstream.probe import usual_places

ROOT = Path(__file__).parents[2]
URL = "http://127.0.0.1:4000"
NOTHING = Findings(missing_keys=found_keys({})[1], silent=tuple(usual_places({})), embedded=True)


def said(findings: Findings, text: str = "", url: str = URL, **environ: str) -> str:
    config = build(parse(text, environ=environ), findings, environ)
    settings = Settings(path=None, config=config, findings=findings, host="127.0.0.1", port=4000)
    return welcome(settings, policy(config), url)


@pytest.mark.parametrize(("page", "locale"), [("README.md", "C"), ("README.ja.md", "ja_JP.UTF-8")])
def test_the_readme_shows_what_is_said(page: str, locale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", locale)
    monkeypatch.setattr(words, "own_name", lambda: ".venv/bin/tenbin")
    shown = re.findall(r"```text\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)[0]
    greeting, _, log = shown.rpartition("\n\n")
    assert greeting.strip() == said(NOTHING).strip()
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO The embedded model smollm2-135m is ready\.\n", log)


def test_servers_are_named_with_what_they_offer() -> None:
    models = tuple(FoundModel(f"m{number}") for number in range(7))
    text = said(Findings(servers=(FoundServer("ollama", "http://127.0.0.1:11434", models),)))
    assert "+ ollama: a server at http://127.0.0.1:11434 with m0, m1, m2, m3, m4, ...\n" in text
    assert '"model":"ollama/m0"' in text


def test_a_target_that_is_left_out_is_named() -> None:
    assert "! local/x is left out" in said(Findings(), "models: {a: [local/x]}\nproviders: {openai: {}}")


def test_a_key_that_is_needed_stands_in_the_commands() -> None:
    text = said(NOTHING, "master_key: 0123456789abcdef")
    assert text.count('"authorization: Bearer $TENBIN_KEY"') == 2
    assert "0123456789abcdef" not in text


def test_another_port_than_the_usual_is_named() -> None:
    assert "code --url http://127.0.0.1:4100\n" in said(NOTHING, url="http://127.0.0.1:4100")
    assert "code --url" not in said(NOTHING, "listen: 127.0.0.1:4100", url="http://127.0.0.1:4100")


def test_a_paid_model_is_not_hidden_behind_a_free_one() -> None:
    keys = (FoundKey("anthropic", "ANTHROPIC_API_KEY"),)
    text = said(Findings(keys=keys, embedded=True), ANTHROPIC_API_KEY="sesame")
    assert "+ anthropic: the API key in ANTHROPIC_API_KEY" in text
    assert "local" not in text
    assert "sesame" not in text
