"""The admin API as it is configured."""

from tenbin.config.section import Section


class AdminConfig(Section, frozen=True):
    """Keys, teams, users, budgets over HTTP, under ``/admin/v1/`` (docs/admin.md)."""

    enabled: bool = True
    """Whether there is one. Beyond this machine it takes ``master_key`` or an admin key only."""
    listen: str | None = None
    """An address and port of its own, as ``127.0.0.1:4001``: then it is not served where clients ask. Default: where
    ``listen`` says."""
