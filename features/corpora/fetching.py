"""Bring one file over HTTP to disk, and go on where an earlier try or process stopped.

What has arrived lies beside the target as ``<target>.part``, what the server said of the whole file in
``<target>.part.json``. Going on needs a server that knows ranges and names this version of the file (a strong ETag):
it is asked for the rest of just that version (RFC 9110, 13.1.5 and 14.2). Any other answer than that rest means
starting anew. Only https is spoken, and http with this machine itself where the first address is of that kind. No
credentials are sent; proxies of the environment are used.
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3

from features.corpora.recordings import CorpusError

CHUNK_BYTES = 16_384
MOST_REDIRECTS = 5
BUSY = (408, 429, 500, 502, 503, 504)
MOVED = (301, 302, 303, 307, 308)

OnProgress = Callable[[int, int], None]


class _TryAgainError(Exception):
    """One try did not bring the whole file, another one may; the server may have asked to wait some seconds."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


PASSING = (
    _TryAgainError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for a server, and when to give up.

    Attributes
    ----------
    connect_s, stall_s
        Longest wait for a connection, and for its next bytes, in seconds.
    tries
        Tries in a row of which none brings the file `step_bytes` farther than it has ever been.
    step_bytes
        What counts as having come farther.
    first_wait_s, longest_wait_s
        Wait before the second try, doubled before each further one, and its limit, in seconds. A server that asks
        for more than the limit ends the transfer.
    """

    connect_s: float = 20
    stall_s: float = 60
    tries: int = 8
    step_bytes: int = 1_000_000
    first_wait_s: float = 1
    longest_wait_s: float = 120

    def wait_s(self, tries: int, error: Exception) -> float:
        """Return the seconds to wait after `tries` tries in vain: what the server asked for, or twice the last wait."""
        asked = getattr(error, "wait_s", None)
        return min(self.first_wait_s * 2.0 ** (tries - 1), self.longest_wait_s) if asked is None else float(asked)


class _Part:
    """What has arrived of a file, and what the server said of the whole."""

    def __init__(self, url: str, target: Path) -> None:
        self.url = url
        self.path = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")
        self.etag, self.n_total = self._read_note()

    def _read_note(self) -> tuple[str | None, int | None]:
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            if note["url"] == self.url:
                return note["etag"], note["n_total"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # no note, or one that a full disk cut short: what is there cannot be gone on with
        return None, None

    def n_bytes(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def is_whole(self) -> bool:
        return self.n_total is not None and self.n_total == self.n_bytes()

    def resumes_at(self) -> int:
        """Return the number of bytes to keep: those of a version that the server has named."""
        return self.n_bytes() if self.etag else 0

    def start_anew(self, etag: str | None, n_total: int | None) -> None:
        """Forget what is there, before noting what is to come: bytes never stand under another version's name."""
        self.path.write_bytes(b"")
        self.etag, self.n_total = etag, n_total
        fresh = self.note.with_name(self.note.name + ".new")
        fresh.write_text(json.dumps({"url": self.url, "etag": etag, "n_total": n_total}), encoding="utf-8")
        fresh.replace(self.note)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
        self.etag = self.n_total = None


def fetch(
    url: str,
    target: Path,
    *,
    most_bytes: int,
    patience: Patience | None = None,
    on_bytes: OnProgress = lambda done, total: None,
    say: Callable[[str], None] = lambda line: None,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Bring the file at `url` to `target`.

    Parameters
    ----------
    url
        https, or http of this machine (localhost, 127.0.0.1); redirects are followed to https only, or likewise.
    target
        Appears when all bytes are there. Its folder must exist.
    most_bytes
        A larger file is refused, whatever length it claims.
    on_bytes
        Called with the number of bytes that are there and of the whole file, 0 where the server does not say.
    say
        Told in one line why there is another try, and when.
    wait
        Waits the seconds it is given.

    Raises
    ------
    CorpusError
        The address or the server's answer is not as expected, or the tries are used up; what has arrived stays.
    """
    patience = patience or Patience()
    part = _Part(url, target)
    farthest, tries = part.n_bytes(), 0
    with _session() as session:
        while True:
            try:
                _transfer(session, part, patience, lambda done: _check_size(part, done, most_bytes, on_bytes))
                break
            except PASSING as error:
                came_far = part.n_bytes() >= farthest + patience.step_bytes
                tries = 1 if came_far else tries + 1
                farthest = max(farthest, part.n_bytes())
                pause_s = _pause_or_give_up(url, patience, tries, error)
                say(f"{_reason(error)}; trying again in {pause_s:.0f} s, {_megabytes(part.resumes_at())} are kept")
                wait(pause_s)
            except requests.RequestException as error:
                raise CorpusError(f"{url!r} cannot be fetched: {_reason(error)}; check the address") from error
    part.path.replace(target)
    part.discard()


def _check_size(part: _Part, done: int, most_bytes: int, on_bytes: OnProgress) -> None:
    if max(done, part.n_total or 0) > most_bytes:
        part.discard()
        raise CorpusError(
            f"{part.url!r} sends {max(done, part.n_total or 0)} bytes or more, expected at most {most_bytes}: "
            "not the archive that was meant; check the address"
        )
    on_bytes(done, part.n_total or 0)


def _pause_or_give_up(url: str, patience: Patience, tries: int, error: Exception) -> float:
    pause_s = patience.wait_s(tries, error)
    if pause_s > patience.longest_wait_s:
        raise CorpusError(
            f"{url!r}: {_reason(error)}, and the server asks to wait {pause_s:.0f} s; run the same command again then"
        ) from error
    if tries >= patience.tries:
        raise CorpusError(
            f"{url!r} was not fetched in {tries} tries: {_reason(error)}; run the same command again, it goes on "
            "where it can"
        ) from error
    return pause_s


class _Session(requests.Session):
    """A session that looks at no redirect: requests would read its whole body, however long, even if not to follow."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: there is none to prepare."""


def _session() -> requests.Session:
    session = _Session()
    session.auth = lambda request: request  # else requests would send what ~/.netrc holds for the host
    session.headers.update({"User-Agent": "voxfold", "Accept-Encoding": "identity"})
    return session


def _transfer(session: requests.Session, part: _Part, patience: Patience, check: Callable[[int], None]) -> None:
    """Ask once for what is missing and append it.

    Raises
    ------
    _TryAgainError
        The server was busy or sent less than it said; requests and urllib3 raise their own for a broken connection.
    CorpusError
        What came is no such file.
    """
    if part.is_whole():
        return
    with _get(session, part.url, _asking_for_the_rest(part), patience) as response:
        _check_answer(part, response)
        if response.status_code == 200:
            etag = response.headers.get("ETag", "")
            part.start_anew(etag if etag.startswith('"') else None, _length(response))
        done = part.n_bytes()
        check(done)
        with part.path.open("ab", buffering=0) as file:
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                check(done + len(chunk))
                file.write(chunk)
                done += len(chunk)
    if part.n_total is not None and done != part.n_total:
        if done > part.n_total:
            part.discard()
        raise _TryAgainError(f"{done} bytes came, the server had said {part.n_total}")


def _asking_for_the_rest(part: _Part) -> dict[str, str]:
    start = part.resumes_at()
    return {"Range": f"bytes={start}-", "If-Range": str(part.etag)} if start else {}


def _get(session: requests.Session, url: str, headers: dict[str, str], patience: Patience) -> requests.Response:
    """Follow redirects by hand, so that each address is looked at before it is asked."""
    local = is_this_machine(url)
    for _ in range(MOST_REDIRECTS + 1):
        _check_address(url, local=local)
        response = session.get(
            url, headers=headers, stream=True, allow_redirects=False, timeout=(patience.connect_s, patience.stall_s)
        )
        if response.status_code not in MOVED:
            return response
        response.close()
        url = _joined(url, response.headers.get("Location", ""))
    raise CorpusError(f"more than {MOST_REDIRECTS} redirects, the last one to {url!r}; check the address")


def is_this_machine(url: str) -> bool:
    """Tell whether `url` is http to a loopback address."""
    parts = _split(url)
    host = parts.hostname or ""
    with suppress(ValueError):
        return parts.scheme == "http" and ipaddress.ip_address(host).is_loopback
    return parts.scheme == "http" and host == "localhost"


def _check_address(url: str, *, local: bool) -> None:
    parts = _split(url)
    if "@" in parts.netloc:
        raise CorpusError("the address holds a user name or password; give one without")
    if not (parts.hostname and (parts.scheme == "https" or (local and is_this_machine(url)))):
        raise CorpusError(f"address {url!r}: expected https (or, in tests, http to this machine all the way)")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # is looked at only now
        return parts
    except ValueError as error:
        raise CorpusError(f"address {url!r}: {error}") from error


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise CorpusError(f"redirect to address {location!r}: {error}") from error


def _check_answer(part: _Part, response: requests.Response) -> None:
    """Raise unless the answer is the whole file (200), or the rest of what is there (206)."""
    status = response.status_code
    if status in BUSY:
        raise _TryAgainError(f"the server answers {status}", _asked_wait_s(response))
    if status == 416 or (status == 206 and not _continues(part, response)):
        part.discard()
        raise _TryAgainError(f"the server answers {status} with another part than was asked for")
    if status not in (200, 206):
        raise CorpusError(f"{part.url!r}: the server answers {status}, expected 200; check the address")
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kind.startswith("text/") or kind in ("application/xhtml+xml", "application/json"):
        raise CorpusError(
            f"{part.url!r}: expected an archive, got a page of type {kind!r}: a login or error page of the server or "
            "of a network between; open the address in a browser, then run the same command again"
        )


def _continues(part: _Part, response: requests.Response) -> bool:
    """Tell whether a 206 brings the bytes after those that are there, of the same version."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
    start = part.resumes_at()
    if not found or not start or int(found[1]) != start or response.headers.get("ETag", part.etag) != part.etag:
        return False
    return part.n_total is None or found[3] in ("*", str(part.n_total))


def _length(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _asked_wait_s(response: requests.Response) -> float | None:
    """Read Retry-After: seconds or a date."""
    text = response.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text[:9])
    with suppress(ValueError, OverflowError):
        return max(0.0, (parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    return None


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong; requests' own texts name objects and addresses in memory."""
    if isinstance(error, _TryAgainError):
        return str(error)
    if isinstance(error, requests.exceptions.SSLError):
        return "no trusted https connection (is the clock right, is there a proxy?)"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy of the environment does not answer"
    if isinstance(error, (requests.ConnectTimeout, requests.ReadTimeout, urllib3.exceptions.TimeoutError)):
        return "the server sends nothing"
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError)):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection to the server"
    return type(error).__name__


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB"
