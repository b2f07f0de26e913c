"""Any document becomes a tenbin.yaml that loads, or is refused with the place and the fix; never anything else."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenbin.config.findings import Findings, build
from tenbin.config.importing import ccr, litellm
from tenbin.config.importing.report import Imported
from tenbin.config.load import parse
from tenbin.config.problem import ConfigError, ConfigProblem
from tenbin.decide.resolve import policy

READERS = {"ccr": ccr.read, "litellm": litellm.read}

ODD = ["", " ", "a,b", "x/y", "deepseek,deepseek-chat", "gone,model", "${KEY}", "$KEY", "$$KEY", "os.environ/KEY", "${"]
ODD += [
    "$${A}",
    "os.environ/",
    "os.environ/A B",
    "line\nbreak",
    "\u2028",
    "é",
    "'",
    '"',
    "# no",
    ": ",
    "*",
    "anthropic/*",
]
ODD += [
    "*/x",
    "https://api.openai.com/v1",
    "http://localhost:11434/v1",
    "https://[",
    "ftp://x",
    "https://a b/",
    "0.0.0.0",
]
ODD += [
    "https://x.openai.azure.com/",
    "local",
    "sk-0123456789abcdef",
    "<your-key>",
    "1e400",
    "-1",
    "openai/gpt-5",
    "claude-x",
]
TEXTS = st.sampled_from(ODD) | st.text(max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
ANYTHING = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3), max_leaves=6
)


def mostly(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What belongs there, and now and then anything else."""
    return st.integers(0, 60).flatmap(lambda draw: ANYTHING if draw == 31 else value)


def block(needed: tuple[str, ...] = (), **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The keys that are needed and some of the others, with values that mostly fit."""
    known = {name: mostly(value) for name, value in fields.items()}
    optional = {name: value for name, value in known.items() if name not in needed}
    return st.fixed_dictionaries({name: known[name] for name in needed}, optional={**optional, "odd": ANYTHING})


def often(*values: str) -> st.SearchStrategy[Any]:
    """One of these, or now and then an odd text."""
    return st.integers(0, 20).flatmap(lambda draw: TEXTS if draw == 11 else st.sampled_from(values))


NAMES = st.sampled_from(["deepseek", "Open Router", "local", "anthropic", "a/b", "openai", "x"])
URLS = often(
    "https://api.openai.com/v1/chat/completions",
    "http://localhost:11434/v1/chat/completions",
    "https://x.openai.azure.com/",
    "https://relay.example/v1/messages",
    "https://generativelanguage.googleapis.com/v1beta/models/",
)
KEYS = often("$KEY", "${KEY}", "sk-0123456789abcdef", "os.environ/KEY", "none", "<your-key>")
MODELS = often("deepseek-chat", "m", "qwen/qwen3:8b")
USES = st.sampled_from(["deepseek", "Anthropic", "maxtoken", "tooluse", "gemini-cli", "gemini", "cleancache", "mine"])
USE = USES | st.tuples(USES, st.dictionaries(st.sampled_from(["max_tokens", "enable", "top_k"]), SCALARS)).map(list)
CCR = block(
    ("Providers", "Router"),
    Providers=st.lists(
        block(
            ("name", "api_base_url"),
            name=NAMES,
            api_base_url=URLS,
            api_key=KEYS,
            models=st.lists(MODELS, max_size=2),
            transformer=block(use=st.lists(USE, max_size=2), m=block(use=st.lists(USE, max_size=2))),
        ),
        max_size=3,
    ),
    Router=st.dictionaries(
        st.sampled_from(
            ["default", "background", "think", "longContext", "longContextThreshold", "webSearch", "image"]
        ),
        mostly(st.builds(lambda name, model: f"{name},{model}", NAMES, MODELS)),
        max_size=3,
    ),
    fallback=st.dictionaries(st.sampled_from(["default", "think"]), st.lists(TEXTS, max_size=2)),
    HOST=often("127.0.0.1", "0.0.0.0", "::1", "$HOST"),
    PORT=st.integers(1, 65535) | often("3456", "$PORT"),
    APIKEY=KEYS,
    API_TIMEOUT_MS=st.integers() | st.floats(),
)
MODEL_NAMES = st.sampled_from(["gpt", "claude", "anthropic/*", "*", "fo:*:x", "local", "a b"])
FALLBACKS = st.lists(st.dictionaries(MODEL_NAMES, st.lists(MODEL_NAMES | ANYTHING, max_size=2), max_size=2), max_size=2)
SETTINGS = block(
    fallbacks=FALLBACKS,
    context_window_fallbacks=FALLBACKS,
    default_fallbacks=st.lists(MODEL_NAMES, max_size=2),
    model_group_alias=st.dictionaries(
        TEXTS | MODEL_NAMES, MODEL_NAMES | st.dictionaries(st.just("model"), MODEL_NAMES)
    ),
    num_retries=st.integers(),
    timeout=st.floats(),
    allowed_fails=st.integers(),
    cooldown_time=st.floats(),
    disable_cooldowns=st.booleans(),
)
LITELLM = block(
    ("model_list",),
    model_list=st.lists(
        block(
            ("model_name", "litellm_params"),
            model_name=MODEL_NAMES,
            litellm_params=block(
                ("model",),
                model=often("openai/gpt-5", "azure/x", "gpt-5", "anthropic/*", "*", "ollama/q", "bedrock/x", "groq/q"),
                api_base=URLS,
                api_key=KEYS,
                organization=st.lists(TEXTS, max_size=2) | TEXTS,
                extra_headers=st.dictionaries(often("x-team", "authorization", "api-key"), KEYS, max_size=2),
                litellm_credential_name=TEXTS,
                input_cost_per_token=st.floats(0, 1) | st.just("3e-06"),
                output_cost_per_token=st.floats(0, 1),
                order=st.integers(),
            ),
            model_info=block(id=TEXTS, mode=TEXTS, max_input_tokens=st.integers(), max_output_tokens=st.integers()),
        ),
        max_size=3,
    ),
    router_settings=SETTINGS,
    litellm_settings=SETTINGS,
    general_settings=block(master_key=TEXTS, max_request_size_mb=st.floats(), completion_model=MODEL_NAMES),
    environment_variables=st.dictionaries(TEXTS, SCALARS, max_size=2),
)


def check(kind: str, text: str) -> Imported | None:
    """What an import may come to."""
    mistakes: tuple[ConfigProblem, ...] = ()
    imported = None
    try:
        imported = READERS[kind](text, "given")
    except ConfigError as error:
        mistakes = error.problems
    if imported is None:
        assert mistakes
        assert all(each.message and each.fix and each.line >= 1 and each.column >= 1 for each in mistakes)
        return None
    environ = dict.fromkeys(imported.variables, "https://host.example/v1")
    config = parse(imported.text, environ=environ)
    policy(build(config, Findings(), environ))
    for note in imported.notes:
        assert note.keys
        assert str(note)
    return imported


QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@QUICK
@given(CCR)
def test_documents_like_the_routers(document: Any) -> None:
    check("ccr", json.dumps(document))


@QUICK
@given(LITELLM)
def test_documents_like_the_proxys(document: Any) -> None:
    check("litellm", yaml.safe_dump(document, allow_unicode=True))


@pytest.mark.parametrize("kind", READERS)
@QUICK
@given(value=ANYTHING)
def test_any_value(kind: str, value: Any) -> None:
    check(kind, json.dumps(value))


@pytest.mark.parametrize("kind", READERS)
@QUICK
@given(text=st.text(alphabet=st.characters(codec="utf-8")) | st.text(alphabet="{}[]:,'\"/*\\u0x-+.1e \nab"))
def test_any_text(kind: str, text: str) -> None:
    check(kind, text)
