"""Prompts of our own for every kind of task, in both languages: templates, and what their gaps are filled with."""

from pathlib import Path
from typing import NamedTuple, get_args
from zlib import crc32

from tenbin.core.features import TaskType

COPIES = 3
"""How often a template with gaps is filled."""
UNSEEN = 7
"""One template of so many is left out of training, for the tests."""


class Seed(NamedTuple):
    """One prompt."""

    task: TaskType
    prompt: str
    source: str
    """Its template: prompts of one template never stand on both sides of a split."""
    unseen: bool
    """Left out of training."""


FILLINGS = {
    "en": {
        "text": [
            "The city council voted on Tuesday to close the old bridge for repairs. Traffic will be diverted for about "
            "eight months, and shop owners near the river fear for their income. The mayor promised support.",
            "Maria opened her bakery in 1998 with a loan from her aunt. Within five years she had three shops and forty "
            "employees. Last month she sold the company and moved to the coast, where she paints.",
            "We met with the design team at 10:00. Ken will finish the mock-ups by Friday, Aiko talks to the printers, "
            "and the budget of $12,000 was approved. Open point: who writes the manual?",
            "I ordered two lamps on March 3rd and only one arrived. The box was damaged and nobody answers the phone. "
            "I liked the first lamp, though, and the driver was friendly.",
            "Coral reefs cover less than one percent of the ocean floor yet shelter a quarter of its species. Warmer "
            "water makes the corals expel the algae they live from, and they turn white.",
            "Hi Tom, thanks for your note. The shipment leaves Rotterdam on 14 June and should reach Yokohama five weeks "
            "later. Please send the customs forms to export@harbor.example by Monday. Best, Ingrid",
        ],
        "sentence": [
            "I have been charged twice for the same month.",
            "the meeting was moved to Thursday because of the holiday",
            "She quickly realised that the answer was not in the book.",
            "returns the second largest number of a list",
            "Your delivery arrives tomorrow between 9 and 12.",
            "How do I cancel my subscription before the trial ends?",
            "The new phone is fast, but the battery is a disappointment.",
            "counts the vowels of a string",
            "We will look into it and come back to you.",
        ],
        "topic": ["inflation", "climate change", "photosynthesis", "remote work", "machine learning", "autumn",
                  "the French Revolution", "healthy breakfasts", "loneliness", "database indexing"],
        "thing": ["a coffee machine", "an online bookshop", "a lighthouse keeper", "the telephone", "a hiking app",
                  "a talking cat", "TCP", "the printing press", "our new electric bike", "a chess club"],
        "clause": [
            "The Receiving Party shall not disclose any Confidential Information to third parties without the prior "
            "written consent of the Disclosing Party, for a period of three (3) years after termination.",
            "Either party may terminate this Agreement upon thirty (30) days' written notice. In no event shall either "
            "party be liable for indirect or consequential damages.",
            "Tenant shall indemnify and hold harmless Landlord from all claims arising out of the use of the premises. "
            "This Lease is governed by the laws of the State of New York.",
        ],
        "data": [
            "Invoice 4711\nDesk 2 x 120.00\nChair 4 x 45.50\nTotal: 422.00 EUR, due 2024-05-01",
            "name,price\nTea,4.20\nCoffee,5.10\nMilk,1.35",
            "Anna Weiss <anna@weiss.example> +49 30 1234\nBob Li bob.li@mail.example 555-0199",
            "save.button = Save\ngreeting = Hello, {name}!\nerror.timeout = Please try again",
        ],
    },
    "ja": {
        "text": [
            "市議会は火曜日、老朽化した橋を改修のため閉鎖することを決めた。工事は約八か月かかる見通しで、川沿いの商店主からは不安の声が上がっている。",
            "本日の会議では、鈴木さんが金曜日までに見積書を作成し、田中さんが印刷会社に連絡することになりました。予算は120万円です。",
            "先週購入した掃除機が三日で動かなくなりました。電話もつながらず、とても困っています。対応をお願いします。",
            "珊瑚礁は海底の一パーセントにも満たないが、海の生物種の四分の一を支えている。水温が上がると白化が起こる。",
            "私は1998年に叔母からお金を借りてパン屋を始めました。五年後には三店舗になり、去年会社を売って海辺に引っ越しました。",
        ],
        "sentence": [
            "今月の料金が二重に請求されています。", "会議は木曜日に変更になりました。", "明日行くから待ってて。",
            "リストの中で二番目に大きい数を返す", "新しいスマホは速いけど電池がもたない。", "資料を見てください。",
            "文字列の母音を数える", "解約するにはどうすればよいですか。",
        ],
        "topic": ["地球温暖化", "リモートワーク", "インフレ", "機械学習", "春", "健康的な朝食", "明治維新", "孤独"],
        "thing": ["電動自転車", "猫", "コーヒーメーカー", "オンライン書店", "電話", "チャットアプリ", "温泉旅館", "将棋"],
        "clause": [
            "第5条 受領当事者は、開示当事者の事前の書面による承諾なく、秘密情報を第三者に開示してはならない。本条の義務は契約終了後3年間存続する。",
            "第10条 甲又は乙は、30日前の書面による通知により本契約を解除することができる。乙の損害賠償額は、受領済みの委託料を上限とする。",
            "第8条 賃借人は、賃貸人の承諾なく本物件を転貸してはならない。本契約に関する紛争は東京地方裁判所を専属的合意管轄とする。",
        ],
        "data": [
            "請求書番号 4711\n机 2台 24,000円\n椅子 4脚 18,000円\n合計 42,000円 支払期日 2024年5月31日",
            "商品,価格\n緑茶,450\nコーヒー,1200\n牛乳,220",
            "山田花子 hanako@example.jp 03-1234-5678\n佐藤一郎 ichiro@example.jp 090-1111-2222",
        ],
    },
}  # fmt: skip
CODE = [
    "def total(items):\n    result = 0\n    for item in items:\n        result += item.price\n    return",
    "function fetchUser(id) {\n  return fetch('/users/' + id).then(r => r.json())\n}",
    "SELECT c.name, SUM(o.amount) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.name",
    "public class Account {\n    private int balance;\n    public void add(int x) { this.balance += x; }\n}",
    "diff --git a/cache.py b/cache.py\n-    ttl = 60\n+    ttl = settings.ttl\n",
    "for i in range(len(xs)):\n    for j in range(len(xs)):\n        if xs[i] == xs[j] and i != j:\n            return True",
]
ERRORS = [
    "Traceback (most recent call last):\n  File \"app.py\", line 12, in <module>\nKeyError: 'user_id'",
    "TypeError: Cannot read properties of undefined (reading 'map')",
    "error[E0502]: cannot borrow `v` as mutable because it is also borrowed as immutable",
    "2024-03-01 12:00:03 ERROR worker: connection refused (ECONNREFUSED 127.0.0.1:5432)",
    "java.lang.NullPointerException at com.example.OrderService.total(OrderService.java:41)",
]


def seeds() -> list[Seed]:
    """Every template of both languages, filled."""
    found = []
    for language in ("en", "ja"):
        for line in Path(__file__).with_name(f"{language}.txt").read_text(encoding="utf-8").splitlines():
            if line.startswith("#") or " | " not in line:
                continue
            task, template = line.split(" | ", 1)
            if task not in get_args(TaskType):
                raise ValueError(f"{language}.txt: unknown task {task}")
            number = crc32(line.encode())
            source = f"own:{language}:{number:08x}"
            fillings = FILLINGS[language] | {"code": CODE, "error": ERRORS}
            copies = {fill(template, fillings, number + copy) for copy in range(COPIES)}
            found += [Seed(task, prompt, source, number % UNSEEN == 0) for prompt in sorted(copies)]  # type: ignore[arg-type]
    return found


def fill(template: str, fillings: dict[str, list[str]], number: int) -> str:
    """The template with every gap filled; ``number`` says with what."""
    prompt = template.replace("\\n", "\n")
    for name, choices in fillings.items():
        gap = "{" + name + "}"
        while gap in prompt:
            prompt = prompt.replace(gap, choices[number % len(choices)], 1)
            number += 1
    return prompt
