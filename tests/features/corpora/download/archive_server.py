"""A real HTTP server on this machine that answers each request as told, and small archives for it to serve."""

import hashlib
import io
import json
import socketserver
import threading
import wave
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from features.corpora.download.audiomnist import COMMIT
from features.corpora.download.originals import Whole

ENTRY = {
    "accent": "German",
    "age": "30",
    "gender": "male",
    "native speaker": "no",
    "origin": "Europe, Germany, Berlin",
    "recordingdate": "17-06-22-11-04-28",
    "recordingroom": "Kino",
}


@dataclass(kw_only=True)
class Answer:
    """How one request is answered. `send` bytes of the body are sent, all by default; then the connection ends,
    or, with `stall`, stays open in silence until the server is stopped."""

    body: bytes = b""
    status: int = 200
    headers: dict = field(default_factory=dict)
    length: int | None = -1  # what Content-Length claims; -1 the truth, None nothing at all
    chunked: bool = False
    send: int | None = None
    stall: bool = False
    endless: bool = False


class ArchiveServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.asked = []  # path and headers of each request
        self.stalled = threading.Event()
        self.stopped = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/archive.zip"

    def next_answer(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def handle_error(self, request, client_address):
        pass  # a client that hangs up, or is killed, is what these tests are about


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        answer = self.server.next_answer()
        body = answer.body
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/zip", **answer.headers}.items():
            self.send_header(name, value)
        if answer.length is not None and not answer.chunked and not answer.endless:
            self.send_header("Content-Length", str(len(body) if answer.length == -1 else answer.length))
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        self._send_body(answer, body)
        self.close_connection = True

    def _send_body(self, answer, body):
        sent = body if answer.send is None else body[: answer.send]
        if answer.chunked:
            for start in range(0, len(sent), 10_000):
                piece = sent[start : start + 10_000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if answer.send is None:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(sent)
        self.wfile.flush()
        if answer.stall:
            self.server.stalled.set()
            self.server.stopped.wait()
        with suppress(OSError):
            while answer.endless and not self.server.stopped.is_set():
                self.wfile.write(bytes(10_000))

    def log_message(self, *_):
        pass


@contextmanager
def serving(*answers):
    server = ArchiveServer(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def wav(seed, *, n_samples=4_800, rate=48_000):
    noise = np.random.default_rng(seed).integers(-9_000, 9_000, n_samples).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(noise.tobytes())
    return file.getvalue()


def small_corpus():
    """Files of a corpus in AudioMNIST's layout, by their path in the repository: 3 speakers, 2 digits, 2 takes."""
    files = {
        f"data/{speaker}/{digit}_{speaker}_{take}.wav": wav([int(speaker), digit, take])
        for speaker in ("01", "02", "60")
        for digit in range(2)
        for take in range(2)
    }
    return {
        "LICENSE": b"MIT License",
        "README.md": b"# AudioMNIST",
        "models/train.sh": b"echo train",
        **files,
        "data/60/notes.txt": b"a note",
        "data/audioMNIST_meta.txt": json.dumps({name: ENTRY for name in ("01", "02", "60")}).encode(),
    }


def zipped(files, *, comment=COMMIT, top=f"AudioMNIST-{COMMIT}/", method=zipfile.ZIP_DEFLATED):
    """Pack files as the host does: in one folder, the commit in the comment."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(top + name), content, method)
        archive.comment = comment.encode()
    return packed.getvalue()


def small_whole(files):
    """What the small corpus must have; half of its hashes are known."""
    known = {name.removeprefix("data/"): content for name, content in files.items() if name.endswith("_0.wav")}
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in known.items()}
    return Whole(n_speakers=3, n_digits=2, n_takes=2, hashes=hashes)


class Quiet:
    """Stages that keep what they are told."""

    def __init__(self):
        self.lines, self.told = [], []

    @contextmanager
    def stage(self, name):
        yield lambda done, total: self.told.append((name, done, total))

    def say(self, line):
        self.lines.append(line)


class _Raw(socketserver.StreamRequestHandler):
    """Reads a request to its empty line and answers with bytes as they are."""

    def handle(self):
        while self.rfile.readline() not in (b"\r\n", b"\n", b""):
            pass
        self.wfile.write(self.server.next_bytes())


@contextmanager
def serving_bytes(next_bytes):
    """Answer each connection with the bytes that `next_bytes` returns, then close it; yields the address."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Raw)
    server.daemon_threads, server.next_bytes = True, next_bytes
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/archive.zip"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# no address of another machine may come of mangling these: only http to this machine is followed from here
RESPONSES = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: 40\r\nETag: "v1"\r\n\r\n' + bytes(40),
    b'HTTP/1.1 206 Partial\r\nContent-Range: bytes 20-39/40\r\nContent-Length: 20\r\nETag: "v1"\r\n\r\n' + bytes(20),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n"
    + bytes(20)
    + b"\r\n14\r\n"
    + bytes(20)
    + b"\r\n0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /archive.zip\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nSet-Cookie: a=b\r\n\r\n" + bytes(40),
)


def mangled(response, rng):
    """Change a response at random: bytes, cuts, doubled and swapped pieces, mostly in its head."""
    head = response.index(b"\r\n\r\n") + 4
    changed = bytearray(response)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(head if rng.random() < 0.8 else len(response)) % max(1, len(changed))
        kind = rng.randrange(4)
        if kind == 0:
            changed[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del changed[place : place + rng.randint(1, 8)]
        elif kind == 2:
            changed[place:place] = changed[place : place + rng.randint(1, 30)] * rng.randint(1, 5)
        else:
            changed[place:place] = rng.choice((b"\r\n", b"\0", b":", b"-", b"99999999999999999999", b"\xc3\x28", b"@"))
    return bytes(changed)
