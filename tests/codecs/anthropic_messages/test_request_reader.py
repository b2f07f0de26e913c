"""A whole request is read: everything that Claude Code sends today, and precise words for what is wrong."""

import json
from typing import Any

import msgspec
import pytest

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.conversation import (
    Document,
    Image,
    Opaque,
    OutputFormat,
    Sampling,
    ServerTool,
    Text,
    Thinking,
    Thought,
    ToolCall,
    ToolChoice,
    ToolReference,
    ToolResult,
    Turn,
)
from tenbin.core.problems import Unreadable
from tests.codecs.anthropic_messages.targets import body

_MARK = {"type": "ephemeral"}


def _parts(*blocks: dict[str, Any], role: str = "user") -> tuple[Any, ...]:
    return ANTHROPIC.read(body(messages=[{"role": role, "content": list(blocks)}])).turns[0].parts


def test_the_billing_header_and_what_is_for_anthropic_alone_are_not_carried_over() -> None:
    system = [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are Claude Code.", "cache_control": _MARK},
        {"type": "text", "text": "x-anthropic-billing-header: a;\nThe rest.", "cache_control": _MARK | {"ttl": "1h"}},
    ]
    request = body(system=system, safeguards=[{"cwd": "/home/x"}], context_management={"edits": []}, container="c")
    read = ANTHROPIC.read(request)
    assert read.system == (Text(text="You are Claude Code.", cache="5m"), Text(text="The rest.", cache="1h"))
    assert b"/home/x" not in msgspec.json.encode(read)
    assert ANTHROPIC.read(body(system="Be brief.")).system == (Text(text="Be brief."),)


def test_system_messages_in_the_middle_keep_their_place_and_effort() -> None:
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "Today is Sunday.", "output_config": {"effort": "high"}},
    ]
    assert ANTHROPIC.read(body(messages=messages)).turns == (
        Turn(role="user", parts=(Text(text="hi"),)),
        Turn(role="system", parts=(Text(text="Today is Sunday."),), effort="high"),
    )


def test_pictures_and_documents() -> None:
    base64 = {"type": "base64", "media_type": "image/png", "data": "iVBOR"}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBER"}
    plain = {"type": "text", "media_type": "text/plain", "data": "words"}
    inner = {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    file = {"type": "document", "source": {"type": "file", "file_id": "f1"}}
    assert _parts(
        {"type": "image", "source": base64},
        {"type": "image", "source": {"type": "url", "url": "https://e/x.png"}, "cache_control": _MARK},
        {"type": "document", "source": pdf, "title": "T"},
        {"type": "document", "source": plain},
        {"type": "document", "source": {"type": "url", "url": "https://e/x.pdf"}},
        {"type": "document", "source": inner},
        file,
    ) == (
        Image(media_type="image/png", data="iVBOR"),
        Image(url="https://e/x.png", cache="5m"),
        Document(media_type="application/pdf", data="JVBER", title="T"),
        Document(media_type="text/plain", text="words"),
        Document(url="https://e/x.pdf"),
        Document(media_type="text/plain", text="a\n\nb"),
        Opaque(dialect="anthropic", kind="document", value=file),
    )


def test_thinking_and_calls_keep_their_exact_words() -> None:
    request = (
        b'{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":['
        b'{"type":"thinking","thinking":"hm","signature":"Eq=="},{"type":"redacted_thinking","data":"op"},'
        b'{"type":"thinking","thinking":"old","signature":""},'
        b'{"type":"tool_use","id":"t1","name":"Read","input":{ "b": 1e2, "a": "\\u00e9" }}]}]}'
    )
    assert ANTHROPIC.read(request).turns[0].parts == (
        Thinking(text="hm", signature="Eq=="),
        Thinking(redacted="op"),
        Thinking(text="old"),
        ToolCall(id="t1", name="Read", arguments='{ "b": 1e2, "a": "\\u00e9" }'),
    )


def test_tool_results_in_all_forms_and_any_order() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}}
    assert _parts(
        {"type": "tool_result", "tool_use_id": "b", "content": "no such file", "is_error": True},
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "x"}, image]},
        {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "tool_reference", "tool_name": "Web"}]},
        {"type": "tool_result", "tool_use_id": "d", "is_error": None, "cache_control": _MARK},
    ) == (
        ToolResult(call_id="b", content=(Text(text="no such file"),), is_error=True),
        ToolResult(call_id="a", content=(Text(text="x"), Image(media_type="image/png", data="iVBOR"))),
        ToolResult(call_id="c", content=(ToolReference(tool_name="Web"),)),
        ToolResult(call_id="d", cache="5m"),
    )


def test_tools_deferred_placed_and_run_by_the_provider() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    read = ANTHROPIC.read(
        body(
            tools=[
                {"name": "Read", "description": "d", "input_schema": {"type": "object"}, "strict": True},
                {"name": "DeferredToolPlaceholder", "input_schema": {"type": "object"}},
                {"type": "custom", "name": "Later", "input_schema": {}, "defer_loading": True, "cache_control": _MARK},
                search,
            ],
            tool_choice={"type": "tool", "name": "Read", "disable_parallel_tool_use": True},
        )
    )
    assert [(tool.name, tool.strict, tool.deferred, tool.cache) for tool in read.tools] == [
        ("Read", True, False, None),
        ("Later", None, True, "5m"),
    ]
    assert json.loads(bytes(read.tools[0].schema)) == {"type": "object"}
    assert read.server_tools == (ServerTool(dialect="anthropic", kind="web_search_20250305", value=search),)
    assert read.tool_choice == ToolChoice(mode="tool", name="Read")
    assert read.parallel_tool_calls is False


@pytest.mark.parametrize(
    ("fields", "thought"),
    [
        ({}, None),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, Thought(mode="adaptive", show=False)),
        ({"thinking": {"type": "enabled", "budget_tokens": 31999}}, Thought(mode="on", budget=31999)),
        ({"thinking": {"type": "disabled"}}, Thought(mode="off")),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}},
            Thought(mode="adaptive", effort="xhigh"),
        ),
        ({"output_config": {"effort": "low"}}, Thought(mode="adaptive", effort="low", show=False)),
    ],
)
def test_thinking_that_is_asked_for(fields: dict[str, Any], thought: Thought | None) -> None:
    assert ANTHROPIC.read(body(**fields)).thought == thought


@pytest.mark.parametrize("field", ["output_config", "output_format"])
def test_structured_output_by_its_field_and_by_that_of_its_beta(field: str) -> None:
    format_: dict[str, Any] = {"type": "json_schema", "schema": {"type": "object"}}
    read = ANTHROPIC.read(body(**{field: {"format": format_} if field == "output_config" else format_}))
    assert isinstance(read.output_format, OutputFormat)
    assert json.loads(bytes(read.output_format.schema or b"")) == {"type": "object"}


def test_sampling_stops_and_the_rest() -> None:
    read = ANTHROPIC.read(
        body(temperature=0.5, top_p=0.9, top_k=4, stop_sequences=["\n"], service_tier="auto", metadata={"user_id": "u"})
    )
    assert read.sampling == Sampling(temperature=0.5, top_p=0.9, top_k=4)
    assert (read.stop, read.service_tier, read.user, read.max_tokens) == (("\n",), "auto", "u", 100)


def _content(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "x"}, {"role": role, "content": list(blocks)}]}


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"messages": []}, "messages", "holds no message"),
        ({"messages": ["hi"]}, "messages[0]", "must be an object, not a string"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "is missing"),
        ({"messages": [{"role": "tool", "content": ""}]}, "messages[0].role", 'Use "user"'),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "must be a string or a list"),
        (_content("x"), "messages[1].content[0]", "must be an object, not a string"),
        (_content({"text": "x"}), "messages[1].content[0].type", "is missing"),
        (_content({"type": "text"}), "messages[1].content[0].text", "is missing"),
        (_content({"type": "text", "text": 5}), "messages[1].content[0].text", "must be a string, not a whole number"),
        (
            _content({"type": "image", "source": {"type": "base64", "data": "x", "media_type": 5}}),
            "messages[1].content[0].source.media_type",
            "must be a string",
        ),
        (
            _content({"type": "image", "source": {"type": "base64", "data": "x"}}),
            "messages[1].content[0].source.media_type",
            "is missing",
        ),
        (_content({"type": "tool_use", "id": "1", "name": "x", "input": []}, role="assistant"),
         "messages[1].content[0].input", "must be an object"),
        (_content({"type": "tool_use", "id": "1", "name": "x", "input": {}}), "messages[1].content[0]",
         "only in messages of role assistant"),
        (_content({"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text"}]}),
         "messages[1].content[0].content[0].text", "is missing"),
        ({"system": [{"type": "image", "source": {"type": "url", "url": "u"}}]}, "system[0]", "not a text block"),
        ({"system": 5}, "system", "must be a string or a list of blocks"),
        ({"tools": [{"name": "x"}]}, "tools[0].input_schema", "JSON Schema object"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name", "is missing"),
        ({"tools": {}}, "tools", "must be a list, not an object"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type", '"auto", "any"'),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name", "is missing"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens", "positive number"),
        ({"thinking": {"type": "hard"}}, "thinking.type", "adaptive"),
        ({"thinking": "hard"}, "thinking", "must be an object, not a string"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type", "json_schema"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema", "JSON Schema object"),
        ({"temperature": "hot"}, "temperature", "must be a number, not a string"),
        ({"stop_sequences": [5]}, "stop_sequences[0]", "must be a string"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_path(fields: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        ANTHROPIC.read(body(**fields))
    assert caught.value.problem.param == param
    assert caught.value.problem.message.startswith(f"{param}: ")
    assert words in caught.value.problem.message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"type":"document","source":{"type":"content","content":[', "]}}"),
        ('{"type":"tool_result","tool_use_id":"t","content":[', "]}"),
        ('{"type":"search_result","content":[', "]}"),
    ],
)
def test_blocks_nested_without_end_cost_no_more_than_their_bytes(before: str, after: str) -> None:
    for depth in (1, 10, 200, 5_000):
        nested = before * depth + '{"type":"text","text":"x"}' + after * depth
        request = '{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[' + nested + "]}]}"
        try:
            part = ANTHROPIC.read(request.encode()).turns[0].parts[0]
        except Unreadable:
            continue
        assert depth == 1 or isinstance(part, Opaque)
