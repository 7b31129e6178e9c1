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
    pictured: own || !media.file_id ? Boolean(file?.thumbnail) : null, // null: the library knows
  };
}

export function fillMedia(node, media, going) {
  const root = node.querySelector("[data-media]");
  root.hidden = false;
  setData(root, "kind", media.kind);
  setIcon(slot(root, "media_icon"), media.kind);
  if (media.kind === "file" || media.kind === "voice") picture(root, 0, "");
  else if (media.pictured !== null) picture(root, media.pictured && media.file, media.name);
  else whetherPictured(media.file).then((pictured) => picture(root, pictured && media.file, media.name));
  put(root, "media_name", media.name || words.media_kind[media.kind]);
  put(root, "media_facts", [words.media_kind[media.kind], media.size && size(media.size)].filter(Boolean).join(" · "));
  put(node, "media_note", mediaNote(media.note));
  put(node, "accepted", media.caption);
  way(node.querySelector("[data-way]"), media, going);
}

// What a model sends is in the library too, but its segment says only under which number.
const asked = new Map();

function whetherPictured(file) {
  if (!asked.has(file)) {
    const answer = fetch(`/api/v1/media/${file}`).then((found) => (found.ok ? found.json() : {}));
    asked.set(file, answer.then((found) => Boolean(found.thumbnail)).catch(() => false));
  }
  return asked.get(file);
}

function picture(root, file, name) {
  const old = root.querySelector(".media-picture");
  slot(root, "media_icon").hidden = Boolean(file);
  if (!file) old?.remove();
  const address = `/media/${file}/thumbnail`;
  if (!file || old?.getAttribute("src") === address) return;
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
