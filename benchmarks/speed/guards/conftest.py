"""Fixtures of the speed guards."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.speed.guards import fixtures
from features.cache.content_hashes import content_hashes
from features.corpora.recordings import Corpus


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Return embedded speakers as files, their content hashed."""
    corpus = fixtures.voices(tmp_path_factory.mktemp("voices"))
    hashes = content_hashes(corpus, tmp_path_factory.mktemp("hashes"))
    return dataclasses.replace(corpus, recordings=corpus.recordings.assign(content_hash=hashes))


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run directory with a summary and no page yet."""
    return fixtures.run_directory(tmp_path_factory.mktemp("run"))
