"""What the month's traffic is made of: every figure with where it comes from.

Counts are tokens, times are seconds. The shapes are public figures or measured on a real client's wire; where nothing
public states a figure, the assumption is called one. The page on the month lists all of them.
"""

from typing import NamedTuple

TRACELAB = "TraceLab (arXiv 2606.30560): 4,265 Claude Code and Codex sessions, 357,161 calls"
WIRE = "Claude Code 2.1.330 on the wire"
ASSUMED = "assumed"


class Figure(NamedTuple):
    """One number of the workload."""

    value: float
    what: str
    source: str


class Spread(NamedTuple):
    """A log-normal quantity."""

    median: float
    deviation: float
    """Of the natural logarithm."""
    what: str
    source: str


DAYS = Figure(20, "working days, 2 to 27 November 2026, from 9 to 17 h UTC", "the usual basis of monthly bills")
CONVERSATIONS_A_DAY = Figure(1, "conversations with a coding agent that begin on a day", ASSUMED)
CALLS_MEDIAN = Figure(16, "calls of the median conversation", TRACELAB)
CALLS_SHAPE = Figure(1.1, "shape of their distribution (Lomax), by which the 90th percentile is 130 calls", TRACELAB)
CALLS_MOST = Figure(
    150, "calls of the longest; theirs go on to 1,236 at the 99th percentile, which alone would be a month", ASSUMED
)
STEPS = Figure(
    9.0, "requests that one turn becomes, on average (geometric)", f"89 % of calls bring a tool's result: {TRACELAB}"
)
SYSTEM_TOKENS = Figure(12_000, "system prompt and tools of a main conversation", f'49 KB for "say hi": {WIRE}')
SUB_AGENT_SYSTEM_TOKENS = Figure(6_000, "the same of a sub-agent, which has fewer tools", ASSUMED)
SUB_AGENTS = Figure(0.15, "share of turns in which a sub-agent is sent out; its loop is as long as a turn's", ASSUMED)
COMPACT_AT = Figure(150_000, "prompt tokens at which a conversation is compacted to a tenth", ASSUMED)
COMPACTION_TOKENS = Figure(3_000, "length of the summary that is asked for then", ASSUMED)
STEP_OUTPUT = Spread(215, 1.333, "output of a call, thinking included (mean 523)", TRACELAB)
RESULT = Spread(
    650, 1.1, "a tool's result (mean 1,190)", f"growth of a prompt by 1,700 a call less the mean answer: {TRACELAB}"
)
STEP_GAP = Spread(8.0, 1.3, "from a call to the next of its loop: answering, then the tool", TRACELAB)
TURN_GAP = Spread(84.0, 2.098, "until the person speaks again; nine in ten within 21 minutes", TRACELAB)

BATCHES_A_DAY = Figure(3, "batches of an application's requests on a day", ASSUMED)
BATCH_ITEMS = Figure(12, "requests in a batch, two seconds apart", ASSUMED)
JAPANESE = Figure(0.4, "share of batches in Japanese; people write a fifth to a quarter of their turns so", ASSUMED)

FIGURES = (
    DAYS,
    CONVERSATIONS_A_DAY,
    CALLS_MEDIAN,
    CALLS_SHAPE,
    CALLS_MOST,
    STEPS,
    SYSTEM_TOKENS,
    SUB_AGENT_SYSTEM_TOKENS,
    SUB_AGENTS,
    COMPACT_AT,
    COMPACTION_TOKENS,
    STEP_OUTPUT,
    RESULT,
    STEP_GAP,
    TURN_GAP,
    BATCHES_A_DAY,
    BATCH_ITEMS,
    JAPANESE,
)
"""All of them, for the page."""

PRETO = (
    "Preto counts 15 to 30 % of word-for-word duplicates in production applications, 18 % on a first day "
    "(preto.ai/blog/prompt-hashing-duplicate-detection: a vendor's own count)"
)
MEAN_CACHE = "MeanCache (arXiv 2403.02694): about 31 % of a user's queries come again, but by meaning"
ARCHIVE_REPEATS = Figure(0.18, "share of the batches' requests that are word for word an earlier one", PRETO)
QUESTIONS_A_DAY = Figure(60, "questions to a help desk's bot on a day, at any time of it", ASSUMED)
QUESTION_REPEATS = Figure(
    0.30,
    "share of these that are word for word an earlier one; which one is drawn among all earlier ones, so that what is "
    "asked often is asked still more",
    f"the upper end of Preto's range; {MEAN_CACHE}",
)
HELP_DESK_TOKENS = Figure(4_000, "the help desk's rules, in front of each of its questions", ASSUMED)
HELP_DESK_OUTPUT = Spread(150, 0.5, "an answer of the help desk", ASSUMED)
FIRST_TOKEN_SECONDS = Figure(1.0, "seconds until a hosted model begins to answer", ASSUMED)
HOSTED_SPEED = Figure(60, "tokens a second of a hosted model", ASSUMED)

CACHE_FIGURES = (
    ARCHIVE_REPEATS,
    QUESTIONS_A_DAY,
    QUESTION_REPEATS,
    HELP_DESK_TOKENS,
    HELP_DESK_OUTPUT,
    FIRST_TOKEN_SECONDS,
    HOSTED_SPEED,
)
"""What the month with repeats has besides, for the page."""

TURN_KINDS = (
    ("code_generation", 0.30, 900),
    ("debugging", 0.22, 600),
    ("refactoring", 0.12, 800),
    ("test_writing", 0.12, 700),
    ("comment_generation", 0.06, 300),
    ("planning", 0.08, 1_000),
    ("short_answer", 0.10, 200),
)
"""What a developer asks of an agent: (task type, share, median output of the last answer). Assumed."""

BATCH_KINDS = (
    ("classification", 0.45, 8),
    ("summarization", 0.25, 160),
    ("translation", 0.20, 180),
    ("data_extraction", 0.10, 80),
)
"""What a program asks: (task type, share, median output). Assumed."""

WATTS = Figure(60, "watts that the local model's machine draws more while it answers", ASSUMED)
USD_PER_KWH = Figure(0.30, "USD for a kWh", ASSUMED)
LOCAL_SPEED = Figure(
    100, "tokens a second of qwen3-coder-30b", "Apple M4 Max: 100 to 172 tokens a second of a 30B mixture of experts"
)
