"""Code blocks are found as Markdown has them."""

import pytest

from tenbin.discern.gates.code_blocks import code_blocks, without_code


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\n```python\nx = 1\n```\nb", [("python", "x = 1", True)]),
        ("```\nx\n```\n```js\ny\n```", [("", "x", True), ("js", "y", True)]),
        ("~~~yaml\na: 1\n~~~", [("yaml", "a: 1", True)]),
        ("````md\n```\ninner\n```\n````", [("md", "```\ninner\n```", True)]),
        ("```python\nx = 1", [("python", "x = 1", False)]),
        ("1. do\n   ```sh\n   ls\n     -l\n   ```", [("sh", "ls\n  -l", True)]),
        ("`inline` and ```three``` too", []),
    ],
)
def test_blocks(text: str, found: list[tuple[str, str, bool]]) -> None:
    assert [tuple(block) for block in code_blocks(text)] == found


def test_prose_is_what_is_left() -> None:
    assert without_code("say `x` now\n```\ncode\n```\nend") == "say   now\nend"
    assert without_code("plain") == "plain"
