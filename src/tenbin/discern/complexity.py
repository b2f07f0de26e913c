"""2. What a request is about and how strong a model it takes, as learned: asked for between reading and weighing.

Importing this costs nothing; the first question loads numpy and the weights (about 0.2 s).
"""

from typing import TYPE_CHECKING

from tenbin.core.features import DOMAINS, TASK_TYPES, Complexity
from tenbin.core.sketch import Sketch

if TYPE_CHECKING:
    from tenbin.discern.features import Reading
    from tenbin.discern.weights import Weights

SHORT_TURN = 48
"""Characters up to which a turn ("go on", "はい") says little by itself, and what the conversation began with counts
too."""
INSTRUCTION_CHARACTERS = 600
"""Of a system prompt or of a first turn that is read before the turn itself."""
LONGEST_INSTRUCTION = 1_500
"""Of a system prompt that may be an instruction to do something with the user's text; longer ones describe an agent."""


class Discerner:
    """The learned part, with its weights once they are needed. Knows nothing between two questions."""

    def __init__(self, weights: "Weights | None" = None) -> None:
        """``weights`` other than those of the package: for training and its tests."""
        self._weights = weights

    @property
    def weights(self) -> "Weights":
        """The learned numbers, read at the first question."""
        if self._weights is None:
            from tenbin.discern.weights import load

            self._weights = load()
        return self._weights

    @property
    def version(self) -> str:
        """Which learned numbers these are: their date and digest."""
        return self.weights.version

    def complexity(self, sketch: Sketch) -> Complexity:
        """Task, domain, language, and the chance that each tier suffices. The same sketch, the same answer."""
        from tenbin.discern.judgement import judged, tier_chances

        weights = self.weights
        reading = self._read(sketch)
        judgement = judged(reading, weights)
        task = int(judgement.tasks.argmax())
        domain = int(judgement.domains.argmax())
        return Complexity(
            task=TASK_TYPES[task],
            task_chance=float(judgement.tasks[task]),
            domain=DOMAINS[domain],
            domain_chance=float(judgement.domains[domain]),
            options=reading.options,
            language=reading.language,
            suffices=tier_chances(judgement, weights),
            model=weights.version,
        )

    def strong_gain(self, sketch: Sketch) -> float:
        """How much better a strong model is expected to do than a weak one: what a share of requests is chosen by.

        About 0..1, of the same heads as ``complexity``; only its order means something.
        """
        from tenbin.discern.judgement import judged

        return judged(self._read(sketch), self.weights).gain

    def was_trained_on(self, prompt: str) -> bool:
        """Whether a prompt (blanks and capitals aside) is known to be among those the weights were trained on."""
        from tenbin.discern.weights import prompt_digest

        digest = prompt_digest(prompt)
        place = int(self.weights.trained_on.searchsorted(digest))
        return place < len(self.weights.trained_on) and int(self.weights.trained_on[place]) == digest

    def _read(self, sketch: Sketch) -> "Reading":
        from tenbin.discern.features import read

        return read(text_of(sketch))


def text_of(sketch: Sketch) -> str:
    """What is read of a request: the last turn of a person, after what it is to be understood by.

    A program's instruction often stands in the system prompt and its text in the turn; a turn of a word or two goes on
    with what was asked at first.
    """
    if len(sketch.user) <= SHORT_TURN and sketch.first_user and sketch.user_turns > 1:
        return f"{sketch.first_user[:INSTRUCTION_CHARACTERS]}\n\n{sketch.user}"
    if not sketch.tools and sketch.user_turns == 1 and SHORT_TURN < len(sketch.system) <= LONGEST_INSTRUCTION:
        return f"{sketch.system[:INSTRUCTION_CHARACTERS]}\n\n{sketch.user}"
    return sketch.user
