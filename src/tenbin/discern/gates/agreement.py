"""7. The gate on self-agreement: whether further answers of the same model to the same question come to the same."""

import re
import unicodedata
from collections import Counter

from tenbin.discern.gates.code_blocks import code_blocks
from tenbin.discern.gates.gate import Answer, Judgement, Question, bounded
from tenbin.discern.gates.json_text import find_json
from tenbin.discern.gates.words import words

_NUMBER = re.compile(r"(?<![\w.])[-−]?\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,15})?(?![\w])")
_FINAL = re.compile(
    r"(?:(?:final )?answer(?: is)?|therefore,?|result(?: is)?|答え(?:は)?|正解(?:は)?|解答)\s*[:：=は]?\s*([^\n]{1,80})"
)
_OPTION = re.compile(r"^\(?([a-jａ-ｊ])[).:）．、]?(?:\s|$)")
_LABEL = 40
"""Characters up to which an answer is compared as a whole."""


def agreement(question: Question, answer: Answer) -> Judgement:
    """How far the other answers agree with this one, on average."""
    if not answer.others:
        return Judgement("agreement", None, "no further answer was drawn")
    told = [similarity(answer.text, other) for other in answer.others[:16]]
    score = sum(value for value, _ in told) / len(told)
    kinds = " and ".join(dict.fromkeys(kind for _, kind in told))
    return Judgement("agreement", score, f"{len(told)} further answers, compared by {kinds}: {score:.2f}")


def similarity(one: str, other: str) -> tuple[float, str]:
    """(0..1, what was compared). JSON by its fields, code and free text by the words they share, labels, options and
    final numbers by being the same.
    """
    if not one.strip() or not other.strip():
        return float(one.strip() == other.strip()), "being empty"
    first, second = find_json(bounded(one)), find_json(bounded(other))
    if first is not None and second is not None and isinstance(first.value, dict | list):
        return _overlap(_leaves(first.value), _leaves(second.value)), "fields of JSON"
    if code_blocks(one) or code_blocks(other):
        return _overlap(words(bounded(one)), words(bounded(other))), "words"
    # Of a result in a sentence and one by itself it is the figure that counts, whatever words stand around it.
    numbers, numbers_again = _numbers(one), _numbers(other)
    if numbers and numbers_again and len(one) < 2_000:
        same = float(numbers[-1] == numbers_again[-1])
        return 0.8 * same + 0.2 * _overlap(words(one), words(other)), "final numbers"
    plain, again = final(one), final(other)
    if len(plain) <= _LABEL and len(again) <= _LABEL:
        return float(plain == again), "final answers"
    return _overlap(words(bounded(one)), words(bounded(other))), "words"


def final(text: str) -> str:
    """What an answer comes to, in one way of writing: a number, the letter of an option, or letters without case, width
    and punctuation. All of it where it names no result.
    """
    plain = unicodedata.normalize("NFKC", bounded(text, 4096)).casefold().strip()
    named = _FINAL.findall(plain[-1000:])
    piece = named[-1].strip() if named else plain
    option = _OPTION.match(piece)
    if option:
        return option[1]
    numbers = _numbers(piece)
    if numbers and (named or len(piece) <= _LABEL):
        return numbers[-1]
    return "".join(letter for letter in piece if letter.isalnum())


def _numbers(text: str) -> list[str]:
    found = _NUMBER.findall(unicodedata.normalize("NFKC", bounded(text, 4096)))
    return [f"{float(each.replace(',', '').replace('−', '-')):.12g}" for each in found]


def _leaves(value: object) -> Counter[str]:
    """Every value of JSON with the path to it, its place in a list left out."""
    found: Counter[str] = Counter()
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, each = waiting.pop()
        if isinstance(each, dict):
            waiting += [(f"{path}.{name}", child) for name, child in each.items()]
        elif isinstance(each, list):
            waiting += [(f"{path}[]", child) for child in each]
        else:
            found[f"{path}={each!r}"] += 1
    return found


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    """The harmonic mean of precision and recall of one's words in the other's."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 1.0
