"""The code of an answer is parsed block by block."""

import pytest

from tenbin.discern.gates.asking import question_of_prompt
from tenbin.discern.gates.code import code
from tenbin.discern.gates.gate import Answer


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("```python\nx = 1\n```", 1.0),
        ("```python\nx = (\n```", 0.0),
        ("```python\nx = 1\n```\n```json\n{\n```", 0.5),
        ("```rust\nfn main() {\n```", None),
        ("```\nx = (\n```", None),
        ("no code", None),
        ("```python\n>>> x\n1\n```", None),
        ("```json\n{\n  // left out\n}\n```", None),
        ("```js\nconst a = b?.c;\n```\n```bash\nnpm run build && echo done\n```", 1.0),
        ("```javascript\nconst a = (;\n```", 0.0),
        ("```sh\nif true; then\n```", 0.0),
        ("```console\n$ ls\n```", None),
    ],
)
def test_the_share_of_blocks_that_parse(text: str, score: float | None) -> None:
    assert code(question_of_prompt("Show me."), Answer(text=text)).score == score


def test_a_block_without_a_tag_is_of_the_language_that_was_asked_for() -> None:
    asked = question_of_prompt("Write a Python function that adds.", "code_generation")
    assert code(asked, Answer(text="```\ndef f(:\n```")).score == 0.0
    assert code(asked, Answer(text="def f(x):\n    return x")).score == 1.0
    assert code(asked, Answer(text="You could add them.")).score is None
