"use strict";
// Two things that HTML alone cannot do: follow the calls as they end, and tell that the harness has changed.
// All text goes in by textContent: names and errors come from generated code.
(() => {
  const SIGNS = {
    completed: ["good", "●"], tool_error: ["warn", "▲"], timeout: ["bad", "◷"],
    crashed: ["bad", "✕"], protocol_error: ["bad", "✕"],
  };
  const byId = (id) => document.getElementById(id);

  const element = (name, kind, ...inside) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    made.append(...inside);
    return made;
  };

  const state = (status) => {
    const [kind, sign] = SIGNS[status] || ["even", "○"];
    const mark = element("span", "", sign);
    mark.setAttribute("aria-hidden", "true");
    return element("span", `state ${kind}`, mark, ` ${status.replaceAll("_", " ")}`);
  };

  const row = (call) => {
    const link = element("a", "", `${call.artifact} `, element("b", "", call.tool));
    link.href = `/tool?${new URLSearchParams({ artifact: call.artifact, name: call.tool })}`;
    const client = element("td", "when", call.client);
    if (call.origin !== "agent") client.append(" ", element("span", "soft", call.origin));
    const made = element("tr", "fresh", element("td", "mono", call.time), element("td", "", link),
      element("td", "", state(call.status)), element("td", "num", call.duration), client,
      element("td", "wide", call.error));
    made.dataset.status = call.status;
    return made;
  };

  const followCalls = (table) => {
    const body = table.tBodies[0];
    const keep = Number(table.dataset.keep);
    const waiting = [];
    let paused = false;
    let untold = 0;
    let last = "";

    const word = (kind, sign, text) => {
      byId("link").className = `state ${kind}`;
      byId("link").firstElementChild.textContent = sign;
      byId("link-word").textContent = text;
    };
    const show = (call) => {
      body.prepend(row(call));
      while (body.rows.length > keep) body.lastElementChild.remove();
      byId("none").hidden = true;
    };
    // A screen reader hears a summary now and then, not every row.
    window.setInterval(() => {
      if (untold) byId("told").textContent = `${untold} new ${untold === 1 ? "call" : "calls"}; last: ${last}`;
      untold = 0;
    }, 4000);

    const source = new EventSource(`/events?after=${encodeURIComponent(table.dataset.after)}`);
    source.addEventListener("open", () => word("good", "●", "following"));
    source.addEventListener("error", () => word("warn", "◐", "the dashboard does not answer; trying again"));
    source.addEventListener("call", (event) => {
      const call = JSON.parse(event.data);
      untold += 1;
      last = `${call.artifact} ${call.tool}, ${call.status.replaceAll("_", " ")}, ${call.duration}`;
      if (paused) {
        waiting.push(call);
        if (waiting.length > keep) waiting.shift();
        byId("pause").textContent = `Go on (${waiting.length} new)`;
      } else {
        show(call);
      }
    });
    byId("pause").addEventListener("click", () => {
      paused = !paused;
      byId("pause").setAttribute("aria-pressed", String(paused));
      byId("pause").textContent = paused ? "Go on" : "Pause";
      if (!paused) waiting.splice(0).forEach(show);
    });
    byId("failures").addEventListener("change", (event) => table.classList.toggle("failures", event.target.checked));
  };

  const watchHarness = (mark) => {
    const source = new EventSource("/events");
    source.addEventListener("harness", (event) => {
      if (event.data !== mark.dataset.generation) byId("changed").hidden = false;
    });
  };

  if (byId("calls")) followCalls(byId("calls"));
  if (byId("watch")) watchHarness(byId("watch"));
})();
