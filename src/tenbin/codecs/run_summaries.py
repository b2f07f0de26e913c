"""2. How a test run ended, by the summary that its runner prints last. Words in between say nothing."""

import re

LOOKED_AT, LINES = 4_000, 60
"""Characters and lines of an output's end in which a summary is looked for."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

_FAILED = re.compile(
    r"""^(?:
    =*+\ ?+(?=[^\n]*?\bin\ \d[\d.]*+\ ?s)[^\n]*?\b[1-9]\d*+\ (?:failed|errors?)\b   # pytest
    | FAILED\ \((?:failures|errors|unexpected\ successes)=                  # unittest
    | [\ \t]*+(?:Tests|Test\ Suites|Test\ Files):?\ [^\n]*?\b[1-9]\d*\ failed\b   # jest, vitest
    | [\ \t]++[1-9]\d*+\ failing\b                                              # mocha
    | test\ result:\ FAILED\.                                               # cargo
    | (?:---\ )?FAIL(?::|\t|[\ ]?$)                                        # go
    | \d{1,9}\ (?:examples?|runs?|tests?),[^\n]*?\b[1-9]\d*\ (?:failures?|errors?)\b  # rspec, minitest, mix
    | \[?(?:ERROR|INFO)?\]?[\ ]?Tests\ run:\ \d{1,9},\ (?:Failures:\ [1-9]|Failures:\ 0,\ Errors:\ [1-9])  # maven
    | Failed!\ +-                                                           # dotnet
    | FAILURES!$                                                            # phpunit
    | [0-9]{1,2}%\ tests\ passed,\ [1-9]                                    # ctest
    | [#ℹ]\ fail\ [1-9]                                                     # node
    | >\ Task\ :\S{0,99}?[tT]est\S{0,40}\ FAILED                                        # gradle
    )""",
    re.MULTILINE | re.VERBOSE,
)
_PASSED = re.compile(
    r"""^(?:
    =*+\ ?+[^\n]*?\b[1-9]\d*+\ passed\b[^\n]*?\bin\ \d[\d.]*+\ ?s
    | Ran\ [1-9]\d*+\ tests?\ in\ [^\n]*+\n{1,3}OK\b
    | [\ \t]*+Tests:?\ [^\n]*?\b[1-9]\d*+\ passed\b
    | [\ \t]++[1-9]\d*+\ passing\b
    | test\ result:\ ok\.\ [1-9]
    | ok[\ \t]++\S++[\ \t]++(?:[\d.]++s|\(cached\))
    | [1-9]\d{0,8}\ (?:examples?|runs?|tests?),[^\n]*?\b0\ failures\b
    | \[?(?:INFO)?\]?\s*Tests\ run:\ [1-9]\d*,\ Failures:\ 0,\ Errors:\ 0
    | Passed!\ +-
    | OK\ \([1-9]\d*\ tests?
    | 100%\ tests\ passed,\ 0
    | [#ℹ]\ pass\ [1-9]
    )""",
    re.MULTILINE | re.VERBOSE,
)


def summary(output: str) -> bool | None:
    """True for a run without a failure, False for one with any; None where no runner's summary is found."""
    end = "\n".join(_COLOURS.sub("", output[-LOOKED_AT:]).rsplit("\n", LINES)[-LINES:])
    if _FAILED.search(end):
        return False
    return True if _PASSED.search(end) else None
