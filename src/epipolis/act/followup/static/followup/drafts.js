// What is written down in follow-up is first kept on this device, then sent: at once, or as soon as there is a network.
// Each draft has a number of its own, so that sending it twice stores it once.
import { drop, eraseAll, keep, names, read, sweep } from "../core/private.js";

const box = document.querySelector("[data-drafts]");
const texts = box.querySelector("[data-texts]").dataset;
const { user, key: keyUrl } = box.dataset;
const UNSENT = `${user}:unsent:`, WRITING = `${user}:writing:`;
let sending = false;

const newId = () => crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
  (Number(digit) ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (Number(digit) / 4)))).toString(16));
const drafts = () => names(UNSENT).map((name) => ({ name, ...read(name) })).sort((a, b) => a.at - b.at);
const fieldsOf = (form, submitter) => [...new FormData(form, submitter)].filter(([name, value]) => name !== "csrfmiddlewaretoken" && typeof value === "string");
const nameOf = (form) => `${form.dataset.draft}:${form.dataset.target}`;

// Writing: what stands in a form is kept at each change, and filled in again when the page comes back.
function remember(form) {
  const { draft: kind, target } = form.dataset;
  if (kind && target) keep(WRITING + nameOf(form), { fields: fieldsOf(form) });
}

function restore(form) {
  const kept = read(WRITING + nameOf(form));
  if (!kept) return;
  const values = new Map();
  for (const [name, value] of kept.fields) values.set(name, [...(values.get(name) || []), value]);
  for (const [name, [value]] of values) if (name.endsWith("-TOTAL_FORMS")) {
    form.dispatchEvent(new CustomEvent("rows", { detail: { name: name.replace("-TOTAL_FORMS", ""), count: Number(value) } }));
  }
  for (const field of form.elements) {
    if (!field.name || field.name === "csrfmiddlewaretoken" || ["submit", "button", "fieldset"].includes(field.type)) continue;
    if (field.name === "revision" || field.name === "client_id") continue;
    const found = values.get(field.name);
    if (field.type === "radio" || field.type === "checkbox") field.checked = Boolean(found?.includes(field.value));
    else if (found) field.value = found[0];
  }
  const revision = values.get("revision")?.[0];
  if (revision && form.elements.revision) form.elements.revision.value = revision;
  note(texts.restored);
}

function note(text) {
  box.querySelector("[data-state]").textContent = text;
  box.hidden = false;
}

// Sending: one after the other, with a fresh token, only as the person who wrote them.
async function sendAll() {
  if (sending) return;
  sending = true;
  try {
    const waiting = drafts().filter((one) => one.state !== "conflict" && one.state !== "refused");
    if (!waiting.length) return;
    const answer = await fetch(keyUrl, { cache: "no-store", headers: { Accept: "application/json" } });
    if (answer.redirected || !answer.ok) return note(texts.signin);
    const { user: signedIn, token } = await answer.json();
    if (String(signedIn) !== user) return note(texts.signin);
    for (const draft of waiting) await send(draft, token);
  } catch {
    note(texts.offline);
  } finally {
    sending = false;
    draw();
  }
}

async function send(draft, token) {
  const body = new URLSearchParams(draft.fields);
  const answer = await fetch(draft.url, { method: "POST", body, headers: { "X-CSRFToken": token, Accept: "application/json" } });
  if (answer.redirected || answer.status >= 500 || answer.status === 429) throw new TypeError("not now");
  const told = (answer.headers.get("Content-Type") || "").startsWith("application/json") ? await answer.json() : {};
  if (told.state === "stored") {
    drop(draft.name);
    if (draft.here && draft.here === pageMark) location.assign(told.next), told.next.startsWith(location.pathname) && location.reload();
  } else {
    const { name, ...kept } = draft;
    keep(name, { ...kept, state: told.state || "refused", told: { ...told, text: told.text || texts.gone } });
  }
}

const pageMark = newId();

async function submitted(event) {
  const form = event.target;
  if (!form.dataset.draft || event.submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const { draft: kind, target, what } = form.dataset;
  const fields = fieldsOf(form, event.submitter);
  const own = new Map(fields);
  const id = own.get("client_id") || newId(), moment = new Date().toISOString();
  const sent = fields.filter(([name]) => !["client_id", "answered", "tried_at"].includes(name));
  sent.push(["client_id", id], [kind === "attempt" ? "tried_at" : "answered", moment]);
  const url = `${keyUrl}${kind}/${target}/`;
  for (const one of drafts()) if (one.here === pageMark && one.url === url && one.state === "refused") drop(one.name);  // this corrects it
  keep(UNSENT + id, { kind, what: what || document.querySelector("h1").textContent.trim(), url, fields: sent, here: pageMark });
  drop(WRITING + nameOf(form));
  draw();
  await sendAll();
  const left = read(UNSENT + id);
  if (left?.state === "refused" && kind === "interview") {  // the page itself shows what is wrong at each line
    drop(UNSENT + id);
    remember(form);
    return form.submit();
  }
  if (left?.state) return box.scrollIntoView({ block: "start" });
  if (left) {
    note(texts.kept);
    form.reset();
    form.closest("[data-contact]")?.classList.add("is-noted");
    box.scrollIntoView({ block: "start" });
  }
}

// Showing: how many wait, why, and both sides of a conflict.
function draw() {
  const all = drafts();
  box.querySelector("[data-count]").textContent = all.length;
  box.querySelector("[data-list]").replaceChildren(...all.map(line));
  box.hidden = !all.length && !box.querySelector("[data-state]").textContent;
}

function line(draft) {
  const item = box.querySelector("template[data-line]").content.cloneNode(true).firstElementChild;
  const part = (name) => item.querySelector(`[data-${name}]`);
  part("what").textContent = `${texts[draft.kind]}: ${draft.what}`;
  part("when").textContent = new Date(draft.at).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
  part("why").textContent = draft.state === "refused" ? `${texts.refused}: ${draft.told.text}` : draft.state === "conflict" ? texts.conflict : texts.waiting;
  part("drop").addEventListener("click", () => { drop(draft.name); draw(); });
  if (draft.state === "conflict") item.append(conflict(draft));
  return item;
}

function conflict(draft) {
  const found = box.querySelector("template[data-conflict]").content.cloneNode(true);
  const { sides, by = "", at = "", revision } = draft.told;
  found.querySelector("[data-by]").textContent = [by, at].filter(Boolean).join(", ");
  for (const { what, mine, theirs } of sides) {
    const row = found.querySelector("tbody").insertRow();
    for (const text of [what, mine, theirs]) row.insertCell().textContent = text;
    row.classList.toggle("table-warning", mine !== theirs);
  }
  found.querySelector("[data-theirs]").addEventListener("click", () => { drop(draft.name); draw(); });
  found.querySelector("[data-mine]").addEventListener("click", () => {
    const fields = draft.fields.filter(([name]) => name !== "settled" && !(revision && name === "revision"));
    fields.push(["settled", "yes"], ...(revision ? [["revision", revision]] : []));
    const { name, state, told, ...kept } = draft;
    keep(name, { ...kept, fields });
    sendAll();
  });
  return found;
}

// Opened pages stay readable without a network, where the browser allows it (a secure address).
async function keepPages() {
  if (!navigator.serviceWorker) return;
  const { worker, scope, offline } = box.dataset;
  const registered = await navigator.serviceWorker.register(`${worker}?offline=${encodeURIComponent(offline)}`, { scope });
  await navigator.serviceWorker.ready;
  const has = await caches.match(location.href);
  if (has) return;
  const files = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => new URL(name).pathname.startsWith("/static/"));
  (registered.active || navigator.serviceWorker.controller)?.postMessage({ pages: navigator.onLine ? [location.href] : [], files });
}

async function start() {
  sweep();
  const owner = read("owner");
  if (owner && owner.user !== user) await eraseAll();
  keep("owner", { user });
  for (const form of document.querySelectorAll("form[data-draft]")) if (form.method === "post" && !form.matches("[data-contact] form")) restore(form);
  document.addEventListener("input", (event) => event.target.form?.dataset.draft && remember(event.target.form));
  document.addEventListener("change", (event) => event.target.form?.dataset.draft && remember(event.target.form));
  document.addEventListener("submit", submitted, true);
  addEventListener("online", sendAll);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && sendAll());
  setInterval(sendAll, 15_000);
  box.querySelector("[data-send]").addEventListener("click", sendAll);
  draw();
  keepPages().catch(() => {});
  await sendAll();
}

start();
