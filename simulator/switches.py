"""Where sources disagree, a switch; defaults are the sheet's suggestions (sheet 8 and 9)."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class Switches:
    """Every open question of the sheet, as a setting. Times in seconds, sizes in bytes, None means no limit."""

    # passive replies (sheet 3.4, 9)
    c2c_limit: int | None = 4
    group_limit: int | None = 5
    guild_limit: int | None = None
    c2c_window: float = 3600
    group_window: float = 300
    guild_window: float = 300
    over_limit_code: int = 40034128  # or 22009, the older wording
    expired_code: int = 40034005  # or 304103, 304027
    burn_on_refusal: bool = False  # does a refused message use up its (msg_id, msg_seq)? (sheet 3.5, 8.4)

    # proactive sends (sheet 3.6)
    proactive: str = "open"  # or "monthly" (4 a month), "withdrawn" (no right at all)
    proactive_over_code: int = 40034100  # or 22009
    proactive_times: float = 1  # every limit of users and groups times this, for tests in numbers

    # bodies (sheet 3.2)
    content_with_markdown: str = "ignore"  # or "refuse" (docs: content must be empty)
    native_markdown: bool = True
    ark_permitted: bool = False
    guild_markdown: bool = False  # by invitation only
    guild_strict_body: bool = True  # refuse msg_type, msg_seq and media on guild endpoints
    guild_needs_gateway: bool = True  # 304018 without a live gateway session (sheet 2.4)
    group_typing_code: int = 22006  # unproven (sheet 8.5)
    max_text_chars: int | None = None
    group_urls: str = "refuse"  # or "accept"
    registered_hosts: list[str] = field(default_factory=list)
    moderated_words: list[str] = field(default_factory=list)
    timestamp: str = "rfc3339"  # or "int" (old docs)
    omit_ext_info: bool = False

    # messages.stream (sheet 4.1)
    legacy_permitted: bool = True
    legacy_index_base: str = "either"  # or "0", "1"
    legacy_index_gaps: bool = True
    legacy_newline: str = "closing"  # or "every", "none"
    legacy_empty_close: bool = False  # is "" accepted as the closing content?
    legacy_second_stream: str = "blocked"  # 40034021, or "supersedes": the old one answers 40034022 from then on
    legacy_frame_bytes: int | None = 4096
    legacy_frame_limit: int | None = 1000
    legacy_timeout: float = 60  # without a frame: rolled back on the phone, 40034020 on the wire
    legacy_quick_empty_close_shows_nothing: bool = False  # one delta, then at once an empty close

    # stream_messages (sheet 4.2)
    stream_permitted: bool = True
    stream_pacing: float = 0.3
    stream_pacing_status: int = 429  # or 400
    stream_max_bytes: int | None = 20_420
    stream_silent_bytes: int | None = None  # 2048: what is beyond is answered 200 and never shown
    stream_timeout: float = 120  # without a frame: finalised by the platform
    stream_start_window: float | None = None  # 300 by one SDK comment
    stream_prefix_refusal: str = "404"  # or "500" (early 2026)
    stream_proactive: str = "refuse"  # or "accept"
    stream_extra_fields: str = "refuse"  # keyboard, media, message_reference; or "ignore"
    refused_frame_consumes_index: bool = True

    # media (sheet 5)
    file_data: bool = True
    file_data_max_bytes: int = 4_700_000
    body_max_bytes: int = 19_000_000
    media_ttl: int = 300  # 0: no expiry
    part_size: int = 10_485_760
    part_index_base: int = 1
    part_retry_timeout: int = 300  # seconds, as told in upload_config
    part_retry_delay: int = 1  # seconds, as told in upload_config
    presigned_once: bool = False  # is an address spent by its first PUT, however that ended? (sheet 8.8)
    voice_silk_only: bool = False  # the overview adds mp3, wav and ogg; real voice must be SILK (sheet 5.1, 5.4)
    upload_daily_bytes: int | None = None
    fetch_private_hosts: bool = False
    fetch_timeout: float = 5

    # tokens (sheet 1)
    token_life: int = 7200
    expires_in: str = "string"  # or "number"
    ip_refused: bool = False

    # gateway (sheet 2)
    heartbeat_interval_ms: int = 41_250
    heartbeat_grace: float = 2.0  # intervals without a beat before 4009
    session_life: float = 1800  # then 4009 however well it beats; 0: never
    permitted_intents: int | None = None  # None: every known one
    resume_refusal: str = "op9"  # or "4006", "4902", "close_after_resumed"
    refuse_resume: int = 0  # how many of the next resumes are refused that way
    silent_drop_after_4009: float = 0  # answers 200 and delivers nothing until a live session, at most so long
    shards: int = 1
    gateway_rate: int | None = None  # calls of /gateway and /gateway/bot in any one minute

    def as_dict(self) -> dict[str, Any]:
        """Return every switch with its present value."""
        return asdict(self)

    def patch(self, changes: dict[str, Any]) -> None:
        """Set several at once; raises ValueError for an unknown name or another kind of value, and then sets none."""
        defaults = Switches()
        known = {each.name for each in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"no such switch: {name}")
            default = getattr(defaults, name)
            wanted: tuple[type, ...] = (int, float) if default is None or _is_number(default) else (type(default),)
            if not (isinstance(value, wanted) or (value is None and _may_be_none(name))):
                raise ValueError(f"{name}: {value!r} is not {' or '.join(kind.__name__ for kind in wanted)}")
        for name, value in changes.items():
            setattr(self, name, value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _may_be_none(name: str) -> bool:
    return "None" in str(Switches.__annotations__[name])
