"""The words of the month's requests: authored sentences in both languages, put together by the workload's own draws."""

import random

_PLACES = (
    "the payment service",
    "src/orders/cart.py",
    "the login form",
    "the nightly import job",
    "our message queue consumer",
    "the search index builder",
    "lib/parser.ts",
    "the rate limiter",
    "the invoice PDF renderer",
    "the retry logic in client.go",
    "the report page",
    "the migration script",
    "the websocket handler",
    "the settings loader",
    "the image resizer",
)
_THINGS = (
    "a CSV export",
    "pagination",
    "an idempotency key",
    "an LRU cache with a size limit",
    "a dry-run flag",
    "UTF-8 handling",
    "a timeout of five seconds",
    "structured logging",
    "an undo button",
    "batch inserts",
    "optimistic locking",
    "a health endpoint",
    "soft deletion",
    "a progress bar",
    "input validation",
)
_SYMPTOMS = (
    "returns the wrong total when two threads call it at once",
    "fails with KeyError: 'id' on empty input",
    "times out after the last deploy",
    "drops the last line of the file",
    "leaks a connection for each failed request",
    "raises UnicodeDecodeError for Japanese file names",
    "is off by one on the last page",
    "deadlocks under load",
    "shows yesterday's date in New York",
    "ignores the configured proxy",
)

AGENT_TEMPLATES: dict[str, tuple[str, ...]] = {
    "code_generation": (
        "Add {thing} to {place}.",
        "Implement {thing} in {place}, following how the neighbours do it.",
        "{place} needs {thing}. Please write it.",
        "Write a function for {place} that gives us {thing}.",
        "{place} に {thing} を追加してください。",
        "{place} 用に {thing} を実装して。",
    ),
    "debugging": (
        "{place} {symptom}. Find out why and fix it.",
        "Why does {place} fail? It {symptom}.",
        "A test is red since this morning: {place} {symptom}.",
        "{place} が壊れています ({symptom})。原因を調べて直してください。",
    ),
    "refactoring": (
        "Refactor {place}: it has grown too long.",
        "Split {place} into smaller modules without changing behaviour.",
        "Rename and clean up {place} before we add {thing}.",
        "{place} をリファクタリングしてください。挙動は変えないこと。",
    ),
    "test_writing": (
        "Write unit tests for {place}.",
        "Cover {place} with tests, the error paths too.",
        "Add a regression test: {place} {symptom}.",
        "{place} のテストを書いてください。",
    ),
    "comment_generation": (
        "Add docstrings to {place}.",
        "Write comments that explain {place} to a newcomer.",
        "{place} にコメントを書いてください。",
    ),
    "planning": (
        "Make a plan to move {place} to a service of its own. Do not change anything yet.",
        "How should we design {thing} across the whole system? Weigh at least three ways.",
        "{place} を作り直す設計案を、移行手順とともに考えてください。",
    ),
    "short_answer": (
        "Where is {place} configured?",
        "Which version of Python do we support?",
        "What does {place} do, in one sentence?",
        "{place} はどこから呼ばれていますか？",
    ),
}

_ARTICLES = {
    "en": (
        "The council met on Tuesday to discuss the new tram line. Costs have risen by a fifth since the first plan. ",
        "Shares of the maker fell after it cut its forecast for the year: few want its older phones. ",
        "The parcel came two days late and the box was wet, but the lamp works and looks better than pictured. ",
        "Researchers measured the ice in nine places and found that it melts from below faster than assumed. ",
    ),
    "ja": (
        "市議会は火曜日、新しい路面電車について話し合った。費用は当初の計画より二割増えており、",
        "同社は古い機種の需要が弱いとして通期の見通しを引き下げ、株価は大きく下がった。",
        "荷物は二日遅れで届き箱も濡れていたが、照明はきちんと点灯し、写真より見栄えがよかった。",
        "研究者は九か所で氷を測り、これまでの想定より下から速く融けていることを突き止めた。",
    ),
}

BATCH_TEMPLATES: dict[str, dict[str, str]] = {
    "classification": {
        "en": "Classify the sentiment of this text as positive, negative or neutral. Answer with one word.\n\n{text}",
        "ja": "次の文章の感情を「肯定」「否定」「中立」のいずれかに分類し、一語で答えてください。\n\n{text}",
    },
    "summarization": {
        "en": "Summarize the following text in three sentences.\n\n{text}",
        "ja": "次の文章を三文で要約してください。\n\n{text}",
    },
    "translation": {"en": "Translate into Japanese:\n\n{text}", "ja": "次の文章を英語に翻訳してください。\n\n{text}"},
    "data_extraction": {
        "en": "Extract every place, date and amount from the text as JSON.\n\n{text}",
        "ja": "次の文章から地名・日付・金額をすべて抜き出し、JSON で返してください。\n\n{text}",
    },
}

_GOODS = {
    "en": ("a desk lamp", "a rucksack", "a kettle", "a rain coat", "a set of knives", "a bicycle pump", "a mattress"),
    "ja": ("電気スタンド", "リュックサック", "電気ケトル", "レインコート", "包丁セット", "空気入れ", "マットレス"),
}
_ASKED = {
    "en": (
        "How long does delivery of {goods} take ({number})?",
        "Can I send back {goods} that I have used for {days} days ({number})?",
        "Which guarantee does {goods} have after {days} days ({number})?",
        "{goods} came with a scratch {days} days ago ({number}). What do I have to do?",
        "Is it possible to change the colour of {goods} after ordering ({number})?",
    ),
    "ja": (
        "{goods}の配送には何日かかりますか（{number}）。",
        "{days}日使った{goods}は返品できますか（{number}）。",
        "{goods}の保証は購入から{days}日後も有効ですか（{number}）。",
        "{days}日前に届いた{goods}に傷がありました（{number}）。どうすればよいですか。",
        "注文後に{goods}の色を変更できますか（{number}）。",
    ),
}

CHARACTERS_PER_TOKEN = 3.4
"""Of the lines below, by the simulator's tokenizer."""
_FILLER = (
    "def handle(self, event):\n    record = self.store.get(event.key)\n    if record is None:\n        return None\n",
    "  12 passed, 1 failed in 3.41s\nE   AssertionError: expected 3 rows, found 2\n",
    "src/app/server.py:118: async def respond(self, status: int, headers: Headers) -> None:\n",
    "commit 4f2a9c1  Fix the order of the two checks\n M src/app/routes.py\n M tests/test_routes.py\n",
)


def person(kind: str, chance: random.Random) -> str:
    """What a developer writes to an agent."""
    template = chance.choice(AGENT_TEMPLATES[kind])
    return template.format(place=chance.choice(_PLACES), thing=chance.choice(_THINGS), symptom=chance.choice(_SYMPTOMS))


def item(kind: str, language: str, chance: random.Random) -> str:
    """One request of a batch: the instruction, and a text of its own."""
    text = "".join(chance.choice(_ARTICLES[language]) for _ in range(chance.randint(2, 6)))
    return BATCH_TEMPLATES[kind][language].format(text=f"({chance.randrange(10**6)}) {text}")


def question(language: str, chance: random.Random) -> str:
    """What a customer asks a help desk; no two are the same but by being asked again."""
    goods, days = chance.choice(_GOODS[language]), chance.randint(2, 90)
    return chance.choice(_ASKED[language]).format(goods=goods, days=days, number=chance.randrange(10**6))


def filler(tokens: int, chance: random.Random) -> str:
    """A tool's result of about so many tokens."""
    wanted = round(CHARACTERS_PER_TOKEN * tokens)
    parts, size = [], 0
    while size < wanted:
        parts.append(chance.choice(_FILLER))
        size += len(parts[-1])
    return f"#{chance.randrange(10**9)}\n" + "".join(parts)[:wanted]
