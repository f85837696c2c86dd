"""A manifest of a million rows: of files that are not there, of pairs, of speakers who contradict themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
N_ROWS = 1_000_000

READ = """
import resource, sys, time
from pathlib import Path
from features.corpora.manifest import open_manifest
from features.corpora.recordings import CorpusError
started = time.process_time()
try:
    corpus = open_manifest(Path(sys.argv[1]))
    print(len(corpus.recordings), "recordings,", len(corpus.quarantine), "left out")
except CorpusError as error:
    print(error)
used = time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print("%.0f s of CPU time, %.0f MB" % used)
"""


def row(kind: str, number: int) -> str:
    if kind == "absent":
        return f"{number % 60}/{number}.wav,{number % 60},{number % 10},f,30\n"
    if kind == "pairs":
        return f"{number // 2}.wav,{number // 2},1,f,30\n"
    return f"{number}.wav,{number // 2},1,{'fm'[number % 2]},30\n"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("absent", "none of 1000000 recordings can be used; the first: 0/0.wav: cannot be opened: No such file"),
        ("pairs", "none of 1000000 recordings can be used; the first: 0.wav (line 3): listed before, in line 2"),
        ("speakers", "the first: 0.wav (line 2): speaker 0 has more than one gender ('female', 'male'); correct it"),
    ],
)
def test_a_million_rows_are_refused_in_bounded_memory(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "manifest.csv"
    with path.open("w") as file:
        file.write("path,speaker,digit,gender,age\n")
        file.writelines(row(kind, number) for number in range(N_ROWS))
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer, cost = done.stdout.splitlines()
    assert said in answer
    print(f"{kind}: {cost}")
    assert float(cost.split()[-2]) < 1_500
