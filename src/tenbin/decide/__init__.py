"""Stage 4, a decision is made. Pure: what decides does no I/O, reads no clock and draws no random number."""
