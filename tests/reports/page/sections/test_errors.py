"""Errors on the page: pictures of the recordings that are hardest."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

from reports.page.page import rebuild, render
from tests.reports.page.test_page import outline


def test_pictures_of_hard_recordings_are_embedded(healthy_run: Path, tmp_path: Path) -> None:
    assert "<img" not in rebuild(healthy_run).read_text(encoding="utf-8")
    folder = tmp_path / "elsewhere"
    shutil.copytree(healthy_run, folder)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    (folder / "examples").mkdir()
    (folder / "examples" / f"{summary['hardest']['recordings'][0]['example']}.jpg").write_bytes(b"\xff\xd8 a picture")
    page = outline(render(folder).read_text(encoding="utf-8"))
    assert len(page.of("img")) == 1
    assert page.of("img")[0]["src"] == "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8 a picture").decode()
    assert summary["hardest"]["recordings"][0]["recording_id"] in str(page.of("img")[0]["alt"])
