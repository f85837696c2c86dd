"""JSON files beside the tables of a run: each declared as a class, checked when it is written and when it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from reports.run_directory.files import TableError, odd_value, write_text
from reports.terms import Json


class Part(BaseModel):
    """Entries that are declared, of just their types; a ``float`` may be whole, and True is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OpenPart(Part):
    """Entries that are declared, among others."""

    model_config = ConfigDict(extra="allow")


def _check_names(entries: list[Any]) -> list[Any]:
    names = [getattr(entry, "name", entry) for entry in entries]
    if double := sorted({str(name) for name in names if names.count(name) > 1}):
        raise ValueError(f"{double} occur twice")
    return entries


EACH_ONCE = AfterValidator(_check_names)
"""Of a list: no text, or no name of an entry, occurs twice."""

Whole = Annotated[int, Field(ge=0, lt=2**53)]
Positive = Annotated[float, Field(gt=0)]


class JsonFile(Part):
    """A file of a run directory: its name, its fields, and what to do where it is damaged, as an imperative."""

    FILE: ClassVar[str]
    REMEDY: ClassVar[str] = "run the benchmark again"

    @classmethod
    def read(cls, folder: Path) -> Json | None:
        """Return what the file in `folder` holds; None where there is none.

        Raises
        ------
        reports.run_directory.files.TableError
            It cannot be read, or is not as declared.
        """
        path = folder / cls.FILE
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise TableError(f"{cls.FILE} cannot be read ({error}); {cls.REMEDY}") from error
        return cls.check_content(content)

    @classmethod
    def write(cls, content: Json, folder: Path) -> Path:
        """Check `content` and write it into `folder`, whole or not at all; return the file."""
        text = json.dumps(cls.check_content(content), indent=1, allow_nan=False, ensure_ascii=False)
        write_text(folder / cls.FILE, text + "\n")
        return folder / cls.FILE

    @classmethod
    def check_content(cls, content: Any) -> Json:
        """Return `content` if it is as declared, and of numbers and texts that tables and pages can hold.

        Raises
        ------
        reports.run_directory.files.TableError
            It is not; the message names the entry, in one line.
        """
        if (odd := odd_value(content)) is not None:
            raise TableError(f"{cls.FILE} cannot be read ({odd}); {cls.REMEDY}")
        try:
            cls.model_validate(content)
        except ValidationError as error:
            raise TableError(f"{cls.FILE}: {_first(error)}; {cls.REMEDY}") from error
        checked: Json = content
        return checked


def _first(error: ValidationError) -> str:
    """Say which entry is missing or of another type."""
    first = error.errors()[0]
    place = [str(part) if isinstance(part, int) or part.isidentifier() else f"{part!r:.60}" for part in first["loc"]]
    if first["type"] == "missing":
        return f"'{place[-1]}' is missing"
    got = type(first["input"]).__name__ if isinstance(first["input"], dict | list) else f"{first['input']!r:.60}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(place) or 'it'}: {message[0].lower()}{message[1:]}, got {got}"
