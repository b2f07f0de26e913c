"""Personal data and secrets are found in both languages; plain questions are not taken for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.decide.caching.sensitive import iban, luhn, my_number, personal_or_security

HELD = {
    "Write to taro.yamada+work@example.co.jp please": "mail address",
    "Call me at +81 90-1234-5678": "phone number",
    "my phone: (555) 123-4567": "phone number",
    "連絡先は03-1234-5678です": "phone number",
    "携帯は０９０−１２３４−５６７８": "phone number",
    "Charge 4111 1111 1111 1111 today": "card number",
    "card 5500-0055-5555-5559": "card number",
    "マイナンバーは 1234 5678 9018 です": "My Number",
    "my ssn is 123-45-6789": "social security number",
    "IBAN GB82 WEST 1234 5698 7654 32": "bank account",
    "東京都千代田区千代田1-1に住んでいます": "address",
    "〒100-0001": "address",
    "Send it to 221 Baker Street": "address",
    "my password is hunter2!": "password or code",
    "パスワードは abc123 です": "password or code",
    "暗証番号は1234": "password or code",
    "use sk-proj-abcdefghijklmnop1234": "secret",
    "AKIAIOSFODNN7EXAMPLE": "secret",
    "Authorization: Bearer abcdefghijklmnop.qrst": "secret",
    "-----BEGIN RSA PRIVATE KEY-----": "secret",
    "postgres://admin:s3cret@db/prod": "secret",
    "My name is Hanako Sato": "own particulars",
    "私の名前は佐藤花子です": "own particulars",
    "date of birth: 1980-01-02": "own particulars",
    "passport number: TK1234567": "number of a document or account",
    "口座番号は1234567": "number of a document or account",
    "john dot smith at example dot com": "mail address",
    "Please call 5551234567": "phone number",
    "my number in the UK is 020 7946 0958": "phone number",
    "電話番号は〇九〇一二三四五六七八": "phone number",
    "ssn 123456789": "social security number",
    "routing number 021000021": "number of a document or account",
    "driver's license D1234562": "number of a document or account",
    "my patient ID 445566 shows": "number of a document or account",
    "普通預金 1234567": "number of a document or account",
    "I live at 221B Baker Street": "address",
    "PO Box 1234, Springfield": "address",
    "pw: hunter22": "password or code",
    'The password for prod is "s3cr3tpass"': "password or code",
    "log in as bob with password hunter2": "password or code",
    "DB_PASSWORD=hunter2000": "password or code",
    "client_secret: 8f14e45fceea167a5a36": "password or code",
    "My OTP is 482913": "password or code",
    "暗証番号1234": "password or code",
    "PINは1234です": "password or code",
    "シークレットキー: abcd1234efgh": "password or code",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789": "secret",
    "I earn $85,000 a year": "own particulars",
    "I was born on March 14, 1985": "own particulars",
    "I was diagnosed with HIV last year": "own particulars",
    "田中太郎と申します": "own particulars",
    "1985年3月14日生まれです": "own particulars",
    "年収は600万円です": "own particulars",
    "糖尿病と診断されました": "own particulars",
    "氏名 山田花子": "own particulars",
}

PLAIN = [
    "What is a hash table?",
    "How do I reset my password?",
    "パスワードとは何ですか",
    "Why is the password wrong?",
    "Explain RFC 5322 e-mail addresses",
    "Convert 2026-11-22 10:00:00 to epoch, about 1795341600",
    "What is 1234567 * 7654321?",
    "第1条の2 契約の範囲とは",
    "python 3.11.2 and numpy 2.2.0",
    "Is 1234567890123 prime?",
    "What does the @property decorator do?",
    "Which password hash is best?",
    "How does a password manager work?",
    "Add 0100 0101 to 0011",
    "How can I earn $1000 a day?",
    "PINとは何ですか",
    "年収はどうやって計算しますか",
    "Who was born in the same year as Bach?",
    "マイナンバー制度の概要",
    "東京都の人口は何人ですか",
]


@pytest.mark.parametrize(("text", "kind"), HELD.items())
def test_what_must_not_be_kept_is_found(text: str, kind: str) -> None:
    assert personal_or_security(text) == kind
    assert personal_or_security(f"Some words before. {text} And some after.") != ""


@pytest.mark.parametrize("text", PLAIN)
def test_plain_questions_are_none(text: str) -> None:
    assert personal_or_security(text) == ""


@given(st.lists(st.integers(0, 9), min_size=12, max_size=18))
def test_a_wrong_digit_is_no_card(digits: list[int]) -> None:
    right = next(digit for digit in range(10) if any(digits) is False or luhn([*digits, digit]))
    wrong = [*digits, (right + 1) % 10]
    assert not luhn(wrong)


@given(st.lists(st.integers(0, 9), min_size=11, max_size=11))
def test_every_my_number_has_one_check_digit(digits: list[int]) -> None:
    assert sum(my_number([*digits, last]) for last in range(10)) == 1


def test_check_digits_of_accounts() -> None:
    assert iban("DE89 3704 0044 0532 0130 00")
    assert not iban("DE88 3704 0044 0532 0130 00")


@given(st.text(max_size=300))
def test_any_text_can_be_looked_through(text: str) -> None:
    assert isinstance(personal_or_security(text), str)


@pytest.mark.parametrize(
    "text", ["鍵はsk-proj-abcdefghijklmnop1234です", "宛先はa@example.comまで", "カード4111111111111111を使う"]
)
def test_japanese_letters_around_a_find_do_not_hide_it(text: str) -> None:
    assert personal_or_security(text) != ""
