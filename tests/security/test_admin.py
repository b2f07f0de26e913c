"""Attacks on the admin API: by web pages, by strangers, by keys of the data path, by bodies that should stop it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tenbin.api.admin.document import document
from tests.execute.conftest import Caller
from tests.real.books import House, configured, serving
from tests.security.listener import Listener

MASTER = "the-master-key-of-this-test-0123"
OPERATIONS = [
    (method.upper(), re.sub(r"\{\w+\}", "nobody", path))
    for path, methods in document()["paths"].items()
    for method in methods
]


@pytest.fixture(scope="module")
def locked(listening: Listener, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    config = configured(
        master_key=MASTER,
        providers={"same": {"base_url": listening.url, "dialect": "anthropic", "free": True}},
        models={"one": ["same/m"]},
        limits={"wrong_keys": 100_000},
    )
    with serving(config, tmp_path_factory.mktemp("locked")) as running:
        yield running


@pytest.fixture(scope="module")
def admin(locked: House) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=locked.url, trust_env=False, headers={"x-api-key": MASTER}) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "https://evil.example", "content-type": "text/plain"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
def test_no_web_page_administers_a_gateway_without_keys(
    caller: Caller, method: str, path: str, headers: dict[str, str]
) -> None:
    content = b'{"name":"mallory"}' if method == "POST" else None
    response = caller.http.request(method, path, content=content, headers=headers)
    assert response.status_code == 403
    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert "mallory" not in caller.http.get("/admin/v1/keys").text


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nobody_administers_without_a_key_for_it(locked: House, admin: httpx2.Client, method: str, path: str) -> None:
    made = admin.post("/admin/v1/keys", json={"name": f"data-{method}-{path}".replace("/", "-")[:60]})
    assert made.status_code == 201, made.text
    secret = re.findall(r'"(tb-[^"]{20,})"', made.text)[0]
    with httpx2.Client(base_url=locked.url, trust_env=False) as client:
        assert client.request(method, path).status_code == 401
        assert client.request(method, path, headers={"x-api-key": MASTER[:-1]}).status_code == 401
        assert client.request(method, path, headers={"authorization": f"Basic {MASTER}"}).status_code == 401
        told = client.request(method, path, headers={"x-api-key": secret})
        assert told.status_code in (401, 403)
        assert "Traceback" not in told.text


def bodies() -> list[bytes]:
    deep = 100_000
    whole: list[Any] = [
        None,
        5,
        "x",
        [],
        [{}],
        {"name": 5},
        {"name": "x" * 60_000},
        {"name": "\x00\r\n"},
        {"nonsense": 1},
    ]
    return [
        *(json.dumps(one).encode() for one in whole),
        b"[" * deep,
        b'{"name":' + b'{"a":' * (deep // 10) + b"1" + b"}" * (deep // 10) + b"}",
        b'{"name":"\xff"}',
        b'{"name":"\\ud800"}',
        b'{"name":NaN}',
        b'{"name":"x","budgets":[{"window":"day","usd":1e400}]}',
        b'{"name":"x","budgets":[{"window":"day","usd":-1}]}',
        b'{"name":"x","expires":' + b"9" * 5_000 + b"}",
        b"x" * 200_000,
    ]


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if one[0] in ("POST", "PATCH")])
def test_no_body_stops_it(admin: httpx2.Client, method: str, path: str) -> None:
    for body in bodies():
        response = admin.request(method, path, content=body)
        assert response.status_code < 500 or response.status_code == 503, (body[:60], response.text)
        assert "Traceback" not in response.text
    assert admin.get("/admin/v1/health").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/admin/v1/keys/..%2f..%2fmetrics",
        "/admin/v1/keys/%00",
        "/admin/v1/keys/%0d%0ax:y",
        "/admin/v1/keys/" + "x" * 9_000,
    ],
)
def test_no_name_in_a_path_leads_elsewhere(admin: httpx2.Client, path: str) -> None:
    response = admin.get(path)
    assert 400 <= response.status_code < 500
    assert "x" not in response.headers
