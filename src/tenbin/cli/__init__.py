"""The commands of `tenbin`: they read the arguments, load what the command needs, and say what came of it."""

import os
import sys


def main() -> None:
    """Run the command line (the ``tenbin`` script). What nobody foresaw is told in one line, without a stack trace."""
    from tenbin.cli.commands import tenbin

    try:
        tenbin.main(prog_name="tenbin")
    except Exception as error:
        if os.environ.get("TENBIN_TRACEBACK"):
            raise
        said = str(error).partition("\n")[0] or "no message"
        print(f"This is a mistake in Tenbin itself: {type(error).__name__}: {said}", file=sys.stderr)
        print("Run the command again with TENBIN_TRACEBACK=1 to see where.", file=sys.stderr)
        sys.exit(1)
