"""Print the table of ``adapter.steps`` as Markdown: what kind of frame met which answer of QQ, and what happens next.

``python scripts/draw_steps.py > docs/steps.md`` keeps the page current; a test compares the two.
"""

from __future__ import annotations

import ast
import inspect
import sys
from enum import StrEnum
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


from adapter.codes import Reaction
from adapter.frames import FrameKind
from adapter.steps import STEPS, Step

HEAD = """\
# What an answer of QQ's leads to

Drawn from the table in `adapter/steps.py` by `scripts/draw_steps.py`; do not edit it by hand.
A row is an answer as `adapter/codes.py` reads it, a column the kind of frame that got it. How each step is taken is in
`adapter/outcomes.py`, for media in `adapter/media_outcomes.py`; every step is a chunk of its own in the record.
"""


def draw() -> str:
    """The page, ending in a newline."""
    kinds = list(FrameKind)
    table = [["answer", *kinds], ["---"] * (len(kinds) + 1)]
    table += [[f"**{reaction}**", *(STEPS[kind][reaction] for kind in kinds)] for reaction in Reaction]
    rows = "\n".join("| " + " | ".join(cells) + " |" for cells in table)
    answers = _told(Reaction)
    meanings = _told(Step)
    return f"{HEAD}\n{rows}\n\n## The answers\n\n{answers}\n\n## The steps\n\n{meanings}\n"


def _told(words: type[StrEnum]) -> str:
    """Each member of ``words`` with the sentence written under it in the source."""
    tree = ast.parse(inspect.getsource(sys.modules[words.__module__]))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == words.__name__)
    told: dict[str, str] = {}
    name = ""
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            name = str(node.value.value)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
            told[name] = " ".join(str(node.value.value).split())
    return "\n".join(f"- **{word}**{': ' + told[word] if word in told else ''}" for word in words)


if __name__ == "__main__":
    sys.stdout.write(draw())
