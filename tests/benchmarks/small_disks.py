"""Small real disks: a tmpfs mounted by the test, which needs the right to mount."""

import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def small_disk(folder, n_bytes):
    """Mount a tmpfs of `n_bytes` at `folder`; skip the test where that is not allowed."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs a small disk: there is no program 'mount' here")
    if done.returncode:
        pytest.skip(f"needs a small disk, which only who may mount one has: {done.stderr.strip()}")
    try:
        yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def told_in_one_line(done):
    """Return the line that a command ended with; nothing but lines of progress may stand before it."""
    assert done.returncode == 2, (done.returncode, done.stderr)
    *before, last = done.stderr.splitlines()
    assert last.startswith("voxfold: ") and "Traceback" not in done.stderr, done.stderr
    assert not [line for line in before if line.startswith(("voxfold: ", " "))], done.stderr
    return last
