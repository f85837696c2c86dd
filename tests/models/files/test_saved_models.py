"""Saved models: what comes back answers the same; what is damaged or crafted is refused in one line."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.svm import SVC

from models.catalogue import CATALOGUE, resolve
from models.files.saved_models import CARD_FILE, load_model, save_model
from models.protocol import ModelFileError, ModelSetup
from tests.models.conftest import CARD, forge_checksums

CHECKOUT = Path(__file__).parents[3]

# TensorFlow's tensors do not know NumPy 2's copy argument, which Keras' own calls run into
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


class Rude:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (print, ("code of the file ran",))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", list(CATALOGUE))
def test_round_trip(save, name, n_classes) -> None:
    model, folder, x = save(name, n_classes)
    loaded, card = load_model(folder)
    before, after = model.predict(x), loaded.predict(x)
    np.testing.assert_array_equal(after.y_pred, before.y_pred)
    np.testing.assert_allclose(after.scores, before.scores, atol=1e-5)
    assert {key: card[key] for key in CARD} == CARD
    assert card["view"] == CATALOGUE[name].view == loaded.view
    assert card["versions"]["numpy"] == np.__version__
    assert not [file for file in folder.iterdir() if b"code of the file" in file.read_bytes()]


def test_plain_scikit_learn_is_saved(save) -> None:
    _, folder, _ = save("svm")
    assert type(skops.io.load(folder / "svm.skops", trusted=[])["svc"]) is SVC


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_damage_is_found(save, name) -> None:
    _, folder, _ = save(name)
    file = next(file for file in folder.iterdir() if file.name != CARD_FILE)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelFileError, match=r"changed since it was saved"):
        load_model(folder)


@pytest.mark.parametrize("content", [b"", b"garbage", b"{}"])
@pytest.mark.parametrize("name", list(CATALOGUE))
def test_garbage_with_right_checksum_is_refused(save, name, content) -> None:
    _, folder, _ = save(name)
    file = next(file for file in folder.iterdir() if file.name != CARD_FILE)
    file.write_bytes(content)
    forge_checksums(folder)
    with pytest.raises(ModelFileError) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("saved", "claimed"), [("svm", "Logistic"), ("logistic", "Svm")])
def test_skops_file_of_another_kind_is_refused(save, saved, claimed) -> None:
    _, folder, _ = save(saved)
    module = {"Svm": "models.svm", "Logistic": "models.logistic"}[claimed]
    file = folder / f"{saved}.skops"
    file.rename(folder / f"{claimed.lower()}.skops")
    forge_checksums(folder, kind=f"{module}:{claimed}")
    with pytest.raises(ModelFileError, match="not the parts of this kind of model"):
        load_model(folder)


def test_untrusted_type_is_refused_before_it_is_made(save, capsys) -> None:
    _, folder, _ = save("svm")
    skops.io.dump({"scaler": Rude()}, folder / "svm.skops")
    forge_checksums(folder)
    with pytest.raises(ModelFileError, match=r"types that are not trusted: .*(Rude|print)"):
        load_model(folder)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "part",
    [
        {"module": "keras.layers", "class_name": "Lambda", "config": {}},
        {"module": "os", "class_name": "Dense", "config": {}},
        {"module": "builtins", "class_name": "function", "config": "exec"},
    ],
)
def test_keras_file_with_other_parts_is_refused(save, part) -> None:
    _, folder, _ = save("cnn")
    path = folder / "cnn.keras"
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(contents["config.json"])
    config["config"]["layers"].append(part)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (contents | {"config.json": json.dumps(config).encode()}).items():
            archive.writestr(name, content)
    forge_checksums(folder)
    with pytest.raises(ModelFileError, match=rf"{part['module']}\.{part['class_name']}"):
        load_model(folder)


@pytest.mark.parametrize("kind", ["os:system", "models.files.saved_models:Path", "models.svm:plain_svc"])
def test_unknown_kind_is_refused(save, kind) -> None:
    _, folder, _ = save("majority")
    forge_checksums(folder, kind=kind)
    with pytest.raises(ModelFileError, match=f"unknown kind '{kind}'"):
        load_model(folder)


def test_missing_and_foreign_files(save, tmp_path) -> None:
    with pytest.raises(ModelFileError, match=r"no model\.json here"):
        load_model(tmp_path / "nowhere")
    _, folder, _ = save("majority")
    (folder / "more.txt").write_text("?")
    with pytest.raises(ModelFileError, match=r"not of this model \['more\.txt'\]"):
        load_model(folder)
    (folder / "more.txt").unlink()
    (folder / "majority.json").unlink()
    with pytest.raises(ModelFileError, match=r"files missing \['majority\.json'\]"):
        load_model(folder)


@pytest.mark.parametrize("card", ["[]", "{}", "not json", '{"kind": 3}'])
def test_card_that_is_none(tmp_path, card) -> None:
    (tmp_path / CARD_FILE).write_text(card)
    with pytest.raises(ModelFileError, match=r"model\.json"):
        load_model(tmp_path)


def test_what_cannot_be_saved(save, tmp_path) -> None:
    class Mute:
        view = "flat"

    model, folder, _ = save("majority")
    with pytest.raises(ModelFileError, match="Mute cannot be saved: it has no methods 'save' and 'load'"):
        save_model(Mute(), tmp_path / "mute", card=CARD)
    with pytest.raises(ModelFileError, match="not empty"):
        save_model(model, folder, card=CARD)
    with pytest.raises(ModelFileError, match="model card lacks task, classes, mfcc"):
        save_model(model, tmp_path / "other", card={"name": "x"})


def test_plug_in_is_loaded_only_if_the_caller_names_it(tmp_path, monkeypatch, make_examples) -> None:
    (tmp_path / "own_plug_in.py").write_text("from models.baselines import Majority\nclass Own(Majority):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    examples = make_examples("summary", [0, 1, 1], 1)
    model = resolve("own_plug_in:Own")(ModelSetup(n_classes=2, seed=0, threads=1))
    model.choose(examples, examples)
    save_model(model, tmp_path / "saved", card=CARD)
    with pytest.raises(ModelFileError, match="unknown kind 'own_plug_in:Own'"):
        load_model(tmp_path / "saved")
    loaded, _ = load_model(tmp_path / "saved", plug_in="own_plug_in:Own")
    np.testing.assert_array_equal(loaded.predict(examples.x).y_pred, [1, 1, 1])


@pytest.mark.parametrize("kind", ["models.svm:Svm", "models.logistic:Logistic"])
def test_what_saving_imports_is_imported_before(tmp_path, kind) -> None:
    module, name = kind.split(":")
    program = f"""
import sys
from pathlib import Path
import numpy as np
from {module} import {name}
from models.files.saved_models import import_for_saving
from models.protocol import Examples, ModelSetup
model = {name}(ModelSetup(n_classes=2, seed=0, threads=1))
x = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
examples = Examples(x=x, y=(x[:, 0] > 0).astype(np.int64))
model.choose(examples, examples)
import_for_saving(model)
before = set(sys.modules)
model.save(Path({str(tmp_path)!r}))
print(sorted(set(sys.modules) - before))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert ended.stdout.splitlines()[-1] == "[]"
