"""The leakage audit in the report: in the summary, in the answer's warnings, on the page."""

import json
import re
import shutil

import pytest

from reports.page.page import rebuild
from reports.page.sections import audit
from reports.run_directory.audit import Audit, leaks
from reports.summary.answer import leak_warning
from tests.reports.run_directory.test_audit import CHECK, FOUND, WARNING


@pytest.fixture(scope="module")
def audited(healthy_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited") / "run"
    shutil.copytree(healthy_run, folder)
    Audit.write(FOUND, folder)
    rebuild(folder)
    return folder


def shown(folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    return re.search(r'<section id="audit".*?</section>', page, flags=re.DOTALL).group()


def test_a_leak_is_said_on_top_and_everything_in_its_section(audited):
    summary = json.loads((audited / "summary.json").read_text(encoding="utf-8"))
    assert summary["audit"] == FOUND
    warning = "The leakage audit found identical audio (7): scores on this page may be too high."
    assert warning in summary["answer"]["warnings"]
    text = shown(audited)
    assert "A leak was found in identical audio; A warning stands in attributes that tell the label." in text
    for part in (
        "A speaker &lt;on&gt; two sides. 3 splits.",
        "Leak: &#39;a&#39; = &#39;&lt;b&gt;&#39;; and 6 more",
        "Room",
    ):
        assert part in text, part


def test_a_run_without_an_audit_says_so(healthy_summary, healthy_run, tmp_path):
    assert healthy_summary["audit"] is None and audit.table(healthy_summary) is None
    shutil.copytree(healthy_run, tmp_path / "run")
    rebuild(tmp_path / "run")
    assert "Not made in this run." in shown(tmp_path / "run")


def test_a_warning_is_no_leak():
    summary = {"audit": {**FOUND, "checks": [CHECK, WARNING]}}
    assert leak_warning(summary) is None and leaks(summary["audit"]) == []
    assert audit.sentence(summary) == "A warning stands in attributes that tell the label."
    assert audit.sentence({"audit": {**FOUND, "checks": [CHECK]}}) == "1\u00a0check found nothing."
