// The six questions: what was typed stays in this browser until the platform has it. Without this file the
// form is sent as any other.
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
  const draft = read();
  if (draft && JSON.stringify(draft.names) === JSON.stringify(fields().map((field) => field.name))) {
    fields().forEach((field, place) => {
      if (field.type === "checkbox") field.checked = draft.values[place]; else field.value = draft.values[place];
    });
    tell(form.dataset.kept);
  }
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
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (answer.ok && answer.url.includes("/report/")) {
        localStorage.removeItem(PLACE);
        location.href = answer.url;
        return;
      }
      keep(false);
      tell(form.dataset.refused);
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
