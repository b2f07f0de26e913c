"""2. What the results of the last answer's tool calls say of it, in kinds and counts. docs/evidence.md lists them.

Clients say how a tool went in their own fixed words; only those are looked for, at the place where each client puts
them: what a file, a log or a web page says is nobody's outcome. Precision goes before recall.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import msgspec

from tenbin.codecs.commands import read_command
from tenbin.codecs.openai_json import decoded
from tenbin.codecs.run_summaries import summary
from tenbin.core.signal import Sighting, SignalKind
from tenbin.core.sketch import ToolResult, Trail

Written: TypeAlias = str | msgspec.Raw

MOST_BYTES = 65_536
"""Of a result that is decoded as a whole; of a longer one, the head and the tail."""
HEAD, TAIL, ENDING = 1_500, 4_096, 200
"""Characters that are looked at; ENDING is where some clients put the exit code."""
MOST_INPUT_BYTES = 8_192
"""Of a call's arguments: a longer one is a file to be written."""
MOST_REFUSAL = 2_000
"""Characters of a client's own word that the person did not let a call happen; the person's reason may stand in it."""
READ_TIMES = 3
"""The same part of a file read so often within a turn, unchanged in between, is once too often."""

SHELLS = frozenset(
    (
        "bash",
        "shell",
        "local_shell",
        "shell_command",
        "run_shell_command",
        "exec_command",
        "execute_command",
        "run_command",
        "run_terminal_cmd",
        "run_in_terminal",
        "execute_bash",
        "container.exec",
        "terminal",
    )
)
EDITORS = frozenset(
    (
        "edit",
        "multiedit",
        "multi_edit",
        "write",
        "notebookedit",
        "str_replace_editor",
        "str_replace_based_edit_tool",
        "apply_patch",
        "apply_diff",
        "patch",
        "edit_file",
        "create_file",
        "write_file",
        "write_to_file",
        "replace",
        "replace_in_file",
        "replace_string_in_file",
        "search_replace",
    )
)
READERS = frozenset(("read", "read_file", "view", "view_file", "open_file", "notebookread"))

_DECLINED = (
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "The user rejected permission to use this specific tool call",
    "[Request interrupted by user for tool use]",
    "exec command rejected by user",
    "patch rejected by user",
    "rejected by user",
    "[Operation Cancelled] Reason: User did not allow tool call",
    "The user denied this operation",
    "User denied",
)
_NOT_ALLOWED = ("Claude requested permissions", "Permission to use", "This command requires approval")
"""Nobody has decided anything about the answer."""
_MISUSED = re.compile(
    r"(?:Error: )?(?:InputValidationError|No such tool available|unsupported call: |failed to parse function arguments"
    r"|Model tried to call unavailable tool|Tool \"[^\"]{1,80}\" not found|Unknown tool|Invalid tool parameters"
    r"|The \S{1,60} tool was called with invalid arguments|params(?:/\S+)? must |Invalid parameters provided)"
)
_NOT_APPLIED = re.compile(
    r"(?:Error: |error: |Failed to edit, |apply_patch verification failed: |Edit failed: )*"
    r"(?:String to replace not found|Found \d+ matches of the string to replace|oldString not found"
    r"|oldString and newString must be different|No changes to make: old_string and new_string are exactly the same"
    r"|Found multiple matches for oldString|Failed to find (?:expected lines|context)|[Cc]ould not find the string"
    r"|No replacement was performed|No match found for replacement|Multiple occurrences of old_str|patch does not apply"
    r"|Hunk #\d+ FAILED|No sufficiently similar match|The string to replace was not found|0 occurrences found"
    r"|invalid patch|Invalid patch|expected \d+ occurrences? but found)"
)
_APPLIED = re.compile(
    r"(?:The file:? \S+ has been (?:updated|edited|created|modified)|File created successfully|File updated"
    r"|Applied \d+ edits?|Success\. Updated the following files|Successfully (?:modified|created|wrote|edited|replaced)"
    r"|Edit applied successfully|Wrote file successfully|Updated \d+ files?)"
)
_EXIT_CODE = re.compile(
    r"\A\s*(?:Error: |Error\n)?(?:<exit_code>|<returncode>|[Ee]xit code:? |Command failed with exit code )(-?\d+)"
    r"|^Process exited with code (-?\d+)$"
    r"|^Exit Code: (-?\d+)$"
    r"|^\[(?:The c|C)ommand (?:finished|completed) with exit code (-?\d+)\.?\]",
    re.MULTILINE,
)
_COMMITTED = re.compile(r"^\[[^\s\[\]]{1,120}(?: \(root-commit\))? [0-9a-f]{7,40}\] ", re.MULTILINE)
_STOPPED = frozenset((124, 130, 137, 143, -1, -2, -9, -15))
"""Exit codes of a command that somebody ended, or whose time was up."""
_TESTS_FAILED = frozenset((1, 101))
"""Exit codes with which a runner says that a test failed; others say that it could not run."""


class _Seen(NamedTuple):
    """A result beside its call."""

    tool: str
    """In lower case, without the name of an MCP server."""
    spelt: str
    input: Written
    head: str
    text: str
    failed: bool | None


def sightings(trail: Trail) -> tuple[Sighting, ...]:
    """What the results say. Bounded: MOST_RESULTS of them, each as far as HEAD and TAIL reach."""
    counted: Counter[SignalKind] = Counter()
    for seen in _results(trail):
        kind = _kind(seen)
        if kind is not None:
            counted[kind] += 1
    if trail.results and _read_again(trail):
        counted["read_again"] += 1
    return tuple(Sighting(kind, count) for kind, count in counted.items())


def _results(trail: Trail) -> Iterator[_Seen]:
    calls = {_text(call.id): call for call in trail.calls[len(trail.calls) - trail.last_calls :]}
    for result in trail.results:
        call = calls.get(_text(result.id))
        if call is None:
            continue  # Of an answer before, or of one that was taken out of the conversation.
        text = _content(result)
        spelt = _text(call.tool)
        yield _Seen(_plain(spelt), spelt, call.input, text[:HEAD].lstrip(), text, result.failed)


def _kind(seen: _Seen) -> SignalKind | None:
    head = seen.head.removeprefix("<tool_use_error>").lstrip()
    if seen.failed is not False and head.startswith(_DECLINED) and len(seen.text) < MOST_REFUSAL:
        return "declined"
    if head.startswith(_NOT_ALLOWED):
        return None
    if seen.failed is not False and _MISUSED.match(head):
        return "tool_misused"
    if seen.tool in EDITORS:
        return _edit(seen, head)
    return _command(seen) if seen.tool in SHELLS else None


def _edit(seen: _Seen, head: str) -> SignalKind | None:
    if head.startswith('{"'):
        # Codex wraps what came of it.
        value = decoded(_bytes(seen.text))
        head = str(value.get("output", ""))[:HEAD] if isinstance(value, dict) else head
    elif head.startswith("Exit code: "):
        head = head.partition("Output:\n")[2]
    if seen.failed is not False and _NOT_APPLIED.match(head):
        return "edit_failed"
    if not seen.failed and _APPLIED.match(head):
        return "edit_applied"
    return None


def _command(seen: _Seen) -> SignalKind | None:
    line = _command_line(seen.input)
    if not line:
        return None
    command, output, code = read_command(line), *_ended(seen)
    if command.tests:
        passed = summary(output)
        if passed is None and command.runner and command.trusted and code is not None:
            passed = True if code == 0 else False if code in _TESTS_FAILED else None
        elif passed and command.trusted and code in _TESTS_FAILED:
            passed = None  # The two contradict each other.
        return None if passed is None else "tests_passed" if passed else "tests_failed"
    if command.commits:
        made = _COMMITTED.search(output[:TAIL]) is not None or (command.trusted and code == 0)
        return "committed" if made and not code else None
    if code is None or code == 0 or code in _STOPPED or command.answers:
        return None
    return "command_failed"


def _ended(seen: _Seen) -> tuple[str, int | None]:
    """A command's output and exit code; None where the client does not tell it."""
    if seen.head.startswith("{"):
        # Codex: {"output": ..., "metadata": {"exit_code": 0, ...}}
        value = decoded(_bytes(seen.text))
        if isinstance(value, dict):
            metadata, output = value.get("metadata"), value.get("output")
            code = metadata.get("exit_code") if isinstance(metadata, dict) else value.get("exit_code")
            return output if isinstance(output, str) else "", code if isinstance(code, int) else None
    found = _EXIT_CODE.search(seen.head) or _EXIT_CODE.search(seen.text[-ENDING:])
    if found is not None:
        return seen.text, int(next(group for group in found.groups() if group is not None))
    # Claude Code names an exit code only where it is not 0; other clients that give their tool this name do not.
    return seen.text, 0 if seen.spelt == "Bash" and seen.failed is False else None


def _read_again(trail: Trail) -> bool:
    """Whether the last answer read a part of a file that was read twice before in this turn, with no edit between."""
    first_of_last = len(trail.calls) - trail.last_calls
    times: Counter[bytes] = Counter()
    for place, call in enumerate(trail.calls):
        tool = _plain(_text(call.tool))
        if tool in EDITORS or tool in SHELLS:
            times.clear()
        elif tool in READERS and len(_bytes(call.input)) <= MOST_INPUT_BYTES:
            key = _bytes(call.input)
            times[key] += 1
            if place >= first_of_last and times[key] >= READ_TIMES:
                return True
    return False


def _command_line(given: Written) -> str:
    if len(_bytes(given)) > 4 * MOST_INPUT_BYTES:
        return ""
    value = decoded(_bytes(given))
    if isinstance(value, str):
        value = decoded(_bytes(value))
    if not isinstance(value, dict):
        return ""
    command = next((value[name] for name in ("command", "cmd", "script", "CommandLine") if name in value), None)
    if isinstance(command, list):
        words = [str(word) for word in command]
        # ["bash", "-lc", "pytest -q"]
        return words[2] if len(words) == 3 and words[1] in ("-lc", "-c") else " ".join(words)
    return command if isinstance(command, str) else ""


def _plain(tool: str) -> str:
    return tool.rsplit("__", 1)[-1].lower() if tool.startswith("mcp__") else tool.lower()


def _text(written: Written) -> str:
    if isinstance(written, str):
        return written
    value = decoded(bytes(written))
    return value[:200] if isinstance(value, str) else ""


def _bytes(written: Written) -> bytes:
    return written.encode("utf-8", "replace") if isinstance(written, str) else bytes(written)


def _content(result: ToolResult) -> str:
    """A result's text: the whole of a short one, of a long one head and tail."""
    content = result.content
    if isinstance(content, str):
        return content if len(content) <= MOST_BYTES else f"{content[:HEAD]}\n{content[-TAIL:]}"
    size = len(memoryview(content))
    if size > MOST_BYTES and bytes(memoryview(content)[:1]) == b'"':
        view = memoryview(content)
        return f"{_loose(bytes(view[1:HEAD]))}\n{_loose(bytes(view[size - TAIL : size - 1]))}"
    if size > 4 * MOST_BYTES:
        return ""
    value = decoded(bytes(content))
    if isinstance(value, list):
        return "\n".join(
            str(part["text"]) for part in value if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return value if isinstance(value, str) else ""


def _loose(piece: bytes) -> str:
    """A piece cut out of a JSON string: line ends and quotes as they were; what was cut in two is left as it is."""
    text = piece.decode("utf-8", "replace")
    return text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
