// Keeps a page up to date, and adds what only a browser can: local times, a copy button, the reader's time zone.
// Everything works without it, by reloading.

const formats = {
  day: new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" }),
  clock: new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
};

// Done to the page once, and to each fragment before it is put in.
function enhance(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) {
      time.title = time.textContent.trim();
      time.textContent = formats[time.dataset.local].format(at);
    }
  }
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

// Makes `now` like `next` and touches only what differs, so that focus, scroll, selection and what is typed stay.
function morph(now, next) {
  if (now.nodeType !== next.nodeType || now.nodeName !== next.nodeName || now.id !== next.id) {
    now.replaceWith(next);
    return;
  }
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.nodeValue !== next.nodeValue) now.nodeValue = next.nodeValue;
    return;
  }
  if (now.hasAttribute("data-keep")) return;
  for (const { name, value } of [...next.attributes]) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  for (const { name } of [...now.attributes]) {
    const opened = now.nodeName === "DETAILS" && name === "open";
    if (!opened && !next.hasAttribute(name)) now.removeAttribute(name);
  }
  const wanted = [...next.childNodes];
  const ids = new Set(wanted.map((child) => child.id).filter(Boolean));
  const stays = (node) => ids.has(node?.id);
  for (const [index, child] of wanted.entries()) {
    const same = child.id && [...now.children].find((other) => other.id === child.id);
    // What stands before an element that stays goes: the element itself is not moved, for it would lose the focus.
    while (same && now.childNodes[index] !== same && !stays(now.childNodes[index])) now.childNodes[index].remove();
    const current = now.childNodes[index];
    if (same) {
      if (current !== same) now.insertBefore(same, current);
      morph(same, child);
    } else if (!current || child.id || stays(current)) {
      now.insertBefore(child, current ?? null);
    } else {
      morph(current, child);
    }
  }
  while (now.childNodes.length > wanted.length) now.lastChild.remove();
}

function follow(live) {
  const source = new EventSource(live.dataset.live);
  source.onmessage = (event) => {
    const page = new DOMParser().parseFromString(event.data, "text/html");
    const next = page.body.firstElementChild;
    if (!next) return;
    enhance(next);
    morph(live, next);
  };
  source.addEventListener("end", () => source.close());
  addEventListener("pagehide", () => source.close());
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy)?.textContent.trim() ?? "";
  const said = button.querySelector("[data-said]") ?? button;
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    said.textContent = "Selected: press Ctrl+C";
  }
  setTimeout(() => { said.textContent = "Copy"; }, 2500);
});

enhance(document);
for (const live of document.querySelectorAll("[data-live]")) follow(live);
for (const zone of document.querySelectorAll("input[data-own-zone]")) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone.value === zone.defaultValue && zone.value === "UTC" && own) zone.value = own;
}
// A choice that changes what a form asks for reloads the form with it.
for (const select of document.querySelectorAll("select[data-reload]")) {
  select.addEventListener("change", () => select.form.requestSubmit(select.form.querySelector("[data-refresh]")));
}
