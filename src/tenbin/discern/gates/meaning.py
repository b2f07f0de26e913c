"""7. The gate on relevance by meaning: whether an answer's vector lies near its question's, by an embedder that is
installed. It tells answers to another question; of answers to this one it says little about which are right.
"""

import threading
from functools import cache

from tenbin.discern.embedding import registry
from tenbin.discern.embedding.embedder import Embedder, EmbedderMissing
from tenbin.discern.gates.gate import Answer, Judgement, Question

MOST_READ = 2_000
"""Characters of question and answer that are embedded: more than any embedder's window takes."""
SCALES = {"all-minilm-l6-v2-int8": (0.2, 0.4), "multilingual-e5-small-q4": (0.79, 0.85)}
"""By embedder: the cosine at which an answer is surely about something else, and that from which on nothing is amiss.
Measured on real answers beside those to other questions (docs/gates.md)."""
INSTALL = (
    "no embedder that reads this language is installed: pip install 'tenbin[semantic]' (English), 'tenbin[semantic-ml]'"
)

_ONE_AT_A_TIME = threading.Lock()


def meaning(question: Question, answer: Answer) -> Judgement:
    """The cosine of question and answer, from surely elsewhere (0) to near enough (1)."""
    if answer.tool_calls or question.language_named or question.task in ("translation", "creative_writing"):
        return Judgement("meaning", None, "an answer of this kind need not lie near its question")
    if not question.prompt.strip() or not answer.text.strip():
        return Judgement("meaning", None, "nothing to compare")
    embedder = _reading(question)
    if embedder is None:
        return Judgement("meaning", None, INSTALL)
    return by(embedder, question, answer)


def by(embedder: Embedder, question: Question, answer: Answer) -> Judgement:
    """The same by a given embedder."""
    scale = SCALES.get(embedder.id)
    if scale is None:
        return Judgement("meaning", None, f"nobody has measured what {embedder.id} finds near")
    with _ONE_AT_A_TIME:
        asked, said = embedder.embed([question.prompt[:MOST_READ], answer.text[:MOST_READ]])
    cosine = float(asked @ said)
    far, near = scale
    score = min(1.0, max(0.0, (cosine - far) / (near - far)))
    return Judgement("meaning", score, f"cosine {cosine:.2f} of question and answer ({embedder.id})")


def _reading(question: Question) -> Embedder | None:
    """The first embedder that is installed and reads the question's language."""
    for name in registry.BUILT_IN:
        embedder = _loaded(name)
        if embedder is not None and question.language in embedder.languages:
            return embedder
    return None


@cache
def _loaded(name: str) -> Embedder | None:
    try:
        return registry.load(name)
    except EmbedderMissing:
        return None
