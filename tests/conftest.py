"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real recordings and images; the test is skipped where there is none."""
    named = os.environ.get("VOXFOLD_TEST_DATA")
    if not named:
        if os.environ.get("VOXFOLD_REQUIRE_TEST_DATA"):
            pytest.fail("VOXFOLD_REQUIRE_TEST_DATA is set but VOXFOLD_TEST_DATA names no folder")
        pytest.skip("needs real recordings: set VOXFOLD_TEST_DATA to their folder")
    folder = Path(named)
    if not (folder / "pixel_exact.csv").is_file():
        pytest.fail(f"VOXFOLD_TEST_DATA={folder}: no pixel_exact.csv there; it must be the folder of real recordings")
    return folder.resolve()


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for all tests that use the embedded corpus, so that it is spoken once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Talk to servers on this machine directly, whatever proxy the environment names."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
