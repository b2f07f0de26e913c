"""What the server says to a client before any application has seen its request."""

import json
from pathlib import Path

from tenbin.app import RunningGateway
from tests.api.raw import Raw
from tests.real.books import configured

ASK = b"GET /health/liveliness HTTP/1.1\r\nhost: localhost\r\n\r\n"


def test_one_client_too_many_is_told_so_and_the_others_are_served(tmp_path: Path) -> None:
    config = configured(providers={}, limits={"connections": 2})
    with RunningGateway(config, tmp_path) as gateway, Raw(gateway.url) as first, Raw(gateway.url) as second:
        for client in (first, second):
            client.send(ASK)
            assert client.answer("GET")[0].status == 200
        with Raw(gateway.url) as third:
            third.send(ASK)
            answer, body = third.answer("GET")
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert "limits.connections" in json.loads(body)["error"]["message"]
        first.send(ASK)
        assert first.answer("GET")[0].status == 200
