"""The rules of the house that no linter knows: sizes, words, what may talk to the network, what the documents promise
and what the lock files may say.
"""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import tenbin

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "tenbin"
MOST_LINES_OF_A_FILE = 420
MOST_LINES_OF_A_FUNCTION = 60
A_SCREEN = 50  # lines


@cache
def committed_files() -> tuple[Path, ...]:
    """Every file that is, or would be, committed: what git tracks and what it does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return tuple(ROOT / name for name in sorted(set(listing.split("\0"))) if name and (ROOT / name).is_file())


def python_files(*folders: str) -> list[Path]:
    """The committed Python files under these top folders."""
    return [path for path in committed_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path, node: ast.AST | None = None) -> str:
    """Where something stands, as an editor opens it: src/tenbin/app.py:12."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def texts() -> Iterator[tuple[Path, str]]:
    for path in committed_files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path, content.decode("utf-8")


# Sizes


def test_files_stay_small_enough_to_read_in_one_go() -> None:
    too_long = {
        name_of(path): lines
        for path in python_files("src", "tests", "benchmarks")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES_OF_A_FILE
    }
    assert not too_long, f"more than {MOST_LINES_OF_A_FILE} lines: split by what the parts are for"


def test_functions_stay_small_enough_to_see_whole() -> None:
    too_long = {
        f"{name_of(path, function)} {function.name}": lines
        for path in python_files("src", "benchmarks")
        for function in functions(path)
        if (lines := (function.end_lineno or function.lineno) - function.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }
    assert not too_long, f"more than {MOST_LINES_OF_A_FUNCTION} lines"


def test_contributing_fits_a_screen() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= A_SCREEN


# Words


def test_every_module_opens_by_saying_where_we_are() -> None:
    silent = [
        name_of(path) for path in python_files("src", "tests", "benchmarks") if not ast.get_docstring(parsed(path))
    ]
    assert not silent, "a module opens with one to four lines that say what it is for"


# One word per idea. Left: what is not said; right: what is said instead.
SAID_OTHERWISE = {
    "util": "the noun of what it does",
    "utils": "the noun of what it does",
    "helper": "the noun of what it does",
    "helpers": "the noun of what it does",
    "common": "the noun of what is shared, or core",
    "manager": "the noun of what it keeps: book, journal, pool",
    "misc": "the noun of what it does",
    "vendor": "provider",
}


def names_defined(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.arg):
            yield node.arg, node
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node


def words_of(name: str) -> set[str]:
    """The words of an identifier in either convention: `read_head`, `ReadHead`."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


@pytest.mark.parametrize(("name", "words"), [("read_head", {"read", "head"}), ("SSEReader", {"sse", "reader"})])
def test_identifiers_fall_apart_into_words(name: str, words: set[str]) -> None:
    assert words_of(name) == words


def test_one_word_per_idea() -> None:
    wrong = [
        f"{name_of(path, node)} {name}: say {SAID_OTHERWISE[word]}"
        for path in python_files("src")
        for name, node in [(path.stem, None), (path.parent.name, None), *names_defined(parsed(path))]
        for word in sorted(words_of(name) & SAID_OTHERWISE.keys())
    ]
    assert not wrong


# The parts are joined here so that this file does not hold what it looks for.
NEVER_COMMITTED = {
    "a package registry's address": [
        r"\bpypi\.(?:org|io)\b",
        r"\bpython" + r"hosted\.org\b",
        r"\bregistry\.(?:npm" + r"js\.org|yarnpkg\.com)\b",
        r"\bdeb\.debian" + r"\.org\b",
        r"\bcrates" + r"\.io\b",
    ],
    "a path of one machine": [r"(?<![\w.])/wo" + r"rk/\w", r"\.\./sha" + r"red\b", r"/home/(?!user\b)\w+/", r"/root/"],
    "a key that looks real": [r"\bsk-(?:ant-api\d\d|proj)-[\w-]{40,}"],
}


@pytest.mark.parametrize("what", NEVER_COMMITTED)
def test_committed_files_hold_nothing_of_one_machine(what: str) -> None:
    pattern = re.compile("|".join(NEVER_COMMITTED[what]))
    found = [
        f"{name_of(path)}: {match[0]}"
        for path, text in texts()
        if path != Path(__file__)
        for match in [pattern.search(text)]
        if match
    ]
    assert not found, f"{what} must not be committed"


# What may reach the network

NETWORK = {
    "aiohttp",
    "ftplib",
    "http.client",
    "httpcore2",
    "httptools",
    "httpx",
    "httpx2",
    "requests",
    "urllib.request",
}
MAY_REACH_PROVIDERS = ("execute/upstream", "simulator/", "cli/")
MAY_PARSE_CLIENTS = ("api/head_rules.py", "api/server_protocol.py")
"""The server's side: httptools connects to nobody by itself."""


def modules_imported(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def test_only_upstream_talks_to_providers() -> None:
    clients = [
        f"{name_of(path, node)} imports {module}"
        for path in python_files("src")
        if not str(path.relative_to(SOURCES)).startswith(MAY_REACH_PROVIDERS)
        for module, node in modules_imported(parsed(path))
        if any(module == client or module.startswith(client + ".") for client in NETWORK)
        if module != "httptools" or str(path.relative_to(SOURCES)) not in MAY_PARSE_CLIENTS
    ]
    assert not clients, "providers are reached through tenbin.execute.upstream alone"


# Tests


def test_tests_mirror_the_sources() -> None:
    """tests/codecs/test_sse.py is for src/tenbin/codecs/sse.py; test_sse_cuts.py is too."""
    packages = {path.parent.name for path in SOURCES.glob("*/__init__.py")}
    strangers = []
    for path in python_files("tests"):
        package = path.parent.relative_to(ROOT / "tests")
        if not path.stem.startswith("test_") or not package.parts or package.parts[0] not in packages:
            continue
        subject = path.stem.removeprefix("test_")
        modules = {module.stem for module in (SOURCES / package).glob("*.py")}
        modules |= {folder.parent.name for folder in (SOURCES / package).glob("*/__init__.py")} | {package.name}
        if not any(subject == module or subject.startswith(module + "_") for module in modules):
            strangers.append(name_of(path))
    assert not strangers, "no source file of that name"


def test_no_test_is_left_out_in_silence() -> None:
    silent = []
    for path in python_files("tests"):
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.Call | ast.Attribute):
                continue
            called = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            if called.endswith("importorskip"):
                silent.append(f"{name_of(path, node)}: a missing part must fail")
            if isinstance(node, ast.Call) and re.search(r"\b(?:pytest|mark)\.(?:skip|skipif|xfail)$", called):
                says_why = any(keyword.arg == "reason" for keyword in node.keywords) or (
                    called == "pytest.skip" and node.args
                )
                if not says_why:
                    silent.append(f"{name_of(path, node)}: say why")
    assert not silent


# Documents


def test_links_in_documents_lead_somewhere() -> None:
    broken = []
    for path, text in texts():
        if path.suffix != ".md":
            continue
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", prose):
            if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
                broken.append(f"{name_of(path)}: {target}")
    assert not broken


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_documents_name_only_targets_that_exist() -> None:
    unknown = [
        f"{name_of(path)}: make {target}"
        for path, text in texts()
        if path.suffix == ".md"
        for target in re.findall(r"(?:`|^|&& |\$ )make ([a-z][a-z-]*)", text, flags=re.MULTILINE)
        if target not in make_targets()
    ]
    assert not unknown


def test_make_help_lists_every_target() -> None:
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(re.findall(r"^  make ([a-z-]+)", told.stdout, flags=re.MULTILINE)) == make_targets()


def test_the_changelog_opens_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)", changelog, flags=re.MULTILINE)
    assert headings[0] == tenbin.__version__, "the newest section of CHANGELOG.md is that of tenbin.__version__"


# What is installed

LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))


def locked(lock: str) -> dict[str, tuple[str, list[str]]]:
    """Package -> (version, hashes) of a lock file. Anything in it that is neither is an error."""
    packages: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"([a-z0-9-]+)==([\w.!+]+)(?: ; [^\\]*)? \\", line):
            name = match[1]
            packages[name] = (match[2], [])
        elif match := re.fullmatch(r"    --hash=sha256:([0-9a-f]{64})(?: \\)?", line):
            packages[name][1].append(match[1])
        else:
            assert line.startswith("# "), f"{lock}: neither a package nor a hash: {line!r}"
    return packages


def test_all_lock_files_are_there() -> None:
    assert LOCKS == [
        "requirements-dev.lock",
        "requirements-model.lock",
        "requirements-old-sdks.lock",
        "requirements-training.lock",
        "requirements.lock",
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_by_hash_and_name_no_address(lock: str) -> None:
    packages = locked(lock)
    assert packages
    assert not [name for name, (_, hashes) in packages.items() if not hashes]


def test_what_runs_is_what_was_tested() -> None:
    run, tested = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {name: tested.get(name) for name in run} == run


def test_the_old_sdks_are_one_major_behind() -> None:
    newest, old = locked("requirements-dev.lock"), locked("requirements-old-sdks.lock")
    for sdk in ("anthropic", "openai"):
        assert int(old[sdk][0].split(".")[0]) == int(newest[sdk][0].split(".")[0]) - 1


def test_every_declared_dependency_is_locked() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    run = declared["project"]["dependencies"] + declared["project"]["optional-dependencies"]["local"]
    groups = {
        name: [need for need in group if isinstance(need, str)] for name, group in declared["dependency-groups"].items()
    }
    training = groups.pop("training")
    rest = [need for group in groups.values() for need in group]
    extras = [need for extra in declared["project"]["optional-dependencies"].values() for need in extra]
    for needs, lock in (
        (run, "requirements.lock"),
        (run + rest + extras, "requirements-dev.lock"),
        (training, "requirements-training.lock"),
    ):
        names = {re.split(r"[^\w-]", need)[0].lower() for need in needs}
        assert names <= locked(lock).keys(), f"{lock}: run `make lock`"
