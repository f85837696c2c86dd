"""Write MFC images of the recordings that most models got wrong, once the summary names them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from features.cache import Features
from features.images import levels_to_rgb, viridis_levels
from reports.files import remove_abandoned, replacing
from reports.hardest import example_name


def write_examples(folder: Path, recording_ids: Iterable[str], features: Features) -> None:
    """Write ``folder/<recording>.png`` for each recording, coefficient 0 on top; remove those of former runs."""
    folder.mkdir(exist_ok=True)
    remove_abandoned(folder)
    old = set(folder.glob("*.png"))
    row_of = {recording: row for row, recording in enumerate(features.index["recording_id"])}
    for recording in recording_ids:
        row = row_of[recording]
        if features.images is not None:
            rgb = np.asarray(features.images[row])
        else:
            rgb = levels_to_rgb(viridis_levels(np.asarray(features.values[row])))
        path = folder / f"{example_name(recording)}.png"
        with replacing(path) as temporary:
            Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 0, 2))).save(temporary, format="PNG")
        old.discard(path)
    for path in old:
        path.unlink()
