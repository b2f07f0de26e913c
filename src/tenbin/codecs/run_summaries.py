"""2. How a test run ended, by the summary that its runner prints last. Words in between say nothing."""

import re

LOOKED_AT = 4_000
"""Characters of an output's end in which a summary is looked for."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

_FAILED = re.compile(
    r"""^(?:
    =*\ ?(?=[^\n]*\bin\ [\d.]+\ ?s)[^\n]*?\b[1-9]\d*\ (?:failed|errors?)\b   # pytest
    | FAILED\ \((?:failures|errors|unexpected\ successes)=                  # unittest
    | \s*(?:Tests|Test\ Suites|Test\ Files):?\s[^\n]*?\b[1-9]\d*\ failed\b   # jest, vitest
    | \s+[1-9]\d*\ failing\b                                                # mocha
    | test\ result:\ FAILED\.                                               # cargo
    | (?:---\ )?FAIL(?::|\t|\s*$)                                           # go
    | \d+\ (?:examples?|runs?|tests?),[^\n]*?\b[1-9]\d*\ (?:failures?|errors?)\b  # rspec, minitest, mix
    | \[?(?:ERROR|INFO|WARNING)?\]?\s*Tests\ run:\ \d+,\ (?:Failures:\ [1-9]|Failures:\ 0,\ Errors:\ [1-9])  # maven
    | Failed!\s+-                                                           # dotnet
    | FAILURES!$                                                            # phpunit
    | [0-9]{1,2}%\ tests\ passed,\ [1-9]                                    # ctest
    | [#ℹ]\ fail\ [1-9]                                                     # node
    | >\ Task\ \S*[tT]est\S*\ FAILED                                        # gradle
    )""",
    re.MULTILINE | re.VERBOSE,
)
_PASSED = re.compile(
    r"""^(?:
    =*\ ?[^\n]*?\b[1-9]\d*\ passed\b[^\n]*\bin\ [\d.]+\ ?s
    | Ran\ [1-9]\d*\ tests?\ in\ [^\n]*\n\s*\n?OK\b
    | \s*Tests:?\s[^\n]*?\b[1-9]\d*\ passed\b
    | \s+[1-9]\d*\ passing\b
    | test\ result:\ ok\.\ [1-9]
    | ok\s+\S+\s+(?:[\d.]+s|\(cached\))
    | [1-9]\d*\ (?:examples?|runs?|tests?),[^\n]*?\b0\ failures\b
    | \[?(?:INFO)?\]?\s*Tests\ run:\ [1-9]\d*,\ Failures:\ 0,\ Errors:\ 0
    | Passed!\s+-
    | OK\ \([1-9]\d*\ tests?
    | 100%\ tests\ passed,\ 0
    | [#ℹ]\ pass\ [1-9]
    )""",
    re.MULTILINE | re.VERBOSE,
)


def summary(output: str) -> bool | None:
    """True for a run without a failure, False for one with any; None where no runner's summary is found."""
    end = _COLOURS.sub("", output[-LOOKED_AT:])
    if _FAILED.search(end):
        return False
    return True if _PASSED.search(end) else None
