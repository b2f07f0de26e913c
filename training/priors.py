"""What is written down rather than learned: how much a strong model gains on open-ended requests, by kind of task.

Common knowledge of how small language models fail: at code that must run, at arithmetic and at chains of reasoning, at
what must be exactly right in a long text; hardly at prose, small talk and rewording. Written before any result on an
open-ended benchmark was looked at, and not tuned on one.
"""

from typing import Final

from tenbin.core.features import TASK_TYPES, TaskType

STRONG_GAIN: Final[dict[TaskType, float]] = {
    "debugging": 1.0,
    "mathematics": 1.0,
    "code_generation": 0.9,
    "contract_analysis": 0.7,
    "refactoring": 0.7,
    "test_writing": 0.7,
    "planning": 0.55,
    "data_extraction": 0.5,
    "reading_comprehension": 0.45,
    "translation": 0.35,
    "classification": 0.3,
    "short_answer": 0.3,
    "question_generation": 0.25,
    "summarization": 0.25,
    "comment_generation": 0.25,
    "rewriting": 0.2,
    "content_generation": 0.2,
    "creative_writing": 0.15,
    "chat": 0.1,
}
"""0: a small model does as well; 1: the largest difference."""

EMPHASIS: Final[dict[str, float]] = {"group_hard": 0.03, "group_reason": 0.03, "group_quantity": 0.02}
"""What a standard deviation more words of these groups adds."""

GAIN_UNIT = 0.5
"""What the largest difference is in the measure of an exam's gain: a chance."""

LOW_SUFFICES: Final[dict[TaskType, float]] = {task: round(0.95 - 0.5 * STRONG_GAIN[task], 3) for task in TASK_TYPES}
"""Chance that a low-tier model of 2026 (a small local one, a provider's smallest) suffices, where no outcome is known."""
HIGH_SUFFICES: Final[dict[TaskType, float]] = {task: round(0.98 - 0.12 * STRONG_GAIN[task], 3) for task in TASK_TYPES}
"""The same of a high-tier model."""
