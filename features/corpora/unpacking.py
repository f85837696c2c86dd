"""Unpack a zip archive that nobody has looked at yet: inside its folder, in bounded size, every checksum compared.

The whole list of members is judged before the first byte is written. Links, devices, encrypted members and names that
lead elsewhere on any system are refused; so is a list that claims more than the limits, and a member that is not what
the list claims (its CRC differs, or it ends early). Memory does not depend on the archive's size: its list is at most
``Limits.list_bytes``, members are copied in small pieces.
"""

from __future__ import annotations

import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from features.corpora.recordings import CorpusError, offenders

COPY_BYTES = 65_536
_END = struct.Struct("<4s4H2LH")  # zip's end record: disks, numbers of members, size and place of their list, comment
_ZIP64_LOCATOR_BYTES = 20

OnProgress = Callable[[int, int], None]


class NoRoomError(CorpusError):
    """The disk is too full; the archive is not to blame."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that an archive may unpack to.

    Attributes
    ----------
    n_members
        Members of the archive.
    total_bytes, member_bytes
        Unpacked, all together and each.
    ratio
        Unpacked bytes per packed byte of a member that is larger than `small_bytes`. Recordings reach about 5.
    list_bytes
        Size of the archive's own list of members, which is read into memory.
    """

    n_members: int = 35_000
    total_bytes: int = 3_000_000_000
    member_bytes: int = 5_000_000
    ratio: int = 100
    small_bytes: int = 65_536
    list_bytes: int = 16_000_000


def unpack(
    archive: Path,
    folder: Path,
    *,
    only: Sequence[str],
    limits: Limits | None = None,
    on_member: OnProgress = lambda done, total: None,
) -> None:
    """Write members of `archive` into `folder`, without the one folder that they all lie in.

    Parameters
    ----------
    folder
        Must not hold anything yet. On an error it may be left half full: rename it only after this has returned.
    only
        What to unpack: names of folders and files right below the archive's one folder.
    on_member
        Called after each member with the number of those done and of all to be unpacked.

    Raises
    ------
    CorpusError
        The archive is damaged, leads outside `folder`, or is larger than `limits`; or the disk has no room for it.
    """
    limits = limits or Limits()
    with _opened(archive, limits) as opened:
        chosen = _chosen(opened, archive, only, limits)
        check_room(folder, sum(member.file_size for member, _ in chosen))
        for done, (member, inside) in enumerate(chosen, start=1):
            _write(opened, member, folder / inside)
            on_member(done, len(chosen))


def archive_comment(archive: Path) -> str:
    """Return the archive's comment: git writes the commit that it was made from.

    Raises
    ------
    CorpusError
        It is no zip archive.
    """
    with _opened(archive, Limits()) as opened:
        return opened.comment.decode("ascii", errors="replace")


def check_room(folder: Path, n_bytes: int) -> None:
    """Raise NoRoomError where the disk of `folder`, which need not exist yet, has less room than `n_bytes`."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < n_bytes:
        raise NoRoomError(
            f"{folder}: {n_bytes / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free; make room or give a folder elsewhere"
        )


def _opened(archive: Path, limits: Limits) -> zipfile.ZipFile:
    _check_list_is_small(archive, limits)
    try:
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, ValueError, EOFError) as error:
        raise CorpusError(f"{archive.name}: no whole zip archive ({error})") from error


def _check_list_is_small(archive: Path, limits: Limits) -> None:
    """Look at the end record before zipfile reads the list that it speaks of into memory, as large as it may be.

    Zip64 is refused: it is for larger archives than `limits` allows, and its record would override the one that is
    looked at here.
    """
    with archive.open("rb") as file:
        n_bytes = file.seek(0, 2)
        file.seek(max(0, n_bytes - _END.size - 65_535 - _ZIP64_LOCATOR_BYTES))
        tail = file.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) - place < _END.size:
        raise CorpusError(f"{archive.name}: no whole zip archive (it has no end record)")
    n_members, list_bytes = _END.unpack_from(tail, place)[4:6]
    if b"PK\6\7" in tail[max(0, place - _ZIP64_LOCATOR_BYTES) : place]:
        raise CorpusError(f"{archive.name}: a zip64 archive, which only a larger one than expected needs to be")
    if n_members > limits.n_members or list_bytes > limits.list_bytes:
        raise CorpusError(
            f"{archive.name}: {n_members} members listed in {list_bytes} bytes, expected at most {limits.n_members} "
            f"in {limits.list_bytes}"
        )


def _chosen(
    opened: zipfile.ZipFile, archive: Path, only: Sequence[str], limits: Limits
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Judge every member, and return those to unpack with their place in the folder."""
    members = opened.infolist()
    _refuse(archive, "lead outside the folder", [m.filename for m in members if not _stays_inside(m.filename)])
    tops = {PurePosixPath(member.filename).parts[0] for member in members}
    if len(tops) > 1:
        raise CorpusError(f"{archive.name}: expected one folder, got {offenders(sorted(tops))}")
    _check_number(archive, members, limits)
    files = [member for member in members if not member.is_dir()]
    placed = [(member, PurePosixPath(*PurePosixPath(member.filename).parts[1:])) for member in files]
    chosen = [(member, inside) for member, inside in placed if inside.parts[:1] and inside.parts[0] in only]
    _check_sizes(archive, [member for member, _ in chosen], limits)
    _refuse(archive, "are links or devices", [m.filename for m, _ in chosen if not _is_plain(m)])
    _refuse(
        archive, "are encrypted or packed by another method", [m.filename for m, _ in chosen if not _is_readable(m)]
    )
    times = Counter(str(inside).casefold() for _, inside in chosen)
    _refuse(archive, "occur twice", sorted(name for name, count in times.items() if count > 1))
    return chosen


def _stays_inside(name: str) -> bool:
    """Tell whether a member's name means a place below the folder, on any system."""
    parts = name.removesuffix("/").split("/")
    strange = any(character in "\\:" or ord(character) < 32 for character in name)
    return not strange and all(part.strip(" .") for part in parts)


def _check_number(archive: Path, members: Sequence[zipfile.ZipInfo], limits: Limits) -> None:
    """Refuse too many members, and members that overlap: all of them packed are larger than the archive."""
    packed, there = sum(member.compress_size for member in members), archive.stat().st_size
    if len(members) > limits.n_members or packed > there:
        raise CorpusError(
            f"{archive.name}: {len(members)} members of {packed} packed bytes, expected at most {limits.n_members} of "
            f"{there}"
        )


def _check_sizes(archive: Path, chosen: Sequence[zipfile.ZipInfo], limits: Limits) -> None:
    total = sum(member.file_size for member in chosen)
    if total > limits.total_bytes:
        raise CorpusError(f"{archive.name}: would unpack to {total} bytes, expected at most {limits.total_bytes}")
    large = [
        member.filename
        for member in chosen
        if member.file_size > limits.member_bytes
        or (member.file_size > limits.small_bytes and member.file_size > limits.ratio * member.compress_size)
    ]
    _refuse(archive, f"are larger than {limits.member_bytes} bytes, or {limits.ratio} times larger than packed", large)


def _refuse(archive: Path, what: str, names: Sequence[str]) -> None:
    if names:
        raise CorpusError(f"{archive.name}: unpacks nothing, since members {what}: {offenders(names)}")


def _is_plain(member: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind in (0, stat.S_IFREG)


def _is_readable(member: zipfile.ZipInfo) -> bool:
    return not member.flag_bits & 0x1 and member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with opened.open(member) as packed, path.open("xb") as file:
            shutil.copyfileobj(packed, file, COPY_BYTES)
            written = file.tell()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise CorpusError(
            f"{Path(str(opened.filename)).name}: member {member.filename!r} is damaged ({error})"
        ) from error
    if written != member.file_size:
        raise CorpusError(f"member {member.filename!r}: {written} bytes unpacked, the archive says {member.file_size}")
