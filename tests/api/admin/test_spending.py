"""Budgets, breaker and alerts over the admin API, at a gateway that really spends, stops and tells."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tenbin.cli.commands import tenbin
from tenbin.execute.spending.opening import CannotOpen
from tenbin.simulator import RunningSimulator
from tests.api.admin.conftest import CONFIGURED, MASTER, Admin
from tests.execute.alerts.conftest import TOKEN, Webhook
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving, wait_until

SPENDING = {
    "budgets": [{"scope": "global", "window": "day", "usd": 100}],
    "breaker": {"key": {"hourly_usd": 0.000001}, "cool_minutes": 60},
}


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    one = Webhook()
    yield one
    one.close()


@pytest.fixture
def spender(simulator: RunningSimulator, directory: Path, webhook: Webhook) -> Iterator[House]:
    more = {"master_key": MASTER, "spending": SPENDING, "alerts": {"to": [webhook.address]}}
    with serving(chained(simulator.url, **more), directory) as running:
        yield running


def ask(house: House, key: str) -> int:
    caller = Caller(house.url)
    status = caller.ask("anthropic", "one", headers={"authorization": f"Bearer {key}"}).status_code
    caller.http.close()
    return status


def test_how_full_budgets_are(spender: House) -> None:
    admin = Admin(spender.url)
    admin(
        "POST", "teams", {"name": "search", "budgets": {"month": {"usd": 200}, "day": {"usd": 1, "hard": False}}}, 201
    )
    admin("POST", "users", {"name": "ann", "budgets": {"week": {"usd": 20}}}, 201)
    key = admin.key("alice", team="search", user="ann", budgets={"total": {"usd": 30}})
    key_id = admin("GET", "keys/alice")["key_id"]
    assert ask(spender, key) == 200
    spent = spender.books.one().billed_nano
    assert spent
    expected = {"global/day", "team:search/month", "team:search/day/soft", "user:ann/week", f"key:{key_id}/total"}
    for named in ("alice", key_id):
        levels = {one["counter"]: one for one in admin("GET", f"budgets?key={named}")["data"]}
        assert set(levels) == expected
        assert {round(one["spent_usd"] * 1_000_000_000) for one in levels.values()} == {spent}
        assert {one["reserved_usd"] for one in levels.values()} == {0.0}
        assert levels["team:search/day/soft"]["hard"] is False
        assert levels[f"key:{key_id}/total"]["ends_at"] is None
        assert levels["team:search/month"]["limit_usd"] == 200.0
    everything = admin("GET", "budgets")["data"]
    assert {one["counter"] for one in everything} >= expected
    admin("GET", "budgets?key=nobody", status=404)


def test_a_hard_budget_of_a_team_stops_all_its_keys(spender: House) -> None:
    admin = Admin(spender.url)
    admin("POST", "teams", {"name": "poor", "budgets": {"day": {"usd": 0}}}, 201)
    keys = [admin.key(name, team="poor") for name in ("ann", "ben")]
    other = admin.key("other")
    assert [ask(spender, key) for key in (*keys, other)] == [429, 429, 200]
    admin("PATCH", "teams/poor", {"budgets": {"day": {"usd": 10}}})
    assert [ask(spender, key) for key in keys] == [200, 200], "at once"


def test_a_person_resets_the_breaker(spender: House) -> None:
    admin = Admin(spender.url)
    key = admin.key("alice")
    key_id = admin("GET", "keys/alice")["key_id"]
    assert ask(spender, key) == 200
    spender.books.one()
    assert ask(spender, key) != 200
    stopped = [one for one in admin("GET", "breaker")["scopes"] if one["key"] == key_id]
    assert (stopped[0]["state"], stopped[0]["rule"]) == ("open", "hourly")
    ops = Admin(spender.url, admin.admin_key("ops"))
    told = ops("POST", "breaker/reset", {"key": "alice"})
    assert told["closed"] == [key_id]
    assert told["refused"] == 1
    assert ask(spender, key) == 200
    ops_id = admin("GET", "keys/ops")["key_id"]
    line = admin("GET", "audit?subject=breaker")["data"][0]
    assert (line["who"], line["address"], line["act"]) == (ops_id, "127.0.0.1", "reset")
    admin("POST", "breaker/reset", {"key": "nobody"}, 404)
    admin("POST", "breaker/reset", {})


def test_a_test_of_alerts_reaches_the_receiver_and_tells_no_address(spender: House, webhook: Webhook) -> None:
    admin = Admin(spender.url)
    told = admin("POST", "alerts/test")["data"]
    assert [(one["sent"], one["reason"]) for one in told] == [(True, None)]
    assert len(webhook.taken) == 1
    webhook.behave = lambda call: 500
    told = admin("POST", "alerts/test")["data"]
    assert told[0]["sent"] is False
    assert told[0]["reason"]
    assert [one["details"] for one in admin("GET", "audit?subject=alerts")["data"]] == [
        {"failed": 1, "sent": 0},
        {"failed": 0, "sent": 1},
    ]
    assert not any(TOKEN in text for text in admin.texts)


def test_nothing_of_it_is_configured(simulator: RunningSimulator, directory: Path) -> None:
    with serving(chained(simulator.url, master_key=MASTER), directory) as house:
        admin = Admin(house.url)
        assert admin("GET", "breaker") == {"on": False, "refused": 0, "closed": [], "scopes": []}
        assert admin("POST", "breaker/reset", {})["on"] is False
        assert admin("GET", "budgets")["data"] == []
        assert admin("POST", "alerts/test") == {"data": []}


def test_keys_for_clients_do_none_of_it(house: House, admin: Admin) -> None:
    for key in (CONFIGURED, admin.key("data")):
        nobody = Admin(house.url, key)
        for method, path in (
            ("GET", "budgets"),
            ("GET", "breaker"),
            ("POST", "breaker/reset"),
            ("POST", "alerts/test"),
        ):
            nobody(method, path, status=403)


def test_what_a_first_key_may_spend_is_counted_from_its_first_request(
    simulator: RunningSimulator, directory: Path
) -> None:
    """Nothing at all is configured of spending, nor any key, until one comes that may spend nothing."""
    with serving(chained(simulator.url), directory) as house:
        admin = Admin(house.url, None)
        assert ask(house, "-") == 200, "nobody needs a key"
        simulator.reset()
        key = admin.key("poor", budgets={"day": {"usd": 0}})
        assert ask(house, key) == 429
        assert simulator.requests() == []


def test_a_first_key_made_beside_the_gateway_is_let_in_with_its_budget(
    simulator: RunningSimulator, directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(chained(simulator.url), directory) as house:
        words = ["keys", "create", "poor", "--budget", "day=0", "--data-dir", str(directory)]
        key = CliRunner().invoke(tenbin, words).stdout.strip()
        simulator.reset()
        wait_until(lambda: ask(house, key) == 429, "the key to be known", 20)
        assert ask(house, "-") == 401
        known = len(simulator.requests())
        assert {ask(house, key) for _ in range(5)} == {429}
        assert len(simulator.requests()) == known


def test_no_key_is_let_in_while_nobody_can_count_what_it_spends(
    simulator: RunningSimulator, directory: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*given: object, **named: object) -> None:
        raise CannotOpen("the disk is gone")

    with serving(chained(simulator.url, master_key=MASTER), directory) as house:
        monkeypatch.setattr("tenbin.spending.open_spending", closed)
        admin = Admin(house.url)
        key = admin.key("alice", budgets={"day": {"usd": 5}})
        assert [ask(house, key), ask(house, MASTER)] == [401, 200]
        assert [one.levelname for one in caplog.records if "No key of the store" in one.message] == ["ERROR"]
        monkeypatch.undo()
        wait_until(lambda: ask(house, key) == 200, "the store of spending to be there", 20)
        assert [one["spent_usd"] > 0 for one in admin("GET", "budgets?key=alice")["data"]] == [True]
    caplog.clear()
