"""The journal alone: what is appended is there, in order, whatever happens to the files beneath it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenbin.ledger.journal import Journal
from tenbin.ledger.records import CARRIED, OPENED, PROGRESS, Progress, decode_progress, frame
from tenbin.ledger.segments import read_segment, segment_numbers, segment_path
from tests.ledger.making import StandingClock


def note(name: str) -> bytes:
    return frame(PROGRESS, Progress(request_id=name, number=1, output_bytes=1))


def read(directory: Path) -> list[str]:
    return [
        decode_progress(found.payload).request_id
        for number in segment_numbers(directory)
        for found in read_segment(directory, number)
        if found.kind == PROGRESS
    ]


class Synced:
    """Lets a test wait for the journal's thread instead of the clock."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.times = 0

    def __call__(self) -> None:
        with self.condition:
            self.times += 1
            self.condition.notify_all()

    def wait_until(self, journal: Journal, what: object) -> None:
        """Append nothing, but have the thread go round until ``what()`` holds."""
        assert callable(what)
        with self.condition:
            while not what():
                journal._wake.set()
                assert self.condition.wait(30), "the journal's thread does not go round"


@pytest.fixture
def synced() -> Synced:
    return Synced()


@pytest.fixture
def journal(tmp_path: Path, synced: Synced) -> Iterator[Journal]:
    journal = Journal(
        tmp_path, StandingClock(), sync_ms=1, carry=lambda: [note("carried")], on_sync=synced, segment_bytes=2_000
    )
    journal.begin([])
    yield journal
    journal.close()


def test_what_is_appended_is_read_back_in_order(journal: Journal, tmp_path: Path) -> None:
    names = [f"n{index}" for index in range(20)]
    for name in names:
        journal.append(note(name), PROGRESS)
    assert read(tmp_path) == names
    assert journal.troubles() == []
    assert journal.position() == (journal.number, segment_path(tmp_path, journal.number).stat().st_size)


def test_a_record_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    """No thread, no close: what a process leaves that is killed right after."""
    journal = Journal(tmp_path, StandingClock(), sync_ms=1_000_000, carry=list)
    journal.append(note("kept"), PROGRESS)
    assert read(tmp_path) == ["kept"]
    journal.close()


def test_a_new_segment_begins_with_what_is_in_flight_and_a_mark(
    journal: Journal, tmp_path: Path, synced: Synced
) -> None:
    first = journal.number
    for index in range(200):
        journal.append(note(f"n{index}"), PROGRESS)
    synced.wait_until(journal, lambda: journal.number > first)
    kinds = [found.kind for found in read_segment(tmp_path, segment_numbers(tmp_path)[1])][:2]
    assert kinds == [PROGRESS, CARRIED]
    # The clock stands still; the numbers go on.
    assert segment_numbers(tmp_path)[:2] == [first, first + 1]
    assert [name for name in read(tmp_path) if name != "carried"] == [f"n{index}" for index in range(200)]


def test_several_threads_may_append(journal: Journal, tmp_path: Path) -> None:
    def append(thread: int) -> None:
        for index in range(200):
            journal.append(note(f"{thread}-{index}"), PROGRESS)

    threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [name for name in read(tmp_path) if name != "carried"]
    assert sorted(names) == sorted(f"{thread}-{index}" for thread in range(4) for index in range(200))
    for number in range(4):
        own = [name for name in names if name.startswith(f"{number}-")]
        assert own == [f"{number}-{index}" for index in range(200)]


def test_a_deleted_segment_is_put_back(journal: Journal, tmp_path: Path, synced: Synced) -> None:
    journal.append(note("before"), PROGRESS)
    path = segment_path(tmp_path, journal.number)
    path.unlink()
    journal.append(note("while away"), PROGRESS)
    synced.wait_until(journal, path.exists)
    journal.append(note("after"), PROGRESS)
    assert read(tmp_path) == ["before", "while away", "after"]
    assert journal.troubles() == []


def test_a_journal_whose_directory_is_gone_comes_back(tmp_path: Path, synced: Synced) -> None:
    directory = tmp_path / "data" / "journal"
    directory.mkdir(parents=True)
    journal = Journal(directory, StandingClock(), sync_ms=1, carry=list, on_sync=synced)
    journal.begin([])
    journal.append(note("kept"), PROGRESS)
    segment_path(directory, journal.number).unlink()
    directory.rmdir()
    directory.parent.rmdir()
    synced.wait_until(journal, directory.exists)
    assert read(directory) == ["kept"]
    journal.close()


def test_what_recovery_settled_stands_before_the_mark(tmp_path: Path) -> None:
    journal = Journal(tmp_path, StandingClock(), sync_ms=1, carry=list)
    journal.begin([frame(OPENED, None)])
    assert [found.kind for found in read_segment(tmp_path, journal.number)] == [OPENED, CARRIED]
    journal.close()


def test_each_start_has_a_segment_of_its_own(tmp_path: Path) -> None:
    numbers = []
    for name in ("a", "b", "c"):
        journal = Journal(tmp_path, StandingClock(), sync_ms=1, carry=list)
        journal.append(note(name), PROGRESS)
        numbers.append(journal.number)
        journal.close()
    assert numbers == sorted(set(numbers))
    assert read(tmp_path) == ["a", "b", "c"]
