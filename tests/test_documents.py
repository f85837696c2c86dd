"""Documents say what is true: every command in README is run, here or by CI."""

import contextlib
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from benchmarks.cli.app import app
from benchmarks.speed.studies.__main__ import app as studies

CHECKOUT = Path(__file__).resolve().parents[1]
CONTRIBUTING = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) for line in block.splitlines()]
SET_UP = [command for command in COMMANDS if "pip install" in command]
METHOD = (CHECKOUT / "docs" / "method.md").read_text(encoding="utf-8")
METHOD_COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", METHOD, flags=re.DOTALL) for line in block.splitlines()
]
PERFORMANCE = (CHECKOUT / "docs" / "performance.md").read_text(encoding="utf-8")
STUDIES = re.findall(r"python -m benchmarks\.speed\.studies [^`\n]+", PERFORMANCE)
PACKAGES = ("features", "models", "benchmarks", "reports")
OWN = [command for command in COMMANDS if command.startswith("python -m benchmarks ")]


def test_every_command_is_known():
    assert len(SET_UP) == 3 and len(SET_UP) + len(OWN) == len(COMMANDS)


def test_ci_calls_the_two_set_up_commands():
    script = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    bench, tests = (command for command in SET_UP if "tox" in command)
    assert [line for line in script if line == tests] == [tests]
    assert [line for line in script if line.startswith(f"{bench} -- ")]


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory):
    """A working folder with AudioMNIST beside the checkout's files that are named, as a user would have it."""
    path = tmp_path_factory.mktemp("readme")
    (path / "AudioMNIST").symlink_to(shared_data / "audiomnist")
    (path / "docs").mkdir()
    for name in ("DATASHEET.md", "docs/gates.example.toml"):
        (path / name).write_bytes((CHECKOUT / name).read_bytes())
    return path


@pytest.mark.parametrize("command", OWN)
def test_the_commands_of_readme_run(folder, command, shared_cache):
    """They run in README's order in one folder, since later ones use what earlier ones leave."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "XDG_CACHE_HOME": str(shared_cache)}
    arguments = [sys.executable, *shlex.split(command)[1:]]
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`(python -m benchmarks [^`\n]+)`", README))))
def test_the_commands_within_the_text_of_readme_can_be_given(command):
    """Parsed, not run: they fetch a corpus from elsewhere or take many minutes."""
    words = shlex.split(command)[3:]
    parser = typer.main.get_command(app)
    while words and words[0] in getattr(parser, "commands", {}):
        parser = parser.commands[words.pop(0)]
    with contextlib.suppress(typer.Exit):  # of --help
        parser.make_context(command, words).close()
    assert not hasattr(parser, "commands"), f"{command} names no command"


@pytest.mark.parametrize("command", METHOD_COMMANDS)
def test_the_commands_of_the_method_can_be_given(command):
    """Parsed, not run: the simulation takes minutes, and the run needs the published images."""
    python, module, package, name, *arguments = shlex.split(command)
    assert (python, module, package) == ("python", "-m", "benchmarks")
    typer.main.get_command(app).commands[name].make_context(name, arguments).close()


@pytest.mark.parametrize("command", STUDIES)
def test_the_studies_of_speed_can_be_asked_for(command):
    """Parsed, not run: they measure."""
    name, *arguments = shlex.split(command)[3:]
    typer.main.get_command(studies).commands[name].make_context(name, arguments).close()


def test_every_study_stands_in_its_document():
    assert {shlex.split(command)[3] for command in STUDIES} == set(typer.main.get_command(studies).commands)


def test_documents_name_no_registry_and_no_machine():
    machine = "/" + "work/"
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "deb.debian" + ".org", "registry.npmjs" + ".org")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in tracked:
        if Path(name).suffix in (".md", ".py", ".toml", ".txt", ".ini", ".html", ".css", ".json", ""):
            text = (CHECKOUT / name).read_text(encoding="utf-8")
            assert not [host for host in hosts if host in text], name
            assert machine not in text, name


def test_the_map_of_contributing_names_every_room():
    rooms = CONTRIBUTING[CONTRIBUTING.index("## Where things belong") : CONTRIBUTING.index("**The journey")]
    inits = [path for name in PACKAGES for path in (CHECKOUT / name).rglob("__init__.py")]
    assert len(inits) > 20
    assert not [path.parent.name for path in inits if f"{path.parent.name}/" not in rooms]


def test_files_named_in_contributing_exist():
    paths = re.findall(r"`((?:features|models|benchmarks|reports|tests|docs)/[\w/.-]+)`", CONTRIBUTING)
    assert len(paths) > 30
    placeholders = ("NAME", "FORMAT")
    assert not [
        path for path in paths if not any(word in path for word in placeholders) and not (CHECKOUT / path).exists()
    ]


@pytest.mark.parametrize("name", re.findall(r"`((?:features|models|benchmarks|reports)(?:\.\w+){2,})`", CONTRIBUTING))
def test_what_the_journeys_pass_is_there(name):
    assert pkgutil.resolve_name(name)
