/* Making and using a passkey, for forms that say so; without it they stay hidden and the other ways remain. */

const { browserSupportsWebAuthn, browserSupportsWebAuthnAutofill, startAuthentication, startRegistration } =
  globalThis.SimpleWebAuthnBrowser;

const FAULTS = {
  InvalidStateError: 'known',
  NotAllowedError: 'cancelled',
  AbortError: 'cancelled',
  NotSupportedError: 'unsupported',
};

function prepare(form) {
  const { passkey, options, conditional, ...texts } = form.dataset;
  const said = form.querySelector('[data-passkey-said]');
  const optionsJSON = JSON.parse(options);
  const start = passkey === 'create' ? startRegistration : startAuthentication;

  const send = (answer) => {
    form.elements.passkey.value = JSON.stringify(answer);
    // Not requestSubmit(), which would come back here.
    form.submit();
  };

  form.hidden = false;
  let presses = 0;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    presses += 1;
    const press = presses;
    said.textContent = '';
    // Without its name it would be refused once it is made, and stay on the device for nothing.
    if (passkey === 'create' && form.elements.name.value.trim() === '') return form.submit();
    try {
      send(await start({ optionsJSON }));
    } catch (error) {
      // Another press took its place, and waits for an answer now.
      if (press !== presses) return;
      said.textContent = texts[FAULTS[error.name] ?? 'failed'] ?? texts.failed;
    }
  });
  return { conditional: conditional !== undefined, optionsJSON, send };
}

const forms = browserSupportsWebAuthn() ? [...document.querySelectorAll('form[data-passkey]')] : [];
for (const prepared of forms.map(prepare)) {
  if (!prepared.conditional || !(await browserSupportsWebAuthnAutofill())) continue;
  // Ends without an answer when the person types a password instead.
  startAuthentication({ optionsJSON: prepared.optionsJSON, useBrowserAutofill: true })
    .then(prepared.send)
    .catch(() => undefined);
}
for (const unsupported of document.querySelectorAll('[data-without-passkeys]'))
  unsupported.hidden = browserSupportsWebAuthn();
