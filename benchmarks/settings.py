"""Settings of a run: what a user may choose, each default written once."""

from __future__ import annotations

import datetime
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

SEED = 0
"""Seed of folds; training seeds count up from it."""


def usable_cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class SettingsError(ValueError):
    """A setting is unknown or out of range; the message is for the user."""


def moment(source_date_epoch: str | None) -> datetime.datetime:
    """Return when a run is made: now, or as ``SOURCE_DATE_EPOCH`` says, seconds since 1970 (UTC, whole seconds).

    Raises
    ------
    SettingsError
        It is no whole number of seconds, or not of these centuries.
    """
    if not source_date_epoch:
        return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    try:
        return datetime.datetime.fromtimestamp(int(source_date_epoch), datetime.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SettingsError(
            f"SOURCE_DATE_EPOCH: expected whole seconds since 1970, got {source_date_epoch!r}; unset it"
        ) from error


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class RunSettings(BaseModel):
    """Everything that decides what a run does.

    Attributes
    ----------
    corpus
        ``virtual``, ``audiomnist:DIR``, ``mfc-images:DIR`` or ``manifest:FILE.csv``.
    task, protocol
        What is recognised, and how speakers are held out.
    models
        Names of the catalogue, or ``package.module:factory``.
    folds
        Folds per repetition; None takes the protocol's default.
    repetitions, seeds
        How often all folds are drawn; how many training seeds per split.
    recipe, clip_s
        MFCC conventions; length of the clip in seconds (None: the recipe's).
    threads, jobs
        Threads per cell (None: the cores divided by `jobs`); cells at a time.
    cell_time_s, cell_memory_mb
        What one cell may take: seconds (None: any number), resident memory in 10^6 bytes (None:
        `benchmarks.cells.limits`).
    premium, refit, save_models, strict, allow_outside, fresh
        See the command line.
    cache, out
        Folders; None takes the defaults.
    timings_from
        Another run of the same cells, whose times the report shows; None shows this run's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: str = "virtual"
    task: str = "gender"
    protocol: str = "grouped"
    models: Annotated[tuple[str, ...], BeforeValidator(_split_commas), Field(min_length=1)] = ("svm", "xgboost", "cnn")
    folds: Annotated[int, Field(ge=3)] | None = None
    repetitions: Annotated[int, Field(ge=1, le=1000)] = 1
    seeds: Annotated[int, Field(ge=1, le=1000)] = 1
    recipe: Literal["psf", "seed"] | None = None
    clip_s: Annotated[float, Field(gt=0.05, le=60)] | None = None
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    jobs: Annotated[int, Field(ge=1, le=1024)] = 1
    cell_time_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    cell_memory_mb: Annotated[float, Field(ge=50, allow_inf_nan=False)] | None = None
    premium: bool = True
    refit: bool = True
    save_models: bool = False
    strict: bool = False
    allow_outside: bool = False
    fresh: bool = False
    cache: Path | None = None
    out: Path | None = None
    timings_from: Path | None = None

    @property
    def threads_per_cell(self) -> int:
        """Threads one cell may use: as asked, or the usable cores shared among the jobs."""
        return self.threads or max(1, usable_cores() // self.jobs)

    @property
    def jobs_for_extraction(self) -> int:
        """Processes that extract MFCCs: one per thread the run may use."""
        return self.threads_per_cell * self.jobs

    @property
    def folder(self) -> Path:
        """The run directory: as asked, or ``artifacts/<corpus>-<task>-<protocol>``."""
        if self.out is not None:
            return self.out
        kind, _, where = self.corpus.partition(":")
        path = Path(where).absolute()
        place = path.parent.name if path.name == "manifest.csv" else path.stem if path.suffix == ".csv" else path.name
        name = f"{kind}-{place}" if where else kind
        return Path("artifacts") / f"{name}-{self.task}-{self.protocol}"


def read_settings(given: dict[str, Any], config: Path | None = None) -> RunSettings:
    """Combine the options given with those of a TOML file (the options win) and check them.

    Raises
    ------
    SettingsError
        The file cannot be read, or a setting is unknown or out of range.
    """
    try:
        file = tomllib.loads(config.read_text(encoding="utf-8")) if config else {}
        return RunSettings(**{**file, **{key: value for key, value in given.items() if value is not None}})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{config}: cannot be read as settings ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = "--" + "-".join(str(part) for part in first["loc"][:1]).replace("_", "-")
        raise SettingsError(f"{name}: {first['msg'].lower()}, got {first['input']!r}") from error
