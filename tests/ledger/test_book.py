"""The ledger as a whole: open, progress, settle, and what is in the database afterwards."""

import contextlib
import os
import tempfile
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.core.receipt import Receipt
from tenbin.core.usage import NOTHING, Usage
from tenbin.ledger.book import PROGRESS_BYTES, Book
from tenbin.ledger.migrations import migrate
from tenbin.ledger.records import PROGRESS, SETTLED, Opened, decode_receipt, reframed
from tenbin.ledger.segments import DATABASE, JOURNAL, LedgerUnusable, segment_numbers, segment_path, unsettled
from tenbin.ledger.writer import open_database
from tests.ledger.making import NOON_MS, PRICES, StandingClock, a_book, a_receipt, abandon, an_attempt, open_in
from tests.ledger.reading import in_journal, killed_book, rows


def test_a_settled_receipt_is_priced_and_in_the_database(data_dir: Path) -> None:
    with a_book(data_dir) as book:
        open_in(book, "req_1")
        priced = book.settle(a_receipt("req_1"))
        assert priced.cost_nano == 3_000_000
        assert book.flush()
        assert rows(data_dir) == {"req_1": priced}
        assert book.health().ok
        counts = book.counts()
        assert (counts.opened, counts.settled, counts.entered, counts.in_flight) == (1, 1, 1, 0)
        assert (counts.backlog_bytes, counts.lost) == (0, 0)


def test_what_is_opened_stands_in_the_journal_with_every_field_in_its_place(data_dir: Path) -> None:
    ended = an_attempt(1, outcome="failed", usage=NOTHING)
    with killed_book(data_dir) as book:
        open_in(book, "req_1", number=2, input_tokens=77, attempts=(ended,))
    ((opened, progress),) = unsettled(data_dir / JOURNAL)
    assert progress is None
    assert opened == Opened(
        request_id="req_1",
        arrived_at_ms=NOON_MS,
        key_id="local",
        dialect="anthropic",
        operation="generate",
        path="/v1/messages",
        requested_model="anvil",
        stream=True,
        route="model:anvil",
        policy="0123456789abcdef",
        session="session-1",
        client="tests/1",
        number=2,
        provider="acme",
        model="anvil-1",
        target_dialect="openai_chat",
        started_at_ms=NOON_MS,
        input_tokens=77,
        attempts=(ended,),
    )


def test_a_request_that_reached_no_provider_is_written_down_too(data_dir: Path) -> None:
    receipt = msgspec.structs.replace(a_receipt("req_1"), attempts=(), outcome="failed", status=400)
    with a_book(data_dir) as book:
        assert book.settle(receipt) == receipt
        assert book.flush()
    assert rows(data_dir)["req_1"].cost_nano == 0


def test_an_orderly_end_leaves_an_empty_journal_whose_number_is_not_used_again(data_dir: Path) -> None:
    numbers = []
    for life in range(3):
        with a_book(data_dir) as book:
            for number in range(50):
                book.settle(a_receipt(f"req_{life}_{number}"))
        (path,) = (data_dir / JOURNAL).iterdir()
        assert path.stat().st_size == 0
        numbers += segment_numbers(data_dir / JOURNAL)
    assert numbers == sorted(set(numbers))
    assert len(rows(data_dir)) == 150


def test_what_is_still_in_flight_at_the_end_is_settled_at_the_next_start(data_dir: Path) -> None:
    with a_book(data_dir) as book:
        open_in(book, "req_1")
    with a_book(data_dir) as book:
        assert book.counts().interrupted == 1
        assert book.flush()
    assert rows(data_dir)["req_1"].outcome == "interrupted"


def test_what_was_in_flight_at_a_crash_is_settled_once_as_estimated(data_dir: Path) -> None:
    with killed_book(data_dir) as book:
        open_in(book, "req_done")
        book.settle(a_receipt("req_done"))
        open_in(book, "req_silent", input_tokens=500)
        open_in(book, "req_talking", input_tokens=500)
        book.progress("req_talking", 1, 4_000, Usage(input=450, cache_read=20))
    for interruptions in (2, 0, 0):
        with a_book(data_dir) as book:
            assert book.counts().interrupted == interruptions
            assert book.flush()
        found = rows(data_dir)
        assert found["req_done"].outcome == "answered"
        silent, talking = found["req_silent"], found["req_talking"]
        assert silent.usage == Usage(input=500, input_estimated=True, output_estimated=True)
        assert silent.cost_nano == 1_000_000
        assert talking.usage == Usage(input=450, cache_read=20, output=1_000, output_estimated=True)
        assert talking.cost_nano == 900_000 + 4_000 + 10_000_000
        assert len(found) == 3


def test_attempts_that_ended_before_a_crash_are_billed(data_dir: Path) -> None:
    ended = an_attempt(1, outcome="cut", usage=Usage(input=100, output=7))
    with killed_book(data_dir) as book:
        open_in(book, "req_1")
        open_in(book, "req_1", number=2, input_tokens=100, attempts=(ended,))
    with a_book(data_dir) as book:
        assert book.flush()
    receipt = rows(data_dir)["req_1"]
    assert [attempt.cost_nano for attempt in receipt.attempts] == [270_000, 200_000]


def test_progress_is_written_at_first_and_then_only_now_and_again(data_dir: Path) -> None:
    with killed_book(data_dir) as book:
        open_in(book, "req_1")
        for size in range(0, 4 * PROGRESS_BYTES, 16):
            book.progress("req_1", 1, size)
        book.progress("req_unknown", 1, 10**6)
    assert in_journal(data_dir, PROGRESS) == 4


def test_what_is_noted_of_one_request_ends_with_its_attempt_and_with_it(data_dir: Path) -> None:
    with killed_book(data_dir, sync_ms=1, segment_bytes=4_000) as book:
        open_in(book, "req_1", input_tokens=10)
        book.progress("req_1", 1, 400_000)
        open_in(book, "req_1", number=2, input_tokens=20)
        open_in(book, "req_2")
        book.progress("req_2", 1, 400)
        book.settle(a_receipt("req_2"))
        open_in(book, "req_3", input_tokens=30)
        book.progress("req_3", 1, 400)
        first = book._journal.number
        for number in range(300):
            book.settle(a_receipt(f"req_other_{number}"))
            if number % 20 == 0:
                assert book.flush()
        assert segment_numbers(data_dir / JOURNAL)[0] > first
    assert {o.request_id: (o.number, p and p.output_bytes) for o, p in unsettled(data_dir / JOURNAL)} == {
        "req_1": (2, None),
        "req_3": (1, 400),
    }


def test_a_receiver_that_fails_harms_nobody(data_dir: Path) -> None:
    got: list[str] = []

    def failing(receipt: Receipt) -> None:
        raise RuntimeError("no room at the inn")

    with a_book(data_dir) as book:
        book.subscribe(failing)
        book.subscribe(lambda receipt: got.append(receipt.request_id))
        assert book.settle(a_receipt("req_1")).cost_nano == 3_000_000
        assert got == ["req_1"]
        assert book.counts().sink_errors == 1
        assert "no room at the inn" in book.health().reasons[0]


def test_a_second_book_in_the_same_directory_is_refused(data_dir: Path) -> None:
    with a_book(data_dir), pytest.raises(LedgerUnusable, match=f"process {os.getpid()}"):
        Book(data_dir, PRICES, StandingClock())
    with a_book(data_dir):
        pass


def test_settling_a_request_twice_enters_it_once(data_dir: Path) -> None:
    with a_book(data_dir) as book:
        for _ in range(3):
            book.settle(a_receipt("req_1"))
        book.settle(a_receipt("req_2"))
        assert book.flush()
    assert sorted(rows(data_dir)) == ["req_1", "req_2"]


def test_segments_are_deleted_when_they_are_entered_although_an_old_request_is_in_flight(data_dir: Path) -> None:
    with killed_book(data_dir, sync_ms=1, segment_bytes=4_000) as book:
        open_in(book, "req_long", input_tokens=77)
        book.progress("req_long", 1, 400)
        first = book._journal.number
        for number in range(300):
            book.settle(a_receipt(f"req_{number}"))
            if number % 20 == 0:
                assert book.flush()
        assert book.flush()
        assert segment_numbers(data_dir / JOURNAL)[0] > first
        assert in_journal(data_dir, SETTLED) < 300
    with a_book(data_dir) as book:
        assert book.counts().interrupted == 1
        assert book.flush()
    found = rows(data_dir)
    assert len(found) == 301
    assert found["req_long"].usage.output == 100


def test_a_torn_tail_and_damage_in_the_journal_cost_only_what_they_hit(data_dir: Path) -> None:
    with contextlib.closing(open_database(data_dir / DATABASE)) as other:
        migrate(other)
        other.execute("BEGIN EXCLUSIVE")  # So that all of it is still to be read at the next start.
        with killed_book(data_dir) as book:
            sizes = [book._journal.written]
            for number in range(10):
                book.settle(a_receipt(f"req_{number}"))
                sizes.append(book._journal.written)
            path = segment_path(data_dir / JOURNAL, book._journal.number)
        other.execute("ROLLBACK")
    data = bytearray(path.read_bytes())
    data[sizes[3] + 40] ^= 0xFF
    path.write_bytes(data[: sizes[10] - 5])
    with a_book(data_dir) as book:
        assert book.flush()
        assert any("damaged" in reason for reason in book.health().reasons)
    assert sorted(rows(data_dir)) == [f"req_{number}" for number in (0, 1, 2, 4, 5, 6, 7, 8)]


def test_a_receipt_that_the_database_cannot_hold_is_put_aside_and_the_rest_goes_on(data_dir: Path) -> None:
    too_much = an_attempt(model="anvil-99", usage=Usage(input=2**63 - 1))
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1"))
        book.settle(a_receipt("req_2", too_much, an_attempt(2, model="anvil-99", usage=Usage(input=2**63 - 1))))
        book.settle(a_receipt("req_3"))
        assert book.flush()
        assert book.counts().rejected == 1
        assert "rejected.journal" in book.health().reasons[0]
    assert sorted(rows(data_dir)) == ["req_1", "req_3"]
    (frame,) = read_rejected(data_dir)
    assert decode_receipt(frame).request_id == "req_2"


def test_a_receipt_that_cannot_be_read_is_put_aside_and_the_rest_goes_on(data_dir: Path) -> None:
    """What another version wrote, for instance: its checksum is right, what it says is not ours to know."""
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1"))
        book._journal.append(reframed(SETTLED, b"\x81\xa1x\x01"), SETTLED)
        book.settle(a_receipt("req_3"))
        assert book.flush()
        assert (book.counts().rejected, book.counts().entered) == (1, 2)
    assert sorted(rows(data_dir)) == ["req_1", "req_3"]
    assert read_rejected(data_dir) == [b"\x81\xa1x\x01"]


def read_rejected(directory: Path) -> list[bytes]:
    from tenbin.ledger.records import frames

    return [found.payload for found in frames((directory / "rejected.journal").read_bytes())]


def test_nothing_that_a_provider_or_client_says_makes_settling_raise(data_dir: Path) -> None:
    with a_book(data_dir) as book:
        open_in(book, "req_1", client="half a \ud83d smile", input_tokens=10**40)
        stated = book.settle(
            a_receipt("req_1", an_attempt(usage=Usage(output=10**30), message="\udcff"), client="\ud83d")
        )
        assert stated.cost_nano == 10**34
        book.settle(a_receipt("req_2", trace=({"odd": object(), 5: 10**30},)))
        assert book.flush()
        assert book.counts().rejected == 0
    found = rows(data_dir)
    assert found["req_1"].cost_nano == found["req_1"].usage.output == 2**63 - 1
    assert found["req_1"].client == "?"
    assert len(found) == 2


def test_a_large_receipt_goes_through(data_dir: Path) -> None:
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1", trace=("x" * 3_000_000,)))
        book.settle(a_receipt("req_2"))
        assert book.flush()
    assert rows(data_dir)["req_1"].trace == ("x" * 3_000_000,)


def test_settling_from_several_threads(data_dir: Path) -> None:
    with a_book(data_dir, sync_ms=1, segment_bytes=20_000) as book:

        def work(thread: int) -> None:
            for number in range(100):
                open_in(book, f"req_{thread}_{number}")
                book.settle(a_receipt(f"req_{thread}_{number}"))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert book.flush(30)
    assert len(rows(data_dir)) == 400


steps = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(0, 9), st.integers(0, 10_000)),
        st.tuples(st.just("progress"), st.integers(0, 9), st.integers(0, 50_000)),
        st.tuples(st.just("settle"), st.integers(0, 9), st.integers(0, 10_000)),
        st.tuples(st.sampled_from(["crash", "end"]), st.just(0), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=15)
@given(steps)
def test_any_course_of_events_gives_each_request_exactly_one_receipt(course: list[tuple[str, int, int]]) -> None:
    """Requests open, talk, settle; processes die and end. In the end each one opened has one receipt, priced."""
    # In memory where there is such a place: hundreds of starts would otherwise mostly wait for the disk.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as directory:
        follow(Path(directory), course)


def follow(directory: Path, course: list[tuple[str, int, int]]) -> None:
    expected: dict[str, str] = {}
    life, flying = 0, set[str]()

    def name(slot: int) -> str:
        return f"req_{life}_{slot}"

    book = Book(directory, PRICES, StandingClock(), sync_ms=1, segment_bytes=1_000)
    book.recover()
    for what, slot, amount in [*course, ("crash", 0, 0)]:
        if what in ("crash", "end"):
            (abandon if what == "crash" else Book.close)(book)
            expected.update(dict.fromkeys(flying, "interrupted"))
            life, flying = life + 1, set()
            book = Book(directory, PRICES, StandingClock(), sync_ms=1, segment_bytes=1_000)
            book.recover()
        elif what == "open" and name(slot) not in expected:
            open_in(book, name(slot), input_tokens=amount)
            flying.add(name(slot))
        elif what == "progress":
            book.progress(name(slot), 1, amount)
        elif what == "settle" and name(slot) not in expected:
            book.settle(a_receipt(name(slot), an_attempt(usage=Usage(input=amount))))
            expected[name(slot)] = "answered"
            flying.discard(name(slot))
    assert book.flush(30)
    book.close()
    found = rows(directory)
    assert {request_id: receipt.outcome for request_id, receipt in found.items()} == expected
    for receipt in found.values():
        assert receipt.usage != NOTHING or receipt.cost_nano == 0
        assert receipt.cost_nano == receipt.usage.input * 2_000 + receipt.usage.output * 10_000
        assert receipt.arrived_at_ms == NOON_MS
