"""A name is shown, never followed."""

from __future__ import annotations

import pytest

from qqconsole.media.names import LONGEST, clean_name, name_for, sent_name


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("季度报告.pdf", "季度报告.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.png", "photo.png"),
        ("/", ""),
        ("..", ""),
        (".htaccess", "htaccess"),
        ("a\0b\nc.txt", "abc.txt"),
        ("gpj.\u202eexe", "gpj.exe"),
        ("\ud800.txt", "txt"),
        ("  two   words .txt", "two words .txt"),
        ("👩‍👧.png", "👩‍👧.png"),
        ("字" * 300 + ".docx", "字" * (LONGEST - 5) + ".docx"),
        ("<img src=x>.png", "<img src=x>.png"),
    ],
)
def test_names_are_cleaned(given: str, shown: str) -> None:
    assert clean_name(given) == shown


@pytest.mark.parametrize(
    ("given", "mime", "kind", "shown"),
    [
        ("", "image/png", "image", "image.png"),
        ("", "", "file", "file"),
        ("报告", "application/pdf", "file", "报告.pdf"),
        ("a.exe", "application/pdf", "file", "a.exe"),
    ],
)
def test_a_name_without_an_ending_gets_its_contents(given: str, mime: str, kind: str, shown: str) -> None:
    assert name_for(given, mime, kind) == shown


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("%E6%8A%A5%E5%91%8A%20(1).pdf", "报告 (1).pdf"),
        ("my%20holiday.png", "my holiday.png"),
        ("报告.pdf", "报告.pdf"),
        ("100% sure.txt", "100% sure.txt"),
        ("100%.txt", "100%.txt"),
        ("%FF%FE.txt", "%FF%FE.txt"),
        ("报告%20.pdf", "报告%20.pdf"),
        ("..%2F..%2Fetc%2Fpasswd", "../../etc/passwd"),
    ],
)
def test_a_name_that_the_client_encoded_is_read(sent: str, meant: str) -> None:
    assert sent_name(sent) == meant
