"""7. The experiments of a data directory: one file beside the database, which the command line writes and the gateway
takes up while it runs. It is replaced as a whole, under a lock, so that nobody reads half of it or loses a change.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from tenbin.config.experiments import Experiment

FILE = "experiments.json"


class ExperimentsUnusable(Exception):
    """The file holds no experiments that this Tenbin understands."""


def experiments_file(directory: Path) -> Path:
    """Where they stand."""
    return directory / FILE


def read_experiments(directory: Path) -> tuple[Experiment, ...]:
    """All of them, oldest first; none where there is no file. Raises ExperimentsUnusable."""
    path = experiments_file(directory)
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Experiment, ...])
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ExperimentsUnusable(f"{path} cannot be read: {error.strerror or error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ExperimentsUnusable(
            f"{path} holds no experiments that this Tenbin understands ({error}). Move it away to begin anew."
        ) from None


def in_force(experiments: tuple[Experiment, ...]) -> Experiment | None:
    """The one that requests take part in, or that harm has sent everybody to the control arm of; at most one is."""
    return next((one for one in reversed(experiments) if one.state != "stopped"), None)


def change_experiments(
    directory: Path, change: Callable[[tuple[Experiment, ...]], tuple[Experiment, ...]]
) -> tuple[Experiment, ...]:
    """Replace the experiments by what ``change`` makes of them. Raises ExperimentsUnusable, what ``change`` raises."""
    path = experiments_file(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(path.with_suffix(".lock")):
            after = change(read_experiments(directory))
            new = path.with_suffix(".new")
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(after), indent=2) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
            return after
    except OSError as error:
        raise ExperimentsUnusable(f"{path} cannot be written: {error.strerror or error}") from None


def ended(directory: Path, experiment: Experiment, *, harmed: bool, reason: str, at_ms: int) -> tuple[Experiment, ...]:
    """Note that an experiment is over; one that was stopped already stays as it is."""

    def change(before: tuple[Experiment, ...]) -> tuple[Experiment, ...]:
        return tuple(_ended(one, harmed, reason, at_ms) if _same(one, experiment) else one for one in before)

    return change_experiments(directory, change)


def _same(one: Experiment, other: Experiment) -> bool:
    return (one.name, one.started_at_ms) == (other.name, other.started_at_ms)


def _ended(one: Experiment, harmed: bool, reason: str, at_ms: int) -> Experiment:
    if one.state == "stopped" or (harmed and one.state == "harmed"):
        return one
    if one.state == "harmed":  # what ended it was the harm
        return msgspec.structs.replace(one, state="stopped")
    return msgspec.structs.replace(one, state="harmed" if harmed else "stopped", ended_at_ms=at_ms, reason=reason)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
