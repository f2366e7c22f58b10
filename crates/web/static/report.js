// The six questions: what was typed stays in this browser until the platform has it, and the form itself
// opens without a network once it was open with one. Without this file the form is sent as any other.
(() => {
  const form = document.querySelector("#report-form");
  const told = document.querySelector("#report-state");
  if (!form || !told) return;
  const PLACE = "luytre-report";
  const tell = (words) => { told.textContent = words; told.hidden = !words; };
  const read = () => { try { return JSON.parse(localStorage.getItem(PLACE)); } catch { return null; } };
  const fields = () => [...form.elements].filter((field) => field.name && field.name !== "_csrf");
  const keep = (waiting) => {
    const values = fields().map((field) => (field.type === "checkbox" ? field.checked : field.value));
    try { localStorage.setItem(PLACE, JSON.stringify({ values, names: fields().map((field) => field.name), waiting })); } catch { /* full or forbidden: the form still works */ }
  };
  if (navigator.serviceWorker) {
    navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready).then((worker) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { form.dataset.offline = "ready"; };
      worker.active.postMessage("keep-form", [port2]);
    }).catch(() => { /* without one the page must be open before the network goes */ });
  }
  const draft = read();
  if (draft && JSON.stringify(draft.names) === JSON.stringify(fields().map((field) => field.name))) {
    fields().forEach((field, place) => {
      if (field.type === "checkbox") field.checked = draft.values[place]; else field.value = draft.values[place];
    });
    tell(form.dataset.kept);
  } else if (crypto.randomUUID) {
    // A form that was kept bears the key of a report that may be sent already: this is another one.
    form.elements.key.value = crypto.randomUUID();
  }
  const post = () => fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  // A form that was kept bears the protection of a session that may be over: take that of the present one.
  const renewed = async () => {
    const answer = await fetch("/report");
    if (!answer.ok || new URL(answer.url).pathname !== "/report") return "door";
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#report-form [name=_csrf]");
    if (!fresh || fresh.value === form.elements._csrf.value) return "same";
    form.elements._csrf.value = fresh.value;
    return "fresh";
  };
  let busy = false;
  const send = async () => {
    if (busy) return;
    busy = true;
    // Once pressed, the time of notice is the time of pressing, however late it is sent.
    const detected = form.elements.detected;
    if (!detected.value) {
      const now = new Date(Date.now() + 7 * 3600e3);
      detected.value = now.toISOString().slice(0, 16);
    }
    keep(true);
    tell(form.dataset.sending);
    try {
      const taken = (answer) => answer.ok && answer.url.includes("/report/");
      let answer = await post();
      const state = taken(answer) ? "" : await renewed();
      if (state === "fresh") answer = await post();
      if (taken(answer)) {
        localStorage.removeItem(PLACE);
        location.href = answer.url;
        return;
      }
      keep(false);
      tell(state === "door" ? form.dataset.door : form.dataset.refused);
    } catch {
      tell(form.dataset.waiting);
    } finally {
      busy = false;
    }
  };
  form.addEventListener("input", () => keep(false));
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  addEventListener("online", () => { if (read()?.waiting) send(); });
  if (draft?.waiting) send();
})();
