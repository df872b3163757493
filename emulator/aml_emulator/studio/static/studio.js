// What a page does by itself: it follows the log, brings its parts up to date while something runs,
// and says the value under the pointer. Without this script every page still shows everything.
"use strict";

const LOG_EVERY = 1000; // milliseconds
const PAGE_EVERY = 2500;
const LOG_KEPT = 2_000_000; // characters kept on the page; the whole log is a link

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function toEnd(element) {
  element.scrollTop = element.scrollHeight;
}

// Asks for what was added to the log. `file` changes when the script begins to print after its environment was built.
async function followLog(log) {
  const whole = log.firstChild?.nodeType === Node.TEXT_NODE ? log.firstChild : log.insertBefore(new Text(), log.firstChild);
  const partial = log.querySelector("span");
  const state = document.getElementById("log-state");
  const link = document.getElementById("log-whole");
  const say = (tone, text) => Object.assign(state, { className: `badge ${tone}`, textContent: text });
  let { file, offset } = log.dataset;
  for (;;) {
    let answer;
    try {
      const response = await fetch(`${log.dataset.url}/log?${new URLSearchParams({ file, offset })}`);
      if (!response.ok) throw new Error(response.status);
      answer = await response.json();
    } catch {
      say("bad", "no answer");
      await pause(LOG_EVERY * 3);
      continue;
    }
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const changed = answer.current !== answer.file;
    if (changed || answer.start !== Number(offset)) whole.data = "";
    if (!changed) whole.data += answer.text;
    if (whole.data.length > LOG_KEPT) whole.data = whole.data.slice(whole.data.indexOf("\n", LOG_KEPT / 4) + 1);
    partial.textContent = changed ? "" : answer.partial;
    file = answer.current ?? "";
    offset = changed ? 0 : answer.offset;
    if (file) {
      document.getElementById("log-name").textContent = file;
      Object.assign(link, { href: `${log.dataset.url}/artifacts/${encodeURI(file)}`, hidden: false });
    }
    if (answer.size) document.getElementById("log-waiting")?.remove();
    if (atEnd) toEnd(log);
    if (changed || answer.more) continue;
    if (answer.finished) return say("off", "ended");
    say("busy", "live");
    await pause(LOG_EVERY);
  }
}

async function keepFresh() {
  const parts = [...document.querySelectorAll("[data-fresh]")];
  const sent = new Map(parts.map((part) => [part, part.innerHTML])); // as the server wrote it: what a person opened since is no change
  let spent = 0;
  for (;;) {
    await pause(Math.max(PAGE_EVERY, 20 * spent)); // a page with many curves takes the server a while: it has a job to run
    if (document.hidden) continue;
    let next;
    const begun = performance.now();
    try {
      const response = await fetch(location.href);
      if (!response.ok) continue;
      next = new DOMParser().parseFromString(await response.text(), "text/html");
    } catch {
      continue;
    }
    spent = performance.now() - begun;
    for (const part of parts) {
      const fresh = next.getElementById(part.id);
      const markup = fresh?.innerHTML;
      if (!fresh || markup === sent.get(part) || part.contains(document.activeElement)) continue;
      sent.set(part, markup);
      part.replaceChildren(...fresh.childNodes);
    }
    if (!("live" in next.body.dataset)) return;
  }
}

// The value under the pointer stands in the chart's own line; elsewhere the line says what it said before.
document.addEventListener("pointerover", (event) => {
  for (const output of document.querySelectorAll(".chart output")) {
    output.dataset.rest ??= output.textContent;
    const inside = output.closest(".chart").contains(event.target);
    const label = inside && event.target.closest(".band")?.querySelector("title").textContent;
    output.textContent = label || output.dataset.rest;
  }
});

// MLflow's client prints addresses of MLflow's own pages: .../#/experiments/<id>/runs/<id>.
const mlflow = location.hash.match(/^#\/experiments\/([^/?]+)(?:\/runs\/([^/?]+))?/);
if (mlflow) location.replace(mlflow[2] ? `/runs/${mlflow[2]}` : `/experiments/${mlflow[1]}`);

for (const log of document.querySelectorAll(".log")) toEnd(log);
const log = document.getElementById("log");
if (log?.dataset.url) followLog(log);
if ("live" in document.body.dataset) keepFresh();
