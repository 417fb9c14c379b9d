"use strict";
// The table of stations: only the rows in sight exist, so that 10,000 scroll smoothly.
const table = JSON.parse(document.getElementById("data").textContent).table;
const STATUSES = ["ok", "empty", "failed", "skipped"];
const ROW = 31;
const box = document.getElementById("table");
const search = document.getElementById("search");
const found = document.getElementById("found");
const chips = [...document.querySelectorAll(".chip")];
const detail = document.getElementById("detail");
const size = table.station.length;

const coded = (name) => (row) => table[name].values[table[name].index[row]];
const plain = (name) => (row) => table[name][row];
const time = (seconds) => (seconds === null ? "" : new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " "));
const integer = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");
const short = (n) => (n >= 1e7 || (n && n < 1e-3) ? n.toExponential(2) : n > 999 ? integer(Math.round(n)) : n.toPrecision(3));
const bytes = (n) => {
  let unit = 0;
  const units = ["B", "kB", "MB", "GB", "TB"];
  for (; n >= 999.5 && unit < 4; unit++) n /= 1000;
  return unit ? `${n.toPrecision(3)} ${units[unit]}` : `${n} B`;
};
const COLUMNS = [
  { title: "Station", width: 130, value: plain("station") },
  { title: "Status", width: 84, value: (row) => STATUSES[table.status[row]] },
  { title: "Tag", width: 220, value: coded("tag") },
  { title: "Traces", width: 78, value: plain("traces"), number: true },
  { title: "Samples", width: 104, value: plain("samples"), number: true, text: integer },
  { title: "Start", width: 176, value: plain("start"), text: time },
  { title: "End", width: 176, value: plain("end"), text: time },
  { title: "Rate (Hz)", width: 92, value: coded("rate"), number: true },
  { title: "Channels", width: 170, value: coded("channels") },
  { title: "Gaps", width: 68, value: plain("gaps"), number: true },
  { title: "Peak", width: 96, value: plain("peak"), number: true, text: (n) => (n === null ? "" : short(n)) },
  { title: "Time (s)", width: 84, value: plain("seconds"), number: true, text: short },
  { title: "Size", width: 84, value: plain("bytes"), number: true, text: (n) => (n ? bytes(n) : "") },
  { title: "Worker", width: 120, value: coded("worker") },
  { title: "Error", width: 420, value: plain("error") },
];
const text = (column, row) => {
  const value = column.value(row);
  return column.text ? column.text(value) : value === null ? "" : String(value);
};

const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

// What a search looks through, in lower case, made when first asked for.
let haystack = null;
const lookup = (row) => {
  haystack ??= table.station.map((name, k) =>
    [name, coded("tag")(k), coded("channels")(k), coded("worker")(k), table.error[k]].join("\n").toLowerCase());
  return haystack[row];
};

let rows = [], sorted = 0, down = false, first = -1, last = -1;
const wanted = new Set();

const arrow = (index) => (index !== sorted ? "" : down ? " ↓" : " ↑");
const heads = COLUMNS.map((column, index) => {
  const button = make("button", { type: "button" }, column.title + arrow(index));
  button.addEventListener("click", () => {
    down = index === sorted ? !down : Boolean(column.number);
    sorted = index;
    choose();
  });
  return make("th", { scope: "col", class: column.number ? "number" : "text" }, button);
});
const body = make("tbody");
const columns = make("colgroup", {}, ...COLUMNS.map(() => make("col")));
COLUMNS.forEach((column, index) => { columns.children[index].style.width = `${column.width}px`; });
const whole = make("table", { "aria-rowcount": size + 1 }, columns, make("thead", {}, make("tr", { "aria-rowindex": 1 }, ...heads)), body);
whole.style.width = `${COLUMNS.reduce((sum, column) => sum + column.width, 0)}px`;
box.append(whole);

function compare(a, b) {
  const column = COLUMNS[sorted];
  const x = column.value(a), y = column.value(b);
  if (x === y) return a - b;
  if (x === null || x === "") return 1;
  if (y === null || y === "") return -1;
  const order = column.number && typeof x === "string" ? parseFloat(x) - parseFloat(y) : x < y ? -1 : 1;
  return down ? -order : order;
}

function choose() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  rows = [];
  for (let row = 0; row < size; row++) {
    if (wanted.size && !wanted.has(table.status[row])) continue;
    if (words.length && !words.every((word) => lookup(row).includes(word))) continue;
    rows.push(row);
  }
  rows.sort(compare);
  heads.forEach((head, index) => {
    head.firstChild.textContent = COLUMNS[index].title + arrow(index);
    if (index === sorted) head.setAttribute("aria-sort", down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
  found.textContent = `${rows.length === size ? "" : `${integer(rows.length)} of `}${integer(size)} rows`;
  box.scrollTop = 0;
  first = -1;
  draw();
}

const gap = () => make("tr", { class: "gap", "aria-hidden": "true" }, make("td", { colspan: COLUMNS.length }));
const above = gap(), below = gap();
const nothing = make("tr", { class: "gap" }, make("td", { colspan: COLUMNS.length }, "No station matches."));

function line(row, index) {
  const cells = COLUMNS.map((column, k) => {
    const value = text(column, row);
    const cell = make("td", { class: column.number ? "number" : "text" });
    if (k === 0) cell.append(make("button", { type: "button", class: "link" }, value));
    else if (k === 1) cell.append(make("span", { class: `pill ${value}` }, value));
    else cell.textContent = value;
    if (value.length > column.width / 9) cell.title = value;
    return cell;
  });
  const element = make("tr", { "aria-rowindex": index + 2 }, ...cells);
  element.addEventListener("click", () => open(row));
  return element;
}

// Rows that stay in sight are kept: only those that come and go are touched.
function draw() {
  const from = Math.max(0, Math.floor(box.scrollTop / ROW) - 15);
  const to = Math.min(rows.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + 15);
  if (first >= 0 && Math.abs(from - first) < 5 && Math.abs(to - last) < 5 && to !== rows.length && from) return;
  if (first < 0 || from >= last || to <= first) {
    body.replaceChildren(above, ...(rows.length ? [] : [nothing]), below);
    first = last = from;
  }
  for (; first < from; first++) above.nextSibling.remove();
  for (; last > to; last--) below.previousSibling.remove();
  while (first > from) above.after(line(rows[--first], first));
  for (; last < to; last++) below.before(line(rows[last], last));
  above.firstChild.style.height = `${from * ROW}px`;
  below.firstChild.style.height = `${(rows.length - to) * ROW}px`;
}

function open(row) {
  const list = make("dl", { class: "rows" }, ...COLUMNS.slice(1).concat({ title: "Digest", value: plain("digest") })
    .map((column) => [column.title, text(column, row)])
    .filter(([, value]) => value !== "")
    .map(([title, value]) => make("div", {}, make("dt", {}, title), make("dd", {}, value))));
  const close = make("button", { type: "button", class: "close" }, "Close");
  close.addEventListener("click", () => detail.close());
  detail.replaceChildren(close, make("h3", { id: "detail-title" }, table.station[row]), list);
  detail.showModal();
}

function find(name) {
  search.value = name;
  wanted.clear();
  chips.forEach((chip) => chip.setAttribute("aria-pressed", "false"));
  choose();
  document.getElementById("stations").scrollIntoView();
}

let due = false;
box.addEventListener("scroll", () => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => { due = false; draw(); });
});
search.addEventListener("input", choose);
for (const chip of chips) {
  chip.addEventListener("click", () => {
    const status = Number(chip.dataset.status);
    if (!wanted.delete(status)) wanted.add(status);
    chip.setAttribute("aria-pressed", String(wanted.has(status)));
    choose();
  });
}
detail.addEventListener("click", (event) => { if (event.target === detail) detail.close(); });
document.addEventListener("find", (event) => find(event.detail));
for (const link of document.querySelectorAll("[data-find]")) {
  link.addEventListener("click", (event) => { event.preventDefault(); find(link.dataset.find); });
}
document.getElementById("table-tools").hidden = false;
box.classList.toggle("short", size < 18);
new ResizeObserver(() => { first = -1; draw(); }).observe(box);
choose();
