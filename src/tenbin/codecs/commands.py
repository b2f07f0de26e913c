"""2. What a shell command of a coding agent is for, and whose exit code it ends with: a look, no shell grammar."""

import re
from typing import NamedTuple

MOST_CHARACTERS = 2_000
"""Of a command that is looked at: its head."""

_PARTS = re.compile(r"(&&|\|\||;|\n|\||(?<![>&])&(?![>&]))")
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_WRAPPERS = frozenset(
    ("time", "env", "sudo", "nice", "nohup", "command", "exec", "xvfb-run", "npx", "bunx", "uvx", "pipx", "stdbuf")
)
_RUNS = frozenset(("poetry", "uv", "pdm", "hatch", "rye", "pipenv", "bundle", "pnpm", "yarn", "bun", "dotenv", "conda"))
_RUN_WORDS = frozenset(("run", "exec", "dlx", "--"))
_LISTING = frozenset(
    ("--collect-only", "--co", "--version", "--help", "-h", "--list", "--list-tests", "--no-run", "-l")
)

RUNNERS = frozenset(
    (
        "pytest",
        "py.test",
        "unittest",
        "nose2",
        "tox",
        "nox",
        "jest",
        "vitest",
        "mocha",
        "ava",
        "jasmine",
        "rspec",
        "phpunit",
        "ctest",
        "trial",
    )
)
"""Programs that run tests and do nothing else: their exit code alone tells how it went."""
_TEST_WORDS: dict[str, frozenset[str]] = {
    "npm": frozenset(("test", "t")),
    "pnpm": frozenset(("test", "t")),
    "yarn": frozenset(("test",)),
    "bun": frozenset(("test",)),
    "deno": frozenset(("test",)),
    "cargo": frozenset(("test", "nextest")),
    "go": frozenset(("test",)),
    "make": frozenset(("test", "tests", "check")),
    "mvn": frozenset(("test", "verify")),
    "mvnw": frozenset(("test", "verify")),
    "gradle": frozenset(("test", "check")),
    "gradlew": frozenset(("test", "check")),
    "dotnet": frozenset(("test",)),
    "rails": frozenset(("test",)),
    "rake": frozenset(("test", "spec")),
    "mix": frozenset(("test",)),
    "swift": frozenset(("test",)),
    "zig": frozenset(("test",)),
    "flutter": frozenset(("test",)),
    "manage.py": frozenset(("test",)),
    "artisan": frozenset(("test",)),
    "just": frozenset(("test", "tests", "check")),
}

ANSWERING = frozenset(
    (
        "grep",
        "egrep",
        "fgrep",
        "rg",
        "ag",
        "ack",
        "diff",
        "cmp",
        "test",
        "[",
        "[[",
        "which",
        "type",
        "command",
        "pgrep",
        "pidof",
        "find",
        "fd",
        "ls",
        "cat",
        "head",
        "tail",
        "stat",
        "file",
        "wc",
        "curl",
        "wget",
        "ping",
        "nc",
        "ps",
        "lsof",
        "kill",
        "pkill",
        "timeout",
        "expr",
        "false",
        "sleep",
        "git",
        "gh",
    )
)
"""Programs whose exit code other than 0 is an answer (nothing found, they differ, it is not there), no mistake."""


class Command(NamedTuple):
    """A shell command, as far as signals look at it."""

    tests: bool = False
    """It runs tests."""
    runner: bool = False
    """By a program that does nothing else."""
    commits: bool = False
    """It makes a commit."""
    answers: bool = False
    """That it fails may be the answer that was looked for."""
    trusted: bool = False
    """The exit code is that of what it was for: nothing stands behind it that could hide it."""


def read_command(command: str) -> Command:
    """Read a command line. What is quoted, or in a here-document, is no command."""
    text = _QUOTED.sub("''", command[:MOST_CHARACTERS].partition("<<")[0])
    pieces = _PARTS.split(text)
    simple, joints = pieces[0::2], pieces[1::2]
    words = [_words(piece) for piece in simple]
    places = [place for place, one in enumerate(words) if one]
    if not places:
        return Command()
    tests = [place for place in places if _tests(words[place])]
    commits = [place for place in places if _commits(words[place])]
    meant = (tests or commits or places)[-1]
    # `a && b` ends with b's code, or with that of the one which failed; behind `;`, `|` or `||` it is another's.
    trusted = meant == places[-1] and "||" not in joints and "|" not in joints[meant:]
    return Command(
        tests=bool(tests),
        runner=bool(tests) and words[meant][0] in RUNNERS,
        commits=bool(commits) and not tests,
        answers=not trusted or any(words[place][0] in ANSWERING for place in places),
        trusted=trusted,
    )


def _words(piece: str) -> list[str]:
    """The words of a simple command from its program on: assignments and what only starts another program left out."""
    words = piece.strip("(){} \t\r").split()
    while words:
        first = words[0].rsplit("/", 1)[-1]
        if _ASSIGNMENT.match(words[0]) or first in _WRAPPERS:
            words = words[1:]
            while words and words[0].startswith("-"):
                words = words[2:] if words[0] in ("-n", "-u") else words[1:]
        elif first == "timeout" and len(words) > 2:
            words = words[3:] if words[1] in ("-s", "-k") else words[2:]
        elif first in _RUNS and len(words) > 1 and words[1] in _RUN_WORDS:
            words = words[2:]
            while words and words[0].startswith("-"):
                words = words[1:]
        elif first.startswith("python") and len(words) > 2 and words[1] == "-m":
            words = words[2:]
        elif (
            first.startswith(("python", "php", "ruby"))
            and len(words) > 2
            and words[1].endswith(("manage.py", "artisan"))
        ):
            words = [words[1].rsplit("/", 1)[-1], *words[2:]]
        else:
            return [first, *words[1:]]
    return []


def _tests(words: list[str]) -> bool:
    if not _LISTING.isdisjoint(words[1:]):
        return False
    if words[0] in RUNNERS:
        return True
    known = _TEST_WORDS.get(words[0])
    if known is None:
        return False
    given = [word for word in words[1:] if not word.startswith("-")]
    if words[0] in ("npm", "pnpm", "yarn", "bun") and given[:1] == ["run"]:
        given = given[1:]
        return bool(given) and given[0].split(":")[0] in ("test", "tests")
    return bool(given) and given[0] in known


def _commits(words: list[str]) -> bool:
    if words[0] != "git" or "--dry-run" in words:
        return False
    given = words[1:]
    while len(given) > 1 and given[0] in ("-C", "-c"):
        given = given[2:]
    return given[:1] == ["commit"]
