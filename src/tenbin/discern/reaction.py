"""5. What a person's next words say of the answer before them: rejected, to be undone, or accepted. English, Japanese.

Fixed turns of phrase at the head of what was written, nothing learned. Precision goes before recall: most turns say
nothing, and a "no" that answers a question is none.
"""

import re
from typing import Literal, TypeAlias

Reaction: TypeAlias = Literal["", "rejected", "undone", "accepted"]

HEAD = 200
"""Characters of a turn that are looked at: who is not content says so first."""

_LEAD = r"(?:(?:no+|nope|nah|hmm+|hm|wait|sorry|but|ok|okay|well|unfortunately|actually|stop|ugh)\b[,.!:;—–… -]*)*"
_BAD = (
    r"(?:that|this|it)(?:'s|’s| is| was)?(?: still| just| simply| also| completely| totally)*"
    r" (?:wrong|incorrect|not (?:right|correct|what i|it\b|working|fixed)|broken)"
    r"|(?:that|this|it)(?: still)? (?:doesn['’]?t|does not|didn['’]?t|did not|isn['’]?t|is not|won['’]?t)"
    r" (?:even )?(?:work|compil|fix|build|help|run\b|right\b|correct\b|what i\b|do what)"
    r"|you(?:'re|’re| are) wrong|you (?:broke|misunderstood|misread|ignored)\b"
    r"|not what i (?:asked|wanted|meant|need)"
    r"|(?:(?:that|this|it) )?still (?:fails|failing|broken|not working|wrong|crash|doesn['’]?t work|does not work)"
    r"|still the same (?:error|problem|issue|bug)"
    r"|(?:the )?same (?:error|problem|issue|bug) (?:again|as before|still)|same (?:error|problem|issue)[.!]*$"
    r"|wrong (?:file|answer|approach|function|place|method|branch|language|directory|folder)\b"
    r"|(?:please )?try again\b|the tests? (?:still |now )?(?:fail|are failing|are broken|is failing|break)"
)
_UNDO = (
    r"(?:please |can you (?:please )?|could you (?:please )?)?(?:undo|revert|roll ?back|take back|discard)"
    r"(?: (?:that|this|it|your|the last|the previous|those|these|all|everything|the changes?|the edits?|what you)\b"
    r"|[.!]*$)|(?:please )?(?:put|change) (?:it|that|this|everything) back\b"
    r"|go back to (?:the (?:old|previous|original)|how it was)"
)
_GOOD = (
    r"(?:many |ok |okay )?thank(?:s| you)\b(?! in advance)|thx\b|ty[,.!]"
    r"|(?:perfect|excellent|awesome|brilliant)(?:[,.!]|$| work| job| thank)"
    r"|lgtm\b|(?:that |this |it |everything )?looks (?:good|great|perfect|right)\b|(?:that|it|this) works\b"
    r"|works (?:now|great|perfectly|fine)\b|(?:that|it) (?:worked|fixed it|did it|helped)\b"
    r"|great(?:[,.!]|$| work| job| thanks)|nice(?:[,.!]|$| work| job| one)"
    r"|well done\b|good job\b|exactly what i (?:wanted|needed|asked)|love it\b"
)
_ENGLISH_BAD = re.compile(rf"(?:^|[.!?\n]\s*){_LEAD}(?:{_BAD})", re.IGNORECASE)
_ENGLISH_UNDO = re.compile(rf"^{_LEAD}(?:{_UNDO})", re.IGNORECASE)
_ENGLISH_GOOD = re.compile(rf"^(?:ok(?:ay)?|cool|yes|yep|yeah|ah|oh|wow)?[,.! ]*(?:{_GOOD})", re.IGNORECASE)
_ENGLISH_BUT = re.compile(
    r"\b(?:but|however|except|although|though|almost|nearly|unfortunately|would|could be|if)\b", re.IGNORECASE
)

_JAPANESE_LEAD = (
    r"^(?:(?:いや|いえ|いいえ|うーん|ううん|えーと|えっと|あの|ちょっと待って|待って|すみません|ごめん(?:なさい)?|でも|んー"
    r"|全然|まだ|やっぱり|やはり|それ(?:は|だと|では|じゃ)?|これ(?:は|だと|では|じゃ)?|そこは?|(?:その|今の|さっきの)(?:回答|答え|修正|変更|実装)(?:では|は|で)?)"
    r"[、,。.…!！ 　]*)*"
)
_JAPANESE_BAD = re.compile(
    _JAPANESE_LEAD + r"(?:違います|ちがいます|違うよ|違うって|違う(?:[。、,.!！\s]|$)|ちがう(?:[。、,.!！\s]|$)"
    r"|そう(?:じゃ|では)な(?:い|くて)|そう(?:じゃ|では)ありません"
    r"|間違って(?:い)?(?:ます|る)|間違い(?:です|だ)(?!か)|誤りです|不正解"
    r"|動(?:きません|かなかった|かない(?:です|んです|よ|ね|[。、,.!！]|$))|動作しません|うまく(?:いきません|いかない|いって(?:い)?な|動きません|動かない)"
    r"|直って(?:い)?(?:ません|ない)|治って(?:い)?(?:ません|ない)|解決して(?:い)?(?:ません|ない)"
    r"|(?:同じ|また)エラー|エラーの?まま|(?:だめ|ダメ|駄目)(?:です|だ|でした|みたい)"
    r"|壊れ(?:ました|て(?:い)?ます|た(?:よ|[。、,.!！]|$))|テストが(?:まだ)?(?:通りません|通らない|落ち|失敗し)"
    r"|頼んだ(?:の|こと|もの)(?:と|では|じゃ)|期待(?:した|していた)?(?:もの|動作|結果)?と(?:は)?(?:違|異な)"
    r"|やり直して|もう一度やって|ありがとう.{0,10}動(?:きません|かない))"
)
_JAPANESE_UNDO = re.compile(
    _JAPANESE_LEAD
    + r"(?:(?:今の|さっきの|先ほどの|その|この|前の|直前の|全部|すべて|変更を?|修正を?|編集を?)[^。\n]{0,15})?"
    r"(?:元|もと)?(?:に戻して|取り消して|取消して|巻き戻して|リバートして|revert\s?して|undo\s?して|アンドゥして)"
    r"(?:ください|下さい|ほしい|欲しい|くれ|もらえ|[。、,.!！\s]|$)"
)
_JAPANESE_GOOD = re.compile(
    r"^(?:お[、,！! ]*|おー+[、,！! ]*|はい[、,。 ]*|了解[、,。 ]*)?"
    r"(?:どうも)?(?:ありがとう|有難う|有り難う|助かり(?:ました|ます)|助かった|完璧"
    r"|素晴らしい|すばらしい|いい感じ|良い感じ|(?:いい|良い)ですね|バッチリ|ばっちり|さすが|おみごと|お見事"
    r"|(?:うまく|ちゃんと|無事)?動きました|(?:うまく|ちゃんと)?(?:いきました|できました)|直りました|解決しました|期待(?:通|どお)り)"
)
_JAPANESE_BUT = re.compile(r"が、|けど|けれど|ただ|しかし|でも|ものの|のに|惜しい|もう少し|ません|ない")


def reaction(text: str, previous_answer: str = "") -> Reaction:
    """What a turn says of the answer before it; ``previous_answer`` is the end of that one, where known."""
    head = text[:HEAD].strip()
    if not head:
        return ""
    first = head.partition("\n")[0]
    if _JAPANESE_UNDO.match(first) or _ENGLISH_UNDO.match(first):
        return "undone"
    if _JAPANESE_BAD.match(first):
        return "rejected"
    found = _ENGLISH_BAD.search(first)
    if found is not None and not _asks(first, found.end()):
        return "rejected"
    asked = previous_answer.rstrip().endswith(("?", "？"))
    if asked or first.endswith(("?", "？", "か。", "か")):
        return ""
    if _JAPANESE_GOOD.match(first):
        return "" if _JAPANESE_BUT.search(head) else "accepted"
    if _ENGLISH_GOOD.match(first):
        return "" if _ENGLISH_BUT.search(head) else "accepted"
    return ""


def _asks(text: str, end: int) -> bool:
    """Whether the sentence that a phrase stands in is a question: "is that wrong?" says nothing."""
    rest = re.search(r"[.!?\n]", text[end:])
    return rest is not None and rest.group() == "?"
