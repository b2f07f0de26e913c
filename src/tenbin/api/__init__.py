"""Stage 1, a request arrives: which path speaks which dialect, who is calling, and a problem said in their dialect."""
