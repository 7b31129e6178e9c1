// The side panel: faults, gateway, clock, violations.

import { make } from "./bubbles.js";
import { ask } from "./platform.js";
import { known, t } from "./words.js";

const $ = (id) => document.getElementById(id);
const EVERY = 1500; // milliseconds between two looks at the platform's state
const OFTEN = [
  ["always", {}],
  ["times", { count: 1 }],
  ["times", { count: 3 }],
  ["half", { probability: 0.5 }],
  ["tenth", { probability: 0.1 }],
  ["onlyNth", { skip: 1, count: 1 }],
  ["onlyNth", { skip: 2, count: 1 }],
];
const CHOICES = ["fault-endpoint", "fault-frame", "fault-when", "fault-often"];
const GATEWAY = [
  ["do_close", { do: "close", code: 4009 }],
  ["do_op7", { do: "op7" }],
  ["do_op9", { do: "op9" }],
  ["do_invalid_json", { do: "invalid_json" }],
  ["do_unknown_event", { do: "unknown_event" }],
];
const CLOCK = [
  ["minutes", 1, 60],
  ["minutes", 5, 300],
  ["hours", 1, 3600],
  ["hours", 2, 7200],
];

const option = (key, value) => new Option(t(key), value);
const faultName = (fault, rule) => (fault === "code" ? `${rule.code}` : known(`f_${fault}`) ? t(`f_${fault}`) : fault);

export class Panel {
  constructor({ bot, learn }) {
    this.bot = bot;
    this.learn = learn;
    this.kinds = { faults: [], endpoints: [], frames: [] };
    this.state = null;
  }

  async start() {
    this.kinds = await (await fetch("/_sim/phone/choices.json")).json();
    $("faults").addEventListener("change", ({ target }) => this.flip(target.value, target.checked));
    $("faults-clear").addEventListener("click", () => this.change("faults", { method: "DELETE" }));
    $("rules").addEventListener("click", ({ target }) => target.dataset.id && this.change(`faults?id=${target.dataset.id}`, { method: "DELETE" }));
    $("code-fault").addEventListener("submit", (event) => {
      event.preventDefault();
      const code = Number(event.target.code.value);
      event.target.reset();
      this.change("faults", { method: "POST", body: { fault: "code", code, ...this.terms() } });
    });
    this.show();
    await this.look();
    setInterval(() => document.hidden || this.look(), EVERY);
  }

  terms() {
    const terms = { ...OFTEN[$("fault-often").selectedIndex][1] };
    if ($("fault-endpoint").value) terms.endpoint = $("fault-endpoint").value;
    if ($("fault-frame").value) terms.frame = $("fault-frame").value;
    if ($("fault-when").value) terms.when = $("fault-when").value;
    return terms;
  }

  async flip(fault, on) {
    if (on) return this.change("faults", { method: "POST", body: { fault, ...this.terms() } });
    for (const rule of this.state.faults.filter((each) => each.fault === fault)) await ask(`faults?id=${rule.id}`, { method: "DELETE" });
    return this.look();
  }

  async change(path, request) {
    $("error").hidden = true;
    try {
      await ask(path, request);
    } catch (error) {
      $("error").textContent = t("failed", { why: error.message });
      $("error").hidden = false;
    }
    await this.look();
  }

  async look() {
    try {
      this.state = await ask("state");
      this.violations = this.state.violations ? (await ask("violations")).violations : [];
    } catch {
      return; // the page says it is not live; the next look may succeed
    }
    this.learn(this.state);
    this.showState();
  }

  /** Draw what depends on the language. */
  show() {
    const kept = CHOICES.map((id) => $(id).selectedIndex);
    $("fault-endpoint").replaceChildren(option("any", ""), ...this.kinds.endpoints.map((name) => option(`endpoint_${name}`, name)));
    $("fault-frame").replaceChildren(option("any", ""), ...this.kinds.frames.map((name) => option(`frame_${name}`, name)));
    $("fault-when").replaceChildren(option("whenUsual", ""), option("whenBefore", "before"), option("whenAfter", "after"));
    $("fault-often").replaceChildren(...OFTEN.map(([key, terms], at) => new Option(t(key, { n: terms.skip + 1 || terms.count }), at)));
    CHOICES.forEach((id, at) => ($(id).selectedIndex = Math.max(0, kept[at])));
    $("faults").replaceChildren(...this.kinds.faults.filter((name) => name !== "code").map((name) => this.faultRow(name)));
    $("gateway-buttons").replaceChildren(...GATEWAY.map(([key, body]) => this.button(t(key), "gateway", body)));
    $("clock-buttons").replaceChildren(...CLOCK.map(([key, n, advance]) => this.button(t(key, { n }), "clock", { advance })));
    if (this.state) this.showState();
  }

  button(words, path, body) {
    const node = make("button", "button", words);
    node.type = "button";
    node.addEventListener("click", () => this.change(path, { method: "POST", body: { bot: this.bot(), ...body } }));
    return node;
  }

  faultRow(name) {
    const row = make("li");
    const label = make("label");
    const words = make("span", "name", faultName(name));
    words.append(make("small", "", name));
    const toggle = make("input", "toggle");
    toggle.type = "checkbox";
    toggle.value = name;
    label.append(words, make("span", "fired"), toggle);
    row.append(label);
    return row;
  }

  showState() {
    const { faults, bots, now } = this.state;
    for (const toggle of $("faults").querySelectorAll("input")) {
      const rules = faults.filter((rule) => rule.fault === toggle.value);
      const fired = rules.reduce((sum, rule) => sum + rule.fired, 0);
      toggle.checked = rules.length > 0;
      const told = toggle.previousSibling;
      told.textContent = rules.length ? t("fired", { n: fired }) : "";
      told.classList.toggle("hit", fired > 0);
    }
    $("faults-clear").hidden = faults.length === 0;
    $("rules").replaceChildren(...faults.filter((rule) => rule.fault === "code").map((rule) => this.ruleRow(rule)));
    const here = bots.find((each) => each.app_id === this.bot());
    $("gateway-state").textContent = here?.live ? t("sessions", { n: here.sessions }) : t("noSession");
    $("gateway-state").className = here?.live ? "pill good" : "pill";
    const minutes = Math.round((Date.parse(now) - Date.now()) / 60_000);
    const ahead = minutes >= 60 ? t("hours", { n: Math.round(minutes / 6) / 10 }) : t("minutes", { n: minutes });
    $("time-shift").textContent = minutes > 0 ? t("timeShift", { t: ahead }) : "";
    $("violation-count").textContent = this.violations.length;
    $("violation-count").className = this.violations.length ? "pill bad" : "pill good";
    $("violations").replaceChildren(...this.violations.slice(-5).reverse().map((each) => {
      const row = make("li", "", each.rule);
      row.append(make("small", "", each.detail));
      return row;
    }));
  }

  ruleRow(rule) {
    const row = make("li");
    const where = [rule.endpoint && t(`endpoint_${rule.endpoint}`), rule.frame && t(`frame_${rule.frame}`)].filter(Boolean);
    row.append(make("span", "", [rule.code, ...where].join(" · ")), make("span", rule.fired ? "fired hit" : "fired", t("fired", { n: rule.fired })));
    const remove = make("button", "text-button", t("remove"));
    remove.dataset.id = rule.id;
    row.append(remove);
    return row;
  }
}
