"""The demo's answers: one markdown file a topic in `texts/`, chosen by the user's words.

A file begins with `keywords:` and `prompt:` lines, then `---`, then the answer. A line
`[[picture: caption]]` is where the model sends a picture, when it may; photo, video, film, voice and file are the other
words. A file's name begins with a language.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "texts"
MEDIA = re.compile(r"\n*^\[\[(picture|photo|video|film|voice|file): (.+?)\]\]$\n*", re.MULTILINE)
# what the phone page offers first
OFFERED = ("travel", "recipe", "stream", "picture", "media", "code", "compare", "sleep", "poem", "hello")
CJK = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Topic:
    """One answer: `parts` of text (some empty); between each two of them one of `media`: its word and caption."""

    name: str
    language: str
    keywords: tuple[str, ...]
    prompt: str
    parts: tuple[str, ...]
    media: tuple[tuple[str, str], ...]

    def whole(self) -> str:
        """Return the answer without its media."""
        return "\n\n".join(filter(None, self.parts))


def _read(path: Path) -> Topic:
    head, _, body = path.read_text(encoding="utf-8").partition("---\n")
    fields = dict(line.split(":", 1) for line in head.strip().splitlines())
    pieces = MEDIA.split(body.strip())
    media = tuple(zip(pieces[1::3], pieces[2::3], strict=True))
    language = path.stem.split("-", 1)[0]
    keywords = tuple(fields["keywords"].lower().split())
    return Topic(path.stem, language, keywords, fields["prompt"].strip(), tuple(pieces[::3]), media)


@functools.cache
def topics() -> tuple[Topic, ...]:
    """Return every topic, in the order of their files' names."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.md")))


def language_of(text: str) -> str:
    """Return `zh` when `text` holds a Chinese character or no letter at all, else `en`."""
    return "zh" if CJK.search(text) or not re.search(r"[A-Za-z]", text) else "en"


def topic_for(text: str) -> Topic:
    """Return the topic with the most keywords in `text`, in its language; the general one when none fits."""
    language = language_of(text)
    lowered = text.lower()
    words = set(re.findall(r"[a-z]+", lowered))

    def score(topic: Topic) -> int:
        if text.strip() == topic.prompt:
            return 100
        return sum(word in words if word.isascii() and language == "en" else word in lowered for word in topic.keywords)

    fitting = [topic for topic in topics() if topic.language == language]
    best = max(fitting, key=score)
    return best if score(best) else next(topic for topic in fitting if topic.name == f"{language}-any")


def prompts(language: str) -> list[str]:
    """Return what a user might write in `language`, one line a topic."""
    named = {topic.name: topic.prompt for topic in topics()}
    return [named[name] for each in OFFERED if (name := f"{language}-{each}") in named]
