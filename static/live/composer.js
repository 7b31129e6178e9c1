// Writing to a session: a text, and files that are attached, dropped or pasted; handed over in the order given.

import { post } from "./calls.js";
import { put, say, words } from "./dom.js";
import { Outgoing, newKey } from "./outgoing.js";

const TALLEST = 160; // pixels the text field grows to

export class Composer {
  constructor(root, { onSend }) {
    this.onSend = onSend;
    this.form = root.querySelector("[data-composer]");
    this.session = Number(this.form.dataset.session);
    this.takesFiles = this.form.dataset.uploads === "yes";
    this.text = this.form.querySelector("[data-text]");
    this.button = this.form.querySelector("[data-send]");
    this.list = this.form.querySelector("[data-outgoing]");
    this.files = this.form.querySelector("[data-files]");
    this.items = [];
    this.uploads = Promise.resolve();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit();
    });
    this.text.addEventListener("input", () => this.#changed());
    this.form.addEventListener("paste", (event) => this.#pasted(event));
    this.form.querySelector("[data-attach]")?.addEventListener("click", () => this.files.click());
    this.files?.addEventListener("change", () => {
      this.add([...this.files.files]);
      this.files.value = "";
    });
    this.#watchDrops(root.querySelector("[data-drop]"));
    addEventListener("beforeunload", (event) => (this.items.length || this.sending) && event.preventDefault());
    this.#changed();
  }

  add(files) {
    if (!files.length) return;
    if (!this.takesFiles) {
      this.#error(words.reason.no_uploads);
      return;
    }
    this.#error("");
    for (const file of files) {
      const item = new Outgoing(file, { remove: (one) => this.#remove(one), retry: (one) => this.#retry(one) });
      this.items.push(item);
      this.list.append(item.node);
      this.#queue(item);
    }
    this.#changed();
    this.list.lastElementChild.scrollIntoView({ block: "nearest" });
  }

  // One after another: the first is ready soonest.
  #queue(item) {
    const uploaded = this.uploads.then(() => item.upload());
    this.uploads = uploaded;
    item.uploaded = uploaded;
  }

  #retry(item) {
    item.again();
    this.#queue(item);
  }

  #remove(item) {
    item.leave();
    this.items = this.items.filter((other) => other !== item);
    this.#changed();
    this.text.focus();
  }

  // The text, then each file in the order given. The first that cannot be handed over keeps those behind it.
  async #send() {
    if (this.sending || !this.#hasSomething()) return;
    this.sending = true;
    this.#changed();
    this.#error("");
    this.onSend();
    try {
      await this.#handText();
      for (const item of [...this.items]) if (!(await this.#handItem(item))) break;
    } catch (error) {
      this.#error(say("not_handed_over", { why: error.message }));
    } finally {
      this.sending = false;
      this.#changed();
    }
  }

  async #handText() {
    const text = this.text.value;
    if (!text.trim()) return;
    // Tried again after an answer that never came, the same words under the same key go out once.
    if (this.tried?.text !== text) this.tried = { text, key: newKey() };
    await post("/deliveries", { session: this.session, kind: "message", text, idempotency_key: this.tried.key });
    this.tried = null;
    if (this.text.value === text) this.text.value = "";
    this.#changed();
  }

  async #handItem(item) {
    await item.uploaded;
    if (item.state === "gone") return true;
    if (item.state !== "ready") {
      this.#error(say("one_waits"));
      return false;
    }
    item.handing();
    try {
      await post("/deliveries", {
        session: this.session,
        kind: "media",
        file: item.document.id,
        name: item.file.name.slice(0, 200),
        caption: item.caption,
        media_kind: item.isFile ? "file" : "",
        idempotency_key: item.key,
      });
    } catch (error) {
      item.notHanded(error.message);
      throw error;
    }
    this.#remove(item);
    return true;
  }

  #hasSomething() {
    return Boolean(this.text.value.trim() || this.items.length);
  }

  #changed() {
    this.list.hidden = !this.items.length;
    this.button.disabled = this.sending || !this.#hasSomething();
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight + 2, TALLEST)}px`;
  }

  #error(text) {
    put(this.form, "error", text).hidden = !text;
  }

  #pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  // Anywhere on the page: a file let go beside the conversation must not replace the page.
  #watchDrops(cover) {
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    const show = (change) => {
      depth = Math.max(0, depth + change);
      cover.hidden = depth === 0;
    };
    addEventListener("dragenter", (event) => carriesFiles(event) && show(1));
    addEventListener("dragleave", (event) => carriesFiles(event) && show(-1));
    addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = this.takesFiles ? "copy" : "none";
    });
    addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      show(-depth);
      const entries = [...event.dataTransfer.items].filter((item) => item.kind === "file");
      const whole = entries.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory).map((item) => item.getAsFile());
      this.add(whole.filter(Boolean));
      if (whole.length < entries.length) this.#error(say("no_folders"));
    });
  }
}
