// What the page knows: rows keyed by id, laid over each other by their seq. Pure: no DOM, no socket.

export class Store {
  constructor() {
    this.bots = new Map();
    this.sessions = new Map();
    this.messages = new Map();
    this.deliveries = new Map();
    this.gaps = new Map(); // delivery → the seq its replay was asked from
  }

  // Returns the ids of what changed, by kind.
  snapshot(state) {
    const changed = changes();
    this.gaps.clear();
    for (const bot of state.bots ?? []) this.#put(this.bots, bot.bot, bot, changed.bots);
    for (const session of state.sessions ?? []) this.#put(this.sessions, session.id, session, changed.sessions);
    for (const message of state.messages ?? []) this.#put(this.messages, message.id, message, changed.messages);
    for (const event of state.deliveries ?? []) {
      const known = this.#delivery(event.delivery);
      lay(known, event);
      if (event.seq >= known.seen) known.seen = event.seq;
      changed.deliveries.add(event.delivery);
    }
    return changed;
  }

  events(events) {
    const changed = changes();
    for (const event of events) {
      if (event.type === "bot") this.#put(this.bots, event.bot, event, changed.bots);
      if (event.type === "inbound") {
        this.#put(this.sessions, event.session, event.conversation, changed.sessions);
        this.#put(this.messages, event.message.id, { ...event.message, session: event.session }, changed.messages);
      }
      if (event.type === "delivery") {
        this.#event(event);
        changed.deliveries.add(event.delivery);
      }
    }
    return changed;
  }

  // What the model has written by now, until the next event tells more. Returns whether it is news.
  written(id, told) {
    const { head } = this.#delivery(id);
    if (!isActive(head) || told.seq < head.seq) return false;
    const { generated_length, reasoning_length, ended } = told;
    head.generated_length = Math.max(head.generated_length, generated_length);
    head.writing = { generated_length, reasoning_length, ended };
    return true;
  }

  // Which replays to ask for now: delivery → the last seq known without a gap. Each is named once.
  takeGaps() {
    const asked = {};
    for (const [id, since] of this.gaps) {
      if (this.#delivery(id).asked === since) continue;
      this.#delivery(id).asked = since;
      asked[id] = since;
    }
    return asked;
  }

  #event(event) {
    const known = this.#delivery(event.delivery);
    const before = event.since ?? event.seq - 1;
    lay(known, event);
    if (before <= known.seen) {
      known.seen = Math.max(known.seen, event.seq);
      if (known.seen >= known.head.seq) {
        this.gaps.delete(event.delivery);
        known.asked = null;
      }
    } else {
      this.gaps.set(event.delivery, known.seen);
    }
  }

  #delivery(id) {
    let known = this.deliveries.get(id);
    if (!known) {
      known = { id, seen: 0, asked: null, head: { seq: -1 }, attempts: new Map(), segments: new Map(), chunks: new Map() };
      this.deliveries.set(id, known);
    }
    return known;
  }

  #put(rows, id, row, changed) {
    rows.set(id, { ...rows.get(id), ...row });
    changed.add(id);
  }
}

function changes() {
  return { bots: new Set(), sessions: new Set(), messages: new Set(), deliveries: new Set() };
}

function lay(known, event) {
  const { segments, chunks, attempts, ...head } = event;
  for (const attempt of attempts ?? []) {
    const old = known.attempts.get(attempt.number);
    if (!old || event.seq >= old.seq) known.attempts.set(attempt.number, { ...attempt, seq: event.seq });
  }
  // An event without attempts says nothing about them.
  if (event.seq >= known.head.seq) known.head = { ...head, attempts: attemptsOf(known) };
  for (const segment of event.segments) upsert(known.segments, segment);
  for (const chunk of event.chunks) upsert(known.chunks, chunk);
}

function upsert(rows, row) {
  const old = rows.get(row.id);
  if (!old || row.seq >= old.seq) rows.set(row.id, row);
}

export function segmentsOf(delivery) {
  return [...delivery.segments.values()].sort((a, b) => a.attempt - b.attempt || a.number - b.number);
}

export function chunksOf(delivery, segmentId) {
  return [...delivery.chunks.values()].filter((chunk) => chunk.segment === segmentId).sort((a, b) => a.number - b.number);
}

export function attemptsOf(delivery) {
  return [...delivery.attempts.values()].sort((a, b) => a.number - b.number);
}

export const isActive = (head) => head.status === "queued" || head.status === "sending";
