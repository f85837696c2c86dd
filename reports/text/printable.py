r"""Names of other people as text that does nothing: on a terminal, in Markdown, in a spreadsheet, beside other words.

What cannot be printed is written as Python writes it, ``\x1b`` or ``\u202e``: control characters (a terminal obeys
them), line breaks (a name could forge a line), marks that turn or hide text, and halves of characters, which stand for
the bytes of a file's name that are no text and which no file can hold.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_RIGHT_TO_LEFT, _LEFT_TO_RIGHT = ("R", "AL", "AN"), "L"
_ISOLATE, _END = "\u2068", "\u2069"


def printable(text: str) -> str:
    """Return `text` as one line of characters that can be printed: a line break in it becomes a backslash and an n."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or unicodedata.category(sign) == "Zs" else ascii(sign)[1:-1] for sign in text
    )


def printable_lines(text: str) -> str:
    """Return `text` with what cannot be printed written out, but for its line breaks."""
    return "\n".join(map(printable, text.split("\n")))


def all_printable(tree: Any) -> Any:
    """Return a structure of dictionaries and lists with `printable` texts, keys and values alike."""
    if isinstance(tree, str):
        return printable(tree)
    if isinstance(tree, dict):
        return {all_printable(key): all_printable(value) for key, value in tree.items()}
    return [all_printable(value) for value in tree] if isinstance(tree, list) else tree


def isolated(text: str) -> str:
    """Return `text` with its parts that are written to the left set apart, so that words around them keep their order.

    What HTML's ``bdi`` does, in characters, which also hold in attributes and in pictures (U+2068, U+2069).
    """
    if text.isascii():
        return text
    kinds = [unicodedata.bidirectional(sign) for sign in text]
    parts: list[list[int]] = []
    may_go_on = False
    for place, kind in enumerate(kinds):
        if kind in _RIGHT_TO_LEFT:
            if may_go_on:
                parts[-1][1] = place + 1
            else:
                parts.append([place, place + 1])
            may_go_on = True
        elif kind == _LEFT_TO_RIGHT or kind == "EN":
            may_go_on = False
    for start, end in reversed(parts):
        text = f"{text[:start]}{_ISOLATE}{text[start:end]}{_END}{text[end:]}"
    return text


def in_markdown(text: str) -> str:
    """Return one line that Markdown shows as it is."""
    return re.sub(r"[\\`*_\[\]<>|]", r"\\\g<0>", printable(text))


def cell(text: str) -> str:
    """Return a cell of a table separated by tabs, which a spreadsheet does not take for a formula."""
    text = printable(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) and len(text) > 1 else text
