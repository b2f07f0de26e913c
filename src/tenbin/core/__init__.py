"""Stage 3, the words every stage shares: ask, conversation, answer, usage, money, target, steps, receipt, problems."""
