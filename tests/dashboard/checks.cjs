// Looked at within the page: can all text be read against its ground, and is the page built as readers need it?
"use strict";

exports.contrast = () => {
  const parse = (colour) => {
    const parts = colour.match(/[\d.]+/g).map(Number);
    return parts.length < 4 ? [...parts, 1] : parts;
  };
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const bad = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const speaks = [...element.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim());
    if (element.closest("svg") || !speaks || !element.offsetParent) continue;
    const [a, b] = [parse(getComputedStyle(element).color), ground(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.add(`${ratio.toFixed(2)} ${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
  }
  return [...bad];
};

exports.structure = () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const ids = all("[id]").map((e) => e.id);
  const bad = [];
  if (all("main").length !== 1 || all("h1").length !== 1) bad.push("not one main and one h1");
  if (all("table").some((t) => !t.caption)) bad.push("a table without a caption");
  if (all("svg").some((s) => s.getAttribute("role") !== "img" && !s.hasAttribute("aria-hidden"))) bad.push("a bare picture");
  if (all("svg[role=img]").some((s) => !s.querySelector("title"))) bad.push("a picture without a title");
  if (all("a, button").some((e) => !(e.getAttribute("aria-label") || e.textContent.trim()))) bad.push("a nameless link");
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) bad.push(`id twice: ${id}`);
  for (const e of all("[aria-labelledby]")) {
    for (const id of e.getAttribute("aria-labelledby").split(" ")) if (!ids.includes(id)) bad.push(`no ${id}`);
  }
  return bad;
};
