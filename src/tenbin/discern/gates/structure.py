"""7. Gates on the plain shape of an answer: empty, cut off, in another language than was asked for."""

import re

from tenbin.discern.gates.code_blocks import without_code
from tenbin.discern.gates.gate import Answer, Judgement, Question, bounded, shown
from tenbin.discern.language import language

_CUT = {
    "max_tokens": "it ran into its token limit",
    "context_exceeded": "it ran out of context",
    "pause_turn": "it was paused",
}

_FEW_LETTERS = 3
"""Below this many letters a text has no language."""
_SHORT = 20
"""Letters below which a name or a term of another language is no surprise."""
_LONG = 240
"""Characters of prose from which on an end without punctuation is told: shorter answers are labels and headlines."""
_ENDS = frozenset(".!?。！？…)）]】}」』\"'”’`*_|:：;；~>-—♪☆")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s、。」）]{1,500}|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}")


def empty(question: Question, answer: Answer) -> Judgement:
    """Whether it says or does anything at all."""
    if answer.tool_calls:
        return Judgement("empty", 1.0, f"{len(answer.tool_calls)} tool calls")
    if not any(letter.isalnum() for letter in bounded(answer.text)):
        what = "only signs, no letter or digit" if answer.text.strip() else "no text and no tool call"
        # A lone sign may be the answer: a heart, a tick, an operator.
        return Judgement("empty", 0.5 if 0 < len(answer.text.strip()) <= 4 else 0.0, what)
    return Judgement("empty", 1.0, "it has text")


def truncated(question: Question, answer: Answer) -> Judgement:
    """Whether it breaks off: by its stop reason, by an open code block, or in the middle of a long sentence."""
    cut = _CUT.get(answer.stop_reason or "")
    if cut is not None:
        return Judgement("truncated", 0.0, cut)
    text = answer.text.rstrip()
    if answer.tool_calls or not text:
        return Judgement("truncated", 1.0 if answer.stop_reason else None, "no text that could break off")
    tail = text[-4096:]
    fences = sum(line.lstrip().startswith("```") for line in bounded(text).splitlines())
    if len(text) <= len(bounded(text)) and fences % 2:
        return Judgement("truncated", 0.2, "a code block is not closed")
    last = tail.splitlines()[-1].strip()
    if len(text) >= _LONG and len(last) >= 40 and last[-1] not in _ENDS and not _is_row(last):
        return Judgement("truncated", 0.5, f"it ends without punctuation: {shown(last[-30:])}")
    if answer.stop_reason is None:
        return Judgement("truncated", 1.0, "its end looks whole; the stop reason is not known")
    return Judgement("truncated", 1.0, f"stopped by itself ({answer.stop_reason})")


def _is_row(line: str) -> bool:
    """A row of a table, an item of a list, a heading, a line of data: it needs no punctuation at its end."""
    return bool(re.match(r"(?:[-*+•・#|>]|\d{1,4}[.)、])", line)) or line.count("|") > 1 or line.count(",") > 4


def wrong_language(question: Question, answer: Answer) -> Judgement:
    """Whether its prose is in the language that was asked for, or else in that of the request.

    Code, addresses and names in backticks have no language. Languages but English and Japanese are not told apart, so
    that only an English or Japanese text where such a one was asked for counts.
    """
    if question.task == "translation" and not question.language_named:
        return Judgement("language", None, "a translation, into a language that is not named")
    prose = _ADDRESS.sub(" ", without_code(bounded(answer.text)))
    letters = sum(letter.isalpha() for letter in prose)
    if letters < _FEW_LETTERS:
        return Judgement("language", None, "too few words to have a language")
    found = language(prose)
    if found == question.language:
        return Judgement("language", 1.0, f"as asked: {found}")
    if question.language == "other" and not question.language_named:
        return Judgement("language", None, "the request is in a language that is not told")
    if question.language == "other" and letters < _SHORT:
        return Judgement("language", None, "too few words to tell")
    if letters < _SHORT:
        return Judgement("language", 0.5, f"{found} where {question.language} was asked for, but only a few letters")
    # Han letters alone may be Japanese: a row of names or terms.
    return Judgement("language", 0.1, f"{found} where {question.language} was asked for")
