"""Check the installed wheel from outside the checkout: the packages, the templates and the command are there.

Run by ``tox -e wheel`` with the checkout as its argument; no pytest module, since pytest puts the checkout on the path.
"""

import importlib
import subprocess
import sys
from pathlib import Path

PACKAGES = ("features", "models", "benchmarks", "reports")


def main(checkout: Path) -> None:
    homes = {Path(importlib.import_module(name).__file__).resolve().parents[1] for name in PACKAGES}
    assert len(homes) == 1, f"the packages come from {homes}"
    home = homes.pop()
    assert checkout not in (home, *home.parents) or ".tox" in home.parts, f"{home} is the checkout, not the wheel"
    templates = home / "reports" / "page" / "templates"
    assert (templates / "page.html").is_file() and any((templates / "sections").iterdir())
    assert (home / "features" / "corpora" / "download" / "audiomnist_sha256.txt").stat().st_size > 30_000
    assert not any((home / stray).exists() for stray in ("tests", "audio_to_mfc_maps", "docs"))
    voxfold = Path(sys.executable).with_name("voxfold")
    for command in ([str(voxfold), "--help"], [sys.executable, "-m", "benchmarks", "run", "--help"]):
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert "Usage" in text, text
    refused = subprocess.run([str(voxfold), "run", "--corpus", "nowhere"], capture_output=True, text=True)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1, refused.stderr
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
