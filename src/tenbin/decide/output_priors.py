"""4. How long answers are, how much is thought before them and how conversations go on, before anything of one's own is
known. A dated table of public figures, November 2026; where there is none, it says that it is assumed.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from tenbin.core.features import TaskType
from tenbin.core.sketch import Thinking
from tenbin.decide.cache_rules import family_name

AS_OF = "2026-11-22"

TRACELAB = "TraceLab (University of Washington, arXiv 2606.30560): 4,265 Claude Code and Codex sessions, 357,161 calls"
LMSYS = "LMSYS-Chat-1M (arXiv 2309.11998), table 1: 214.5 tokens an answer, 2.0 turns a conversation"
SHABERI = "shisa-ai/shaberi (Tengu-Bench): six models' answers by category, a token for each Japanese character"
ASSUMED = "assumed"


class Length(NamedTuple):
    """Of answers, tokens without thinking."""

    mean: float
    p90: float
    share: float = 0.0
    """Of the prompt's tokens that come back (a translation is as long as its text); counts where it is more."""
    source: str = ASSUMED


TASKS: Mapping[TaskType, Length] = MappingProxyType(
    {
        "classification": Length(40, 120),
        "summarization": Length(390, 500, source=SHABERI),
        "translation": Length(210, 340, share=0.8, source=SHABERI),
        "comment_generation": Length(200, 450),
        "short_answer": Length(130, 300),
        "content_generation": Length(1_050, 2_350, source=SHABERI),
        "code_generation": Length(700, 1_600),
        "refactoring": Length(900, 2_200, share=0.5),
        "test_writing": Length(1_000, 2_400),
        "debugging": Length(600, 1_400),
        "planning": Length(1_430, 3_540, source=SHABERI),
        "contract_analysis": Length(470, 870, source=SHABERI),
        "creative_writing": Length(800, 1_800),
        "data_extraction": Length(260, 580, source=SHABERI),
        "chat": Length(215, 500, source=LMSYS),
        "mathematics": Length(470, 840, source=SHABERI),
        "reading_comprehension": Length(280, 440, source=SHABERI),
        "rewriting": Length(400, 640, share=0.8, source=SHABERI),
        "question_generation": Length(300, 600),
    }
)

# Mean 186.9 million tokens over 357,161 calls; medians 252 (Claude) and 184 (Codex); the 90th percentile is that of the
# log-normal with this mean and a median of 215. Most calls only ask for the next tool.
AGENT_STEP = Length(523, 1_180, source=TRACELAB)
BACKGROUND = Length(60, 200)
"""A title, a probe, a topic."""
COMPACTION = Length(3_000, 6_000)
"""A summary of one's own conversation."""

MOST_SHARED_BACK = 8_000
"""Tokens of an answer that repeats its prompt, at most."""

Thinks: TypeAlias = Literal["always", "unless told", "when asked", "never"]

THINKS: tuple[tuple[str, Thinks], ...] = (
    ("claude-opus-5-5", "always"),
    ("claude-fable", "always"),
    ("claude-mythos", "always"),
    ("claude-opus-5", "unless told"),
    ("claude-opus-4", "when asked"),
    ("claude-sonnet", "when asked"),
    ("claude-haiku", "when asked"),
    ("claude-3-7", "when asked"),
    ("claude-3", "never"),
    ("gpt-4", "never"),
    ("gpt-3", "never"),
    ("chatgpt-4", "never"),
    ("gpt-", "unless told"),
    ("o1", "always"),
    ("o3", "always"),
    ("o4", "always"),
    ("gemini-2-5-flash-lite", "when asked"),
    ("gemini-2", "unless told"),
    ("gemini-1", "never"),
    ("gemini-", "unless told"),
    ("grok-", "unless told"),
    ("kimi-k3", "unless told"),
    ("glm-", "unless told"),
    ("deepseek-", "when asked"),
    ("qwen", "when asked"),
)
"""Which models think, by the beginning of the name; the first that fits. Sources: the providers' model pages."""

# Tokens of thinking for each token of answer. Public figures are ratios between efforts (low about 70 % less than
# high, max several times high); the level itself is assumed.
EFFORT: Mapping[str, float] = MappingProxyType(
    {"none": 0.0, "minimal": 0.1, "low": 0.3, "medium": 0.6, "high": 1.0, "xhigh": 2.0, "max": 4.0}
)
USUAL_EFFORT = "medium"
USUAL_EFFORT_OF_CLAUDE = "high"
"""Where none is asked for. Sources: OpenAI's and Anthropic's references."""

HARD: Mapping[TaskType, float] = MappingProxyType(
    {
        "mathematics": 3.0,
        "planning": 1.5,
        "debugging": 1.5,
        "contract_analysis": 1.5,
        "classification": 1.5,
        "translation": 0.3,
        "summarization": 0.3,
        "rewriting": 0.3,
        "creative_writing": 0.5,
        "content_generation": 0.5,
        "chat": 0.5,
    }
)
"""How much more or less is thought over a kind of task, by the same effort; 1 where it is not listed. Assumed."""


@lru_cache(maxsize=4_096)
def thinking_ratio(model: str, effort: str, task: TaskType, asked: Thinking = "") -> float:
    """Tokens of thinking expected for each token of answer. An effort that was not asked for is the usual one, for
    models that think unasked or were asked to (``asked``, as in a sketch).
    """
    thinks, usual = _habits(model)
    if thinks == "never" or (thinks != "always" and asked == "off"):
        return 0.0
    if thinks == "when asked" and not effort and not asked:
        return 0.0
    level = EFFORT.get(effort or usual, EFFORT[usual])
    if thinks == "always":
        level = max(level, EFFORT["minimal"])
    return level * HARD.get(task, 1.0)


@lru_cache(maxsize=1_024)
def _habits(model: str) -> tuple[Thinks, str]:
    """When a model thinks, and its usual effort."""
    name = family_name(model)
    thinks: Thinks = next((thinks for beginning, thinks in THINKS if name.startswith(beginning)), "never")
    return thinks, USUAL_EFFORT_OF_CLAUDE if name.startswith("claude-") else USUAL_EFFORT


class Going(NamedTuple):
    """How conversations of one kind go on."""

    start: float
    """Requests still to come after the first one are this ..."""
    each: float
    """... and so many more for each that has been: what has lasted long lasts long."""
    most: float
    growth: float
    """Tokens by which the prompt grows from one request to the next."""
    by_tools: float
    """Share of requests that bring a tool's result, and so come within seconds."""
    returns: float
    """Chance that a request needs a stronger model than one that was switched to. Assumed: each second time a person
    speaks in an agent's conversation, every fifth time in a chat."""
    source: str


# A session has 16 calls at the median, 152 at the 90th and 1,236 at the 99th percentile. A Lomax distribution of shape
# 1.1 and scale 18 has 16, 130 and 1,181; its median rest after n calls is (n + 18) x (2^(1/1.1) - 1). The median, not
# the mean: the mean is made by the longest hundredth, and a switch that pays only there does not pay.
AGENT = Going(16.7, 0.88, 150, 1_700, 0.89, 0.055, TRACELAB)
# Two turns on average; growth: a question of 70 tokens and an answer.
CHAT = Going(1.0, 0.33, 20, 285, 0.0, 0.2, LMSYS)
ONCE = Going(0.1, 0.33, 20, 285, 0.0, 0.2, ASSUMED)
"""Of programs that ask for one thing at a time."""

ASKED_ONCE: frozenset[TaskType] = frozenset(
    {
        "classification",
        "summarization",
        "translation",
        "comment_generation",
        "short_answer",
        "contract_analysis",
        "data_extraction",
        "reading_comprehension",
        "question_generation",
    }
)


class Gap(NamedTuple):
    """Time between an answer's beginning and the next request: log-normal."""

    median_ms: float
    deviation: float
    """Of the natural logarithm."""


# Of people: median 1.4 minutes, 90th percentile 20.6 minutes; of tools: 0.3 and 13.6 seconds, after 5.7 seconds of
# answering, which counts too.
PEOPLE = Gap(84_000, 2.098)
TOOLS = Gap(8_000, 1.3)
"""Source of both: TRACELAB."""
