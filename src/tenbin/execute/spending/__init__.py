"""5. What may be spent: the dearest that a call can become is set aside before it is made, and settled after it."""
