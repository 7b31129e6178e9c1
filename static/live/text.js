// A segment's text from its chunks. Offsets are code points, as the server counts; JavaScript's are not.

export function textOf(chunks) {
  let points = [];
  for (const chunk of chunks) {
    if (!chunk.text && chunk.start >= points.length) continue;
    // A later chunk that begins earlier is said anew from there.
    points = points.slice(0, chunk.start).concat(Array.from(chunk.text));
  }
  return points;
}

const SETTLED = new Set(["closed", "ended_by_qq", "delivered"]);

// What QQ has, and what is on its way or was not taken. A segment that is over shows what QQ has.
export function parts(segment, points) {
  const accepted = points.slice(0, segment.accepted_length).join("");
  const rest = points.slice(segment.accepted_length).join("");
  return { accepted, rest: SETTLED.has(segment.status) && accepted ? "" : rest };
}

export const isWhole = ({ status, accepted_length, text_length }) => SETTLED.has(status) && accepted_length >= text_length;

// Characters the user has for certain: what QQ still reviews or merely may have does not count, nor do notices.
export function delivered(segments) {
  return segments
    .filter((segment) => segment.purpose !== "notice" && segment.status !== "in_review")
    .reduce((sum, segment) => sum + segment.accepted_length, 0);
}

export const count = (text) => Array.from(text).length;

export function visible(text) {
  return text.replace(/\n/g, "⏎").replace(/\t/g, "⇥");
}
