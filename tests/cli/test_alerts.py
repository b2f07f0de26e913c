"""`tenbin alerts` with real receivers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tenbin.execute.alerts.store import DATABASE, AlertStore, Message, Pending
from tests.cli.conftest import Run
from tests.execute.alerts.conftest import TOKEN, Webhook


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    one = Webhook()
    yield one
    one.close()


def configured(workplace: Path, *to: str, **fields: object) -> None:
    (workplace / "tenbin.yaml").write_text(yaml.safe_dump({"alerts": {"to": list(to), **fields}}))


def test_a_test_says_which_receivers_work(workplace: Path, run: Run, webhook: Webhook) -> None:
    other = Webhook()
    other.behave = lambda call: 500
    configured(workplace, webhook.address, other.address)
    result = run("alerts", "test")
    assert result.exit_code == 1
    assert "1. json://127.0.0.1: sent" in result.output
    assert "2. json://127.0.0.1: failed: " in result.output
    assert "500" in result.output
    assert TOKEN not in result.output
    assert webhook.titles == ["[Tenbin] This is a test"]
    only = run("alerts", "test", "--to", "1", "--json")
    assert only.exit_code == 0
    assert json.loads(only.output) == [{"receiver": "1. json://127.0.0.1", "sent": True, "why": ""}]
    assert run("alerts", "test", "--to", "7").exit_code == 1
    other.close()


def test_its_message_is_in_the_configured_language(workplace: Path, run: Run, webhook: Webhook) -> None:
    configured(workplace, webhook.address, language="ja")
    assert run("alerts", "test").exit_code == 0
    assert webhook.titles == ["[Tenbin] これはテストです"]


def test_secrets_come_from_the_environment(
    workplace: Path, run: Run, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", TOKEN)
    configured(workplace, webhook.address.replace(TOKEN, "${HOOK}"))
    assert run("alerts", "test").exit_code == 0
    assert len(webhook.taken) == 1


def test_what_cannot_be_used_is_told_without_its_address(workplace: Path, run: Run) -> None:
    configured(workplace, f"nosuchservice://{TOKEN}")
    result = run("alerts", "test")
    assert result.exit_code == 1
    assert "alerts.to[0]" in result.output
    assert TOKEN not in result.output
    configured(workplace, f"no address {TOKEN}")
    result = run("check")
    assert result.exit_code == 1
    assert "alerts.to[0]" in result.output
    assert TOKEN not in result.output


def test_nobody_to_tell_is_told(run: Run) -> None:
    result = run("alerts", "test")
    assert result.exit_code == 1
    assert "alerts: {to:" in result.output


def test_the_list_shows_what_was_told_what_waits_and_what_failed(tmp_path: Path, run: Run) -> None:
    assert "Nothing was told yet" in run("alerts", "list").output
    directory = tmp_path / "ledger"
    directory.mkdir(exist_ok=True)
    store = AlertStore(directory / DATABASE)
    store.take([Pending(f"once{n}", "budget", "warning", 1_000, f"Title {n}", "Body") for n in range(4)], 1_000)
    held = store.held()
    store.send(
        [Message(one.severity, one.title, one.body, (one.number,)) for one in held[:3]], [("id", "1. json")], 2_000
    )
    store.ended(1, "id", 3_000)
    store.ended(2, "id", 3_000, "it said no")
    store.close()
    shown = run("alerts", "list").output
    for words in ("Title 0", "sent", "Title 1", "failed", "it said no", "Title 2", "waiting", "1 held back", "Title 3"):
        assert words in shown
    told = json.loads(run("alerts", "list", "--json", "-n", "2").output)
    assert [one["state"] for one in told["messages"]] == ["waiting", "failed"]
    assert told["held_in_all"] == 1
