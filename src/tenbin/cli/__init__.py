"""The commands of `tenbin`: they read the arguments, load what the command needs, and say what came of it."""

import os
import sys

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


def main() -> None:
    """Run the command line (the ``tenbin`` script). What nobody foresaw is told in one line, without a stack trace."""
    import click

    from tenbin.cli.commands import tenbin

    try:
        code = tenbin.main(prog_name="tenbin", standalone_mode=False)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get("TENBIN_TRACEBACK"):
            raise
        said = str(error).partition("\n")[0] or "no message"
        print(f"This is a mistake in Tenbin itself: {type(error).__name__}: {said}", file=sys.stderr)
        print("Run the command again with TENBIN_TRACEBACK=1 to see where.", file=sys.stderr)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
