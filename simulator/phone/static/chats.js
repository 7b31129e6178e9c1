// Every conversation the platform has told us of, and the one on the screen.

export const keyOf = ({ bot, scene, target }) => `${bot}\n${scene}\n${target}`;

const FIRST = [
  { scene: "c2c", target: "5A1C0FFEE0000000000000000000A001" },
  { scene: "group", target: "6B0000000000000000000000000B0B01" },
];

export class Chats {
  constructor() {
    this.all = new Map();
    this.open = null;
  }

  /** Replace everything by a snapshot; conversations that were only opened here stay. */
  replace(screens) {
    const kept = [...this.all.values()].filter((chat) => chat.local);
    this.all.clear();
    for (const chat of kept) this.all.set(keyOf(chat), { ...chat, bubbles: [] });
    for (const screen of screens) this.all.set(keyOf(screen), { ...screen, local: false });
  }

  /** Take one changed bubble in; return its conversation. */
  take({ bot, scene, target, bubble }) {
    const chat = this.ensure({ bot, scene, target });
    chat.local = false;
    const at = chat.bubbles.findLastIndex((each) => each.id === bubble.id);
    if (at < 0) chat.bubbles.push(bubble);
    else chat.bubbles[at] = bubble;
    return chat;
  }

  ensure(place) {
    const key = keyOf(place);
    if (!this.all.has(key)) this.all.set(key, { ...place, bubbles: [], local: true });
    return this.all.get(key);
  }

  /** Return a bot's conversations, the one that last moved first; two to begin with when there is none. */
  of(bot) {
    const last = (chat) => chat.bubbles.at(-1)?.at ?? "";
    for (const place of FIRST) if (![...this.all.values()].some((chat) => chat.bot === bot && chat.scene === place.scene)) this.ensure({ bot, ...place });
    return [...this.all.values()].filter((chat) => chat.bot === bot).sort((a, b) => last(b).localeCompare(last(a)));
  }

  current() {
    return this.open === null ? null : (this.all.get(this.open) ?? null);
  }
}
