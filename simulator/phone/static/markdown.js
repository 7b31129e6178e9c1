// Markdown as QQ shows it, built as DOM nodes. Text only ever becomes text: nothing here parses HTML.

const INLINE = [
  [/^(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)/, (m) => element("code", m[2].replace(/^ (.+) $/, "$1"))],
  [/^\\([\\`*_{}[\]()#+\-.!|<>~])/, (m) => document.createTextNode(m[1])],
  [/^\*\*(?=\S)([\s\S]*?\S)\*\*/, (m) => holding("strong", m[1])],
  [/^__(?=\S)([\s\S]*?\S)__(?!\w)/, (m) => holding("strong", m[1])],
  [/^\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/, (m) => holding("em", m[1])],
  [/^_(?=[^\s_])([\s\S]*?[^\s_])_(?!\w)/, (m) => holding("em", m[1])],
  [/^~~(?=\S)([\s\S]*?\S)~~/, (m) => holding("del", m[1])],
  [/^!\[([^\]]*)\]\((\S+?)\)/, (m) => link(m[1] || m[2], m[2])],
  [/^\[([^\]]+)\]\((\S+?)\)/, (m) => link(m[1], m[2])],
  [/^<?(https?:\/\/[^\s<>，。；！？（）【】“”]+)>?/, (m) => link(m[1], m[1])],
];
const SPECIAL = /[`\\*_~![<h\n]/;

function element(name, text) {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}

function holding(name, source) {
  const node = document.createElement(name);
  node.append(...inline(source));
  return node;
}

function link(text, address) {
  if (!/^https?:\/\//i.test(address)) return document.createTextNode(text);
  const node = element("a", text);
  node.href = address;
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  return node;
}

export function inline(source) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(plain));
    plain = "";
  };
  for (let at = 0; at < source.length; ) {
    if (!SPECIAL.test(source[at])) {
      plain += source[at++];
      continue;
    }
    const rest = source.slice(at);
    const inWord = /\w/.test(plain.at(-1) ?? "");
    const found = INLINE.map(([pattern, make]) => [rest.match(pattern), make]).find(
      ([match]) => match && !(inWord && "_h".includes(match[0][0])),
    );
    if (found) {
      flush();
      nodes.push(found[1](found[0]));
      at += found[0][0].length;
    } else if (rest[0] === "\n") {
      flush();
      nodes.push(document.createElement("br"));
      at += 1;
    } else {
      plain += rest[0];
      at += 1;
    }
  }
  flush();
  return nodes;
}

const FENCE = /^(\s{0,3})(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^\s{0,3}([-*_])(\s*\1){2,}\s*$/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const startsBlock = (line) => FENCE.test(line) || HEADING.test(line) || ITEM.test(line) || RULE.test(line) || /^\s{0,3}>/.test(line);
const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|"));

function fenced(lines) {
  const fence = lines.shift().match(FENCE)[2];
  const held = [];
  while (lines.length && !(lines[0].trim().startsWith(fence) && !lines[0].trim().replaceAll(fence[0], ""))) held.push(lines.shift());
  lines.shift();
  const node = document.createElement("pre");
  node.append(element("code", held.join("\n")));
  return node;
}

function quote(lines) {
  const held = [];
  while (lines.length && /^\s{0,3}>/.test(lines[0])) held.push(lines.shift().replace(/^\s{0,3}>\s?/, ""));
  const node = document.createElement("blockquote");
  node.append(...blocks(held));
  return node;
}

function list(lines) {
  const [, indent, mark] = lines[0].match(ITEM);
  const ordered = /\d/.test(mark);
  const node = document.createElement(ordered ? "ol" : "ul");
  if (ordered && parseInt(mark, 10) !== 1) node.start = parseInt(mark, 10);
  while (lines.length) {
    const match = lines[0].match(ITEM);
    if (!match || match[1].length !== indent.length || /\d/.test(match[2]) !== ordered) break;
    lines.shift();
    const item = document.createElement("li");
    const words = [match[3].replace(/^\[x\]\s/i, "☑ ").replace(/^\[ \]\s/, "☐ ")];
    while (lines.length && lines[0].trim() && !startsBlock(lines[0]) && /^\s/.test(lines[0])) words.push(lines.shift().trim());
    item.append(...inline(words.join("\n")));
    while (lines.length && (lines[0].match(ITEM)?.[1].length ?? -1) > indent.length) item.append(list(lines));
    node.append(item);
    if (lines[0] === "" && lines[1]?.match(ITEM)?.[1].length === indent.length) lines.shift();
  }
  return node;
}

function table(lines) {
  const head = cells(lines.shift());
  lines.shift();
  const frame = document.createElement("div");
  frame.className = "table";
  const node = document.createElement("table");
  const row = (kind, values) => {
    const line = document.createElement("tr");
    head.forEach((_, at) => line.append(holding(kind, values[at] ?? "")));
    return line;
  };
  node.createTHead().append(row("th", head));
  const body = node.createTBody();
  while (lines.length && lines[0].includes("|")) body.append(row("td", cells(lines.shift())));
  frame.append(node);
  return frame;
}

function blocks(lines) {
  const nodes = [];
  while (lines.length) {
    const line = lines[0];
    if (!line.trim()) lines.shift();
    else if (FENCE.test(line)) nodes.push(fenced(lines));
    else if (HEADING.test(line)) {
      const [, marks, words] = lines.shift().match(HEADING);
      nodes.push(holding(`h${Math.min(marks.length, 4)}`, words));
    } else if (RULE.test(line)) nodes.push(document.createElement(lines.shift() && "hr"));
    else if (/^\s{0,3}>/.test(line)) nodes.push(quote(lines));
    else if (ITEM.test(line)) nodes.push(list(lines));
    else if (line.includes("|") && DIVIDER.test(lines[1] ?? "") && (lines[1] ?? "").includes("-")) nodes.push(table(lines));
    else {
      const words = [lines.shift()];
      while (lines.length && lines[0].trim() && !startsBlock(lines[0])) words.push(lines.shift());
      nodes.push(holding("p", words.join("\n")));
    }
  }
  return nodes;
}

export function markdown(source) {
  return blocks(source.replace(/\r\n?/g, "\n").split("\n"));
}
