"""``python -m benchmarks.speed.studies NAME``: measure, print a table in Markdown and how busy the machine was."""

from __future__ import annotations

import os

import typer

from benchmarks.speed.studies import disk_to_cache, extraction, fitting, harness, start_up

LOAD_BEFORE = os.getloadavg()[0]


def tell_load(_: None) -> None:
    """Print the load average; ratios of things timed in turns hold on a busy machine too, times do not."""
    print(f"\nload average before and at the end: {LOAD_BEFORE:.1f}, {os.getloadavg()[0]:.1f}")


app = typer.Typer(
    help="Studies of speed; docs/performance.md has their tables.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    result_callback=tell_load,
)
app.command("extraction")(extraction.compare)
app.command("stages")(extraction.take_apart)
app.command("disk-to-cache")(disk_to_cache.compare)
app.command("fitting")(fitting.compare)
app.command("harness")(harness.tell)
app.command("start-up")(start_up.compare)

if __name__ == "__main__":
    app(prog_name="python -m benchmarks.speed.studies")
