"""7. The gate on relevance: whether an answer is about what was asked, by the words that both share. Weak evidence."""

from tenbin.discern.gates.gate import Answer, Judgement, Question, bounded
from tenbin.discern.gates.words import content_words

_FEW = 6
"""Content words below which an answer is a label, a number or a name, and shares nothing with its question."""
_PLENTY = 0.25
"""The share of the shorter one's content words that the other has, from which on nothing is amiss."""


def relevance(question: Question, answer: Answer) -> Judgement:
    """The share of content words that the shorter of question and answer has in common with the other.

    A translation, code, and a text in another language than the question's share none for good reason: not judged.
    """
    if answer.tool_calls or question.language_named or question.task in ("translation", "creative_writing"):
        return Judgement("relevance", None, "an answer of this kind need not share words with its question")
    asked = content_words(bounded(f"{question.context}\n{question.prompt}"))
    said = content_words(bounded(answer.text))
    if len(asked) < 2 or len(said) < _FEW:
        return Judgement("relevance", None, "too few words to compare")
    shared = len(asked & said)
    share = shared / min(len(asked), len(said))
    return Judgement("relevance", min(1.0, share / _PLENTY), f"{shared} of {len(asked)} content words of the question")
