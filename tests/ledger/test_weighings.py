"""A weighing is kept in little and read again exactly, also when fields were added since."""

import contextlib
import sqlite3
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import CATEGORIES, TASK_TYPES, Features
from tenbin.core.session import Session, Warm
from tenbin.core.weighing import Candidate, Cost, Hearing, Opinion, Quality, Weighing
from tenbin.ledger import queries
from tenbin.ledger.migrations import migrate
from tenbin.ledger.segments import DATABASE
from tenbin.ledger.weighings import FORM, UnknownForm, dictionary, packed, unpacked
from tests.ledger.making import A_CLIMB, A_WEIGHING, NOON_MS, a_book, a_receipt

CRC = 0x23E2708F
"""Of the dictionary of form 1."""
KEPT = (
    "01bbc3207287416229d84f0bcef22f38b060c1a2d4bc15b0918ad30c50b0146c1f9ccb30e5b4fd0308ebb4fd0b18e3cd1910"
    "387bdafe3d976dc1e2eb5c0b16301e6238746801c32186f30c0c8c0bfffe7203aaba0051be1eec39ab6260430e182cba8673"
    "d62426e7a6ea27e69565e6e81a42d44c9c8a22c8c9788e8165f28303a7ed3f409d711ae11e0674212c0cfb97334160d60a58"
    "fc2f01a58c03070e2f80ab397060c1a4e928b62e98c9cac0c00e969c86e447a851a7ed7f4034ae45197dc0b41c18b2d35765"
    "005b4cfae0ded9468ccefe01a0d50b26a258bd06b9d1780800"
)
"""What form 1 once made of A_WEIGHING."""

share = st.floats(0, 1)
nano = st.integers(-(2**62), 2**62)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
four = st.tuples(share, share, share, share)
features = st.builds(
    Features,
    category=st.sampled_from(CATEGORIES),
    category_reason=words,
    prompt_tokens=st.integers(0, 10**7),
    max_tokens=st.none() | st.integers(1, 10**6),
    task=st.sampled_from(TASK_TYPES),
    task_chance=share,
    suffices=four,
    agent=st.booleans(),
)
warm = st.builds(
    Warm,
    target=words,
    tokens=st.integers(0, 10**6),
    until_ms=st.integers(0, 2**43),
    life_ms=st.just(300_000),
    effort=st.none() | words,
)
sessions = st.builds(Session, target=words, warm=st.lists(warm, max_size=4).map(tuple), by_tools=share, suffices=four)
costs = st.builds(Cost, input=nano, cache_read=nano, escalation=nano, coming_back=nano)
qualities = st.builds(Quality, value=share, prior=share, ability=st.floats(-9, 9), source=words, trials=share)
candidates = st.builds(
    Candidate, target=words, rejected=words, cost=st.none() | costs, quality=st.none() | qualities, slow=words
)
hearings = st.builds(
    Hearing, judge=words, chance=share, between=st.just(("a/b", "c/d")), saves_nano=nano, suffices=four, fault=words
)
weighings = st.builds(
    Weighing,
    features=features,
    now_ms=st.integers(0, 2**43),
    draw=share,
    session_key=words,
    session=st.none() | sessions,
    cap_nano=st.none() | nano,
    strong=st.none() | st.booleans(),
    opinion=st.none() | st.builds(Opinion, router=words, order=st.lists(words, max_size=3).map(tuple)),
    hearing=st.none() | hearings,
    candidates=st.lists(candidates, max_size=5).map(tuple),
    order=st.lists(words, max_size=5).map(tuple),
    reason=words,
    stayed=st.booleans(),
)


@given(weighings)
def test_it_is_read_again_exactly(weighing: Weighing) -> None:
    assert unpacked(packed(weighing)) == weighing


def test_it_takes_a_fraction_of_its_json() -> None:
    assert len(packed(A_WEIGHING)) * 4 < len(msgspec.json.encode(A_WEIGHING))


def test_a_field_that_was_added_since_has_its_default() -> None:
    deflate = zlib.compressobj(6, zlib.DEFLATED, -13, 6, zlib.Z_DEFAULT_STRATEGY, dictionary())
    short = [["default", "an older Tenbin's word"], NOON_MS, 0.5, "local|x"]
    kept = FORM + deflate.compress(msgspec.msgpack.encode(short)) + deflate.flush()
    features = Features(category="default", category_reason="an older Tenbin's word")
    assert unpacked(kept) == Weighing(features=features, now_ms=NOON_MS, draw=0.5, session_key="local|x")


def test_what_a_newer_one_kept_is_told() -> None:
    for kept in (b"\x02" + packed(A_WEIGHING)[1:], b""):
        with pytest.raises(UnknownForm, match="newer"):
            unpacked(kept)


def test_the_form_does_not_change() -> None:
    """Rows that were written must be read: another order of fields, or another dictionary, is another form."""
    assert zlib.crc32(dictionary()) == CRC
    begins = {
        Weighing: "features now_ms draw session_key session floor mode speed cap_nano strong cheap_moment moment",
        Features: "category category_reason prompt_tokens max_tokens effort thinking language task task_chance",
        Session: "target at_ms requests prompt_tokens output_tokens growth_tokens switches warm tokens_per_estimate",
        Candidate: "target rejected cost quality expected_ms price slow",
        Cost: "input cache_read cache_write output reasoning request electricity escalation coming_back",
        Quality: "value prior ability source successes trials",
    }
    for kind, names in begins.items():
        assert " ".join(kind.__struct_fields__).startswith(names)
    kept = bytes.fromhex(KEPT)
    assert unpacked(kept) == A_WEIGHING


def test_rows_of_before_are_read_from_their_json(data_dir: Path) -> None:
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1", weighing=A_WEIGHING))
        book.settle(a_receipt("req_2", weighing=A_WEIGHING))
        assert book.flush()
    path = data_dir / DATABASE
    older = msgspec.structs.replace(A_WEIGHING, reason="as it was once kept")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "UPDATE weighings SET weighing = ?, packed = NULL, category = NULL, task = NULL WHERE request = 1",
            (msgspec.json.encode(older).decode(),),
        )
    assert [one.weighing for one in queries.latest_weighed(path, 9)] == [older, A_WEIGHING]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        for column in ("category", "task", "packed"):
            database.execute(f"ALTER TABLE weighings DROP COLUMN {column}")
        database.execute("DELETE FROM weighings WHERE request = 2")
        database.execute("DELETE FROM migrations WHERE name = 'm0008_compact_weighings'")
    assert [one.weighing for one in queries.latest_weighed(path, 9)] == [older], "before a gateway has opened it"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        assert migrate(database) == ["m0008_compact_weighings"]
    assert [one.weighing for one in queries.latest_weighed(path, 9)] == [older]


def test_old_ones_are_forgotten_and_receipts_stay(data_dir: Path) -> None:
    day = 86_400_000
    with a_book(data_dir, weighings_days=30) as book:
        for number, days in enumerate((0, 1, 20)):
            book.settle(
                a_receipt(f"req_{number}", weighing=A_WEIGHING, arrived_at_ms=NOON_MS + days * day, climb=A_CLIMB)
            )
        assert book.flush()
        path = data_dir / DATABASE
        assert len(queries.latest_weighed(path, 9)) == 3
        book.settle(a_receipt("req_3", weighing=A_WEIGHING, arrived_at_ms=NOON_MS + 35 * day))
        assert book.flush()
        assert [one.request_id for one in queries.latest_weighed(path, 9)] == ["req_2", "req_3"]
        with queries.reading(path) as database:
            assert len(queries.recent(database)) == 4
            oldest = queries.receipt(database, "req_0")
            assert oldest is not None
            assert oldest.weighing is None
            assert oldest.climb is None
            assert oldest.attempts
