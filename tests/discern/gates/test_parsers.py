"""Every language has a real parser; what is not installed or too tangled is not judged."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.discern.gates.parsers import LANGUAGES, MOST_CODE, NotParsed, SyntaxFault, parse

GOOD = {
    "python": ["def f(x):\n    return '\\d'", "x: int = 1", "async def g():\n    await h()", ""],
    "json": ['{"a": [1, null]}', "3"],
    "yaml": ["a:\n  - b: 1\n  - *x\n", "key: |\n  text\n"],
    "toml": ['[a]\nb = "c"\n', ""],
    "sql": [
        "SELECT a, count(*) FROM t WHERE x = 1 GROUP BY a HAVING count(*) > 2;",
        "-- note\nCREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL);",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "INSERT INTO t (a) VALUES (1), (2);",
        "SELECT `a` FROM `t` LIMIT 3",
    ],
}
BAD = {
    "python": ["def f(:\n    pass", "print 'x'", "x = (1"],
    "json": ['{"a": 1,}', "{a: 1}", "'a'"],
    "yaml": ["a: [1\nb: 2", "a: b: c"],
    "toml": ["a = ", "[a\nb = 1"],
    "sql": ["SELECT FROM WHERE;", "SELECT * FORM t", "this is no statement", "SELECT (1"],
}


@pytest.mark.parametrize(("language", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_code_parses(language: str, text: str) -> None:
    parse(language, text)


@pytest.mark.parametrize(("language", "text"), [(name, text) for name, texts in BAD.items() for text in texts])
def test_what_is_no_code_does_not(language: str, text: str) -> None:
    with pytest.raises(SyntaxFault):
        parse(language, text)


HOSTILE = [
    ("python", "-" * 32_000 + "1"),
    ("python", "a." * 16_000 + "b"),
    ("python", "(" * 30_000),
    ("json", "[" * 30_000),
    ("sql", "SELECT " + "(" * 4_000),
    ("sql", "SELECT " + "not " * 1_500 + "1"),
    ("toml", "a." * 16_000 + "b = 1"),
    ("toml", "a = " + "[" * 20_000),
]


@pytest.mark.parametrize(("language", "text"), HOSTILE)
def test_tangled_code_is_given_up(language: str, text: str) -> None:
    with pytest.raises(NotParsed):
        parse(language, text)


def test_a_yaml_bomb_is_read_and_not_unfolded() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    parse("yaml", bomb)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(set(LANGUAGES.values()))), st.text(max_size=80))
def test_any_text_is_judged_or_not_but_breaks_nothing(language: str, text: str) -> None:
    try:
        parse(language, text)
    except (SyntaxFault, NotParsed):
        return


def test_too_long_is_not_judged() -> None:
    for language in set(LANGUAGES.values()):
        with pytest.raises(NotParsed, match="too long"):
            parse(language, "x" * (MOST_CODE + 1))


@pytest.mark.parametrize(("language", "module"), [("sql", "sqlglot")])
def test_a_missing_parser_is_said_and_nothing_is_made_up(language: str, module: str) -> None:
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from tenbin.discern.gates.code import code\n"
        "from tenbin.discern.gates.gate import Answer, Question\n"
        f"told = code(Question(), Answer(text='```{language}\\nSELECT 1\\n```'))\n"
        "print(told.score, told.evidence)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("None ")
    assert "tenbin[gates]" in ran.stdout
