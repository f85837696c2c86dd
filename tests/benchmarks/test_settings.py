"""Settings: where a run goes when no folder is named."""

import pytest

from benchmarks.settings import read_settings


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
