// Sets Bootstrap's theme before anything is drawn; the choice itself is the server's (a cookie).
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = root.dataset.theme;
    root.dataset.bsTheme = chosen === "dark" || (chosen !== "light" && system.matches) ? "dark" : "light";
  };
  apply();
  system.addEventListener("change", apply);
})();
