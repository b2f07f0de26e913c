"""Stage 8, what the ledger means: reports, unit costs, metrics."""
