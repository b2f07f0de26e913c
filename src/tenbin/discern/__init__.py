"""Stage 5, what a decision may ask about a request or an answer: length, language, complexity, quality."""
