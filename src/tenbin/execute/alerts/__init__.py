"""Off the way of any request: people are told of money and trouble, each thing once, not too often, and for certain."""
