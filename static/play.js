// The page of a private invite link: measures to the hosts when the player says so, and joins them to the roster.

import { measureAll, median } from "./measure.js";

const WAYS = { webtransport: "WebTransport", webrtc: "WebRTC", websocket: "WebSocket" };
const milliseconds = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

class Told extends Error {}

const form = document.getElementById("play");
const progress = document.getElementById("progress");
const list = document.getElementById("hosts");

// Asks the server, and says in its words what is wrong.
async function ask(url, body) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Told("The website cannot be reached. Check your connection and try again.");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const asNew = document.getElementById("as-new");
    if (asNew && said.errors?.some(({ field }) => field === "new")) asNew.hidden = false;
    throw new Told(said.detail || said.title || `The website answered with status ${answer.status}.`);
  }
  return said;
}

// One line per host, in the order that the server names them.
function lines(hosts) {
  list.replaceChildren();
  const of = new Map();
  for (const host of hosts) {
    const line = document.createElement("li");
    line.textContent = `${host.name}: waiting`;
    line.dataset.state = "waiting";
    list.append(line);
    of.set(host.id, line);
  }
  return of;
}

function tell(line, host, { state, way, sent, rttsUs, tried }) {
  const middle = median(rttsUs);
  const figure = middle === null ? "" : `${milliseconds.format(middle / 1000)} ms`;
  line.dataset.state = state === "done" && middle === null ? "failed" : state;
  if (line.dataset.state === "failed") {
    const why = tried.map((one) => `${WAYS[one.way]}: ${one.why}`).join("; ");
    line.textContent = `${host.name}: could not be measured${why ? ` (${why})` : ""}`;
  } else if (state === "done") {
    const least = milliseconds.format(Math.min(...rttsUs) / 1000);
    line.textContent = `${host.name}: ${figure}, least ${least} ms, ${rttsUs.length} of ${sent} answered, by ${WAYS[way]}`;
  } else {
    line.textContent = `${host.name}: measuring ${figure}`.trim();
  }
}

// What the player says of pings: left out where they say nothing.
function ofPings() {
  if (form.elements.may_ping?.checked) return true;
  return form.elements.no_ping?.checked ? false : undefined;
}

async function measure() {
  const name = form.elements.name.value.trim();
  const isNew = form.elements.new?.checked ?? false;
  progress.textContent = "Asking which hosts there are to measure…";
  const begun = await ask(form.dataset.begin, { name, new: isNew });
  const of = lines(begun.hosts);
  let done = 0;
  const count = () => { progress.textContent = `Measuring: ${done} of ${begun.hosts.length} hosts done. You may look at another tab meanwhile.`; };
  count();
  const results = await measureAll(begun.hosts, begun.ticket, {
    samples: begun.samples,
    warmUp: begun.warm_up,
    intervalMs: begun.interval_ms,
    onHost(host, state) {
      tell(of.get(host.id), host, state);
      if (state.state === "done") done += 1;
      count();
    },
  });
  const measured = results.filter(({ way }) => way !== null);
  if (measured.length === 0) {
    throw new Told("No host could be measured from this browser. A firewall or a VPN may be in the way; another network may help.");
  }
  progress.textContent = "Sending the result…";
  const joined = await ask(form.dataset.result, {
    nonce: begun.nonce,
    name,
    new: isNew,
    may_ping: ofPings(),
    via: "browser",
    hosts: measured.map(({ host, way, sent, rttsUs }) => ({ id: host.id, way, sent, rtts_us: rttsUs })),
  });
  const said = document.createElement("p");
  said.id = "joined";
  said.textContent = `${joined.player} has joined, measured to ${joined.measured} of ${begun.hosts.length} hosts. You may close this page.`;
  form.replaceWith(said);
  progress.textContent = "Done.";
}

// One of the two, or neither.
form?.addEventListener("change", ({ target }) => {
  const other = { may_ping: "no_ping", no_ping: "may_ping" }[target.name];
  if (target.checked && form.elements[other]) form.elements[other].checked = false;
});

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("[type=submit], button:not([type])");
  if (button) button.disabled = true;
  try {
    await measure();
  } catch (error) {
    progress.textContent = error instanceof Told ? error.message : `Something went wrong: ${error?.message ?? error}`;
  } finally {
    if (button) button.disabled = false;
  }
});
