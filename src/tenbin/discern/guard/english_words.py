"""2. The guard's English vocabulary: words that mean nothing by themselves, words that mean the same, and opposites.

General vocabulary, one table for each use. A word with no entry stands for itself.
"""

from tenbin.discern.guard.tables import words

FUNCTION_WORDS = words(
    """
    percent a an the this that these those i me my mine myself you your yours yourself u ur we us our ours they
    them their theirs he him his himself she her hers herself it its itself themselves oneself one ones someone
    somebody anyone anybody everyone everybody person persons people something anything everything thing things
    stuff there here is are was were be been being am 's 'm 're 've 'd 'll do does did doing done has have had
    having can could will would shall should may might must ought going gonna wanna let lets got gotten what which
    who whom whose when where why how whats hows wheres whos and or but if whether because since while though
    although so then as than of in on at for by with about into onto upon during within among amongst between
    through throughout across along from to out up off down over back away around towards toward under below too
    very much quite really just only even still already ever actually basically literally simply exactly currently
    usually generally typically normally especially absolutely some any such own also etc eg ie via per please
    kindly thanks thank cheers hi hello hey hiya sorry bother quick silly ok okay well wondering wonder curious
    dear tia um uh er erm hmm yes yeah many way ways method methods manner mean means meaning process procedure
    step steps possible able different various certain particular specific kind kinds type types sort sorts make
    makes making made use uses used using utilize utilise utilized employ employs employed take takes taking took
    taken go goes went gone get gets getting come comes came coming happen happens happened happening become
    becomes want wants wanted need needs needed like know knows knowing think thinks feel say says exist exists
    existing available real really true fact opinion consider considered best good better great nice word term
    called named name function question questions answer answers person now
    """
)
"""Left out before words are compared. Superlatives of praise are here: the best way to do a thing is how to do it."""

ASKING = words(
    """
    tell show explain describe give list find write create generate draft compose produce provide summarize
    summarise discuss define recommend suggest help advise understand calculate compute please need want looking
    search possible teach summary explanation description definition overview details information info advice tips
    tip ideas idea examples example reasons reason list
    """
)
"""Left out too where they open a question: they ask for the answer, they do not say what about."""
OPENING = 5
"""So many words open a question."""

SYNONYMS = """
    day daily; week weekly; month monthly; year yearly annual annually; win winner; big large huge; small little
    tiny; bigger larger; smaller tinier; biggest largest greatest; smallest tiniest; quick fast rapid quickly
    rapidly speedy; slow slowly; quickest fastest; closest nearest; easiest simplest; hardest toughest begin start
    commence; end finish; stop cease quit; buy purchase; cost price fee charge rate fare pricing; cheap inexpensive
    affordable; expensive costly; fix repair mend resolve solve; broken faulty failing fail failed failure; error
    problem issue trouble bug; change modify alter edit update adjust; remove delete erase; join merge combine;
    choose select pick; reset recover restore; email mail; phone telephone; mobile cell; film movie; car automobile
    vehicle; job career occupation profession; employee worker staff; company business firm enterprise; doctor
    physician; kid child; country nation; city town; flat apartment; holiday vacation; trip journey travel; book
    reserve; parcel package; shipping delivery postage; refund reimbursement; warranty guarantee; bill invoice;
    picture photo image photograph; earn make; rich wealthy; famous renowned; important significant; purpose goal
    aim objective; reason cause why; effect impact influence consequence affect; reside dwell; beat defeat;
    weirdest strangest oddest; benefit advantage pro upside; drawback disadvantage con downside; difference
    distinction differ distinguish compare comparison; similar alike; weird strange odd; hard difficult tough; easy
    simple easily; happy glad; smart intelligent clever; afraid scared; medicine medication; cure remedy treatment
    treat; pregnant pregnancy; song music; website site webpage; application app; allow permit permissible legal
    lawful; forbid ban prohibit; include contain cover; exclude omit; require; learn study; exam examination;
    university college; student pupil; teacher instructor; increase rise grow raise; decrease decline drop reduce
    fall; improve enhance boost; develop build construct; run execute; shut close; human mankind; man guy male;
    woman lady female; dad father; mum mom mother; usa american america; uk british britain; world earth globe;
    police cop; prison jail; crime offence offense; die death dead; god deity; believe belief; dislike hate; friend
    buddy; marry marriage wedding; language tongue; calculate compute work; highest maximum max; lowest minimum
    min; weather forecast; previous prior former; final last; latest newest; often frequently; total overall; whole
    entire complete; enough sufficient; necessary essential; document doc; directory folder; parameter argument;
    command instruction; database db; login signin; signup register registration enroll enrol; setting preference
    configuration config; enable activate; disable deactivate; mute silence; dispute challenge; accept approve;
    reject decline refuse; obtain acquire; keep retain; save store; convert transform; copy duplicate; internet
    web; wifi wi-fi; laptop notebook; computer pc; screen monitor; team squad; exercise workout; food meal; skill
    ability; attractive pretty beautiful gorgeous handsome; salary wage pay; invest investment; stock stocks;
    profit earnings; cover coverage; client customer; shop store; motivate motivation; success succeed successful;
    achieve accomplish attain; avoid prevent; protect safeguard; safe safely secure; danger dangerous unsafe hazard
    risky; remember recall; agree concur; discover find; invent create; support assist; government govt; math maths
    mathematics; physics physical; history historical; paper article; author writer write; story tale; quotation
    quote; takeaway takeout; guest visitor; switch change; lift elevator; football soccer; rubbish trash garbage;
    vaccine vaccination jab; neighbour neighbor; tap faucet; replace replacement substitute; feature characteristic
    attribute property; role responsibility; designate specify define; indicate denote; apply perform conduct;
    retrieve fetch; iterate traverse; determine decide; supply provide; construct generate create; enhance
    increase; return give; accuracy performance; transfer move; view see watch; display show; photo picture; lose
    shed; weight fat; prime chief; gf girlfriend; bf boyfriend; pm minister; cm minister; graduate graduation;
    post-graduation postgraduate; colour color; centre center; licence license; organise organize; programme
    program; theatre theater; favourite favorite; behaviour behavior; travelling traveling; cheque check; tyre
    tire; grey gray; aluminium aluminum; jewellery jewelry; ageing aging; enquiry inquiry; fulfil fulfill; instal
    install; mom mum
"""
"""Groups of words that mean the same for an answer, apart by semicolons. A word belongs to the first group it is in."""

ANTONYMS = """
    increase decrease; high low; highest lowest; higher lower; most least; more less; more fewer; most fewest; best
    worst; better worse; good bad; benefit drawback; big small; long short; longest shortest; longer shorter; hot
    cold; hottest coldest; warm cool; quick slow; fastest slowest; cheap expensive; cheapest expensive; easy hard;
    easiest hardest; rich poor; old new; old young; oldest youngest; oldest newest; first last; early late;
    earliest latest; before after; above below; over under; inside outside; indoor outdoor; indoors outdoors; in
    out; on off; up down; left right; front back; top bottom; upper lower; north south; east west; northern
    southern; eastern western; open close; open closed; start stop; begin end; start end; enter exit; enable
    disable; connect disconnect; add remove; insert remove; attach detach; lock unlock; hide display; encrypt
    decrypt; encrypt sign; decrypt sign; sign verify; encode decode; import export; upload download; push pull;
    push pop; read write; send receive; buy sell; lend borrow; rent buy; win lose; winner loser; pass fail; accept
    reject; allow forbid; allow reject; legal illegal; safe danger; strength weakness; profit loss; gain lose; love
    dislike; like dislike; enemy friend; true false; positive negative; with without; alive die; live die; male
    female; man woman; boy girl; boyfriend girlfriend; husband wife; dad mum; brother sister; son daughter; uncle
    aunt; king queen; parent kid; adult kid; landlord tenant; employer employee; teacher student; doctor patient;
    buyer seller; attack defend; create destroy; create remove; build destroy; improve worsen; improve damage; help
    harm; eat avoid; do avoid; use avoid; take avoid; full empty; full part; full-time part-time; public private;
    internal external; domestic foreign; domestic international; local remote; online offline; manual automatic;
    manually automatically; single married; single multiple; single double; same different; similar different;
    always never; often rarely; daily weekly; daily monthly; weekly monthly; monthly yearly; weekly yearly; day
    night; morning evening; morning night; am pm; summer winter; spring autumn; past future; next previous; next
    final; current previous; present absent; wet dry; clean dirty; light dark; black white; soft hard; strong weak;
    thick thin; wide narrow; deep shallow; tall short; heavy light; fat thin; rise fall; sunrise sunset; arrival
    departure; arrive leave; arrive depart; check-in check-out; checkin checkout; opt-in opt-out; credit debit;
    deposit withdraw; asset liability; revenue expense; income expense; gross net; lender borrower; supply demand;
    ascending descending; synchronous asynchronous; sync async; static dynamic; horizontal vertical; row column;
    client server; input output; request response; frontend backend; upgrade downgrade; expand collapse; merge
    split; join leave; join split; save discard; prevent cause; stay leave; keep remove; success fail; hope fear;
    major minor; majority minority; liberal conservative; introvert extrovert; lowercase uppercase; beginner
    expert; beginner advanced; undergraduate graduate; undergraduate postgraduate; dine-in delivery; sick healthy;
    natural artificial; rural urban; wholesale retail; temporary permanent; optional mandatory; optional require;
    voluntary compulsory; fixed variable; minimize maximize; turn-on turn-off; earlier later; few all; all none;
    boil freeze; melt freeze; heat cool; human animal; begin final; vertical diagonal
"""
"""Pairs of opposites, apart by semicolons: one in the one text, the other in the other, is another question."""

NEGATING_PREFIXES = ("un", "in", "im", "ir", "il", "non", "non-", "dis", "de", "mis", "anti", "anti-", "ex-", "ex")
"""A word that is the other's with one of these before it says another thing, mostly its opposite."""

NEGATORS = words(
    """
    not no never none nobody nothing nowhere neither nor cannot cant dont doesnt didnt isnt arent wasnt werent wont
    wouldnt shouldnt couldnt havent hasnt hadnt without unable n't except excluding hardly barely stop avoid
    """
)
"""Words that turn a statement round. `stop` and `avoid` too: how to avoid a thing is not how to do it."""

DAYS = """
    january jan; february feb; april apr; june jun; july jul; august aug; september sep sept; october oct; november
    nov; december dec; monday mondays; tuesday tuesdays tue tues; wednesday wednesdays wed; thursday thursdays thu
    thur thurs; friday fridays fri; saturday saturdays; sunday sundays; today; tomorrow; yesterday; tonight;
    weekday weekdays; weekend weekends; christmas; easter; halloween; thanksgiving; ramadan; diwali
"""
"""Days and months by all their spellings. March and May are words as well: the rule for names sees them."""

COUNTRIES = """
    usa us america u.s u.s.a united-states; uk u.k britain united-kingdom; uae united-arab-emirates; eu
    european-union; ussr soviet-union
"""
"""Short and long names of the same place."""

SWAPPED_SPELLINGS = words("desert dessert later latter coma comma diner dinner super supper loose lose latter")
"""Real words that are one doubled letter away from another: no slip of the pen."""

LIGHT_VERBS = words(
    """
    reschedule track schedule translate start work try look see begin handle deal follow talk discuss seem appear
    tend call ask answer choose receive obtain set setup submit send request offer include cover provide supply
    support accept produce enable add invent develop keep continue remain apply file return serve refer relate
    represent intend contain hold allow let cause reason find discover determine decide designate specify indicate
    denote carry perform involve consist comprise feature present express note require permit facilitate assist
    serve act manage organize organise arrange bring lead put turn view regard treat react respond acquire gain
    register enter sit stay live survive help hear read watch wait reside record measure describe visit attend
    explain suggest believe understand switch amend alter occur behave earn spend speak own
    """
)
"""Verbs that do not say what a question is about: another may stand in their place, or none. Submit a form, send it."""

STATED_VERBS = words(
    """
    create build construct generate retrieve fetch load access furnish deliver implement execute run operate
    function employ incorporate insert pass yield emit cycle iterate traverse cast transfer convert transform move
    change embody encompass produce compare check verify invoke display control make distribute share store save
    write compose define name determine compute calculate extract gather collect combine guarantee ensure confirm
    assist guide handle manipulate process modify adjust adapt arrange order organize assign attach link connect
    associate identify recognize
    """
)
"""Verbs that a statement may replace by one another; a question may not: to load a file is not to check it."""

LIGHT_NOUNS = words(
    """
    summary overview explanation date population count recipe word status message team content run convert size
    model state idea advice experience issue matter case situation thought recommendation suggestion strategy
    solution purpose today nowadays presently life world place time city country site page tool item object option
    setting value size part area field role class command code policy plan account address number amount list
    application device system software platform provider service author website book result health body human
    history space currency use usage role guidance data view reality inspiration feeling
    """
)
"""Nouns of kinds: one text may have them beside what they are the kind of: Lisbon, the city of Lisbon."""

LIGHT_ADJECTIVES = words(
    """
    simple easy quick safe safely properly right nice favorite favourite personally finally complete successful
    effective effectively common popular main major basic general actual proper interest amazing awesome cool often
    always possibly probably likely easily quickly together instead again standard specified given single useful
    helpful all every more much truly yet ever enough perfect worth new own proper extra important significant good
    well sure serious efficient smart clever various multiple several
    """
)
"""Adjectives and adverbs of degree and praise, which narrow nothing."""

PHRASES = {
    "turn off": "disable", "turned off": "disabled", "switch off": "disable", "turn on": "enable",
    "turned on": "enabled", "switch on": "enable", "multiplied by": "times",
    "regular expression": "regex", "regular expressions": "regexes",
    "sign up": "register", "signing up": "register", "set up": "setup", "setting up": "setup", "log in": "login",
    "log into": "login", "sign in": "login", "give back": "return", "gives back": "return", "find out": "find",
    "get rid of": "remove", "getting rid of": "remove", "look for": "search", "fill in": "complete",
    "fill out": "complete", "pros and cons": "pros cons", "advantages and disadvantages": "pros cons", "or not": "",
    "no longer": "stopped", "such as": "", "as well as": "and", "a lot of": "many", "how come": "why",
    "in order to": "to", "due to": "because", "united states": "usa", "united kingdom": "uk", "u.s.a": "usa",
    "u.s": "usa", "u.k": "uk", "e-mail": "email", "thanks in advance": "", "in advance": "",
    "make money": "earn money", "per cent": "percent", "not only": "", "part time": "part-time",
    "full time": "full-time", "web site": "website", "what if": "what happens if", "carry out": "perform",
    "carried out": "performed", "made up of": "consist", "by means of": "by", "at least": "atleast",
    "vice versa": "", "or why not": "", "why or why": "", "or don't": "", "and why": "", "if so": "", "if yes": "",
    "no matter": "", "why not": "why don't", "year old": "years old", "years old": "aged",
}  # fmt: skip
"""Turns of several words and what they are read as."""

IRREGULAR = """
    buy bought; sell sold; keep kept; choose chose chosen; win won; lose lost; pay paid; write wrote written; speak
    spoke spoken; eat ate eaten; drink drank drunk; drive drove driven; fly flew flown; grow grew grown; begin
    began begun; break broke broken; build built; catch caught; teach taught; think thought; find found; hear
    heard; hold held; leave left; meet met; send sent; spend spent; stand stood; wear wore worn; sleep slept; feel
    felt; fall fell fallen; see saw seen; steal stole stolen; sing sang sung; swim swam swum; throw threw thrown;
    forget forgot forgotten; hide hid hidden; rise rose risen; die died dying dead death deaths; lie lying; kid
    child children; man men; woman women; foot feet; tooth teeth; mouse mice; life lives; wife wives; leaf leaves;
    bear born birth; fight fought; shoot shot; light lit; understand understood; ban banned; study studied studies;
    analysis analyses; criterion criteria; phenomenon phenomena; cheap cheaply; gas gases gasses
"""
"""Words and their forms that no ending tells, apart by semicolons."""
