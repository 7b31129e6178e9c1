// One chunk in the inspector: a line, and on opening everything about it with the raw wire.

import { clone, meaning, put, putTime, say, setData, slot, words } from "./dom.js";
import { count, visible } from "./text.js";

export function chunkNode() {
  const node = clone("chunk-template");
  node.addEventListener("toggle", () => node.open && loadWire(node));
  node.querySelector("[data-copy]").addEventListener("click", (event) => copy(event.currentTarget, node));
  return node;
}

export function fillChunk(node, chunk, before) {
  const key = `${chunk.seq} ${chunk.status} ${before?.sent_at ?? ""}`;
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.dataset.chunk = chunk.id;
  setData(node, "status", chunk.status);
  put(node, "number", chunk.number);
  put(node, "kind", words.chunk_kind[chunk.kind] ?? chunk.kind);
  put(node, "state", chunk.state ?? "");
  put(node, "text", chunk.text ? visible(chunk.text) : say("empty_text"));
  setData(slot(node, "text"), "empty", chunk.text ? "no" : "yes");
  put(node, "characters", count(chunk.text));
  put(node, "since", before ? `+${span(new Date(chunk.sent_at) - new Date(before.sent_at))}` : "—");
  put(node, "trip", chunk.elapsed_ms === null ? "…" : span(chunk.elapsed_ms));
  put(node, "http", chunk.http_status ?? (chunk.answered_at ? "—" : "…"));
  put(node, "said", said(chunk));
  details(node, chunk);
  if (node.open) loadWire(node);
}

// What a line has to say beyond the plain "accepted".
function said(chunk) {
  const words_ = [];
  if (chunk.status !== "accepted" && chunk.status !== "sending") words_.push(words.chunk_status[chunk.status]);
  if (chunk.code) words_.push(`${chunk.code} ${meaning(chunk.code)}`);
  else if (chunk.status !== "accepted" && chunk.message) words_.push(chunk.message);
  if (chunk.why) words_.push(words.why[chunk.why] ?? chunk.why);
  return words_.join(" · ");
}

function details(node, chunk) {
  put(node, "status", words.chunk_status[chunk.status] ?? chunk.status);
  pair(node, "why", words.why[chunk.why] ?? chunk.why);
  pair(node, "code", chunk.code ? `${chunk.code} — ${meaning(chunk.code)}` : "");
  pair(node, "message", chunk.message);
  pair(node, "trace", chunk.trace_id);
  pair(node, "numbers", [chunk.msg_seq ?? "—", chunk.index ?? "—"].join(" · "));
  putTime(node, "sent", chunk.sent_at);
  pair(node, "full", chunk.text);
}

function pair(node, name, value) {
  put(node, name, value);
  slot(node, name).closest("dl > div").hidden = !value;
}

export function span(ms) {
  if (ms >= 10_000) return say("seconds", { value: (ms / 1000).toFixed(1) });
  if (ms >= 1000) return say("seconds", { value: (ms / 1000).toFixed(2) });
  return say("milliseconds", { value: Math.round(ms) });
}

async function loadWire(node) {
  const key = node.dataset.key;
  if (node.dataset.loaded === key) return;
  node.dataset.loaded = key;
  if (!slot(node, "request").textContent) put(node, "request", say("loading"));
  try {
    const answer = await fetch(`/chunks/${node.dataset.chunk}/wire/`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const wire = await answer.json();
    put(node, "request", wire.request);
    put(node, "answer", wire.answer || say("no_answer"));
  } catch {
    node.dataset.loaded = "";
    put(node, "request", say("load_failed"));
  }
}

async function copy(button, node) {
  const text = slot(node, "trace").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No clipboard outside https and localhost: selected, it is one key press away.
    getSelection().selectAllChildren(slot(node, "trace"));
    return;
  }
  button.textContent = say("copied");
  setTimeout(() => (button.textContent = say("copy")), 1500);
}

