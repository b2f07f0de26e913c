"""What passes through stays byte for byte, but for what must change for the target."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.target import Target
from tests.codecs.anthropic_messages.targets import body, claude, local

_HEADER = '{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli;"}'
_REQUEST = (
    '{ "model":"haiku","max_tokens" : 100,\n "system":[' + _HEADER + ', {"type":"text","text":"You — are", '
    '"cache_control":{"type":"ephemeral"}} ],"messages":[{"role":"user","content":"\\"model\\":\\"haiku\\""}],'
    ' "unknown":[1.0,{"model":"haiku"}],"safeguards":[{"cwd":"/home/x"}],"thinking":{"type":"adaptive"}}\n'
).encode()


def _splice(request: bytes, target: Target) -> bytes:
    return ANTHROPIC.splice(request, ANTHROPIC.read_head(request), target)


def test_anthropic_itself_gets_the_same_bytes_but_for_the_model() -> None:
    assert _splice(_REQUEST, claude("haiku")) is _REQUEST
    assert _splice(_REQUEST, claude("claude-haiku-5-5")) == _REQUEST.replace(
        b'"model":"haiku","max', b'"model":"claude-haiku-5-5","max'
    )


def test_others_get_neither_safeguards_nor_billing_header() -> None:
    expected = (
        _REQUEST.replace(b'"model":"haiku","max', b'"model":"small","max')
        .replace(b',"safeguards":[{"cwd":"/home/x"}]', b"")
        .replace(_HEADER.encode() + b",", b"")
    )
    assert _splice(_REQUEST, local()) == expected


def test_a_billing_header_is_taken_out_wherever_it_stands() -> None:
    line = "x-anthropic-billing-header: a=b;"
    cases: list[tuple[Any, Any]] = [
        (line, None),
        (line + "\nBe brief.", "Be brief."),
        ("Be brief about x-anthropic-billing-header:", "Be brief about x-anthropic-billing-header:"),
        ([{"type": "text", "text": line}], None),
        ([{"type": "text", "text": line + "\n\nBe.", "x": 1}], [{"type": "text", "text": "Be.", "x": 1}]),
        ([{"type": "text", "text": "A " + line}], [{"type": "text", "text": "A " + line}]),
        ([], []),
    ]
    for system, expected in cases:
        spliced = json.loads(_splice(body(system=system), local()))
        assert spliced.get("system") == expected
        assert json.loads(_splice(body(system=system), claude("m")))["system"] == system


def test_words_that_only_mention_safeguards_are_left_alone() -> None:
    request = body(
        model="small", messages=[{"role": "user", "content": 'the "safeguards" x-anthropic-billing-header:'}]
    )
    assert _splice(request, local()) == request


def _turn(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


_OWN = {"type": "thinking", "thinking": "own", "signature": "Eq=="}
_OTHERS = {"type": "thinking", "thinking": "other", "signature": "tenbin:gpt-6-sol:"}
_OTHERS_REDACTED = {"type": "redacted_thinking", "data": "tenbin:gpt-6-sol:gAAAA"}
_WORDS = {"type": "text", "text": 'A "tenbin: b" \\ "tenbin:'}
_USER = {"role": "user", "content": "go on"}


def test_thinking_of_another_model_is_not_given_to_anthropic() -> None:
    messages = [_USER, _turn(_OTHERS, _WORDS, _OTHERS_REDACTED), _USER, _turn(_OWN, _WORDS), _turn(_OTHERS), _USER]
    request = body(model="m", messages=messages)
    left = json.loads(_splice(request, claude("m")))
    assert left == json.loads(request) | {"messages": [_USER, _turn(_WORDS), _USER, _turn(_OWN, _WORDS), _USER]}
    kept = {"model": "small", "messages": left["messages"]}
    assert json.loads(_splice(request, local())) == json.loads(request) | kept


def test_a_stand_in_is_given_its_own_thinking_and_no_other() -> None:
    """What bears no mark is of the model that was meant, or of the model's own time before it stood in."""
    own: dict[str, Any] = {"type": "thinking", "thinking": "mine", "signature": "tenbin:claude-haiku-5-5:Eq==", "x": 1}
    redacted: dict[str, Any] = {"type": "redacted_thinking", "data": "tenbin:claude-haiku-5-5:gA"}
    messages = [_USER, _turn(_OWN, own, redacted, _OTHERS, _WORDS), _USER, _turn(_OWN), _USER]
    request = body(model="claude-opus-5-5", messages=messages, thinking={"type": "adaptive"}, unknown=[1.0])
    stand_in = msgspec.structs.replace(claude("claude-haiku-5-5"), stand_in=True)
    unmarked = [own | {"signature": "Eq=="}, redacted | {"data": "gA"}]
    assert json.loads(_splice(request, stand_in)) == json.loads(request) | {
        "model": "claude-haiku-5-5",
        "messages": [_USER, _turn(*unmarked, _WORDS), _USER, _USER],
    }
    meant = json.loads(_splice(request, claude("claude-opus-5-5")))
    assert meant["messages"] == [_USER, _turn(_OWN, _WORDS), _USER, _turn(_OWN), _USER]
    again = json.loads(_splice(request, claude("claude-haiku-5-5")))
    assert again["messages"] == [_USER, _turn(_OWN, *unmarked, _WORDS), _USER, _turn(_OWN), _USER]


def test_a_budget_for_thinking_goes_with_the_thinking_of_a_tool_loop() -> None:
    call = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}
    stand_in = msgspec.structs.replace(claude("claude-haiku-4-5"), stand_in=True)
    thinking = {"type": "enabled", "budget_tokens": 2000}
    edits = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
    looped = body(
        max_tokens=9_000, messages=[_USER, _turn(_OWN, call), result], thinking=thinking, context_management=edits
    )
    left = json.loads(_splice(looped, stand_in))
    assert left["messages"] == [_USER, _turn(call), result]
    assert not {"thinking", "context_management"} & set(left)
    ended = body(max_tokens=9_000, messages=[_USER, _turn(_OWN, _WORDS), _USER], thinking=thinking)
    assert json.loads(_splice(ended, stand_in))["thinking"] == thinking


def test_thinking_that_nobody_signed_is_not_given_to_anthropic() -> None:
    unsigned = {"type": "thinking", "thinking": "hm", "signature": ""}
    request = body(messages=[_USER, _turn(unsigned, _WORDS), _USER])
    assert json.loads(_splice(request, claude("m")))["messages"] == [_USER, _turn(_WORDS), _USER]
    assert json.loads(_splice(request, local()))["messages"] == [_USER, _turn(unsigned, _WORDS), _USER]


@given(
    messages=st.lists(
        st.builds(_turn, st.sampled_from([_OWN, _OTHERS, _WORDS]), st.sampled_from([_OTHERS_REDACTED, _WORDS]))
        | st.just(_USER),
        max_size=5,
    ),
    indent=st.sampled_from([None, 1]),
)
def test_what_is_not_marked_keeps_its_bytes(messages: list[dict[str, Any]], indent: int | None) -> None:
    request = json.dumps({"model": "m", "max_tokens": 1, "messages": messages}, indent=indent).encode()
    spliced = _splice(request, claude("m"))
    kept = [
        {**message, "content": [block for block in message["content"] if block not in (_OTHERS, _OTHERS_REDACTED)]}
        if message["role"] == "assistant"
        else message
        for message in messages
    ]
    assert json.loads(spliced)["messages"] == [message for message in kept if message["content"]]
    if kept == messages:
        assert spliced == request


@given(data=st.binary(max_size=40), target=st.sampled_from([claude("x"), local()]))
def test_odd_blocks_are_left_to_the_provider(data: bytes, target: Target) -> None:
    odd: list[Any] = [5, None, "tenbin:", {"type": "thinking", "signature": 5, "x": "tenbin:"}, data.hex()]
    request = body(
        system=odd, safeguards=odd, messages=[*odd, {"role": "user", "content": odd}, {"content": "tenbin:"}]
    )
    spliced = json.loads(_splice(request, target))
    assert spliced["messages"] == json.loads(request)["messages"]
    assert spliced["system"] == odd
    assert msgspec.json.decode(_splice(request, target))["model"] == target.model
