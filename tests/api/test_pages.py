"""Models, health and metrics."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tenbin.config.model import Cooldown
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving

ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.fixture
def fresh(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(chained(simulator.url), tmp_path_factory.mktemp("fresh")) as running:
        yield running


def test_models_in_both_forms(caller: Caller) -> None:
    openai = caller.http.get("/v1/models").json()
    assert openai["object"] == "list"
    names = [model["id"] for model in openai["data"]]
    assert {"one", "chain", "anthropic/claude-sonnet-4-6", "dead/x"} <= set(names)
    assert len(set(names)) == len(names)
    assert all(model["object"] == "model" for model in openai["data"])
    anthropic = caller.http.get("/v1/models?limit=1000", headers=ANTHROPIC).json()
    assert [model["id"] for model in anthropic["data"]] == names
    assert all(model["type"] == "model" and model["display_name"] for model in anthropic["data"])
    assert (anthropic["has_more"], anthropic["first_id"], anthropic["last_id"]) == (False, names[0], names[-1])
    assert caller.http.get("/models").json() == openai


@pytest.mark.parametrize("names", [["auto"], ["*"], ["auto", "smart"], ["claude-*"]])
def test_names_that_are_weighed_are_listed(simulator: RunningSimulator, tmp_path: Path, names: list[str]) -> None:
    routing = {"names": names, "aliases": {"claude-auto": "auto"}}
    with serving(chained(simulator.url, routing=routing), tmp_path) as house, closing(Caller(house.url).http) as http:
        listed = [model["id"] for model in http.get("/v1/models?limit=1000", headers=ANTHROPIC).json()["data"]]
        expected = {"claude-auto", *names, "auto"} - {"*", "claude-*"} - ({"auto"} if names == ["claude-*"] else set())
        assert {name for name in listed if name in ("auto", "smart", "claude-auto") or "*" in name} == expected


def test_models_page_by_page(caller: Caller) -> None:
    names = [model["id"] for model in caller.http.get("/v1/models").json()["data"]]
    for limit in (1, 2, 5):
        seen: list[str] = []
        after = ""
        while True:
            page = caller.http.get("/v1/models", params={"limit": limit, "after_id": after}, headers=ANTHROPIC).json()
            assert len(page["data"]) <= limit
            seen += [model["id"] for model in page["data"]]
            if not page["has_more"]:
                break
            after = page["last_id"]
        assert seen == names
    for wrong in ("0", "-1", "x", "99999999999999999999", "", "²"):
        page = caller.http.get("/v1/models", params={"limit": wrong}, headers=ANTHROPIC)
        assert page.status_code == 200
    before = caller.http.get("/v1/models", params={"before_id": names[2], "limit": 2}, headers=ANTHROPIC).json()
    assert [model["id"] for model in before["data"]] == names[:2]


def test_one_model(caller: Caller) -> None:
    assert caller.http.get("/v1/models/one").json()["id"] == "one"
    for path in ("/v1/models/anthropic/claude-sonnet-4-6", "/v1/models/anthropic%2Fclaude-sonnet-4-6"):
        assert caller.http.get(path, headers=ANTHROPIC).json()["id"] == "anthropic/claude-sonnet-4-6"
    for headers in ({}, ANTHROPIC):
        response = caller.http.get("/v1/models/nobody%0d%0a", headers=headers)
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "not_found_error"
        assert ("type" in response.json()) == bool(headers)


def test_health(caller: Caller) -> None:
    for path in ("/health", "/health/live", "/health/liveliness", "/health/liveness"):
        assert caller.http.get(path).status_code == 200
    for path in ("/health/readiness", "/health/ready"):
        assert caller.http.get(path).json() == {"status": "ready"}


def test_metrics_agree_with_the_receipts(fresh: House, simulator: RunningSimulator) -> None:
    caller = Caller(fresh.url)
    simulator.script("*", {"status": 529}, {"output_tokens": 9, "thinking": "Hm."})
    for dialect, model in [
        ("anthropic", "one"),
        ("openai_chat", "one"),
        ("openai_chat", "chain"),
        ("anthropic", "unpriced"),
        ("anthropic", "nowhere"),
        ("openai_chat", 'unpriced/" \\ \n 日本'),
    ]:
        for stream in (False, True):
            caller.ask(dialect, model, stream=stream)
    receipts = fresh.books.new(12)
    response = caller.http.get("/metrics")
    caller.http.close()
    assert response.headers["content-type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}

    def total(name: str, **labels: str) -> float:
        return sum(
            sample.value
            for sample in families[name].samples
            if sample.name in (name, f"{name}_total") and labels.items() <= sample.labels.items()
        )

    attempts = [attempt for receipt in receipts for attempt in receipt.attempts]
    assert total("tenbin_requests") == len(receipts)
    for outcome in ("answered", "failed"):
        assert total("tenbin_requests", outcome=outcome) == sum(one.outcome == outcome for one in receipts)
    assert total("tenbin_attempts") == len(attempts)
    assert total("tenbin_attempt_failures", kind="overloaded") == 1
    assert total("tenbin_attempt_failures", kind="unreachable") == 4
    assert total("tenbin_tokens", kind="input") == sum(one.usage.input for one in attempts)
    assert total("tenbin_tokens", kind="output") == sum(one.usage.output for one in attempts)
    cost = sum(one.cost_nano or 0 for one in attempts)
    assert total("tenbin_cost_usd") == pytest.approx(cost / 1e9, abs=1e-12)
    unknown = [one for one in attempts if one.cost_nano is None and (one.usage.prompt or one.usage.output)]
    assert total("tenbin_attempts_unpriced") == len(unknown) == 4
    assert total("tenbin_attempts", model='" \\ \n 日本') == 2
    assert total("tenbin_in_flight_requests") == 0
    assert total("tenbin_ready") == 1
    assert total("tenbin_ledger_lost_receipts") == 0
    seconds = {sample.name: sample.value for sample in families["tenbin_request_seconds"].samples if not sample.labels}
    assert seconds["tenbin_request_seconds_count"] == len(receipts)
    buckets = [sample.value for sample in families["tenbin_request_seconds"].samples if "le" in sample.labels]
    assert buckets == sorted(buckets)
    assert buckets[-1] == len(receipts)


def test_a_targets_health_is_shown_counted_and_reset(simulator: RunningSimulator, fresh: House) -> None:
    caller = Caller(fresh.url)
    gateway = fresh.running.gateway
    gateway.world.policy = msgspec.structs.replace(
        gateway.world.policy, cooldown=Cooldown(after_failures=2, seconds=300)
    )
    assert caller.ask("anthropic", "one").status_code == 200
    assert caller.ask("anthropic", "nowhere").status_code == 502
    rows = {row["target"]: row for row in caller.http.get("/health/targets").json()["targets"]}
    assert (rows["dead/x"]["state"], rows["dead/x"]["failures"], rows["dead/x"]["error_rate"]) == ("open", 2, 1.0)
    sonnet = rows["anthropic/claude-sonnet-4-6"]
    assert (sonnet["state"], sonnet["calls"], sonnet["error_rate"]) == ("closed", 1, 0.0)
    assert sonnet["first_byte_ms"] > 0
    scraped = caller.http.get("/metrics").text
    assert 'tenbin_target_state{state="open",target="dead/x"} 1.0' in scraped
    assert 'tenbin_target_error_rate{target="dead/x"}' in scraped
    left = caller.http.delete("/health/targets", params={"target": "dead/x"}).json()["targets"]
    assert [row["target"] for row in left] == ["anthropic/claude-sonnet-4-6"]
    assert caller.http.delete("/health/targets").json() == {"targets": []}
    assert caller.http.delete("/metrics").status_code == 405
    caller.http.close()
