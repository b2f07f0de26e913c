"""2. A Japanese text as the guard compares it: its content words by script, its negation, question and roles.

Pure; no dictionary of the language: words are runs of kanji or katakana, and what stands behind them tells their role.
"""

import re

import msgspec

from tenbin.discern.guard.tables import groups
from tenbin.discern.guard.tables import words as words_of

GENERIC = """
    換算してください 換算して 換算 変換してください 変換して 対処法 対処 確認したい 確認して 確認 可能 役割
    所要時間 所要 何メートル 何キロ 何グラム 何パーセント 何カロリー 避けるべき 避けた方がいい 避ける 表示して 挙げ
    述べ 考え 解説 紹介 要点 ポイント コツ 流れ 際 度 点 目安 正式 主な 主要な 代表的な 一般的な 教えてください
    教えて下さい 教えて 説明してください 説明して 説明 知りたいです 知りたい 紹介してください 紹介して
    計算してください 計算して 計算 計算すると 求めてください 求めて 書いてください 書いて 作成してください 作成して
    作って 作成 お願いします お願いする お願い 依頼する 依頼 してください して下さい ください 下さい 調べて 答えて
    述べて 挙げて 示して 詳しく 簡単に 具体的に 方法 やり方 仕方 手順 手段 意味 どういう意味 何ですか 何か 現在 今
    いま 名前 内容 情報 もの こと 物 事 場合 時 とき 件 伝える 観測された 記録された 過去 食品 食べ物 番号 状況
    状態 現状 質問 回答 答え 例 一覧 詳細 概要 理由 原因 要因 なぜ 何故 どうして 誰 どこ いつ いくら 何度 何時 何年
    何月 何日 何人 何個 何 どう どのように どうやって 宛て 宛 向け 用の ため 為 相手 自分 私 僕 皆 皆さん 人 方 側
    的 等 など 各 上記 以下の 次の 一つ 文章 文 ひと 言い方 表現 都市 会社 企業 言葉 単語 用語 とは という について
    関して 関する における おける
"""
"""Words that say nothing of the matter: they may stand in one text alone."""

SYNONYMS = """
    キロ キロメートル; グラム g; メートル m 標高 高さ; センチ センチメートル cm; 並べ替え 並び替え ソート; 知らせ
    連絡 伝え 通知; 翻訳 訳; 移行 移す 移し; 調整 整え; 予約 取っ 押さえ; 返品 返し 返す; 比率 割合; 順番 順序;
    開催 行わ 催さ; 設立 創立 創業; 誕生 生まれ; 死亡 死去 亡くな 没; 居住 住; 所在 位置 場所; 発売 売り出; 公開
    公表; 修理 直; 交換 取り替え 替え; 入手 手に入れ 取得; 提出 出し 出す; 参加 出席; 支払 払; 印刷 プリント; 保管
    保存; 理由 原因 要因 わけ; 料金 値段 価格 費用 代金 運賃 いくら; 方法 手順 やり方 仕方 手段; 社長 代表取締役
    CEO; 違い 差 相違 差異; 作る 作成 作り 制作 書く 書き; 送付 送る 送って 送信 送り; 依頼 お願い 頼む; 増加 増え
    上昇 増大 増やす 伸び; 減少 減り 減っ 低下 下落 減らす 減る; 変更 変え 修正 直し 直す; 削除 消す 消し 消去
    取り除; 追加 加え 足す 足し; 購入 買う 買い 買っ; 使用 使う 使い 利用 使っ; 開始 始め 始ま スタート; 終了 終わ
    終え; 確認 調べ チェック; 検索 探す 探し 見つけ; 設定 入れ 予約 登録; 導入 インストール 入れ; 表示 見せ; 病院
    医院 クリニック; 医師 医者; 子供 子ども こども 児童; 大人 成人; 老人 高齢者 お年寄り; 妊婦 妊娠中; 車 自動車;
    映画 ムービー; 写真 画像; 会社 企業; 仕事 職業; 国 国家; 都市 町 街; 家 住宅; 電話 TEL; 意味 意義; 効果 影響;
    利点 メリット 長所; 欠点 デメリット 短所; 特徴 特色; 目的 狙い; 人気 有名; 重要 大切 大事; 必要 要る; 簡単
    容易; 難し 困難; 早 速; 安 格安; 高 高価; 場所 位置 所在地 どこ; 日時 日程 いつ; 時刻 時間 何時; 敬語 丁寧;
    要約 まとめ; 翻訳 訳し 訳す 訳して; 比較 比べ; 解決 解消; 改善 良く; 注意 気; 食事 ご飯 ごはん; 受賞 受賞者
    取っ 獲得; 服用 飲む 飲ん 飲み; 摂取 食べ; 停止 止め; 取消 キャンセル 取り消; 返金 払い戻; 配送 配達 発送;
    問い合わせ 連絡; ログイン サインイン; メール 電子メール; スマホ スマートフォン 携帯; パソコン PC コンピュータ
    コンピューター; ソフト アプリ アプリケーション ソフトウェア; 飲食店 レストラン; 学校 スクール; ホテル 宿; 列車
    電車; 先生 教師; 生徒 学生; 都度 毎回; 首都 都; 許可 許さ 可; 可能 でき 出来; 人口 住民数; 創業者 創設者
    設立者; 著者 作者 書いた; 身長 背; 体重 重さ; 期限 締切 締め切り; 会議 ミーティング 打ち合わせ; 資料 書類;
    暗証番号 パスワード; 再設定 リセット; 申請 申し込; 解約 退会; 延期 先送り
"""
"""Groups of words, or beginnings of words, that mean the same, apart by semicolons."""

ANTONYMS = """
    増加 減少; 増え 減; 増や 減ら; 増税 減税; 最高 最低; 最大 最小; 最多 最少; 最長 最短; 最新 最古; 最初 最後;
    最適 最悪; 上昇 下降; 上昇 下落; 上が 下が; 上げ 下げ; 上り 下り; 黒字 赤字; 賛成 反対; 合格 不合格; 成功 失敗;
    開始 終了; 始ま 終わ; 始め 終え; 開 閉; 開ける 閉める; 有効 無効; 有料 無料; 有利 不利; 可能 不可能; 便利 不便;
    満足 不満; 許可 禁止; 可 不可; 必要 不要; 安全 危険; 安全 有害; メリット デメリット; 利点 欠点; 長所 短所; 強み
    弱み; 得意 苦手; 好き 嫌い; 良い 悪い; よい 悪い; 良 悪; 高い 低い; 高い 安い; 高く 低く; 高く 安く; 高 低; 高
    安; 大き 小さ; 多い 少ない; 多く 少なく; 長い 短い; 早い 遅い; 早く 遅く; 速い 遅い; 速く 遅く; 重い 軽い; 厚い
    薄い; 広い 狭い; 深い 浅い; 強い 弱い; 新しい 古い; 若い 古い; 明る 暗; 暑い 寒い; 熱い 冷たい; 暖か 涼し; 甘い
    辛い; 簡単 難し; 固い 柔らか; 前 後; 以前 以後; 以上 以下; 以上 未満; 以内 以上; 超 未満; 午前 午後; 朝 夜; 朝
    夕; 昼 夜; 昨日 明日; 昨日 今日; 今日 明日; 去年 今年; 昨年 今年; 今年 来年; 去年 来年; 先月 今月; 今月 来月;
    先月 来月; 先週 今週; 今週 来週; 先週 来週; 平日 休日; 平日 週末; 春 秋; 夏 冬; 東 西; 南 北; 右 左; 上 下; 内
    外; 国内 海外; 国内 国外; 国産 外国産; 表 裏; 入口 出口; 入力 出力; 入学 卒業; 入社 退社; 入る 出る; 出席 欠席;
    出発 到着; 往路 復路; 片道 往復; 行き 帰り; 送信 受信; 送る 受け取; 売る 買う; 売り 買い; 売却 購入; 販売 購入;
    貸し 借り; 貸す 借り; 預け 引き出; 輸入 輸出; 収入 支出; 資産 負債; 利益 損失; 勝 負; 攻撃 防御; 攻め 守; 追加
    削除; 登録 解除; 登録 解約; 加入 解約; 接続 切断; 起動 停止; 開 閉; 点灯 消灯; つけ 消; オン オフ; 有り 無し;
    あり なし; 拡大 縮小; 圧縮 解凍; 圧縮 展開; 暗号化 復号; 結婚 離婚; 男 女; 男性 女性; 父 母; 兄 弟; 姉 妹; 夫
    妻; 息子 娘; 親 子; 大人 子; 大家 借主; 先生 生徒; 医師 患者; 雇用主 従業員; 公開 非公開; 公立 私立; 国立 私立;
    正規 非正規; 正社員 派遣; 昇順 降順; 縦 横; 行 列; 静的 動的; 同期 非同期; 手動 自動; 直接 間接; 肯定 否定; 正
    負; 生 死; 原因 結果; 需要 供給; 円安 円高; 晴れ 雨; 増量 減量; 初心者 上級者; 新品 中古; 賛 否; 延長 短縮;
    昇進 降格; 承認 却下; 承諾 拒否; 受け入れ 断; 作成 削除; 保存 破棄; 表示 非表示; 乗 降; 覚え 忘れ; ロック
    アンロック; アップロード ダウンロード; インストール アンインストール; インポート エクスポート; プラス マイナス;
    ミュート 解除
"""
"""Pairs of opposites, apart by semicolons. A pair counts where each stands in one text alone."""

_MUST = re.compile(
    r"なければ(?:なら|いけ)な[いく]|なくては(?:なら|いけ)な[いく]|ないと(?:いけ|なら)な[いく]|なければなりません|なくてはいけません|"
    r"かもしれ(?:ない|ません)|に(?:違|ちが)いな[いく]|(?:くれ|もらえ|いただけ|頂け|下さい|ください)(?:ない|ません)|"
    r"ではないでしょうか|じゃないですか|ではありませんか|(?<![ぁ-ん一-龥])あり?ませんか|"
    r"少な[いくさ]|危な[いく]|つまらな[いく]|もったいな[いく]|はかな[いく]|切な[いく]|みたいな|問題ない[でか]|すくな[いく]|"
    r"ないし(?=[^て])|何気ない|さりげな[いく]|間違いな[いく]|できない[でか]しょうか|しな(?:い)?か(?:っ)?たら"
)
_NEGATION = re.compile(
    r"ない|なかっ|なく(?:て|な|と|、|。|$)|ません|ませんでした|ずに|ずとも|なしで|なしの|無しで|無しの|以外|除い|除く|抜きで|抜きの|"
    r"いけな|ならな|禁止|不可|避け|防[ぐい止]|やめ|辞め|そこな|損な|そびれ|嫌[いう]|まい(?:と|。|$)"
)
_QUOTED_OUT = re.compile(r"[「『][^」』]*[」』]")
_CONTENT = re.compile(r"([一-龥々〆]+|[ァ-ヴー]{2,})([ぁ-ん]?)")
_NUMBERED = re.compile(
    r"[0-9][0-9.,:]*\s?(?:キロカロリー|カロリー|キログラム|グラム|キロメートル|センチメートル|ミリメートル|メートル|パーセント|リットル|ページ|キロ|センチ|ミリ|"
    r"ドル|ユーロ|ポンド|ヶ月|か月|カ月|時間半?|時半?|日間|年間|週間|分間|[年月日時分秒週泊円人個本枚回歳才匹頭階番号台度倍割件社名冊杯点章巻世代目]+)?"
)
_ENERGY = re.compile(r"何?キロカロリー")
_QUESTIONS = (
    ("why", re.compile(r"なぜ|何故|どうして|理由|原因|なんで")),
    ("when", re.compile(r"いつ|何[年月日時曜](?![間度])|何時(?!間)|時期|日時")),
    ("where", re.compile(r"どこ|何処|場所|どちらで")),
    ("who", re.compile(r"誰|だれ|どなた|名前|何者")),
    ("how much", re.compile(r"いくら|料金|値段|価格|費用|何円|金額")),
    (
        "how many",
        re.compile(r"いくつ|何[個人本枚回台匹件歳度kK]|どれくらい|どのくらい|どれだけ|何時間|何日間|何年間|何か月"),
    ),
    ("how", re.compile(r"どうやって|どのように|どうすれば|どうしたら|どうやれば|方法|やり方|仕方|手順")),
)
_ROLE = re.compile(
    r"([一-龥々ァ-ヴーa-z0-9]{1,20})(?:さん|様|氏|君|ちゃん)?(が|を|に|へ|から|まで|より|は|発|行き?|着)"
)
_JOURNEY = re.compile(
    r"([一-龥々ァ-ヴーa-z0-9.]{1,20}?)(?:駅|空港|語)?(?:から|発|より)([一-龥々ァ-ヴーa-z0-9.]{1,20}?)(?:駅|空港|語)?(?:まで|へ|に|行き?|着|の|を|$)"
)


class JapaneseReading(msgspec.Struct, frozen=True):
    """What the guard compares of a Japanese text."""

    words: tuple[str, ...]
    """Runs of kanji and of katakana, in order, without those that say nothing of the matter and without verbs."""
    verbs: tuple[str, ...]
    """Single kanji with the ending of a verb behind them."""
    negated: bool
    question: str
    """why, when, where, who, how much, how many, how; "" where it does not say."""
    journey: tuple[str, str] | None
    """From where, to where."""
    poles: frozenset[str]
    """Words that have an opposite."""
    roles: tuple[tuple[str, str], ...]
    """Words with the particle behind them."""


_PARTICLES = "はがをにでのともへやかいな"


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for one, other in groups(ANTONYMS):
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


OPPOSITES_JA = _opposites()
"""By a word: its opposites."""
_WITHIN = {word: [other for other in others if word in other] for word, others in OPPOSITES_JA.items()}


def _stands_alone(word: str, text: str) -> bool:
    """Whether the word stands in the text otherwise than as a part of its own opposite: 可能 in 不可能."""
    for opposite in _WITHIN[word]:
        text = text.replace(opposite, "")
    return word in text


def _verb(word: str, after: str) -> bool:
    """A lone kanji is a verb's root where an ending stands behind it that is neither particle nor adjective's."""
    return len(word) == 1 and after != "" and after not in _PARTICLES


_GENERIC = re.compile("|".join(sorted(map(re.escape, words_of(GENERIC)), key=len, reverse=True)))


def read_japanese(plain: str) -> JapaneseReading:
    """The reading of a text that is normalised (NFKC, small letters, numerals in digits)."""
    unquoted = _QUOTED_OUT.sub(" ", plain)
    question = next((kind for kind, pattern in _QUESTIONS if pattern.search(unquoted)), "")
    journey = _JOURNEY.search(unquoted)
    content = _CONTENT.findall(_GENERIC.sub(" ", _NUMBERED.sub(" ", _ENERGY.sub("カロリー", unquoted))))
    return JapaneseReading(
        words=tuple(word for word, after in content if not _verb(word, after)),
        verbs=tuple(word for word, after in content if _verb(word, after)),
        negated=bool(_NEGATION.search(_MUST.sub(" ", unquoted))),
        question=question,
        poles=frozenset(word for word in OPPOSITES_JA if word in plain and _stands_alone(word, plain)),
        journey=(journey[1], journey[2]) if journey else None,
        roles=tuple(_ROLE.findall(unquoted)),
    )
