"""Unpacking archives that lie: leading elsewhere, growing, damaged. Members are checked against their own bytes."""

import io
import random
import stat
import struct
import zipfile

import pytest

from features.corpora.download import zip_archive
from features.corpora.download.audiomnist import COMMIT
from features.corpora.download.zip_archive import NoRoomError, check_room, unpack
from features.corpora.recordings import CorpusError
from tests.features.contents import contents
from tests.features.corpora.download.archive_server import zipped

GOOD = {
    "data/01/a.wav": random.Random(1).randbytes(150_000),
    "data/meta.txt": b"{}",
    "other/x": b"x",
    "LICENSE": b"MIT",
}


class Case:
    def __init__(self, folder):
        self.archive, self.outside, self.folder = folder / "a.zip", folder, folder / "in" / "to"

    def unpack(self, content, *, only=("data", "LICENSE"), **options):
        self.archive.write_bytes(content)
        return contents(unpack(self.archive, self.folder, only=only, commit=COMMIT, **options))

    def refused(self, content, message):
        """Nothing is written at all: the list of members is judged first."""
        with pytest.raises(CorpusError, match=message):
            self.unpack(content)
        assert list(self.outside.iterdir()) == [self.archive]


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def packed(*members, comment=b""):
    """Pack (ZipInfo or name, content) pairs as they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
        archive.comment = comment
    return file.getvalue()


def of_kind(kind, name="top/data/x"):
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = (kind | 0o777) << 16
    return member


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_is_asked_for_is_unpacked_without_its_one_folder(case, method):
    wanted = {name: content for name, content in GOOD.items() if name != "other/x"}
    assert case.unpack(zipped(GOOD, method=method)) == wanted


def test_folders_as_members_are_passed_over(case):
    assert case.unpack(packed(("top/", b""), ("top/data/", b""), ("top/data/x", b"1"))) == {"data/x": b"1"}


@pytest.mark.parametrize(
    "name",
    [
        "top/data/../../../x",
        "../x",
        "/etc/x",
        "//host/x",
        "top//data/x",
        "top/data/./x",
        "C:/x",
        "top/data/C:x",
        "top\\..\\..\\x",
        "top/data/..\\x",
        "top/data/a\nb",
        "top/data/.. /x",
        "top/data/.../x",
        "..",
        "top/../x",
    ],
)
def test_names_that_lead_elsewhere_are_refused(case, name):
    case.refused(packed(("top/data/a", b"fine"), (zipfile.ZipInfo(name), b"bad")), "lead outside the folder")


def test_a_name_that_zipfile_would_cut_is_refused_or_cut(case):
    """zipfile ends names at a NUL; what is left is judged like any name."""
    archive = packed((zipfile.ZipInfo("top/data/aXb"), b"1")).replace(b"top/data/aXb", b"top/data/a\0b")
    try:
        assert case.unpack(archive) == {"data/a": b"1"}
    except CorpusError:
        assert not case.folder.exists() or contents(case.folder) == {}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(case, kind):
    case.refused(packed(("top/data/a", b"1"), (of_kind(kind), b"/etc/passwd")), "are links or devices")


def test_a_link_that_is_not_unpacked_does_no_harm(case):
    archive = packed(("top/data/a", b"1"), (of_kind(stat.S_IFLNK, "top/models/link"), b"/etc/passwd"))
    assert case.unpack(archive) == {"data/a": b"1"}


def test_more_than_one_folder_is_refused(case):
    case.refused(packed(("top/data/a", b"1"), ("other/data/b", b"1")), "expected one folder, got 'other', 'top'")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["top/data/a", "top/data/A"])
def test_a_member_that_occurs_twice_is_refused(case, second):
    case.refused(packed(("top/data/a", b"1"), (second, b"2")), "occur twice: 'top/data/a', 'top/data/[aA]'")


def test_a_file_that_is_also_a_folder_is_no_traceback(case):
    with pytest.raises(OSError):
        case.unpack(packed(("top/data/a", b"1"), ("top/data/a/b", b"2")))


def test_a_bomb_of_one_member_is_refused(case):
    bomb = packed(("top/data/a.wav", bytes(50_000_000)))
    assert len(bomb) < 60_000
    case.refused(bomb, r"larger than 5000000 bytes: 'top/data/a\.wav'")


def test_a_large_file_that_is_not_unpacked_does_no_harm(case):
    archive = packed(("top/data/a", b"1"), ("top/models/weights", bytes(6_000_000)))
    assert case.unpack(archive) == {"data/a": b"1"}


def test_a_bomb_of_many_members_is_refused(case, monkeypatch):
    monkeypatch.setattr(zip_archive, "MOST_BYTES", 10_000_000)
    bomb = packed(*((f"top/data/{number}", bytes(65_000)) for number in range(300)))
    case.refused(bomb, "would unpack to 19500000 bytes, expected at most 10000000")


def test_a_bomb_of_overlapping_members_is_refused(case):
    """Many entries of the list that all point to one member's data, as in the bombs of David Fifield."""
    content = random.Random(2).randbytes(60_000)
    whole = packed(("top/data/0", content))
    start = whole.index(b"PK\1\2")
    entry = whole[start : whole.index(b"PK\5\6")]
    entries = b"".join(entry.replace(b"top/data/0", b"top/data/%d" % digit) for digit in range(10))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 10, 10, len(entries), start, 0)
    case.refused(
        whole[:start] + entries + end, r"10 members of 600\d\d\d packed bytes, expected at most 35000 of 60\d\d\d$"
    )


@pytest.mark.parametrize(("limit", "most"), [("MOST_MEMBERS", 49), ("MOST_LIST_BYTES", 1_000)])
def test_too_many_members_are_refused(case, monkeypatch, limit, most):
    monkeypatch.setattr(zip_archive, limit, most)
    many = packed(*((f"top/data/{number}", b"") for number in range(50)))
    case.refused(many, rf"50 members listed in \d+ bytes, expected at most .*\b{most}\b")


def test_a_list_that_is_counted_too_low_is_counted_again(case, monkeypatch):
    """The end record's number is not what zipfile goes by."""
    many = packed(*((f"top/data/{number}", b"") for number in range(50)))
    end = many.index(b"PK\5\6")
    lying = many[: end + 8] + struct.pack("<2H", 3, 3) + many[end + 12 :]
    monkeypatch.setattr(zip_archive, "MOST_MEMBERS", 49)
    case.refused(lying, "50 members of 100 packed bytes, expected at most 49")


def test_zip64_is_refused(case):
    """Its record would override the size of the list that was judged."""
    whole = zipped(GOOD, comment="")
    end = whole.index(b"PK\5\6")
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 4, 4, 1, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    case.refused(whole[:end] + record + locator + whole[end:], "zip64")


def test_more_data_than_the_list_says_is_not_written(case):
    """A member that claims 100 bytes and holds 150,000: its checksum is that of 150,000, so it is damaged."""
    whole = zipped(GOOD)
    place = whole.index(b"PK\1\2")
    lying = whole[: place + 24] + struct.pack("<L", 100) + whole[place + 28 :]
    with pytest.raises(CorpusError, match=r"'.*data/01/a\.wav' is damaged"):
        case.unpack(lying, only=("data",))
    assert all(len(content) <= 100 for content in contents(case.folder).values())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_changed_byte_is_found(case, method):
    whole = bytearray(zipped(GOOD, method=method))
    whole[60_000] ^= 1
    with pytest.raises(CorpusError, match=r"member '.*a\.wav' is damaged"):
        case.unpack(whole, only=("data",))


def test_an_archive_cut_anywhere_is_refused(case):
    whole = zipped(GOOD)
    for n_bytes in (0, 3, 21, 22, 1_000, len(whole) // 2, len(whole) - 63, len(whole) - 41):
        case.refused(whole[:n_bytes], "no whole zip archive")


def test_a_member_whose_own_header_is_no_text_is_damaged(case):
    """Found by damaging archives at random: zipfile decodes this name only when it opens the member."""
    whole = zipped({"data/x": b"1"})
    lying = bytearray(whole)
    lying[7] |= 0x08  # this name is UTF-8, says the member's own header
    lying[30] = 0xA5
    with pytest.raises(CorpusError, match=r"data/x' is damaged \('utf-8' codec"):
        case.unpack(lying, only=("data",))


def test_any_damage_gives_the_true_bytes_or_a_refusal(case, tmp_path):
    """Seeded damage of every kind, anywhere: one's own error or OSError, or what was packed; never other bytes."""
    whole = zipped({**GOOD, "data/01/a.wav": GOOD["data/01/a.wav"][:3_000]})
    true = [GOOD["data/01/a.wav"][:3_000], b"{}", b"MIT"]
    rng, outcomes = random.Random(3), {"refused": 0, "unpacked": 0}
    for number in range(400):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        case.archive.write_bytes(damaged)
        folder = tmp_path / f"damaged{number}"
        try:
            unpack(case.archive, folder, only=("data", "LICENSE"), commit=COMMIT)
        except (CorpusError, OSError):
            outcomes["refused"] += 1
        else:
            outcomes["unpacked"] += 1
            assert all(content in true for content in contents(folder).values())
    assert outcomes["refused"] > 300 and outcomes["unpacked"] > 5, outcomes


@pytest.mark.parametrize("content", [b"", b"no archive" * 10, b"PK\3\4" + bytes(100), b"PK\5\6", bytes(10**6)])
def test_what_is_no_archive_is_refused(case, content):
    case.refused(content, "no whole zip archive")


def test_an_encrypted_member_is_refused(case):
    whole = bytearray(zipped({"data/x": b"1"}))
    place = whole.index(b"PK\1\2")
    whole[place + 8] |= 1
    case.refused(bytes(whole), "encrypted or packed by another method")


def test_another_packing_is_refused(case):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("top/data/x", b"1")
    case.refused(file.getvalue(), "encrypted or packed by another method")


def test_too_little_room_is_said_before_anything_is_written(case, monkeypatch):
    usage = type("Usage", (), {"free": 100_000})
    monkeypatch.setattr(zip_archive.shutil, "disk_usage", lambda path: usage)
    case.refused(zipped(GOOD), r"0\.0 GB needed, 0\.0 GB free; make room")


def test_room_is_that_of_the_real_disk(tmp_path):
    check_room(tmp_path / "not" / "there", 1)
    with pytest.raises(NoRoomError, match=r"1000000000000\.0 GB needed"):
        check_room(tmp_path, 10**21)


def test_progress_counts_members(case):
    seen = []
    case.unpack(zipped(GOOD), only=("data",), on_member=lambda *counts: seen.append(counts))
    assert seen == [(1, 2), (2, 2)]


def test_limits_fit_audiomnist_and_little_more():
    """60 speakers x 500 recordings, at most 0.96 s at 48 kHz in those known, besides some 50 other files."""
    assert zip_archive.MOST_MEMBERS > 30_050
    assert zip_archive.MOST_BYTES > 30_000 * 0.96 * 48_000 * 2
    assert zip_archive.MOST_MEMBER_BYTES > 48_000 * 2 * 5
    assert zip_archive.MOST_LIST_BYTES > 30_050 * (46 + len("AudioMNIST-" + "0" * 40 + "/data/01/0_01_10.wav") + 50)
    assert zip_archive.MOST_MEMBERS < 2**16 and zip_archive.MOST_BYTES < 2**32, "so that no zip64 archive is needed"
