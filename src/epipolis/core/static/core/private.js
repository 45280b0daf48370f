// Personal data that a page keeps on this device: entries under "private:" and caches "private-…". All of it goes when
// somebody signs out or another person signs in, and each entry after a day.
export const DAY = 24 * 3600 * 1000;
const MARK = "private:";

export function keep(name, value) {
  localStorage.setItem(MARK + name, JSON.stringify({ at: Date.now(), ...value }));
}

export function read(name) {
  const text = localStorage.getItem(MARK + name);
  return text && JSON.parse(text);
}

export function drop(name) {
  localStorage.removeItem(MARK + name);
}

export function names(start) {
  return Object.keys(localStorage).filter((key) => key.startsWith(MARK + start)).map((key) => key.slice(MARK.length));
}

export async function eraseAll() {
  for (const name of names("")) drop(name);
  if (globalThis.caches) for (const name of await caches.keys()) if (name.startsWith("private-")) await caches.delete(name);
}

export function sweep() {
  for (const name of names("")) if (Date.now() - (read(name)?.at || 0) > DAY) drop(name);
}

export function watchSignOut(question) {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!new URL(form.action, location.href).pathname.endsWith("/logout/")) return;
    event.preventDefault();
    if (names("").some((name) => name.includes(":unsent:")) && !confirm(question)) return;
    eraseAll().finally(() => form.submit());
  }, true);
}
