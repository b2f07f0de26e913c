"""A disk that takes no more: requests go on, what memory can hold is not lost, and is written when room returns."""

import os
import resource
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tenbin.ledger.segments import JOURNAL
from tests.ledger.making import a_book, a_receipt

ROOT = Path(__file__).parents[2]


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "nothing lost\n"


def test_files_that_may_not_grow(data_dir: Path) -> None:
    run([sys.executable, "-m", "tests.ledger.full_disk_child", str(data_dir), "limit"])


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """A real file system of sixteen megabytes, mounted where only the child sees it."""
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if subprocess.run(
        [*namespace, "mount", "-t", "tmpfs", "none", tmp_path], capture_output=True, check=False
    ).returncode:
        pytest.skip("this machine lets no test mount a file system; the file size limit is tested all the same")
    script = (
        f"mount -t tmpfs -o size=16000k none {tmp_path} && head -c 15200K /dev/zero > {tmp_path}/ballast && "
        f"exec {shlex.quote(sys.executable)} -m tests.ledger.full_disk_child {tmp_path}/data disk"
    )
    run([*namespace, "sh", "-c", script])


def test_memory_that_is_full_too_is_counted_and_said_and_requests_go_on(data_dir: Path) -> None:
    with a_book(data_dir, waiting_bytes=20_000) as book:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
        try:
            for number in range(200):
                assert book.settle(a_receipt(f"req_{number}")).cost_nano == 3_000_000
            lost, settled = book.counts().lost, book.counts().settled
            assert 0 < lost < settled == 200
            assert any(f"{lost} receipts are lost" in reason for reason in book.health().reasons)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
        assert book.flush(60)
        assert book.counts().entered == 200 - lost
    assert sum(path.stat().st_size for path in (data_dir / JOURNAL).iterdir()) == 0
