"""Laws of requests, for every dialect and every pair of them: what one can say arrives in the other, and a body that
stays in its dialect arrives as it was.
"""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.codecs.registry import dialect
from tenbin.core.conversation import Conversation
from tenbin.core.target import DialectName
from tests.laws.answers import DIALECTS, target_of
from tests.laws.requests import QUIRKS, assert_same_facts, expressible, lost, through, write
from tests.laws.strategies import conversations, json_values, names

each_dialect = pytest.mark.parametrize("name", DIALECTS)
each_pair = pytest.mark.parametrize(("client", "provider"), [(a, b) for a in DIALECTS for b in DIALECTS])

in_each_pair = settings(max_examples=max(1, settings().max_examples // 5))
"""There are sixteen pairs, so that each gets fewer examples."""


def plain(conversation: Conversation) -> Any:
    """For comparing: raw JSON is compared by its bytes."""
    return msgspec.to_builtins(conversation, enc_hook=lambda value: bytes(value).decode())


@each_dialect
@given(conversation=conversations())
def test_what_a_dialect_can_say_is_read_as_it_was_written(name: DialectName, conversation: Conversation) -> None:
    said = through(name, expressible(name, conversation))
    assert plain(through(name, said)) == plain(said)


@each_dialect
@given(conversation=conversations())
def test_every_fact_arrives_but_those_declared_lost(name: DialectName, conversation: Conversation) -> None:
    said = expressible(name, conversation)
    assert_same_facts(said, through(name, said), lost(name))


@each_pair
@in_each_pair
@given(conversation=conversations())
def test_every_fact_arrives_in_translation(
    client: DialectName, provider: DialectName, conversation: Conversation
) -> None:
    said = through(client, expressible(client, conversation))
    kept = expressible(provider, said)
    assert_same_facts(kept, through(provider, kept), lost(client, provider))


@each_dialect
@given(conversation=conversations())
def test_the_head_agrees_with_the_whole(name: DialectName, conversation: Conversation) -> None:
    body = write(name, expressible(name, conversation))
    head, whole = dialect(name).read_head(body), dialect(name).read(body)
    assert (head.model, head.stream, head.max_tokens) == (whole.model, whole.stream, whole.max_tokens)
    assert ("tools" in head.needs) == bool(whole.tools)
    assert ("json_schema" in head.needs) == (
        whole.output_format is not None and whole.output_format.mode == "json_schema"
    )


@each_dialect
@given(
    conversation=conversations(),
    unknown=st.dictionaries(names.map(lambda key: f"x_{key}"), json_values, max_size=3),
    indent=st.sampled_from([None, 1]),
)
def test_a_body_that_stays_in_its_dialect_changes_in_few_fields(
    name: DialectName, conversation: Conversation, unknown: dict[str, Any], indent: int | None
) -> None:
    fields = {**json.loads(write(name, expressible(name, conversation))), **unknown, "model": "asked-for"}
    if name == "anthropic" and "thinking" in fields:
        for sampling in ("temperature", "top_p", "top_k"):
            fields.pop(sampling, None)  # Anthropic takes none with thinking: it is taken out where a model is replaced.
    body = json.dumps(fields, indent=indent).encode()
    target = target_of(name, quirks=QUIRKS[name])
    spliced = dialect(name).splice(body, dialect(name).read_head(body), target)
    after = json.loads(spliced)
    assert after.pop("model") == target.model
    fields.pop("model")
    added = {key: after.pop(key) for key in set(after) - set(fields)}
    assert set(added) <= {"stream_options"}
    assert after == fields
    assert list(after) == list(fields)
    if not added:
        assert spliced == body.replace(b'"asked-for"', b'"a-model"')
