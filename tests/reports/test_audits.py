"""The leakage audit in the report: read and checked, in the summary, in the answer's warnings, on the page."""

import copy
import json
import re
import shutil

import pytest

from reports import audits
from reports.page.page import rebuild
from reports.page.sections import audit as audit_exhibits
from reports.tables import TableError

CHECK = {
    "name": "speakers",
    "title": "Speakers on two sides",
    "looked_for": "A speaker <on> two sides.",
    "looked_at": "3 splits.",
    "outcome": "nothing found",
    "n_found": 0,
    "found": [],
    "limits": "One person under two names.",
    "numbers": {},
}
ATTRIBUTE = {
    "attribute": "room",
    "n_values": 3,
    "n_speakers": 24,
    "score": 0.9,
    "chance": 0.5,
    "p": 0.001,
    "p_holm": 0.004,
}
LEAK = {
    **CHECK,
    "name": "identical",
    "title": "Identical audio",
    "outcome": "leak",
    "n_found": 7,
    "found": ["'a' = '<b>'"],
}
WARNING = {
    **CHECK,
    "name": "groups",
    "title": "Attributes that tell the label",
    "outcome": "warning",
    "n_found": 1,
    "found": ["room alone"],
    "numbers": {"attributes": [ATTRIBUTE]},
}
FOUND = {"schema": "voxfold-audit/1", "protocol": "grouped", "checks": [CHECK, LEAK, WARNING]}


@pytest.fixture(scope="module")
def audited(healthy_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited") / "run"
    shutil.copytree(healthy_run, folder)
    audits.write(FOUND, folder)
    rebuild(folder)
    return folder


@pytest.mark.parametrize(("value", "told"), [(float("nan"), "nan is no number"), ("\ud800", "half a character")])
def test_what_no_page_could_hold_is_told(audited, tmp_path, value, told):
    found = copy.deepcopy(FOUND)
    found["checks"][2]["numbers"]["attributes"][0]["score"] = value
    (tmp_path / "audit.json").write_text(json.dumps(found))
    with pytest.raises(TableError, match=rf"audit\.json cannot be read .*{told}"):
        audits.read(tmp_path)


def section(folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    return re.search(r'<section id="audit".*?</section>', page, flags=re.DOTALL).group()


def test_a_leak_is_said_on_top_and_everything_in_its_section(audited):
    summary = json.loads((audited / "summary.json").read_text(encoding="utf-8"))
    assert summary["audit"] == FOUND
    warning = "The leakage audit found identical audio (7): scores on this page may be too high."
    assert warning in summary["answer"]["warnings"]
    shown = section(audited)
    assert "A leak was found in identical audio; A warning stands in attributes that tell the label." in shown
    for text in (
        "A speaker &lt;on&gt; two sides. 3 splits.",
        "Leak: &#39;a&#39; = &#39;&lt;b&gt;&#39;; and 6 more",
        "Room",
    ):
        assert text in shown, text


def test_a_run_without_an_audit_says_so(healthy_summary, healthy_run, tmp_path):
    assert healthy_summary["audit"] is None and audit_exhibits.table(healthy_summary) is None
    shutil.copytree(healthy_run, tmp_path / "run")
    rebuild(tmp_path / "run")
    assert "Not made in this run." in section(tmp_path / "run")


def test_a_warning_is_no_leak():
    summary = {"audit": {**FOUND, "checks": [CHECK, WARNING]}}
    assert audit_exhibits.warning(summary) is None and audits.leaks(summary["audit"]) == []
    assert audit_exhibits.sentence(summary) == "A warning stands in attributes that tell the label."
    assert audit_exhibits.sentence({"audit": {**FOUND, "checks": [CHECK]}}) == "1\u00a0check found nothing."


def changed(change):
    found = copy.deepcopy(FOUND)
    change(found)
    return found


@pytest.mark.parametrize(
    "found",
    [
        [],
        {},
        {**FOUND, "schema": "voxfold-audit/9"},
        {**FOUND, "checks": []},
        {**FOUND, "checks": [CHECK, CHECK]},
        changed(lambda found: found["checks"][0].pop("limits")),
        changed(lambda found: found["checks"][0].update(outcome="fine")),
        changed(lambda found: found["checks"][0].update(n_found=True)),
        changed(lambda found: found["checks"][0].update(found=[1])),
        changed(lambda found: found["checks"][0].update(extra=1)),
    ],
)
def test_what_is_not_as_declared_is_refused_in_one_line(found, tmp_path):
    (tmp_path / "audit.json").write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(TableError, match=r"^audit\.json: [^\n]*$"):
        audits.read(tmp_path)


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "audit.json").write_text("{", encoding="utf-8")
    with pytest.raises(TableError, match="cannot be read"):
        audits.read(tmp_path)
