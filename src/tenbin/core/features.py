"""5. What is known of a request when its target is chosen: its category by rules, its kind and difficulty as learned.

Numbers and words of fixed lists only, no text of the request: features may be stored.
"""

from typing import Literal, TypeAlias, get_args

import msgspec

from tenbin.core.sketch import Thinking

Category: TypeAlias = Literal["default", "background", "think", "long_context", "web_search", "image", "sub_agent"]

TaskType: TypeAlias = Literal[
    "classification",
    "summarization",
    "translation",
    "comment_generation",
    "short_answer",
    "content_generation",
    "code_generation",
    "refactoring",
    "test_writing",
    "debugging",
    "planning",
    "contract_analysis",
    "creative_writing",
    "data_extraction",
    "chat",
    "mathematics",
    "reading_comprehension",
    "rewriting",
    "question_generation",
]

Domain: TypeAlias = Literal[
    "biology",
    "business",
    "chemistry",
    "computer_science",
    "economics",
    "engineering",
    "health",
    "history",
    "law",
    "mathematics",
    "philosophy",
    "physics",
    "psychology",
    "other",
]

Language: TypeAlias = Literal["en", "ja", "other"]

Tier: TypeAlias = Literal["low", "medium", "high", "highest"]

CATEGORIES: tuple[Category, ...] = get_args(Category)
TASK_TYPES: tuple[TaskType, ...] = get_args(TaskType)
DOMAINS: tuple[Domain, ...] = get_args(Domain)
TIERS: tuple[Tier, ...] = get_args(Tier)
"""Weakest first."""


BACKGROUND_SUFFICES = (0.9, 0.95, 0.98, 0.99)
"""``Features.suffices`` of a small call that a client makes by itself, where nothing was learned of it. Assumed."""


class Complexity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was learned to read out of a request's words."""

    task: TaskType
    task_chance: float
    """How sure that is, 0..1."""
    domain: Domain
    domain_chance: float
    options: int = 0
    """Lettered options of a multiple-choice question; 0 when it is none."""
    language: Language
    suffices: tuple[float, float, float, float]
    """For each tier, weakest first: the chance 0..1 that a typical model of it answers well enough. Never falling."""
    model: str
    """Which learned model said so: its version."""
    judged: Tier | Literal[""] = ""
    """What a judge has said of it; ``suffices`` is with its word."""


class Features(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything about a request that a choice of target looks at."""

    category: Category = "default"
    category_reason: str = ""
    """Which signal told it, for people."""
    prompt_tokens: int = 0
    """Estimated."""
    max_tokens: int | None = None
    effort: str = ""
    thinking: Thinking = ""
    language: Language = "en"
    task: TaskType = "chat"
    task_chance: float = 0.0
    domain: Domain = "other"
    domain_chance: float = 0.0
    options: int = 0
    """Lettered options of a multiple-choice question; 0 when it is none."""
    suffices: tuple[float, float, float, float] = (0.5, 0.75, 0.9, 0.97)
    """See Complexity; these stand where nothing was learned (pure rules)."""
    learned: str = ""
    """Version of the learned model that was asked; empty when none was."""
    judged: Tier | Literal[""] = ""
    """What a judge said of this turn (the weakest tier that suffices); empty when none did."""
    turn: int = 1
    """Which turn of a person this is."""
    in_tool_loop: bool = False
    tools: int = 0
    agent: bool = False
    """Sent by a coding agent: it comes with tools and goes on for many turns."""
    compaction: bool = False
    """It asks to summarise its own conversation: what is warm now will not be used again."""
    service_tier: Literal["", "flex", "priority"] = ""
    """See Sketch."""
    cache_marks: int = 0
    cache_1h: bool = False
    model_turns: int = 0
    """Answers of the model that the request holds: which answer it is that comes next."""
    unmarked_share: float = 0.0
    short_share: float = 0.0
    """See Sketch."""
