// Passkeys: takes the options from the server to the device and its answer back. A form marked
// data-passkey="make" or data-passkey="use" is filled and sent by this script; without it, or in a browser
// that knows no passkeys, the form stays hidden and the password works as ever.
(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const make = async ({ publicKey }) => {
    publicKey.challenge = bytes(publicKey.challenge);
    publicKey.user.id = bytes(publicKey.user.id);
    publicKey.excludeCredentials = named(publicKey.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey });
    return {
      attestationObject: text(made.response.attestationObject),
      clientDataJSON: text(made.response.clientDataJSON),
      made,
    };
  };
  const use = async ({ publicKey }) => {
    publicKey.challenge = bytes(publicKey.challenge);
    publicKey.allowCredentials = named(publicKey.allowCredentials);
    const made = await navigator.credentials.get({ publicKey });
    const { authenticatorData, clientDataJSON, signature, userHandle } = made.response;
    return {
      authenticatorData: text(authenticatorData),
      clientDataJSON: text(clientDataJSON),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null,
      made,
    };
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const token = form.querySelector("[name=_csrf]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = form.querySelector("[data-said]");
      said.hidden = true;
      try {
        const begun = await fetch(form.dataset.begin, { method: "POST", headers: { "x-csrf-token": token ? token.value : "", accept: "application/json" } });
        const options = await begun.json();
        if (!begun.ok) throw new Error(options.detail);
        const { made, ...response } = await (form.dataset.passkey === "make" ? make(options) : use(options));
        const answer = { id: made.id, rawId: text(made.rawId), type: made.type, response, extensions: {} };
        form.querySelector("[name=credential]").value = JSON.stringify(answer);
        form.submit();
      } catch (error) {
        // The browser's own words are English; the form's are the reader's.
        said.textContent = error instanceof DOMException ? said.dataset.said : error.message;
        said.hidden = false;
      }
    });
  }
})();
