// One chunk in the inspector: a line, and on opening everything about it with the raw wire.

import { clone, coded, meaning, ours, put, putTime, say, setData, slot, words } from "./dom.js";
import { count, visible } from "./text.js";

export function chunkNode() {
  const node = clone("chunk-template");
  node.addEventListener("toggle", () => node.open && loadWire(node));
  node.querySelector("[data-copy]").addEventListener("click", (event) => copy(event.currentTarget, node));
  return node;
}

// `media` names what a chunk without text carries.
export function fillChunk(node, chunk, before, media) {
  const key = `${chunk.seq} ${chunk.status} ${before?.sent_at ?? ""}`;
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.dataset.chunk = chunk.id;
  setData(node, "status", chunk.status);
  put(node, "number", chunk.number);
  put(node, "kind", words.chunk_kind[chunk.kind] ?? chunk.kind);
  put(node, "state", chunk.state ?? "").title = words.state[chunk.state] ?? "";
  put(node, "text", chunk.text ? visible(chunk.text) : media || say("empty_text"));
  setData(slot(node, "text"), "empty", chunk.text || media ? "no" : "yes");
  put(node, "characters", media ? "" : count(chunk.text));
  put(node, "since", before ? `+${span(new Date(chunk.sent_at) - new Date(before.sent_at))}` : "—");
  put(node, "trip", chunk.elapsed_ms === null ? "…" : span(chunk.elapsed_ms));
  put(node, "http", chunk.http_status ?? (chunk.answered_at ? "—" : "…"));
  put(node, "said", said(chunk));
  details(node, chunk);
  if (node.open) loadWire(node);
}

// What a line has to say beyond the plain "accepted": why it was sent at all, then how it ended.
function said(chunk) {
  const parts = [];
  if (chunk.why) parts.push(words.why[chunk.why] ?? chunk.why);
  if (chunk.status !== "accepted" && chunk.status !== "sending") {
    parts.push(words.chunk_status[chunk.status]);
    if (!chunk.code) parts.push(ours(chunk.message) || chunk.message || (chunk.http_status && `HTTP ${chunk.http_status}`));
  }
  parts.push(coded(chunk.code));
  return parts.filter(Boolean).join(" · ");
}

function details(node, chunk) {
  put(node, "status", words.chunk_status[chunk.status] ?? chunk.status);
  pair(node, "why", words.why[chunk.why] ?? chunk.why);
  pair(node, "code", chunk.code ? `${chunk.code} — ${meaning(chunk.code)}` : "");
  pair(node, "message", ours(chunk.message) ? "" : chunk.message);
  pair(node, "network", ours(chunk.message));
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
    put(node, "answer", wire.answer || say(node.dataset.status === "sending" ? "no_answer" : "never_answered"));
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

