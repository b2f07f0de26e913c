"""Frames survive every way of being cut or damaged: what is whole is read, what is not is passed over."""

from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.receipt import Receipt
from tenbin.ledger.records import (
    CARRIED,
    HEADER_BYTES,
    MAGIC,
    PROGRESS,
    SETTLED,
    Progress,
    decode_progress,
    decode_receipt,
    decode_request_id,
    frame,
    frames,
    reframed,
)
from tests.ledger.making import a_receipt, an_attempt, usages

texts = st.lists(st.text(max_size=40) | st.just(MAGIC.decode("latin-1") * 3), max_size=8)


def notes(names: list[str]) -> list[bytearray]:
    return [bytearray(frame(PROGRESS, Progress(request_id=name, number=1, output_bytes=7))) for name in names]


def read(data: bytes) -> list[str]:
    return [decode_progress(found.payload).request_id for found in frames(data)]


@given(texts)
def test_what_is_written_is_read(names: list[str]) -> None:
    assert read(b"".join(notes(names))) == names


@given(names=texts, cut=st.integers(min_value=0))
def test_a_journal_cut_anywhere_gives_the_records_before_the_cut(names: list[str], cut: int) -> None:
    written = notes(names)
    data = b"".join(written)
    data = data[: cut % (len(data) + 1)]
    whole, length = 0, 0
    while whole < len(written) and length + len(written[whole]) <= len(data):
        length += len(written[whole])
        whole += 1
    assert read(data) == names[:whole]


@given(
    names=texts.filter(bool), which=st.integers(min_value=0), place=st.integers(min_value=0), flip=st.integers(1, 255)
)
def test_a_damaged_byte_costs_one_record(names: list[str], which: int, place: int, flip: int) -> None:
    written = notes(names)
    which %= len(written)
    written[which][place % len(written[which])] ^= flip
    assert read(b"".join(written)) == names[:which] + names[which + 1 :]


@given(st.binary(max_size=400))
def test_noise_is_not_read(noise: bytes) -> None:
    assert read(noise + frame(PROGRESS, Progress(request_id="after", number=1, output_bytes=7)))[-1:] == ["after"]


@given(st.lists(usages(), max_size=3))
def test_a_receipt_comes_back_as_it_was(all_usages: list) -> None:
    attempts = tuple(an_attempt(number, usage=usage) for number, usage in enumerate(all_usages, 1))
    receipt: Receipt = a_receipt("req_ünïcode", *attempts, trace=({"step": "call", "ms": 5}, ["answered"], None))
    (found,) = frames(frame(SETTLED, receipt))
    assert decode_receipt(found.payload) == receipt
    assert decode_request_id(found.payload).request_id == receipt.request_id
    assert reframed(SETTLED, found.payload) == frame(SETTLED, receipt)


def test_a_mark_has_no_payload() -> None:
    (found,) = frames(frame(CARRIED, None))
    assert (found.kind, found.payload, found.end) == (CARRIED, b"", HEADER_BYTES)


def test_the_kind_is_part_of_the_checksum() -> None:
    data = bytearray(frame(SETTLED, a_receipt()))
    data[2] = PROGRESS
    assert list(frames(data)) == []
