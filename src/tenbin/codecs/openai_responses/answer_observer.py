"""Stages 6 and 7, watches a Responses answer that passes through, without parsing its events: only the last one, which
tells the usage, and errors are read.
"""

import re

from tenbin.codecs import openai_errors, openai_usage
from tenbin.codecs.openai_json import decoded
from tenbin.codecs.openai_responses.answer_reader import AnswerReader, failure_of, stop_reason_of, usage_of
from tenbin.codecs.openai_watching import LINE_END, Watcher
from tenbin.core.ask import Head
from tenbin.core.target import Target

# A type in quotes can't stand inside an answer's own text, where quotes are escaped.
_CONTENT = re.compile(rb'"response\.(?:[a-z_]+\.)?(?:[a-z_]+\.delta|output_item\.done)"')
_TELLING = re.compile(rb'"type"[ \t]*:[ \t]*"(?:response\.(?:completed|incomplete|failed)|error)"')


class Observer(Watcher):
    """Watches one answer."""

    def __init__(self, *, streamed: bool, head: Head, target: Target) -> None:
        super().__init__(streamed=streamed, reader=lambda stream: AnswerReader(streamed=stream))

    def scan(self, lines: bytes) -> None:
        """Looks for content, the event that ends the answer, and errors."""
        if not self.started and _CONTENT.search(lines):
            self.started = True
        if (
            b'"response.completed"' in lines
            or b'"response.incomplete"' in lines
            or b'"response.failed"' in lines
            or b'"error"' in lines
        ):
            for line in LINE_END.split(lines):
                if line.startswith(b"data:") and _TELLING.search(line):
                    self._read_event(line[5:])

    def _read_event(self, data: bytes) -> None:
        value = decoded(data)
        if not isinstance(value, dict):
            return
        kind = value.get("type")
        if kind == "error":
            if self.failure is None:
                self.failure = openai_errors.from_object(openai_errors.error_in(value) or value)
            self.ended = False
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self.read_object(value.get("response"), data)
            self.ended = self.failure is None

    def read_object(self, value: object, data: bytes) -> None:
        """Takes what a response tells."""
        if not isinstance(value, dict):
            return
        model, tier = value.get("model"), value.get("service_tier")
        if isinstance(model, str) and model:
            self.model = model
        if isinstance(tier, str):
            self.service_tier = tier
        if isinstance(value.get("usage"), dict):
            self.usage = usage_of(value)
            self.provider_cost = openai_usage.cost_in(data)
        failed = failure_of(value)
        if failed is not None:
            self.failure = self.failure or failed
            return
        output = value.get("output")
        items = output if isinstance(output, list) else []
        called = any(isinstance(item, dict) and item.get("type") == "function_call" for item in items)
        self.stop_reason = stop_reason_of(value) or ("tool_use" if called else "end_turn")
