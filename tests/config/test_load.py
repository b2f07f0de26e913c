"""Every mistake in a tenbin.yaml is told, at its place, with its fix; what is right comes out typed."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.load import load, not_taken_over, parse
from tenbin.config.model import Config, LedgerConfig, Limits, Timeouts
from tenbin.config.problem import ConfigError, ConfigProblem

MASTER_KEY = "0123456789abcdef"


def problems(text: str, **environ: str) -> list[ConfigProblem]:
    with pytest.raises(ConfigError) as caught:
        parse(text, environ=environ)
    return list(caught.value.problems)


def problem(text: str, **environ: str) -> ConfigProblem:
    found = problems(text, **environ)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "timeouts:\nproviders:\nmodels:\ndefault:\n"])
def test_nothing_is_a_configuration(text: str) -> None:
    assert parse(text, environ={}) == Config()


def test_everything_comes_out_typed() -> None:
    config = parse(
        """
listen: "[::1]:4100"
master_key: ${KEY}
providers:
  work:
    profile: anthropic
    api_key: ${WORK_KEY}
    headers: {x-team: red}
    models:
      claude-opus-5-5:
        context: 1000000
        price: {input: 4, output: 20, cache_read: 0.2}
        quirks: {tools: false}
models:
  fast: [work/claude-haiku-5-5, "ollama,qwen3:8b"]
  4.5: [work/x]
retries: {per_target: "${TRIES:-5}"}
ledger:
  sync_ms: ${SYNC}
discover: ${DISCOVER}
""",
        environ={"KEY": MASTER_KEY, "WORK_KEY": "12345", "SYNC": "50", "DISCOVER": "true"},
    )
    assert config.master_key == MASTER_KEY
    assert config.providers["work"].api_key == "12345"
    facts = config.providers["work"].models["claude-opus-5-5"]
    assert facts.context == 1_000_000
    assert facts.price is not None
    assert (facts.price.input, facts.price.cache_read) == (4.0, 0.2)
    assert config.models == {"fast": ["work/claude-haiku-5-5", "ollama,qwen3:8b"], "4.5": ["work/x"]}
    assert config.retries.per_target == 5
    assert config.ledger.sync_ms == 50
    assert config.discover is True


def test_digits_only_may_be_words() -> None:
    config = parse("master_key: 1234567890123456\nproviders: {a: {profile: openai, api_key: 0042}}", environ={})
    assert config.master_key == "1234567890123456"
    assert config.providers["a"].api_key == "0042"


def test_all_mistakes_are_told_at_once_in_the_order_of_the_text() -> None:
    found = problems(
        """
lisen: 127.0.0.1:4000
providers:
  openai:
    base_url: ftp://x
    api_key: ${NOPE}
  openai: {}
models:
  fast: [opena/x]
timeouts: {connect: ten}
"""
    )
    assert [(each.line, each.key) for each in found] == [
        (2, "lisen"),
        (5, "providers.openai.base_url"),
        (6, "providers.openai.api_key"),
        (7, "providers.openai"),
        (9, "models.fast[0]"),
        (10, "timeouts.connect"),
    ]


def test_a_mistake_reads_as_editors_and_people_expect() -> None:
    assert str(problem("\n\nlisen: 1")) == (
        "tenbin.yaml:3:1: lisen: lisen is not a key that Tenbin knows. Did you mean listen?"
    )


@pytest.mark.parametrize(
    ("text", "key", "says", "fix"),
    [
        ("providers: {a: {profile: opnai}}", "providers.a.profile", "'opnai' is not a profile", "openai"),
        ("providers: {a: {base_url: http://x}}", "providers.a.dialect", "neither what it speaks", "dialect:"),
        ("providers: {a: {dialect: openai_chat}}", "providers.a.base_url", "no base_url", "https://"),
        ("providers: {a: {profile: openai, dialect: openai_cat}}", "providers.a.dialect", "choices", "openai_chat"),
        ("providers: {a b: {profile: openai}}", 'providers["a b"]', "blank", "one plain word"),
        ("providers: {openai: {quirks: {toolz: 1}}}", "providers.openai.quirks.toolz", "not a quirk", "tools"),
        ("providers: {openai: {quirks: {tools: 1}}}", "providers.openai.quirks.tools", "expected `bool`", "True"),
        ("providers: {openai: {base_url: 'http://u:p@x'}}", "providers.openai.base_url", "password", "api_key"),
        ("providers: {openai: {base_url: 'http://x?a'}}", "providers.openai.base_url", "before `?`", "http://x"),
        ("providers: {openai: {base_url: 'http://x:99999'}}", "providers.openai.base_url", "URL", "https://"),
        ("providers: {openai: {api_key: 'a b'}}", "providers.openai.api_key", "blanks", "stray"),
        ("providers: {openai: {headers: {Host: c}}}", "providers.openai.headers.Host", "Tenbin writes", "Remove"),
        ("providers: {openai: {headers: {'a b': c}}}", 'providers.openai.headers["a b"]', "header's name", "letters"),
        ('providers: {openai: {headers: {a: "b\\r\\nc"}}}', "providers.openai.headers.a", "one line", ""),
        ("providers: [openai]", "providers", "block of keys, not a list", "name: value"),
        (
            "providers: {openai: {models: {m: {price: {input: 1}}}}}",
            "providers.openai.models.m.price.output",
            "",
            "Add",
        ),
        ("providers: {openai: {models: {m: {context: 0}}}}", "providers.openai.models.m.context", "small", "1"),
        ("models: {a: []}", "models.a", "no target", "provider/model"),
        ("models: {a: [x]}", "models.a[0]", "form", "anthropic/"),
        ("models: {a: [local/x, local/x]}", "models.a[1]", "twice", "retries"),
        ("models: {a: [anthropic/x]}", "models.a[0]", "no API key", "ANTHROPIC_API_KEY"),
        ("default: local/x", "default", "must be a list, not text", "[first"),
        ("default: [local/x]\nlocal_model: false", "default[0]", "switched off", "local_model"),
        ("default: [openai/x]\ndiscover: false", "default[0]", "no provider is named openai", "providers"),
        ("listen: 4000", "listen", "not an address", "127.0.0.1:4000"),
        ("listen: 127.0.0.1:70000", "listen", "not an address", "127.0.0.1:4000"),
        ("listen: 0.0.0.0:4000", "listen", "no master_key", "TENBIN_MASTER_KEY"),
        ("master_key: short", "master_key", "at least 16", "keys new"),
        ("keys: {bob: tb-plain}", "keys.bob", "not a key's hash", "keys hash"),
        (f"keys: {{master: 'sha256:{'0' * 64}'}}", "keys.master", "itself", "another"),
        ("retries: {per_target: 1.5}", "retries.per_target", "whole number", "without units"),
        ("retries: {per_target: -1}", "retries.per_target", "too small", "0"),
        ("timeouts: {idle: 0}", "timeouts.idle", "too small", "more than 0"),
        ("timeouts: {idle: .nan}", "timeouts.idle", "finite", ""),
        ("discover: maybe", "discover", "true or false", ""),
        ("listen: !secret x", "listen", "tags", ""),
        ("master_key: ${}", "master_key", "variable's name", "$${"),
        ("master_key: ${NOT_SET}", "master_key", "NOT_SET is not set", "export NOT_SET"),
        ("- a", "", "the file must be a block of keys, not a list", ""),
    ],
)
def test_each_mistake_names_its_key_and_its_fix(text: str, key: str, says: str, fix: str) -> None:
    found = problem(text)
    assert found.key == key
    assert says in found.message
    assert fix in found.fix


@pytest.mark.parametrize(
    ("text", "line", "says", "fix"),
    [
        ("a:\n\tb: 1\n\tc: 1\n", 2, "tab", "spaces"),
        ("listen: a: b", 1, "not YAML", "in quotes"),
        ("retries: {per_target: ${N}}", 1, "not YAML", '"${NAME}"'),
        ("a: [1", 2, "not YAML", "brackets"),
        ("a: 1\nb: \x07", 2, "not YAML", "Remove"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, line: int, says: str, fix: str) -> None:
    found = problems(text)[0]
    assert (found.line, found.key) == (line, "")
    assert says in found.message
    assert fix in found.fix


def test_every_tab_is_told() -> None:
    assert [each.line for each in problems("a:\n\tb: 1\n\tc: 1\n")] == [2, 3]


def test_references_are_filled_in_values_only() -> None:
    environ = {"URL": "https://x.test", "EMPTY": ""}
    config = parse(
        "providers: {a: {profile: openai, base_url: '${URL}/v1', api_key: '${EMPTY:-spare}', headers: {h: 'a$${b}'}}}",
        environ=environ,
    )
    assert config.providers["a"].base_url == "https://x.test/v1"
    assert config.providers["a"].api_key == "spare"
    assert config.providers["a"].headers == {"h": "a${b}"}
    assert list(parse("providers: {'${URL}': {profile: openai}}", environ=environ).providers) == ["${URL}"]


def test_no_secret_stands_in_an_error() -> None:
    secret = "very-secret-word"
    text = "providers: {openai: {api_key: '${K} x', base_url: '${K}'}}\nmaster_key: ${S}\nretries: {per_target: '${K}'}"
    shown = "\n".join(map(str, problems(text, K=secret, S="sesame")))
    assert secret not in shown
    assert "sesame" not in shown


def test_anchors_are_followed_but_not_without_end() -> None:
    text = "models: {a: &chain [local/x], b: *chain}"
    assert parse(text, environ={}).models == {"a": ["local/x"], "b": ["local/x"]}
    assert "too many" in str(problems("providers: &a [*a]")[0])
    bomb = "b0: &b0 [x, x]\n" + "".join(f"b{n}: &b{n} [*b{n - 1}, *b{n - 1}]\n" for n in range(1, 25))
    assert any("too many" in each.message for each in problems(bomb))


def test_a_file_that_cannot_be_read_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.yaml")
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"listen: 127.0.0.1:4000\n# \xe9\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.problems[0].line == 2
    path.write_bytes("\ufefflisten: 127.0.0.1:4001\n".encode())
    assert load(path).listen == "127.0.0.1:4001"


def problems_or_none(text: str) -> tuple[ConfigProblem, ...] | None:
    try:
        parse(text, environ={})
    except ConfigError as error:
        return error.problems or pytest.fail("an error without a reason")
    return None


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_a_configuration_or_has_mistakes(text: str) -> None:
    found = problems_or_none(text)
    assert found is None or all(each.line >= 1 and each.message and each.fix for each in found)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["openai/x", "${A}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*Config.__struct_fields__, "openai", "quirks", "models", "price", "input", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(Config.__struct_fields__), _VALUES, max_size=5))
def test_any_tree_of_values_is_a_configuration_or_has_mistakes(values: dict) -> None:
    text = yaml.safe_dump(values, allow_unicode=True)
    lines = text.count("\n") + 1
    assert all(1 <= each.line <= lines for each in problems_or_none(text) or ())


def test_what_a_running_gateway_does_not_take_over() -> None:
    former = Config()
    assert not_taken_over(former, Config(timeouts=Timeouts(connect=1), limits=Limits(body_bytes=1))) == []
    changed = Config(listen="127.0.0.1:1", limits=Limits(connections=1, header_bytes=9), ledger=LedgerConfig(sync_ms=1))
    assert not_taken_over(former, changed) == ["listen", "ledger", "limits.header_bytes", "limits.connections"]
