"""4. The category of a request by rules, from what its client really says; the first rule that holds decides.

The order and the signals behind it: docs/categories.md. That ``thinking`` is set, or that a model is called haiku, says
nothing by itself: Claude Code sets thinking in every turn, and people choose small models for their main work.
"""

import re

from tenbin.core.ask import Head
from tenbin.core.features import Category
from tenbin.core.sketch import Sketch, estimated_tokens
from tenbin.decide.hints import NONE, Hints
from tenbin.decide.names import family

PROBE_CHARACTERS = 100
"""A request for one token is a probe only when it is no longer than this: a classifier that answers by one token of a
long prompt is work."""

LONG_CONTEXT_TOKENS = 60_000
"""Default threshold of the category long_context (row B1; claude-code-router's default)."""


def categorize(
    sketch: Sketch, hints: Hints, head: Head, long_context_tokens: int = LONG_CONTEXT_TOKENS
) -> tuple[Category, str]:
    """The category, and which signal told it, for people."""
    if probe(sketch):
        return "background", "a probe: one token of a few words"
    if "web_search" in head.needs and "tools" not in head.needs:
        return "web_search", "the web-search server tool is its only tool"
    small = _small_call(sketch, hints, head)
    if small:
        return "background", small
    tokens = estimated_tokens(sketch)
    if tokens > long_context_tokens:
        return "long_context", f"about {tokens} prompt tokens, more than {long_context_tokens}"
    if sketch.recent_images:
        return "image", f"{sketch.recent_images} in the last turn"
    planning = _planning(sketch, hints)
    if planning:
        return "think", planning
    if sub_agent(sketch, hints):
        return "sub_agent", _which_agent(sketch, hints)
    much = _much_thought(sketch, hints, head)
    if much:
        return "think", much
    return "default", "nothing says otherwise"


def probe(sketch: Sketch) -> bool:
    """Whether a request only asks if the model is there: Claude Code's on ``/model`` (``max_tokens: 1``, "Hi"), health
    checks of gateways and IDEs. Asking for no token at all warms a cache, which is no probe.
    """
    return (
        sketch.max_tokens == 1
        and sketch.messages <= 2
        and not sketch.tools
        and not sketch.images
        and not sketch.structured
        and sketch.user_characters + len(sketch.system) <= PROBE_CHARACTERS
    )


def compaction(sketch: Sketch, hints: Hints = NONE) -> bool:
    """Whether it asks to summarise its own conversation so far, in place of which the summary will stand."""
    if hints.compaction or hints.request_class == "compaction":
        return True
    return sketch.messages > 2 and _says(_COMPACTION, _COMPACTION_WORDS, sketch.user[:1_500])


def agent(sketch: Sketch, hints: Hints = NONE) -> bool:
    """Whether a coding agent is at work: it comes with tools and goes on for many turns."""
    if not sketch.tools or sketch.tools == ("web_search",):
        return False
    if hints.claude_code or hints.agent_id or sketch.tool_results or sketch.in_tool_loop:
        return True
    known = sum(name.lower().replace("_", "") in _AGENT_TOOLS for name in sketch.tools)
    return known >= 2 or _AGENT_PROMPT.search(sketch.system) is not None


def _says(pattern: re.Pattern[str], words: tuple[str, ...], text: str) -> bool:
    """Whether a pattern is found in a text; one of the words must be there (in lower case), which is seen sooner."""
    lower = text.lower()
    for word in words:
        if word in lower:
            return pattern.search(text) is not None
    return False


def sub_agent(sketch: Sketch, hints: Hints) -> bool:
    """Whether a sub-agent is asking: by its id, by the class that Claude Code names, or by its pseudo-header."""
    return bool(hints.agent_id) or hints.request_class in ("subagent", "workflow") or sketch.sub_agent


_COMPACTION = re.compile(
    r"(?i:detailed summary of (?:the|this|our) conversation|summary of the RECENT portion of the conversation"
    r"|context checkpoint compaction|detailed prompt for continuing our conversation"
    r"|summari[sz]e (?:the|this|our) (?:entire |whole )?(?:conversation|chat|session|dialogue)(?: so far| above|[.:]|$)"
    r"|(?:compact|condense) (?:the|this|our) (?:conversation|chat|session)"
    r"|hand-?off summary)"
    r"|(?:これまで|ここまで|以上|上記|今まで)の(?:会話|対話|やり取り|やりとり|チャット|セッション)(?:の内容|の履歴)?(?:を|の)"
    r"(?:詳細に|詳しく|簡潔に)?(?:要約|圧縮|まとめ)"
    r"|(?:会話|対話|チャット|セッション)(?:全体|履歴)?を(?:引き継|圧縮)"
)
"""How Claude Code (2.1), Codex, opencode and people ask for it, in English and Japanese."""
_COMPACTION_WORDS: tuple[str, ...] = (
    "conversation",
    "chat",
    "session",
    "dialogue",
    "handoff",
    "hand-off",
    "compaction",
)
_COMPACTION_WORDS += ("会話", "対話", "やり取り", "やりとり", "チャット", "セッション")

_AGENT_TOOLS = frozenset(
    {
        "bash", "shell", "localshell", "execcommand", "read", "readfile", "write", "writefile", "edit", "multiedit",
        "applypatch", "replace", "strreplaceeditor", "strreplacebasededittool", "grep", "glob", "task", "agent",
        "todowrite", "updateplan", "executecommand", "replaceinfile", "runshellcommand", "listdirectory",
    }
)  # fmt: skip
"""Tools of Claude Code, Codex, opencode, Cline, Gemini CLI and Qwen Code, in lower case without underscores."""

_AGENT_PROMPT = re.compile(r"(?i)\bcoding agent|agentic coding|Claude Code|\bCodex CLI|software engineer(?:ing)? tasks")


# Small calls

_AUXILIARY = frozenset({"auxiliary"})
_SMALL_CLASSES = frozenset({"background-task", "summary-extraction", "followup-generation"})

_TITLE_FIELDS = frozenset({"title", "isNewTopic", "branch", "topic", "emoji", "slug", "tags", "follow_ups"})
"""Properties of answers that name or label a conversation."""

_LABEL = re.compile(
    r"(?i:\b(?:generate|create|write|come up with|suggest|provide)\b[^.\n]{0,60}"
    r"\b(?:title|kebab-case name|chat name|tags|follow-?up questions|session name|conversation name)\b"
    r"|\byou are a title generator\b|\bindicates a new conversation topic\b"
    r"|\b(?:title|name) (?:for|of) (?:this|the) (?:chat|conversation|session|thread)\b)"
    r"|(?:タイトル|題名|件名|会話名|セッション名|見出し)(?:だけ)?を[^。\n]{0,12}(?:生成|作成|作って|付け|つけ|考え|出力)"
    r"|(?:会話|チャット|スレッド|セッション)の(?:短い|簡潔な)?(?:タイトル|題名|名前)"
)
"""How chat clients and agents ask for a conversation's title, name, tags or follow-up questions."""
_LABEL_WORDS = ("title", "name", "tags", "follow", "topic", "タイトル", "題名", "件名", "見出し", "名")
_OF_A_CONVERSATION = re.compile(
    r"(?i:conversation|chat|session|thread|title generator)|会話|対話|チャット|やり取り|やりとり|スレッド|セッション"
)

_SMALL_ANSWER_TOKENS = 4_096
"""A title or a label is asked for with no more than this, where a limit is given by a chat client."""


def _small_call(sketch: Sketch, hints: Hints, head: Head) -> str:
    """Why it is a small call that a client makes by itself; empty when it is none. A compaction is none: it is long,
    it decides what the conversation remembers, and its prompt is warm where the conversation was.
    """
    if compaction(sketch, hints) or sub_agent(sketch, hints):
        return ""
    if hints.request_class in _AUXILIARY:
        return "the client calls it auxiliary"
    if hints.first_party_class in _SMALL_CLASSES:
        return f"the client calls it {hints.first_party_class}"
    if sketch.tools or sketch.images:
        return ""
    if sketch.structured_fields and _TITLE_FIELDS.issuperset(sketch.structured_fields):
        return f"only {' and '.join(sketch.structured_fields)} asked for, without tools"
    short = sketch.max_tokens is None or sketch.max_tokens <= _SMALL_ANSWER_TOKENS or hints.claude_code
    if short and sketch.user_turns <= 1 and (_labels(sketch.system) or _labels(sketch.user)):
        return "it asks for a title or label of a conversation"
    if hints.claude_code and not sketch.thinking and family(head.model).size == "small":
        return "a call to the small model without tools or thinking"
    return ""


def _labels(text: str) -> bool:
    """Whether an instruction at a text's head asks for a label of a conversation. A title for something else, or in the
    middle of a conversation, is the person's own wish.
    """
    return _says(_LABEL, _LABEL_WORDS, text[:800]) and _OF_A_CONVERSATION.search(text[:3_000]) is not None


# Much thinking

_MOST_EFFORT = frozenset({"xhigh", "max"})
_KEYWORD = re.compile(
    r"(?i:\bultrathink\b|(?<!\bI )(?<!\bwe )(?<!\byou )\bthink (?:really |very |super )?(?:harder|hard|deeply)\b)"
    r"|よく考えて|じっくり考えて|深く考えて|熟考"
)
_KEYWORD_WORDS = ("think", "考えて", "熟考")


def _planning(sketch: Sketch, hints: Hints) -> str:
    if sketch.plan_mode and not sub_agent(sketch, hints):
        return "plan mode is on"
    if hints.agent_type == "Plan":
        return "a sub-agent that makes a plan"
    return ""


def _much_thought(sketch: Sketch, hints: Hints, head: Head) -> str:
    """Why much thinking is asked for; empty when it is not.

    From Claude Code neither thinking (always set) nor the effort ``high`` (what it gives to all models that it does not
    know, and to older Claudes) is a choice of the person's; only with a Claude from 5 on, whose default is medium.
    """
    if sketch.effort in _MOST_EFFORT:
        return f"effort {sketch.effort}"
    if sketch.effort == "high" and (not hints.claude_code or _default_is_medium(head.model)):
        return "effort high"
    if sketch.thinking == "budget" and not hints.claude_code:
        return "extended thinking with a budget"
    if _says(_KEYWORD, _KEYWORD_WORDS, sketch.user[:1_000] + sketch.user[1_000:][-1_000:]):
        return "the person asks to think hard"
    return ""


def _default_is_medium(model: str) -> bool:
    known = family(model)
    return model.startswith("claude-") and known.version >= (5,)


def _which_agent(sketch: Sketch, hints: Hints) -> str:
    kind = f" of type {hints.agent_type}" if hints.agent_type else ""
    if hints.agent_id or hints.request_class:
        return f"a sub-agent{kind} is asking"
    return "the client's pseudo-header says that a sub-agent is asking"
