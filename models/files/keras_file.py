"""The file of the convolutional network, checked before Keras reads it.

Keras' safe mode refuses code, but builds whatever layers a file describes, of any size, and follows what an HDF5 file
says of other files. Checked are therefore: which layers stand there, in which order, with the one set of settings that
`models.cnn` gives them; and that the weights are plain arrays inside the file, of the sizes that follow.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from models.files.archives import parts_of, read_description
from models.protocol import ModelFileError

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_LAYERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("InputLayer", {}),
    ("Rescaling", {"scale": 1 / 255, "offset": 0.0}),
    ("Conv2D", {"filters": 32, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "relu"}),
    ("MaxPooling2D", {"pool_size": [2, 2], "strides": [2, 2]}),
    ("Conv2D", {"filters": 64, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "relu"}),
    ("MaxPooling2D", {"pool_size": [2, 2], "strides": [2, 2]}),
    ("Flatten", {}),
    ("Dense", {"units": 128, "activation": "relu"}),
    ("Dense", {"activation": "softmax"}),
)
_ALWAYS = {"data_format": "channels_last", "dilation_rate": [1, 1], "groups": 1, "use_bias": True, "rank": 2}
"""Settings that a layer has as they are here, if it has them."""

_KNOWN_CLASSES = frozenset(
    {"keras.Sequential", "keras.DTypePolicy", "keras.initializers.GlorotUniform", "keras.initializers.Zeros"}
    | {f"keras.layers.{layer}" for layer, _ in _LAYERS}
)


def check_network(path: Path) -> tuple[tuple[int, ...], int]:
    """Check a Keras file; return the shape of its images and its number of classes.

    Raises
    ------
    ModelFileError
        It is not what `models.cnn` saves.
    """
    config = read_description(path, _CONFIG, r"metadata\.json|model\.weights\.h5")
    unknown = sorted({name for name in _class_names(config)} - _KNOWN_CLASSES)
    if unknown:
        raise ModelFileError(f"{path.name}: has parts that this network does not have: {', '.join(unknown[:5])}")
    try:
        image_shape, n_classes = _shapes(config)
        with zipfile.ZipFile(path) as archive:
            _check_weights(archive.read(_WEIGHTS), _expected(image_shape, n_classes))
    except (LookupError, TypeError, ValueError, OSError, RuntimeError) as error:
        raise ModelFileError(f"{path.name}: not this network ({' '.join(str(error).split())})") from error
    return image_shape, n_classes


def _class_names(config: Any) -> Iterator[str]:
    """Yield the full name of every part, and what else a description could be made of by name."""
    for part in parts_of(config):
        if "class_name" in part:
            yield f"{part.get('module')}.{part['class_name']}"
        if part.get("registered_name") not in (None, part.get("class_name")):
            yield f"registered as {part['registered_name']}"


def _shapes(config: Any) -> tuple[tuple[int, ...], int]:
    """Return the shape of the images and the number of classes that the layers are described for."""
    layers = config["config"]["layers"]
    names = [layer["class_name"] for layer in layers]
    if config["class_name"] != "Sequential" or names != [name for name, _ in _LAYERS]:
        raise ValueError(f"its layers are {', '.join(map(str, names))[:200]}")
    for layer, (name, settings) in zip(layers, _LAYERS, strict=True):
        own = layer["config"]
        wanted = settings | {key: value for key, value in _ALWAYS.items() if key in own}
        other = sorted(key for key, value in wanted.items() if own[key] != value)
        if other:
            raise ValueError(f"{name} has another {', '.join(other)}")
    shape = layers[0]["config"]["batch_shape"]
    sizes = [*shape[1:], layers[-1]["config"]["units"]]
    if len(shape) != 4 or shape[0] is not None or any(type(size) is not int or size < 1 for size in sizes):
        raise ValueError(f"images of shape {shape}"[:200])
    return tuple(shape[1:]), sizes[-1]


def _expected(image_shape: tuple[int, ...], n_classes: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight, by its place in the file."""
    height, width, channels = image_shape
    n_flat = (height // 2 // 2) * (width // 2 // 2) * 64
    shapes = {
        "conv2d": [(3, 3, channels, 32), (32,)],
        "conv2d_1": [(3, 3, 32, 64), (64,)],
        "dense": [(n_flat, 128), (128,)],
        "dense_1": [(128, n_classes), (n_classes,)],
    }
    return {f"layers/{layer}/vars/{place}": shape for layer, two in shapes.items() for place, shape in enumerate(two)}


def _check_weights(content: bytes, expected: dict[str, tuple[int, ...]]) -> None:
    """Check that an HDF5 file holds these arrays as plain float32, nothing else, and no way out of the file."""
    n_bytes = 4 * sum(math.prod(shape) for shape in expected.values())
    if n_bytes > len(content):
        raise ValueError(f"{n_bytes:,} bytes of weights described, the file has {len(content):,}")
    with h5py.File(io.BytesIO(content), "r") as file:
        shapes = dict(_arrays(file))
    if shapes != expected:
        differing = sorted(shapes.items() ^ expected.items())
        raise ValueError(f"weights {differing[0][0]} are not of the shape described")


def _arrays(file: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the place and shape of every array; refuse links, and arrays that lie elsewhere or are packed."""
    waiting, n_seen = [("", file)], 0
    while waiting:
        above, group = waiting.pop()
        for name in group:
            n_seen += 1
            place = f"{above}{name}"
            if n_seen > 100 or type(group.get(name, getlink=True)) is not h5py.HardLink:
                raise ValueError(f"weights '{place}' is a link, or one of too many")
            member = group[name]
            if isinstance(member, h5py.Group):
                waiting.append((f"{place}/", member))
                continue
            plain = isinstance(member, h5py.Dataset) and member.dtype.str == "<f4" and not member.is_virtual
            if not plain or member.external or member.chunks or member.id.get_storage_size() != member.nbytes:
                raise ValueError(f"weights '{place}' are no plain array in this file")
            yield place, member.shape
