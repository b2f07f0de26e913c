"""The admin API at a running gateway: who gets in, what an act changes and when, and that no secret is ever told."""

import logging
import socket
import threading
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from tenbin.api.admin.serving import AdminApi
from tenbin.api.wrong_keys import WrongKeys
from tenbin.core.ask import Caller as Somebody
from tenbin.core.problems import Problem
from tenbin.ledger.accounts.schema import DATABASE
from tenbin.simulator import RunningSimulator
from tests.api.admin.conftest import CONFIGURED, MASTER, Admin
from tests.api.raw import Raw
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving


def asks(house: House, key: str, model: str = "one") -> httpx2.Response:
    """A request to a model."""
    caller = Caller(house.url)
    try:
        return caller.ask("anthropic", model, headers={"authorization": f"Bearer {key}"})
    finally:
        caller.http.close()


def test_a_life_of_a_key_each_act_in_force_with_its_answer(
    house: House, admin: Admin, directory: Path, simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    first = admin.key("alice", team="search", budgets={"month": {"usd": 50}}, tags=["x"], networks=["127.0.0.1/8"])
    assert asks(house, first).status_code == 200
    shown = admin("GET", "keys/alice")
    assert (shown["state"], shown["budgets"], shown["networks"]) == (
        "active",
        {"month": {"usd": 50.0, "hard": True}},
        ["127.0.0.0/8"],
    )
    admin("PATCH", "keys/alice", {"models": ["chat"]})
    assert asks(house, first).status_code == 403
    assert asks(house, first, "chat").status_code == 200
    second = admin("POST", "keys/alice/rotate", {"grace_seconds": 3600})["secret"]
    assert {asks(house, key, "chat").status_code for key in (first, second)} == {200}
    third = admin("POST", f"keys/{shown['key_id']}/rotate", {"grace_seconds": 0})["secret"]
    assert [asks(house, key, "chat").status_code for key in (first, second, third)] == [401, 401, 200]
    admin("POST", "keys/alice/expire", {"expires_at": "2020-01-01T00:00:00Z"})
    assert asks(house, third, "chat").status_code == 401
    admin("POST", "keys/alice/expire", {"expires_at": None})
    assert asks(house, third, "chat").status_code == 200
    assert admin("POST", "keys/alice/revoke")["state"] == "revoked"
    assert admin("POST", "keys/alice/revoke")["state"] == "revoked", "once more changes nothing"
    assert asks(house, third, "chat").status_code == 401
    acts = admin("GET", f"audit?subject={shown['key_id']}")["data"]
    told = ["revoke", "expire", "expire", "rotate", "rotate", "edit", "create"]
    assert [one["act"] for one in acts] == told
    assert {(one["who"], one["address"]) for one in acts} == {("master", "127.0.0.1")}
    texts = [*admin.texts, caplog.text, str(simulator.requests()), admin.http.get("/metrics").text]
    everything = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
    for secret in (*admin.secrets, MASTER):
        assert not any(secret in text for text in texts)
        assert secret.encode() not in everything
    assert len(set(admin.secrets)) == 3


@pytest.mark.parametrize("kind", ["team", "user"])
def test_a_team_or_a_user_stops_all_its_keys_at_once(house: House, admin: Admin, kind: str) -> None:
    keys = [admin.key(f"k{number}", **{kind: "search"}) for number in range(3)]
    other = admin.key("other")
    admin("POST", f"{kind}s", {"name": "search", "plan": "", "budgets": {"day": {"usd": 1, "hard": False}}}, 201)
    assert admin("POST", f"{kind}s/search/disable")["state"] == "disabled"
    for key in keys:
        refused = asks(house, key)
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "permission_error")
        assert f"The {kind} 'search' is disabled" in refused.text
    assert asks(house, other).status_code == 200
    admin("POST", f"{kind}s/search/enable")
    assert {asks(house, key).status_code for key in keys} == {200}
    assert admin("PATCH", f"{kind}s/search", {"tags": ["a", "a"]})["tags"] == ["a"]
    assert [one["name"] for one in admin("GET", f"{kind}s")["data"]] == ["search"]
    admin("POST", f"{kind}s", {"name": "search"}, 409)
    admin("GET", f"{kind}s/nobody", status=404)
    for method, path in (("PATCH", f"{kind}s/search"), ("PATCH", "keys/other")):
        refused = admin(method, path, {"plan": "por"}, 409)
        assert "Did you mean pro?" in refused["error"]["message"]
        assert refused["error"]["field"] == "plan"
        admin(method, path, {"plan": "pro"})


ROUTES = [
    *[("POST", path) for path in ("/v1/messages", "/v1/chat/completions", "/v1/responses", "/v1/embeddings")],
    *[("POST", path) for path in ("/messages", "/v1/messages/count_tokens", "/v1/feedback", "/feedback")],
    *[("GET", path) for path in ("/v1/models", "/models", "/v1/models/one")],
]


def test_an_admin_key_administers_and_nothing_else(house: House, admin: Admin) -> None:
    ops = admin.admin_key("ops")
    with httpx2.Client(base_url=house.url, headers={"x-api-key": ops}, trust_env=False) as http:
        for method, path in ROUTES:
            response = http.request(method, path, json={} if method == "POST" else None)
            assert response.status_code == 403, (path, response.text)
        for path in ("/admin/v1/keys", "/admin/v1/openapi.json", "/metrics", "/health/targets", "/cache", "/budgets"):
            assert http.get(path).status_code == 200, path
    chief = Admin(house.url, ops)
    key = chief.key("made-by-ops")
    assert asks(house, key).status_code == 200
    ops_id = admin("GET", "keys/ops")["key_id"]
    assert admin("GET", "audit?limit=1")["data"][0]["who"] == ops_id
    for path in ("/health/targets?target=anthropic/x", "/breaker", "/cache/entries?all=true"):
        assert chief.http.delete(path).status_code == 200
        assert chief.http.get(path.partition("?")[0]).status_code == 200
    acts = admin("GET", "audit?limit=2")["data"]
    assert [(one["act"], one["subject"], one["who"]) for one in acts] == [
        ("reset", "breaker", ops_id),
        ("reset", "targets", ops_id),
    ]
    admin("POST", "keys/ops/revoke")
    chief("GET", "keys", status=401)
    chief("POST", "keys", {"name": "one-more"}, 401)


def test_no_key_gains_what_it_has_not(house: House, admin: Admin) -> None:
    ops, other = admin.admin_key("ops"), admin.admin_key("other")
    data = admin.key("data", routes=["*", "/admin/*"])
    before = admin("GET", "audit")["data"]
    for key in (data, CONFIGURED):
        nobody = Admin(house.url, key)
        for method, path in (("GET", "keys"), ("GET", "audit"), ("POST", "keys"), ("POST", "admin-keys")):
            told = nobody(method, path, {"name": "x"} if method == "POST" else None, 403)
            assert "may not administer" in told["error"]["message"]
        nobody("GET", "nothing/there", status=403)
        nobody("POST", "keys/ops/revoke", status=403)
    for wrong in (None, "-", "tb-guess", f"{ops}x", ops[:-1]):
        Admin(house.url, wrong)("GET", "keys", status=401)
    chief = Admin(house.url, ops)
    chief("POST", "admin-keys", {"name": "mine"}, 403)
    for act, body in (("rotate", {"grace_seconds": 0}), ("expire", {"expires_at": None}), ("revoke", None)):
        chief("POST", f"keys/other/{act}", body, 403)
    chief("PATCH", "keys/other", {"tags": ["x"]}, 403)
    chief("POST", "keys/ops/expire", {"expires_at": None}, 403)
    chief("PATCH", "keys/ops", {"networks": []}, 403)
    chief("PATCH", "keys/data", {"admin": True}, 400)
    chief("POST", "keys", {"name": "mine", "admin": True}, 400)
    assert admin("GET", "audit")["data"] == before, "nothing was done"
    assert Admin(house.url, other)("GET", "keys/other")["admin"] is True
    rotated = chief("POST", "keys/ops/rotate", {"grace_seconds": 0})["secret"]
    Admin(house.url, ops)("GET", "keys", status=401)
    own = Admin(house.url, rotated)
    own("POST", "keys/ops/revoke")
    own("GET", "keys", status=401)
    admin("PATCH", "keys/other", {"models": ["auto"]}, 409)


@pytest.mark.parametrize("key", ["data", "none", "master"])
@pytest.mark.parametrize(
    "target",
    [
        b"//admin/v1/keys",
        b"/admin//v1/keys",
        b"/admin/v1//keys",
        b"/admin/v1/keys/",
        b"/admin/v1/./keys",
        b"/admin/v1/x/../keys",
        b"/v1/models/../../admin/v1/keys",
        b"/%2e/admin/v1/keys",
        b"/ADMIN/v1/keys",
        b"/admin/v1/keys%00",
        b"/admin/v1%2fkeys",
        b"/%61dmin/v1/keys",
        b"http://127.0.0.1/admin/v1/keys",
        b"/admin/v1/keys?limit=1#x",
        b"/admin/v1/keys;x=1",
        b"/admin/v1/keys%20",
        b"/admin",
        b"/admin/",
        b"/admin/v1/keys/%2e%2e/keys",
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"DELETE", b"PUT"])
def test_no_trick_with_paths_or_methods(shared: tuple[House, str], key: str, target: bytes, method: bytes) -> None:
    house, data = shared
    sent = {"data": f"authorization: Bearer {data}\r\n", "none": "", "master": f"authorization: Bearer {MASTER}\r\n"}
    with Raw(house.url) as raw:
        raw.send(method + b" " + target + b" HTTP/1.1\r\nhost: localhost\r\n" + sent[key].encode() + b"\r\n")
        response, body = raw.answer(method.decode())
    known = target in (b"/admin/v1%2fkeys", b"/%61dmin/v1/keys", b"http://127.0.0.1/admin/v1/keys")
    known |= target == b"/admin/v1/keys?limit=1#x"
    if key == "master" and known and method in (b"GET", b"HEAD"):
        assert response.status == 200
    else:
        assert response.status in (400, 401, 403, 404, 405), (response.status, body)
        assert b"key_id" not in body
    if method == b"HEAD":
        assert body == b""


@pytest.fixture(scope="module")
def shared(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A gateway for many looks at the same; and a key for clients."""
    more = {"master_key": MASTER, "limits": {"wrong_keys": 1_000_000}}
    with serving(chained(simulator_running.url, **more), tmp_path_factory.mktemp("shared")) as house:
        admin = Admin(house.url)
        yield house, admin.key("data", routes=["*", "/admin/*", "//admin/*", "/admin"])


@pytest.mark.parametrize(
    ("body", "headers", "status", "field"),
    [
        (b"{", {}, 400, "body"),
        (b"[]", {}, 400, "body"),
        (b'{"name": "x', {}, 400, "body"),
        (b'{"name": "\xff"}', {}, 400, "body"),
        (b"[" * 50_000, {}, 400, "body"),
        (b'{"name": "x", "budgets": {"month": {"usd": 1e400}}}', {}, 400, None),
        (b'{"name": "x", "budgets": {"month": {"usd": -1}}}', {}, 400, "budgets.month.usd"),
        (b'{"name": "x", "budgets": {"year": {"usd": 1}}}', {}, 400, "budgets.year"),
        (b'{"name": "x", "tiers": ["nano"]}', {}, 400, "tiers[0]"),
        (b'{"name": "x", "networks": ["10.0.0.0/8", "x"]}', {}, 400, "networks[1]"),
        (b'{"name": "x", "nmae": "y"}', {}, 400, "nmae"),
        (b'{"team": "y"}', {}, 400, "name"),
        (b'{"name": "../x"}', {}, 400, "name"),
        (b'{"name": "x\\n"}', {}, 400, "name"),
        (b'{"name": "master"}', {}, 409, "name"),
        (b'{"name": "x"}', {"content-type": "text/plain"}, 415, "content-type"),
        (b'{"name": "x"}', {"content-type": "application/x-www-form-urlencoded"}, 415, "content-type"),
        (b'{"name": "x"}', {"content-encoding": "gzip"}, 415, "content-encoding"),
        (b'{"name": "' + b"x" * 70_000 + b'"}', {}, 413, "body"),
    ],
)
def test_what_does_not_fit_is_told_with_its_field(
    shared: tuple[House, str], body: bytes, headers: dict[str, str], status: int, field: str | None
) -> None:
    house, _ = shared
    admin = Admin(house.url)
    before = admin("GET", "audit")["data"]
    sent = {"content-type": "application/json", **headers}
    response = admin.http.post("/admin/v1/keys", content=body, headers=sent)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert field is None or error["field"] == field
    assert error["message"]
    assert error["request_id"] == response.headers["x-request-id"]
    assert admin("GET", "audit")["data"] == before, "nothing was done"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=99999999999999999999999999", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limti=1", "limti"),
        ("state=gone", "state"),
        ("team=%ff", "query"),
        ("after=key_nobody", "after"),
        ("team=" + "x" * 5_000, None),
        ("&".join(f"a{number}=1" for number in range(50)), None),
    ],
)
def test_queries_that_do_not_fit(shared: tuple[House, str], query: str, field: str | None) -> None:
    house, _ = shared
    admin = Admin(house.url)
    response = admin.http.get(f"/admin/v1/keys?{query}")
    assert response.status_code == (404 if field == "after" else 400), response.text
    assert field is None or response.json()["error"]["field"] == field


def test_long_lists_come_in_pages(admin: Admin) -> None:
    for number in range(7):
        admin.key(f"k{number}", team="odd" if number % 2 else "")
        admin("POST", "teams", {"name": f"t{number}"}, 201)
    for what, name in (("keys", "name"), ("teams", "name"), ("audit", "number")):
        found, after = list[Any](), None
        turn = "before" if what == "audit" else "after"
        while True:
            page = admin("GET", f"{what}?limit=3" + (f"&{turn}={after}" if after is not None else ""))
            assert len(page["data"]) <= 3
            found += [one[name] for one in page["data"]]
            after = page["next"]
            if after is None:
                break
        assert len(found) == len(set(found)) == (14 if what == "audit" else 7)
    assert [one["name"] for one in admin("GET", "keys?team=odd")["data"]] == ["k1", "k3", "k5"]


def test_many_hands_at_once(admin: Admin, house: House) -> None:
    """Of the same act one succeeds, acts on different fields keep each other's, and each has its line."""
    admin.key("shared")
    admin("POST", "teams", {"name": "t"}, 201)
    found: list[tuple[str, int]] = []

    def hand(number: int) -> None:
        own = Admin(house.url)
        requests: list[tuple[str, str, Any]] = [
            ("POST", "keys", {"name": "same"}),
            ("PATCH", "keys/shared", {("tags", "models", "targets", "routes")[number % 4]: [f"v{number}"]}),
            ("POST", "teams/t/disable" if number % 2 else "teams/t/enable", None),
            ("POST", "keys/shared/rotate", {"grace_seconds": 60}),
        ]
        for method, path, body in requests:
            response = own.http.request(method, f"/admin/v1/{path}", json=body)
            found.append((path, response.status_code))

    hands = [threading.Thread(target=hand, args=(number,)) for number in range(8)]
    for one in hands:
        one.start()
    for one in hands:
        one.join()
    same = sorted(status for path, status in found if path == "keys")
    assert same == [201] + [409] * 7
    assert {status for path, status in found if path != "keys"} == {200}
    shown = admin("GET", "keys/shared")
    assert all(shown[name] for name in ("tags", "models", "targets", "routes"))
    assert len(shown["prefixes"]) == 9
    assert len([one for one in shown["prefixes"] if one["ends_at"] is None]) == 1
    acts = admin("GET", "audit")["data"]
    assert [one["act"] for one in acts if one["subject"] == shown["key_id"]].count("rotate") == 8
    turns = [one["act"] for one in reversed(acts) if one["subject"] == "team:t" and one["act"] != "create"]
    assert all(first != second for first, second in pairwise(turns)), "each one changes something"


def test_without_any_key_only_from_this_machine_and_no_web_page(simulator: RunningSimulator, directory: Path) -> None:
    with serving(chained(simulator.url), directory) as house:
        local = Admin(house.url, None)
        assert local("GET", "health")["keys_required"] is False
        for header in ({"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}):
            assert local.http.get("/admin/v1/keys", headers=header).status_code == 403
        local("POST", "teams", {"name": "t"}, 201)
        assert local("GET", "audit")["data"][0]["who"] == "local"
        local.admin_key("ops")
        local("GET", "keys", status=401)
        assert Admin(house.url, local.secrets[0])("GET", "health")["keys_required"] is True


def test_without_any_key_nobody_administers_from_elsewhere() -> None:
    api = AdminApi(SimpleNamespace(), WrongKeys())
    for address, let_in in (("127.0.0.1", True), ("::1", True), ("10.0.0.7", False), ("", False), ("fe80::1", False)):
        request: Any = SimpleNamespace(address=address)
        problem = api._unfit(request, Somebody(key_id="local"))
        assert (problem is None) is let_in
        assert problem is None or problem.status == 403
        assert api._unfit(request, Somebody(key_id="master")) is None, "a key counts wherever it comes from"
        assert isinstance(api._unfit(request, Somebody(key_id="conf", name="conf")), Problem)


def test_guesses_are_slowed_and_right_keys_are_not(simulator: RunningSimulator, directory: Path) -> None:
    more = {"master_key": MASTER, "limits": {"wrong_keys": 5}}
    with serving(chained(simulator.url, **more), directory) as house:
        admin, guesser = Admin(house.url), Admin(house.url, "tb-guess")
        statuses = []
        for number in range(8):
            response = asks(house, f"tb-guess-{number}") if number % 2 else guesser.http.get("/admin/v1/keys")
            statuses.append(response.status_code)
            admin("GET", "keys")
            assert asks(house, MASTER).status_code == 200
        assert statuses == [401] * 5 + [429] * 3
        refused = guesser.http.get("/admin/v1/keys")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert refused.headers["x-should-retry"] == "false"
        metrics = admin.http.get("/metrics").text
        assert "tenbin_wrong_keys 9.0" in metrics
        assert "tenbin_wrong_keys_limited 4.0" in metrics
        assert admin("GET", "health")["wrong_keys"] == {"seen": 9, "limited": 4}


def test_a_port_of_its_own_and_off(simulator: RunningSimulator, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    elsewhere = {"master_key": MASTER, "admin": {"listen": f"127.0.0.1:{port}"}}
    with serving(chained(simulator.url, **elsewhere), tmp_path / "one") as house:
        here, there = Admin(house.url), Admin(f"http://127.0.0.1:{port}")
        assert here.http.get("/admin/v1/keys").status_code == 404
        key = there.key("alice")
        assert asks(house, key).status_code == 200
        refused = there.http.post("/v1/messages", json={})
        assert refused.status_code == 404
        assert "Only /admin/v1/" in refused.text
        assert there.http.get("/metrics").status_code == 404
    off = {"master_key": MASTER, "admin": {"enabled": False}}
    with serving(chained(simulator.url, **off), tmp_path / "two") as house:
        here = Admin(house.url)
        assert here.http.get("/admin/v1/keys").status_code == 404


def test_a_store_that_is_broken_is_told_of_without_a_trace(
    house: House, admin: Admin, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = admin.key("alice")
    for path in directory.glob(f"{DATABASE}*"):
        path.unlink()
    (directory / DATABASE).write_bytes(b"not a database" * 100)
    told = admin("POST", "keys", {"name": "bob"}, 503)
    assert "nothing was done" in told["error"]["message"]
    assert "sqlite" not in told["error"]["message"].lower()
    assert asks(house, key).status_code == 200, "keys stay as they were known"
    caplog.clear()
