"""What a shell command is for: told from how agents write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.commands import read_command


@pytest.mark.parametrize(
    ("command", "tests", "trusted"),
    [
        ("pytest", True, True),
        ("cd app && .venv/bin/python -m pytest tests/unit -q 2>&1", True, True),
        ("FOO=1 timeout 60 poetry run pytest", True, True),
        ("uv run --frozen pytest -x", True, True),
        ("npx jest --ci", True, True),
        ("npm run test:unit", True, True),
        ("python manage.py test shop", True, True),
        ("pytest | tail -3", True, False),
        ("pytest || true", True, False),
        ("pytest; echo $?", True, False),
        ("make check", True, True),
        ("ls tests", False, True),
        ("cat pytest.ini", False, True),
        ("pip install pytest", False, True),
        ("vim tests/test_a.py", False, True),
        ("npm run build", False, True),
        ("echo 'pytest && npm test'", False, True),
        ("cat <<EOF > run.sh\npytest\nEOF", False, True),
        ("cargo build", False, True),
        ("go test -list .", True, True),
        ("", False, False),
        ("   ;;&& ", False, False),
    ],
)
def test_a_test_run_is_known_and_whose_exit_code_it_ends_with(command: str, tests: bool, trusted: bool) -> None:
    read = read_command(command)
    assert (read.tests, read.trusted) == (tests, trusted)


@pytest.mark.parametrize(
    ("command", "commits"),
    [
        ("git commit -m 'x'", True),
        ("git add . && git -C app commit -qm x", True),
        ("git commit --dry-run", False),
        ("git log --grep commit", False),
        ("echo git commit", False),
    ],
)
def test_a_commit_is_known(command: str, commits: bool) -> None:
    assert read_command(command).commits is commits


@given(st.text(max_size=3_000))
def test_any_text_is_read(text: str) -> None:
    read_command(text)
