"""The layout's guards: generic package names stay safe."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.rooms import Circle, floors, rooms

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGES = ("features", "models", "benchmarks", "reports")
ROOT = {
    *(".ci", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "CONTRIBUTING.md", "DATASHEET.md", "LICENSE"),
    *("README.md", "audio_to_mfc_maps", "constraints.txt", "docs", "pyproject.toml", "tests", "tox.ini", *PACKAGES),
}
"""What the checkout holds at its top, and nothing else."""
FLOORS = {"features": 4, "models": 4, "benchmarks": 8, "reports": 5}
"""Most floors of a package, a folder counted as one room."""
MOST_FLOORS, MOST_MODULES = 5, 14
"""In a folder below."""


def test_the_four_packages_come_from_one_directory():
    homes = {Path(importlib.import_module(name).__file__).resolve().parents[1] for name in PACKAGES}
    assert homes == {CHECKOUT}


def test_the_root_holds_exactly_its_declared_files():
    if not (CHECKOUT / ".git").exists():
        pytest.skip("no git checkout")
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert {name.partition("/")[0] for name in names} == ROOT


def test_tests_shadow_no_package():
    assert not list((CHECKOUT / "tests").rglob("__init__.py"))


def test_the_project_cannot_be_uploaded_and_ships_only_the_four_packages():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "Private :: Do Not Upload" in project["project"]["classifiers"]
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == list(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_init_holds_its_docstring_only(package):
    for init in (CHECKOUT / package).rglob("__init__.py"):
        text = init.read_text(encoding="utf-8").strip()
        assert text.startswith('"""') and text.endswith('"""') and text.count('"""') == 2, init


def test_constraints_hold_versions_and_no_addresses():
    lines = (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert all("==" in line and "/" not in line and "@" not in line for line in lines)


def test_the_long_tests_can_be_collected():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/torture"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_are_few_floors_high_and_nobody_walks_in_circles(package):
    for folder, graph in rooms(package).items():
        assert max(floors(graph).values()) <= FLOORS.get(folder, MOST_FLOORS), folder
        n_modules = len(
            [path for path in (CHECKOUT / folder.replace(".", "/")).glob("*.py") if path.stem != "__init__"]
        )
        assert n_modules <= MOST_MODULES, folder


def test_floors_are_counted_and_a_circle_is_found(tmp_path):
    folder = tmp_path / "features"
    (folder / "inner").mkdir(parents=True)
    (folder / "ground.py").write_text("import os\n")
    (folder / "inner" / "leaf.py").write_text("from features.ground import x\n")
    (folder / "inner" / "stem.py").write_text("def f():\n    from features.inner import leaf\n")
    (folder / "top.py").write_text("import features.inner.stem\n")
    graphs = rooms("features", tmp_path)
    assert floors(graphs["features"]) == {"ground": 1, "inner": 2, "top": 3}
    assert floors(graphs["features.inner"]) == {"leaf": 1, "stem": 2}
    (folder / "ground.py").write_text("from features import top\n")
    with pytest.raises(Circle, match="ground -> top -> inner -> ground"):
        floors(rooms("features", tmp_path)["features"])
