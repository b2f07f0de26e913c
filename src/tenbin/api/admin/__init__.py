"""1. The admin API, under ``/admin/v1/``: keys, teams, users, the audit log, budgets; apart from what clients ask."""
