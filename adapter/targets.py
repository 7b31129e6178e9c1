"""Who a message goes to: a scene and QQ's id in it, with the paths of QQ's API (sheet 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote


class Scene(StrEnum):
    C2C = "c2c"
    GROUP = "group"
    GUILD = "guild"
    """A guild channel; ``Target.id`` is the channel_id."""
    DM = "dm"
    """A guild's direct message; ``Target.id`` is the (DM) guild_id."""


@dataclass(frozen=True, slots=True)
class Target:
    scene: Scene
    id: str

    @property
    def _in_path(self) -> str:
        """One step of a path, whatever the id holds: it came with an event and must not lead anywhere else."""
        return quote(self.id, safe="")

    @property
    def messages_path(self) -> str:
        return {
            Scene.C2C: f"/v2/users/{self._in_path}/messages",
            Scene.GROUP: f"/v2/groups/{self._in_path}/messages",
            Scene.GUILD: f"/channels/{self._in_path}/messages",
            Scene.DM: f"/dms/{self._in_path}/messages",
        }[self.scene]

    @property
    def stream_path(self) -> str:
        """Only C2C has it (sheet 4.2.2 r18); asking for another scene's raises ValueError."""
        if self.scene is not Scene.C2C:
            raise ValueError(f"no streaming in scene {self.scene}")
        return f"/v2/users/{self._in_path}/stream_messages"

    @property
    def files_path(self) -> str:
        """Uploads exist in C2C and groups only (sheet 5.1); another scene raises ValueError."""
        return f"{self._uploads}/files"

    @property
    def prepare_path(self) -> str:
        """As ``files_path``."""
        return f"{self._uploads}/upload_prepare"

    @property
    def part_finish_path(self) -> str:
        """As ``files_path``."""
        return f"{self._uploads}/upload_part_finish"

    @property
    def _uploads(self) -> str:
        if self.scene is Scene.C2C:
            return f"/v2/users/{self._in_path}"
        if self.scene is Scene.GROUP:
            return f"/v2/groups/{self._in_path}"
        raise ValueError(f"no uploads in scene {self.scene}")
