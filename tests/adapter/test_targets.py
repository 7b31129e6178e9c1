"""Ids come with events: in a path of QQ's API they are one step of it, whatever they hold."""

from __future__ import annotations

import pytest
from yarl import URL

from adapter.targets import Scene, Target
from adapter.wire import url_of


def test_the_paths_of_usual_ids() -> None:
    target = Target(Scene.C2C, "E4F4AEA33253A2797FB897C50B81D7ED")
    assert target.messages_path == "/v2/users/E4F4AEA33253A2797FB897C50B81D7ED/messages"
    assert Target(Scene.GUILD, "19990001").messages_path == "/channels/19990001/messages"


@pytest.mark.parametrize("scene", list(Scene))
@pytest.mark.parametrize(
    "odd", ["../../users/@me", "a/b", "a?b=1", "a#b", "a%2Fb", "a\r\nX: y", "//host/", "空 格", "a\\b"]
)
def test_an_odd_id_stays_one_step(scene: Scene, odd: str) -> None:
    target = Target(scene, odd)
    usual = URL(str(url_of("https://api.example", Target(scene, "usual").messages_path)), encoded=True)
    url = url_of("https://api.example", target.messages_path)
    assert url.raw_host == "api.example"
    assert not url.raw_query_string
    assert not url.raw_fragment
    steps, expected = url.raw_path.split("/"), usual.raw_path.split("/")
    assert len(steps) == len(expected)
    assert [step for step in steps if step in expected] == [step for step in expected if step != "usual"]
    assert odd in url.path
