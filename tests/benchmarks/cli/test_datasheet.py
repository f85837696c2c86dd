"""The datasheet's counts are those of the metadata; its questions are complete; decisions name every dependency."""

import ast
import json
import re
import statistics
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from benchmarks.cli.datasheet import BLOCK, BLOCKS, DatasheetError, differing_blocks, recount, speakers_table
from features.corpora.recordings import CorpusError
from features.corpora.virtual.speakers import ACCENTS

CHECKOUT = Path(__file__).resolve().parents[3]
DATASHEET = (CHECKOUT / "DATASHEET.md").read_text(encoding="utf-8")
WOMEN = {"12", "26", "28", "36", "43", "47", "52", "56", "57", "58", "59", "60"}


@pytest.fixture(scope="module")
def metadata(shared_data):
    return shared_data / "audiomnist" / "data" / "audioMNIST_meta.txt"


@pytest.fixture(scope="module")
def raw(metadata):
    return json.loads(metadata.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def speakers(metadata):
    return speakers_table(metadata)


def block(name):
    return next(match["body"] for match in BLOCK.finditer(DATASHEET) if match["name"] == name)


def rows(name):
    """Read a block's table: cells by the first cell of each row."""
    lines = [line.strip("| ").split(" | ") for line in block(name).splitlines() if line.startswith("| ")]
    return {line[0]: [cell.strip() for cell in line[1:]] for line in lines[1:]}


def test_every_block_is_in_the_datasheet_once():
    assert sorted(match["name"] for match in BLOCK.finditer(DATASHEET)) == sorted(BLOCKS)


def test_the_blocks_equal_a_recount(speakers):
    assert differing_blocks(DATASHEET, speakers) == []
    assert recount(DATASHEET, speakers) == DATASHEET


def test_women_and_men(raw):
    assert {speaker for speaker, entry in raw.items() if entry["gender"] == "female"} == WOMEN
    assert "60 speakers: 48 men, 12 women." in block("gender")
    assert set(re.findall(r"\b\d\d\b", block("gender").partition("The women are")[2])) == WOMEN


def test_accents(raw):
    spelt = Counter(entry["accent"] for entry in raw.values())
    table = rows("accent")
    assert spelt["German"] + spelt["german"] == 41 and table["German"][:2] == ["German", "41"]
    assert sum(int(cells[1]) for cells in table.values()) == 60
    assert {name for name, cells in table.items() if cells[0] == "other"} == set(table) - {"German"}
    assert {name: int(cells[1]) for name, cells in table.items() if int(cells[1]) in (2, 3)} == {
        "Chinese": 3,
        "Italian": 2,
        "Spanish": 2,
    }
    assert sum(cells[1] == "1" for cells in table.values()) == 12
    assert [table[name][2:4] for name in ("French", "Danish", "Tamil")] == [["1", "0"]] * 3
    german_women = sum(raw[speaker]["accent"] == "German" for speaker in WOMEN)
    assert rows("gender x accent")["German"] == [f"{german_women} of 12 (67 %)", "33 of 48 (69 %)"]


def test_native_speakers(raw):
    assert [speaker for speaker, entry in sorted(raw.items()) if entry["native speaker"] == "yes"] == ["19", "41", "60"]
    assert rows("native speaker")["yes"] == ["3", "1", "2", "19, 41, 60"]


def test_ages(raw):
    ages = {speaker: int(entry["age"]) for speaker, entry in raw.items() if entry["age"] != "1234"}
    assert set(raw) - set(ages) == {"45"}
    table = rows("age")
    assert table["missing"] == ["1", "0", "1", "45"]
    bands = {"up to 24": (0, 24), "25 to 29": (25, 29), "30 and over": (30, 200)}
    for band, (low, high) in bands.items():
        assert int(table[band][0]) == sum(low <= age <= high for age in ages.values())
    assert f"From 22 to 61, median {statistics.median(ages.values())}." in block("age")
    listed = {int(age): int(count) for age, count in re.findall(r"(\d+) \((\d+)\)", block("age"))}
    assert listed == Counter(ages.values())


def test_countries(raw):
    countries = Counter(entry["origin"].split(", ")[1].replace("Spanien", "Spain") for entry in raw.values())
    table = rows("origin")
    assert {name: int(cells[1]) for name, cells in table.items()} == countries
    assert {name: cells[0] for name, cells in table.items() if cells[0] != "elsewhere"} == {"Germany": "Germany"}
    misplaced = [name for name, entry in sorted(raw.items()) if re.match("Europe, (India|Syria)", entry["origin"])]
    assert f"continent of speakers {', '.join(misplaced[:3])} and {misplaced[3]} (Europe)" in DATASHEET


def test_rooms_and_months(raw):
    kino = {speaker for speaker, entry in raw.items() if entry["recordingroom"] == "Kino"}
    assert (len(kino & WOMEN), len(kino - WOMEN)) == (1, 18)
    assert rows("gender x room")["Kino"] == ["1 of 12 (8 %)", "18 of 48 (38 %)"]
    virtual_reality = [entry for entry in raw.values() if entry["recordingroom"].lower().startswith("vr")]
    assert rows("room")["VR-Room"][0] == str(len(virtual_reality))
    assert rows("month")["2017-10"] == ["3", "3", "0", "58, 59, 60"]
    months = Counter("20" + entry["recordingdate"][:5] for entry in raw.values())
    assert {month: int(cells[0]) for month, cells in rows("month").items()} == months


def test_cleaned_values(raw):
    cells = [line.strip("| ").split(" | ") for line in block("cleaned").splitlines() if line.startswith("| ")][1:]
    changes = {(attribute, before.strip("`")): (after, int(count)) for attribute, before, after, count, *_ in cells}
    keys = {"accent": "accent", "age": "age", "origin": "origin", "room": "recordingroom"}
    for (attribute, before), (_, count) in changes.items():
        assert count == sum(str(entry[keys[attribute]]) == before for entry in raw.values())
    assert changes["accent", "german"] == ("German", 1)
    assert changes["age", "1234"] == ("missing", 1)
    assert changes["room", "vr-room"] == ("VR-Room", 28)
    assert {before for attribute, before in changes if attribute == "accent"} == {
        "german",
        "Brasilian",
        "Egyptian_American?",
    }


def test_virtual_accents():
    table = rows("virtual accents")
    assert {name: [int(cell) for cell in cells[1:]] for name, cells in table.items()} == {
        accent.label: [accent.n_women + accent.n_men, accent.n_women, accent.n_men] for accent in ACCENTS
    }
    assert "60 speakers: 24 with a woman's voice, 36 with a man's." in block("virtual accents")


def test_the_durations_named_in_the_text(shared_data):
    files = list((shared_data / "audiomnist" / "data").glob("*/*.wav"))
    seconds = [soundfile.info(path).duration for path in files]
    mean = statistics.mean(seconds)
    text = " ".join(DATASHEET.split())
    assert f"{len(files)} recordings of {len({path.parent for path in files})} speakers that we measured" in text
    assert f"last {mean:.2f} s on average ({min(seconds):.2f} to {max(seconds):.2f} s)" in text
    assert f"about {mean * 30_000 / 3600:.1f} hours" in text


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [("accent", "| German | German | 41 |", "| German | German | 40 |"), ("gender x room", "18 of 48", "17 of 48")],
)
def test_a_wrong_number_is_found_and_set_right(speakers, name, right, wrong):
    assert right in DATASHEET
    planted = DATASHEET.replace(right, wrong)
    assert differing_blocks(planted, speakers) == [name]
    assert recount(planted, speakers) == DATASHEET


def test_text_outside_the_blocks_is_left_alone(speakers):
    text = "before 41\n<!-- counts: native speaker -->\nold\n<!-- end counts -->\nafter 42\n"
    counted = recount(text, speakers)
    assert counted.startswith("before 41\n<!-- counts: native speaker -->\n")
    assert counted.endswith("<!-- end counts -->\nafter 42\n")
    assert "old" not in counted and "| yes | 3 | 1 | 2 | 19, 41, 60 |" in counted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<!-- counts: shoe size -->\n<!-- end counts -->\n",
            "block 'shoe size' is unknown; expected one of gender, accent",
        ),
        ("<!-- counts: gender -->\n", "no block"),
        ("nothing here", "no block"),
        ("<!-- counts: age -->\n<!-- counts: gender -->\n<!-- end counts -->\n", "not closed"),
        ("<!-- counts: age -->\n<!-- end counts -->\n<!-- end counts -->\n", "not closed"),
    ],
)
def test_bad_marks_are_refused(speakers, text, message):
    for function in (recount, differing_blocks):
        with pytest.raises(DatasheetError, match=message):
            function(text, speakers)


def test_missing_values_have_a_row_of_their_own(tmp_path):
    entry = {"age": "1234", "gender": "female", "native speaker": "no", "origin": "", "recordingroom": None}
    path = tmp_path / "audioMNIST_meta.txt"
    path.write_text(json.dumps({"1": entry, "2": {**entry, "gender": "male", "accent": "a|b"}}))
    text = "".join(f"<!-- counts: {name} -->\n<!-- end counts -->\n" for name in ("accent", "origin", "room", "age"))
    counted = recount(text, speakers_table(path))
    assert "| missing | missing | 1 | 1 | 0 | 1 |" in counted
    assert "| a\\|b | other | 1 | 0 | 1 | 2 |" in counted
    assert counted.count("\n| missing | missing | 2 | 1 | 1 | 1, 2 |") == 1
    assert counted.count("\n| missing | 2 | 1 | 1 | 1, 2 |") == 2
    assert "nan" not in counted.lower() and "<na>" not in counted.lower()


def test_a_date_of_another_form_is_refused(tmp_path):
    path = tmp_path / "audioMNIST_meta.txt"
    path.write_text(json.dumps({"01": {"gender": "male", "recordingdate": "22 June 2017"}}))
    with pytest.raises(DatasheetError, match=r"recordingdate: expected .*22 June 2017"):
        recount("<!-- counts: month -->\n<!-- end counts -->\n", speakers_table(path))


def test_metadata_without_speakers_is_refused(tmp_path):
    path = tmp_path / "audioMNIST_meta.txt"
    path.write_text("{}")
    with pytest.raises(CorpusError, match="no speaker"):
        speakers_table(path)


def test_every_question_is_asked_and_answered():
    sections = re.findall(r"^## (.+)$", DATASHEET, re.MULTILINE)
    assert [name.split(",")[0] for name in sections[:7]] == [
        "Motivation",
        "Composition",
        "Collection process",
        "Preprocessing",
        "Uses",
        "Distribution",
        "Maintenance",
    ]
    questions = re.findall(r"^### (\d+)\. (.+\?)\n\n(\S[^#]*)", DATASHEET, re.MULTILINE)
    assert [int(number) for number, *_ in questions] == list(range(1, 53))
    assert all(re.match("AudioMNIST[:,]|Both:", answer) for *_, answer in questions)


def test_every_dependency_has_its_reason():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {re.match(r"[\w.-]+", requirement)[0] for requirement in wanted}
    document = (CHECKOUT / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w.-]+)` \|", document, re.MULTILINE)) == names


def test_nothing_imports_pickle():
    forbidden = {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
    for package in ("features", "models", "benchmarks", "reports"):
        for path in (CHECKOUT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
            imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            assert not {name.split(".")[0] for name in imported} & forbidden, path
            keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
            assert "allow_pickle" not in keywords, path
