"""2. English words as the guard compares them: one spelling for each meaning, opposites, what a question asks for.

Pure. Words are looked up once and remembered, so that reading a text costs little more than splitting it.
"""

import re
from functools import lru_cache

from tenbin.discern.guard.english_words import (
    ANTONYMS,
    COUNTRIES,
    DAYS,
    IRREGULAR,
    LIGHT_ADJECTIVES,
    LIGHT_NOUNS,
    LIGHT_VERBS,
    STATED_VERBS,
    SYNONYMS,
)
from tenbin.discern.guard.tables import groups, words

_STEMS_KEPT = words("news physics this thus his is was has does plus minus always perhaps series species less")
_DOUBLED = re.compile(r"([bdfglmnprst])\1$")
_VOWEL = re.compile(r"[aeiouy]")
_CUT_SHORT = re.compile(r"[^aeiou]*(?:[aeiou][^aeiouwxy]|[aeiou]+[vczs]|[aeiou][rln][vcs])$")


def stem(word: str) -> str:
    """An English word without its plural, possessive and verb ending. Rough: `running` and `run` become one, `plane`
    and `plan` stay two; good for comparing two texts, not for show.
    """
    if word.endswith(("'s", "s'")):
        word = word[:-2]
    if len(word) < 3 or word in _STEMS_KEPT:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and word[-2] not in "sui" and len(word) > 3:
        word = word[:-1]
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("ie") and len(word) > 4:
        return word[:-2] + "y"
    if word.endswith("ly") and len(word) > 6 and not word.endswith(("ply", "dly")):
        word = word[:-2]
    for ending in ("ing", "ed"):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= 3 and _VOWEL.search(root):
            if len(root) <= 4 and _CUT_SHORT.match(root):
                return root + "e"  # making, writing
            word = root
            break
    if word.endswith("e") and len(word) > 5:
        word = word[:-1]
    if len(word) > 3:
        word = _DOUBLED.sub(r"\1", word).replace("isation", "ization")
    return word[:-2] + "iz" if word.endswith("is") and len(word) > 6 else word


def _table(rows: list[list[str]]) -> dict[str, str]:
    table: dict[str, str] = {}
    for first, *others in rows:
        mark = table.get(stem(first), stem(first))
        for word in (first, *others):
            table.setdefault(word, mark)
            table.setdefault(stem(word), mark)
    return table


_SAME = _table(groups(SYNONYMS))
_IRREGULAR = {form: base for base, *forms in groups(IRREGULAR) for form in forms}
DAY = {word: group[0] for group in groups(DAYS) for word in group}
COUNTRY = {word: group[0] for group in groups(COUNTRIES) for word in group}


@lru_cache(maxsize=65_536)
def canonical(word: str) -> str:
    """The one spelling that stands for this word (small letters) and all that mean the same."""
    word = _IRREGULAR.get(word, word)
    if word in _SAME:
        return _SAME[word]
    root = stem(word)
    return _SAME.get(root, root)


def _opposites() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for one, other in groups(ANTONYMS):
        left, right = canonical(one), canonical(other)
        table.setdefault(left, set()).add(right)
        table.setdefault(right, set()).add(left)
    return {word: frozenset(others) for word, others in table.items()}


LIGHT = frozenset(canonical(word) for word in LIGHT_VERBS | LIGHT_ADJECTIVES)
"""What neither narrows a question nor is a matter of its own."""
STATED = LIGHT | frozenset(canonical(word) for word in STATED_VERBS)
"""What a statement may put in other words."""
KINDS = LIGHT | frozenset(canonical(word) for word in LIGHT_NOUNS)
"""What narrows nothing where one text alone has it."""
OPPOSITES = _opposites()
"""By a word's canonical spelling: those of its opposites."""

QUESTION_NOUNS = {
    "why": words("reason reasons cause causes caused purpose"),
    "when": words("time date day year month deadline"),
    "where": words("place places city town country location locations site address spot spots"),
    "who": words("person name"),
    "how": words("way ways method methods steps step process procedure trick tricks tips strategy command"),
    "how much": words("price cost fee fees charge fare amount salary"),
}
"""What a `what` asks for when one of these stands beside it."""
NAMED_LAST = {"date": "when", "population": "how many", "count": "how many"}
"""The same, wherever they stand: Lima's population."""
_BESIDE = words("is are was were 's the a an best good some of possible main average total exact your")
"""What may stand between."""
MEASURED = {
    word: noun
    for noun, *adjectives in groups(
        "height tall high; age old; distance far; size big large; depth deep; speed fast; weight heavy; "
        "temperature hot cold; width wide; cost expensive"
    )
    for word in adjectives
}
"""What `how` asks for with one of these behind it."""
_MEASURES = words("much many long often far old big tall fast soon hard deep high wide heavy")
_AUXILIARIES = words(
    "is are was were do does did can could will would should shall may might must has have had am isn't aren't don't "
    "doesn't didn't can't won't wouldn't shouldn't couldn't haven't hasn't"
)
_ASKED = frozenset(["you", "u", "anyone", "anybody", "someone", "somebody"])
_WONDER = words("tell explain show give help describe suggest recommend share please let say list guide advise know")


def question_of(tokens: list[str]) -> str:
    """What a text asks for: why, when, where, who, how, what, yes-no, `how much` and the like; "" where it is open."""
    asked_politely = len(tokens) > 2 and tokens[1] in _ASKED and not _WONDER.isdisjoint(tokens[2:5])
    if tokens and tokens[0] in _AUXILIARIES and tokens[1:2] != ["there"] and not asked_politely:
        return "yes-no"
    for at, word in enumerate(tokens):
        if word == "why":
            return "why"
        if word in ("what's", "what", "which", "whats"):
            following = tokens[at + 1] if at + 1 < len(tokens) else ""
            if following in ("makes", "made"):
                return "why"
            if "number of" in " ".join(tokens):
                return "how many"
            named = next((kind for noun, kind in NAMED_LAST.items() if noun in tokens), "")
            if named:
                return named
            noun = next((near for near in tokens[at + 1 : at + 6] if near not in _BESIDE), "")
            return next((asked for asked, nouns in QUESTION_NOUNS.items() if noun in nouns), "what")
        if word in ("how", "how's"):
            following = tokens[at + 1] if at + 1 < len(tokens) else ""
            if following == "come":
                return "why"
            return f"how {following}" if following in _MEASURES else "how"
        if word in ("when", "where", "who", "whose", "when's", "where's", "who's"):
            if at > 2:  # a relative pronoun
                continue
            return {"whose": "who"}.get(word, word.removesuffix("'s"))
    if not tokens:
        return ""
    if not QUESTION_NOUNS["why"].isdisjoint(tokens[:4]):
        return "why"
    if not QUESTION_NOUNS["how"].isdisjoint(tokens[:6]):
        return "how"
    return ""


_APART = frozenset(["why", "when", "where", "who", "yes-no"])


def questions_differ(known: str, asked: str) -> bool:
    """Whether two questions of these kinds ask for different things even about the same matter."""
    if known == asked or not known or not asked:
        return False
    kinds = {known, asked}
    if "what" in kinds:
        other = known if asked == "what" else asked
        return other in ("why", "when", "yes-no", "how many", "how long", "how often")
    return bool(kinds & _APART) or all(kind.startswith("how ") for kind in kinds) or "how much" in kinds
