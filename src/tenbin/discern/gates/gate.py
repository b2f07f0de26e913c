"""7. What a quality gate is: a pure function of a question and its answer, to a score 0..1 with evidence in words."""

from typing import Literal, Protocol, TypeAlias

import msgspec

from tenbin.core.answer import StopReason
from tenbin.core.conversation import OutputFormat, Tool, ToolCall, ToolChoice
from tenbin.core.features import Language, TaskType

MOST_CHARACTERS = 65_536
"""Of a text that a gate reads word by word. What is longer is read at its head and tail (``bounded``) or not judged: so
no answer, however long, costs more than one of this length."""

Form: TypeAlias = Literal["json", "list", "one_word", "number", "yes_or_no", "code", "table"]


class AskedForm(msgspec.Struct, frozen=True, gc=False):
    """A form that the words of a request ask for."""

    form: Form
    count: int = 0
    """Of a list: how many items; 0 when no number was named."""
    language: str = ""
    """Of code: which, as the tag of a code block has it (``python``); empty when none was named."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, as far as gates look at it. ``asking.question`` makes it of a whole conversation."""

    prompt: str = ""
    """The words of the last turn of a person."""
    language: Language = "en"
    """The language that the answer should be in."""
    language_named: bool = False
    """Whether the request names that language, rather than just being written in it."""
    task: TaskType | Literal[""] = ""
    """Its task type, empty when it is not known."""
    asked: tuple[AskedForm, ...] = ()
    output_format: OutputFormat | None = None
    """Structured output that the request's parameters ask for."""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    context: str = ""
    """Words of the turns before, for gates that compare with them: no more than MOST_CHARACTERS."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered. Thinking is no part of it."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    stop_reason: StopReason | None = None
    """None when it is not known."""
    logprobs: tuple[float, ...] | None = None
    """Natural logarithm of the probability of each token that was produced; None where the provider gives none."""
    others: tuple[str, ...] = ()
    """Further answers of the same model to the same question, where some were drawn."""


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """What one gate says of one answer."""

    gate: str
    """The gate's name."""
    score: float | None
    """0 (surely bad) .. 1 (nothing speaks against it); None: not judged, which is no word for or against it."""
    evidence: str
    """Why, in words for people: what was found and where. Holds at most a few words of the answer."""


class Gate(Protocol):
    """Judges an answer.

    A gate does no I/O, reads no clock, draws no chance and never raises on account of what stands in a question or an
    answer, whatever it is. It takes time in proportion to the answer's length at most. What it cannot judge (no such
    part in the answer, a parser that is not installed, too long) it gives the score None. A parser may be a program of
    its own, which reads what it is given and is stopped in time: some milliseconds that no event loop should wait for.
    """

    def __call__(self, question: Question, answer: Answer, /) -> Judgement:
        """Judge this answer to this question."""
        ...


def bounded(text: str, most: int = MOST_CHARACTERS) -> str:
    """The text, or the first and last half of ``most`` characters of a longer one."""
    return text if len(text) <= most else f"{text[: most // 2]}\n{text[-(most // 2) :]}"


def shown(text: str, most: int = 40) -> str:
    """A few words of a text, safe to show on one line."""
    line = " ".join(text[: 4 * most].split())
    printable = "".join(letter if letter.isprintable() else "·" for letter in line)
    return printable if len(printable) <= most else printable[: most - 1] + "…"
