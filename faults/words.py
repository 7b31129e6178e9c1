"""Answers that are one of a kind: every sentence begins with its number: what is lost, twice or out of order shows."""

from __future__ import annotations

from random import Random

SENTENCES = (
    "先把窗户打开透透气，再慢慢说",
    "The quick brown fox jumps over the lazy dog, twice",
    "这一步**很重要**，别跳过它",
    "运行 `make test` 看看结果",
    "早上七点出发，中午就能到海边🌊",
    "家人👨‍👩‍👧‍👦一起去更热闹，记得带伞☔️",
    "Prices went from 3.14 to 2.72 within a week",
    "他说：“我没说过这句话。”",
    "用户@小明 的问题和昨天那个差不多",
    "𠮷野家在路口左转，走两百米",
)
BLOCKS = (
    "| 城市 | 天数 |\n|---|---|\n| 成都 | 3 |\n| 昆明 | 2 |",
    "```python\ndef greet(name):\n    return f'hello {name}'\n```",
    "- 第一项\n- 第二项\n  - 更细的一项",
    "> 引用一句老话：\n> 慢工出细活。",
    "$$E = mc^2$$",
)
ADDRESS = "详见 https://example.com/docs/readme.md 第二节"
LINK = "详见[这份说明](https://example.com/guide?a=1&b=2)"


def answer(dice: Random, number: int | str, length: int, *, address: bool = False) -> str:
    """Return an answer of about ``length`` characters; ``number`` makes every sentence of it its own."""
    parts: list[str] = []
    size = count = 0
    while size < length or not parts:
        count += 1
        block = dice.random() < 0.12 and length > 120
        said = dice.choice(BLOCKS) if block else f"〔{number}·{count}〕{dice.choice(SENTENCES)}。"
        if address and count == 1:
            said = f"〔{number}·{count}〕{dice.choice((ADDRESS, LINK))}。"
        parts.append(f"\n\n{said}\n\n" if block else said + dice.choice(("", "", "", "\n", "\n\n")))
        size += len(parts[-1])
    return "".join(parts).strip()
