"""7. The gate on code: every code block of a language that a parser here knows is parsed by it."""

from tenbin.discern.gates.code_blocks import Block, code_blocks
from tenbin.discern.gates.gate import Answer, Judgement, Question
from tenbin.discern.gates.parsers import LANGUAGES, MOST_CODE, NotParsed, SyntaxFault, parse

MOST_BLOCKS = 16
_CODE_TASKS = ("code_generation", "refactoring", "test_writing", "debugging")


def code(question: Question, answer: Answer) -> Judgement:
    """Whether the code of an answer is code: the share of its blocks that parse."""
    blocks = _blocks(question, answer.text)
    if not blocks:
        return Judgement("code", None, "no code block of a language that is parsed here")
    good, wrong, unknown = 0, list[str](), list[str]()
    for block in blocks[:MOST_BLOCKS]:
        name = LANGUAGES[block.tag]
        try:
            parse(name, block.text)
            good += 1
        except SyntaxFault as fault:
            wrong.append(f"{name}: {fault}")
        except NotParsed as reason:
            unknown.append(f"{name}: {reason}")
    if good + len(wrong) == 0:
        return Judgement("code", None, "; ".join(dict.fromkeys(unknown)))
    told = wrong or [f"{good} blocks parse"]
    return Judgement("code", good / (good + len(wrong)), "; ".join([*told, *dict.fromkeys(unknown)][:4]))


def _blocks(question: Question, text: str) -> list[Block]:
    if len(text) > MOST_CODE * MOST_BLOCKS:
        return []
    named = next((asked.language for asked in question.asked if asked.form == "code"), "")
    found = code_blocks(text)
    if not found and question.task in _CODE_TASKS and named in LANGUAGES and _is_bare_code(text):
        return [Block(named, text, True)]
    tagged = [block if block.tag else block._replace(tag=named) for block in found if block.text.strip()]
    return [block for block in tagged if block.tag in LANGUAGES]


def _is_bare_code(text: str) -> bool:
    return text.lstrip().startswith(
        ("def ", "class ", "import ", "from ", "function ", "const ", "SELECT ", "#!/", "@")
    )
