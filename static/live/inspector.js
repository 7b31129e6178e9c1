// The inspector: one delivery with its segments, its chunks and what QQ said to each.

import { span } from "./chunk.js";
import { clock, coded, ours, put, say, setData, size, slot, words } from "./dom.js";
import { mediaOf } from "./media.js";
import { paintSegment } from "./segment.js";
import { chunksOf, isActive, segmentsOf } from "./store.js";
import { delivered } from "./text.js";
import { drawTrack } from "./track.js";

const NEAR = 40; // pixels from the end that count as being there

export class Inspector {
  constructor(root, store, socketNow) {
    this.root = root.querySelector("[data-inspector]");
    this.body = this.root.querySelector("[data-inspected]");
    this.segments = this.root.querySelector("[data-segments]");
    this.api = root.dataset.api;
    this.store = store;
    this.now = socketNow;
    this.id = null;
    this.written = this.root.querySelector("[data-written]");
    this.loaded = null; // characters that "what the model wrote" was loaded with
    this.written.addEventListener("toggle", () => this.written.open && this.#loadWritten());
    this.cancel = this.root.querySelector("[data-cancel]");
    this.cancel.addEventListener("click", () => this.#stop());
    // While an answer streams, its newest chunk stays in view, until somebody scrolls away or opens something.
    this.pinned = true;
    this.root.addEventListener("scroll", () => (this.pinned = this.#isAtEnd()), { passive: true });
    this.root.addEventListener("toggle", (event) => event.target.open && (this.pinned = false), true);
  }

  show(id) {
    if (this.id === id) return;
    this.id = id;
    this.segments.replaceChildren();
    this.written.open = false;
    this.loaded = null;
    this.#error("");
    this.pinned = true;
    this.streamed = false;
    this.root.scrollTop = 0;
    this.root.querySelector("[data-inspector-empty]").hidden = id !== null;
    this.body.hidden = id === null;
    this.paint();
  }

  paint() {
    const delivery = this.id === null ? null : this.store.deliveries.get(this.id);
    if (!delivery?.head.status) return;
    const segments = segmentsOf(delivery);
    const chunks = [...delivery.chunks.values()].sort((a, b) => a.id - b.id);
    this.#head(delivery.head, segments, chunks);
    this.#track(delivery, segments, chunks);
    const before = new Map(chunks.map((chunk, place) => [chunk.id, chunks[place - 1]]));
    const attempts = new Set(segments.map((segment) => segment.attempt)).size;
    for (const segment of segments) {
      paintSegment(this.segments, segment, chunksOf(delivery, segment.id), before, attempts > 1);
    }
    const streams = isActive(delivery.head);
    if (this.pinned && (streams || this.streamed)) this.root.scrollTop = this.root.scrollHeight;
    this.streamed = streams;
  }

  #isAtEnd() {
    return this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < NEAR;
  }

  open(chunkId) {
    const node = this.segments.querySelector(`[data-chunk="${chunkId}"]`);
    if (!node) return;
    node.open = true;
    node.scrollIntoView({ block: "nearest" });
  }

  #head(head, segments, chunks) {
    put(this.body, "id", `#${this.id}`);
    slot(this.body, "page").setAttribute("href", `/deliveries/${this.id}/`);
    setData(put(this.body, "status", words.status[head.status] ?? head.status), "status", head.status);
    put(this.body, "why", words.reason[head.reason] ?? head.reason);
    put(this.body, "why_code", coded(head.code));
    put(this.body, "why_detail", ours(head.detail) || head.detail);
    const why = this.body.querySelector("[data-why]");
    why.hidden = !(head.reason || head.code || head.detail);
    setData(why, "status", head.status);
    const accepted = delivered(segments);
    setData(this.body, "kind", head.kind);
    const file = head.kind === "media" ? mediaOf(segments.at(-1)?.media ?? {}, head) : null;
    put(this.body, "file", file ? [words.media_kind[file.kind], file.size && size(file.size)].filter(Boolean).join(" · ") : "");
    this.written.hidden = head.kind !== "reply";
    put(this.body, "generated", say("characters", { count: head.generated_length }));
    put(this.body, "accepted", say("characters", { count: accepted }));
    const short = !isActive(head) && head.status !== "in_review" && accepted < head.generated_length;
    setData(slot(this.body, "accepted"), "short", short ? "yes" : "no");
    put(this.body, "chunk_count", chunks.length);
    const first = chunks[0]?.sent_at;
    const last = chunks.at(-1)?.answered_at;
    put(this.body, "waited", first ? span(new Date(first) - new Date(head.created_at)) : "—");
    put(this.body, "took", first && last ? span(new Date(last) - new Date(first)) : "—");
    const trips = chunks.map((chunk) => chunk.elapsed_ms).filter((trip) => trip !== null).sort((a, b) => a - b);
    put(this.body, "round_trip", trips.length ? `${span(trips[trips.length >> 1])} / ${span(trips.at(-1))}` : "—");
    if (this.written.open && head.writing && head.generated_length !== this.loaded) this.#loadWritten();
    this.cancel.hidden = !isActive(head);
    this.cancel.disabled = Boolean(head.cancel_requested_at) || this.stopping === this.id;
  }

  #track(delivery, segments, chunks) {
    const bar = this.root.querySelector("[data-track]");
    const inFlight = chunks.at(-1)?.status === "sending" && isActive(delivery.head);
    const key = chunks.map((chunk) => `${chunk.id}.${chunk.seq}`).join() + (inFlight ? Math.floor(this.now() / 1000) : "");
    this.root.querySelector("[data-track-figure]").hidden = !chunks.length;
    if (this.trackKey === key) return;
    this.trackKey = key;
    const drawn = drawTrack(bar, segments, (id) => chunksOf(delivery, id), this.now(), (id) => this.open(id));
    put(this.root, "track_start", drawn ? clock(drawn.from, "exact") : "");
    put(this.root, "track_end", drawn ? `+${span(drawn.to - drawn.from)}` : "");
  }

  async #loadWritten() {
    const id = this.id;
    // Known already, it only grows: what is there stays until the rest has come.
    const grows = this.loaded !== null;
    this.loaded = this.store.deliveries.get(id).head.generated_length;
    for (const name of grows ? [] : ["generated_text", "reasoning_text"]) put(this.written, name, say("loading"));
    try {
      const answer = await fetch(`${this.api}${id}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const delivery = await answer.json();
      if (id !== this.id) return;
      put(this.written, "generated_text", delivery.generated_text || say("nothing_written"));
      put(this.written, "reasoning_text", delivery.reasoning_text || say("no_reasoning"));
    } catch {
      put(this.written, "generated_text", say("load_failed"));
      put(this.written, "reasoning_text", "");
    }
  }

  async #stop() {
    const id = (this.stopping = this.id);
    this.cancel.disabled = true;
    this.#error("");
    try {
      const answer = await fetch(`${this.api}${id}/cancel`, {
        method: "POST",
        headers: { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content },
      });
      if (!answer.ok) throw new Error((await answer.json())?.error?.message ?? answer.status);
    } catch (error) {
      this.stopping = null;
      if (id === this.id) {
        this.cancel.disabled = false;
        this.#error(say("cancel_failed", { why: error.message }));
      }
    }
  }

  #error(text) {
    put(this.body, "cancel_error", text).hidden = !text;
  }
}
