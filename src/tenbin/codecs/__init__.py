"""Stage 2, a dialect is read, and later the answer is written in it. Dialects do not know each other: translation
goes through the words of `tenbin.core`."""
