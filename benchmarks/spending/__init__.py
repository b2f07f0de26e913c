"""What keys, budgets and plans cost a request, and whether a hard budget holds when everything comes at once."""
