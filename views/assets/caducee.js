/* Comfort only: every page does its work without this file. */

const EXPOSED_TYPES = ['text', 'email', 'tel', 'search', 'url', 'password', 'number'];

function showSecrets() {
  for (const secret of document.querySelectorAll('[data-secret]')) {
    const input = secret.querySelector('input');
    const button = secret.querySelector('button');
    const text = button.querySelector('[data-text]');
    const show = (shown) => {
      input.type = shown ? 'text' : 'password';
      button.setAttribute('aria-pressed', String(shown));
      text.textContent = shown ? button.dataset.hide : button.dataset.show;
    };
    button.hidden = false;
    button.addEventListener('click', () => show(input.type === 'password'));
    // A shown password must not be kept by the browser as an ordinary text.
    input.form?.addEventListener('submit', () => show(false));
  }
}

const MINIMUM_LENGTH = 12;
const CLASSES = [
  [/\p{Ll}/u, 26],
  [/\p{Lu}/u, 26],
  [/\p{Nd}/u, 10],
  [/[^\p{Ll}\p{Lu}\p{Nd}]/u, 37],
];

const STRONG_LENGTH = 16;
const YEAR = /(?:19|20)\d\d/g;

/** Words that stand on the page beside the password, such as those of the address: the server refuses them. */
function wordsBeside(input) {
  const fields = input.form?.querySelectorAll('input:not([type="password"], [type="hidden"])') ?? [];
  const shown = [...fields].map((field) => field.value).join(' ');
  const name = document.querySelector('.brand')?.textContent ?? '';
  return `${shown} ${name} ${input.dataset.known ?? ''}`.toLowerCase().match(/[\p{L}\p{Nd}]{4,}/gu) ?? [];
}

/**
 * L·log2(N of the classes used): an order of size for the person. The server judges; this must not praise what it
 * refuses, so that what anybody would guess first counts for nothing.
 */
function strengthOf(password, known) {
  const signs = [...password];
  if (signs.length < MINIMUM_LENGTH || new Set(signs).size < 5) return 'weak';
  const own = known
    .reduce((rest, word) => rest.replaceAll(word, ''), password.toLowerCase())
    .replace(YEAR, '');
  if (!/\p{L}/u.test(own)) return 'weak';
  const alphabet = CLASSES.reduce((sum, [uses, size]) => (uses.test(password) ? sum + size : sum), 0);
  const bits = Math.round([...own].length * Math.log2(alphabet));
  if (bits >= 80 && signs.length >= STRONG_LENGTH) return 'strong';
  return bits >= 50 ? 'medium' : 'weak';
}

function meterPasswords() {
  for (const input of document.querySelectorAll('[data-metered]')) {
    const meter = input.closest('.field').querySelector('[data-meter]');
    const name = meter.querySelector('[data-level-name]');
    const update = () => {
      const level = input.value === '' ? undefined : strengthOf(input.value, wordsBeside(input));
      if (level === undefined) delete meter.dataset.level;
      else meter.dataset.level = level;
      const word = level === undefined ? '' : meter.dataset[level];
      // Written only when it changes: a screen reader would otherwise repeat it at every key.
      if (name.textContent !== word) name.textContent = word;
    };
    meter.hidden = false;
    input.addEventListener('input', update);
    update();
  }
}

function eraseForms() {
  for (const form of document.querySelectorAll('form[data-erase-after]')) {
    const delay = Number(form.dataset.eraseAfter) * 1000;
    const notice = document.querySelector('[data-erased]');
    const fields = () =>
      [...form.elements].filter(
        (field) => field.tagName === 'INPUT' && field.type !== 'hidden' && !field.readOnly,
      );
    const choices = () => [...form.elements].filter((field) => field.tagName === 'SELECT');
    const filled = () =>
      fields().some((field) => (field.type === 'checkbox' ? field.checked : field.value !== ''));
    let start = null;

    const erase = () => {
      start = null;
      for (const field of fields()) {
        if (field.type === 'checkbox' || field.type === 'radio') field.checked = false;
        else if (EXPOSED_TYPES.includes(field.type)) {
          field.value = '';
          field.dispatchEvent(new Event('input', { bubbles: true }));
        }
      }
      // To no choice at all: the page may have come back with one.
      for (const choice of choices()) choice.value = '';
      const chosen = form.elements.namedItem('person');
      if (chosen) chosen.value = '';
      for (const shown of form.querySelectorAll('[data-results], [data-results-said]'))
        shown.replaceChildren();
      start = null;
      if (notice && notice.children.length === 1)
        notice.append(notice.querySelector('template').content.cloneNode(true));
    };
    const check = () => {
      if (start !== null && Date.now() - start >= delay) erase();
    };
    const begin = () => {
      if (start !== null || !filled()) return;
      start = Date.now();
      for (const said of notice?.querySelectorAll('.notice') ?? []) said.remove();
      setTimeout(check, delay + 50);
    };

    form.addEventListener('input', begin);
    form.addEventListener('change', begin);
    // A computer that slept, or a page kept by « Back », has a late clock.
    document.addEventListener('visibilitychange', check);
    window.addEventListener('pageshow', () => {
      check();
      begin();
    });
    begin();
  }
}

function sendOnce() {
  const forms = [...document.querySelectorAll('form[data-once]')];
  const release = (form) => {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll('[aria-disabled]')) button.removeAttribute('aria-disabled');
  };
  for (const form of forms) {
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = 'yes';
      // A page that never came back must not leave the person with a dead button.
      setTimeout(() => release(form), 10_000);
      // Not « disabled »: a disabled button would not send its own name and value.
      for (const button of form.querySelectorAll('button[type="submit"]'))
        button.setAttribute('aria-disabled', 'true');
    });
  }
  window.addEventListener('pageshow', () => forms.forEach(release));
}

const SEARCH_PAUSE_MS = 250;
const SEARCH_LETTERS = 3;

/** Results as one types, from the same form; the « Rechercher » button does as much without this. */
function searchAsTyped() {
  for (const form of document.querySelectorAll('form[data-search]')) {
    const results = form.querySelector('[data-results]');
    const said = form.querySelector('[data-results-said]');
    const fields = form.dataset.searchFields.split(' ').map((name) => form.elements.namedItem(name));
    const chosen = form.elements.namedItem('person');
    let timer;
    let asked = 0;

    const search = async () => {
      asked += 1;
      const turn = asked;
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.dataset.search, {
        method: 'POST',
        body,
        headers: { accept: 'text/html' },
      });
      if (!answer.ok || turn !== asked) return;
      results.innerHTML = await answer.text();
      said.textContent = results.querySelector('[data-said]')?.textContent ?? '';
    };
    const later = () => {
      clearTimeout(timer);
      asked += 1;
      // A line that is edited is no longer that line.
      if (chosen) chosen.value = '';
      if (fields.every((field) => field.value.trim().length < SEARCH_LETTERS)) {
        results.replaceChildren();
        said.textContent = '';
        return;
      }
      // What fails here is still to be had by the button.
      timer = setTimeout(() => search().catch(() => undefined), SEARCH_PAUSE_MS);
    };
    for (const field of fields) field.addEventListener('input', later);
  }
}

/** As « fold » on the server: the words of the search, each in the text. */
const folded = (text) =>
  text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll('œ', 'oe')
    .replaceAll('æ', 'ae')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Tiles that match as one types; the « Rechercher » button does as much without this. */
function filterAsTyped() {
  for (const form of document.querySelectorAll('form[data-filter]')) {
    const field = form.querySelector('input[type="search"]');
    const said = document.querySelector('[data-filter-said]');
    const tiles = [...document.getElementById(form.dataset.filter).children].map((tile) => ({
      tile,
      text: folded(
        [...tile.querySelectorAll('[data-words]')].map(({ textContent }) => textContent).join(' '),
      ),
    }));
    const filter = () => {
      const words = folded(field.value).split(' ');
      let found = 0;
      for (const { tile, text } of tiles) {
        tile.hidden = !words.every((word) => text.includes(word));
        if (!tile.hidden) found += 1;
      }
      const { none, one, many } = form.dataset;
      const result = found === 0 ? none : found === 1 ? one : many.replace('#', found);
      said.textContent = field.value.trim() === '' ? '' : result;
    };
    field.addEventListener('input', filter);
    // « Back » brings what was typed, not what it hid.
    window.addEventListener('pageshow', filter);
  }
}

function printOnPress() {
  for (const button of document.querySelectorAll('[data-print]')) {
    button.hidden = false;
    button.addEventListener('click', () => print());
  }
}

showSecrets();
filterAsTyped();
printOnPress();
searchAsTyped();
meterPasswords();
eraseForms();
sendOnce();
document.querySelector('[data-focus]')?.focus();
