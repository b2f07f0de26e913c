"""One directory, one gateway; and what is found in it after the last one died."""

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tenbin.ledger.records import CARRIED, OPENED, PROGRESS, SETTLED, Opened, Progress, frame, reframed
from tenbin.ledger.segments import (
    JOURNAL,
    Claim,
    LedgerUnusable,
    segment_numbers,
    segment_path,
    unsettled,
)
from tests.ledger.making import a_receipt
from tests.ledger.test_settlement import OPENED as AN_OPENED


def opened(request_id: str, number: int = 1) -> bytes:
    record: Opened = msgspec.structs.replace(AN_OPENED, request_id=request_id, number=number)
    return bytes(frame(OPENED, record))


def progress(request_id: str, number: int, output_bytes: int) -> bytes:
    return bytes(frame(PROGRESS, Progress(request_id=request_id, number=number, output_bytes=output_bytes)))


def settled(request_id: str) -> bytes:
    return bytes(frame(SETTLED, a_receipt(request_id)))


CARRIED_MARK = bytes(frame(CARRIED, None))


def put(directory: Path, number: int, *data: bytes) -> None:
    segment_path(directory, number).write_bytes(b"".join(data))


def found(directory: Path) -> list[tuple[str, int, int | None]]:
    return [
        (u.opened.request_id, u.opened.number, None if u.progress is None else u.progress.output_bytes)
        for u in unsettled(directory)
    ]


def test_a_second_gateway_in_the_same_directory_is_told_who_has_it(data_dir: Path) -> None:
    script = f"from pathlib import Path; from tenbin.ledger.segments import Claim; Claim(Path({str(data_dir)!r}))"
    claim = Claim(data_dir)
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert other.returncode == 1
    last = other.stderr.strip().splitlines()[-1]
    assert re.search(rf"LedgerUnusable: .* in use by another gateway \(process {os.getpid()}\).*TENBIN_HOME", last)
    with pytest.raises(LedgerUnusable, match="in use"):
        Claim(data_dir)
    claim.release()
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_claim_ends_with_the_process_even_when_it_is_killed(data_dir: Path) -> None:
    script = (
        f"import os; from pathlib import Path; from tenbin.ledger.segments import Claim; "
        f"Claim(Path({str(data_dir)!r})); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    Claim(data_dir).release()


def test_a_directory_that_cannot_be_made_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerUnusable, match=r"file/data: Not a directory.*ledger\.directory"):
        Claim(tmp_path / "file" / "data")


def test_the_directory_is_nobody_elses_to_read(tmp_path: Path) -> None:
    Claim(tmp_path / "new").release()
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new" / JOURNAL).stat().st_mode & 0o077 == 0


def test_segments_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (30, 4, 200):
        put(tmp_path, number)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "x.journal").write_text("")
    assert segment_numbers(tmp_path) == [4, 30, 200]
    assert segment_numbers(tmp_path / "nowhere") == []


def test_what_was_opened_and_not_settled_is_found_with_its_latest_progress(tmp_path: Path) -> None:
    put(
        tmp_path,
        1,
        CARRIED_MARK,
        opened("a"),
        opened("b"),
        progress("b", 1, 10),
        settled("a"),
        opened("c"),
        progress("b", 1, 20),
        opened("c", 2),
        progress("c", 1, 99),
    )
    assert found(tmp_path) == [("b", 1, 20), ("c", 2, None)]


def test_only_the_newest_marked_segment_and_those_after_it_are_read(tmp_path: Path) -> None:
    put(tmp_path, 1, CARRIED_MARK, opened("gone"))
    put(tmp_path, 2, opened("carried"), CARRIED_MARK, opened("later"))
    put(tmp_path, 3, settled("later"))
    assert found(tmp_path) == [("carried", 1, None)]


def test_a_start_that_died_before_its_mark_settles_nothing_twice(tmp_path: Path) -> None:
    put(tmp_path, 1, CARRIED_MARK, opened("a"), opened("b"))
    put(tmp_path, 2, settled("a"))
    assert found(tmp_path) == [("b", 1, None)]


def test_a_torn_tail_and_damage_cost_only_what_they_hit(tmp_path: Path) -> None:
    torn = opened("torn")[:-3]
    put(tmp_path, 1, CARRIED_MARK, opened("a"), b"\xa5\x5a noise", opened("b"), torn)
    assert [name for name, _, _ in found(tmp_path)] == ["a", "b"]


def test_a_record_of_another_version_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path, 1, CARRIED_MARK, reframed(OPENED, b"\x81\xa1x\x01"), reframed(9, b"\xc0"), opened("a"))
    assert [name for name, _, _ in found(tmp_path)] == ["a"]


def test_an_empty_directory_has_nothing_unsettled(tmp_path: Path) -> None:
    assert found(tmp_path) == []
