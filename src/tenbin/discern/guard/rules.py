"""2. The guard's rules, one small function each: what must agree for one text's answer to serve the other.

A rule takes two readings and yields what differs. Rules are symmetric: it does not matter which text came first.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from tenbin.core.agreement import Difference, Kind
from tenbin.discern.guard.alignment import kin
from tenbin.discern.guard.english import KINDS, OPPOSITES, canonical, questions_differ
from tenbin.discern.guard.english_words import FUNCTION_WORDS, NEGATING_PREFIXES
from tenbin.discern.guard.reading import Reading

Rule = Callable[[Reading, Reading], Iterator[Difference]]


def between(kind: Kind, known: object, asked: object) -> Difference:
    """A difference in the words in which it is shown."""

    def shown(side: object) -> str:
        if isinstance(side, str):
            return side or "-"
        return " ".join(sorted(map(str, side))) if side else "-"  # type: ignore[call-overload]

    return Difference(kind, f"{shown(known)} / {shown(asked)}")


def language(known: Reading, asked: Reading) -> Iterator[Difference]:
    """An answer is in the language of its question."""
    if (known.japanese is None) != (asked.japanese is None):
        yield between("language", "Japanese" if known.japanese else "-", "Japanese" if asked.japanese else "-")


def numbers(known: Reading, asked: Reading) -> Iterator[Difference]:
    """Every number of one text stands in the other, with the same unit where both name one."""
    if known.numbers == asked.numbers and known.operators == asked.operators:
        if (
            not known.numbers
            and known.weak_numbers
            and asked.weak_numbers
            and not known.weak_numbers & asked.weak_numbers
        ):
            yield between("number", known.weak_numbers, asked.weak_numbers)
        return
    left = {value for value, _ in known.numbers}
    right = {value for value, _ in asked.numbers}
    if (left - right) - asked.weak_numbers or (right - left) - known.weak_numbers:
        yield between("number", left - right, right - left)
        return
    if known.operators != asked.operators:
        yield between("number", known.operators, asked.operators)
        return
    for value in left & right:
        units = {unit for one, unit in known.numbers if one == value and unit}
        others = {unit for one, unit in asked.numbers if one == value and unit}
        if units and others and units != others and not units & others:
            yield between("number", {value + unit for unit in units}, {value + unit for unit in others})


def dates(known: Reading, asked: Reading) -> Iterator[Difference]:
    """The same days, months and feasts."""
    if known.days != asked.days:
        yield between("date", known.days - asked.days, asked.days - known.days)


def identifiers(known: Reading, asked: Reading) -> Iterator[Difference]:
    """What a name of code, a path or a flag is made of stands in the other text too."""

    def foreign(these: frozenset[str], there: Reading) -> set[str]:
        return {name for name in these if not all(part in there.spoken or part in there.plain for part in _parts(name))}

    left, right = foreign(known.identifiers, asked), foreign(asked.identifiers, known)
    if left or right:
        yield between("identifier", left, right)


def _parts(name: str) -> list[str]:
    return [part for part in "".join(sign if sign.isalnum() else " " for sign in name).split() if part]


def quoted(known: Reading, asked: Reading) -> Iterator[Difference]:
    """What is quoted in one text stands word for word in the other."""
    left = {text for text in known.quoted if text not in asked.plain}
    right = {text for text in asked.quoted if text not in known.plain}
    if left or right:
        yield between("quoted text", left, right)


def names(known: Reading, asked: Reading) -> Iterator[Difference]:
    """A name that a capital or capitals mark stands in the other text, as it is, as an adjective or in its initials."""
    left = {name for name in known.names if not _named(name, asked)}
    right = {name for name in asked.names if not _named(name, known)}
    if left or right:
        yield between("name", left, right)


def _named(name: str, there: Reading) -> bool:
    if (
        canonical(name) in KINDS
        or name in there.spoken
        or canonical(name) in there.spoken
        or name in there.plain.split()
    ):
        return True
    if any(kin(name, word) for word in there.tokens if len(word) > 3 and word[0] == name[0]):
        return True
    if 2 <= len(name) <= 5:
        initials = "".join(word[0] for word in there.tokens)
        if name in initials:
            return True
    return False


def negation(known: Reading, asked: Reading) -> Iterator[Difference]:
    """Both texts deny, or neither does."""
    if known.negated != asked.negated:
        yield between("negation", "denied" if known.negated else "-", "denied" if asked.negated else "-")


def antonyms(known: Reading, asked: Reading) -> Iterator[Difference]:
    """No word of one text alone is the opposite of a word of the other alone."""
    left = known.spoken - asked.spoken
    right = asked.spoken - known.spoken
    for word in left:
        against = OPPOSITES.get(word)
        if against and not against.isdisjoint(right):
            yield between("antonym", word, " ".join(sorted(against & right)))
            return
    for words, others, turned in ((left, right, False), (right, left, True)):
        for opposite in others:
            if opposite.startswith(NEGATING_PREFIXES):
                word = next(
                    (
                        opposite[len(prefix) :]
                        for prefix in NEGATING_PREFIXES
                        if opposite.startswith(prefix) and opposite[len(prefix) :] in words
                    ),
                    "",
                )
                if len(word) > 3:
                    yield between("antonym", opposite if turned else word, word if turned else opposite)
                    return


def question_word(known: Reading, asked: Reading) -> Iterator[Difference]:
    """Why, when, where, who, how much and whether are different questions about the same matter."""
    if questions_differ(known.question, asked.question):
        yield between("question word", known.question, asked.question)


_PIVOTS = frozenset(["to", "into", "than", "from", "over", "before", "after", "by", "minus"])


def _journeys(tokens: tuple[str, ...]) -> set[tuple[str, str, str]]:
    """(word before, relation, word after) for relations that turn round when their words are swapped."""
    found = set()
    for at, word in enumerate(tokens):
        if word in _PIVOTS:
            before = next((other for other in reversed(tokens[max(0, at - 4) : at]) if other not in FUNCTION_WORDS), "")
            after = next((other for other in tokens[at + 1 : at + 5] if other not in FUNCTION_WORDS), "")
            if before and after:
                found.add((canonical(before), word, canonical(after)))
    for at, word in enumerate(tokens[1:-1], 1):
        if word == "of" and tokens[at - 1][0].isdigit() and tokens[at + 1][0].isdigit():
            found.add((tokens[at - 1], "of", tokens[at + 1]))
    if "from" in tokens and ("to" in tokens or "into" in tokens):
        source = tokens.index("from")
        target = tokens.index("to") if "to" in tokens else tokens.index("into")
        start = next((other for other in tokens[source + 1 : source + 5] if other not in FUNCTION_WORDS), "")
        end = next((other for other in tokens[target + 1 : target + 5] if other not in FUNCTION_WORDS), "")
        if start and end:
            found.add((canonical(start), "journey", canonical(end)))
    return found


def direction(known: Reading, asked: Reading) -> Iterator[Difference]:
    """From A to B is not from B to A; nor is A than B, or A before B."""
    if known.japanese and asked.japanese:
        there, back = known.japanese.journey, asked.japanese.journey
        if there and back and (there[0] == back[1] or there[1] == back[0]) and there != back:
            yield between("direction", "→".join(there), "→".join(back))
        return
    if _PIVOTS.isdisjoint(known.tokens) or _PIVOTS.isdisjoint(asked.tokens):
        return
    for one, other in (("from", "to"), ("to", "from")):
        turned = _behind(known.tokens, one) & _behind(asked.tokens, other)
        turned -= _behind(known.tokens, other) | _behind(asked.tokens, one)
        if turned:
            yield between("direction", {f"{one} {word}" for word in turned}, {f"{other} {word}" for word in turned})
            return
    others = _journeys(asked.tokens)
    mine = _journeys(known.tokens)
    for before, relation, after in mine - others:
        if (after, relation, before) in others - mine:
            yield between("direction", f"{before} {relation} {after}", f"{after} {relation} {before}")
            return


def _behind(tokens: tuple[str, ...], relation: str) -> set[str]:
    return {after for word, after in pairwise(tokens) if word == relation and after not in FUNCTION_WORDS}


_FRAME = frozenset(["by", "for", "of", "to", "from", "with", "in", "on"])


def _frame(reading: Reading) -> frozenset[str]:
    return _FRAME.intersection(reading.tokens)


_NUMBER = re.compile(r"\d[\d.,]*")


def word_order(known: Reading, asked: Reading) -> Iterator[Difference]:
    """Two words, or two numbers, that have changed places: who does what to whom, how many of which."""
    one, other = known.words, asked.words
    if (
        known.values != asked.values
        and known.numbers == asked.numbers
        and (
            _NUMBER.sub("0", known.plain) == _NUMBER.sub("0", asked.plain)
            if known.japanese and asked.japanese
            else one == other and known.japanese is asked.japanese is None
        )
    ):
        yield between("word order", " ".join(known.values), " ".join(asked.values))
        return
    if len(one) != len(other) or len(one) < 3 or one == other or _frame(known) != _frame(asked):
        return  # other words between them may turn the sentence round: the passive, `for`, `with`
    apart = [at for at in range(len(one)) if one[at] != other[at]]
    if (
        len(apart) == 2
        and apart[1] > apart[0] + 1
        and one[apart[0]] == other[apart[1]]
        and one[apart[1]] == other[apart[0]]
    ):
        yield between("word order", " ".join(one[apart[0] : apart[1] + 1]), " ".join(other[apart[0] : apart[1] + 1]))
