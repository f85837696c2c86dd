"""Tasks: labels, classes, and refusals with the counts."""

import pytest

from benchmarks.errors import TaskError
from benchmarks.protocol.tasks import TASKS, find_task, label_recordings
from features.corpora.mfc_images import open_mfc_images
from features.corpora.recordings import recordings_table


def recordings(genders):
    return recordings_table(
        {"recording_id": str(n), "path": f"{n}.wav", "speaker": str(n), "digit": n % 10, "gender": gender}
        for n, gender in enumerate(genders)
    )


def test_recordings_without_a_label_are_left_out_and_said():
    labelled = label_recordings(recordings(["female"] * 3 + ["male"] * 3 + [None]), find_task("gender"))
    assert labelled.classes == ("female", "male")
    assert len(labelled.recordings) == 6
    assert labelled.notes == ("Left out of this task for want of a value of gender: 1 recordings of speakers '6'.",)


@pytest.mark.parametrize(
    ("genders", "message"),
    [
        ([None, None], "no recording of this corpus has a value of 'gender'"),
        (["male"] * 6, "needs at least two classes, this corpus has speakers of male 6 only"),
        (["male"] * 6 + ["female"] * 2, "at least 3 speakers .*female 2, male 6"),
    ],
)
def test_too_few_speakers_are_refused_with_the_counts(genders, message):
    with pytest.raises(TaskError, match=message):
        label_recordings(recordings(genders), find_task("gender"))


def test_an_unknown_task_is_refused():
    with pytest.raises(TaskError, match="task 'mood': expected one of gender, digit, accent"):
        find_task("mood")


@pytest.mark.parametrize(
    ("task", "sizes"),
    [
        ("gender", {"female": 12, "male": 48}),
        ("accent", {"German": 41, "other": 19}),
        ("origin", {"Germany": 40, "elsewhere": 20}),
        ("age", {"25 to 29": 29, "30 and over": 17, "up to 24": 13}),
        ("native-speaker", {"no": 57, "yes": 3}),
    ],
)
def test_the_classes_of_audiomnist(shared_data, task, sizes):
    table = open_mfc_images(shared_data / "mfc_images").recordings
    labelled = label_recordings(table, find_task(task))
    assert labelled.recordings.groupby(labelled.labels)["speaker"].nunique().to_dict() == sizes


def test_digits_are_text_classes(shared_data):
    table = open_mfc_images(shared_data / "mfc_images").recordings
    assert label_recordings(table, TASKS["digit"]).classes == tuple("0123456789")
