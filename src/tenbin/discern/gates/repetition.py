"""7. The gate on degenerate repetition: a model that has fallen into a loop says the same until it is stopped."""

import re
from collections import Counter

from tenbin.discern.gates.gate import Answer, Judgement, Question, bounded, shown

_TAIL = 4096
"""Characters at the end that are searched for a period."""
_LEAST = 40
"""Characters that a periodic end must have to count."""
_TIMES = 5
"""How often the same must follow itself to count as a loop."""
_LINES = 6
"""Below this many lines of words their repetition says nothing."""
_WISHED = re.compile(
    r"(?i)\brepeat|\btimes\b|\bloop|\bpattern\b|\bascii\b|繰り?返|くり返|くりかえ|[0-9０-９]{1,4}\s{0,4}回|連呼"
)


def periodic_end(text: str) -> tuple[int, int]:
    """(period, length) in characters of the longest end of the text that is one piece at least _TIMES times over; (0,
    0) when there is none. Linear: the failure function of Knuth, Morris and Pratt, over the text from its end.
    """
    reverse = text[::-1]
    failure = [0] * len(reverse)
    matched, period, length = 0, 0, 0
    for place in range(1, len(reverse)):
        while matched and reverse[place] != reverse[matched]:
            matched = failure[matched - 1]
        matched += reverse[place] == reverse[matched]
        failure[place] = matched
        step = place + 1 - matched
        if step * _TIMES <= place + 1:
            period, length = step, place + 1
    return period, length


def repetition(question: Question, answer: Answer) -> Judgement:
    """Whether it repeats itself: one piece again and again at its end, or most of its lines more than once."""
    text = answer.text.strip()
    if len(text) < _LEAST:
        return Judgement("repetition", None, "too short to tell")
    wished = _WISHED.search(bounded(question.prompt, 8192))
    period, length = periodic_end(text[-_TAIL:])
    piece = text[len(text) - period :] if period else ""
    if length >= _LEAST and any(letter.isalnum() for letter in piece):
        told = f"{shown(piece)!r} {length // period} times over at its end"
        return Judgement("repetition", 0.7, f"{told}; repetition was asked for") if wished else _looped(told)
    lines = [line.strip() for line in bounded(text).splitlines() if any(letter.isalpha() for letter in line)]
    lines = [line for line in lines if len(line) > 3]
    if len(lines) >= _LINES:
        line, count = Counter(lines).most_common(1)[0]
        again = 1 - len(set(lines)) / len(lines)
        if again > 0.5 and count >= _TIMES and not wished:
            return Judgement(
                "repetition", 0.1, f"{again:.0%} of its lines stand there before; {count} times {shown(line)!r}"
            )
    return Judgement("repetition", 1.0, "no loop")


def _looped(told: str) -> Judgement:
    return Judgement("repetition", 0.0, told)
