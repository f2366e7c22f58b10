// A large file goes up in parts, each kept by the platform before the next; after a broken line it goes on
// from where it stood. Without this file a small one is sent as any other form.
(() => {
  const form = document.querySelector("#evidence-form");
  const told = document.querySelector("#evidence-told");
  if (!form || !told || !window.fetch) return;
  for (const part of form.querySelectorAll("[data-scripted]")) part.hidden = false;
  const token = form.querySelector("[name=_csrf]").value;
  const size = Number(form.dataset.part);
  const say = (words) => { told.hidden = false; told.textContent = words; };
  const pause = (ms) => new Promise((go) => setTimeout(go, ms));
  const ask = (path, body, kind) => fetch(path, { method: "POST", headers: { "x-csrf-token": token, accept: "application/json", "content-type": kind }, body });
  const json = (path, body) => ask(path, JSON.stringify(body), "application/json");

  // What was begun for the same file is gone on with.
  const key = (file) => `evidence:${form.dataset.begin}:${file.name}:${file.size}:${file.lastModified}`;
  const standing = async (file) => {
    const place = localStorage.getItem(key(file));
    if (!place) return null;
    const answer = await fetch(place, { headers: { accept: "application/json" } });
    if (!answer.ok) return null;
    const { item } = await answer.json();
    return item.own && item.expected_bytes === file.size ? { place, at: item.size_bytes } : null;
  };
  const begun = async (file) => {
    const answer = await json(form.dataset.begin, {
      name: file.name, size_bytes: file.size, source: form.querySelector("#evidence-source").value,
      collected: form.querySelector("#evidence-collected").value, modified: new Date(file.lastModified).toISOString(),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail || Object.values(said.fields || {})[0]);
    localStorage.setItem(key(file), said.location);
    return { place: said.location, at: 0 };
  };

  const send = async (file) => {
    let { place, at } = (await standing(file)) || (await begun(file));
    for (let failures = 0; at < file.size;) {
      say(`${told.dataset.sending} ${Math.floor((at / file.size) * 100)} %`);
      try {
        const answer = await ask(`${place}/part?offset=${at}`, file.slice(at, at + size), "application/octet-stream");
        if (answer.ok) { at = (await answer.json()).size_bytes; failures = 0; continue; }
        if (answer.status === 409) { const now = await standing(file); if (now) { at = now.at; failures += 1; if (failures < 9) continue; } }
        throw Object.assign(new Error((await answer.json()).detail), { final: answer.status < 500 });
      } catch (error) {
        failures += 1;
        if (error.final || failures > 30) throw error;
        say(told.dataset.waiting);
        await pause(Math.min(30000, 1000 * failures));
      }
    }
    say(told.dataset.sealing);
    const answer = await json(`${place}/seal`, {});
    if (!answer.ok) throw new Error((await answer.json()).detail);
    localStorage.removeItem(key(file));
    location.assign(place);
  };

  form.addEventListener("submit", async (event) => {
    const file = form.querySelector("[type=file]").files[0];
    if (!file) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try { await send(file); } catch (error) { say(`${told.dataset.failed} ${error.message || ""}`); button.disabled = false; }
  });
})();
