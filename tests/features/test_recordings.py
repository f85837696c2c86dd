"""The recordings table: columns, checks, buckets and bands."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from features.corpora.recordings import (
    RECORDING_COLUMNS,
    CorpusError,
    age_band,
    bucket,
    check_recordings,
    offenders,
    recordings_table,
)
from reports.tables import SCHEMAS


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
