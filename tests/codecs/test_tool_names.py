"""Stand-ins for names and ids that a provider would refuse."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.tool_names import fitted, fitted_id, made_id, originals
from tenbin.core.conversation import Tool


@given(st.text(max_size=150))
def test_every_name_fits_and_stays_when_it_did(name: str) -> None:
    stand_in = fitted(name)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", stand_in)
    assert fitted(stand_in) == stand_in
    if re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
        assert stand_in == name


@given(st.lists(st.text(max_size=100), unique=True, max_size=5))
def test_a_stand_in_leads_back_to_its_name(names: list[str]) -> None:
    back = originals([Tool(name=name) for name in names])
    assert [back.get(fitted(name), fitted(name)) for name in names] == names


@given(st.text(max_size=100), st.integers(0, 64))
def test_ids_fit_their_limit(call_id: str, limit: int) -> None:
    fitting = fitted_id(call_id, limit)
    assert limit == 0 or len(fitting) <= limit
    assert fitted_id(call_id, limit) == fitting
    if limit == 0 or len(call_id) <= limit:
        assert fitting == call_id


def test_made_ids_differ_by_answer_and_position() -> None:
    assert len({made_id("a", 0), made_id("a", 1), made_id("b", 0)}) == 3
