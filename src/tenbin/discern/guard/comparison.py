"""2. Two texts compared by every rule of the guard."""

from collections.abc import Sequence

from tenbin.core.agreement import Agreement, Difference
from tenbin.discern.guard import japanese_rules, rules, substitution
from tenbin.discern.guard.alignment import left_over
from tenbin.discern.guard.numbers import WEAK
from tenbin.discern.guard.reading import Reading, read

RULES: tuple[rules.Rule, ...] = (
    rules.language,
    rules.numbers,
    rules.dates,
    rules.identifiers,
    rules.quoted,
    rules.names,
    rules.negation,
    rules.antonyms,
    rules.question_word,
    rules.direction,
    rules.word_order,
)


def check(known: str, asked: str) -> Agreement:
    """Whether what answers ``known`` may answer ``asked``, as far as their words tell, and in what they differ."""
    one, other = read(known), read(asked)
    if one.plain == other.plain:
        return Agreement(True, length=_length(one))
    found: list[Difference] = []
    for rule in RULES:
        found += rule(one, other)
    left, right = left_over(one.words, other.words)
    left = [word for word in left if word not in WEAK or str(WEAK[word]) not in other.values]
    right = [word for word in right if word not in WEAK or str(WEAK[word]) not in one.values]
    if one.japanese and other.japanese:
        more, most = japanese_rules.left_over_ja(one, other)
        left, right = left + more, right + most
        found += japanese_rules.antonyms_ja(one, other)
        found += japanese_rules.substitution_ja(one, other, left, right)
        found += japanese_rules.added_scope_ja(one, other, left, right)
        found += japanese_rules.roles(one, other)
    else:
        found += substitution.substitution(one, other, left, right)
        found += substitution.exchanged(one, other)
        found += substitution.added_scope(one, other, left, right)
    total = _length(one) + _length(other)
    return Agreement(
        not found,
        tuple(found),
        1.0 if total == 0 else max(0.0, 1 - (len(left) + len(right)) / total),
        len(left),
        len(right),
        min(_length(one), _length(other)),
    )


def _length(reading: Reading) -> int:
    """Content words of a text, each once."""
    words: Sequence[str] = reading.words
    return len(set(words)) + (len(set(reading.japanese.words)) if reading.japanese else 0)
