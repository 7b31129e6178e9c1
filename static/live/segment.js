// One segment with its chunks, in the inspector and on a delivery's own page.

import { chunkNode, fillChunk } from "./chunk.js";
import { clock, clone, fill, mediaName, put, say, setData, slot, words } from "./dom.js";

// `before`: chunk → the one sent before it; `severalAttempts`: the title says whose segment it is.
export function paintSegment(root, segment, chunks, before, severalAttempts) {
  let node = root.querySelector(`[data-inspected-segment="${segment.id}"]`);
  if (!node) {
    node = clone("segment-template");
    node.dataset.inspectedSegment = segment.id;
    root.append(node);
  }
  const title = say("segment", { number: segment.number });
  put(node, "title", severalAttempts ? `${say("attempt", { number: segment.attempt })} · ${title}` : title);
  put(node, "kind", words.segment_kind[segment.kind] ?? segment.kind);
  const purpose = put(node, "purpose", words.purpose[segment.purpose] ?? "");
  purpose.hidden = !purpose.textContent;
  const suspect = put(node, "suspect", segment.suspect ? say("maybe_dropped") : "");
  suspect.hidden = !segment.suspect;
  setData(put(node, "status", words.segment_status[segment.status] ?? segment.status), "status", segment.status);
  const length = `${segment.accepted_length} / ${say("characters", { count: segment.text_length })}`;
  put(node, "count", segment.media ? "" : length);
  put(node, "dialect", segment.dialect);
  put(node, "stream", segment.stream_id);
  slot(node, "stream").title = segment.stream_id;
  const passive = put(node, "passive", decided(segment, chunks));
  passive.hidden = !passive.textContent;
  const cut = put(node, "cut", cutting(segment));
  cut.hidden = !cut.textContent;
  const list = node.querySelector("[data-chunks]");
  chunks.forEach((chunk, place) => {
    const line = list.children[place] ?? list.appendChild(chunkNode());
    fillChunk(line, chunk, before.get(chunk.id), segment.media ? about(segment.media, chunks, place) : "");
  });
}

// Under which message it went, or why under none; or why it did not go.
function decided({ decision, status }, chunks) {
  if (!decision) return "";
  const why = decision.why === "none_left" && decision.used >= decision.of ? "all_used" : decision.why;
  const denied = status === "failed" && !decision.passive && !chunks.length ? words.denied[why] : "";
  const facts = { used: decision.used, of: decision.of ?? "∞", until: decision.until ? clock(decision.until) : "" };
  return fill(denied || (words.passive[why] ?? why), facts);
}

// What a long answer's cut has done to the text of this bubble.
function cutting(segment) {
  if (!segment.text_length) return "";
  const end = segment.closes_with ? "fence_closed" : segment.full ? "goes_on" : "";
  return [segment.opens_with && say("fence_opened"), end && say(end)].filter(Boolean).join(" · ");
}

// What a chunk without text is about. Which part: those that QQ finished since the parts were planned, and one.
function about(media, chunks, place) {
  const { kind } = chunks[place];
  if (kind === "fetch") return media.url ?? "";
  if (kind !== "part" && kind !== "finish") return mediaName(media);
  const planned = chunks.slice(0, place).findLastIndex((chunk) => chunk.kind === "prepare");
  const finished = chunks.slice(planned + 1, place).filter((chunk) => chunk.kind === "finish" && chunk.status === "accepted");
  return say("part_of", { number: finished.length + 1, parts: media.upload?.parts || "…" });
}
