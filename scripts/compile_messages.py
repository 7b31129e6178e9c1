"""Bring the Chinese catalogue up to date with the sources and compile it, without any gettext tool.

``python scripts/compile_messages.py`` collects every message of the Python files and templates, adds new ones to
``locale/zh_Hans/LC_MESSAGES/django.po`` (untranslated), drops those no longer used, and writes the ``.mo`` beside
it. It ends with 1 when a message has no translation yet, and names it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop"}


def main() -> int:
    catalogue = polib.pofile(str(CATALOGUE)) if CATALOGUE.exists() else polib.POFile(wrapwidth=0)
    wanted = messages()
    known = {entry.msgid: entry for entry in catalogue}
    fresh = polib.POFile(wrapwidth=0)
    fresh.metadata = {
        "Project-Id-Version": "qqconsole",
        "Language": "zh_Hans",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=1; plural=0;",
    }
    for message in wanted:
        entry = known.get(message)
        fresh.append(polib.POEntry(msgid=message, msgstr=entry.msgstr if entry else ""))
    fresh.save(str(CATALOGUE))
    fresh.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))
    missing = [entry.msgid for entry in fresh if not entry.msgstr]
    for message in missing:
        sys.stderr.write(f"no translation: {message}\n")
    return 1 if missing else 0


def messages() -> list[str]:
    """Return every message of the project, in the order of the files they are in."""
    found: dict[str, None] = {}
    for source in sorted((ROOT / "qqconsole").rglob("*.py")):
        if "migrations" not in source.parts:
            found.update(dict.fromkeys(of_python(source.read_text("utf-8"))))
    for template in sorted((ROOT / "templates").rglob("*.html")):
        found.update(dict.fromkeys(of_template(template.read_text("utf-8"))))
    return list(found)


def of_python(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            first = node.args[0]
            if name in CALLS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def of_template(source: str) -> Iterator[str]:
    # Django's lexer is plain Python: only xgettext, which usually comes after it, is not.
    from django.conf import settings
    from django.template.base import Lexer, TokenType
    from django.utils.translation.template import block_re, constant_re, endblock_re, inline_re

    if not settings.configured:
        settings.configure()
    block: list[str] | None = None
    for token in Lexer(source).tokenize():
        if block is not None:
            if token.token_type == TokenType.BLOCK and endblock_re.match(token.contents):
                yield "".join(block)
                block = None
            elif token.token_type == TokenType.VAR:
                block.append(f"%({token.contents})s")
            else:
                block.append(token.contents.replace("%", "%%"))
        elif token.token_type == TokenType.BLOCK and (inline := inline_re.match(token.contents)):
            yield inline[1][1:-1]
        elif token.token_type == TokenType.BLOCK and block_re.match(token.contents):
            block = []
        elif token.token_type in (TokenType.BLOCK, TokenType.VAR):
            for constant in constant_re.findall(token.contents):
                yield constant[1:-1]


if __name__ == "__main__":
    sys.exit(main())
