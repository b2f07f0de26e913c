"""4. Personal data and secrets in a text, English and Japanese: what holds any of them is never cached.

Patterns and check digits, no guessing at names. It errs towards finding something: then an answer is only paid again.
"""

import re
import unicodedata

_EMAIL = re.compile(r"[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}\b", re.IGNORECASE | re.ASCII)
_PHONE = re.compile(
    r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2,4}"  # +81 90-1234-5678
    r"|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"  # (555) 123-4567
    r"|0\d{1,4}[-(]\d{1,4}[-)]\d{3,4}"  # 03-1234-5678
    r"|0[5789]0\d{8}"  # 09012345678
    r"|0[12378]\d(?: \d{4}){2}|0[12378]\d{3} \d{6}|0[12378]\d{2} \d{3} \d{4}"  # 020 7946 0958
    r")(?![\w-])"
    r"|\b(?:call|phone|tel|mobile|cell|fax|whatsapp)\b[^\d\n]{0,20}\d{7,12}(?![\w-])"
    r"|[〇一二三四五六七八九]{10,11}",
    re.ASCII,
)
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?!\w)", re.ASCII)
_SPOKEN_EMAIL = re.compile(
    r"\b[\w.-]{1,64} ?[\[(]?at[\])]? ?[\w-]{1,63} ?[\[(]?dot[\])]? ?(?:com|net|org|edu|io|jp|uk|de)\b", re.I | re.ASCII
)
_SSN = re.compile(
    r"\bssn\b[^\d\n]{0,6}\d{9}\b|(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])", re.I | re.ASCII
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", re.ASCII)
_ADDRESS = re.compile(
    r"〒 ?\d{3}-?\d{4}"
    r"|(?:都|道|府|県|市|区|町|村)[^\s、。,.]{1,20}?\d{1,4}(?:丁目|番地|番|号|-\d{1,4})"
    r"|\b[Pp]\.?[Oo]\.? [Bb]ox \d"
    r"|\b\d{1,5}[A-Z]?(?: [A-Z][a-z]{1,20}){1,4} "
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct)\b"
)
_SECRET = re.compile(
    r"\b(?:sk|pk|rk|tb|gsk|hf|glpat|ghp|gho|ghs|ghu|github_pat|xox[abeoprs]|npm|pypi)[-_][\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"|\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@]{1,64}:[^\s/@]{1,128}@"  # postgres://user:password@host
    r"|\bbearer +[\w.~+/-]{16,}"
    r"|\baws_secret_access_key\b",
    re.IGNORECASE | re.ASCII,
)
_STATED = re.compile(
    r"(?<![a-z])(?:pass(?:word|phrase|code)|passwd|pwd?|(?:client[ _-]?)?secret(?:[ _-]?key)?|otp|"
    r"api[ _-]?key|access[ _-]?token|auth[ _-]?token|pin(?: code)?|"
    r"one[- ]time (?:code|password)|security code|cvv|cvc)\b[\"']?"
    r"(?: (?:for|of|on) [\w.-]{1,30})?(?: {0,2}(?:is|was|:|=|to) {0,2})[\"'`]?"
    r"(?!(?:required|wrong|correct|a|an|the|not|reset|hash|field|string)\b)\S{3,}"
    r"|(?<![a-z])pass(?:word|code) [\"'`]?(?=\S{0,30}\d)(?=\S{0,30}[a-z])\S{6,}"
    r"|\b(?:2fa|mfa|otp|verification|login|confirmation|security) ?(?:code)?\b[^\d\n]{0,6}\d{4,8}\b"
    r"|(?:パスワード|暗証番号|合言葉|秘密鍵|アクセストークン|API ?キー|シークレット(?:キー)?|認証コード|確認コード|"
    r"セキュリティコード|(?<![a-z])PIN(?:コード)?|(?<![a-z])PW)"
    r"(?:は|が|を|:|=|「){1,2} ?[\w!-~]{3,}"
    r"|(?:暗証番号|認証コード|確認コード) ?\d{4,8}",
    re.IGNORECASE | re.ASCII,
)
_NUMBERED = re.compile(
    r"\b(?:passport|driver'?s? licen[cs]e|social security|national insurance|medical record|patient|account|routing|"
    r"card|policy)(?: (?:number|no\.?|id))? {0,2}(?:is|:|=|#) {0,2}#?[A-Z]{0,3}\d[\w-]{4,}"
    r"|\b(?:passport|driver'?s? licen[cs]e|account|routing|mrn|nhs|(?:patient|member|employee|customer) (?:id|number))"
    r"(?: (?:number|no\.?|id))?[ :#]{1,3}[A-Z]{0,3}\d[\w-]{4,}"
    r"|(?:普通|当座)(?:預金|口座)?[ :]{0,2}\d{6,8}(?!\d)"
    r"|(?:旅券番号|パスポート番号|免許証番号|運転免許証|保険証番号|被保険者番号|口座番号|カード番号|患者番号|社員番号|"
    r"マイナンバー|個人番号|会員番号)"
    r"(?:は|が|:|=|,|、| ){0,2}[A-Z]{0,3}\d[\w-]{3,}",
    re.IGNORECASE | re.ASCII,
)
_SELF = re.compile(
    r"\bmy (?:full |home |email |phone )?(?:name|address|birthday|date of birth|salary|income|ssn) (?:is|was)\b"
    r"|\b(?:date of birth|dob|born on)\b {0,2}[:=]? {0,2}\d"
    r"|(?:私|わたし|僕|俺)の(?:名前|氏名|住所|電話番号|生年月日|年収|給料|病名|メールアドレス)は"
    r"|\bmy ip(?: address)? is\b|(?<!can )(?<!do )(?<!if )\bI (?:earn|make) (?:about |around )?[$€£¥]\d"
    r"|\bI(?: was|'ve been| have been) (?:born\b[^.\n]{0,10}\d|born on\b|diagnosed\b)"
    r"|(?:氏名|住所|生年月日|本籍|電話番号)[:=]|氏名 |と申します|と診断され(?:まし|た|てい)|LINE ?ID(?:は|:)"
    r"|生年月日(?:は|が| ){0,2}(?:\d|昭和|平成|令和|大正)|\d{1,4}年\d{1,2}月\d{1,2}日(?:生|に生)"
    r"|(?:年収|月収|月給|給料)(?:は|が) ?\d",
    re.IGNORECASE | re.ASCII,
)


def personal_or_security(text: str) -> str:
    """What kind of personal data or secret the text holds, in a word or two; empty when none is found.

    Time is linear in the text's length. Full-width digits and signs read as their narrow forms.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_DASHES)
    if "@" in text and _EMAIL.search(text):
        return "mail address"
    if _SECRET.search(text):
        return "secret"
    if _STATED.search(text):
        return "password or code"
    for found in _DIGITS.finditer(text):
        digits = [int(character) for character in found[0] if character.isdigit()]
        if 13 <= len(digits) <= 19 and luhn(digits):
            return "card number"
        if len(digits) == 12 and my_number(digits):
            return "My Number"
    for pattern, kind in _PATTERNS:
        if pattern.search(text):
            return kind
    return "bank account" if any(iban(found[0]) for found in _IBAN.finditer(text)) else ""


_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ｰ", "-"))
_PATTERNS = (
    (_PHONE, "phone number"),
    (_SPOKEN_EMAIL, "mail address"),
    (_SSN, "social security number"),
    (_NUMBERED, "number of a document or account"),
    (_ADDRESS, "address"),
    (_SELF, "own particulars"),
)


def luhn(digits: list[int]) -> bool:
    """Whether the check digit of a payment card is right (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = 2 * digit if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and any(digits)


def my_number(digits: list[int]) -> bool:
    """Whether the check digit of a Japanese individual number of 12 digits is right (Ordinance 85/2014, article 5)."""
    total = sum(
        digit * (place + 1 if place <= 6 else place - 5) for place, digit in enumerate(reversed(digits[:11]), start=1)
    )
    remainder = total % 11
    return digits[11] == (0 if remainder <= 1 else 11 - remainder)


def iban(text: str) -> bool:
    """Whether the check digits of an international bank account number are right (ISO 13616)."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1
