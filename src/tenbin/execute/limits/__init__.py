"""2. What each caller's plan has left: counted as requests come and end."""
