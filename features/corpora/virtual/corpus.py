"""The embedded corpus: 60 virtual speakers, so that a benchmark runs on a fresh machine without a download.

The speakers are made by eSpeak NG (`speakers` beside this module says who they are, `speech` how they sound) and are
written in AudioMNIST's layout, so that whatever reads AudioMNIST reads them. Same seed, same bytes: every speaker is
spoken by a fresh process. Numbers obtained from them show the tool, not people.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from features.corpora.recordings import CorpusError
from features.corpora.virtual.speakers import N_SPEAKERS, VOICES_VERSION, Speaker, cast
from features.locked_folders import make_once, remove_abandoned

_LISTING = "listing.sha256"
_HOW_TO_INSTALL = (
    'the embedded corpus needs the package espeakng-loader; install the extra: pip install "voxfold[voices]" '
    '(from a checkout: pip install -e ".[voices]"), or run it with tox -e bench'
)


def speak(
    folder: Path,
    *,
    seed: int = 0,
    on_speaker: Callable[[int, int], None] | None = None,
    speakers: Sequence[int] | None = None,
    jobs: int | None = None,
) -> None:
    """Write the corpus drawn from `seed` into ``folder/data``: 48 kHz int16 mono WAV files and AudioMNIST's metadata.

    Parameters
    ----------
    folder
        Is made if it does not exist; files of the same names are overwritten.
    seed
        Of everything drawn, at least 0. The bytes of a recording depend on nothing else.
    on_speaker
        Called after each speaker with the number of speakers spoken so far and of all to be spoken.
    speakers, jobs
        Numbers (1 to 60) of the speakers to speak, by default all; processes at a time, by default one per core.

    Raises
    ------
    CorpusError
        eSpeak NG is not installed or failed, or `speakers`, `seed` or `jobs` is out of range.
    """
    _loader_version()
    chosen = _chosen(seed, speakers)
    if jobs is not None and jobs < 1:
        raise CorpusError(f"jobs {jobs}: expected at least 1")
    corpus = folder / "data"
    for speaker in chosen:
        (corpus / speaker.name).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        spoken = [pool.submit(_speak_one, seed, speaker, corpus / speaker.name) for speaker in chosen]
        try:
            for n_spoken, future in enumerate(as_completed(spoken), start=1):
                future.result()
                if on_speaker:
                    on_speaker(n_spoken, len(chosen))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    metadata = {speaker.name: _metadata(speaker) for speaker in chosen}
    (corpus / "audioMNIST_meta.txt").write_text(json.dumps(metadata, indent=4) + "\n", encoding="utf-8")


def virtual_corpus_folder(
    cache: Path,
    *,
    seed: int = 0,
    on_speaker: Callable[[int, int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Return a folder under `cache` that holds the whole corpus drawn from `seed`; if it is not there yet, `speak` it.

    One process speaks, others wait for it. What a killed one has left is removed by the next. `say` is told in one line
    where what was spoken is damaged, or another process speaks.
    """

    def fill(empty: Path) -> None:
        speak(empty, seed=seed, on_speaker=on_speaker)
        (empty / _LISTING).write_text(_listing(empty), encoding="utf-8")

    folder = cache / "virtual" / f"seed-{seed}-voices-{VOICES_VERSION}-espeakng-{_loader_version()}"
    remove_abandoned(folder.parent)
    if not _is_whole(folder):
        if say and folder.exists():
            say(f"{folder} is not as it was spoken; it is spoken anew")
        make_once(folder, fill, _is_whole, say=say)
    return folder


def _is_whole(folder: Path) -> bool:
    """Tell whether all that was spoken is still there, by names and sizes; contents are hashed by the run."""
    try:
        return (folder / _LISTING).read_text(encoding="utf-8") == _listing(folder)
    except OSError:
        return False


def _listing(folder: Path) -> str:
    """Hash names and sizes of all files (SHA-256, hexadecimal)."""
    sizes = sorted((path.relative_to(folder).as_posix(), path.stat().st_size) for path in folder.glob("data/**/*.*"))
    return hashlib.sha256("\n".join(f"{name} {size}" for name, size in sizes).encode()).hexdigest()


def _loader_version() -> str:
    if importlib.util.find_spec("espeakng_loader") is None:
        raise CorpusError(_HOW_TO_INSTALL)
    return importlib.metadata.version("espeakng-loader")


def _chosen(seed: int, numbers: Sequence[int] | None) -> list[Speaker]:
    if seed < 0:
        raise CorpusError(f"seed {seed}: expected at least 0")
    everybody = cast(seed)
    if numbers is None:
        return everybody
    unknown = sorted(set(numbers) - set(range(1, N_SPEAKERS + 1)))
    if unknown or not numbers:
        raise CorpusError(f"virtual speakers {unknown[:5]}: expected some of 1 to {N_SPEAKERS}")
    return [everybody[number - 1] for number in sorted(set(numbers))]


def _speak_one(seed: int, speaker: Speaker, folder: Path) -> None:
    """Let a process of its own speak one speaker; it finds the project where this one did."""
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    told = map(str, (seed, speaker.number, folder, os.getpid()))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "features.corpora.virtual.speech", *told],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C reaches the one that started it, which ends it
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise CorpusError(f"virtual speaker {speaker.name} ({speaker.accent.label}, {speaker.variant}): {last}")


def _metadata(speaker: Speaker) -> dict[str, str]:
    """Return AudioMNIST's entry of a speaker; what a made voice does not have is empty."""
    return {
        "accent": speaker.accent.label,
        "age": "",
        "gender": speaker.gender,
        "native speaker": "yes" if speaker.accent.is_native else "no",
        "origin": f"{speaker.accent.country}, synthetic",
        "recordingdate": "",
        "recordingroom": speaker.room.name,
    }
