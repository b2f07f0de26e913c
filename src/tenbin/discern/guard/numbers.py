"""2. The numbers in a text as the guard compares them: digits, number words and kanji numerals, with their units.

Pure. A number is a value (a plain decimal string) and the unit beside it ("" where none stands there).
"""

import re
from functools import lru_cache

from tenbin.discern.guard.tables import groups, words

UNITS = """
    % percent pct パーセント; k; h hr hrs hour hours 時間; min mins minute minutes 分 分間; s sec secs seconds 秒;
    ms; day days 日間; week weeks 週間; month months ヶ月 か月 カ月; year years yr yrs 年間; am a.m; pm p.m; kg
    kilo kilos kilogram kilograms キロ キログラム; g gram grams グラム; mg milligram milligrams; lb lbs; km
    kilometer kilometers kilometre kilometres キロメートル; m meter meters metre metres メートル; cm センチ; mm
    ミリ; mile miles マイル; inch inches インチ; ft feet; kb; mb メガ; gb ギガ; tb; mbps; gbps; kwh; w; v; l liter
    liters litre litres リットル; ml; $ usd dollar dollars ドル; £ gbp pound pounds ポンド; € eur euro euros
    ユーロ; ¥ jpy yen 円; ₹ rs inr rupee rupees ルピー; th st nd rd; c celsius; f fahrenheit; cores core; users
    user 人; 年; 月; 日; 時; 歳 才; 回; 個; 本; 枚; 台; 件; 番; 号; 階; 泊; 度; 倍; 割; 章; 巻; 円; ページ; lakh;
    crore
"""
"""Units by their spellings, apart by semicolons."""
UNIT = {spelling: group[0] for group in groups(UNITS) for spelling in group}
CURRENCIES = words("usd dollar dollars gbp eur euro euros jpy yen inr rupee rupees ドル ユーロ")
"""Units of money that also stand by themselves."""

_SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_RANKS = """
    third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth
    seventeenth eighteenth nineteenth twentieth
"""
CARDINALS = {word: value for value, word in enumerate(_SMALL.split())} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), 2)
}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000, "dozen": 12}
ORDINALS = {word: value for value, word in enumerate(_RANKS.split(), 3)} | {"twice": 2, "thrice": 3}
WEAK = {"one": 1, "first": 1, "once": 1, "single": 1, "second": 2, "half": 0}
"""Words that are numbers only at times: they may stand for a number of the other text, and need not."""

KANJI_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")}
KANJI_SCALES = {"十": 10, "百": 100, "千": 1_000}
KANJI_MYRIADS = {"万": 10_000, "億": 100_000_000, "兆": 1_000_000_000_000}
COUNTERS = "年月日時分秒週泊円人個本枚回歳才匹頭階番号台度倍割件社名冊杯点章巻世代つ%"
"""What a kanji numeral counts. Without one of these a single numeral is part of a word: 一般, 十分, 四国."""
NOT_NUMERALS = re.compile(
    "一番[^目線地]|一度に|一人暮らし|一人前|一日中|一年中|一時的|一部|一般|一緒|一覧|一致|一方|一本化|一切|一気|一回り|唯一|"
    "統一|万一|第一歩|十分な|十分に|百貨|三角|四角|三日月|七夕|八百屋|五感|二度と|"
    "千葉|三重|四国|九州|八戸|五反田|六本木|三鷹|四谷|八王子|九段|三菱|三井|八幡|一橋"
)
_KANJI = re.compile(f"([〇一二三四五六七八九十百千万億兆]+)(?=([{COUNTERS}])?)")
_DIGITS = re.compile(
    r"([$£€¥₹])?((?:\d{1,3}(?:,\d{3})+|\d+)(?:[.:]\d+)*)(十|百|千|万|億|兆)?\s?(%|[a-zµ]+(?![a-z])|[぀-ヿ㐀-鿿]{1,5})?"
)
_HALF_HOUR = re.compile(r"(?<!\d)(\d{1,2})時半")


def kanji_value(numeral: str) -> int:
    """The value of a kanji numeral: 二百五十 is 250, 二〇二四 is 2024, 三万 is 30000."""
    if not any(sign in KANJI_SCALES or sign in KANJI_MYRIADS for sign in numeral):
        return int("".join(str(KANJI_DIGITS[sign]) for sign in numeral))
    whole = part = digit = 0
    for sign in numeral:
        if sign in KANJI_DIGITS:
            digit = 10 * digit + KANJI_DIGITS[sign]
        elif sign in KANJI_SCALES:
            part += (digit or 1) * KANJI_SCALES[sign]
            digit = 0
        else:
            whole += (part + digit or 1) * KANJI_MYRIADS[sign]
            part = digit = 0
    return whole + part + digit


def digits_for_kanji(text: str) -> str:
    """The text with kanji numerals written in digits, where they count something or are longer than one sign."""
    if not _KANJI.search(text):
        return text
    kept = NOT_NUMERALS.sub(lambda match: "\0" * len(match[0]), text)
    pieces, at = [], 0
    for match in _KANJI.finditer(kept):
        lone = len(match[1]) == 1 and match[2] is None
        after_digit = match.start() > 0 and text[match.start() - 1].isdigit()
        if lone or after_digit:
            continue
        pieces += [text[at : match.start()], str(kanji_value(match[1]))]
        at = match.end()
    return "".join(pieces) + text[at:]


@lru_cache(maxsize=4096)
def _unit(spelling: str) -> str:
    """The unit a text after a number begins with; Latin spellings must match whole, Japanese ones from the left."""
    if spelling in UNIT:
        return UNIT[spelling]
    if spelling.isascii():
        return ""
    for length in range(len(spelling) - 1, 0, -1):
        if spelling[:length] in UNIT:
            return UNIT[spelling[:length]]
    return ""


def written_in_digits(plain: str) -> list[tuple[str, str]]:
    """The numbers of a text in small letters and half width: (value, unit). 1,200 is 1200."""
    found = []
    for currency, digits, scale, after in _DIGITS.findall(_HALF_HOUR.sub(r"\1:30時", plain)):
        value = digits.replace(",", "") if "," in digits else digits
        if scale and value.isdecimal():
            value = str(int(value) * (KANJI_SCALES.get(scale) or KANJI_MYRIADS[scale]))
        found.append((value, UNIT[currency] if currency else _unit(after) if after else ""))
    return found


def written_in_words(tokens: list[str]) -> tuple[list[tuple[str, str]], frozenset[str]]:
    """The numbers of English small-letter words, (value, unit); and the values that weak words may stand for."""
    found: list[tuple[str, str]] = []
    weak: set[str] = set()
    total = current = -1
    for word in (*tokens, ""):
        if word in CARDINALS:
            value = CARDINALS[word]
            if word == "one" and current < 0 and total < 0:
                weak.add("1")
                continue
            current = current + value if current >= 20 and current % 10 == 0 and 0 < value < 10 else value
        elif word in SCALES and (current >= 0 or word == "dozen"):
            current = max(current, 1) * SCALES[word]
            if SCALES[word] >= 1000:
                total, current = max(total, 0) + current, -1
        else:
            if current >= 0 or total >= 0:
                found.append((str(max(total, 0) + max(current, 0)), UNIT.get(word, "")))
                total = current = -1
            if word in ORDINALS:
                found.append((str(ORDINALS[word]), ""))
            elif word in WEAK:
                weak.add(str(WEAK[word]))
    return found, frozenset(weak)
