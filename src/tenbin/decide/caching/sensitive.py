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
    r"|0[5789]0\d{8})(?![\w-])",  # 09012345678
    re.ASCII,
)
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){11,18}(?!\w)", re.ASCII)
_SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])", re.ASCII)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", re.ASCII)
_ADDRESS = re.compile(
    r"〒 ?\d{3}-?\d{4}"
    r"|(?:都|道|府|県|市|区|町|村)[^\s、。,.]{1,20}?\d{1,4}(?:丁目|番地|番|号|-\d{1,4})"
    r"|\b\d{1,5}(?: [A-Z][a-z]{1,20}){1,4} (?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct)\b"
)
_SECRET = re.compile(
    r"\b(?:sk|pk|rk|tb|gsk|hf|glpat|ghp|gho|ghs|ghu|github_pat|xox[abeoprs])[-_][\w-]{16,}"
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
    r"\b(?:pass(?:word|phrase|code)|passwd|pwd|secret|api[ _-]?key|access[ _-]?token|auth[ _-]?token|pin(?: code)?|"
    r"one[- ]time (?:code|password)|security code|cvv|cvc)\b[\"']?"
    r"(?: {0,2}(?:is|was|:|=|to) {0,2})[\"'`]?"
    r"(?!(?:required|wrong|correct|a|an|the|not|reset|hash|field|string)\b)\S{3,}"
    r"|(?:パスワード|暗証番号|合言葉|秘密鍵|アクセストークン|API ?キー|認証コード|セキュリティコード)"
    r"(?:は|が|を|:|=|「){1,2} ?[\w!-~]{3,}",
    re.IGNORECASE | re.ASCII,
)
_NUMBERED = re.compile(
    r"\b(?:passport|driver'?s? licen[cs]e|social security|national insurance|medical record|patient|account|routing|"
    r"card|policy)(?: (?:number|no\.?|id))? {0,2}(?:is|:|=|#) {0,2}#?[A-Z]{0,3}\d[\w-]{4,}"
    r"|(?:旅券番号|パスポート番号|免許証番号|運転免許証|保険証番号|被保険者番号|口座番号|カード番号|患者番号|社員番号|"
    r"マイナンバー|個人番号|会員番号)"
    r"(?:は|が|:|=|,|、| ){0,2}[A-Z]{0,3}\d[\w-]{3,}",
    re.IGNORECASE | re.ASCII,
)
_SELF = re.compile(
    r"\bmy (?:full |home |email |phone )?(?:name|address|birthday|date of birth|salary|income|ssn) (?:is|was)\b"
    r"|\b(?:date of birth|dob|born on)\b {0,2}[:=]? {0,2}\d"
    r"|(?:私|わたし|僕|俺)の(?:名前|氏名|住所|電話番号|生年月日|年収|給料|病名|メールアドレス)は"
    r"|(?:氏名|住所|生年月日|本籍|電話番号)[:=]",
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
