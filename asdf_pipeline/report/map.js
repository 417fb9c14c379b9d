"use strict";
// The map: the view box zooms, what has a fixed size is placed by percentages.
const data = JSON.parse(document.getElementById("data").textContent).map;
const frame = document.getElementById("map-frame");
if (!data || !frame) return;
const NS = "http://www.w3.org/2000/svg";
const map = frame.querySelector(".map");
const ground = frame.querySelector(".ground");
const net = frame.querySelector(".net");
const scale = frame.querySelector(".scale");
const stars = [...frame.querySelectorAll(".star")];
const tip = frame.querySelector(".tip");
const whole = { x: 0, y: 0, w: 1000, h: data.height };
const [west, south, east, north] = data.box;
let view = { ...whole };

const make = (name, attributes, text) => {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};
const longitude = (x) => west + (x / 1000) * (east - west);
const latitude = (y) => north - (y / data.height) * (north - south);
const degrees = (value, step, plus, minus) => {
  const turned = ((((value + 180) % 360) + 360) % 360) - 180;
  const number = Math.abs(turned).toFixed(step < 0.1 ? 2 : step < 1 ? 1 : 0);
  return Number(number) % 180 === 0 ? `${Number(number)}°` : `${number}°${turned < 0 ? minus : plus}`;
};
const roundStep = (span, most) =>
  [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].find((s) => span / s <= most) || 60;

function drawNet() {
  const left = longitude(view.x), right = longitude(view.x + view.w);
  const top = latitude(view.y), bottom = latitude(view.y + view.h);
  const lines = [];
  const step = roundStep(right - left, Math.max(map.clientWidth / 110, 2));
  for (let k = Math.ceil(left / step); k * step < right; k++) {
    const at = `${(100 * (k * step - left)) / (right - left)}%`;
    lines.push(make("line", { x1: at, x2: at, y1: 0, y2: "100%" }));
    if ((map.clientWidth * (k * step - left)) / (right - left) > map.clientWidth - 44) continue;
    lines.push(make("text", { x: at, y: "100%", dx: 3, dy: -5 }, degrees(k * step, step, "E", "W")));
  }
  for (let k = Math.ceil(bottom / step); k * step < top; k++) {
    const at = `${(100 * (top - k * step)) / (top - bottom)}%`;
    lines.push(make("line", { x1: 0, x2: "100%", y1: at, y2: at }));
    if ((map.clientHeight * (top - k * step)) / (top - bottom) > map.clientHeight - 24) continue;
    lines.push(make("text", { x: 4, y: at, dy: -4 }, degrees(k * step, step, "N", "S")));
  }
  net.replaceChildren(...lines);
}

function drawScale() {
  const middle = (latitude(view.y + view.h / 2) * Math.PI) / 180;
  const km = ((view.w / 1000) * (east - west) * 111.2 * Math.cos(middle)) / map.clientWidth;
  const power = 10 ** Math.floor(Math.log10(km * 110));
  const length = [5, 2, 1].find((k) => k * power <= km * 110) * power;
  const pixels = length / km, right = map.clientWidth - 14, y = map.clientHeight - 26;
  const shown = east - west < 300 || view.w < 400; // on a whole world it would lie
  scale.replaceChildren(
    ...(shown
      ? [make("path", { d: `M${right - pixels},${y - 5}v5h${pixels}v-5` }),
         make("text", { x: right, y: y - 9, "text-anchor": "end" }, `${length} km`)]
      : []),
  );
}

function show() {
  if (!map.clientWidth) return; // not laid out yet
  view.w = Math.min(Math.max(view.w, 8), whole.w);
  view.h = (view.w * whole.h) / whole.w;
  view.x = Math.min(Math.max(view.x, 0), whole.w - view.w);
  view.y = Math.min(Math.max(view.y, 0), whole.h - view.h);
  map.style.touchAction = view.w < whole.w ? "none" : ""; // else one finger scrolls the page
  ground.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
  for (const star of stars) {
    star.setAttribute("x", `${(100 * (star.dataset.x - view.x)) / view.w}%`);
    star.setAttribute("y", `${(100 * (star.dataset.y - view.y)) / view.h}%`);
  }
  drawNet();
  drawScale();
}

function zoom(factor, x = view.x + view.w / 2, y = view.y + view.h / 2) {
  const w = Math.min(Math.max(view.w / factor, 8), whole.w), ratio = w / view.w;
  view = { x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio, w, h: view.h * ratio };
  show();
}

const place = (event) => {
  const box = map.getBoundingClientRect();
  const px = event.clientX - box.left, py = event.clientY - box.top;
  return { px, py, x: view.x + (px / box.width) * view.w, y: view.y + (py / box.height) * view.h };
};

function nearest(at) {
  const unit = view.w / map.clientWidth;
  let best = -1, distance = (12 * unit) ** 2;
  for (let k = 0; k < data.x.length; k++) {
    const d = (data.x[k] - at.x) ** 2 + (data.y[k] - at.y) ** 2;
    if (d < distance) [best, distance] = [k, d];
  }
  return best;
}

function point(event) {
  const at = place(event), k = nearest(at);
  tip.hidden = k < 0;
  map.style.cursor = k < 0 ? (view.w < whole.w ? "grab" : "default") : "pointer";
  if (k < 0) return;
  tip.textContent = `${data.name[k]} · ${data.status[k]}`;
  tip.style.left = `${Math.max(4, Math.min(at.px + 12, map.clientWidth - tip.offsetWidth - 6))}px`;
  tip.style.top = `${Math.max(4, at.py - 34)}px`;
}

const fingers = new Map();
let moved = false;
map.addEventListener("pointerdown", (event) => {
  fingers.set(event.pointerId, event);
  moved = false;
});
window.addEventListener("pointerup", (event) => fingers.delete(event.pointerId));
window.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
map.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return point(event);
  const others = [...fingers.values()].filter((f) => f.pointerId !== event.pointerId);
  const unit = view.w / map.clientWidth;
  if (others.length) {
    const spread = (e) => Math.hypot(e.clientX - others[0].clientX, e.clientY - others[0].clientY);
    const at = place(event);
    zoom(spread(event) / Math.max(spread(before), 1), at.x, at.y);
    moved = true;
  } else if (view.w < whole.w) {
    view.x -= (event.clientX - before.clientX) * unit;
    view.y -= (event.clientY - before.clientY) * unit;
    moved = moved || Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY) > 1;
    show();
  }
  fingers.set(event.pointerId, event);
});
map.addEventListener("pointerleave", () => { tip.hidden = true; });
map.addEventListener("click", (event) => {
  const k = moved ? -1 : nearest(place(event));
  if (k >= 0) document.dispatchEvent(new CustomEvent("find", { detail: data.name[k] }));
});
map.addEventListener("dblclick", (event) => { const at = place(event); zoom(2, at.x, at.y); });
map.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const at = place(event);
  zoom(Math.exp(-event.deltaY / 300), at.x, at.y);
}, { passive: false });
for (const button of frame.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    if (Number(button.dataset.zoom)) zoom(Number(button.dataset.zoom));
    else { view = { ...whole }; show(); }
  });
}
frame.querySelector(".buttons").hidden = false;
new ResizeObserver(show).observe(map);
