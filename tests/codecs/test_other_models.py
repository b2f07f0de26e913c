"""Names of models that a provider would read beside the one that a request was judged by."""

import json
from typing import Any

import pytest

from tenbin.codecs.other_models import check_other_models
from tenbin.core.problems import Unreadable


def refused_at(body: dict[str, Any], query: bytes = b"") -> str | None:
    try:
        check_other_models(json.dumps({"model": "m", **body}).encode(), query)
    except Unreadable as unreadable:
        return unreadable.problem.param
    return None


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"models": ["x"]}, "models"),
        ({"fallbacks": [{"m": ["x"]}]}, "fallbacks"),
        ({"plugins": [{"id": "fusion", "model": "x"}]}, "plugins[0].model"),
        ({"plugins": [{"id": "web", "max_results": 3}]}, None),
        ({"tools": [{"name": "f"}, {"type": "image_generation", "model": "x"}]}, "tools[1].model"),
        ({"tools": [{"type": "openrouter:x", "parameters": {"models": ["x"]}}]}, "tools[0].parameters.models"),
        ({"tools": [{"type": "custom", "name": "f", "model": "x"}]}, "tools[0].model"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}]}, None),
        ({"tools": [{"name": "f", "input_schema": {"properties": {"model": {"enum": ["x"]}}}}]}, None),
        ({"tools": "models"}, None),
        ({"metadata": {"models": ["x"]}, "messages": [{"content": '"models": ["x"]'}]}, None),
        ({"models": [], "fallbacks": None, "preset": "", "extra_body": {}}, None),
    ],
)
def test_what_names_another_model_is_found_and_nothing_else(body: dict[str, Any], where: str | None) -> None:
    assert refused_at(body) == where


@pytest.mark.parametrize(
    ("query", "where"),
    [(b"model=x", "model"), (b"a=1&Models=x", "Models"), (b"%6dodel", "%6dodel"), (b"beta=true", None), (b"%ff", None)],
)
def test_an_address_is_read_as_a_server_reads_it(query: bytes, where: str | None) -> None:
    assert (refused_at({}, query) is None) == (where is None)
