"""4. How long an answer may be given again: by the kind of its task, else by words of the question, then by how often
it is asked for. English and Japanese.
"""

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from tenbin.config.caching import CacheLife
from tenbin.core.features import TaskType

Freshness: TypeAlias = Literal["static", "semi_static", "daily", "real_time"]
"""How fast an answer grows old."""

BY_TASK: Mapping[TaskType, Freshness] = {
    "classification": "static",
    "translation": "static",
    "data_extraction": "static",
    "mathematics": "static",
    "reading_comprehension": "static",
    "rewriting": "static",
    "summarization": "semi_static",
    "comment_generation": "semi_static",
    "code_generation": "semi_static",
    "refactoring": "semi_static",
    "test_writing": "semi_static",
    "contract_analysis": "semi_static",
    "question_generation": "semi_static",
}
"""Tasks whose answers depend on what the request itself holds. Of all others (chat, short answers, planning ...) the
question's words tell more than the kind of task."""

SURE = 0.5
"""Least chance of a task type that is gone by."""

HOUR_MS = 3_600_000
_NOW = re.compile(
    r"\b(?:today|tonight|yesterday|tomorrow|latest|current(?:ly)?|right now|nowadays|these days|at the moment|"
    r"this (?:morning|afternoon|evening|week|weekend|month|quarter|season|year)|"
    r"(?:last|next) (?:night|week|weekend|month|quarter|season|year|(?:mon|tues|wednes|thurs|fri|satur|sun)day)|"
    r"what(?:'s| is) the (?:time|date)|what (?:time|day|date) is it|who won|weather (?:in|for|like|forecast)|"
    r"(?:stock|share) prices?|price of (?:bitcoin|gold|oil)|trending|headlines|"
    r"breaking|up[- ]to[- ]date|recent(?:ly)?|now)\b"
    r"|今[日週月年夜朝晩]|本日|[昨明]日|[昨今]シーズン|昨[夜晩年]|[先来][週月]|[去来]年|明後日|一昨日|きょう[のは]|あした|"
    r"現在|現時点|最新|最近|いま(?!い)|今(?=[、はのすどで何後] ?|から|すぐ| |$)|さっき|先ほど|何時で|何曜日|天気|株価|"
    r"為替|直近|速報|リアルタイム|ただいま|ただ今",
    re.IGNORECASE,
)
_LASTING = re.compile(
    r"\b(?:definitions?|define|meaning of|what does [^?\n]{1,60} mean|basics?|overview|history|introduction to)\b"
    r"|定義|とは|基本|概要|歴史|意味",
    re.IGNORECASE,
)
_BY_HITS = ((10.0, 7 * 24), (1.0, 24), (0.1, 1))
"""(least hits an hour, hours of life), from the most wanted on; below them all, LEAST_SECONDS."""
LEAST_SECONDS = 300


def asks_about_now(text: str) -> bool:
    """Whether the words ask about something that is another tomorrow."""
    return _NOW.search(text) is not None


def freshness(text: str, task: TaskType | None = None, chance: float = 0.0) -> Freshness:
    """How fast the answer to these words grows old: by the task where that is told well enough, else by words."""
    if task is not None and chance >= SURE and task in BY_TASK:
        return BY_TASK[task]
    if asks_about_now(text):
        return "real_time"
    return "static" if _LASTING.search(text) else "daily"


def seconds(kind: Freshness, life: CacheLife) -> int:
    """How long an answer of this kind lives, seconds."""
    return {
        "static": life.static_seconds,
        "semi_static": life.semi_static_seconds,
        "daily": life.daily_seconds,
        "real_time": life.real_time_seconds,
    }[kind]


def seconds_by_hits(hits_per_hour: float) -> int:
    """How long an entry that is asked for so often lives on: 10 an hour and more 7 days, 1 and more 1 day, 0.1 and more
    1 hour, else 5 minutes.
    """
    for least, hours in _BY_HITS:
        if hits_per_hour >= least:
            return hours * 3_600
    return LEAST_SECONDS


def renewed_ms(kind: Freshness, life: CacheLife, *, created_ms: int, expires_ms: int, now_ms: int, hits: int) -> int:
    """When an entry that has just been hit for the ``hits``-th time ends, UTC ms.

    In its first hour nothing is known of how often it is asked for, and it keeps the life it was given. What is about
    now does not become truer by being asked for; and none outlives what does not change at all.
    """
    age_ms = now_ms - created_ms
    if not life.adaptive or kind == "real_time" or age_ms < HOUR_MS:
        return expires_ms
    wanted = now_ms + 1_000 * seconds_by_hits(hits * HOUR_MS / age_ms)
    return min(wanted, created_ms + 1_000 * max(life.static_seconds, seconds(kind, life)))


def jittered(ttl_seconds: int, life: CacheLife, draw: float) -> int:
    """The life in ms, shortened by chance (``draw`` in [0, 1)): what was stored together does not end together."""
    return max(1, round(1_000 * ttl_seconds * (1.0 - life.jitter * draw)))
