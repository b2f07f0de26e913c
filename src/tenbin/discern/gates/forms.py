"""7. The gate on forms that the words of a request ask for: JSON, a list of N, one word, a number, code, a table."""

import re
import unicodedata
from itertools import pairwise

from tenbin.discern.gates.code_blocks import code_blocks
from tenbin.discern.gates.gate import Answer, AskedForm, Judgement, Question, bounded, shown
from tenbin.discern.gates.json_text import find_json

_ITEM = re.compile(r"\s{0,12}(?:[-*+•・◦‣–]\s*|\(?\d{1,3}[.):、．）]\s*|[①-⑳]\s*|[a-zA-Z][.)]\s+)\S")
_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*")
_A_NUMBER = re.compile(r"[-+−]?[$¥€£]?\d[\d,]*(?:\.\d+)?(?:/\d+)?(?:e[-+]?\d+)?\s?[%a-z°$¥€£個円人回本枚]{0,4}\.?")
_YES_NO = re.compile(r"(?:yes|no|はい|いいえ|イエス|ノー)(?:[.,!。、！]|です|\b)")


def asked_form(question: Question, answer: Answer) -> Judgement:
    """Whether the answer has every form that was asked for; the worst one counts."""
    if answer.tool_calls:
        return Judgement("format", None, "a tool call: the answer is still to come")
    if not question.asked:
        return Judgement("format", None, "no form was asked for")
    text = answer.text.strip()
    told = [_FORMS[asked.form](asked, text) for asked in question.asked]
    score, evidence = min(told)
    return Judgement("format", score, evidence if len(told) == 1 else "; ".join(words for _, words in sorted(told)))


def _json(asked: AskedForm, text: str) -> tuple[float, str]:
    found = find_json(text)
    if found is None:
        return 0.0, "JSON was asked for: there is none that parses"
    if found.alone:
        return 1.0, "JSON, and nothing else"
    return 0.7, "JSON, " + ("in a code block" if found.fenced else "with other words around it")


def _list(asked: AskedForm, text: str) -> tuple[float, str]:
    bounded_text = bounded(text)
    lines = [line for line in bounded_text.splitlines() if line.strip()]
    items = sum(_ITEM.match(line) is not None and not line.startswith(" " * 4) for line in lines)
    if not items:
        plain = [line for line in lines if not line.rstrip().endswith((":", "："))]
        items = len(plain) if len(plain) > 1 else 0
    if len(lines) <= 2 and items < 2:
        pieces = re.split(r"[,、;；]|\band\b|と", lines[-1]) if lines else []
        items = sum(bool(piece.strip()) for piece in pieces)
    if not asked.count:
        return (1.0, f"a list of {items}") if items > 1 else (0.2, "a list was asked for: there is none")
    if items == asked.count:
        return 1.0, f"{items} items, as asked"
    return max(0.0, 0.6 - abs(items - asked.count) / asked.count), f"{asked.count} items were asked for: {items} found"


def _one_word(asked: AskedForm, text: str) -> tuple[float, str]:
    plain = text.strip("\"'`*_.。!！「」『』 \n")
    words = plain.split()
    letters = len(plain)
    if not plain:
        return 0.0, "one word was asked for: there is none"
    spaced = plain.isascii() or len(words) > 3
    if (spaced and len(words) == 1 and letters <= 40) or (not spaced and letters <= 12 and len(words) <= 2):
        return 1.0, "one word"
    if len(words) <= 3 and letters <= (40 if spaced else 16):
        return 0.6, f"one word was asked for: {shown(plain)!r}"
    return (
        0.1,
        f"one word was asked for: {len(words)} words" if spaced else f"one word was asked for: {letters} characters",
    )


def _number(asked: AskedForm, text: str) -> tuple[float, str]:
    plain = unicodedata.normalize("NFKC", text[:200]).casefold().strip("\"'`*$\\() .。\n")
    if len(text) <= 200 and _A_NUMBER.fullmatch(plain):
        return 1.0, "a number"
    if any(letter.isdecimal() for letter in bounded(text)):
        return 0.4, "only a number was asked for: there are other words"
    return 0.0, "a number was asked for: there is no digit"


def _yes_or_no(asked: AskedForm, text: str) -> tuple[float, str]:
    plain = unicodedata.normalize("NFKC", text[:100]).casefold().lstrip("\"'`*「『 \n")
    if _YES_NO.match(plain):
        return 1.0, "it begins with yes or no"
    return 0.1, "yes or no was asked for: it begins with neither"


def _code(asked: AskedForm, text: str) -> tuple[float, str]:
    blocks = code_blocks(bounded(text))
    if any(block.text.strip() for block in blocks):
        return 1.0, "a code block"
    if re.search(
        r"(?m)^\s{0,8}(?:def |class |import |function |const |SELECT |select |#!/|for |if |return )", bounded(text)
    ):
        return 0.7, "code, but in no code block"
    return 0.1, "code was asked for: there is no code block"


def _table(asked: AskedForm, text: str) -> tuple[float, str]:
    lines = bounded(text).splitlines()
    for above, line in pairwise(lines):
        if "|" in line and "|" in above and len(line) <= 2000 and _RULE.fullmatch(line):
            return 1.0, "a table"
    if "<table" in text[:20_000].lower() or sum("\t" in line for line in lines) > 1:
        return 1.0, "a table"
    rows = sum(line.count("|") >= 2 or line.count(",") >= 2 for line in lines)
    return (0.6, "rows of a table, without its head") if rows > 1 else (0.0, "a table was asked for: there is none")


_FORMS = {
    "json": _json,
    "list": _list,
    "one_word": _one_word,
    "number": _number,
    "yes_or_no": _yes_or_no,
    "code": _code,
    "table": _table,
}
