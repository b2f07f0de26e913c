"""The desk end to end, with real receivers: each thing once, not too often, for certain, and nobody waits for it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tenbin.execute.alerts.desk import MOST_WAITING, AlertDesk
from tenbin.execute.alerts.schedule import RETRY_MS
from tenbin.execute.alerts.store import DATABASE, read_log
from tenbin.execute.clock import start_task
from tests.execute.alerts.conftest import MailServer, QuickClock, Webhook, alert, configure, until


def at_work(
    directory: Path, clock: QuickClock, work: Callable[[AlertDesk], Awaitable[None]], **settings: object
) -> AlertDesk:
    """Run a desk while ``work`` hands in."""

    async def run() -> AlertDesk:
        desk = AlertDesk(directory, clock)
        configure(desk, **settings)
        running = start_task(desk.run(), name="desk")
        try:
            await work(desk)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return desk

    return asyncio.run(run())


def states(directory: Path) -> dict[str, list[str]]:
    """By label, the states of all messages, the oldest first."""
    found: dict[str, list[str]] = {}
    for one in reversed(read_log(directory / DATABASE, 100_000).messages):
        found.setdefault(one.receiver, []).append(one.state)
    return found


def test_one_alert_reaches_every_receiver_once(tmp_path: Path, webhook: Webhook, mail: MailServer) -> None:
    async def work(desk: AlertDesk) -> None:
        desk.tell(alert())
        desk.tell(alert())
        await until(lambda: len(webhook.taken) == 1 and len(mail.taken) == 1, "both receivers")
        desk.tell(alert())
        desk.tell(alert(2))
        await until(lambda: len(webhook.taken) == 2 and len(mail.taken) == 2, "the second one")

    desk = at_work(tmp_path, QuickClock(), work, to=[webhook.address, mail.address])
    assert webhook.titles == ["[Tenbin] warning: Title 1", "[Tenbin] warning: Title 2"]
    counts = desk.counts()
    assert (counts.taken, counts.repeated, counts.sent, counts.failed, counts.held) == (2, 2, 4, 0, 0)


def test_nothing_is_told_twice_after_a_restart(tmp_path: Path, webhook: Webhook) -> None:
    async def first(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        await until(lambda: len(webhook.taken) == 1, "the alert")
        await until(lambda: desk.counts().sent == 1, "its end")

    async def second(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        desk.tell(alert(2))
        await until(lambda: len(webhook.taken) == 2, "the new one")

    clock = QuickClock()
    at_work(tmp_path, clock, first, to=[webhook.address])
    desk = at_work(tmp_path, clock, second, to=[webhook.address])
    assert webhook.titles == ["[Tenbin] warning: Title 1", "[Tenbin] warning: Title 2"]
    assert desk.counts().repeated == 1


def test_what_could_not_be_sent_before_a_restart_is_sent_after_it(tmp_path: Path, webhook: Webhook) -> None:
    clock = QuickClock()
    clock.passing = False
    webhook.behave = lambda call: 500

    async def fails(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        await until(lambda: desk.counts().retried == 1, "a try that fails")

    async def works(desk: AlertDesk) -> None:
        await until(lambda: len(webhook.taken) == 1, "the alert")

    at_work(tmp_path, clock, fails, to=[webhook.address])
    assert states(tmp_path) == {"1. json://127.0.0.1": ["waiting"]}
    webhook.behave = lambda call: 200
    clock.passing, clock.ahead_ms = True, RETRY_MS[0]
    at_work(tmp_path, clock, works, to=[webhook.address])
    assert webhook.titles == ["[Tenbin] warning: Title 1"]


def test_what_came_in_just_before_the_end_is_told_after_the_next_start(tmp_path: Path, webhook: Webhook) -> None:
    async def at_the_end(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        await until(lambda: len(webhook.taken) == 1, "the store to be open")
        desk.tell(alert(2))  # and not one more turn of the loop

    async def nothing(desk: AlertDesk) -> None:
        await until(lambda: len(webhook.taken) == 2, "what was left")

    at_work(tmp_path, QuickClock(), at_the_end, to=[webhook.address])
    at_work(tmp_path, QuickClock(), nothing, to=[webhook.address])
    assert webhook.titles[1:] == ["[Tenbin] warning: Title 2"]


@pytest.mark.parametrize("status", [500, 429, 404])
def test_a_receiver_that_fails_is_tried_again_then_given_up(tmp_path: Path, webhook: Webhook, status: int) -> None:
    webhook.behave = lambda call: status

    async def work(desk: AlertDesk) -> None:
        desk.tell(alert())
        await until(lambda: desk.counts().failed == 1, "the end of all tries")

    clock = QuickClock()
    desk = at_work(tmp_path, clock, work, to=[webhook.address])
    assert webhook.calls == len(RETRY_MS) + 1
    assert clock.ahead_ms >= sum(RETRY_MS) - 60_000, "of which the machine's own clock has gone a little"
    assert desk.counts().retried == len(RETRY_MS)
    (told,) = read_log(tmp_path / DATABASE, 10).messages
    assert (told.state, told.tries) == ("failed", len(RETRY_MS) + 1)
    assert str(status) in told.why


def test_one_that_fails_at_first_gets_it_once(tmp_path: Path, webhook: Webhook) -> None:
    webhook.behave = lambda call: 503 if call < 3 else 200

    async def work(desk: AlertDesk) -> None:
        desk.tell(alert())
        await until(lambda: desk.counts().sent == 1, "the third try")

    at_work(tmp_path, QuickClock(), work, to=[webhook.address])
    assert webhook.calls == 3
    assert len(webhook.taken) == 1


def test_a_stop_waits_for_what_is_on_its_way_so_that_it_comes_once(tmp_path: Path, webhook: Webhook) -> None:
    arrived, goes_on = threading.Event(), threading.Event()

    def slowly(call: int) -> int:
        arrived.set()
        return 200 if goes_on.wait(30) else 500

    webhook.behave = slowly

    async def stops_meanwhile(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        await until(arrived.is_set, "the message to be on its way")
        asyncio.get_running_loop().call_later(0.2, goes_on.set)

    async def again(desk: AlertDesk) -> None:
        desk.tell(alert(2))
        await until(lambda: len(webhook.taken) == 2, "the next one")

    at_work(tmp_path, QuickClock(), stops_meanwhile, to=[webhook.address])
    assert states(tmp_path) == {"1. json://127.0.0.1": ["sent"]}
    at_work(tmp_path, QuickClock(), again, to=[webhook.address])
    assert webhook.titles == ["[Tenbin] warning: Title 1", "[Tenbin] warning: Title 2"]


def test_a_receiver_that_hangs_keeps_no_other_waiting(tmp_path: Path, webhook: Webhook) -> None:
    other = Webhook()
    goes_on = threading.Event()
    webhook.behave = lambda call: 200 if goes_on.wait(60) else 500
    clock = QuickClock()

    async def work(desk: AlertDesk) -> None:
        for number in range(5):
            desk.tell(alert(number))
        await until(lambda: len(other.taken) == 5, "the other receiver")
        assert not webhook.taken
        goes_on.set()

    at_work(tmp_path, clock, work, to=[webhook.address, other.address], timeout_seconds=20)
    other.close()


def test_ten_thousand_at_once_delay_nobody_and_become_a_few_messages(tmp_path: Path, webhook: Webhook) -> None:
    clock = QuickClock()

    async def work(desk: AlertDesk) -> None:
        for number in range(10_000):
            desk.tell(alert(number, severity="critical" if number == 7_777 else "warning"))
        await until(lambda: len(webhook.taken) == 5, "five messages")
        await until(lambda: desk.counts().held == 0, "nothing held")

    desk = at_work(tmp_path, clock, work, to=[webhook.address], per_hour=5)
    assert webhook.titles[0] == "[Tenbin] critical: Title 7777"
    assert webhook.titles[-1] == "[Tenbin] warning: 9,996 alerts together"
    assert "- Title 4\n" in webhook.taken[-1]["message"]
    assert "and 9,976 more" in webhook.taken[-1]["message"]
    counts = desk.counts()
    assert (counts.taken, counts.dropped, counts.sent) == (10_000, 0, 5)


def test_more_than_can_be_kept_is_counted_and_harms_nothing(tmp_path: Path, webhook: Webhook) -> None:
    async def work(desk: AlertDesk) -> None:
        for number in range(MOST_WAITING + 50):
            desk.tell(alert(number))
        assert desk.counts().dropped == 50
        await until(lambda: desk.counts().taken == MOST_WAITING, "those that were kept")

    at_work(tmp_path, QuickClock(), work, to=[webhook.address], per_hour=1)


def test_only_what_is_wished_is_told(tmp_path: Path, webhook: Webhook) -> None:
    async def work(desk: AlertDesk) -> None:
        desk.tell(alert(1, kind="price"))
        desk.tell(alert(2, severity="info"))
        desk.tell(alert(3))
        await until(lambda: len(webhook.taken) == 1, "the one")

    desk = at_work(tmp_path, QuickClock(), work, to=[webhook.address], events=["budget"], severity="warning")
    assert webhook.titles == ["[Tenbin] warning: Title 3"]
    assert desk.counts().taken == 1


def test_it_speaks_japanese(tmp_path: Path, webhook: Webhook) -> None:
    async def work(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        await until(lambda: len(webhook.taken) == 1, "the alert")

    at_work(tmp_path, QuickClock(), work, to=[webhook.address], language="ja")
    assert webhook.taken[0]["title"] == "[Tenbin] 警告: 題 1"
    assert webhook.taken[0]["message"] == "本文 1"


def test_receivers_come_and_go_while_it_runs(tmp_path: Path, webhook: Webhook, mail: MailServer) -> None:
    async def work(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        await until(lambda: len(webhook.taken) == 1, "the webhook")
        configure(desk, to=[mail.address])
        desk.tell(alert(2))
        await until(lambda: len(mail.taken) == 1, "the mail")
        configure(desk, to=[])
        desk.tell(alert(3))
        configure(desk, to=[webhook.address])
        desk.tell(alert(4))
        await until(lambda: len(webhook.taken) == 2, "the webhook again")

    at_work(tmp_path, QuickClock(), work, to=[webhook.address])
    assert webhook.titles == ["[Tenbin] warning: Title 1", "[Tenbin] warning: Title 4"]
    assert [one["subject"] for one in mail.taken] == ["[Tenbin] warning: Title 2"]


def test_without_a_disk_people_are_told_all_the_same(tmp_path: Path, webhook: Webhook) -> None:
    (tmp_path / DATABASE).mkdir()  # a file of this name cannot be made

    async def work(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        desk.tell(alert(1))
        await until(lambda: len(webhook.taken) == 1, "the alert")

    at_work(tmp_path, QuickClock(), work, to=[webhook.address])


def test_a_desk_that_tells_nobody_makes_no_file(tmp_path: Path) -> None:
    async def work(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        await asyncio.sleep(0.05)

    desk = at_work(tmp_path, QuickClock(), work)
    assert not (tmp_path / DATABASE).exists()
    assert desk.counts().held == 0


def test_the_file_is_for_its_owner_and_holds_no_address(tmp_path: Path, webhook: Webhook) -> None:
    from tests.execute.alerts.conftest import TOKEN

    webhook.behave = lambda call: 500

    async def work(desk: AlertDesk) -> None:
        desk.tell(alert(1))
        await until(lambda: desk.counts().failed == 1, "the end")

    at_work(tmp_path, QuickClock(), work, to=[webhook.address])
    assert (tmp_path / DATABASE).stat().st_mode & 0o077 == 0
    for path in tmp_path.iterdir():
        assert TOKEN.encode() not in path.read_bytes()
