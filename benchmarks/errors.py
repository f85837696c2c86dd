"""The errors that a user can cause: one line, no traceback, exit status 2."""

from __future__ import annotations

import sqlite3

from benchmarks.protocol.tasks import TaskError
from benchmarks.results import RunError
from benchmarks.settings import SettingsError
from features.audio import AudioError
from features.cache import CacheError
from features.corpora.recordings import CorpusError
from features.images import ImageError
from models.catalogue import UnknownModelError
from models.protocol import ModelFileError
from reports.gates import GatesError
from reports.tables import TableError

USER_ERRORS = (
    OSError,  # a file or folder that cannot be read or written
    sqlite3.Error,  # the same of the cache
    AudioError,
    CacheError,
    CorpusError,
    GatesError,
    ImageError,
    ModelFileError,
    RunError,
    SettingsError,
    TableError,
    TaskError,
    UnknownModelError,
)
