"""The tenbin.yaml that `init` writes is in order, whatever was found, and says what was found."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.findings import Findings, FoundKey, FoundModel, FoundServer, build
from tenbin.config.load import parse
from tenbin.config.model import Config
from tenbin.config.quirks import PROFILES
from tenbin.config.schema import sections
from tenbin.config.template import template

_KEYS = [FoundKey(name, profile.env[0]) for name, profile in PROFILES.items() if profile.env and name != "litellm"]
_MODELS = st.builds(
    FoundModel,
    st.text("abz019:.-_/ #'\"{}[],&*!|>%@`?", min_size=1, max_size=12).filter(lambda name: name.strip() == name),
    st.none() | st.integers(1, 10**7),
    st.booleans(),
)
_SERVERS = st.builds(
    FoundServer,
    st.just("ollama"),
    st.just("http://127.0.0.1:11434"),
    st.lists(_MODELS, max_size=4, unique_by=lambda model: model.name).map(tuple),
)
_FINDINGS = st.builds(
    Findings,
    keys=st.lists(st.sampled_from(_KEYS), unique=True).map(tuple),
    servers=st.lists(_SERVERS, max_size=1).map(tuple),
    embedded=st.booleans(),
)


@given(_FINDINGS)
def test_it_reads_back_and_routes_as_the_findings_alone_do(findings: Findings) -> None:
    environ = {key.variable: f"key-of-{key.provider}" for key in _KEYS}
    text = template(findings)
    written, alone = build(parse(text, environ=environ), findings, environ), build(Config(), findings, environ)
    assert written.default == alone.default
    assert written.models == alone.models
    assert set(written.providers) == set(alone.providers)
    assert {name: row.api_key for name, row in written.providers.items()} == {
        name: row.api_key for name, row in alone.providers.items()
    }
    assert "key-of-" not in text


def test_every_key_of_the_file_stands_in_it() -> None:
    text = template(Findings())
    for name in Config.__struct_fields__:
        assert f"\n{name}:" in text or f"\n# {name}:" in text


def test_what_is_a_comment_is_right_too() -> None:
    """Every key that stands there as a comment, taken out of it, is one that Tenbin knows, with a value that fits."""
    environ = {variable: "k" * 20 for profile in PROFILES.values() for variable in profile.env}
    names = {name for struct in sections().values() for name in struct.__struct_fields__} | PROFILES.keys()
    text, count = re.subn(rf"(?m)^( *)# ({'|'.join(names)}): ", r"\1\2: ", template(Findings()))
    config = parse(text.replace("[provider/model]", "[openai/x]"), environ=environ | {"TENBIN_MASTER_KEY": "k" * 20})
    assert count > len(PROFILES) + len(Config.__struct_fields__)
    assert set(config.providers) == set(PROFILES)
    assert (config.timeouts, config.limits, config.retries) == (Config().timeouts, Config().limits, Config().retries)
