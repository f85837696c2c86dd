"""What a manifest must be for the rest of `reports` to read it: the entries that numbers and pages are made from.

Further entries are shown as they are, so they may be anything that a file can hold: finite numbers and whole texts.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from reports.run_directory.json_files import EACH_ONCE, JsonFile, OpenPart, Whole


class Task(OpenPart):
    """What was to be recognised.

    Attributes
    ----------
    name
        ``gender``, ``digit``, ...
    classes
        Labels, in the order of the scores.
    attribute
        The attribute of the speaker that is the task's own label; None where there is none.
    per_speaker
        True where every recording of a speaker has the same label.
    question
        The task as a question.
    """

    name: str
    classes: Annotated[list[str], Field(min_length=1), EACH_ONCE]
    attribute: str | None = None
    per_speaker: bool = True
    question: str = ""


class _Protocol(OpenPart):
    name: str
    folds: Whole | None = None
    fold_names: list[str] = Field(default_factory=list)
    repetitions: Whole | None = None
    seeds: list[Whole] | None = None
    refit: bool = True
    sentences: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class _Model(OpenPart):
    name: str
    description: str = ""
    view: str | None = None
    baseline: bool = False


class _Corpus(OpenPart):
    kind: str | None = None
    name: str | None = None
    synthetic: bool = False
    hash: str | None = None
    notes: list[str] = Field(default_factory=list)


class _Failure(OpenPart):
    cell: str
    error: str


class _Choice(OpenPart):
    model: str
    model_bytes: Whole | None = None


class Machine(OpenPart):
    """The machine on which something was measured."""

    processor: str | None = None
    system: str | None = None
    cores: Whole | None = None
    memory_bytes: Whole | None = None


class _Cells(OpenPart):
    failed: list[_Failure] = Field(default_factory=list)
    choices: list[_Choice] = Field(default_factory=list)
    machines: dict[str, Machine] = Field(default_factory=dict)


class Manifest(JsonFile):
    """The file ``manifest.json``."""

    model_config = ConfigDict(extra="allow")

    FILE: ClassVar[str] = "manifest.json"

    task: Task
    protocol: _Protocol
    models: Annotated[list[_Model], EACH_ONCE]
    corpus: _Corpus = _Corpus()
    cells: _Cells = _Cells()
    machine: Machine | None = None
    mfcc: dict[str, Any] | None = None
    versions: dict[str, Any] | None = None
    accelerated: dict[str, Any] | None = None
    conditions: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    created: str | None = None
    command: str | None = None
    commit: str | None = None
    folds_hash: str | None = None


class Origin(JsonFile):
    """The file ``origin.json``: the run that timings were taken from."""

    model_config = ConfigDict(extra="allow")

    FILE: ClassVar[str] = "origin.json"
    REMEDY: ClassVar[str] = "give --timings-from again"

    created: str | None
    machine: Machine
    commit: str | None
    timings_hash: str
