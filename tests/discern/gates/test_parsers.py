"""Every language has a real parser; what is not installed or too tangled is not judged."""

import subprocess
import sys
from pathlib import Path

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
    "javascript": [
        "const a = b?.c ?? d;\nlet n = 1_000n; a ||= b;",
        "class A { #x = 1; static { this.z = 2 } get w() { return this.#x } }",
        "import x, { y as z } from 'm';\nexport default await z(x);",
        "const r = /(?<year>\\d{4})/su; const t = `a${r}b`;",
        "with (o) { let async = 1 }",
        "export const App = () => <div className='a'>{x}</div>;",
        "#!/usr/bin/env node\nfor await (const x of y) console.log(x)",
    ],
    "shell": [
        "#!/bin/sh\nset -e\nif [ -f a ]; then\n  cat a | grep -v '^#' > b 2>&1\nfi",
        'for i in $(seq 3); do echo "$i"; done\n[[ a == b* ]] && x=(1 2)',
        "cat <<EOF\nx $y (\nEOF",
        "case $1 in start) go & ;; *) exit 1 ;; esac",
        "diff <(sort a) <(sort b); echo $((1 + 2)) ${x:-y}",
    ],
}
BAD = {
    "python": ["def f(:\n    pass", "print 'x'", "x = (1"],
    "json": ['{"a": 1,}', "{a: 1}", "'a'"],
    "yaml": ["a: [1\nb: 2", "a: b: c"],
    "toml": ["a = ", "[a\nb = 1"],
    "sql": ["SELECT FROM WHERE;", "SELECT * FORM t", "this is no statement", "SELECT (1"],
    "javascript": [
        "function (",
        "let a = [1, 2",
        "if (x { y }",
        "const a;",
        "let a; let a;",
        "this is no code",
        "a = 'x",
    ],
    "shell": ["if true; then echo a", "echo 'a", "for i in 1 2; echo $i; done", "x=$(ls", "fi", "case a in"],
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
    ("javascript", "-" * 16_000 + "1"),
    ("javascript", "!" * 9_000 + "a"),
    ("javascript", "a=>" * 5_000 + "1"),
    ("javascript", "if(a)" * 3_000 + "b"),
    ("javascript", "`${" * 5_000),
    ("shell", "$(" * 8_000),
    ("shell", "((" * 8_000),
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


# fmt: off
JAVASCRIPT = (
    "(", ")", "{", "}", "[", "]", "=>", "async ", "class ", "`", "${", "/", "/*", "\n", "'", "\\u{", "1", "a", "?.",
    "<a>", "...", "yield ", "*", "let ", "for ", "in ", "=", "-", "#x", "(?<a>", "(a*)*",
)
SHELL = (
    "if ", "then ", "fi ", "for ", "in ", "do ", "done ", "case ", "esac ", "(", ")", "((", "[[ ", "{ ", "}", "$(",
    "${", "`", "'", '"', "<<E\n", "E\n", "\n", "|", "&", ";;", ">", "a", "b=", "\\", "f()", "! ", "time ", "<(", "\x01",
    "\ud800",
)
# fmt: on


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_pieces_of_a_language_in_any_order_break_nothing(data: st.DataObject) -> None:
    language, pieces = data.draw(st.sampled_from([("javascript", JAVASCRIPT), ("shell", SHELL)]))
    unit = "".join(data.draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=8)))
    try:
        parse(language, (unit * data.draw(st.sampled_from([1, 3, 300])))[:16_000])
    except (SyntaxFault, NotParsed):
        return


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("shell", "$ ls\na  b  (c)"),
        ("shell", "git clone <repository>\ncd <directory name>"),
        ("javascript", "return a + b;"),
        ("javascript", "function f() {\n  ...\n}"),
    ],
)
def test_what_is_meant_for_people_is_not_judged(language: str, text: str) -> None:
    with pytest.raises(NotParsed):
        parse(language, text)


def test_shell_is_read_and_never_run(tmp_path: Path) -> None:
    parse("shell", f"touch {tmp_path}/ran; $(touch {tmp_path}/ran); cat < {tmp_path}/none")
    parse("javascript", f"require('fs').writeFileSync('{tmp_path}/ran', '')")
    assert not list(tmp_path.iterdir())


def test_a_parser_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenbin.discern.gates.parsers.SHELL_SECONDS", 1e-6)
    with pytest.raises(NotParsed, match="gave up"):
        parse("shell", "echo a")


def test_too_long_is_not_judged() -> None:
    for language in set(LANGUAGES.values()):
        with pytest.raises(NotParsed, match="too long"):
            parse(language, "x" * (MOST_CODE + 1))


@pytest.mark.parametrize(("language", "module"), [("sql", "sqlglot"), ("js", "esprima"), ("sh", "importlib.metadata")])
def test_a_missing_parser_is_said_and_nothing_is_made_up(language: str, module: str) -> None:
    # That of shell is a program, found by its package's list of files.
    away = f"sys.modules[{module!r}] = None" if language != "sh" else "parsers.metadata.files = lambda name: None"
    code = (
        "import sys\n"
        "from tenbin.discern.gates import parsers\n"
        "from tenbin.discern.gates.code import code\n"
        "from tenbin.discern.gates.gate import Answer, Question\n"
        f"{away}\n"
        f"told = code(Question(), Answer(text='```{language}\\nSELECT 1\\n```'))\n"
        "print(told.score, told.evidence)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("None ")
    assert "tenbin[gates]" in ran.stdout
