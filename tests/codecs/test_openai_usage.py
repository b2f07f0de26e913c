"""Usage of OpenAI's dialects: gross on the wire, disjoint in core, and never a token lost on the way."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_usage import as_chat, as_responses, cost_in, from_stated
from tenbin.core.usage import NOTHING, Usage

counts = st.integers(0, 10**7)


@given(counts, counts, counts, counts, counts, counts)
def test_the_buckets_sum_to_the_total(
    prompt: int, output: int, cached: int, written: int, long: int, reasoning: int
) -> None:
    stated = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {
            "cached_tokens": cached,
            "cache_write_tokens": written,
            "cache_write_tokens_details": {"ttl_12h_tokens": long},
        },
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    usage = from_stated(stated)
    assert usage.prompt == prompt
    assert usage.output == output
    assert min(msgspec.structs.astuple(usage)) >= 0
    assert usage.reasoning <= usage.output


@st.composite
def usages(draw: Any) -> Usage:
    output = draw(counts)
    return Usage(
        input=draw(counts),
        cache_read=draw(counts),
        cache_write_5m=draw(counts),
        cache_write_1h=draw(counts),
        output=output,
        reasoning=draw(st.integers(0, output)),
    )


@given(usages())
def test_what_is_written_reads_the_same(usage: Usage) -> None:
    assert from_stated(as_responses(usage)) == usage
    # Chat tells one life of cache writes only.
    merged = msgspec.structs.replace(
        usage, cache_write_5m=usage.cache_write_5m + usage.cache_write_1h, cache_write_1h=0
    )
    assert from_stated(as_chat(usage)) == merged


@pytest.mark.parametrize(
    ("stated", "usage"),
    [
        (
            {"prompt_tokens": 10, "completion_tokens": 2, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2},
            (2, 8, 2, 0),
        ),
        ({"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2, "completion_tokens": 1}, (2, 8, 1, 0)),
        # xAI and Gemini: thinking stands beside the completion, in the total.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "total_tokens": 42,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            (10, 0, 32, 30),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 42}, (10, 0, 32, 30)),
        ({"prompt_tokens": 10, "completion_tokens": 2, "cached_tokens": 4}, (6, 4, 2, 0)),
        ({"prompt_tokens": 10, "total_tokens": 10}, (10, 0, 0, 0)),
        ({"input_tokens": 10, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 10}}, (0, 10, 3, 0)),
        ({"prompt_tokens": None, "completion_tokens": "5", "total_tokens": True}, (0, 0, 0, 0)),
        ({"prompt_tokens": -5, "completion_tokens": 2.0}, (0, 0, 2, 0)),
    ],
)
def test_every_providers_way_of_stating_it_is_read(stated: dict[str, Any], usage: tuple[int, int, int, int]) -> None:
    found = from_stated(stated)
    assert (found.input, found.cache_read, found.output, found.reasoning) == usage


def test_litellms_cache_writes_and_openrouters_searches_are_read() -> None:
    stated = {"prompt_tokens": 10, "completion_tokens": 1, "cache_creation_input_tokens": 3}
    assert from_stated({**stated, "server_tool_use": {"web_search_requests": 2}}) == Usage(
        input=7, cache_write_5m=3, output=1, web_searches=2
    )


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_nonsense_is_no_usage(value: Any) -> None:
    assert from_stated(value) == NOTHING


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        (b'{"usage":{"cost":0.1}}', "0.1"),
        (b'{"usage":{"cost":1.4e-05}}', "0.000014"),
        (b'{"usage":{"cost": 0.00014150000000000002 }}', "0.00014150000000000002"),
        (b'{"usage":{"cost":"0.25"}}', "0.25"),
        (b'{"response":{"usage":{"cost":2}}}', "2"),
        (b'{"usage":{"cost":null}}', None),
        (b'{"usage":{"cost":1e999999}}', None),
        (b'{"usage":{}}', None),
        (b'{"usage":5,"cost":1}', None),
        (b'nonsense "cost"', None),
    ],
)
def test_a_cost_never_goes_through_a_float(body: bytes, cost: str | None) -> None:
    assert cost_in(body) == cost
