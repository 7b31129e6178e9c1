// The live socket: snapshot, then events; says truly whether it is live, and comes back by itself.

const SILENCE = 12_000; // ms without a word from the server: not live any more
const WAITS = [500, 1000, 2000, 4000, 8000, 15_000];

export class LiveSocket {
  constructor(path, { snapshot, events, beat, state }) {
    this.path = path;
    this.on = { snapshot, events, beat, state };
    this.tries = 0;
    this.heard = 0;
    this.lostAt = null;
    this.offset = 0; // server's clock minus ours, ms
    this.live = false;
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.retryNow());
    addEventListener("pagehide", () => this.socket?.readyState === WebSocket.OPEN && this.#drop());
    addEventListener("pageshow", (event) => event.persisted && this.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.#watch();
      if (!this.live) this.retryNow();
    });
    this.#connect();
  }

  now() {
    return Date.now() + this.offset;
  }

  ask(question) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(question));
  }

  retryNow() {
    if (this.live || this.socket?.readyState === WebSocket.CONNECTING) return;
    this.#connect();
  }

  #connect() {
    this.#drop();
    this.retryAt = null;
    this.on.state({ live: false, trying: true, lostAt: this.lostAt });
    const address = new URL(this.path, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.socket = socket;
    this.heard = Date.now();
    socket.onmessage = (message) => socket === this.socket && this.#hear(JSON.parse(message.data));
    socket.onclose = (event) => socket === this.socket && this.#lost(event.code);
  }

  #hear(frame) {
    this.heard = Date.now();
    if (frame.now) this.offset = new Date(frame.now).getTime() - this.heard;
    switch (frame.type) {
      case "snapshot":
        this.on.snapshot(frame);
        this.tries = 0;
        this.lostAt = null;
        if (!this.live) {
          this.live = true;
          this.on.state({ live: true });
        }
        break;
      case "events":
        this.on.events(frame.events);
        break;
      case "beat":
        this.on.beat?.(frame);
        break;
      case "resync":
        this.ask({ type: "snapshot" });
        break;
    }
  }

  #watch() {
    const silent = Date.now() - this.heard > SILENCE;
    if (this.socket && this.socket.readyState <= WebSocket.OPEN && silent) this.#lost(0);
    if (this.retryAt !== null && this.retryAt !== undefined) {
      const left = Math.ceil((this.retryAt - Date.now()) / 1000);
      if (left <= 0) this.#connect();
      else this.on.state({ live: false, trying: false, lostAt: this.lostAt, left });
    }
  }

  #lost(code) {
    if (this.live) this.lostAt = new Date();
    this.live = false;
    this.#drop();
    const wait = WAITS[Math.min(this.tries, WAITS.length - 1)] * (0.8 + Math.random() * 0.4);
    this.tries += 1;
    this.retryAt = Date.now() + wait;
    this.on.state({ live: false, trying: false, lostAt: this.lostAt, left: Math.ceil(wait / 1000) });
    if (code === 4401 || this.tries > 1) this.#stillSignedIn();
  }

  // A refused handshake looks like a lost network from here: the page itself knows the difference.
  async #stillSignedIn() {
    try {
      const answer = await fetch(location.href, { method: "HEAD", redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect" || answer.status === 404) location.reload();
    } catch {
      // Not reachable at all: the next try will tell.
    }
  }

  #drop() {
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.live = false;
  }
}
