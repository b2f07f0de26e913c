"""2. Words that tell what a request is about, by group, English and Japanese: data of the counts in features.

English words stand alone or two in a row, folded as features folds them (small letters, every digit a zero); Japanese
ones are looked for anywhere.
"""

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "code": (
        "python javascript typescript java rust golang c++ sql html css bash regex function functions "
        "method class code script program programming api endpoint compile compiler algorithm variable "
        "array string json yaml dockerfile docker kubernetes git repository import def return async react "
        "django fastapi flask node npm cli library module loop recursion pointer struct boolean integer "
        "query database unittest pytest"
    ),
    "write": "write implement create build generate add develop make produce draft compose",
    "debug": (
        "bug bugs debug error errors exception traceback crash crashes fails failing failed broken "
        "stack_trace doesn_t not_working segfault wrong undefined null nullpointerexception keyerror "
        "typeerror valueerror fix fixes leak deadlock flaky regression diagnose reproduce"
    ),
    "test": (
        "test tests unit_tests unit_test integration_tests test_cases test_case coverage pytest jest "
        "junit mock mocks assertions fixture fixtures edge_cases e0e"
    ),
    "refactor": (
        "refactor refactoring clean_up simplify rename restructure extract decouple duplication readable "
        "readability modularize tidy dead_code maintainable"
    ),
    "comment": (
        "docstring docstrings comment comments javadoc jsdoc document_this commit_message changelog "
        "type_hints inline_comments release_notes pull_request"
    ),
    "plan": (
        "plan plans planning roadmap design architecture architect strategy migration milestones rollout "
        "steps_to step_by step_plan propose tradeoffs trade_offs schedule proposal blueprint phases "
        "system_design"
    ),
    "hard": (
        "distributed concurrency concurrent consistency idempotent idempotency failover replication "
        "consensus race deadlock throughput latency multi_region scalable scalability transaction "
        "transactions partition sharding isolation threat security vulnerability cryptographic compiler "
        "kernel optimization optimize proof prove derive rigorous complexity asynchronous backward "
        "compatibility rollback observability invariant formal"
    ),
    "mathematics": (
        "equation solve calculate compute integer integers prime probability triangle circle angle "
        "polynomial matrix vector derivative integral sum product fraction percent percentage average "
        "mean median variance ratio area perimeter volume radius theorem divisible modulo square cube "
        "root logarithm function graph sequence series digit digits factor factors multiple remainder "
        "group ring field ideal isomorphism homomorphism"
    ),
    "quantity": (
        "how_many how_much total each per twice half times more_than less_than dollars cost costs price "
        "hours minutes days weeks miles pounds cents remaining left altogether profit discount"
    ),
    "reason": (
        "why explain because therefore imply implies infer conclude reasoning logic logical puzzle "
        "premise argument valid invalid assume suppose true_or deduce justify analyze evaluate compare "
        "step prove show_that"
    ),
    "negation": (
        "not no never none except neither nor without cannot least incorrect false unlikely isn doesn don "
        "following_except least_likely is_not are_not"
    ),
    "exam": (
        "which_of the_following following_statements statement best_describes most_likely answer choose "
        "correct choices options option single_choice multiple_choice according_to best_answer "
        "following_is"
    ),
    "extract": (
        "extract list identify find entities fields field names dates phone email addresses parse table "
        "csv column columns json key_details structured information details attributes from_the pull_out"
    ),
    "classify": (
        "classify category categories label sentiment positive negative neutral spam categorize rate "
        "rating recommend topic intent which_category is_this tag detect toxic ticket priority true false "
        "yes_or stars satisfied dissatisfied"
    ),
    "summarize": (
        "summarize summarise summary tldr tl_dr condense brief shorten main_points key_points gist recap "
        "outline abstract headline highlights overview takeaways digest title boil_down"
    ),
    "translate": (
        "translate translation translated english japanese french german spanish chinese korean italian "
        "localize localise into_japanese into_english in_french say_in"
    ),
    "rewrite": (
        "rewrite rephrase paraphrase reword edit proofread polish grammar tone formal polite concise "
        "correct_the improve revise same_meaning duplicate duplicates mean_the rewording spelling "
        "professional"
    ),
    "create": (
        "story poem haiku song lyrics novel fiction character characters dialogue plot scene rhyme "
        "limerick joke imagine creative write_a sonnet fairy tale screenplay narrative roleplay pretend "
        "slogan sentence_with concepts"
    ),
    "content": (
        "blog post article essay email letter newsletter announcement press_release speech advertisement "
        "ad product description tweet linkedin caption cover_letter introduction marketing social_media "
        "faq copy landing_page syllabus recipe resume"
    ),
    "ask": (
        "generate_a question questions quiz come_up ask interview_questions question_about flashcards "
        "following_passage what_is_the_question jeopardy"
    ),
    "read": (
        "passage paragraph context article according_to text story question based_on background given "
        "read document excerpt plot bio following_article answer_the"
    ),
    "law": (
        "contract agreement clause clauses party parties receiving disclosing confidential liability "
        "indemnify indemnification termination license licensee licensor shall herein hereunder thereof "
        "plaintiff defendant court statute tort negligence jurisdiction warranty breach law legal lease "
        "tenant landlord nda arbitration governing_law attorney constitutional felony"
    ),
    "medicine": (
        "patient patients disease symptoms treatment clinical blood muscle nerve cell cells drug drugs "
        "dose diagnosis infection cancer heart hormone protein gene genes syndrome artery bone kidney "
        "year_old medical"
    ),
    "science": (
        "energy force mass velocity acceleration electron electrons atom molecule reaction acid base "
        "temperature pressure light wave frequency planet star orbit species evolution organism enzyme "
        "dna chemical compound ion oxidation gas current voltage magnetic electric photon"
    ),
    "business": (
        "market price demand supply inflation interest tax taxes income revenue asset assets stock bond "
        "bonds gdp monetary fiscal bank consumer consumers firm firms company accounting audit "
        "corporation management marketing economy policy budget unemployment shareholders"
    ),
    "society": (
        "government war president political century empire king rights society social culture religion "
        "church philosophy moral ethics ethical psychology behavior theory revolution treaty congress "
        "constitution nation states kant utilitarianism argues freud"
    ),
    "talk": (
        "hello hi hey thanks thank how_are please_help good_morning nice lol bye welcome i'm_feeling "
        "feeling bored advice think_about favorite do_you"
    ),
    "short": (
        "answer_with one_word just_the only_the reply_with single_word yes_or one_sentence in_short "
        "capital_of who_is who_was what_is when_did where_is who_wrote what_year how_old"
    ),
}
"""Group to words, blank separated; two words in a row are joined by an underscore."""

JAPANESE: Final[dict[str, str]] = {
    "code": (
        "コード 関数 プログラム 実装 スクリプト クラス メソッド アルゴリズム 正規表現 クエリ データベース "
        "エンドポイント ライブラリ 変数"
    ),
    "write": "書いて 作成して 作って 実装して 生成して 追加して 考えて",
    "debug": (
        "デバッグ バグ エラー 例外 直して 修正して 動かない 動きません 落ちる 失敗 原因 不具合 "
        "うまくいかない クラッシュ"
    ),
    "test": "テスト 単体テスト カバレッジ テストケース モック 結合テスト",
    "refactor": "リファクタ 整理して 読みやすく 切り出 共通化 分割して 簡潔に 重複 命名",
    "comment": "コメント ドキュメント文字列 コミットメッセージ 変更履歴 リリースノート 注釈",
    "plan": "計画 設計 アーキテクチャ ロードマップ 手順 方針 企画 段取り 移行 スケジュール 戦略 洗い出",
    "hard": ("分散 並行 整合性 冪等 排他 脆弱性 セキュリティ 最適化 証明 トレードオフ 可用性 厳密 多角的 段階的"),
    "mathematics": "方程式 確率 計算 求めて 求めよ 面積 体積 三角形 整数 素数 微分 積分 行列 関数 割合 平均",
    "quantity": "何個 何人 何円 いくら 何分 何時間 何回 合計 残り 何本 何枚 何日 倍 ％",
    "reason": "なぜ 理由 説明 推論 論理 パズル 比較 考察 分析 根拠 仮定",
    "negation": "ない せん ず 以外 除",
    "exam": "次のうち 選んで 選択肢 正しい 適切な 以下の どれ 選びなさい 答えなさい",
    "extract": "抽出 抜き出 列挙 リストアップ 表に 項目 箇条書き キーワード",
    "classify": "分類 判定 カテゴリ ラベル 感情 ポジティブ ネガティブ 評価 該当",
    "summarize": "要約 まとめて 要点 概要 短くして かいつまんで 一言で",
    "translate": "翻訳 英訳 和訳 訳して 英語に 日本語に 英語で 中国語",
    "rewrite": "書き換え 言い換え 敬語 丁寧 校正 添削 推敲 直しなさい 自然な 誤字 書き直",
    "create": (
        "物語 小説 詩 俳句 短歌 歌詞 キャラクター 台詞 ダジャレ 川柳 創作 シナリオ もしあなたが なりきって 演じ"
    ),
    "content": (
        "メール ブログ 記事 手紙 案内文 お知らせ 広告 キャッチコピー 紹介文 挨拶 スピーチ 企画書 推薦状 投稿 アイデア"
    ),
    "ask": "問題を作 質問を作 クイズ 設問 質問を考え",
    "read": "文章を読 次の文章 以下の文章 本文 文書 について答え 読んで 会話",
    "law": "契約 条項 条文 法律 甲 乙 秘密保持 損害賠償 違法 規約 解除 裁判 著作権 賃貸 違反",
    "medicine": "患者 症状 病気 治療 薬 診断 医療 健康 血圧",
    "science": "物理 化学 実験 原子 分子 エネルギー 宇宙 地球 生物 細胞 気温",
    "business": "会社 企業 経済 市場 売上 税 顧客 費用 見積 予算 経営 利益 投資",
    "society": "歴史 政府 戦争 政治 社会 文化 宗教 哲学 倫理 時代 首相 選挙",
    "talk": "こんにちは おはよう ありがとう こんばんは ですよね 元気 お疲れ 相談 好き おすすめ",
    "short": "とは何 ですか 教えて いつ どこ 誰 何です どちら",
}
"""Group to words, blank separated."""

GROUPS: Final[tuple[str, ...]] = tuple(ENGLISH)
"""Names of the groups, in the order of their counts."""

KEYWORDS: Final[tuple[tuple[str, int], ...]] = tuple(
    (word, index) for index, group in enumerate(GROUPS) for word in ENGLISH[group].split()
)
"""English word (or two, joined by an underscore) and the index of its group."""

JAPANESE_KEYWORDS: Final[tuple[tuple[str, int], ...]] = tuple(
    (word, index) for index, group in enumerate(GROUPS) for word in JAPANESE[group].split()
)
