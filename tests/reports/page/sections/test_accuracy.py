"""Accuracy on the page: the picture's dots."""

from __future__ import annotations

import re
from pathlib import Path

from reports.page.page import rebuild


def test_one_dot_per_speaker(healthy_run: Path) -> None:
    html = rebuild(healthy_run).read_text(encoding="utf-8")
    assert len(re.findall(r"<title>speaker [^<]*: [^<]*</title>", html)) == 3 * 24
