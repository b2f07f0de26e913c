"""Stage 9, and asked "what if?": a receipt run again, under its own policy or another one."""
