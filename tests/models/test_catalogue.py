"""Names of models: known, unknown, plug-ins; and that the catalogue stays light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.catalogue import CATALOGUE, UnknownModelError, display_name, resolve
from models.files.saved_models import KINDS
from models.protocol import ModelSetup


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_catalogue_says_the_view_that_the_model_has(name: str) -> None:
    model = resolve(name)(ModelSetup(n_classes=2, seed=0, threads=1))
    assert model.view == CATALOGUE[name].view


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_a_saved_model_may_be_of_every_kind_of_the_catalogue(name: str) -> None:
    factory = resolve(name)
    assert CATALOGUE[name].kind == f"{factory.__module__}:{factory.__qualname__}"
    assert CATALOGUE[name].kind in KINDS


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        UnknownModelError, match=r"unknown model 'svn'; known are svm, xgboost, cnn, logistic, majority"
    ):
        resolve("svn")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_package.nets:net", "cannot import 'no_such_package.nets'"),
        ("models.svm:NoSuchThing", "module 'models.svm' has no 'NoSuchThing'"),
        ("models.cnn:MAX_EPOCHS", "cannot be called"),
        (":net", "cannot import ''"),
        ("models.svm:", "has no ''"),
    ],
)
def test_bad_plug_in_is_one_clear_line(name: str, message: str) -> None:
    with pytest.raises(UnknownModelError, match=message) as caught:
        resolve(name)
    assert "\n" not in str(caught.value)


def test_plug_in_that_fails_while_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_plug_in.py").write_text("import os\nos.no_such_function()\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownModelError, match="cannot import 'broken_plug_in'"):
        resolve("broken_plug_in:net")


def test_plug_in_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "working_plug_in.py").write_text("def net(setup):\n    return ('net', setup.seed)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert resolve("working_plug_in:net")(ModelSetup(n_classes=2, seed=7, threads=1)) == ("net", 7)


@pytest.mark.parametrize(
    ("name", "shown"), [("svm", "svm"), ("a.b:wide_net", "wide_net"), ("a:x/../y", "x_.._y"), ("a:..", "model")]
)
def test_display_names_can_be_folders(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_importing_the_catalogue_imports_nothing_heavy() -> None:
    heavy = ("sklearn", "xgboost", "keras", "tensorflow", "skops", "daal4py")
    listed = f"print([name for name in {heavy} if name in sys.modules])"
    code = f"import sys, models.catalogue, models.files.saved_models; {listed}"
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
