"""What a manifest must be for the rest of `reports` to read it: the entries that numbers and pages are made from.

Further entries are shown as they are, so they may be anything that a file can hold: finite numbers and whole texts.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from reports.json_files import odd_value
from reports.tables import TableError

Whole = Annotated[StrictInt, Field(ge=0, lt=2**53)]
Texts = list[StrictStr]


class Part(BaseModel):
    """Entries that are declared, among others."""

    model_config = ConfigDict(extra="allow")


class _Task(Part):
    name: StrictStr
    classes: Annotated[Texts, Field(min_length=1)]
    attribute: StrictStr | None = None
    per_speaker: StrictBool = True
    question: StrictStr = ""


class _Protocol(Part):
    name: StrictStr
    folds: Whole | None = None
    fold_names: list[StrictStr] = []
    repetitions: Whole | None = None
    seeds: list[Whole] | None = None
    refit: StrictBool = True
    sentences: Texts = []
    notes: Texts = []


class _Model(Part):
    name: StrictStr
    description: StrictStr = ""
    view: StrictStr | None = None
    baseline: StrictBool = False


class _Corpus(Part):
    kind: StrictStr | None = None
    name: StrictStr | None = None
    synthetic: StrictBool = False
    hash: StrictStr | None = None
    notes: Texts = []


class _Failure(Part):
    cell: StrictStr
    error: StrictStr


class _Choice(Part):
    model: StrictStr
    model_bytes: Whole | None = None


class Machine(Part):
    """The machine on which something was measured."""

    processor: StrictStr | None = None
    system: StrictStr | None = None
    cores: Whole | None = None
    memory_bytes: Whole | None = None


class _Cells(Part):
    failed: list[_Failure] = []
    choices: list[_Choice] = []
    machines: dict[str, Machine] = {}


class Measurement(Part):
    """Where and when something was measured."""

    created: StrictStr | None
    machine: Machine


class Origin(Measurement):
    """The run that timings were taken from."""

    commit: StrictStr | None
    timings_hash: StrictStr


class _Manifest(Part):
    task: _Task
    protocol: _Protocol
    models: list[_Model]
    corpus: _Corpus = _Corpus()
    cells: _Cells = _Cells()
    machine: Machine | None = None
    mfcc: dict[str, Any] | None = None
    versions: dict[str, Any] | None = None
    accelerated: dict[str, Any] | None = None
    conditions: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    created: StrictStr | None = None
    command: StrictStr | None = None
    commit: StrictStr | None = None
    folds_hash: StrictStr | None = None


def check_manifest(found: object) -> None:
    """Check what ``manifest.json`` holds.

    Raises
    ------
    reports.tables.TableError
        An entry is missing or of another type; the message names it.
    """
    if (why := _wrong(_Manifest, found)) is not None:
        raise _refused(why)
    manifest: Any = found
    names_of_models = [model["name"] for model in manifest["models"]]
    for what, names in (("classes", manifest["task"]["classes"]), ("models", names_of_models)):
        if len(set(names)) < len(names):
            raise _refused(f"{what} have the same name twice")
    if (odd := odd_value(found)) is not None:
        raise _refused(odd)


def check_part(part: type[Part], found: object, file: str, remedy: str) -> Any:
    """Return what the file `file` holds, if it is as declared; messages end with `remedy`.

    Raises
    ------
    reports.tables.TableError
        An entry is missing or of another type; the message names it and the file.
    """
    if (why := _wrong(part, found)) is not None:
        raise TableError(f"{file}: {why}; {remedy}")
    return found


def _wrong(part: type[Part], found: object) -> str | None:
    """Say which entry is missing or of another type; None where all are as declared."""
    try:
        part.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "missing":
            return f"'{first['loc'][-1]}' is missing"
        return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg'].lower()}"
    return None


def _refused(why: str) -> TableError:
    return TableError(f"manifest.json is not that of a run ({why}); run the benchmark again")
