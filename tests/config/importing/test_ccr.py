"""claude-code-router's configuration in Tenbin's words: the documented examples load, and requests go where they went,
but for the rules that no longer fit, which are told.
"""

import json
from typing import Any

import pytest

from tenbin.codecs.registry import dialect
from tenbin.config.findings import Findings, build
from tenbin.config.importing.ccr import read
from tenbin.config.importing.report import Imported, Note
from tenbin.config.load import parse
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError, ConfigProblem
from tenbin.core.target import Target
from tenbin.decide.candidates import resolve
from tenbin.decide.categories import categorize
from tenbin.decide.hints import Hints
from tenbin.decide.policy import Policy
from tenbin.decide.resolve import policy
from tests.config.importing.examples import CCR, CCR_CAPITALS, CCR_SMALL

KEY = "0123456789abcdefghij"


def imported(text: str | dict[str, Any], **options: bool) -> Imported:
    return read(text if isinstance(text, str) else json.dumps(text), "config.json", **options)


def config_of(text: str | dict[str, Any]) -> Config:
    found = imported(text)
    return parse(found.text, environ=dict.fromkeys(found.variables, KEY))


def in_force(text: str | dict[str, Any]) -> Policy:
    return policy(build(config_of(text), Findings(), {}))


def note(found: Imported, key: str, kind: str = "lost") -> Note:
    notes = [note for note in found.notes if key in note.keys and note.kind == kind]
    assert len(notes) == 1, "\n".join(map(str, found.notes))
    return notes[0]


def problem(text: str | dict[str, Any]) -> ConfigProblem:
    with pytest.raises(ConfigError) as caught:
        imported(text)
    assert len(caught.value.problems) == 1, str(caught.value)
    return caught.value.problems[0]


def provider(**more: Any) -> dict[str, Any]:
    return {
        "name": "a",
        "api_base_url": "https://a.example/v1/chat/completions",
        "api_key": "$A_KEY",
        "models": ["m"],
        **more,
    }


@pytest.mark.parametrize("text", [CCR, CCR_SMALL, CCR_CAPITALS], ids=["all", "small", "capitals"])
def test_a_documented_example_loads(text: str) -> None:
    resolved = in_force(text)
    assert resolved.routing is not None
    assert "claude-opus-5-5" in resolved.routing.requested
    assert all(resolved.routing.categories.values())


class TestWhatIsCarriedOver:
    def test_where_it_listens_and_its_key(self) -> None:
        config = config_of(CCR)
        assert config.listen == "0.0.0.0:3456"
        assert config.master_key == KEY
        assert config.timeouts.first_byte == config.timeouts.total == 600.0
        assert config.discover is False

    def test_chains_begin_with_the_routers_target_and_go_on_with_its_fallback(self) -> None:
        config = config_of(CCR)
        chain = ["claude/claude-opus-5-5", "volcengine/deepseek-v3-250324", "openrouter/anthropic/claude-sonnet-5-5"]
        categories = config.routing.categories
        assert config.default == categories.default == categories.sub_agent == chain
        assert categories.background == ["ollama/qwen2.5-coder:latest"]
        assert categories.think == ["deepseek/deepseek-reasoner", "claude/claude-opus-5-5"]
        assert categories.long_context == ["openrouter/google/gemini-3.8-pro"]
        assert categories.web_search == ["claude/claude-sonnet-5-5"]
        assert categories.image == ["gemini/gemini-3.8-pro"]
        assert config.routing.long_context_tokens == 100_000
        assert config.routing.names == ["*"]

    def test_a_category_of_which_nothing_is_said_goes_where_default_does(self) -> None:
        categories = config_of(CCR_SMALL).routing.categories
        assert categories.think == categories.web_search == categories.background == ["openai/gpt-6.1-sol"]
        assert config_of(CCR_SMALL).routing.long_context_tokens == 60_000

    def test_the_threshold_and_the_port_have_its_defaults(self) -> None:
        assert config_of(CCR_SMALL).listen == "127.0.0.1:3456"
        assert config_of(CCR_CAPITALS).listen == "127.0.0.1:8080"

    def test_an_address_from_the_environment_has_a_default(self) -> None:
        text = imported({"HOST": "$HOST", "PORT": "${PORT}", "APIKEY": KEY, "Providers": [provider()]}).text
        assert parse(text, environ={"A_KEY": "k"}).listen == "127.0.0.1:3456"
        assert parse(text, environ={"A_KEY": "k", "HOST": "0.0.0.0", "PORT": "80"}).listen == "0.0.0.0:80"

    def test_without_a_usable_key_it_listens_on_loopback_only(self) -> None:
        found = imported({"HOST": "0.0.0.0", "APIKEY": "short", "Providers": [provider()]})
        assert parse(found.text, environ={"A_KEY": "k"}).listen == "127.0.0.1:3456"
        assert "at least 16 characters" in note(found, "APIKEY").message
        assert "127.0.0.1 only" in note(found, "HOST", "changed").message


class TestWhatIsNot:
    @pytest.mark.parametrize(
        "key", ["CUSTOM_ROUTER_PATH", "PROXY_URL", "REWRITE_SYSTEM_PROMPT", "transformers", "Providers[7]"]
    )
    def test_is_told_with_what_to_do(self, key: str) -> None:
        assert note(imported(CCR), key).fix

    @pytest.mark.parametrize("key", ["LOG", "LOG_LEVEL", "NON_INTERACTIVE_MODE", "forceUseImageAgent"])
    def test_or_that_it_is_not_needed(self, key: str) -> None:
        assert note(imported(CCR), key, "needless").message

    @pytest.mark.parametrize("rule", ["background", "think", "longContext", "webSearch", "image"])
    def test_a_rule_that_is_another_one_here_is_told(self, rule: str) -> None:
        assert note(imported(CCR), f"Router.{rule}", "changed").message

    def test_every_note_stands_in_the_file_too(self) -> None:
        found = imported(CCR)
        for each in found.notes:
            assert f"# - {each.keys[0]}" in found.text

    def test_a_key_that_nobody_knows(self) -> None:
        assert note(imported({"Providers": [], "Colour": 1}), "Colour").fix

    def test_a_fallback_to_a_provider_that_is_not_there(self) -> None:
        found = imported({"Providers": [provider()], "Router": {"default": "a,m"}, "fallback": {"default": ["gone,m"]}})
        assert "no provider is named gone" in note(found, "fallback.default[0]").message

    def test_the_target_of_a_provider_that_is_left_out(self) -> None:
        row = provider(transformer={"use": ["gemini-cli"]})
        found = imported({"Providers": [row], "Router": {"default": "a,m"}})
        assert [str(each.keys) for each in found.notes if each.kind == "lost"] == [
            "('Providers[0]',)",
            "('Router.default',)",
            "('Router.default',)",
        ]

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("https://a.example/v1/messages", False),
            ("https://openrouter.ai/api/v1/chat/completions", False),
            ("https://a.example/v1/chat/completions", True),
        ],
    )
    def test_that_a_provider_does_not_search_the_web(self, url: str, told: bool) -> None:
        found = imported({"Providers": [provider(api_base_url=url)], "Router": {"webSearch": "a,m"}})
        said = [each.message for each in found.notes if "Router.webSearch" in each.keys and each.kind == "changed"]
        assert any("does not run" in message for message in said) == told


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "key", "message", "fix"),
        [
            ("", "", "the file is empty", "Name the configuration file"),
            ("[]", "", "must be a block of keys, not a list", "examples"),
            ("{}", "", "there are no Providers", "Name claude-code-router's config.json"),
            ('{"Providers": {}}', "Providers", "must be a list", "Write [first, second]"),
            ('{"Providers": ["a"]}', "Providers[0]", "must be a block of keys, not text", "examples"),
            ('{"Providers": [{}]}', "Providers[0].name", "no name", "Add"),
            ('{"Providers": [{"name": "a"}]}', "Providers[0].api_base_url", "no api_base_url", "https://"),
            ('{"Providers": [], "Router": []}', "Router", "must be a block", "examples"),
            ('{"Providers": [], "PORT": 99999}', "PORT", "is not an address and a port", "127.0.0.1:4000"),
            ('{"Providers": [], "API_TIMEOUT_MS": "soon"}', "API_TIMEOUT_MS", "must be a number, not text", "Write"),
        ],
    )
    def test_a_document_that_makes_no_sense(self, text: str, key: str, message: str, fix: str) -> None:
        found = problem(text)
        assert found.key == key
        assert message in found.message
        assert fix in found.fix

    def test_a_provider_that_is_not_there(self) -> None:
        row = '{"name": "deepseek", "api_base_url": "https://x.example", "api_key": "k"}'
        text = f'{{"Providers": [{row}],\n "Router": {{"default": "deepsek,m"}}}}'
        found = problem(text)
        assert (found.line, found.key) == (2, "Router.default")
        assert "no provider is named deepsek" in found.message
        assert "Did you mean deepseek?" in found.fix

    def test_a_target_without_a_model(self) -> None:
        found = problem({"Providers": [provider()], "Router": {"think": "a"}})
        assert found.key == "Router.think"
        assert 'Write "provider,model"' in found.fix

    def test_an_address_that_is_none_is_told_at_its_own_key(self) -> None:
        found = problem({"Providers": [provider(api_base_url="a.example/v1")]})
        assert found.key == "Providers[0].api_base_url"
        assert "http://" in found.message

    def test_two_providers_of_one_name(self) -> None:
        assert problem({"Providers": [provider(), provider()]}).key == "Providers[1].name"

    def test_all_mistakes_are_told_at_once(self) -> None:
        with pytest.raises(ConfigError) as caught:
            imported({"Providers": [{}, provider(models=7)], "Router": {"default": "x"}})
        assert [each.key for each in caught.value.problems] == [
            "Providers[0].name",
            "Providers[1].models",
            "Router.default",
        ]


# Where requests go


def body(**more: Any) -> dict[str, Any]:
    """A turn of Claude Code: tools, and thinking that is always set."""
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in ("Bash", "Read", "Write")]
    turn = {"model": "claude-opus-5-5", "max_tokens": 128000, "stream": True, "thinking": {"type": "adaptive"}}
    turn |= {"messages": [{"role": "user", "content": "mend the tests"}], "tools": tools}
    return {key: value for key, value in {**turn, **more}.items() if value is not None}


def image() -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}


SEARCH = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]
LONG = [{"role": "user", "content": "word " * 120_000}]
SEEN = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, image()]}]
PLANNING = [
    {"type": "text", "text": "<system-reminder>\nPlan mode is active.\n</system-reminder>"},
    {"type": "text", "text": "plan how to mend the tests"},
]
TITLE: dict[str, Any] = {"tools": None, "thinking": None, "max_tokens": 512}


def old_rule(request: dict[str, Any], router: dict[str, str]) -> str:
    """The router's rules as its documentation has them, in its order (tokens: about four characters each)."""
    model = request["model"]
    if "," in model:
        return model.replace(",", "/", 1)
    name = "default"
    contents = request["messages"][-1]["content"]
    if len(json.dumps(request["messages"])) / 4 > 100_000:
        name = "longContext"
    elif "claude" in model and "haiku" in model:
        name = "background"
    elif any(tool.get("type", "").startswith("web_search") for tool in request.get("tools", [])):
        name = "webSearch"
    elif request.get("thinking"):
        name = "think"
    if isinstance(contents, list) and any(block["type"] == "image" for block in contents):
        name = "image"
    return router[name].replace(",", "/", 1)


def new_rule(request: dict[str, Any], resolved: Policy) -> str:
    """The first target that Tenbin would ask."""
    raw = json.dumps(request).encode()
    codec = dialect("anthropic")
    head, sketch = codec.read_head(raw), codec.sketch(raw)
    hints = Hints(user_agent="claude-cli/2.1.330 (external, cli)")
    chain = resolve(head.model, resolved)
    if chain.route == "provider":
        return chain.targets[0].name
    assert resolved.routing is not None
    assert head.model in resolved.routing.requested
    category, _ = categorize(sketch, hints, head, resolved.routing.settings.long_context_tokens)
    targets: tuple[Target, ...] = resolved.routing.categories[category]
    return targets[0].name


ROUTER: dict[str, str] = json.loads(CCR.partition('"Router": ')[2].partition("}")[0] + "}")

SAME = {
    "a plain question": body(thinking=None),
    "a plain question for any other model": body(model="gpt-5.4-nano", thinking=None),
    "a target by name": body(model="gemini,gemini-3.8-flash"),
    "a target by name with a slash in its model": body(model="openrouter,anthropic/claude-sonnet-5-5"),
    "a title for the small model": body(
        **TITLE, model="claude-haiku-5-5", messages=[{"role": "user", "content": "Write a title for this session: hi"}]
    ),
    "a long prompt": body(messages=LONG),
    "a web search": body(tools=SEARCH, thinking=None),
    "an image": body(messages=SEEN),
    "plan mode": body(messages=[{"role": "user", "content": PLANNING}]),
}
"""Requests that go where they went."""

OTHERWISE = {
    "thinking is set, as always": (body(), "think", "default"),
    "a person works with Haiku": (body(model="claude-haiku-5-5", thinking=None), "background", "default"),
    "web search among other tools": (body(tools=[*body()["tools"], *SEARCH], thinking=None), "webSearch", "default"),
}
"""Requests, where they went, and where they go: what the notes tell."""


@pytest.mark.parametrize("name", SAME)
def test_a_request_goes_where_it_went(name: str) -> None:
    assert new_rule(SAME[name], in_force(CCR)) == old_rule(SAME[name], ROUTER)


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_rule_that_is_wrong_today_is_not_kept(name: str) -> None:
    request, before, after = OTHERWISE[name]
    assert old_rule(request, ROUTER) == ROUTER[before].replace(",", "/", 1)
    assert new_rule(request, in_force(CCR)) == ROUTER[after].replace(",", "/", 1)
    assert note(imported(CCR), f"Router.{before}", "changed").message
