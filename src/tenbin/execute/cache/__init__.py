"""6. Answers that need no provider: stored ones, looked up and replayed, and the servers that hold them."""
