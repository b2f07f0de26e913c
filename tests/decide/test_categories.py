"""The category of a request: of a real Claude Code's, of other clients', and where older routers go wrong."""

from typing import Any

import msgspec
import pytest

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.core.sketch import Sketch
from tenbin.decide.categories import agent, categorize, compaction
from tenbin.decide.hints import NONE, Hints, hints
from tests.codecs.recorded import recorded

CLAUDE_CODE = Hints(user_agent="claude-cli/2.1.330 (external, cli)", betas="claude-code-20250219")
ADAPTIVE = {"type": "adaptive", "display": "omitted"}
BASH = {"name": "Bash", "input_schema": {"type": "object"}}
PIXEL = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def body(*contents: Any, **fields: Any) -> bytes:
    """A Messages request: contents of user and assistant in turn."""
    messages = [{"role": ("user", "assistant")[at % 2], "content": content} for at, content in enumerate(contents)]
    return msgspec.json.encode({"model": "auto", "max_tokens": 32_000, "messages": messages, **fields})


def category(request: bytes, given: Hints = NONE, **settings: int) -> str:
    return categorize(ANTHROPIC.sketch(request), given, ANTHROPIC.read_head(request), **settings)[0]


REAL = {
    "main": "default",
    "main_unknown_model": "default",
    "main_older_claude": "default",
    "main_haiku": "default",
    "tool_loop": "default",
    "task_notification": "default",
    "after_web_search": "default",
    "compaction": "default",
    "plan_mode": "think",
    "effort_high": "think",
    "ultrathink": "think",
    "sub_agent": "sub_agent",
    "sub_agent_with_tag": "sub_agent",
    "web_search": "web_search",
    "title": "background",
    "probe": "background",
}


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("labelled", [True, False])
def test_what_a_real_claude_code_sends(name: str, labelled: bool) -> None:
    request = recorded(name) if labelled else recorded(name).without_hints()
    given, sketch = hints(request.headers), ANTHROPIC.sketch(request.body)
    assert categorize(sketch, given, ANTHROPIC.read_head(request.body))[0] == REAL[name]
    assert compaction(sketch, given) == (name == "compaction")
    assert agent(sketch, given) == (name not in ("web_search", "title", "probe"))


class TestOlderRoutersWereWrong:
    """Rules of other routers that do not hold for what clients send today."""

    def test_thinking_is_set_in_every_turn_and_says_nothing(self) -> None:
        assert category(body("Say hi", thinking=ADAPTIVE, tools=[BASH]), CLAUDE_CODE) == "default"
        budget = {"type": "enabled", "budget_tokens": 31_999}
        assert category(body("Say hi", thinking=budget, tools=[BASH]), CLAUDE_CODE) == "default"

    def test_a_model_called_haiku_may_be_the_one_chosen_for_the_main_work(self) -> None:
        turn = body("Fix the bug", model="claude-haiku-5-5", thinking=ADAPTIVE, tools=[BASH])
        assert category(turn, CLAUDE_CODE) == "default"
        assert category(body("Translate this", model="claude-3-5-haiku-latest")) == "default"

    def test_a_web_search_tool_among_others_does_not_make_a_search(self) -> None:
        search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
        assert category(body("Fix the bug", tools=[search, BASH])) == "default"
        assert category(body("Perform a web search for the query: weather", tools=[search])) == "web_search"

    def test_effort_high_is_claude_codes_default_for_names_that_it_does_not_know(self) -> None:
        high = {"output_config": {"effort": "high"}, "tools": [BASH]}
        assert category(body("Say hi", **high), CLAUDE_CODE) == "default"
        assert category(body("Say hi", model="claude-opus-4-5", **high), CLAUDE_CODE) == "default"
        assert category(body("Say hi", model="claude-opus-5-5", **high), CLAUDE_CODE) == "think"
        assert category(body("Say hi", **high)) == "think"

    def test_one_token_of_a_long_prompt_is_work_and_no_probe(self) -> None:
        assert category(body("Hi", max_tokens=1)) == "background"
        assert category(body("Answer A or B only. " + "A review of a film. " * 40, max_tokens=1)) == "default"

    def test_a_prompt_that_only_quotes_plan_mode_is_not_in_it(self) -> None:
        assert category(body("What does 'Plan mode is active' mean?", tools=[BASH])) == "default"
        result = [{"type": "tool_result", "tool_use_id": "t", "content": "Plan mode is active"}]
        assert category(body("Read it", "Reading.", result, tools=[BASH])) == "default"

    def test_an_image_far_back_does_not_make_every_later_turn_one(self) -> None:
        first = [PIXEL, {"type": "text", "text": "What is it?"}]
        assert category(body(first)) == "image"
        assert category(body(first, "A pixel.", "Thanks. Now write a poem.")) == "default"
        shot = [{"type": "tool_result", "tool_use_id": "t", "content": [PIXEL]}]
        assert category(body("Look at the screen", "Looking.", shot, tools=[BASH])) == "image"

    def test_a_sub_agents_own_effort_is_inherited_and_no_wish(self) -> None:
        high = body("Find it", model="claude-opus-5-5", output_config={"effort": "high"}, tools=[BASH])
        assert category(high, Hints(agent_id="a1", request_class="subagent", betas="claude-code-1")) == "sub_agent"

    def test_compaction_is_no_small_call(self) -> None:
        """Its prompt is long and warm where the conversation was, and it decides what is remembered."""
        turns = body("Do it", "Done.", "Your task is to create a detailed summary of the conversation so far.")
        assert category(turns, CLAUDE_CODE) == "default"


TITLE = {"type": "json_schema", "schema": {"type": "object", "properties": {"title": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("request_body", "given"),
    [
        (body("Fix the login", output_config={"format": TITLE}), CLAUDE_CODE),
        (body("Fix the login", output_config={"format": TITLE}), NONE),
        (body("x", system="Generate a short kebab-case name that captures this conversation."), CLAUDE_CODE),
        (body("x", system="You are a title generator. You output ONLY a thread title.", max_tokens=1_500), NONE),
        (body("### Task:\nGenerate a concise, 3-5 word title summarizing the chat history.", max_tokens=1_000), NONE),
        (body("### Task:\nSuggest 3-5 relevant follow-up questions for this conversation", max_tokens=1_000), NONE),
        (body("次の会話の短いタイトルを生成してください。\nUser: こんにちは", max_tokens=100), NONE),
        (body("以下のチャットに20文字以内の件名を付けてください。", max_tokens=50), NONE),
        (body("bash: done", tools=[BASH]), Hints(request_class="auxiliary")),
        (body("bash: done"), Hints(first_party_class="summary-extraction", request_class="main")),
        (body("What next?", tools=[BASH]), Hints(first_party_class="followup-generation")),
        (body("quota", model="claude-haiku-5-5", max_tokens=512), CLAUDE_CODE),
    ],
)
def test_small_calls_that_a_client_makes_by_itself(request_body: bytes, given: Hints) -> None:
    assert category(request_body, given) == "background"


@pytest.mark.parametrize(
    "words",
    [
        "Suggest a title for my novel about a lighthouse.",
        "Summarise the attached report in three sentences.",
        "小説のタイトルを考えてください。",
        "次の文章を要約してください。",
        "Write a function that returns the user's name and tags.",
    ],
)
def test_a_persons_own_wish_is_no_small_call(words: str) -> None:
    assert category(body(words)) == "default"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Your task is to create a detailed summary of the conversation so far, paying close attention to", True),
        ("You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary for another LLM", True),
        ("Provide a detailed prompt for continuing our conversation above.", True),
        ("Summarize the conversation so far", True),
        ("これまでの会話を要約してください。", True),
        ("ここまでのやり取りの内容を詳しくまとめてください。", True),
        ("会話履歴を圧縮してください", True),
        ("Summarise this article", False),
        ("この論文を要約してください。", False),
        ("Write code that stores the conversation in a session", False),
    ],
)
def test_compaction_is_known_by_its_words(words: str, expected: bool) -> None:
    assert compaction(ANTHROPIC.sketch(body("Do it", "Done.", words))) is expected


def test_nothing_said_so_far_can_be_compacted() -> None:
    assert not compaction(ANTHROPIC.sketch(body("Summarize the conversation so far: A: hi. B: hello.")))


def test_a_long_prompt_is_long_whoever_asks() -> None:
    request = body("word " * 60_000)
    assert category(request) == "long_context"
    assert category(request, Hints(agent_id="a")) == "long_context"
    assert category(request, long_context_tokens=80_000) == "default"
    assert category(body([PIXEL, {"type": "text", "text": "word " * 60_000}])) == "long_context"


def test_plan_mode_ends_when_the_client_says_so() -> None:
    on = {"role": "system", "content": "Plan mode is active. The user indicated"}
    off = {"role": "system", "content": "You have exited plan mode. You can now make edits"}
    turns = [{"role": "user", "content": "Go"}, on, {"role": "assistant", "content": "A plan."}]
    assert category(msgspec.json.encode({"model": "auto", "max_tokens": 9, "messages": turns})) == "think"
    turns += [{"role": "user", "content": "Yes"}, off]
    assert category(msgspec.json.encode({"model": "auto", "max_tokens": 9, "messages": turns})) == "default"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"output_config": {"effort": "max"}}, "Hi"),
        ({"output_config": {"effort": "xhigh"}}, "Hi"),
        ({"thinking": {"type": "enabled", "budget_tokens": 8_000}}, "Hi"),
        ({}, "ultrathink: fix it"),
        ({}, "Please think hard about this proof."),
        ({}, "この証明についてじっくり考えてください。"),
    ],
)
def test_much_thinking_is_asked_for(fields: dict[str, Any], words: str) -> None:
    assert category(body(words, **fields)) == "think"


@pytest.mark.parametrize("words", ["I think hard work pays off, rewrite that", "よく眠るにはどうすればいいですか"])
def test_thinking_that_is_only_spoken_of(words: str) -> None:
    assert category(body(words)) == "default"


def test_a_sub_agent_that_plans_thinks() -> None:
    assert category(body("Plan it", tools=[BASH]), Hints(agent_id="a", agent_type="Plan")) == "think"


def test_an_agent_is_told_by_its_tools_its_prompt_or_its_client() -> None:
    def asked(*tools: str, system: str = "", **more: Any) -> Sketch:
        listed = [{"type": "function", "function": {"name": name}} for name in tools]
        messages = [{"role": "system", "content": system}, {"role": "user", "content": "Hi"}]
        return OPENAI_CHAT.sketch(msgspec.json.encode({"model": "m", "messages": messages, "tools": listed, **more}))

    assert agent(asked("shell", "apply_patch"))
    assert agent(asked("run", system="You are a coding agent running in a terminal."))
    assert not agent(asked("get_weather"))
    assert not agent(asked(system="You are a coding agent."))
    assert agent(asked("get_weather"), CLAUDE_CODE)
