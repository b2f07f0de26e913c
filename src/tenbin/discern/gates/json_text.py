"""7. JSON in an answer's text: found alone, in a code block or between words, and repaired where it is nearly right.

Every way through a text is one pass over its characters, and a text beyond MOST_JSON is not read.
"""

from typing import Any, NamedTuple

import msgspec

from tenbin.discern.gates.code_blocks import code_blocks

MOST_JSON = 1 << 20
"""Characters."""
DEEPEST = 64
"""Arrays and objects within each other. Deeper JSON is no answer to anything, and not every parser survives it."""


class FoundJson(NamedTuple):
    """JSON that parses."""

    value: Any
    alone: bool
    """The text holds nothing else."""
    fenced: bool


class RepairedJson(NamedTuple):
    """JSON that parses now."""

    value: Any
    changes: tuple[str, ...]
    """What was changed, in words; never empty."""


def decoded(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for what is none, or is deeper than DEEPEST or longer than
    MOST_JSON.
    """
    if len(text) > MOST_JSON:
        raise ValueError("it is too long")
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if depth(value) > DEEPEST:
        raise ValueError("it is nested too deep")
    return value


def depth(value: Any) -> int:
    """How many arrays and objects stand within each other, level by level (no recursion)."""
    level = [value]
    found = 0
    while level := [each for each in level if isinstance(each, dict | list)]:
        found += 1
        level = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
    return found


def find_json(text: str) -> FoundJson | None:
    """The JSON of a text: all of it, or its first code block that is JSON, or an object or array between words."""
    if len(text) > MOST_JSON:
        return None
    plain = text.strip()
    try:
        return FoundJson(decoded(plain), True, False)
    except ValueError:
        pass
    for block in code_blocks(plain)[:8]:
        try:
            return FoundJson(decoded(block.text), False, True)
        except ValueError:
            continue
    piece = _outermost(plain)
    try:
        return FoundJson(decoded(piece), False, False) if piece else None
    except ValueError:
        return None


def _outermost(text: str) -> str:
    """From the first bracket to the last one of its kind."""
    begins = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    if not begins:
        return ""
    begin = min(begins)
    end = text.rfind("}" if text[begin] == "{" else "]")
    return text[begin : end + 1] if end > begin else text[begin:]


def repair_json(text: str) -> RepairedJson | None:
    """The nearest JSON: words around it left out, brackets and quotes closed, trailing commas dropped, Python's
    quotes and constants rewritten, line breaks within strings escaped. None where nothing needs repair or it does not
    help.
    """
    if len(text) > MOST_JSON:
        return None
    plain = text.strip()
    try:
        decoded(plain)
        return None
    except ValueError:
        pass
    found = find_json(plain)
    if found is not None:
        return RepairedJson(found.value, ("words around the JSON left out",))
    fenced = [block.text for block in code_blocks(plain) if block.text.lstrip()[:1] in ("{", "[")]
    source = fenced[0].strip() if fenced else plain
    begins = [place for place in (source.find("{"), source.find("[")) if place >= 0]
    if not begins:
        return None
    # Only what stands after the brackets is in question; what stands between words before is left out.
    begin = min(begins)
    rewriter = _Rewriter(source[begin:])
    changes = ["words around the JSON left out"] if fenced or begin else []
    changes += rewriter.changes
    try:
        value = decoded(rewriter.text)
        if not value:
            return None  # A lone bracket says nothing that could be repaired.
        return RepairedJson(value, tuple(dict.fromkeys(changes)) or ("text after it left out",))
    except ValueError:
        return None


_WORDS = {"True": "true", "False": "false", "None": "null", "undefined": "null", "NaN": "null"}
_CLOSE = {"{": "}", "[": "]"}


class _Rewriter:
    """One pass over nearly-JSON that begins with a bracket."""

    def __init__(self, source: str) -> None:
        self.changes: list[str] = []
        self._source = source
        self._out: list[str] = []
        self._open: list[str] = []
        self.text = self._rewrite()

    def _change(self, what: str) -> None:
        if what not in self.changes:
            self.changes.append(what)

    def _rewrite(self) -> str:
        place, source = 0, self._source
        while place < len(source):
            letter = source[place]
            if letter in "\"'":
                place = self._string(place)
            elif letter in "{[":
                self._open.append(_CLOSE[letter])
                self._out.append(letter)
                place += 1
            elif letter in "}]":
                self._close(letter)
                place += 1
                if not self._open:
                    return "".join(self._out)  # What follows the whole value is no part of it.
            elif letter.isalpha() or letter == "_":
                place = self._word(place)
            else:
                self._out.append(letter)
                place += 1
        if self._open:
            self._change("missing brackets added")
            self._drop_comma()
            if "".join(self._out[-1:]) == ":":
                self._out.append("null")
            while self._open:
                self._out.append(self._open.pop())
        return "".join(self._out)

    def _close(self, letter: str) -> None:
        self._drop_comma()
        while self._open and self._open[-1] != letter and letter in self._open:
            self._out.append(self._open.pop())
            self._change("missing brackets added")
        if self._open and self._open[-1] == letter:
            self._out.append(self._open.pop())
        else:
            self._change("surplus brackets left out")

    def _drop_comma(self) -> None:
        while self._out and self._out[-1].isspace():
            self._out.pop()
        if self._out and self._out[-1] == ",":
            self._out.pop()
            self._change("trailing commas left out")

    def _word(self, place: int) -> int:
        end = place
        while end < len(self._source) and (self._source[end].isalnum() or self._source[end] in "_-$."):
            end += 1
        word = self._source[place:end]
        if word in ("true", "false", "null") or (self._out and self._out[-1][-1:].isdigit()):
            self._out.append(word)
        elif word in _WORDS:
            self._out.append(_WORDS[word])
            self._change("constants of Python rewritten")
        else:
            self._out.append(msgspec.json.encode(word).decode())
            self._change("quotes added")
        return end

    def _string(self, place: int) -> int:
        quote, source = self._source[place], self._source
        pieces: list[str] = []
        place += 1
        while place < len(source) and source[place] != quote:
            letter = source[place]
            if letter == "\\" and place + 1 < len(source):
                after = source[place + 1]
                pieces.append(after if after == "'" else letter + after)
                place += 2
                continue
            if letter == "\\":
                break
            if letter == '"':
                pieces.append('\\"')
            elif letter < " ":
                pieces.append(msgspec.json.encode(letter).decode()[1:-1])
                self._change("control characters escaped")
            else:
                pieces.append(letter)
            place += 1
        if place >= len(source):
            self._change("an open string closed")
        if quote == "'":
            self._change("single quotes rewritten")
        self._out.append('"' + "".join(pieces) + '"')
        return place + 1
