"""Unpack a zip archive that nobody has looked at yet: inside its folder, in bounded size, every checksum compared.

The whole list of members is judged before the first byte is written; zipfile compares each member with what the list
claims. Memory does not depend on the archive's size: its list is at most `MOST_LIST_BYTES`.
"""

from __future__ import annotations

import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from features.corpora.recordings import CorpusError, offenders

MOST_MEMBERS, MOST_LIST_BYTES = 35_000, 16_000_000
MOST_BYTES, MOST_MEMBER_BYTES = 3_000_000_000, 5_000_000
"""Of all members that are unpacked, together; of each."""
DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)
"""What zipfile raises on an archive that is not whole."""

_END = struct.Struct("<4s4H2LH")  # zip's end record: disks, numbers of members, size and place of their list, comment
_ZIP64_LOCATOR_BYTES = 20

OnProgress = Callable[[int, int], None]


class NoRoomError(CorpusError):
    """The disk is too full; the archive is not to blame."""


def unpack(
    archive: Path,
    folder: Path,
    *,
    only: Sequence[str],
    commit: str,
    on_member: OnProgress = lambda done, total: None,
) -> Path:
    """Write members of `archive` into `folder`, and return the one folder there that they all lie in.

    `folder` must not hold anything yet. On an error it may be left half full.

    Parameters
    ----------
    only
        What to unpack: names of folders and files right below the archive's one folder.
    commit
        Full name of a commit; git writes that of an archive into its comment, and another one is refused.
    on_member
        Called after each member with the number of those done and of all to be unpacked.

    Raises
    ------
    CorpusError
        The archive is damaged, leads outside `folder`, is too large or of another commit; or the disk has no room.
    """
    _check_list(archive)
    try:
        opened = zipfile.ZipFile(archive)
    except DAMAGES as error:
        raise CorpusError(f"{archive.name}: no whole zip archive ({error})") from error
    with opened:
        _check_commit(opened, commit)
        top, members = _choose(opened, archive, only)
        check_room(folder, sum(member.file_size for member in members))
        for done, member in enumerate(members, start=1):
            try:
                opened.extract(member, folder)
            except DAMAGES as error:
                raise CorpusError(f"{archive.name}: member {member.filename!r} is damaged ({error})") from error
            on_member(done, len(members))
    return folder / top


def check_room(folder: Path, n_bytes: int) -> None:
    """Raise NoRoomError where the disk of `folder`, which need not exist yet, has less room than `n_bytes`."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < n_bytes:
        raise NoRoomError(
            f"{folder}: {n_bytes / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free; make room or give a folder elsewhere"
        )


def _check_list(archive: Path) -> None:
    """Look at the end record before zipfile reads the list that it speaks of into memory, as large as it may be.

    Zip64 is for larger archives than are expected, and its record would override the one that is looked at here.
    """
    with archive.open("rb") as file:
        file.seek(max(0, archive.stat().st_size - _END.size - 65_535 - _ZIP64_LOCATOR_BYTES))
        before, mark, record = file.read().rpartition(b"PK\5\6")
    if not mark or len(mark + record) < _END.size:
        raise CorpusError(f"{archive.name}: no whole zip archive (it has no end record)")
    if b"PK\6\7" in before[-_ZIP64_LOCATOR_BYTES:]:
        raise CorpusError(f"{archive.name}: a zip64 archive, which only a larger one than expected needs to be")
    n_members, list_bytes = _END.unpack_from(mark + record)[4:6]
    if n_members > MOST_MEMBERS or list_bytes > MOST_LIST_BYTES:
        listed, most = f"{n_members} members listed in {list_bytes} bytes", f"{MOST_MEMBERS} in {MOST_LIST_BYTES}"
        raise CorpusError(f"{archive.name}: {listed}, expected at most {most}")


def _check_commit(opened: zipfile.ZipFile, commit: str) -> None:
    """Compare the commit that the comment names; an archive that git did not make has no such comment."""
    named = opened.comment.decode("ascii", errors="replace")
    if re.fullmatch("[0-9a-f]{40}", named) and named != commit:
        raise CorpusError(f"the archive was made from commit {named}, expected {commit}; check the address")


def _choose(opened: zipfile.ZipFile, archive: Path, only: Sequence[str]) -> tuple[str, list[zipfile.ZipInfo]]:
    """Judge the list; return the folder that all members lie in, and those to unpack."""
    members = opened.infolist()
    _refuse(archive, "lead outside the folder", [m for m in members if not _stays_inside(m.filename)])
    parts = [PurePosixPath(member.filename).parts for member in members]
    tops = sorted({names[0] for names in parts})
    if len(tops) > 1:
        raise CorpusError(f"{archive.name}: expected one folder, got {offenders(tops)}")
    chosen = [m for m, names in zip(members, parts, strict=True) if not m.is_dir() and names[1:2] and names[1] in only]
    _check_sizes(archive, members, chosen)
    kinds = (0, stat.S_IFREG)
    _refuse(archive, "are links or devices", [m for m in chosen if stat.S_IFMT(m.external_attr >> 16) not in kinds])
    _refuse(archive, "are encrypted or packed by another method", [m for m in chosen if not _is_readable(m)])
    times = Counter(member.filename.casefold() for member in chosen)
    _refuse(archive, "occur twice", [m for m in chosen if times[m.filename.casefold()] > 1])
    return "".join(tops), chosen


def _refuse(archive: Path, what: str, members: Sequence[zipfile.ZipInfo]) -> None:
    if members:
        names = offenders(member.filename for member in members)
        raise CorpusError(f"{archive.name}: unpacks nothing, since members {what}: {names}")


def _stays_inside(name: str) -> bool:
    """Tell whether a member's name means a place below the folder, on any system."""
    parts = name.removesuffix("/").split("/")
    strange = any(character in "\\:" or ord(character) < 32 for character in name)
    return not strange and all(part.strip(" .") for part in parts)


def _check_sizes(archive: Path, members: Sequence[zipfile.ZipInfo], chosen: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse too many members, too large ones, and overlapping ones: packed, all together exceed the archive."""
    packed, there = sum(member.compress_size for member in members), archive.stat().st_size
    if len(members) > MOST_MEMBERS or packed > there:
        told = f"{len(members)} members of {packed} packed bytes"
        raise CorpusError(f"{archive.name}: {told}, expected at most {MOST_MEMBERS} of {there}")
    total = sum(member.file_size for member in chosen)
    if total > MOST_BYTES:
        raise CorpusError(f"{archive.name}: would unpack to {total} bytes, expected at most {MOST_BYTES}")
    large = [member for member in chosen if member.file_size > MOST_MEMBER_BYTES]
    _refuse(archive, f"are larger than {MOST_MEMBER_BYTES} bytes", large)


def _is_readable(member: zipfile.ZipInfo) -> bool:
    return not member.flag_bits & 0x1 and member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
