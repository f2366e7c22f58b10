// The service worker: shows pushes, and keeps the one form that must open without a network. It keeps no
// other page: what others' pages show is not to be found in a browser's store.
const ASSETS = __ASSETS__;
const MARK = "__MARK__";
const FORM = "/report";
const PAGES = "luytre-form";
const FILES = `luytre-files-${MARK}`;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const files = await caches.open(FILES);
    await files.addAll(ASSETS);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    // A form of another version may want files that are no more: it is asked for anew.
    for (const name of await caches.keys()) if (name.startsWith("luytre-") && name !== FILES) await caches.delete(name);
    await self.clients.claim();
  })());
});

const forget = () => caches.delete(PAGES);

// Keeps an answer if it is the form itself: whoever is led to the door has no form.
async function keep(answer) {
  const is_form = answer.ok && !answer.redirected && new URL(answer.url).pathname === FORM;
  if (is_form) await (await caches.open(PAGES)).put(FORM, answer.clone());
  else if (answer.redirected || answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) await forget();
  return answer;
}

async function form(request) {
  try {
    return await keep(await fetch(request));
  } catch (error) {
    const kept = await (await caches.open(PAGES)).match(FORM);
    if (kept) return kept;
    throw error;
  }
}

async function file(request) {
  const kept = await (await caches.open(FILES)).match(request);
  return kept || fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === "POST" && url.pathname === "/sign-out") event.waitUntil(forget());
  if (request.method !== "GET") return;
  if (url.pathname === FORM && !url.search && request.mode === "navigate") event.respondWith(form(request));
  else if (ASSETS.includes(url.pathname)) event.respondWith(file(request));
});

self.addEventListener("message", (event) => {
  if (event.data !== "keep-form") return;
  event.waitUntil(fetch(FORM, { credentials: "same-origin" }).then(keep).then(
    () => event.ports[0]?.postMessage("kept"), () => {}));
});

self.addEventListener("push", (event) => {
  let told = {};
  try { told = event.data.json(); } catch { /* an empty push still rings */ }
  const text = (value) => (typeof value === "string" ? value : "");
  event.waitUntil(self.registration.showNotification(text(told.title) || "Lũy Tre", {
    body: text(told.body), tag: text(told.tag) || undefined, data: { path: text(told.path) },
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const path = event.notification.data?.path || "";
  const to = /^\/[^/\\]/.test(path) ? path : "/notices";
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const one of open) {
      try { await one.navigate(to); return await one.focus(); } catch { /* not ours to lead */ }
    }
    return self.clients.openWindow(to);
  })());
});
