"""Mistakes in the `cache` block are told with the place and the fix."""

import pytest

from tenbin.config.load import parse
from tenbin.config.problem import ConfigError

HASH = "sha256:" + "0" * 64

MISTAKES = {
    "cache: {store: mongo}": ("cache.store", "no place for answers"),
    "cache: {store: 'http://a'}": ("cache.store", "no place for answers"),
    "cache: {semantic: {index: 'mysql://a'}}": ("cache.semantic.index", "no place for vectors"),
    "cache: {secret: short}": ("cache.secret", "at least 32 characters"),
    "cache: {teams: {a: [ann]}}": ("cache.teams.a[0]", "no key is named ann"),
    f"keys: {{ann: '{HASH}'}}\ncache: {{teams: {{a: [ann], b: [ann]}}}}": ("cache.teams.b[0]", "stands in the team a"),
    "cache: {rules: [{keys: [ann]}]}": ("cache.rules[0].keys[0]", "no key is named ann"),
    "cache: {exact: sometimes}": ("cache.exact", "not one of the choices"),
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.items())
def test_mistakes(text: str, told: tuple[str, str]) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text, environ={})
    (problem,) = raised.value.problems
    assert problem.key == told[0]
    assert told[1] in problem.message
    assert problem.fix


@pytest.mark.parametrize(
    "text",
    [
        "cache: {exact: serve, store: sqlite}",
        "cache: {store: 'redis://h:6379/0', semantic: {index: 'postgresql://h/d', mode: off}}",
        "cache: {exact: off, rules: [{keys: [local], semantic: shadow}]}",
        f"keys: {{ann: '{HASH}'}}\ncache: {{teams: {{a: [ann, local]}}}}",
    ],
)
def test_what_makes_sense_is_taken(text: str) -> None:
    parse(text, environ={})
