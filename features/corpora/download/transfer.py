"""Bring one file over HTTP to disk: by https, or by http from this machine itself, as tests need it.

Every address is judged before it is asked, those of redirects too. No credentials are sent; proxies of the environment
are used. What has arrived lies beside the target as ``<target>.part``; a try that breaks off starts anew.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.adapters
import urllib3

from features.corpora.recordings import CorpusError

TRIES, MOST_REDIRECTS, CHUNK_BYTES = 8, 5, 1_000_000
CONNECT_S, STALL_S, LONGEST_WAIT_S = 20, 60, 120
"""Longest waits: for a connection, for the server's next bytes, before another try; one who asks for more ends it."""
BUSY = (408, 429, 500, 502, 503, 504)
PASSING = (
    requests.ConnectionError,
    requests.HTTPError,  # raised here for the states of BUSY only
    requests.Timeout,
    urllib3.exceptions.HTTPError,
)

OnProgress = Callable[[int, int], None]


def fetch(
    url: str,
    target: Path,
    *,
    most_bytes: int,
    on_bytes: OnProgress = lambda done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Bring the file at `url` to `target`, which appears when all bytes are there; its folder must exist.

    Parameters
    ----------
    url
        https, or http of this machine (localhost, 127.0.0.1, ::1); redirects are followed to https only, or likewise.
    most_bytes
        A larger file is refused, whatever length it claims.
    on_bytes, say
        Called with the number of bytes that are there and of the whole file, 0 where the server does not say; told in
        one line why there is another try, and when.

    Raises
    ------
    CorpusError
        The address or the server's answer is not as expected, or the tries are used up.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        with _session(local=is_this_machine(url)) as session:
            for tries in count(1):
                try:
                    with session.get(url, stream=True, timeout=(CONNECT_S, STALL_S)) as response:
                        _check_answer(response)
                        _save(response, part, most_bytes, on_bytes)
                    break
                except PASSING as error:
                    pause_s = _pause_or_give_up(url, tries, error)
                    say(f"{_reason(error)}; trying again in {pause_s:.0f} s")
                    time.sleep(pause_s)
        part.replace(target)
    except CorpusError:
        raise
    except (requests.RequestException, ValueError) as error:  # the latter of addresses that cannot be read
        raise CorpusError(f"{url!r} cannot be fetched: {_reason(error)}; check the address") from error
    finally:
        part.unlink(missing_ok=True)


def is_this_machine(url: str) -> bool:
    """Tell whether `url` is http to this machine itself; raise ValueError where it is no address."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")


class _JudgingAdapter(requests.adapters.HTTPAdapter):
    """Asks only addresses that may be asked, without credentials, and reads no body of a redirect, however long."""

    def __init__(self, *, local: bool) -> None:
        self.local = local
        super().__init__()

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Judge the address and ask it."""
        url = request.url or ""
        if "@" in urlsplit(url).netloc:
            raise CorpusError("the address holds a user name or password; give one without")
        if not (url.lower().startswith("https://") or (self.local and is_this_machine(url))):
            raise CorpusError(f"address {url!r}: expected https (or, in tests, http to this machine all the way)")
        request.headers.pop("Authorization", None)  # of ~/.netrc
        response = super().send(request, *arguments, **options)
        if response.is_redirect:
            response.close()
            response.raw = io.BytesIO()
        return response


def _session(*, local: bool) -> requests.Session:
    session = requests.Session()
    session.max_redirects = MOST_REDIRECTS
    session.headers.update({"User-Agent": "voxfold", "Accept-Encoding": "identity"})
    for scheme in ("https://", "http://"):
        session.mount(scheme, _JudgingAdapter(local=local))
    return session


def _check_answer(response: requests.Response) -> None:
    url, status = response.url, response.status_code
    if status in BUSY:
        raise requests.HTTPError(f"the server answers {status}", response=response)
    if status != 200:
        raise CorpusError(f"{url!r}: the server answers {status}, expected 200; check the address")
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kind.startswith("text/") or kind in ("application/xhtml+xml", "application/json"):
        raise CorpusError(
            f"{url!r}: expected an archive, got a page of type {kind!r}: a login or error page of the server or "
            "of a network between; open the address in a browser, then run the same command again"
        )


def _save(response: requests.Response, part: Path, most_bytes: int, on_bytes: OnProgress) -> None:
    """Write the body as it comes; urllib3 raises where it is shorter than the server said."""
    done, total = 0, response.raw.length_remaining or 0
    _check_size(response.url, total, most_bytes)
    with part.open("wb") as file:
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
            done += len(chunk)
            _check_size(response.url, done, most_bytes)
            file.write(chunk)
            on_bytes(done, total)


def _check_size(url: str, n_bytes: int, most_bytes: int) -> None:
    if n_bytes > most_bytes:
        raise CorpusError(
            f"{url!r} sends {n_bytes} bytes or more, expected at most {most_bytes}: not the archive that was meant; "
            "check the address"
        )


def _pause_or_give_up(url: str, tries: int, error: Exception) -> float:
    """Return the seconds until the next try: what the server asks for, or twice the last pause."""
    pause_s = min(2.0 ** (tries - 1), LONGEST_WAIT_S)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        with suppress(ValueError, OverflowError, urllib3.exceptions.InvalidHeader):
            asked_s = urllib3.Retry().get_retry_after(error.response.raw)
            pause_s = pause_s if asked_s is None else asked_s
    if pause_s > LONGEST_WAIT_S or tries >= TRIES:
        raise CorpusError(
            f"{url!r} was not fetched, {_reason(error)} (try {tries} of {TRIES}); run the same command again in "
            f"{pause_s:.0f} s or later"
        ) from error
    return pause_s


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong; requests' own texts name objects and addresses in memory."""
    reasons: list[tuple[tuple[type[Exception], ...], str]] = [
        ((requests.HTTPError,), str(error)),
        ((requests.exceptions.SSLError,), "no trusted https connection (is the clock right, is there a proxy?)"),
        ((requests.exceptions.ProxyError,), "the proxy of the environment does not answer"),
        ((requests.Timeout, urllib3.exceptions.TimeoutError), "the server sends nothing"),
        ((requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError), "the connection broke off"),
        ((requests.ConnectionError,), "no connection to the server"),
        ((requests.TooManyRedirects,), f"more than {MOST_REDIRECTS} redirects"),
        ((requests.exceptions.InvalidSchema,), "neither https nor, in tests, http to this machine"),
    ]
    return next((text for kinds, text in reasons if isinstance(error, kinds)), type(error).__name__)
