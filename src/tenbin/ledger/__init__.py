"""Stage 7, what happened is written down: one receipt a request, priced once, in integer nano-USD."""
