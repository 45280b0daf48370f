// Keeps the pages of follow-up that were opened on this device, so that they open again without a network: for a day at
// most, and until somebody signs out (core/private.js erases the cache by its name).
const PAGES = "private-followup", FILES = "followup-files", DAY = 24 * 3600 * 1000;
const KEPT = /^\/followup\/(?:$|contacts\/\d+\/$|interviews\/$|interviews\/[0-9a-f-]{36}\/$)/;
const OFFLINE = new URL(self.location.href).searchParams.get("offline");

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(sweep().then(() => self.clients.claim())));

self.addEventListener("message", (event) => event.waitUntil(keepNow(event.data)));

self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname.startsWith("/followup/") && !url.pathname.startsWith("/followup/me/")) {
    event.respondWith(page(request, url));
  } else if (url.pathname.startsWith("/static/")) {
    event.respondWith(file(request));
  }
});

async function page(request, url) {
  try {
    const fresh = await fetch(request);
    if (fresh.ok && !fresh.redirected && KEPT.test(url.pathname)) await store(request.url, fresh.clone());
    return fresh;
  } catch (error) {
    await sweep();
    const pages = await caches.open(PAGES);
    const kept = (await pages.match(request.url)) || (await pages.match(request.url, { ignoreSearch: true }));
    return kept || (await pages.match(OFFLINE)) || Promise.reject(error);
  }
}

async function file(request) {
  const files = await caches.open(FILES);
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await files.put(request, fresh.clone());
    return fresh;
  } catch (error) {
    return (await files.match(request)) || Promise.reject(error);
  }
}

async function store(address, answer) {
  const headers = new Headers(answer.headers);
  headers.set("X-Kept-At", String(Date.now()));
  const body = await answer.blob();
  await (await caches.open(PAGES)).put(address, new Response(body, { status: 200, headers }));
}

async function keepNow({ pages = [], files = [] }) {
  for (const address of [...pages, OFFLINE]) {
    try {
      const fresh = await fetch(address, { credentials: "same-origin" });
      if (fresh.ok && !fresh.redirected) await store(address, fresh);
    } catch { /* the next visit keeps it */ }
  }
  const known = await caches.open(FILES);
  await Promise.allSettled(files.map((address) => known.add(address)));
}

async function sweep() {
  const pages = await caches.open(PAGES);
  for (const request of await pages.keys()) {
    const kept = await pages.match(request);
    if (Date.now() - Number(kept.headers.get("X-Kept-At")) > DAY) await pages.delete(request);
  }
}
