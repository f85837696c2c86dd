"""One file over HTTP, from a real server that drops, stalls, lies and redirects. Waits are recorded, not waited."""

import http.client
import random
from types import SimpleNamespace

import pytest

from features.corpora.download import transfer
from features.corpora.download.transfer import fetch, is_this_machine
from features.corpora.recordings import CorpusError
from tests.features.corpora.download.archive_server import RESPONSES, Answer, mangled, serving, serving_bytes

BODY = random.Random(0).randbytes(200_000)
MOST = 1_000_000
pytestmark = pytest.mark.usefixtures("no_proxy")


class Fetched:
    """What a call of fetch did: its waits, lines and byte counts."""

    def __init__(self, folder):
        self.target, self.waits, self.lines, self.counts = folder / "file", [], [], []

    def fetch(self, url):
        fetch(
            url,
            self.target,
            most_bytes=MOST,
            on_bytes=lambda done, total: self.counts.append((done, total)),
            say=self.lines.append,
        )
        assert list(self.target.parent.iterdir()) == [self.target], "nothing else may remain"
        return self.target.read_bytes()


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    outcome = Fetched(tmp_path)
    monkeypatch.setattr(transfer, "TRIES", 4)
    monkeypatch.setattr(transfer, "time", SimpleNamespace(sleep=outcome.waits.append))
    return outcome


@pytest.mark.parametrize("how", [{}, {"chunked": True}, {"length": None}])
def test_a_plain_answer(fetched, how):
    with serving(Answer(body=BODY, **how)) as server:
        assert fetched.fetch(server.url) == BODY
    assert len(server.asked) == 1 and fetched.waits == []
    said = len(BODY) if how.get("length", -1) is not None and not how.get("chunked") else 0
    assert fetched.counts[-1] == (len(BODY), said)


@pytest.mark.parametrize("how", [{}, {"chunked": True}])
def test_a_dropped_connection_starts_anew(fetched, how):
    drops = [Answer(body=BODY, send=70_000, **how), Answer(body=BODY, send=60_001, **how)]
    with serving(*drops, Answer(body=BODY, **how)) as server:
        assert fetched.fetch(server.url) == BODY
    assert len(server.asked) == 3
    assert fetched.lines == [f"the connection broke off; trying again in {seconds} s" for seconds in (1, 2)]


def test_another_version_replaces_what_came_of_the_first(fetched):
    with serving(Answer(body=BODY, send=70_000), Answer(body=BODY[::-1])) as server:
        assert fetched.fetch(server.url) == BODY[::-1]


def test_silence_is_not_waited_for(fetched, monkeypatch):
    monkeypatch.setattr(transfer, "STALL_S", 0.5)
    with serving(Answer(body=BODY, send=70_000, stall=True), Answer(body=BODY)) as server:
        assert fetched.fetch(server.url) == BODY
    assert fetched.lines[0].startswith("the server sends nothing; trying again")
    assert server.stalled.is_set()


def test_a_length_that_is_too_long_is_tried_again_and_given_up(fetched):
    with serving(Answer(body=BODY, length=len(BODY) + 5)) as server:
        with pytest.raises(
            CorpusError, match=r"not fetched, the connection broke off \(try 4 of 4\); run the same command"
        ):
            fetched.fetch(server.url)
        assert len(server.asked) == 4
    assert fetched.waits == [1, 2, 4]


def test_a_length_that_is_too_short_ends_the_file_there(fetched):
    """HTTP gives no way to see it: the archive's own end record does."""
    with serving(Answer(body=BODY, length=1_000)) as server:
        assert fetched.fetch(server.url) == BODY[:1_000]


@pytest.mark.parametrize("how", [{"endless": True}, {"length": MOST + 1}, {"chunked": True, "body": bytes(MOST + 1)}])
def test_more_than_expected_is_refused(fetched, tmp_path, how):
    with serving(Answer(**how)) as server, pytest.raises(CorpusError, match="expected at most 1000000"):
        fetched.fetch(server.url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(fetched, status):
    with serving(Answer(status=status), Answer(status=status), Answer(body=BODY)) as server:
        assert fetched.fetch(server.url) == BODY
    assert fetched.waits == [1, 2]
    assert fetched.lines[0].startswith(f"the server answers {status}; trying again in 1 s")


@pytest.mark.parametrize(
    ("text", "waited"),
    [
        ("0", 0),
        ("7", 7),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 99999999999999999999 00:00:00 GMT", 1),
        ("soon", 1),
        ("-3", 1),
    ],
)
def test_the_wait_that_a_server_asks_for(fetched, text, waited):
    with serving(Answer(status=429, headers={"Retry-After": text}), Answer(body=BODY)) as server:
        assert fetched.fetch(server.url) == BODY
    assert fetched.waits == [waited]


def test_a_wait_of_an_hour_is_said_and_not_waited(fetched):
    with serving(Answer(status=429, headers={"Retry-After": "3600"})) as server:
        with pytest.raises(CorpusError, match=r"\(try 1 of 4\); run the same command again in 3600 s or later"):
            fetched.fetch(server.url)
    assert fetched.waits == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204, 304])
def test_any_other_status_is_final(fetched, status):
    with serving(Answer(status=status)) as server, pytest.raises(CorpusError, match=f"answers {status}, expected 200"):
        fetched.fetch(server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "Text/Plain", "application/json"])
def test_a_page_is_told_as_such(fetched, kind):
    page = Answer(body=b"<html>log in</html>", headers={"Content-Type": kind})
    with serving(page) as server, pytest.raises(CorpusError, match="expected an archive, got a page of type"):
        fetched.fetch(server.url)


def test_good_redirects_are_followed(fetched):
    def moved(status, to):
        return Answer(status=status, headers={"Location": to})

    with serving(Answer(body=BODY)) as end:
        first = [moved(302, "/other.zip"), moved(301, "?again"), moved(308, end.url)]
        with serving(*first) as server:
            assert fetched.fetch(server.url) == BODY
    assert [path for path, _ in server.asked] == ["/archive.zip", "/other.zip", "/other.zip?again"]


def test_a_redirect_with_an_endless_body_is_followed_at_once(fetched):
    with serving(Answer(body=BODY)) as end:
        with serving(Answer(status=302, headers={"Location": end.url}, endless=True)) as server:
            assert fetched.fetch(server.url) == BODY


def test_a_loop_of_redirects_ends(fetched):
    with serving(Answer(status=302, headers={"Location": "/archive.zip"})) as server:
        with pytest.raises(CorpusError, match="more than 5 redirects"):
            fetched.fetch(server.url)
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "to",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/archive.zip",
        "http://example.com/archive.zip",
        "http://10.0.0.1/",
        "gopher:x",
        "https://",
        "https://[::1/",
        "https://host:port/",
        "http://127.0.0.1.example.com/",
    ],
)
def test_a_redirect_elsewhere_is_refused(fetched, to):
    with serving(Answer(status=302, headers={"Location": to})) as server, pytest.raises(CorpusError) as refused:
        fetched.fetch(server.url)
    assert len(server.asked) == 1 and fetched.waits == []
    assert "expected https" in str(refused.value) or "check the address" in str(refused.value)


def test_a_redirect_with_a_password_is_refused(fetched):
    with serving(Answer(status=302, headers={"Location": "https://me:secret@127.0.0.1/"})) as server:
        with pytest.raises(CorpusError, match="user name or password") as refused:
            fetched.fetch(server.url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://example.com/a.zip", "/etc/passwd", "", "https://\x00"])
def test_a_wrong_address_is_refused(fetched, url):
    with pytest.raises(CorpusError, match="address"):
        fetched.fetch(url)
    assert fetched.waits == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:80/x", True),
        ("http://127.0.0.1/", True),
        ("http://[::1]:8/", True),
        ("https://127.0.0.1/", False),
        ("http://localhost.example.com/", False),
        ("http://2130706433/", False),
    ],
)
def test_this_machine(url, expected):
    assert is_this_machine(url) is expected


def test_nobody_answers(fetched):
    with serving(Answer()) as server:
        url = server.url
    with pytest.raises(CorpusError, match=r"no connection to the server \(try 4 of 4\); run the same command again"):
        fetched.fetch(url)
    assert fetched.waits == [1, 2, 4]


def test_no_credentials_are_sent(fetched, tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("default login me password secret\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    with serving(Answer(body=BODY)) as end, serving(Answer(status=302, headers={"Location": end.url})) as server:
        fetched.fetch(server.url)
    asked = [*server.asked, *end.asked]
    sent = {name.lower() for _, headers in asked for name in headers}
    assert len(asked) == 2
    assert not sent & {"authorization", "cookie", "proxy-authorization"}


def test_the_proxy_of_the_environment_is_used(fetched, monkeypatch):
    with serving(Answer(body=BODY)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert fetched.fetch("http://127.0.0.1:9/elsewhere.zip") == BODY
    assert [path for path, _ in proxy.asked] == ["http://127.0.0.1:9/elsewhere.zip"]


def test_what_a_killed_process_left_is_written_anew(fetched, tmp_path):
    (tmp_path / "file.part").write_bytes(BODY + b"more")
    with serving(Answer(body=BODY)) as server:
        assert fetched.fetch(server.url) == BODY


def test_giving_up_leaves_nothing(fetched, tmp_path):
    with (
        serving(Answer(body=BODY, send=70_000)) as server,
        pytest.raises(CorpusError, match=r"not fetched, .* \(try 4 of 4\)"),
    ):
        fetched.fetch(server.url)
    assert list(tmp_path.iterdir()) == []


def mangled_answers(folder, *, seed, n_fetches):
    """Fetch from a server whose every answer is mangled; return how often something was fetched, and refused."""
    rng, outcomes = random.Random(seed), {"fetched": 0, "refused": 0}
    with (
        serving_bytes(lambda: mangled(rng.choice(RESPONSES), rng)) as url,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(transfer, "TRIES", 2)
        patch.setattr(transfer, "STALL_S", 5)
        patch.setattr(transfer, "time", SimpleNamespace(sleep=lambda seconds: None))
        for number in range(n_fetches):
            try:
                fetch(url, folder / f"file{number}", most_bytes=1_000)
                outcomes["fetched"] += 1
            except CorpusError as error:
                outcomes["refused"] += 1
                assert "\n" not in str(error)
    return outcomes


def test_mangled_answers_give_one_line_or_a_file(tmp_path):
    outcomes = mangled_answers(tmp_path, seed=0, n_fetches=300)
    assert outcomes["refused"] > 100 and outcomes["fetched"] > 20, outcomes


def test_the_server_of_these_tests_speaks_http():
    """An independent client gets from it what the tests believe that it sends."""
    with serving(Answer(body=BODY)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Length")) == (200, "200000")
        assert answer.read() == BODY
        connection.close()
