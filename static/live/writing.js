// What a model writes while nothing of it leaves: a bot that is held, a group that gets its answer whole. Live events
// tell of frames only, so an answer that was quiet for a while is asked about, as long as somebody looks.

const QUIET = 2500; // ms without an event

export class Writing {
  constructor(store, tell) {
    this.store = store;
    this.tell = tell;
    this.heard = new Map(); // delivery → when something was heard of it last
    this.asking = false;
  }

  hear(ids) {
    for (const id of ids) this.heard.set(id, Date.now());
  }

  // To be called every second.
  async look() {
    if (this.asking) return;
    this.asking = true;
    try {
      for (const { id, head } of this.store.deliveries.values()) {
        if (head.kind !== "reply" || head.status !== "sending") this.heard.delete(id);
        else if (Date.now() - (this.heard.get(id) ?? 0) >= QUIET) await this.#ask(id);
      }
    } finally {
      this.asking = false;
    }
  }

  async #ask(id) {
    this.hear([id]);
    try {
      const answer = await fetch(`/deliveries/${id}/written/`, { headers: { Accept: "application/json" }, redirect: "error" });
      if (answer.ok && this.store.written(id, await answer.json())) this.tell(id);
    } catch {
      // The pill says that the page is not live; the next look asks again.
    }
  }
}
