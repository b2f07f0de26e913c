"""3. The words every stage shares: ask, conversation, answer (deltas), usage, money, target, steps, receipt, problems."""
