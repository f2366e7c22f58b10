// Names and values are offered while a query line is typed: a combobox with a list. Without this file the line is
// typed as it is, and the page of names says what there is.
(() => {
  const box = document.querySelector("[data-complete]");
  const list = document.querySelector("#line-offers");
  const told = document.querySelector("#line-told");
  if (!box || !list || !told || !window.fetch) return;
  const SHOWN = 10;
  const KEPT_MS = 60000;
  let offers = [];
  let from = 0;
  let at = -1;
  let waiting = 0;
  let asked = null;
  const values = new Map();
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase();
  const typedName = (name) => (/^[\p{L}_@][\p{L}\p{N}_.@$%/#-]*$/u.test(name) ? name : `"${name.replace(/[\\"]/g, "\\$&")}"`);
  const set = (node, names) => { for (const [name, value] of Object.entries(names)) node.setAttribute(name, value); };

  box.type = "text";
  set(box, { role: "combobox", "aria-autocomplete": "list", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-controls": list.id });

  const close = () => {
    clearTimeout(waiting);
    asked?.abort();
    list.hidden = true;
    at = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    told.textContent = "";
  };
  const choose = (next) => {
    at = next;
    [...list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === at)));
    const row = list.children[at];
    if (!row) return box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-activedescendant", row.id);
    return row.scrollIntoView({ block: "nearest" });
  };
  const show = (found) => {
    offers = found.slice(0, SHOWN);
    if (!offers.length) return close();
    list.replaceChildren(...offers.map((one, place) => {
      const row = document.createElement("li");
      set(row, { id: `line-offer-${place}`, role: "option" });
      const text = row.appendChild(document.createElement("span"));
      text.className = "mono";
      text.textContent = one.text;
      const about = row.appendChild(document.createElement("span"));
      about.className = "muted";
      about.textContent = one.about;
      return row;
    }));
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
    told.textContent = told.dataset.told.replace("#", offers.length);
    return choose(-1);
  };

  // --- what may stand where the cursor is -----------------------------------------------------------
  const ask = async (line) => {
    asked?.abort();
    asked = new AbortController();
    const place = `${box.dataset.complete}?q=${encodeURIComponent(line)}&at=${[...line].length}`;
    const answer = await fetch(place, { headers: { accept: "application/json" }, signal: asked.signal }).catch(() => null);
    return answer?.ok ? (await answer.json()).offers : null;
  };
  // The values of a field are asked for once and narrowed here: each asking is a reading of events.
  const valuesOf = async (left) => {
    const field = /[^\s(]*$/u.exec(left)[0];
    const kept = values.get(field);
    if (kept && kept.until > Date.now()) return kept.found;
    const found = await ask(left);
    if (found) values.set(field, { found, until: Date.now() + KEPT_MS });
    return found;
  };
  // The names that sources gave themselves stand beside the events found.
  const ownNames = (left) => [...document.querySelectorAll(".fields summary .mono")]
    .map((name) => ({ text: typedName(name.textContent) + (left.includes("|") ? "" : ":"), about: "" }));
  const suggest = async () => {
    const line = box.value.slice(0, box.selectionStart);
    if (box.selectionStart !== box.selectionEnd || document.activeElement !== box) return close();
    const typed = /[\p{L}\p{M}\p{N}_.@-]*$/u.exec(line)[0];
    const left = line.slice(0, line.length - typed.length);
    const isValue = left.endsWith(":") && !left.includes("|");
    if (left.split('"').length % 2 === 0 || !(typed || isValue || /\|\s*$/.test(left))) return close();
    const found = isValue ? await valuesOf(left) : await ask(line);
    if (!found || box.value.slice(0, box.selectionStart) !== line) return undefined;
    const known = new Set(found.map((one) => one.text));
    const own = isValue || !typed ? [] : ownNames(left).filter((one) => !known.has(one.text) && fold(one.text).includes(fold(typed)));
    const fits = (one) => one.text !== typed && (!isValue || fold(`${one.text} ${one.about}`).includes(fold(typed)));
    const begins = (one) => (fold(one.text).startsWith(fold(typed)) ? 0 : 1);
    from = left.length;
    return show([...found, ...own].filter(fits).sort((a, b) => begins(a) - begins(b)));
  };
  const take = (place) => {
    const { text } = offers[place];
    const before = box.value.slice(0, from) + text + (/[:(]$/.test(text) ? "" : " ");
    const after = box.value.slice(box.selectionStart);
    close();
    box.value = before + (before.endsWith(" ") ? after.replace(/^ /, "") : after);
    box.setSelectionRange(before.length, before.length);
    if (text.endsWith(":")) suggest();
  };

  // --- under the hand ---------------------------------------------------------------------------------
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    // What was chosen was chosen for another line.
    choose(-1);
    waiting = setTimeout(suggest, 120);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (list.hidden) {
      if (step === 1) { event.preventDefault(); suggest(); }
    } else if (step) {
      event.preventDefault();
      // Past either end is the line itself.
      const places = offers.length + 1;
      choose(((at + 1 + step + places) % places) - 1);
    } else if (at >= 0 && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      take(at);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) take([...list.children].indexOf(row));
  });
  box.addEventListener("blur", close);
  box.form.addEventListener("submit", close);
})();
