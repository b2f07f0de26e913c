"""8. How good the semantic cache's judgement is, measured on pairs of questions with the same or another answer."""
