"""7. What a request asks of its answer: its last words, the language and the form that they name (English,
Japanese).
"""

import re
import unicodedata

from tenbin.core.conversation import Conversation, Text, Turn
from tenbin.core.features import Language, TaskType
from tenbin.discern.gates.code_blocks import without_code
from tenbin.discern.gates.gate import MOST_CHARACTERS, AskedForm, Form, Question, bounded
from tenbin.discern.language import language

_READ = 8192
"""Characters of a prompt that are searched for what it asks: its head and its tail, where requests stand."""

_NAMES: dict[str, Language] = {
    "english": "en",
    "japanese": "ja",
    "英語": "en",
    "日本語": "ja",
    "和文": "ja",
    "英文": "en",
}
_OTHER = (
    r"french|german|spanish|italian|chinese|korean|russian|portuguese|dutch|arabic|hindi|swedish|polish|turkish|"
    r"vietnamese|thai|latin|greek|ukrainian"
)
_OTHER_JA = (
    r"フランス語|ドイツ語|スペイン語|イタリア語|中国語|韓国語|ロシア語|ポルトガル語|アラビア語|ベトナム語|タイ語"
)
_SAY = (
    r"\b(?:answer|reply|respond|write|translate|translation|translated|say|explain|output|summari[sz]e|describe|rewrite|"
    r"give|speak|use)\b"
)
_NAMED = re.compile(
    rf"{_SAY}[^.?!\n]{{0,60}}?\b(?:in|into|to) (english|japanese|{_OTHER})\b(?! (?:class|lesson|history|culture|"
    rf"food|market))"
    rf"|^(?:please )?in (english|japanese|{_OTHER})\b[,:]"
    rf"|(英語|日本語|英文|和文|{_OTHER_JA})(?:だけ|のみ)?(?:で|に|へ)[^。\n]{{0,16}}?"
    r"(?:答|回答|返答|返信|書|訳|翻訳|説明|要約|出力|記述|お願い|表現|話)"
)

_COUNTS = {
    word: number
    for number, words in enumerate(
        (
            "two 二 ふた",
            "three 三 み",
            "four 四",
            "five 五 いつ",
            "six 六",
            "seven 七",
            "eight 八",
            "nine 九",
            "ten 十",
        ),
        2,
    )
    for word in words.split()
}
_COUNT = r"(\d{1,3}|two|three|four|five|six|seven|eight|nine|ten)"
_LISTED = re.compile(
    rf"(?<!a )(?<!the )(?<!my )\b(?:list|name|give(?: me)?|write|suggest|provide|propose|show)\b (?:exactly |me |"
    rf"of |only |just |the |top |"
    rf"a list of ){{0,4}}"
    rf"{_COUNT}\b (?!words?\b|sentences?\b|paragraphs?\b|characters?\b|lines? of\b|times\b|percent\b|letters?\b)"
    rf"|(?<!have a )\blist of (?:exactly |the )?{_COUNT} (?:items|things|points|ideas|words|names|bullets?)\b"
    rf"|\b{_COUNT} (?:bullet points|bullets)\b"
    r"|([0-9]{1,3}|[二三四五六七八九十])\s*(?:つ|個|点|項目|件|箇条|種類)(?:だけ|ほど|の例)?(?:を|の|で|、)?[^。\n]{0,24}?"
    r"(?:挙げ|あげ|列挙|リスト|箇条書き|教えて|書いて|出して|提案)"
)
_BULLETS = re.compile(
    r"\b(?:as|in|with|into|using) (?:a )?(?:numbered |bulleted |bullet[- ]?(?:point )?)?(?:list|bullets|"
    r"bullet points)\b"
    r"|箇条書き(?:で|に|と)|(?:番号付き)?リスト(?:形式)?で"
)
_JSON = re.compile(
    r"\b(?:return|reply|respond|answer|output|give|produce|convert|format(?:ted)?|write|as|in|to|into|only)\b"
    r"[^.?!\n]{0,40}?(?:\bas |\bin |\bto |\binto |\bwith |\bonly |\ba |\bvalid ){1,4}(?:a |an |valid |single |raw |"
    r"one )*json\b"
    r"(?! (?:parser|schema|file|library|module|web|path|lines?\b))"
    r"|^json (?:only|object)|\bjson (?:only|object only)\b|\bonly (?:valid )?json\b"
    r"|json(?:形式|オブジェクト|のみ|だけ)?(?:だけ|のみ)?で[^。\n]{0,16}?(?:答|回答|返|出力|書|表|お願い)|json(?:形式)?に変換"
)
_ONE_WORD = re.compile(
    r"\b(?:in|with|using|as) (?:exactly |only |just )?(?:one|a single|1) word\b|\b(?:one|a single) word (?:only|"
    r"answer)\b"
    r"|\bone[- ]word (?:answer|reply|response)\b|\bonly one word\b|(?:一言|ひとこと|一語|一単語|1語|1単語|"
    r"単語1つ)(?:だけ|のみ)?で"
)
_NUMBER = re.compile(
    r"\b(?:only|just) (?:the |a |with the |with a )*(?:final )?number\b|\bthe number only\b|\bnumber only\b|"
    r"\bas a single number\b"
    r"|数(?:字|値)(?:だけ|のみ)(?:で|を)"
)
_YES_NO = re.compile(
    r"\b(?:answer|reply|respond)\b[^.?!\n]{0,24}?[\"']?yes[\"']?(?:,? or |/| / )[\"']?no\b|"
    r"\byes or no(?: only)?[.?:]?\s*$"
    r"|(?:はい|イエス)[」』]?(?:か|または|もしくは|または|、|/)[「『]?(?:いいえ|ノー)[」』]?(?:だけ|のみ)?(?:で|か)"
)
_TABLE = re.compile(
    r"\b(?:as|in|into|with|make|create|draw|produce|give me) (?:a |an |the )?(?:markdown |comparison |simple |"
    r"small ){0,2}table\b"
    r"(?! (?:of contents|tennis|named|called|with an index))|(?:markdownの)?(?:比較)?表(?:形式)?(?:で|に)(?:まとめ|"
    r"整理|示|作|出力|書|比較|答)"
)
_PROGRAM = r"(python|javascript|typescript|sql|bash|shell|yaml|toml|html|java|rust|go|ruby|c\+\+)"
_CODE = re.compile(
    r"\b(?:in|as|with|only|just|inside) (?:a |an |the |one |single |only ){0,3}(?:(\w+) )?code block\b|"
    r"\bonly the code\b|\bcode only\b"
    r"|コードブロック(?:で|に|のみ|だけ)|コード(?:だけ|のみ)(?:を|で)"
)
_WRITE_CODE = re.compile(
    rf"\b(?:write|implement|create|give me|show me|generate)\b (?:me |an? |the |short |simple |small |"
    rf"one ){{0,4}}{_PROGRAM} "
    r"(?:function|script|program|query|class|method|snippet|code|one-liner|command|config|configuration|file)\b"
    r"|(python|javascript|sql|bash|シェル|yaml|toml)\s*(?:の|で)[^。\n]{0,30}?(?:関数|コード|スクリプト|クエリ|プログラム)[^。\n]{0,40}?"
    r"(?:書|作成|実装|示)"
)

_BY_PATTERN: tuple[tuple[re.Pattern[str], Form], ...] = (
    (_ONE_WORD, "one_word"),
    (_NUMBER, "number"),
    (_YES_NO, "yes_or_no"),
    (_TABLE, "table"),
)


def question(conversation: Conversation, task: TaskType | None = None) -> Question:
    """What gates look at of a whole request; ``task`` is what was read out of it elsewhere."""
    prompts = [words for turn in conversation.turns if turn.role == "user" if (words := _words(turn))]
    system = "\n".join(part.text for part in conversation.system if isinstance(part, Text))
    asked = question_of_prompt(prompts[-1] if prompts else "", task, system=system)
    return Question(
        prompt=asked.prompt,
        language=asked.language,
        language_named=asked.language_named,
        task=asked.task,
        asked=asked.asked,
        output_format=conversation.output_format,
        tools=conversation.tools,
        tool_choice=conversation.tool_choice,
        context=bounded("\n".join([system, *prompts[:-1]]), MOST_CHARACTERS - 1),
    )


def question_of_prompt(prompt: str, task: TaskType | None = None, *, system: str = "") -> Question:
    """The same of a prompt by itself. A system prompt may name a language; what form it asks for counts for other turns
    and is not read.
    """
    named = language_named(prompt) or language_named(system)
    written = language(without_code(bounded(prompt)))
    return Question(
        prompt=prompt,
        language=named or written,
        language_named=named is not None,
        task=task or "",
        asked=asked_forms(prompt),
    )


def language_named(text: str) -> Language | None:
    """The language that these words ask for: the last one that they name so; None when they name none."""
    found: Language | None = None
    for match in _NAMED.finditer(_plain(text)):
        name = next(group for group in match.groups() if group)
        found = _NAMES.get(name, "other")
    return found


def asked_forms(prompt: str) -> tuple[AskedForm, ...]:
    """The forms that the words of a prompt ask for. Careful rather than complete: a form counts only where the words
    ask for the answer to have it.
    """
    plain = _plain(without_code(bounded(prompt, _READ)))
    forms: list[AskedForm] = []
    if _JSON.search(plain):
        forms.append(AskedForm("json"))
    listed = _LISTED.search(plain)
    if listed is not None:
        forms.append(AskedForm("list", count=_number(next(group for group in listed.groups() if group))))
    elif _BULLETS.search(plain):
        forms.append(AskedForm("list"))
    for pattern, form in _BY_PATTERN:
        if pattern.search(plain):
            forms.append(AskedForm(form))
    written = _WRITE_CODE.search(plain)
    if written is not None or _CODE.search(plain):
        tag = (written[1] or written[2] or "") if written is not None else ""
        forms.append(AskedForm("code", language={"シェル": "bash", "shell": "bash"}.get(tag, tag)))
    return tuple(forms)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", bounded(text, _READ)).replace("’", "'").casefold()


def _number(word: str) -> int:
    return int(word) if word.isdecimal() else _COUNTS[word]


def _words(turn: Turn) -> str:
    return "\n".join(part.text for part in turn.parts if isinstance(part, Text))
