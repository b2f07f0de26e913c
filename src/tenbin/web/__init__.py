"""Stage 10, people look: the pages that show what the gateway does and what it costs."""
