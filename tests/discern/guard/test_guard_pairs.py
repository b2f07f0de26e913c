"""The guard on many pairs, as people ask: what must be seen to differ, and rewordings that must pass."""

import pytest

from tenbin.discern.guard import check

# One pair a line.
DIFFERENT = """
Show all users created after 2021-03-01 | Show all users created before 2021-03-01
Is Java faster than Python? | Is Python faster than Java?
How do I sort a list in descending order in Python? | How do I sort a list in ascending order in Python?
Remind me to call Anna at 5pm | Remind me to call Anna at 5am
Set an alarm for 6:30 am | Set an alarm for 7:30 am
What comes before step 4? | What comes after step 4?
Delete row 17. | Delete column 17.
What's new in Python 3.12? | What's new in Python 3.1?
Who wrote "The Trial"? | Who wrote "The Castle"?
Convert 5 miles to kilometers. | Convert 5 kilometers to miles.
Subtract 5 from 12 | Subtract 12 from 5
How do I undo a commit? | How do I redo a commit?
Where is order 48213? | Where is order 48231?
Is the shop open at noon? | Is the shop open at midnight?
What does list.sort return? | What does list.reverse return?
Is ibuprofen safe for cats? | Is ibuprofen safe for dogs?
How do I lock the screen? | How do I unlock the screen?
Delete all files except .txt files | Delete all .txt files
Who is taller, Ann or Bob? | Who is shorter, Ann or Bob?
What is the cheapest plan? | What is the priciest plan?
Divide 10 by 4 | Divide 4 by 10
Did Alice sue Bob? | Did Bob sue Alice?
List flights from Rome | List flights to Rome
Count rows where status is active | Count rows where status is inactive
What is the minimum age? | What is the maximum age?
Translate this from German to English: Haus | Translate this from English to German: Haus
How many days in February 2024? | How many days in March 2024?
Should I take it with food? | Should I take it without food?
Is the plural of ox oxen? | Is the plural of fox foxes?
Explain quicksort in two sentences | Explain quicksort in ten sentences
Explain quicksort | Explain mergesort
Explain quicksort in Java | Explain quicksort in JavaScript
How do I start nginx? | How do I restart nginx?
ssh to web-01 | ssh to web-02
Give me the first 10 rows | Give me the last 10 rows
What is the best case for quicksort? | What is the worst case for quicksort?
Write tests for UserService | Write docs for UserService
What is the capital of Georgia the country? | What is the capital of Georgia the state?
Why do leaves turn red? | Why do leaves turn yellow?
Play the song louder | Play the song quieter
What's the fee for early cancellation? | What's the fee for late cancellation?
Which of these is optional? | Which of these is required?
I have 3 apples and eat 2, how many are left? | I have 2 apples and eat 3, how many are left?
Give me a recipe with eggs | Give me a recipe without eggs
List all prime numbers under 50 | List all prime numbers over 50
How do I add a card to my account? | How do I remove a card from my account?
What's the cancellation fee for a single room? | What's the cancellation fee for a double room?
Do I need a permit to build a shed? | Can I build a shed without a permit?
How do I pair my headphones with my phone? | How do I unpair my headphones from my phone?
Is parking free on weekdays? | Is parking free on bank holidays?
When does the summer sale start? | When does the summer sale end?
What's the warranty on a new laptop? | What's the warranty on a refurbished laptop?
How much is a monthly pass? | How much is a yearly pass?
Can I bring my dog? | Can I bring my cat?
How do I export a report as CSV? | How do I export a report as PDF?
What are the symptoms of flu? | What are the symptoms of covid?
What is the tax on income from rent? | What is the tax on income from dividends?
Can employees see their own payslips? | Can managers see their team's payslips?
How do I become a vendor? | How do I stop being a vendor?
Is the lift working? | Is the lift broken?
What happens if I arrive early? | What happens if I arrive late?
Can I cancel after the order ships? | Can I cancel before the order ships?
Do vegetarians get enough protein? | Do vegans get enough protein?
How do I mark an email as read? | How do I mark an email as unread?
Which plans include phone support? | Which plans lack phone support?
How do I set up direct debit? | How do I cancel direct debit?
What's the deposit for tenants with pets? | What's the deposit for tenants?
How long do refunds take for card payments? | How long do refunds take for bank transfers?
Is delivery to Scotland included? | Is delivery to Ireland included?
How do I log in as an admin? | How do I log in as a guest?
What is the speed limit in towns? | What is the speed limit on motorways?
Can I pay in instalments? | Can I pay in full?
What is the minimum wage for apprentices? | What is the minimum wage for adults?
How do I raise my credit limit? | How do I lower my credit limit?
Should I take ibuprofen with food? | Should I take ibuprofen on an empty stomach?
How do I merge two PDF files? | How do I split a PDF file in two?
What time do you open? | What time do you close?
Where do I pick up my rental car? | Where do I drop off my rental car?
Is my data encrypted at rest? | Is my data encrypted in transit?
What are the pros of solar panels? | What are the cons of solar panels?
Does the gym offer classes for beginners? | Does the gym offer classes for seniors?
How do I opt out of emails? | How do I opt in to emails?
Can I transfer my ticket to a friend? | Can I transfer my ticket to another date?
Is the museum open during Easter? | Is the museum open during Christmas?
How do I hide a post? | How do I unhide a post?
Which vaccines are mandatory for travel to Kenya? | Which vaccines are recommended for travel to Kenya?
How is overtime paid for part-time staff? | How is overtime paid for full-time staff?
Who pays shipping when I return an item? | Who pays shipping when I exchange an item?
How do I block a user? | How do I report a user?
What's covered by basic insurance? | What's not covered by basic insurance?
Do students get a discount? | Do teachers get a discount?
How do I charge my scooter? | How do I lock my scooter?
Is there a late checkout option? | Is there an early check-in option?
Can I use the voucher online? | Can I use the voucher in store?
2019年の日本のGDPはいくらですか | 2018年の日本のGDPはいくらですか
三割引きで2000円の商品はいくらになりますか | 二割引きで2000円の商品はいくらになりますか
Node.js 18からNode.js 20に移行する方法は？ | Node.js 20からNode.js 18に移行する方法は？
src/main.pyは何をするファイルですか | src/test.pyは何をするファイルですか
ダークモードを有効にする方法 | ダークモードを無効にする方法
消費税を含まない価格を計算して | 消費税を含む価格を計算して
英語から日本語に翻訳して | 日本語から英語に翻訳して
高橋さんに会議の日程を知らせるメールを書いて | 高木さんに会議の日程を知らせるメールを書いて
午前10時に歯医者の予約を入れて | 午後10時に歯医者の予約を入れて
「ありがとう」をフランス語で言うと？ | 「さようなら」をフランス語で言うと？
二十歳未満でも申し込めますか | 二十歳以上でも申し込めますか
夏目漱石の代表作を三つ教えて | 夏目漱石の代表作を五つ教えて
リストを降順に並べ替えるコードを書いて | リストを昇順に並べ替えるコードを書いて
昨年より売上が増えた店舗はどこですか | 昨年より売上が減った店舗はどこですか
犬が猫を追いかける話を書いて | 猫が犬を追いかける話を書いて
ファイルを暗号化する方法 | ファイルを復号する方法
食前に飲む薬 | 食後に飲む薬
ビザが必要な国の一覧 | ビザが不要な国の一覧
一番高い山は？ | 二番目に高い山は？
会議に参加できる人は？ | 会議に参加できない人は？
田中さんは佐藤さんより背が高いですか | 佐藤さんは田中さんより背が高いですか
札幌の天気は？ | 仙台の天気は？
月曜日の予定は？ | 火曜日の予定は？
最初の10行を表示 | 最後の10行を表示
カナダの首都は？ | カナダの通貨は？
画像を拡大する方法 | 画像を縮小する方法
10から3を引くと？ | 3から10を引くと？
なぜ会社を辞めたのですか | いつ会社を辞めたのですか
入場料は大人いくら？ | 入場料は子どもいくら？
Wi-Fiを使える客室 | Wi-Fiを使えない客室
アカウントを作成する方法 | アカウントを削除する方法
利用規約に同意する | 利用規約に同意しない
Java 8のサポート期限 | Java 11のサポート期限
左から3番目の列 | 右から3番目の列
東京発の便 | 東京行きの便
卵を使わないケーキのレシピ | 卵を使うケーキのレシピ
親が子に送る手紙 | 子が親に送る手紙
"""

ALIKE = """
What's new in Python 3.12? | List the new features of Python 3.12.
What's new in Python 3.12? | Which features were added in Python 3.12?
Where is order 48213? | Track order 48213.
Where is order 48213? | What's the status of order number 48213?
Set a meeting at 3 pm on Friday | Schedule a meeting for Friday at 3pm.
How many calories are in 200 g of rice? | Calories in 200 grams of rice?
What was Germany's GDP in 2019? | How large was the GDP of Germany in 2019?
Convert 5 miles to kilometers. | How many kilometers are 5 miles?
Convert 100 USD to EUR | How many euros is 100 dollars?
What is 18% of 250? | Calculate 18 percent of 250.
Is Java faster than Python? | Does Java run faster than Python?
How do I install Node.js 18 on Ubuntu 22.04? | What are the steps to install Node.js 18 on Ubuntu 22.04?
How do I upgrade from Django 3.2 to 4.2? | Upgrading from Django 3.2 to 4.2: how does it work?
Remind me to call Anna at 5pm | Set a reminder to call Anna at 5 pm
Summarize the first chapter of Moby Dick | Give me a summary of chapter 1 of Moby Dick
Translate "good morning" into Spanish | How do you say "good morning" in Spanish?
What does the error "permission denied" mean? | Explain the error message "permission denied".
How do I sort a list in descending order in Python? | Sort a Python list in descending order.
Which countries do not have an army? | List countries without an army.
What should I do if I can't log in? | What can I do when I cannot log in?
Who won the World Cup in 2014? | Which team won the 2014 World Cup?
What is the population of Norway? | How many people live in Norway?
How tall is Mount Fuji? | What's the height of Mount Fuji?
How old was Mozart when he died? | At what age did Mozart die?
Who wrote "The Trial"? | Who is the author of "The Trial"?
What are the side effects of aspirin? | Which side effects does aspirin have?
How do I delete branch feature/login in git? | What's the git command to delete the branch feature/login?
Rename the variable user_id to account_id. | Please change the variable name user_id to account_id.
Write a regex that matches email addresses. | I need a regular expression matching email addresses.
Write a function that reverses a string | Create a function to reverse a string
What time is it in Tokyo when it is 9 am in London? | If it's 9 am in London, what's the time in Tokyo?
What is the distance between Paris and Rome? | How far is it from Paris to Rome?
Give me three synonyms for "happy". | List 3 synonyms of "happy".
Draft an email to John declining the invitation. | Write John an email to decline the invitation.
Why did the yen fall in March? | What caused the yen to fall in March?
What changed in version 2.4.1? | Summarize the changes in version 2.4.1.
Book a table for four at 7 pm | Reserve a table for 4 people at 7pm
What comes before step 4? | Which step comes before step 4?
Show all users created after 2021-03-01 | List the users that were created after 2021-03-01.
Delete row 17. | Please remove row 17.
Compare Postgres and MySQL. | What's the difference between MySQL and Postgres?
Cancel my 3 pm appointment on Thursday. | Please cancel the appointment I have on Thursday at 3 pm.
Move the meeting from 2 pm to 4 pm. | Please reschedule the 2 pm meeting to 4 pm.
Look up invoice INV-2041. | Find the invoice INV-2041.
Show details for customer 77120. | Give me the details of customer 77120.
Close issue 512. | Please close the issue number 512.
What is 12 times 8? | Calculate 12 multiplied by 8.
What is the square root of 144? | Calculate the square root of 144.
How many grams are in 3 ounces? | Convert 3 ounces to grams.
How much is 20% of 350? | What's 20 percent of 350?
What is 7 divided by 2? | Divide 7 by 2.
How many people live in Berlin? | What is Berlin's population?
Who was president of France in 1995? | Name the president of France in 1995.
What were Apple's revenues in 2021? | How much revenue did Apple make in 2021?
How did inflation develop in 2022? | Describe how inflation developed in 2022.
What are the main changes in Kubernetes 1.28? | Summarize what changed in Kubernetes 1.28.
How do I install PostgreSQL 15 on Debian 12? | Steps for installing PostgreSQL 15 on Debian 12?
Does React 18 support IE 11? | Is IE 11 supported by React 18?
Is a tiger stronger than a lion? | Are tigers stronger than lions?
Does the moon orbit the earth? | Is the moon orbiting the earth?
Did Rome conquer Greece? | Was Greece conquered by Rome?
Translate this sentence from German to English. | Please give me an English translation of this German sentence.
How do I migrate data from Oracle to Postgres? | What is the process for migrating data from Oracle to Postgres?
Send $50 from checking to savings. | Transfer 50 dollars from checking to savings.
How long is the drive from Austin to Dallas? | How long does it take to drive from Austin to Dallas?
What is the largest city in Canada? | Name the biggest city in Canada.
What language do they speak in Brazil? | Which language is spoken in Brazil?
What's the currency of Sweden? | Which currency is used in Sweden?
Who is the CEO of Toyota? | Tell me the name of Toyota's CEO.
When was Nelson Mandela born? | What is Nelson Mandela's date of birth?
What is the atomic number of iron? | Tell me iron's atomic number.
Which vitamins does spinach contain? | What vitamins are in spinach?
Is it safe to give aspirin to children? | Can children take aspirin safely?
Can dogs eat grapes? | Are grapes safe for dogs to eat?
What are the benefits of yoga for seniors? | How do seniors benefit from yoga?
How do I undo the last commit in git? | What's the git command to undo the last commit?
What does the -r flag of grep do? | Explain grep's -r flag.
Explain the function calculate_total. | What does the calculate_total function do?
How do I open config.yaml in vim? | What's the command to open config.yaml in vim?
Add a docstring to parse_args. | Write a docstring for parse_args.
Why does UserService.create() throw an exception? | What makes UserService.create() throw an exception?
Define the word "ubiquitous". | What's the definition of "ubiquitous"?
Use "however" in a sentence. | Write a sentence with the word "however".
What rhymes with "orange"? | Give me words that rhyme with "orange".
Which employees are not on vacation? | List the employees who are not on vacation.
Why is the sky not green? | Explain why the sky isn't green.
Which foods should diabetics avoid? | What foods should people with diabetes avoid?
Are guests permitted to smoke? | Is smoking allowed for guests?
How do I disable notifications? | How can I turn off notifications?
How do I enable two-factor authentication? | How can I switch on two-factor authentication?
Show the highest paid employee. | Who is the highest-paid employee?
What was the lowest temperature in January? | How cold did it get in January at the lowest?
Why did sales fall last month? | What's the reason sales fell last month?
Write a query that returns active users. | I need a query returning active users.
List all customers except those from Spain. | Show every customer who isn't from Spain.
Write a cover letter for a nurse. | Draft a nurse's cover letter.
Give me a vegan lasagna recipe. | How do I make vegan lasagna?
Write a haiku about autumn. | Compose a haiku on autumn.
2019年の日本のGDPはいくらですか | 日本の2019年のGDPを教えてください
5マイルは何キロですか | 5マイルをキロメートルに換算して
三割引きで2000円の商品はいくらになりますか | 2000円の商品が3割引だといくら？
Node.js 18からNode.js 20に移行する方法は？ | Node.js 18からNode.js 20への移行手順を教えて
ダークモードを有効にする方法を教えてください | ダークモードを有効にするにはどうすればいいですか
消費税を含まない価格を計算して | 消費税を含まない価格はいくらですか
喫煙が許可されている場所はどこですか | どこで喫煙が許可されていますか
英語から日本語に翻訳するコツは？ | 英語を日本語に翻訳するときのコツを教えて
東京から大阪まで新幹線で何時間かかりますか | 新幹線で東京から大阪までの所要時間は？
猫と犬の違いは何ですか | 犬と猫はどう違いますか
高橋さんに会議の日程を知らせるメールを書いて | 高橋さんへ会議日程を連絡するメールを作成してください
富士山の高さは何メートルですか | 富士山の標高を教えて
ドイツの人口はどのくらいですか | ドイツの人口を教えてください
明日の午前10時に歯医者の予約を入れて | 歯医者の予約を明日午前10時に入れてください
会員登録を解除したい | 会員登録の解除方法を教えて
パスワードを忘れた場合はどうすればいいですか | パスワードを忘れたときの対処法を教えてください
第二次世界大戦が終わったのは何年ですか | 第二次世界大戦はいつ終わりましたか
「ありがとう」をフランス語で言うと？ | 「ありがとう」はフランス語で何と言いますか
妊娠中に飲んではいけない薬は？ | 妊娠中に避けるべき薬を教えて
子どもの風邪薬の用量は？ | 子供が風邪薬を飲むときの用量を教えてください
二十歳未満でも申し込めますか | 20歳未満の申し込みは可能ですか
夏目漱石の代表作を三つ教えて | 夏目漱石の代表作を3つ挙げてください
カレーの作り方を教えて | カレーを作る手順は？
get_userとfetch_userの違いは？ | get_userとfetch_userはどう違いますか
リストを降順に並べ替えるコードを書いて | リストを降順でソートするコードを書いてください
昨年より売上が増えた店舗はどこですか | 昨年より売上が増加した店舗を教えて
"""


def pairs(table: str) -> list[tuple[str, str]]:
    return [(one, other) for one, _, other in (line.partition(" | ") for line in table.strip().splitlines())]


@pytest.mark.parametrize(("known", "asked"), pairs(DIFFERENT))
def test_another_question_is_never_taken_for_the_same(known: str, asked: str) -> None:
    assert not check(known, asked).agrees
    assert not check(asked, known).agrees


@pytest.mark.parametrize(("known", "asked"), pairs(ALIKE))
def test_a_rewording_passes(known: str, asked: str) -> None:
    assert check(known, asked).differences == ()
    assert check(asked, known).differences == ()
