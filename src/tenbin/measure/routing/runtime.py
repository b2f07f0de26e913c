"""The reader that is measured: the gateway's own, with the weights it ships with."""

import msgspec

from tenbin.codecs.registry import dialect
from tenbin.core.features import Features
from tenbin.discern.complexity import Discerner
from tenbin.measure.routing.readings import Reading


class Runtime:
    """Reads a prompt as it reads a request whose only turn it is."""

    def __init__(self) -> None:
        self._dialect = dialect("openai_chat")
        self._discerner = Discerner()

    @property
    def version(self) -> str:
        """Of the weights."""
        return self._discerner.version

    def read(self, prompt: str) -> Reading:
        """What a request with this prompt says of itself."""
        body = msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": prompt}]})
        sketch = self._dialect.sketch(body)
        told = self._discerner.complexity(sketch)
        features = Features(
            language=told.language,
            task=told.task,
            task_chance=told.task_chance,
            domain=told.domain,
            domain_chance=told.domain_chance,
            options=told.options,
            suffices=told.suffices,
            learned=told.model,
        )
        return Reading(features, self._discerner.strong_gain(sketch))

    def was_trained_on(self, prompt: str) -> bool:
        """Whether the weights were trained on this prompt."""
        return self._discerner.was_trained_on(prompt)
