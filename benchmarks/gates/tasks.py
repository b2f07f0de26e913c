"""Generated prompts of eight kinds, English and Japanese, with what the right answer is."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

SEED = 20_261_122


@dataclass(frozen=True)
class Task:
    """One prompt."""

    task: str
    """Task type, in the words of tenbin.core.features."""
    language: str
    prompt: str
    expected: dict[str, Any]
    most_tokens: int = 24
    schema: dict[str, Any] | None = None
    tools: list[dict[str, Any]] = field(default_factory=list)


def tasks() -> list[Task]:
    """All of them, the same every time."""
    chance = random.Random(SEED)
    made = [
        *_arithmetic(chance),
        *_capitals(chance),
        *_extraction(chance),
        *_classification(chance),
        *_json(chance),
        *_lists(chance),
        *_tools(chance),
        *_code(chance),
    ]
    return list({task.prompt: task for task in made}.values())


def _arithmetic(chance: random.Random) -> Iterator[Task]:
    for number in range(150):
        most = (9, 9, 20, 99)[number % 4]
        one, two = chance.randint(1, most), chance.randint(1, most)
        sign, value = chance.choice([("+", one + two), ("+", one + two), ("-", one - two), ("*", one * two)])
        expected = {"kind": "number", "value": float(value)}
        if number % 4 == 3:
            yield Task(
                "mathematics", "ja", f"{one} {sign} {two} を計算してください。数字だけで答えてください。", expected
            )
        else:
            asked = chance.choice(
                ["What is {}? Answer with the number only.", "Calculate {}. Reply with just the number."]
            )
            yield Task("mathematics", "en", asked.format(f"{one} {sign} {two}"), expected)


CAPITALS = {
    "France": "Paris", "Japan": "Tokyo", "Italy": "Rome", "Germany": "Berlin", "Spain": "Madrid", "Egypt": "Cairo",
    "Russia": "Moscow", "China": "Beijing", "Greece": "Athens", "Portugal": "Lisbon", "Canada": "Ottawa",
    "Australia": "Canberra", "Brazil": "Brasilia", "Norway": "Oslo", "Sweden": "Stockholm", "Finland": "Helsinki",
    "Poland": "Warsaw", "Austria": "Vienna", "Hungary": "Budapest", "Ireland": "Dublin", "Cuba": "Havana",
    "Peru": "Lima", "Chile": "Santiago", "Kenya": "Nairobi", "Turkey": "Ankara", "Iran": "Tehran", "Iraq": "Baghdad",
    "Thailand": "Bangkok", "Vietnam": "Hanoi", "Nepal": "Kathmandu", "Mongolia": "Ulaanbaatar", "Belgium": "Brussels",
    "Denmark": "Copenhagen", "Iceland": "Reykjavik", "Morocco": "Rabat", "Ghana": "Accra", "Latvia": "Riga",
    "Estonia": "Tallinn", "Serbia": "Belgrade", "Bulgaria": "Sofia", "Romania": "Bucharest", "Ukraine": "Kyiv",
    "South Korea": "Seoul", "Indonesia": "Jakarta", "Argentina": "Buenos Aires", "Colombia": "Bogota",
}  # fmt: skip

CAPITALS_JA = {
    "フランス": ("パリ", "Paris"), "日本": ("東京", "東京都"), "イタリア": ("ローマ",), "ドイツ": ("ベルリン",),
    "スペイン": ("マドリード",), "エジプト": ("カイロ",), "ロシア": ("モスクワ",), "中国": ("北京",),
    "ギリシャ": ("アテネ",), "イギリス": ("ロンドン",), "韓国": ("ソウル",), "タイ": ("バンコク",),
}  # fmt: skip


def _mention(values: list[str], wrong: Iterable[str] = ()) -> dict[str, Any]:
    """One of these values, and none of the wrong ones."""
    return {"kind": "mention", "values": values, "wrong": [each for each in wrong if each not in values]}


def _capitals(chance: random.Random) -> Iterator[Task]:
    for country, city in CAPITALS.items():
        asked = chance.choice(
            ["What is the capital of {}? Answer in one word.", "Name the capital of {}. One word only."]
        )
        if " " not in city:
            yield Task("short_answer", "en", asked.format(country), _mention([city]))
        yield Task("short_answer", "en", f"What is the capital city of {country}?", _mention([city]))
    for country, cities in CAPITALS_JA.items():
        asked_ja = f"{country}の首都はどこですか。日本語で、一言で答えてください。"
        yield Task("short_answer", "ja", asked_ja, _mention([cities[0]]))


NAMES = (
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Emma",
    "Frank",
    "Grace",
    "Henry",
    "Iris",
    "Jack",
    "Kate",
    "Leo",
    "Mia",
    "Noah",
)
CITIES = ("Paris", "Rome", "Berlin", "Oslo", "Madrid", "Vienna", "Dublin", "Lima", "Cairo", "Tokyo", "Sofia", "Riga")
NAMES_JA = ("田中", "佐藤", "鈴木", "高橋", "伊藤", "渡辺")
CITIES_JA = ("東京", "大阪", "京都", "札幌", "福岡", "名古屋")


def _extraction(chance: random.Random) -> Iterator[Task]:
    for number in range(90):
        name, city = chance.choice(NAMES), chance.choice(CITIES)
        mail = f"{name.lower()}{chance.randint(1, 99)}@example.{chance.choice(['com', 'org', 'net'])}"
        order, day = f"A{chance.randint(1000, 9999)}", f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        text = f"{name} from {city} wrote on {day}: my order {order} has not arrived, reach me at {mail}."
        what, value = (("email address", mail), ("order number", order), ("date", day), ("city", city))[number % 4]
        expected = _mention([value], (mail, order, day, city))
        yield Task(
            "data_extraction", "en", f"Text: {text}\n\nExtract the {what}. Answer with the {what} only.", expected, 40
        )
    for number in range(30):
        name, city = chance.choice(NAMES_JA), chance.choice(CITIES_JA)
        mail = f"user{chance.randint(1, 999)}@example.jp"
        text = f"{city}の{name}です。注文がまだ届きません。連絡先は {mail} です。"
        what, value = (("メールアドレス", mail), ("都市名", city))[number % 2]
        expected = _mention([value], (mail, city))
        yield Task("data_extraction", "ja", f"文章: {text}\n\n{what}だけを抜き出してください。", expected, 40)


PRAISE = ("I love this {}.", "The {} is excellent and works perfectly.", "Best {} I ever bought, wonderful!")
BLAME = ("I hate this {}.", "The {} broke after one day, terrible quality.", "Worst {} ever, a waste of money.")
THINGS = ("phone", "book", "chair", "movie", "camera", "lamp", "restaurant", "hotel", "bag", "game", "car", "song")
PRAISE_JA = ("この{}は最高です。大好きです。", "{}がとても素晴らしいです。")
BLAME_JA = ("この{}は最悪です。お金の無駄でした。", "{}がすぐに壊れました。ひどいです。")
THINGS_JA = ("電話", "本", "椅子", "映画", "カメラ", "料理")


def _classification(chance: random.Random) -> Iterator[Task]:
    for number in range(72):
        good = chance.random() < 0.5
        review = (PRAISE if good else BLAME)[number % 3].format(THINGS[number % len(THINGS)])
        asked = chance.choice(
            [
                "Is this review positive or negative? Answer with one word.\n\nReview: {}",
                'Classify the sentiment of "{}" as positive or negative. Reply with a single word.',
            ]
        )
        yield Task(
            "classification",
            "en",
            asked.format(review),
            _mention(["positive"] if good else ["negative"], ("positive", "negative")),
        )
    for number in range(24):
        good = number % 2 == 0
        review = (PRAISE_JA if good else BLAME_JA)[number // 2 % 2].format(THINGS_JA[number // 4])
        right = ["肯定"] if good else ["否定"]
        asked = f"次のレビューは肯定的ですか、否定的ですか。一語で答えてください。\n\nレビュー: {review}"
        yield Task("classification", "ja", asked, _mention(right, ("肯定", "否定")))


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}, "city": {"type": "string"}},
    "required": ["name", "age", "city"],
    "additionalProperties": False,
}


def _json(chance: random.Random) -> Iterator[Task]:
    for number in range(80):
        value = {"name": chance.choice(NAMES), "age": chance.randint(18, 80), "city": chance.choice(CITIES)}
        said = f"{value['name']} is {value['age']} years old and lives in {value['city']}."
        asked = (
            'Return only a JSON object with the keys "name" (string), "age" (integer) and "city" (string). '
            "Sentence: {}",
            'Convert to JSON like {{"name": "Zoe", "age": 30, "city": "Nice"}}. Answer in JSON only.\n\n{}',
        )[number % 2].format(said)
        yield Task("data_extraction", "en", asked, {"kind": "json", "value": value}, 64, PERSON)
    for _ in range(16):
        value = {"name": chance.choice(NAMES_JA), "age": chance.randint(18, 80), "city": chance.choice(CITIES_JA)}
        said = f"{value['name']}さんは{value['age']}歳で、{value['city']}に住んでいます。"
        asked_ja = '次の文を {"name": "...", "age": 0, "city": "..."} の形のJSONだけで答えてください。\n\n' + said
        yield Task("data_extraction", "ja", asked_ja, {"kind": "json", "value": value}, 64, PERSON)


def _lists(chance: random.Random) -> Iterator[Task]:
    words = ["apple", "pear", "plum", "fig", "lime", "kiwi", "melon", "grape"]
    for number in range(48):
        if number % 2:
            first = chance.randint(1, 20)
            last = first + chance.randint(2, 5)
            value = [str(each) for each in range(first, last + 1)]
            asked = f"List the {len(value)} numbers from {first} to {last}, one per line, and nothing else."
        else:
            value = chance.sample(words, chance.randint(3, 4))
            asked = f"Write these as a list of {len(value)} items, one per line, nothing else: {', '.join(value)}"
        yield Task("rewriting", "en", asked, {"kind": "lines", "value": value}, 64)


def _tool(name: str, about: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"name": name, "description": about, "parameters": schema}


TOOLS = [
    _tool("get_weather", "Weather of a city", {"city": {"type": "string"}}),
    _tool("add_numbers", "Add two numbers", {"a": {"type": "integer"}, "b": {"type": "integer"}}),
]


def _tools(chance: random.Random) -> Iterator[Task]:
    asked = ("What is the weather in {}?", "Tell me the weather in {} now.", "Is it raining in {}?")
    for number in range(72):
        if number % 2:
            city = CITIES[number // 2 % len(CITIES)]
            wish, name = asked[number // 24].format(city), "get_weather"
            value: dict[str, Any] = {"city": city}
        else:
            one, two = chance.randint(1, 99), chance.randint(1, 99)
            wish, name = f"Add {one} and {two}.", "add_numbers"
            value = {"a": one, "b": two}
        yield Task("planning", "en", wish, {"kind": "tool", "name": name, "value": value}, 64, tools=TOOLS)


CODE: tuple[tuple[str, str, list[str]], ...] = (
    ("add(a, b)", "returns the sum of a and b", ["add(2, 3) == 5", "add(-1, 1) == 0"]),
    ("multiply(a, b)", "returns the product of a and b", ["multiply(2, 3) == 6", "multiply(-1, 4) == -4"]),
    ("square(x)", "returns the square of x", ["square(3) == 9", "square(-2) == 4"]),
    ("is_even(n)", "returns True if n is even, else False", ["is_even(2) is True", "is_even(3) is False"]),
    ("is_odd(n)", "returns True if n is odd, else False", ["is_odd(3) is True", "is_odd(4) is False"]),
    ("maximum(a, b)", "returns the larger of a and b", ["maximum(2, 3) == 3", "maximum(5, 1) == 5"]),
    ("minimum(a, b)", "returns the smaller of a and b", ["minimum(2, 3) == 2", "minimum(5, 1) == 1"]),
    ("reverse(text)", "returns the string reversed", ["reverse('abc') == 'cba'", "reverse('') == ''"]),
    ("factorial(n)", "returns n factorial", ["factorial(0) == 1", "factorial(5) == 120"]),
    ("count_vowels(text)", "counts the vowels in a string", ["count_vowels('hello') == 2", "count_vowels('xyz') == 0"]),
    ("last(items)", "returns the last item of a list", ["last([1, 2, 3]) == 3", "last(['a']) == 'a'"]),
    ("first(items)", "returns the first item of a list", ["first([1, 2, 3]) == 1", "first(['a']) == 'a'"]),
    ("length(items)", "returns the number of items of a list", ["length([1, 2]) == 2", "length([]) == 0"]),
    ("total(items)", "returns the sum of a list of numbers", ["total([1, 2, 3]) == 6", "total([]) == 0"]),
    ("mean(items)", "returns the average of a list of numbers", ["mean([1, 2, 3]) == 2", "mean([4]) == 4"]),
    ("absolute(x)", "returns the absolute value of x", ["absolute(-3) == 3", "absolute(2) == 2"]),
    ("double(x)", "returns x times two", ["double(4) == 8", "double(-1) == -2"]),
    ("upper(text)", "returns the string in upper case", ["upper('ab') == 'AB'", "upper('') == ''"]),
    ("negate(x)", "returns minus x", ["negate(3) == -3", "negate(-2) == 2"]),
    (
        "contains(items, x)",
        "returns True if x is in the list",
        ["contains([1, 2], 2) is True", "contains([], 1) is False"],
    ),
    (
        "fibonacci(n)",
        "returns the n-th Fibonacci number, fibonacci(1) is 1",
        ["fibonacci(1) == 1", "fibonacci(7) == 13"],
    ),
    (
        "is_palindrome(text)",
        "tells whether a string is a palindrome",
        ["is_palindrome('aba')", "not is_palindrome('ab')"],
    ),
)


def _code(chance: random.Random) -> Iterator[Task]:
    for signature, does, checks in CODE:
        expected = {"kind": "code", "checks": checks}
        yield Task(
            "code_generation",
            "en",
            f"Write a Python function {signature} that {does}. Only the code block.",
            expected,
            120,
        )
        asked = (
            f"Write a short Python function `{signature}` which {does}. Answer with a code block and no explanation."
        )
        yield Task("code_generation", "en", asked, expected, 120)
        asked_ja = f"Python の関数 {signature} をコードブロックで書いてください。({does})"
        if chance.random() < 0.4:
            yield Task("code_generation", "ja", asked_ja, expected, 120)
