// Subscribing this browser to pushes. Without this file, or where the browser cannot, the form stays hidden.
(() => {
  const form = document.querySelector("[data-push-key]");
  const told = document.querySelector("#push-state");
  if (!form || !navigator.serviceWorker || !window.PushManager) return;
  form.hidden = false;
  const tell = (words) => { told.textContent = words; told.hidden = !words; };
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const subscribe = async () => {
    const worker = await navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready);
    const applicationServerKey = bytes(form.dataset.pushKey);
    // One made with another key would never be reached.
    await (await worker.pushManager.getSubscription())?.unsubscribe();
    return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await Notification.requestPermission() !== "granted") { tell(form.dataset.denied); return; }
    try {
      const { endpoint, keys } = (await subscribe()).toJSON();
      Object.entries({ endpoint, p256dh: keys.p256dh, auth: keys.auth }).forEach(([name, value]) => { form.elements[name].value = value; });
      form.submit();
    } catch {
      tell(form.dataset.failed);
    }
  });
})();
