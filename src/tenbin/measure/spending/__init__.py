"""8. What the ledger says of money in time: pace of budgets, what to do about it, days and hours out of the usual."""
