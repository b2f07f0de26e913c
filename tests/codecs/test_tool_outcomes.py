"""What tool results say of the answer that asked for them: bodies as the clients write them, and what only looks so."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.registry import dialect
from tenbin.codecs.tool_outcomes import HEAD, MOST_BYTES, sightings
from tenbin.core.target import DialectName

PYTEST_FAILED = """============================= test session starts ==============================
collected 14 items

tests/test_cart.py ..F...........                                        [100%]

=================================== FAILURES ===================================
E       AssertionError: assert 107 == 110
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_total - AssertionError: assert 107 == 110
========================= 1 failed, 13 passed in 0.31s ========================="""
PYTEST_PASSED = "..............                                                   [100%]\n14 passed, 1 warning in 0.29s"
CAT_N = "The file /app/cart.py has been updated. Here's the result of running `cat -n` on a snippet:\n     1\treturn 1"


def claude_code(tool: str, given: Any, result: Any, failed: bool = False) -> bytes:
    """A turn of Claude Code."""
    block = {"type": "tool_result", "tool_use_id": "toolu_1", "content": result} | (
        {"is_error": True} if failed else {}
    )
    return body(
        [
            {"role": "user", "content": "Fix the cart."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": tool, "input": given}]},
            {"role": "user", "content": [block]},
        ]
    )


def opencode(tool: str, given: Any, result: str, failed: bool = False) -> bytes:
    """A turn of opencode or Qwen Code over Chat Completions."""
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": json.dumps(given)}}
    return body(
        [
            {"role": "system", "content": "You are a coding agent."},
            {"role": "user", "content": "Fix the cart."},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": result},
        ]
    )


def codex(tool: str, given: Any, result: str, failed: bool = False) -> bytes:
    """A turn of Codex over the Responses API; what is no object is a free-form tool's input."""
    if isinstance(given, str):
        call = {"type": "custom_tool_call", "call_id": "call_1", "name": tool, "input": given}
        output = {"type": "custom_tool_call_output", "call_id": "call_1", "output": result}
    else:
        call = {"type": "function_call", "call_id": "call_1", "name": tool, "arguments": json.dumps(given)}
        output = {"type": "function_call_output", "call_id": "call_1", "output": result}
    items = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix it."}]}, call, output]
    return json.dumps({"model": "auto", "input": items}).encode()


def ollama(tool: str, given: Any, result: str, failed: bool = False) -> bytes:
    """A turn of a client of Ollama's."""
    return body(
        [
            {"role": "user", "content": "Fix the cart."},
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": tool, "arguments": given}}]},
            {"role": "tool", "tool_name": tool, "content": result},
        ]
    )


def body(messages: list[Any]) -> bytes:
    return json.dumps({"model": "auto", "max_tokens": 100, "messages": messages}, ensure_ascii=False).encode()


SPOKEN: dict[Any, DialectName] = {
    claude_code: "anthropic",
    opencode: "openai_chat",
    codex: "openai_responses",
    ollama: "ollama_chat",
}


def seen(name: DialectName, raw: bytes) -> dict[str, int]:
    trail = dialect(name).sketch(raw).trail
    assert trail is not None
    return {one.kind: one.count for one in sightings(trail)}


def run(command: str) -> dict[str, str]:
    return {"command": command, "description": "x"}


TOLD: list[tuple[Any, str, Any, str, bool, str]] = [
    # Claude Code 2.1
    (claude_code, "Bash", run("cd /app && python -m pytest -q"), f"Exit code 1\n{PYTEST_FAILED}", True, "tests_failed"),
    (claude_code, "Bash", run("pytest -q 2>&1 | tail -20"), PYTEST_FAILED, False, "tests_failed"),
    (claude_code, "Bash", run("uv run pytest"), PYTEST_PASSED, False, "tests_passed"),
    (
        claude_code,
        "Bash",
        run("CI=1 npm test -- --watch=false"),
        "Tests:       3 passed, 3 total",
        False,
        "tests_passed",
    ),
    (claude_code, "Bash", run("npx vitest run"), " Tests  1 failed | 3 passed (4)", True, "tests_failed"),
    (
        claude_code,
        "Bash",
        run("cargo test"),
        "test result: FAILED. 3 passed; 1 failed; 0 ignored",
        True,
        "tests_failed",
    ),
    (
        claude_code,
        "Bash",
        run("go test ./..."),
        "ok  \tacme/cart\t0.012s\nok  \tacme/tax\t(cached)",
        False,
        "tests_passed",
    ),
    (
        claude_code,
        "Bash",
        run("go test ./..."),
        "--- FAIL: TestTotal (0.00s)\nFAIL\tacme/cart\t0.01s",
        True,
        "tests_failed",
    ),
    (claude_code, "Bash", run("vitest --silent"), "", False, "tests_passed"),
    (claude_code, "Bash", run("cd app && pytest -q 2>&1"), "Exit code 1\nF", True, "tests_failed"),
    (claude_code, "Edit", {"file_path": "/a"}, CAT_N, False, "edit_applied"),
    (
        claude_code,
        "Edit",
        {"file_path": "/a"},
        "<tool_use_error>String to replace not found in file.\nString: x</tool_use_error>",
        True,
        "edit_failed",
    ),
    (
        claude_code,
        "Grep",
        {},
        "<tool_use_error>InputValidationError: Grep failed due to this issue:\nThe required parameter `pattern` "
        "is missing</tool_use_error>",
        True,
        "tool_misused",
    ),
    (
        claude_code,
        "Search",
        {},
        "<tool_use_error>Error: No such tool available: Search</tool_use_error>",
        True,
        "tool_misused",
    ),
    (
        claude_code,
        "Edit",
        {"file_path": "/a"},
        "The user doesn't want to proceed with this tool use. The tool use was rejected (if it was an edit, the "
        "new_string was NOT written to the file). STOP what you are doing and wait.",
        True,
        "declined",
    ),
    (
        claude_code,
        "Bash",
        run('git commit -m "Fix the total"'),
        "[main 1a2b3c4] Fix the total\n 1 file",
        False,
        "committed",
    ),
    (claude_code, "Bash", run("git add -A && git commit -qm 'x'"), "", False, "committed"),
    (claude_code, "Bash", run("python migrate.py"), "Exit code 1\nKeyError: 'tax'", True, "command_failed"),
    (
        claude_code,
        "Bash",
        run("pytest -q"),
        "Exit code 1\n1 failed, 3 passed in 0.12s\n合計が違います",
        True,
        "tests_failed",
    ),
    # opencode, Qwen Code
    (opencode, "edit", {"filePath": "/a"}, "Error: oldString not found in content", False, "edit_failed"),
    (opencode, "write", {"filePath": "/a"}, "Wrote file successfully.", False, "edit_applied"),
    (opencode, "bash", run("pytest"), PYTEST_FAILED, False, "tests_failed"),
    (
        opencode,
        "run_shell_command",
        run("python app.py"),
        "Command: python app.py\nDirectory: (root)\nOutput: Traceback\nError: (none)\nExit Code: 1\nSignal: (none)",
        False,
        "command_failed",
    ),
    (opencode, "replace", {}, "Failed to edit, could not find the string to replace.", False, "edit_failed"),
    (
        opencode,
        "bash",
        run("ls"),
        "The user rejected permission to use this specific tool call. You may try",
        False,
        "declined",
    ),
    # Codex
    (
        codex,
        "shell",
        {"command": ["bash", "-lc", "pytest -q"]},
        json.dumps({"output": PYTEST_PASSED, "metadata": {"exit_code": 0}}),
        False,
        "tests_passed",
    ),
    (
        codex,
        "shell",
        {"command": ["python", "x.py"]},
        json.dumps({"output": "boom", "metadata": {"exit_code": 1}}),
        False,
        "command_failed",
    ),
    (
        codex,
        "exec_command",
        {"cmd": "cargo test"},
        "Chunk ID: 1\nWall time: 1 s\nProcess exited with code 101\nOutput:\ntest result: FAILED. 1 passed; 1 failed",
        False,
        "tests_failed",
    ),
    (
        codex,
        "shell_command",
        run("git commit -m x"),
        "Exit code: 0\nWall time: 0 seconds\nOutput:\n[main (root-commit) abcdef1] x",
        False,
        "committed",
    ),
    (
        codex,
        "apply_patch",
        "*** Begin Patch",
        "apply_patch verification failed: Failed to find expected lines in a.py",
        False,
        "edit_failed",
    ),
    (
        codex,
        "apply_patch",
        "*** Begin Patch",
        "Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess. Updated the following files:\nM a.py",
        False,
        "edit_applied",
    ),
    (
        codex,
        "apply_patch",
        {"input": "x"},
        json.dumps({"output": "Success. Updated the following files:\nM a", "metadata": {"exit_code": 0}}),
        False,
        "edit_applied",
    ),
    # Clients of Ollama's
    (ollama, "bash", run("pytest"), PYTEST_FAILED, False, "tests_failed"),
    (ollama, "edit_file", {"path": "a"}, "Successfully edited a", False, "edit_applied"),
]

NOTHING: list[tuple[Any, str, Any, Any, bool]] = [
    (
        claude_code,
        "Read",
        {"file_path": "/t/test_cart.py"},
        '     1\tprint("error: 3 failed in 1s")\n     2\traise',
        False,
    ),
    (claude_code, "Bash", run("cat tests/test_cart.py"), "FAILED (failures=1)\n1 failed, 2 passed in 3.1s", False),
    (claude_code, "Bash", run("grep -rn total src/"), "Exit code 1", True),
    (claude_code, "Bash", run("cd src && rg total"), "Exit code 1", True),
    (claude_code, "Bash", run("diff a b"), "Exit code 1\n1c1", True),
    (claude_code, "Bash", run("git diff --exit-code"), "Exit code 1", True),
    (claude_code, "Bash", run("test -f x && echo yes"), "Exit code 1", True),
    (claude_code, "Bash", run("python serve.py"), "Exit code 143\nTerminated", True),
    (claude_code, "Bash", run("python a.py || true"), "KeyError", False),
    (claude_code, "Bash", run("pytest --collect-only -q"), "14 tests collected in 0.1s", False),
    (claude_code, "Bash", run("pytest -q | tee log"), "no output", False),
    (claude_code, "Bash", run("pytest -q"), "Exit code 5\nno tests ran in 0.01s", True),
    (claude_code, "Bash", run("pytest -q"), "Exit code 127\npytest: command not found", True),
    (claude_code, "Bash", run("npm test"), 'Exit code 1\nnpm error Missing script: "test"', True),
    (claude_code, "Bash", run('echo "run pytest && git commit"'), "run pytest && git commit", False),
    (claude_code, "Bash", run("git commit -m 'x'"), "Exit code 1\nnothing to commit, working tree clean", True),
    (claude_code, "Bash", run("git commit --dry-run"), "On branch main", False),
    (claude_code, "Bash", run("git log --grep commit"), "[main 1a2b3c4] x", False),
    (
        claude_code,
        "Edit",
        {"file_path": "/a"},
        "Claude requested permissions to write to /a, but you haven't granted it yet.",
        True,
    ),
    (
        claude_code,
        "Edit",
        {"file_path": "/a"},
        "<tool_use_error>File has been modified since read, either by the user or by a linter.</tool_use_error>",
        True,
    ),
    (claude_code, "WebFetch", {"url": "u"}, "The user doesn't want to proceed with this tool use, says a forum", False),
    (claude_code, "Bash", run("python run.py"), "all went well although 3 errors are in the log", False),
    (claude_code, "Edit", {"file_path": "/a"}, [{"type": "image", "source": {"type": "base64", "data": "AA"}}], False),
    (opencode, "bash", run("cat log.txt"), "Error: oldString not found in content", False),
    (opencode, "bash", run("python app.py"), "Traceback (most recent call last):\nKeyError", False),
    (opencode, "read", {"filePath": "x"}, "<file>\n00001| Exit Code: 1\n</file>", False),
    (opencode, "grep", {"pattern": "x"}, "No files found", False),
    (codex, "shell", {"command": ["rg", "x"]}, json.dumps({"output": "", "metadata": {"exit_code": 1}}), False),
]


@pytest.mark.parametrize(("client", "tool", "asked", "result", "failed", "kind"), TOLD)
def test_what_a_client_says_of_a_tool_is_read(
    client: Any, tool: str, asked: Any, result: str, failed: bool, kind: str
) -> None:
    assert seen(SPOKEN[client], client(tool, asked, result, failed)) == {kind: 1}


@pytest.mark.parametrize(("client", "tool", "asked", "result", "failed"), NOTHING)
def test_what_only_looks_like_it_says_nothing(client: Any, tool: str, asked: Any, result: Any, failed: bool) -> None:
    assert seen(SPOKEN[client], client(tool, asked, result, failed)) == {}


def test_several_results_of_one_answer_are_told_apart_in_any_order() -> None:
    calls = [
        {"type": "tool_use", "id": f"t{number}", "name": name, "input": given}
        for number, (name, given) in enumerate([("Bash", run("pytest")), ("Edit", {}), ("Edit", {})])
    ]
    results = [
        {"type": "tool_result", "tool_use_id": "t2", "content": CAT_N},
        {"type": "tool_result", "tool_use_id": "t0", "content": PYTEST_PASSED},
        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": CAT_N}]},
    ]
    raw = body(
        [
            {"role": "user", "content": "Fix it"},
            {"role": "assistant", "content": calls},
            {"role": "user", "content": results},
        ]
    )
    assert seen("anthropic", raw) == {"edit_applied": 2, "tests_passed": 1}


def test_only_the_last_answers_results_count() -> None:
    first = json.loads(claude_code("Bash", run("pytest"), PYTEST_FAILED))["messages"]
    more = [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t9", "name": "Read", "input": {"file_path": "a"}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9", "content": "1\tx"}]},
    ]
    assert seen("anthropic", body(first + more)) == {}


@pytest.mark.parametrize(("between", "told"), [((), {"read_again": 1}), (("Edit",), {}), (("Bash",), {})])
def test_a_file_read_again_and_again_is_seen_unless_something_changed(between: Any, told: dict[str, int]) -> None:
    tools = ["Read", "Read", *between, "Read"]
    messages: list[Any] = [{"role": "user", "content": "Look"}]
    for number, tool in enumerate(tools):
        given = {"file_path": "/app/cart.py", "offset": 1}
        messages += [
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{number}", "name": tool, "input": given}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{number}", "content": "1\tx"}]},
        ]
    assert seen("anthropic", body(messages)) == told
    messages[-4 if between else 1]["content"][0]["input"] = {"file_path": "/app/tax.py"}
    assert seen("anthropic", body(messages)) == {}, "another file is another file"


def test_of_a_long_output_head_and_tail_are_looked_at() -> None:
    noise = "noise " * MOST_BYTES
    raw = claude_code("Bash", run("pytest -v"), f"Exit code 1\n{noise}\n{PYTEST_FAILED}", True)
    assert seen("anthropic", raw) == {"tests_failed": 1}
    raw = claude_code("Bash", run("pytest -v"), f"{noise}\n{PYTEST_FAILED}\n{noise}", True)
    assert seen("anthropic", raw) == {}
    assert len(noise) > HEAD


def test_the_first_request_has_no_trail() -> None:
    assert dialect("anthropic").sketch(body([{"role": "user", "content": "Hi"}])).trail is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=20) | st.integers(),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "text", "command", "output", "id"]), x, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["Bash", "Edit", "apply_patch", "Read"]),
    st.sampled_from(list(SPOKEN)),
)
def test_whatever_stands_there_is_read_without_harm(anything: Any, tool: str, client: Any) -> None:
    result = anything if client is claude_code else json.dumps(anything)
    trail = dialect(SPOKEN[client]).sketch(client(tool, anything, result)).trail
    if trail is not None:
        assert isinstance(sightings(trail), tuple)
