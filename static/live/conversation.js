// One conversation: what came in on the left, the bot's bubbles on the right, the streaming one growing in place.

import { clock, clone, coded, put, putTime, say, setData, slot, words } from "./dom.js";
import { fillMedia, mediaOf } from "./media.js";
import { chunksOf, isActive, segmentsOf } from "./store.js";
import { delivered, isWhole, parts, textOf } from "./text.js";

const NEAR = 80; // pixels from the end that count as being there

export class Conversation {
  constructor(root, store, { onInspect, announce }) {
    this.pane = root.querySelector("[data-conversation]");
    this.turns = root.querySelector("[data-turns]");
    this.empty = root.querySelector("[data-empty]");
    this.toEnd = root.querySelector("[data-to-end]");
    this.isNewest = root.dataset.newest === "yes";
    this.atEnd = true;
    this.top = 0;
    this.store = store;
    this.announce = announce;
    this.statuses = new Map();
    this.turns.addEventListener("click", (event) => {
      const turn = event.target.closest("[data-delivery]");
      const wanted = event.target.closest("[data-inspect]") || (turn && !String(getSelection()));
      if (turn && wanted) onInspect(Number(turn.dataset.delivery), Boolean(event.target.closest("[data-inspect]")));
    });
    this.pane.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Pictures that load and what is written below take room away: whoever was at the end stays there.
    const room = new ResizeObserver(() => this.atEnd && this.isNewest && this.scrollToEnd());
    for (const node of [this.pane, this.turns]) room.observe(node);
    this.toEnd.addEventListener("click", () => this.scrollToEnd());
  }

  scrollToEnd() {
    this.pane.scrollTop = this.pane.scrollHeight;
  }

  paint(messages, deliveries) {
    for (const id of messages) this.#message(this.store.messages.get(id));
    for (const id of deliveries) this.#delivery(this.store.deliveries.get(id));
    this.empty.hidden = this.turns.childElementCount > 0;
    if (this.atEnd && this.isNewest) this.scrollToEnd();
    this.#showToEnd();
  }

  choose(id) {
    for (const node of this.turns.querySelectorAll("[data-delivery]")) {
      node.classList.toggle("is-chosen", Number(node.dataset.delivery) === id);
    }
  }

  #isAtEnd() {
    return this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight < NEAR;
  }

  // Only going up leaves the end: what grew meanwhile has moved nobody.
  #scrolled() {
    const { scrollTop } = this.pane;
    if (this.#isAtEnd()) this.atEnd = true;
    else if (scrollTop < this.top) this.atEnd = false;
    this.top = scrollTop;
    this.#showToEnd();
  }

  #showToEnd() {
    this.toEnd.hidden = this.#isAtEnd();
  }

  #message(message) {
    let node = this.turns.querySelector(`[data-message="${message.id}"]`);
    if (!node) {
      if (!this.isNewest) return;
      node = clone("message-template");
      node.dataset.message = message.id;
      this.#insert(node, message.received_at);
    }
    put(node, "text", message.content);
    put(node, "author", message.author_name);
    putTime(node, "time", message.received_at);
    slot(node, "ignored").hidden = message.addressed;
    const list = slot(node, "attachments");
    if (list.childElementCount !== message.attachments.length) {
      list.replaceChildren(
        ...message.attachments.map((attachment) => {
          const item = document.createElement("li");
          item.textContent = attachment.filename || attachment.content_type || say("attachment");
          item.dir = "auto";
          return item;
        }),
      );
    }
  }

  #delivery(delivery) {
    const head = delivery.head;
    let node = this.turns.querySelector(`[data-delivery="${delivery.id}"]`);
    if (!node) {
      if (!this.isNewest) return;
      node = clone("delivery-template");
      node.dataset.delivery = delivery.id;
      this.#insert(node, head.created_at);
    }
    setData(node, "status", head.status);
    const segments = shown(segmentsOf(delivery));
    const bubbles = slot(node, "bubbles");
    for (const bubble of [...bubbles.children]) {
      if (!segments.some((segment) => String(segment.id) === bubble.dataset.segment)) bubble.remove();
    }
    for (const segment of segments) this.#bubble(bubbles, segment, delivery);
    if (!segments.length && head.kind !== "reply") this.#draft(bubbles, delivery);
    this.#pending(node, head, segments);
    put(node, "by", head.requested_name ? say("by", { name: head.requested_name }) : "");
    const status = put(node, "status", words.status[head.status] ?? head.status);
    setData(status, "status", head.status);
    put(node, "count", progress(head, delivered(segments)));
    const reason = isActive(head) || head.status === "delivered" ? "" : (words.reason[head.reason] ?? head.reason);
    const step = reason && head.failed_step ? say("failed_at", { step: stepWord(head.failed_step) }) : "";
    put(node, "reason", [reason, step, reason && coded(head.code)].filter(Boolean).join(" "));
    putTime(node, "time", head.created_at);
    this.#tell(delivery.id, head, reason);
  }

  #bubble(bubbles, segment, delivery) {
    let node = bubbles.querySelector(`[data-segment="${segment.id}"]`);
    if (!node) {
      node = clone("bubble-template");
      node.dataset.segment = segment.id;
      bubbles.append(node);
    }
    setData(node, "kind", segment.kind);
    setData(node, "status", segment.status);
    setData(node, "purpose", segment.purpose);
    put(node, "tag", words.purpose[segment.purpose] ?? "");
    setData(node, "suspect", segment.suspect ? "yes" : "no");
    const { accepted, rest } = parts(segment, textOf(chunksOf(delivery, segment.id)));
    put(node, "accepted", accepted);
    put(node, "rest", rest);
    // A code block that was cut: what QQ was sent around the model's words.
    put(node, "opens", accepted && segment.opens_with);
    put(node, "closes", isWhole(segment) ? segment.closes_with : "");
    put(node, "note", segment.media && segment.status === "failed" ? "" : note(segment, rest) || unsent(segment, accepted, delivery));
    if (segment.media) fillMedia(node, mediaOf(segment.media, delivery.head), segment.status === "open" && isActive(delivery.head));
  }

  // What somebody asked for, before anything of it has left.
  #draft(bubbles, { head }) {
    const node = clone("bubble-template");
    setData(node, "segment", "draft");
    setData(node, "kind", head.kind);
    setData(node, "status", isActive(head) ? "open" : "failed");
    put(node, "rest", head.text);
    if (head.kind === "media") fillMedia(node, mediaOf({}, head), false);
    bubbles.append(node);
  }

  #pending(node, head, segments) {
    const open = segments.some((segment) => segment.status === "open" && segment.kind !== "plain");
    const writes = writing(head, delivered(segments));
    const pending = slot(node, "pending");
    pending.hidden = !isActive(head) || (open && !writes);
    if (!pending.hidden) put(node, "pending_word", waitsFor(head, writes));
  }

  // A screen reader hears how an answer ended, not each of its chunks.
  #tell(id, head, reason) {
    const before = this.statuses.get(id);
    this.statuses.set(id, head.status);
    if (before && before !== head.status && !isActive(head)) this.announce(`${words.status[head.status]}. ${reason}`);
  }

  #insert(node, moment) {
    node.dataset.at = moment;
    const later = [...this.turns.children].find((other) => (other.dataset.at ??= stampOf(other)) > moment);
    this.turns.insertBefore(node, later ?? null);
  }
}

const stampOf = (turn) => slot(turn, "time").getAttribute("datetime");

// Bubbles of an attempt that nobody can have seen give way to those of the next one.
function shown(segments) {
  const last = Math.max(0, ...segments.map((segment) => segment.attempt));
  return segments.filter(
    (segment) => segment.attempt === last || segment.accepted_length || !["failed", "open"].includes(segment.status),
  );
}

function waitsFor(head, writes) {
  if (head.cancel_requested_at) return say("cancelling");
  if (head.status === "queued") return head.due_at ? say("not_before", { time: clock(head.due_at, "precise") }) : say("waiting");
  return writes || say(head.kind === "reply" ? "thinking" : "begins");
}

// What the model writes while nothing of it leaves; "" where that is not known, or nothing waits.
function writing({ writing: now }, done) {
  if (!now) return "";
  if (now.generated_length > done) return say(now.ended ? "written_waits" : "writing", { count: now.generated_length });
  return !now.generated_length && now.reasoning_length ? say("reasoning", { count: now.reasoning_length }) : "";
}

// The adapter's word for the step that shows it to the user is "send"; its chunk's is "media".
const stepWord = (step) => words.chunk_kind[step === "send" ? "media" : step] ?? step;

// "Delivered" beside "delivered" would say it twice; what a person wrote is not counted.
function progress(head, done) {
  if (!head.generated_length || head.kind !== "reply") return "";
  if (head.status === "delivered" && done === head.generated_length) return say("characters", { count: done });
  return say("you_see", { accepted: done, generated: head.generated_length });
}

// A bubble that never left has no text of its own: what it would have begun is counted.
function unsent(segment, accepted, delivery) {
  if (segment.status !== "failed" || segment.media || accepted) return "";
  const count = delivery.head.generated_length - delivered(segmentsOf(delivery));
  return count > 0 ? say("rest_not_sent", { count }) : say("not_sent");
}

function note(segment, rest) {
  if (segment.status === "unclosed") return say("left_open");
  if (segment.status === "in_review") return say("reviewing");
  if (segment.status === "unknown") return say("maybe_sent");
  if (segment.suspect) return say("maybe_dropped");
  if (segment.status !== "open" && rest) return say("not_sent");
  return "";
}
