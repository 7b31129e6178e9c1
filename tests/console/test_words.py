"""The catalogue is whole: every message has its Chinese, the compiled file is the readable one."""

from __future__ import annotations

import importlib.util
import re
import string
from pathlib import Path
from types import ModuleType

import polib
import pytest
from django.utils import translation

from qqconsole.bots import reasons as bot_reasons
from qqconsole.deliveries import reasons
from qqconsole.live.words import code_words, words

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compile_messages", ROOT / "scripts" / "compile_messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def catalogue(script: ModuleType) -> polib.POFile:
    return polib.pofile(str(script.CATALOGUE))


def test_the_catalogue_holds_exactly_what_the_sources_say(script, catalogue):
    assert {entry.msgid for entry in catalogue} == set(script.messages())


def test_every_message_has_its_chinese(catalogue):
    assert [entry.msgid for entry in catalogue if not entry.msgstr] == []


def test_placeholders_are_the_same_in_both_languages(catalogue):
    wrong = []
    for entry in catalogue:
        for pattern in (r"%\(\w+\)s", r"\{\w+\}"):
            if sorted(re.findall(pattern, entry.msgid)) != sorted(re.findall(pattern, entry.msgstr)):
                wrong.append(entry.msgid)
    assert wrong == []


def test_the_compiled_catalogue_is_the_readable_one(script, catalogue):
    compiled = polib.mofile(str(script.CATALOGUE.with_suffix(".mo")))
    assert {entry.msgid: entry.msgstr for entry in compiled} == {entry.msgid: entry.msgstr for entry in catalogue}


def test_the_collector_reads_python_and_templates(script):
    assert list(script.of_python('_("one"); x.gettext("two"); gettext_lazy(name); print("three")')) == ["one", "two"]
    template = (
        "{% translate \"a 'b'\" %}{% blocktranslate with n=x %}n is {{ n }}{% endblocktranslate %}"
        "{{ v|yesno:_('y,n') }}"
    )
    assert list(script.of_template(template)) == ["a 'b'", "n is %(n)s", "y,n"]


def test_the_scripts_say_every_word_there_is_and_none_that_is_not():
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "static" / "live").glob("*.js"))
    page = words()["page"]
    said = set(re.findall(r'\bsay\(\s*"(\w+)"', source))
    assert said - set(page) == set()
    unused = {key for key in page if f'"{key}"' not in source}
    assert unused == set()
    groups = set(re.findall(r"\bwords\.(\w+)", source)) - {"page"}
    assert groups - set(words()) == set()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_words_are_in_the_readers_language(language):
    with translation.override(language):
        assert words()["status"]["failed"] == {"en": "failed", "zh-hans": "失败"}[language]
        meaning = code_words()["40054005"]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in meaning) == (language == "zh-hans")


def test_a_reason_nobody_put_into_words_is_shown_as_it_is():
    assert reasons.in_words("brand_new_reason") == "brand_new_reason"
    assert bot_reasons.in_words("brand_new_reason") == "brand_new_reason"
    assert bot_reasons.in_words("") == ""


def test_every_reason_of_the_adapter_and_the_engine_is_in_words():
    """Code words found in the sources where reasons are given."""
    folders = [ROOT / "adapter", ROOT / "qqconsole" / "replies", ROOT / "qqconsole" / "engine"]
    source = "\n".join(path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py"))
    given = set(re.findall(r'(?:SourceFailed|ModelFailed)\("(\w+)"', source))
    given |= set(
        re.findall(r'"(model_(?!turn|dump|copy)[a-z_]+)"', (ROOT / "qqconsole/replies/failures.py").read_text("utf-8"))
    )
    given |= set(re.findall(r'OutcomeStatus\.\w+, "(\w+)"', source))
    assert given - set(reasons.REASONS) == set()
    closings = set(re.findall(r'Cure\.\w+,\s+"(\w+)"', (ROOT / "adapter" / "close_codes.py").read_text("utf-8")))
    gateway = (ROOT / "adapter" / "handshake.py").read_text("utf-8") + (ROOT / "adapter" / "gateway.py").read_text(
        "utf-8"
    )
    closings |= set(re.findall(r'(?:_again|unreachable|kept_out|_tell)\(\s*"(\w+)"', gateway))
    assert len(closings) > 10
    assert closings - set(bot_reasons.REASONS) == set()


def test_plain_words_are_sentences():
    for table in (reasons.REASONS, bot_reasons.REASONS):
        for words_ in table.values():
            assert str(words_)[-1] in string.punctuation + "。"


def test_what_the_adapter_says_of_the_network_is_known_here():
    """A sentence changed there would be shown in English, as if QQ had said it."""
    said = "".join((ROOT / "adapter" / name).read_text("utf-8") for name in ("client.py", "access_token.py"))
    assert [phrase for phrase in reasons.NETWORK if phrase not in said] == []
    table = said[said.index("def _words(") :]
    assert set(re.findall(r'words = "([^"]+)"', table[: table.index("return")])) - set(reasons.NETWORK) == set()
