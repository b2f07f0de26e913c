"""1. Acts of operators that change nothing in the store of keys, written into its audit log all the same."""

import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import Any

from tenbin.api.service import Service
from tenbin.ledger.accounts.digest import AccountsUnusable
from tenbin.ledger.accounts.log import By
from tenbin.ledger.accounts.schema import DATABASE
from tenbin.ledger.accounts.store import Accounts
from tenbin.ledger.migrations import SchemaTooNew

LOG = logging.getLogger("tenbin.api")

MOST_SHOWN = 200
"""Characters of a value that is told."""


async def note(service: Service, by: By, act: str, subject: str, details: dict[str, Any]) -> None:
    """Write a line, where there is a store; one that cannot be written is told of in the log, and stops nothing."""
    told = {name: value[:MOST_SHOWN] if isinstance(value, str) else value for name, value in details.items()}
    await asyncio.to_thread(_write, service.book.directory, by, act, subject, told, service.clock.now_ms())


def _write(directory: Path, by: By, act: str, subject: str, details: dict[str, Any], now_ms: int) -> None:
    if not (directory / DATABASE).exists():
        return
    try:
        with Accounts(directory, b"") as accounts:
            accounts.note(by, act, subject, details, now_ms)
    except (AccountsUnusable, SchemaTooNew, sqlite3.Error, OSError) as error:
        LOG.warning("That %s did %s (%s) could not be written into the audit log: %s", by.who, act, subject, error)
