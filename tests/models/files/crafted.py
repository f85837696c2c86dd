"""Model files that somebody has made to do harm: a function each, which changes the folder of a saved model.

Where a file would run code, the code makes the file ``RAN`` in the working directory.
"""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import FunctionTransformer

from tests.models.conftest import forge_checksums

RAN = "the-code-of-the-file-ran"
COMMAND = f"touch {RAN}"

Craft = Callable[[Path], None]
CRAFTED: dict[str, dict[str, Craft]] = {"svm": {}, "logistic": {}, "cnn": {}, "xgboost": {}, "majority": {}}
"""By the model whose folder is changed, and by what was done to it."""


class Rude:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (COMMAND,))


def crafted(model: str) -> Callable[[Craft], Craft]:
    def add(craft: Craft) -> Craft:
        CRAFTED[model][craft.__name__] = craft
        return craft

    return add


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, contents: dict[str, bytes], **options: Any) -> None:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def with_schema(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "svm.skops"
    contents = members(path)
    schema = json.loads(contents["schema.json"])
    change(schema)
    pack(path, contents | {"schema.json": json.dumps(schema).encode()})
    forge_checksums(folder)


def put_node(folder: Path, **node: Any) -> None:
    with_schema(folder, lambda schema: schema["content"].update(scaler=node))


@crafted("svm")
def code_in_a_reduce(folder: Path) -> None:
    skops.io.dump({"scaler": Rude()}, folder / "svm.skops")
    forge_checksums(folder)


@crafted("svm")
def function_of_the_system(folder: Path) -> None:
    put_node(folder, __class__="system", __module__="posix", __loader__="FunctionNode", content="system")


@crafted("svm")
def methodcaller(folder: Path) -> None:
    arguments = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": '"x"'}
    put_node(folder, __class__="methodcaller", __module__="operator", __loader__="OperatorFuncNode", attrs=arguments)


@crafted("svm")
def type_under_the_loader_of_another(folder: Path) -> None:
    put_node(folder, __class__="Popen", __module__="subprocess", __loader__="DictNode", content={}, key_types={})


@crafted("svm")
def estimator_that_skops_trusts(folder: Path) -> None:
    skops.io.dump({"scaler": FunctionTransformer(func=np.exp), "svc": RandomForestClassifier()}, folder / "svm.skops")
    forge_checksums(folder)


@crafted("svm")
def node_inside_itself(folder: Path) -> None:
    node = {"__class__": "SVC", "__module__": "sklearn.svm._classes", "__loader__": "ObjectNode", "__id__": 7}
    put_node(folder, **node, content=node)


@crafted("svm")
def member_outside_the_folder(folder: Path) -> None:
    pack(folder / "svm.skops", members(folder / "svm.skops") | {f"../../{RAN}": b"x"})
    forge_checksums(folder)


@crafted("svm")
def bomb(folder: Path) -> None:
    contents = members(folder / "svm.skops") | {"1.npy": bytes(300_000_000)}
    pack(folder / "svm.skops", contents, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    forge_checksums(folder)


@crafted("svm")
def bomb_of_one_member_told_many_times(folder: Path) -> None:
    path = folder / "svm.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", b"[" + b"0," * 2_000_000 + b"0]")
        for number in range(500):
            copied = zipfile.ZipInfo(f"{number}.npy")
            for name in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(copied, name, getattr(archive.filelist[0], name))
            archive.filelist.append(copied)
    forge_checksums(folder)


@crafted("svm")
def endlessly_nested(folder: Path) -> None:
    contents = members(folder / "svm.skops")
    pack(folder / "svm.skops", contents | {"schema.json": b"[" * 200_000})
    forge_checksums(folder)


def with_arrays(folder: Path, array: bytes) -> None:
    contents = members(folder / "svm.skops")
    pack(folder / "svm.skops", {name: array if name.endswith(".npy") else old for name, old in contents.items()})
    forge_checksums(folder)


@crafted("svm")
def pickle_in_an_array(folder: Path) -> None:
    written = io.BytesIO()
    np.lib.format.write_array_header_1_0(written, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    with_arrays(folder, written.getvalue() + pickle.dumps([Rude()]))


@crafted("svm")
def array_that_is_told_to_be_huge(folder: Path) -> None:
    written = io.BytesIO()
    np.lib.format.write_array_header_1_0(written, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    with_arrays(folder, written.getvalue() + bytes(800))


def with_machine(folder: Path, **attributes: Any) -> None:
    content = skops.io.load(folder / "svm.skops", trusted=[])
    for name, value in attributes.items():
        setattr(content["svc"], name, value)
    skops.io.dump(content, folder / "svm.skops")
    forge_checksums(folder)


@crafted("svm")
def support_vectors_that_are_not_there(folder: Path) -> None:
    with_machine(folder, _n_support=np.array([2_000_000, -1_999_962], dtype=np.int32))


@crafted("svm")
def coefficients_that_are_too_few(folder: Path) -> None:
    with_machine(folder, _dual_coef_=np.zeros((1, 1)))


@crafted("svm")
def classes_beyond_the_card(folder: Path) -> None:
    with_machine(folder, classes_=np.array([0, 2_000_000_000]))


@crafted("logistic")
def steps_of_another_kind(folder: Path) -> None:
    content = skops.io.load(folder / "logistic.skops", trusted=[])
    content["pipeline"].steps.reverse()
    skops.io.dump(content, folder / "logistic.skops")
    forge_checksums(folder)


@crafted("majority")
def shares_that_are_none(folder: Path) -> None:
    (folder / "majority.json").write_text('{"shares": [NaN, 1e999]}')
    forge_checksums(folder)


@crafted("majority")
def shares_of_too_many_classes(folder: Path) -> None:
    (folder / "majority.json").write_text(json.dumps({"shares": [0.1] * 1000}))
    forge_checksums(folder)


def with_network(folder: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> None:
    contents = members(folder / "cnn.keras")
    config = json.loads(contents["config.json"])
    change(config, contents)
    pack(folder / "cnn.keras", contents | {"config.json": json.dumps(config).encode()})
    forge_checksums(folder)


@crafted("cnn")
def lambda_layer(folder: Path) -> None:
    code = base64.b64encode(pickle.dumps(Rude())).decode()
    function = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "x", "function": function}}
    with_network(folder, lambda config, _: config["config"]["layers"].append(layer))


@crafted("cnn")
def registered_object(folder: Path) -> None:
    with_network(folder, lambda config, _: config["config"]["layers"][7].update(registered_name="os>system"))


@crafted("cnn")
def activation_by_name_of_a_module(folder: Path) -> None:
    function = {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}
    with_network(folder, lambda config, _: config["config"]["layers"][7]["config"].update(activation=function))


@crafted("cnn")
def image_of_absurd_size(folder: Path) -> None:
    shape = [None, 10**6, 10**6, 3]
    with_network(folder, lambda config, _: config["config"]["layers"][0]["config"].update(batch_shape=shape))


@crafted("cnn")
def layer_of_absurd_size(folder: Path) -> None:
    with_network(folder, lambda config, _: config["config"]["layers"][7]["config"].update(units=2**40))


@crafted("cnn")
def million_layers(folder: Path) -> None:
    def repeat(config: dict[str, Any], _: dict[str, bytes]) -> None:
        config["config"]["layers"] *= 2_000

    with_network(folder, repeat)


@crafted("cnn")
def asset_outside_the_folder(folder: Path) -> None:
    with_network(folder, lambda _, contents: contents.update({f"assets/../../../{RAN}": b"x"}))


@crafted("cnn")
def compressed(folder: Path) -> None:
    contents = members(folder / "cnn.keras") | {"model.weights.h5": bytes(300_000_000)}
    pack(folder / "cnn.keras", contents, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    forge_checksums(folder)


def with_weights(folder: Path, change: Callable[[h5py.Group], None]) -> None:
    def edit(_: dict[str, Any], contents: dict[str, bytes]) -> None:
        file = io.BytesIO(contents["model.weights.h5"])
        with h5py.File(file, "r+") as weights:
            change(weights["layers/dense_1/vars"])
        contents["model.weights.h5"] = file.getvalue()

    with_network(folder, edit)


@crafted("cnn")
def weights_in_another_file(folder: Path) -> None:
    def link(group: h5py.Group) -> None:
        del group["0"]
        group["0"] = h5py.ExternalLink("/etc/hostname", "/layers/dense_1/vars/0")

    with_weights(folder, link)


@crafted("cnn")
def weights_from_the_bytes_of_another_file(folder: Path) -> None:
    def outside(group: h5py.Group) -> None:
        del group["0"]
        group.create_dataset("0", (128, 2), "<f4", external=[("/etc/passwd", 0, 1024)])

    with_weights(folder, outside)


@crafted("cnn")
def weights_put_together_from_other_files(folder: Path) -> None:
    def virtual(group: h5py.Group) -> None:
        del group["0"]
        layout = h5py.VirtualLayout((128, 2), "<f4")
        layout[:] = h5py.VirtualSource("/etc/hostname", "x", (128, 2))
        group.create_virtual_dataset("0", layout)

    with_weights(folder, virtual)


@crafted("cnn")
def weights_by_a_soft_link(folder: Path) -> None:
    def link(group: h5py.Group) -> None:
        del group["1"]
        group["1"] = h5py.SoftLink("/layers/dense_1/vars/0")

    with_weights(folder, link)


@crafted("cnn")
def weights_that_are_told_to_be_huge(folder: Path) -> None:
    def huge(group: h5py.Group) -> None:
        del group["0"]
        group.create_dataset("0", (2**20, 2**20), "<f4", chunks=(1024, 1024))

    with_weights(folder, huge)


def with_trees(folder: Path, change: Callable[[bytes], bytes]) -> None:
    path = folder / "xgboost.json"
    old = path.read_bytes()
    new = change(old)
    assert new != old
    path.write_bytes(new)
    forge_checksums(folder)


def with_values(folder: Path, name: str, place: int, value: Any) -> None:
    """Put `value` into an array of the first tree."""

    def change(content: bytes) -> bytes:
        trees = json.loads(content)
        trees["learner"]["gradient_booster"]["model"]["trees"][0][name][place] = value
        return json.dumps(trees).encode()

    with_trees(folder, change)


@crafted("xgboost")
def truncated(folder: Path) -> None:
    with_trees(folder, lambda content: content[: len(content) // 2])


@crafted("xgboost")
def more_trees_than_memory(folder: Path) -> None:
    with_trees(folder, lambda content: content.replace(b'"num_trees":"25"', b'"num_trees":"999999999"'))


@crafted("xgboost")
def negative_count(folder: Path) -> None:
    with_trees(folder, lambda content: content.replace(b'"num_nodes":"', b'"num_nodes":"-', 1))


@crafted("xgboost")
def endless_text(folder: Path) -> None:
    with_trees(folder, lambda content: content.replace(b'"num_feature":"', b'"num_feature":"' + b"9" * 1_000_000, 1))


@crafted("xgboost")
def endless_number(folder: Path) -> None:
    with_trees(folder, lambda content: content.replace(b'"id":0', b'"id":0' + b"9" * 1_000_000, 1))


@crafted("xgboost")
def endless_file(folder: Path) -> None:
    with_trees(folder, lambda content: content + b" " * 60_000_000)


@crafted("xgboost")
def nested_without_end(folder: Path) -> None:
    with_trees(folder, lambda _: b'{"a":' * 100_000)


@crafted("xgboost")
def nested_behind_brackets_in_texts(folder: Path) -> None:
    nested = b'["]",' * 900 + b"0" + b"]" * 900
    with_trees(folder, lambda content: content.replace(b'"attributes":{}', b'"attributes":' + nested))


@crafted("xgboost")
def number_that_xgboost_reads_as_another(folder: Path) -> None:
    with_trees(folder, lambda content: content.replace(b'"id":1,', b'"id":18446744073709551617,'))


@crafted("xgboost")
def part_that_is_given_twice(folder: Path) -> None:
    with_trees(folder, lambda content: content.replace(b'"left_children"', b'"left_children":[9],"left_children"', 1))


@crafted("xgboost")
def part_by_an_escaped_name(folder: Path) -> None:
    with_trees(folder, lambda content: content.replace(b'"left_children"', b'"lef\\u0074_children"', 1))


@crafted("xgboost")
def letters_of_two_bytes(folder: Path) -> None:
    with_trees(folder, lambda content: content.decode().encode("utf-16"))


@crafted("xgboost")
def beginning_of_a_binary_file(folder: Path) -> None:
    with_trees(folder, lambda content: b"{L" + content[1:])


@crafted("xgboost")
def more_behind_the_end(folder: Path) -> None:
    with_trees(folder, lambda content: content + b"{}")


@crafted("xgboost")
def another_objective(folder: Path) -> None:
    with_trees(folder, lambda content: content.replace(b'"binary:logistic"', b'"reg:squarederror"'))


@crafted("xgboost")
def another_number_of_features(folder: Path) -> None:
    with_trees(folder, lambda content: content.replace(b'"24"', b'"99"'))


@crafted("xgboost")
def number_that_is_none(folder: Path) -> None:
    with_values(folder, "split_conditions", 0, float("nan"))


@crafted("xgboost")
def number_without_bounds(folder: Path) -> None:
    with_values(folder, "split_conditions", 0, float("inf"))


@crafted("xgboost")
def child_that_is_a_truth_value(folder: Path) -> None:
    with_values(folder, "left_children", 0, True)


@crafted("xgboost")
def child_that_is_a_fraction(folder: Path) -> None:
    with_values(folder, "left_children", 0, 1.0)


@crafted("xgboost")
def child_that_is_its_own_parent(folder: Path) -> None:
    with_values(folder, "left_children", 0, 0)


@crafted("xgboost")
def child_outside_the_tree(folder: Path) -> None:
    with_values(folder, "left_children", 0, 2**30)


@crafted("xgboost")
def parent_outside_the_tree(folder: Path) -> None:
    with_values(folder, "parents", 1, 2**30)


@crafted("xgboost")
def feature_outside_the_recording(folder: Path) -> None:
    with_values(folder, "split_indices", 0, 2**30)


@crafted("xgboost")
def trees_of_an_earlier_version(folder: Path) -> None:
    (folder / "xgboost.json").rename(folder / "xgboost.ubj")
    forge_checksums(folder)


def with_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | changes))


def with_mfcc(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / "model.json").read_text())
    with_card(folder, mfcc=card["mfcc"] | changes)


@crafted("majority")
def file_above_the_folder(folder: Path) -> None:
    (folder.parent / "secret").write_text("x")
    with_card(folder, files={"../secret": "0" * 64})


@crafted("majority")
def file_anywhere(folder: Path) -> None:
    with_card(folder, files={"/etc/passwd": "0" * 64})


@crafted("majority")
def link_out_of_the_folder(folder: Path) -> None:
    (folder / "majority.json").rename(folder.parent / "elsewhere.json")
    (folder / "majority.json").symlink_to(folder.parent / "elsewhere.json")


@crafted("majority")
def folder_that_is_a_link(folder: Path) -> None:
    (folder / "more").symlink_to("/", target_is_directory=True)


@crafted("majority")
def card_that_is_a_link(folder: Path) -> None:
    (folder / "model.json").unlink()
    (folder / "model.json").symlink_to("/etc/hostname")


@crafted("majority")
def pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


@crafted("majority")
def card_nested_without_end(folder: Path) -> None:
    (folder / "model.json").write_text("[" * 200_000)


@crafted("majority")
def card_of_a_gigabyte(folder: Path) -> None:
    with (folder / "model.json").open("wb") as file:
        file.truncate(2**30)


@crafted("majority")
def classes_that_are_no_texts(folder: Path) -> None:
    with_card(folder, classes=[1, 2])


@crafted("majority")
def classes_alike(folder: Path) -> None:
    with_card(folder, classes=["female", "female"])


@crafted("majority")
def one_class_more(folder: Path) -> None:
    with_card(folder, classes=["female", "male", "other"])


MFCCS: dict[str, Any] = {
    "clip_s": (1e9, float("nan"), float("inf"), -1, "1", True, 1e-300),
    "sample_rate_hz": (10**9, 0, 48000.5, 10**30),
    "n_mels": (10**9, 0),
    "n_coefficients": (10**6,),
    "hop_s": (1e-12, float("nan")),
    "window_s": (500.0, float("nan")),
    "lifter_start": (10**400,),
    "pre_emphasis": ("0.97", float("nan")),
    "range_db": ([], float("nan")),
    "recipe": ({}, "x", None),
    "log": (["natural"],),
    "energy_first": ("yes",),
    "nothing_of_ours": (1,),
}
"""Values of a card's ``mfcc`` that cannot be."""


def _with(name: str, value: Any) -> Craft:
    return lambda folder: with_mfcc(folder, **{name: value})


for _name, _values in MFCCS.items():
    for _value in _values:
        CRAFTED["majority"][f"{_name} {_value!r:.20}"] = _with(_name, _value)
