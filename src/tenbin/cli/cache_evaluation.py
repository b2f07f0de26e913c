"""`tenbin eval cache`: how good the semantic cache's judgement is, measured on labelled pairs of questions."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tenbin.cli.settings import fail

if TYPE_CHECKING:
    from tenbin.discern.embedding.embedder import Embedder
    from tenbin.measure.caching.rows import Folder

EPILOG = """\b
Examples:
  tenbin eval cache --data pairs/
  tenbin eval cache --data pairs/faq.jsonl --json > figures.json
  tenbin eval cache --data pairs/ --wrong | less
  tenbin eval cache --data pairs/ --vectors /tmp/vectors --plot curves.svg
\b
Exit codes: 0 something was measured; 1 nothing could be, and the reason was
said; 2 the command line makes no sense.
"""

DEFAULT = {"en": "minilm", "ja": "multilingual-e5", "other": "multilingual-e5"}
"""Language -> the embedder that is measured where none is named."""


@click.command("cache", epilog=EPILOG)
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="Folder of tables (.parquet, .jsonl, .csv; .jsonl.gz, .csv.gz), or one of them.",
)
@click.option("--embedder", "embedders", multiple=True, help="Name of an embedder; the first that knows a language.")
@click.option("--limit", type=click.IntRange(10), default=4_000, show_default=True, help="Most rows of each file.")
@click.option(
    "--vectors",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder in which vectors are kept, so that a second run is quick.",
)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write the curves to this SVG file.")
@click.option("--wrong", is_flag=True, help="List what the balanced profile would have served wrongly by the labels.")
@click.option("--json", "as_json", is_flag=True, help="For programs: everything that was measured.")
def cache(
    data: Path,
    embedders: tuple[str, ...],
    limit: int,
    vectors: Path | None,
    plot: Path | None,
    wrong: bool,
    as_json: bool,
) -> None:
    """Measure what the semantic cache would serve, rightly and wrongly.

    Tables have the columns `a`, `b` (texts, or messages) and `label` (1: the answer to a is right for b, 0: it is not);
    `kind`, and `ka`, `kb` or `ca`, `cb` (what identifies a question) are used where they are there. Or the columns
    `text` and `intent`. Needs an embedder: pip install 'tenbin[semantic]'. Nothing leaves this machine.
    """
    try:
        from tenbin.discern.embedding.embedder import EmbedderMissing
        from tenbin.discern.embedding.registry import UnknownEmbedder
        from tenbin.measure.caching.evaluation import evaluate, texts_of
        from tenbin.measure.caching.plot import plot as drawn
        from tenbin.measure.caching.report import lines, wrong_hits
        from tenbin.measure.caching.rows import NothingHere, look_into
        from tenbin.measure.caching.vectors import KeptVectors
        from tenbin.measure.routing.files import PyarrowMissing
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        fail("`tenbin eval` computes with numpy, which is not installed here: pip install 'tenbin[eval]'.")
    import msgspec

    began = time.perf_counter()
    try:
        folder = look_into(data, limit)
        chosen = _chosen(folder, embedders)
        kept = {language: KeptVectors(embedder, vectors) for language, embedder in chosen.items()}
        missing = {
            language: kept[language].missing(text for table in folder.of(language) for text in texts_of(table))
            for language in chosen
        }
        count = sum(map(len, missing.values()))
        with click.progressbar(length=count, label="Embedding texts", file=sys.stderr) as bar:
            for language, texts in missing.items():
                kept[language].embed(texts, bar.update)
        with click.progressbar(length=_texts(folder, chosen), label="Looking up", file=sys.stderr) as bar:
            report = evaluate(folder, data, chosen, kept, bar.update)
        if plot is not None:
            plot.write_text(drawn(report), encoding="utf-8")
    except (NothingHere, PyarrowMissing, EmbedderMissing, UnknownEmbedder) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or data} cannot be read or written: {error.strerror or error}.")
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(report), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(wrong_hits(report) if wrong else lines(report)))
        click.echo(f"\nThat took {time.perf_counter() - began:.1f} s.", err=True)
    if not report.pairs and not report.streams:
        click.echo(f"Nothing in {data} could be measured; the reasons are above.", err=True)
        raise SystemExit(1)


def _chosen(folder: "Folder", names: tuple[str, ...]) -> "dict[str, Embedder]":
    """Language -> embedder, for the languages that the tables are in. Raises EmbedderMissing and UnknownEmbedder."""
    from tenbin.discern.embedding.registry import load

    languages = dict.fromkeys(table.language for table in folder.tables)
    loaded = {name: load(name) for name in names or dict.fromkeys(DEFAULT[language] for language in languages)}
    return {
        language: embedder
        for language in languages
        for embedder in [next((each for each in loaded.values() if language in each.languages), None)]
        if embedder is not None
    }


def _texts(folder: "Folder", chosen: "dict[str, Embedder]") -> int:
    """About how many look-ups there will be: the bar's length."""
    return sum(
        len({pair.b for pair in table.pairs}) + len(table.intents) // 2
        for table in folder.tables
        if table.language in chosen and not table.conversations
    )
