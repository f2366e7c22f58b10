// Keyboard, live announcements, relative times. Every page works without this file.
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const vi = root.lang === "vi";
  const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));

  // --- rows under the hand -------------------------------------------------------------------
  const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")];
  const atHand = () => document.querySelector("[data-row].at-hand");
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const now = all.indexOf(atHand());
    const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? 0 : now + step))];
    all.forEach((row) => row.classList.toggle("at-hand", row === next));
    next.scrollIntoView({ block: "nearest" });
    (next.querySelector("a") || next).focus({ preventScroll: true });
  };
  const press = (selector) => {
    const button = atHand()?.querySelector(selector) || document.querySelector(selector);
    if (button) button.click();
    return Boolean(button);
  };

  // --- help ----------------------------------------------------------------------------------
  const help = async () => {
    let box = document.querySelector("dialog.keys");
    if (!box) {
      const link = document.querySelector("[data-keys]");
      if (!link) return;
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" } });
      if (!answer.ok) return;
      box = document.createElement("dialog");
      box.className = "keys";
      const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
      box.append(...parsed.body.childNodes);
      document.body.append(box);
      box.addEventListener("click", (event) => event.target === box && box.close());
    }
    box.showModal();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) { event.preventDefault(); help(); }
    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (!menu.contains(event.target)) menu.open = false;
  });

  // --- keys ----------------------------------------------------------------------------------
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; menu.firstElementChild.focus(); });
      if (typing(event.target)) event.target.blur();
      return;
    }
    if (typing(event.target)) return;
    const used = () => event.preventDefault();
    if (going && Date.now() - going < 1500) {
      going = 0;
      const link = document.querySelector(`.side a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { used(); link.click(); }
      return;
    }
    switch (event.key) {
      case "g": going = Date.now(); break;
      case "/": { const box = document.querySelector("#query, #top-search"); if (box) { used(); box.focus(); box.select(); } break; }
      case "j": used(); move(1); break;
      case "k": used(); move(-1); break;
      case "[": case "]": {
        const tabs = [...document.querySelectorAll("[data-tabs] a")];
        const next = tabs[tabs.findIndex((tab) => tab.hasAttribute("aria-current")) + (event.key === "]" ? 1 : -1)];
        if (next) { used(); next.click(); }
        break;
      }
      case "x": { const box = atHand()?.querySelector("input[type=checkbox]"); if (box) { used(); box.click(); } break; }
      case "e": case "i": if (press(`[data-hotkey="${event.key}"]`)) used(); break;
      case "?": used(); help(); break;
    }
  });

  // --- on a phone a row is a card: its numbers and dates say what they are of -------------------
  const label = () => {
    for (const table of document.querySelectorAll("table[data-rows]")) {
      const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
      for (const cell of table.querySelectorAll("tbody :is(td.num, td.dated):not([data-label])")) cell.dataset.label = names[cell.cellIndex] || "";
    }
  };
  label();
  document.addEventListener("htmx:after:swap", label);

  // --- relative times: "3 phút trước" in tooltips, and kept true where shown ----------------------
  const words = new Intl.RelativeTimeFormat(vi ? "vi" : "en", { numeric: "always" });
  const steps = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const told = (date) => {
    const gap = (date - Date.now()) / 1000;
    if (Math.abs(gap) < 10) return vi ? "vừa xong" : "just now";
    const [size, unit] = steps.find(([size]) => Math.abs(gap) >= size);
    return words.format(Math.trunc(gap / size), unit);
  };
  document.addEventListener("mouseover", (event) => {
    const time = event.target.closest?.("time[datetime]");
    if (!time) return;
    time.dataset.utc ??= time.title;
    time.title = `${time.dataset.utc} · ${told(new Date(time.dateTime))}`;
  });
  setInterval(() => {
    for (const time of document.querySelectorAll("time.ago")) time.textContent = told(new Date(time.dateTime));
  }, 30000);

  // --- what changed: tell, or ask again for the part that shows it; never shift what one reads -------
  const news = document.querySelector("#news");
  let count = 0;
  const heard = (place) => {
    const parts = [...document.querySelectorAll("[data-refresh]")]
      .filter((part) => place === "*" || part.dataset.refresh.split(" ").includes(place));
    for (const part of parts) window.htmx?.trigger(part, "refresh");
    const here = document.querySelector(".side a[aria-current]")?.dataset.place;
    const onList = document.querySelector("[data-news]")?.dataset.news || here;
    if (parts.length || !news || (place !== onList && place !== "*")) return;
    count += 1;
    const link = news.firstElementChild;
    link.textContent = place === "*" ? link.dataset.one : `${link.dataset.one} (${count})`;
    news.hidden = false;
  };
  const stream = document.body.dataset.live;
  if (stream && window.EventSource) {
    let waiting = new Map();
    // A burst becomes one refresh a second.
    const changed = (place) => {
      if (waiting.has(place)) return;
      waiting.set(place, setTimeout(() => { waiting.delete(place); heard(place); }, 1000));
    };
    const listen = (tell) => new EventSource(stream).addEventListener("changed", (event) => tell(event.data));
    // A browser opens six connections to one host: one page holds the stream and tells the others,
    // else the seventh page would never load. The lock passes on when that page closes.
    if (navigator.locks && window.BroadcastChannel) {
      const others = new BroadcastChannel("luytre-live");
      others.addEventListener("message", (event) => changed(event.data));
      navigator.locks.request("luytre-live", () => {
        listen((place) => { changed(place); others.postMessage(place); });
        return new Promise(() => {});
      });
    } else listen(changed);
  }

  // --- a span or two moments: what was chosen last wins -------------------------------------------
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-span]");
    if (!form) return;
    const { range, from, to } = form.elements;
    if (event.target === range && range.value !== "custom") from.value = to.value = "";
    if (event.target === from || event.target === to) range.value = "custom";
  });

  // --- copy a value shown once ------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) navigator.clipboard?.writeText(document.querySelector(button.dataset.copy)?.textContent.trim() || "");
  });

  // --- live tail of a search: new events on top, only while asked for -----------------------------
  let tail = null;
  const fill = (place, pieces, text) => {
    for (const piece of pieces.length ? pieces : [{ text }])
      place.appendChild(piece.marked ? document.createElement("mark") : document.createTextNode("")).textContent = piece.text;
  };
  document.addEventListener("click", (event) => {
    const toggle = event.target.closest("[data-tail-toggle]");
    if (!toggle || !window.EventSource) return;
    event.preventDefault();
    [toggle.textContent, toggle.dataset.other] = [toggle.dataset.other, toggle.textContent];
    if (tail) { tail.close(); tail = null; return; }
    const list = toggle.closest("[data-tail]");
    tail = new EventSource(toggle.href);
    tail.addEventListener("events", (message) => {
      if (!list.isConnected) { tail?.close(); tail = null; return; }
      for (const line of JSON.parse(message.data)) {
        const row = document.createElement("details");
        row.className = "event";
        const head = row.appendChild(document.createElement("summary"));
        head.className = "log";
        head.append(`${new Date(line.at).toLocaleTimeString("vi-VN", { timeZone: "Asia/Ho_Chi_Minh" })} `);
        fill(head, line.summary_marked, line.summary);
        const raw = row.appendChild(document.createElement("pre"));
        raw.className = "log";
        fill(raw, line.raw_marked, line.raw);
        toggle.parentElement.after(row);
      }
      [...list.querySelectorAll("details.event")].slice(500).forEach((row) => row.remove());
    });
  });
})();
