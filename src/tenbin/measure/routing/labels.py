"""What the labels of published tables mean in the words of core.features.

Labels that mean nothing certain are left out.
"""

import re
from collections.abc import Mapping

from tenbin.core.features import DOMAINS, TASK_TYPES, Domain, TaskType
from tenbin.discern.labels import DOMAIN_LABELS, TASK_LABELS

OTHER_TASKS: Mapping[str, TaskType] = {
    "coding": "code_generation",
    "code": "code_generation",
    "contract_review": "contract_analysis",
    "debug": "debugging",
    "extraction": "data_extraction",
    "information_extraction": "data_extraction",
    "maths": "mathematics",
    "paraphrasing": "rewriting",
    "refactor": "refactoring",
    "rewrite": "rewriting",
    "summarisation": "summarization",
    "summary": "summarization",
    "test": "test_writing",
}
"""What others than the collections of ``discern.labels`` call a task, lower case and with underscores. Labels that
gather many kinds of tasks (``generic``, ``writing``) are nobody's, and their rows are not counted."""

OTHER_DOMAINS: Mapping[str, Domain] = {
    "accounting": "business",
    "finance": "business",
    "legal": "law",
    "maths": "mathematics",
    "medicine": "health",
    "medical": "health",
    "programming": "computer_science",
}
"""The same for domains."""

TIERS: Mapping[str, int] = {
    "trivial": 0,
    "low": 1,
    "easy": 1,
    "simple": 1,
    "mid": 2,
    "medium": 2,
    "moderate": 2,
    "high": 3,
    "hard": 3,
    "complex": 3,
    "highest": 4,
    "expert": 4,
}
"""Word -> its place in the order of difficulty."""


def word(label: object) -> str:
    """A label in the form in which it is looked up; empty for what is not text."""
    return re.sub(r"[\s\-/]+", "_", label.strip().lower()) if isinstance(label, str) else ""


def task_of(label: object) -> TaskType | None:
    """The task type that a label names."""
    said = word(label)
    return next((task for task in TASK_TYPES if task == said), None) or TASK_LABELS.get(said) or OTHER_TASKS.get(said)


def domain_of(label: object) -> Domain | None:
    """The domain that a label names."""
    said = word(label)
    return (
        next((domain for domain in DOMAINS if domain == said), None)
        or DOMAIN_LABELS.get(said)
        or OTHER_DOMAINS.get(said)
    )


def tier_of(label: object) -> int | None:
    """The place of a tier's name among the others."""
    return TIERS.get(word(label))
