"""6. The response cache at work: entries and where they are kept, who waits for whom, and an answer given again."""
