"""The recordings table: columns, checks, buckets and bands; two names with the same bytes."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from features.corpora.recordings import (
    RECORDING_COLUMNS,
    Corpus,
    CorpusError,
    age_band,
    bucket,
    check_recordings,
    offenders,
    quarantine_table,
    recordings_table,
    without_doubles,
)
from reports.run_directory.tables import SCHEMAS
from tests.features.contents import reasons


def rows(**columns):
    base = {"recording_id": ["a", "b"], "path": ["a.wav", "b.wav"], "speaker": ["1", "2"], **columns}
    return pd.DataFrame(base).to_dict("records")


def test_the_columns_are_those_that_a_run_directory_declares():
    arrow = {"str": pa.string(), "Int64": pa.int64()}
    declared = {field.name: field.type for field in SCHEMAS["recordings"]}
    assert {name: arrow[kind] for name, kind in RECORDING_COLUMNS.items()} == declared


def test_rows_are_sorted_and_absent_labels_are_missing():
    table = recordings_table(rows(recording_id=["b", "a"], age=[61, None]))
    assert table["recording_id"].tolist() == ["a", "b"]
    assert table["gender"].isna().all()
    assert table["age"].isna().tolist() == [True, False]
    assert table["age_band"].tolist()[1] == "30 and over"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"recording_id": ["a", "a"]}, "recording_id must be unique; 'a'"),
        ({"path": ["x", "x"]}, "path must be unique; 'x'"),
        ({"speaker": ["1", None]}, "every recording needs a speaker; 'b'"),
        ({"speaker": ["1", "1"], "gender": ["female", "male"]}, "speakers '1' have more than one gender"),
    ],
)
def test_what_is_wrong_is_named(columns, message):
    with pytest.raises(CorpusError, match=message):
        recordings_table(rows(**columns))


def test_another_dtype_is_refused():
    table = recordings_table(rows())
    with pytest.raises(CorpusError, match="digit"):
        check_recordings(table.astype({"digit": "float64"}))


def test_buckets_count_speakers_not_recordings():
    values = pd.Series(["German"] * 5 + ["Danish"] * 9 + [None], dtype="str")
    speakers = pd.Series(["1", "2", "3", "4", "5", *["6"] * 9, "7"], dtype="str")
    found = bucket(values, speakers, rest="other")
    assert found[:14].tolist() == ["German"] * 5 + ["other"] * 9
    assert found.isna().tolist() == [False] * 14 + [True]


def test_an_origin_is_a_country_or_names_it_second():
    origins = [*["Europe, Germany, Hof"] * 3, *["Germany"] * 2, "Asia, China, Beijing", None]
    table = recordings_table(
        {"recording_id": str(n), "path": str(n), "speaker": str(n), "origin": origin}
        for n, origin in enumerate(origins)
    )
    assert table["origin_bucket"][:6].tolist() == ["Germany"] * 5 + ["elsewhere"]
    assert pd.isna(table["origin_bucket"][6])


def test_age_bands_by_hand():
    assert [age_band(age) for age in (22, 24, 25, 29, 30, 61, None, pd.NA)] == [
        *["up to 24"] * 2,
        *["25 to 29"] * 2,
        *["30 and over"] * 2,
        None,
        None,
    ]


def test_at_most_five_offenders_are_named():
    assert offenders(range(7)) == "'0', '1', '2', '3', '4' and 2 more"
    assert offenders([Path("x")]) == "'x'"


def corpus(*rows: tuple[str, str, int, str | None]) -> Corpus:
    table = recordings_table(
        {"recording_id": name, "path": f"{name}.wav", "speaker": speaker, "digit": digit}
        for name, speaker, digit, _ in rows
    )
    hashes = {name: content for name, _, _, content in rows}
    table["content_hash"] = table["recording_id"].map(hashes).astype("str")
    return Corpus(
        kind="manifest",
        name="x",
        root=Path(),
        recordings=table,
        quarantine=quarantine_table([("old.wav", "why")]),
        sample_rate_hz=8_000,
    )


def test_a_speakers_own_double_goes_and_the_first_stays() -> None:
    kept = without_doubles(corpus(("c", "x", 1, "h"), ("b", "x", 1, "h"), ("a", "y", 1, "g"), ("d", "x", 1, "h")))
    assert kept.recordings["recording_id"].tolist() == ["a", "b"]
    reason = "has the same bytes as b.wav, which is used; keep one of them"
    assert kept.quarantine.to_numpy().tolist() == [["c.wav", reason], ["d.wav", reason], ["old.wav", "why"]]


def test_nobody_knows_whose_voice_two_speakers_share() -> None:
    kept = without_doubles(
        corpus(("a", "x", 1, "h"), ("b", "x", 1, "h"), ("c", "y", 1, "h"), ("d", "y", 1, None), ("e", "z", 1, None))
    )
    assert kept.recordings["recording_id"].tolist() == ["d", "e"]  # without a hash, nobody's double
    left_out = reasons(kept)
    assert left_out["a.wav"].startswith("has the same bytes as c.wav, of speaker y; nobody knows whose voice it is")
    assert left_out["b.wav"] == left_out["a.wav"]
    assert left_out["c.wav"].startswith("has the same bytes as a.wav, of speaker x; nobody knows")


def test_nobody_knows_which_of_two_digits_is_said() -> None:
    kept = without_doubles(corpus(("a", "x", 1, "h"), ("b", "x", 2, "h"), ("c", "x", 3, "g")))
    assert kept.recordings["recording_id"].tolist() == ["c"]
    assert kept.quarantine["reason"].str.contains("which says another digit; nobody knows which is said").sum() == 2


def test_without_doubles_nothing_changes() -> None:
    whole = corpus(("a", "x", 1, "h"), ("b", "x", 1, "g"))
    assert without_doubles(whole) is whole


def test_nothing_but_doubles_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"none of the 2 recordings can be used; a\.wav has the same bytes as b\.wav"):
        without_doubles(corpus(("a", "x", 1, "h"), ("b", "y", 1, "h")))
