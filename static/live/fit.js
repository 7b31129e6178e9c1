// What QQ will make of a file, told from its name's ending, type and size before a byte is sent. Pure.
// The console looks into the content afterwards, and its word counts.

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"]);
const VIDEOS = new Set(["video/mp4"]);

// Returns { kind, note, problem }: words of `media_note` and `media_problem`, "" for nothing to say.
export function forecast({ type, size }, { hard, soft }) {
  if (size === 0) return { kind: "file", note: "", problem: "empty" };
  if (size > hard) return { kind: "file", note: "", problem: "too_large" };
  const family = type.split("/")[0];
  const kind = PICTURES.has(type) ? "image" : VIDEOS.has(type) ? "video" : family === "audio" ? "voice" : "file";
  if (kind !== "file" && size > soft[kind]) return { kind: "file", note: `${kind}_too_large`, problem: "" };
  if (kind === "voice") return { kind, note: "becomes_voice", problem: "" };
  if (kind === "file" && family === "image") return { kind, note: "picture_type", problem: "" };
  if (kind === "file" && family === "video") return { kind, note: "video_type", problem: "" };
  return { kind, note: "", problem: "" };
}
