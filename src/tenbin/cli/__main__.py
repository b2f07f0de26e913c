"""`python -m tenbin.cli`: the same as the `tenbin` script, for a command that starts another one."""

from tenbin.cli import main

main()
