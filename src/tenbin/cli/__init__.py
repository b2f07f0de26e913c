"""The commands of `tenbin`: they read the arguments, load what the command needs, and say what came of it."""
