"""A line of answers: cells apart by tabs, none of them a formula, a forged line or an order to the terminal."""

import pytest

from benchmarks.prediction.answers import Answer


@pytest.mark.parametrize(
    ("name", "label", "line"),
    [
        ("a.wav", "male", "a.wav\tmale\t0.900\t2.0 ms"),
        ("=HYPERLINK(1).wav", "+1", "'=HYPERLINK(1).wav\t'+1\t0.900\t2.0 ms"),
        ("a\tb\nc.wav", "\x1b[2J", "a\\tb\\nc.wav\t\\x1b[2J\t0.900\t2.0 ms"),
        ("caf\udce9.wav", "\u202eelam", "caf\\udce9.wav\t\\u202eelam\t0.900\t2.0 ms"),
        ("-", "male", "-\tmale\t0.900\t2.0 ms"),
    ],
)
def test_a_line_of_answers(name, label, line):
    assert Answer(name=name, label=label, score=0.9, seconds=0.002).line == line


def test_a_line_of_an_error():
    assert Answer(name="@x.wav", error="no\taudio").line == "'@x.wav\terror\tno\\taudio"
