"""Receivers: real ones take messages; those that fail, hang or are wrong are told of without their address."""

import asyncio
import builtins
import logging
import threading
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.execute.alerts.receivers import CannotSend, Receiver, label, receivers, secrets_of
from tests.execute.alerts.conftest import TOKEN, MailServer, Webhook


def send(receiver: Receiver) -> str:
    return asyncio.run(receiver.send("critical", "A title", "A body\nof two lines"))


def test_a_webhook_takes_it(webhook: Webhook) -> None:
    (receiver,) = receivers([webhook.address], 5)
    assert send(receiver) == ""
    (taken,) = webhook.taken
    assert (taken["title"], taken["message"], taken["type"]) == ("A title", "A body\nof two lines", "failure")


def test_a_mail_server_takes_it(mail: MailServer) -> None:
    (receiver,) = receivers([mail.address], 5)
    assert send(receiver) == ""
    (taken,) = mail.taken
    assert taken["subject"] == "A title"
    assert taken["to"] == "people@example.org"
    assert "of two lines" in taken.as_string()


def test_japanese_arrives_whole(webhook: Webhook, mail: MailServer) -> None:
    words = "チーム search の予算 (1 か月) の 80 % を使いました"
    for receiver in receivers([webhook.address, mail.address], 5):
        assert asyncio.run(receiver.send("warning", words, words)) == ""
    assert webhook.titles == [words]
    assert mail.taken[0]["subject"] == words


@pytest.mark.parametrize("status", [500, 503, 404, 401])
def test_why_it_failed_is_told_without_the_address(
    webhook: Webhook, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    webhook.behave = lambda call: status
    with caplog.at_level(logging.DEBUG):
        why = send(receivers([webhook.address], 5)[0])
    assert str(status) in why
    out, err = capfd.readouterr()
    for text in (why, caplog.text, out, err):
        assert TOKEN not in text


def test_a_refused_connection_is_told_of(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    address = webhook.address
    webhook.close()
    with caplog.at_level(logging.DEBUG):
        why = send(receivers([address], 5)[0])
    assert why
    assert TOKEN not in why + caplog.text


def test_a_mail_server_that_refuses_is_told_of(mail: MailServer) -> None:
    mail.refuses = True
    assert send(receivers([mail.address], 5)[0])
    assert not mail.taken


def test_a_redirect_is_not_followed(webhook: Webhook) -> None:
    webhook.behave = lambda call: 302
    assert send(receivers([webhook.address], 5)[0])
    assert webhook.calls == 1


def test_one_that_hangs_is_given_up_and_asked_no_second_time_meanwhile(webhook: Webhook) -> None:
    goes_on = threading.Event()
    webhook.behave = lambda call: 200 if goes_on.wait(30) else 500
    # The library's own limits are set so long that ours must hold.
    (receiver,) = receivers([webhook.address + "&rto=25&cto=25"], 0.2)

    async def both() -> tuple[str, str]:
        return await receiver.send("info", "t", "b"), await receiver.send("info", "t", "b")

    first, second = asyncio.run(both())
    goes_on.set()
    assert "0.2 s" in first
    assert "still" in second
    assert webhook.calls == 1


def test_an_address_that_nobody_can_read_is_told_by_its_place() -> None:
    with pytest.raises(CannotSend) as told:
        receivers(["json://localhost/ok", f"nosuchservice://{TOKEN}"], 5)
    assert told.value.number == 1
    assert "alerts.to[1]" in str(told.value)
    assert TOKEN not in str(told.value)


def test_without_the_library_the_fix_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def missing(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> object:
        if name == "apprise":
            raise ImportError(name)
        return original(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(CannotSend, match=r"pip install 'tenbin\[alerts\]'"):
        receivers(["json://localhost/x"], 5)


def test_the_same_address_twice_is_one_receiver_and_places_stay() -> None:
    found = receivers(["json://a.example/x", "json://b.example/x", "json://a.example/x"], 5)
    assert [one.label for one in found] == ["1. json://a.example", "2. json://b.example"]
    assert len({one.id for one in found}) == 2


def test_a_token_in_the_place_of_a_host_is_not_shown() -> None:
    assert label(0, "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general") == "1. slack"
    assert label(1, f"mailto://user:{TOKEN}@smtp.example.org") == "2. mailto://smtp.example.org"


SECRET = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=8, max_size=30)


@given(SECRET, SECRET, SECRET, st.text(max_size=20), st.text(max_size=20))
def test_no_secret_outlives_the_mask(user: str, token: str, query: str, before: str, after: str) -> None:
    address = f"jsons://{user}:{token}@hooks.example.org/{token}/x?+key={query}"
    text = f"{before} {token} {query}{after} {user}:{token}@hooks"
    for secret in secrets_of(address):
        text = text.replace(secret, "***")
    for secret in (user, token, query):
        assert secret not in text
