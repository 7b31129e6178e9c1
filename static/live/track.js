// The chunks of a delivery over time: a lane for each segment, a mark from request to answer.

const WIDTH = 1000;
const LANE = 14;
const GAP = 4;
const svg = (name, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};
const ms = (iso) => new Date(iso).getTime();

// Returns {from, to} in ms, or null when nothing was sent. Never less than a second: a single quick chunk is a mark.
export function drawTrack(bar, segments, chunksOf, now, onChoose) {
  const sent = segments.flatMap((segment) => chunksOf(segment.id));
  if (!sent.length) return null;
  const ends = sent.map((chunk) => (chunk.answered_at ? ms(chunk.answered_at) : now));
  const from = Math.min(...sent.map((chunk) => ms(chunk.sent_at)));
  const to = Math.max(from + 1000, ...ends);
  const x = (moment) => ((moment - from) / (to - from)) * WIDTH;
  const height = segments.length * (LANE + GAP) - GAP;
  bar.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  bar.style.height = `${Math.min(height, 120)}px`;
  bar.replaceChildren(
    ...segments.flatMap((segment, lane) => {
      const chunks = chunksOf(segment.id);
      if (!chunks.length) return [];
      const y = lane * (LANE + GAP);
      const start = x(ms(chunks[0].sent_at));
      const last = chunks.at(-1);
      const end = x(last.answered_at ? ms(last.answered_at) : now);
      const ground = svg("rect", { class: "lane", x: start, y: y + 5, width: Math.max(4, end - start), height: 4, rx: 2 });
      return [
        ground,
        ...chunks.map((chunk) => {
          const at = Math.min(x(ms(chunk.sent_at)), WIDTH - 4);
          const width = Math.max(4, x(chunk.answered_at ? ms(chunk.answered_at) : now) - at);
          const mark = svg("rect", { class: "mark", "data-status": chunk.status, x: at, y, width, height: LANE, rx: 1.5 });
          mark.addEventListener("click", () => onChoose(chunk.id));
          return mark;
        }),
      ];
    }),
  );
  return { from, to };
}
