// One file on its way to the console: its card, what QQ will make of it, its upload. Nothing of it has left for QQ.

import { upload } from "./calls.js";
import { clone, embedded, mediaNote, put, say, setData, setIcon, size, slot, words } from "./dom.js";
import { forecast } from "./fit.js";

const PREVIEW = 96; // pixels
const LARGEST_PREVIEW = 20 * 1024 * 1024; // bytes of a picture that the browser is asked to open

// States: waiting, uploading, checking, ready, failed (may be tried again), refused (never), handing, gone.
export class Outgoing {
  constructor(file, { remove, retry }) {
    this.file = file;
    this.key = newKey();
    this.document = null;
    this.node = clone("outgoing-template");
    this.as = this.node.querySelector("[data-as-file]");
    this.node.querySelector("[data-remove]").addEventListener("click", () => remove(this));
    this.node.querySelector("[data-retry]").addEventListener("click", () => retry(this));
    this.as.addEventListener("change", () => this.#facts());
    put(this.node, "name", file.name);
    this.expected = forecast(file, embedded("limits"));
    this.#facts();
    if (this.expected.problem) this.#state("refused", words.media_problem[this.expected.problem]);
    else this.#state("waiting");
    this.#preview();
  }

  get caption() {
    return this.node.querySelector("[data-caption]").value.trim();
  }

  get isFile() {
    return this.as.checked;
  }

  // Resolves when there is nothing more to wait for: the state is then ready, failed or gone.
  async upload() {
    if (this.state !== "waiting") return;
    this.#state("uploading");
    this.#progress(0);
    const way = upload(this.file, (sent, total) => this.#progress(Math.floor((100 * sent) / total)));
    this.stop = way.stop;
    try {
      this.document = await way.done;
      this.#facts();
      this.#state("ready");
    } catch (error) {
      if (this.state !== "gone") this.#state("failed", error.message);
    }
  }

  again() {
    this.#state("waiting");
  }

  handing() {
    this.#state("handing");
  }

  notHanded(why) {
    this.#state("ready", why);
  }

  leave() {
    this.state = "gone";
    this.stop?.();
    this.node.remove();
  }

  #state(state, problem = "") {
    this.state = state;
    setData(this.node, "state", state);
    put(this.node, "problem", problem);
    const word = { checking: "checking", ready: problem ? "" : "ready", handing: "queueing" }[state];
    put(this.node, "state", word ? say(word) : "");
    this.node.querySelector("[data-retry]").hidden = state !== "failed";
    this.node.querySelector("[data-remove]").disabled = state === "handing";
  }

  #progress(percent) {
    this.node.querySelector("[data-progress]").value = percent;
    if (percent >= 100) this.#state("checking");
    else put(this.node, "state", say("uploading", { percent }));
  }

  // What QQ will make of it: our guess, until the console has looked into it.
  #facts() {
    const known = this.document ? { kind: this.document.sent_as, note: this.document.note } : this.expected;
    const natural = known.kind;
    const kind = this.isFile ? "file" : natural;
    put(this.node, "facts", [size(this.file.size), say("as_kind", { kind: words.media_kind[kind] })].join(" · "));
    const converted = natural === "voice" && this.document?.mime !== "audio/silk" ? "becomes_voice" : "";
    put(this.node, "note", this.isFile ? "" : mediaNote(known.note || converted));
    setData(this.node, "kind", kind);
    setIcon(slot(this.node, "picture"), kind);
    this.node.querySelector("[data-as]").hidden = natural === "file";
  }

  async #preview() {
    if (!this.file.type.startsWith("image/") || this.expected.problem || this.file.size > LARGEST_PREVIEW) return;
    try {
      const picture = await createImageBitmap(this.file, { resizeHeight: PREVIEW, resizeQuality: "medium" });
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = PREVIEW;
      canvas.getContext("2d").drawImage(picture, (PREVIEW - picture.width) / 2, 0);
      picture.close();
      slot(this.node, "picture").replaceChildren(canvas);
    } catch {
      // The browser cannot open it: the icon stays, and the console says what it is.
    }
  }
}

// crypto.randomUUID is missing where the page is not served over https.
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
