"""The leakage audit of a run: read and checked."""

import copy
import json

import pytest

from reports.run_directory.audit import Audit
from reports.run_directory.files import TableError

CHECK = {
    "name": "speakers",
    "title": "Speakers on two sides",
    "looked_for": "A speaker <on> two sides.",
    "looked_at": "3 splits.",
    "outcome": "nothing found",
    "n_findings": 0,
    "findings": [],
    "cannot_find": "One person under two names.",
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
    "n_findings": 7,
    "findings": ["'a' = '<b>'"],
}
WARNING = {
    **CHECK,
    "name": "groups",
    "title": "Attributes that tell the label",
    "outcome": "warning",
    "n_findings": 1,
    "findings": ["room alone"],
    "numbers": {"attributes": [ATTRIBUTE]},
}
FOUND = {"schema": "voxfold-audit/2", "protocol": "grouped", "checks": [CHECK, LEAK, WARNING]}


@pytest.mark.parametrize(("value", "told"), [(float("nan"), "nan is no number"), ("\ud800", "half a character")])
def test_what_no_page_could_hold_is_told(tmp_path, value, told):
    found = copy.deepcopy(FOUND)
    found["checks"][2]["numbers"]["attributes"][0]["score"] = value
    (tmp_path / "audit.json").write_text(json.dumps(found))
    with pytest.raises(TableError, match=rf"audit\.json cannot be read .*{told}"):
        Audit.read(tmp_path)


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
        changed(lambda found: found["checks"][0].pop("cannot_find")),
        changed(lambda found: found["checks"][0].update(outcome="fine")),
        changed(lambda found: found["checks"][0].update(n_findings=True)),
        changed(lambda found: found["checks"][0].update(findings=[1])),
        changed(lambda found: found["checks"][0].update(extra=1)),
    ],
)
def test_what_is_not_as_declared_is_refused_in_one_line(found, tmp_path):
    (tmp_path / "audit.json").write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(TableError, match=r"^audit\.json: [^\n]*$"):
        Audit.read(tmp_path)


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "audit.json").write_text("{", encoding="utf-8")
    with pytest.raises(TableError, match="cannot be read"):
        Audit.read(tmp_path)
