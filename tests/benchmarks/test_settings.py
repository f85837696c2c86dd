"""Settings: where a run goes when no folder is named."""

import datetime

import pytest

from benchmarks.settings import SettingsError, moment, read_settings


@pytest.mark.parametrize(
    ("corpus", "folder"),
    [
        ("virtual", "virtual-gender-grouped"),
        ("audiomnist:/data/AudioMNIST-1.0", "audiomnist-AudioMNIST-1.0-gender-grouped"),
        ("manifest:/data/fsdd/manifest.csv", "manifest-fsdd-gender-grouped"),
        ("manifest:/data/x/a.csv", "manifest-a-gender-grouped"),
    ],
)
def test_a_run_has_a_folder_of_its_own(corpus, folder):
    assert str(read_settings({"corpus": corpus}).folder) == f"artifacts/{folder}"


def test_a_linked_corpus_keeps_the_name_the_user_gave(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "AudioMNIST").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    assert read_settings({"corpus": "audiomnist:AudioMNIST"}).folder.name == "audiomnist-AudioMNIST-gender-grouped"


@pytest.mark.parametrize("date", ["yesterday", "1e9", "99999999999999999999"])
def test_a_date_of_the_environment_must_be_whole_seconds(date):
    with pytest.raises(SettingsError, match="SOURCE_DATE_EPOCH: expected whole seconds since 1970"):
        moment(date)


def test_the_date_is_the_environments_or_now():
    assert moment("86400").isoformat() == "1970-01-02T00:00:00+00:00"
    for unset in (None, ""):
        assert abs(moment(unset) - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)
