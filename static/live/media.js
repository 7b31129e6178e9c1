// A picture, video, voice or file in a bubble: what it is, and how far its upload to QQ has come.

import { mediaNote, put, say, setData, setIcon, size, slot, words } from "./dom.js";

// The segment's record where there is one, else what was asked for.
export function mediaOf(media, { item, kind, media_kind, file_name, url, caption }) {
  const own = kind === "media";
  const file = own ? item : null;
  return {
    kind: media.kind ?? (media_kind || file?.kind || "file"),
    name: media.name || (own && (file_name || file?.name || url)) || media.url || "",
    caption: media.caption ?? (own ? caption : ""),
    size: media.size ?? file?.size,
    note: media.note ?? "",
    upload: media.upload ?? null,
    file: media.file_id ?? file?.id ?? null,
    pictured: file ? file.thumbnail : Boolean(media.thumbnail),
  };
}

export function fillMedia(node, media, going) {
  const root = node.querySelector("[data-media]");
  root.hidden = false;
  setData(root, "kind", media.kind);
  const pictured = Boolean(media.pictured && media.file && media.kind !== "file" && media.kind !== "voice");
  picture(root, pictured ? `/media/${media.file}/thumbnail` : "", media.name);
  slot(root, "media_icon").hidden = pictured;
  setIcon(slot(root, "media_icon"), media.kind);
  put(root, "media_name", media.name || words.media_kind[media.kind]);
  put(root, "media_facts", [words.media_kind[media.kind], media.size && size(media.size)].filter(Boolean).join(" · "));
  put(node, "media_note", mediaNote(media.note));
  put(node, "accepted", media.caption);
  way(node.querySelector("[data-way]"), media, going);
}

function picture(root, address, name) {
  const old = root.querySelector(".media-picture");
  if (!address) old?.remove();
  if (!address || old?.getAttribute("src") === address) return;
  const image = old ?? root.insertBefore(new Image(), root.firstChild);
  image.className = "media-picture";
  image.alt = name;
  image.src = address;
}

// `line` holds a bar and a word; it is shown while the upload is `going`.
export function way(line, { upload, size: whole }, going) {
  line.hidden = !going;
  if (!going) return;
  const bar = line.querySelector("[data-progress]");
  const bytes = upload?.bytes || whole || 0;
  const sent = upload?.sent ?? 0;
  if (upload?.parts && bytes) {
    bar.max = bytes;
    bar.value = sent;
  } else {
    bar.removeAttribute("value");
  }
  put(line, "way", wayWord(upload, sent, bytes));
}

function wayWord(upload, sent, bytes) {
  if (!upload) return say("upload_start");
  if (upload.parts && sent >= bytes) return say("sending_media");
  if (upload.parts > 1) {
    const part = say("upload_parts", { done: upload.done, parts: upload.parts });
    return `${part} · ${say("file_size", { sent: size(sent), size: size(bytes) })}`;
  }
  return say("upload_whole");
}
