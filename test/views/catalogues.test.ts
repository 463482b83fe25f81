import { expect } from 'chai';
import { createTexts, LANGUAGES, type TextFault } from '../../src/http/texts.ts';
import { catalogue, filesUnder, read, withoutPlural } from './support.ts';

const fr = catalogue('fr');
const en = catalogue('en');
const known = new Set([...fr.keys()].map(withoutPlural));

/** Families whose last words are chosen while running: by the server for the first three, by a template for the rest. */
const CHOSEN_LATER = ['fault.', 'alert.', 'error.'];

const templates = filesUnder('views', ['.njk']);
const sources = filesUnder('src', ['.ts']);
const literals = (path: string, pattern: RegExp) =>
  [...read(path).matchAll(pattern)].map((found) => found[1]!);

describe('catalogues', () => {
  it('hold the same keys in both languages', () => {
    expect([...en.keys()].sort()).to.deep.equal([...fr.keys()].sort());
  });

  it('say something under every key, with the same values and tags in both languages', () => {
    const marks = (text: string) => [...new Set(text.match(/\{\{\w+\}\}|<\/?\w+>/g) ?? [])].sort();
    for (const [key, text] of fr) {
      expect(text.trim(), key).to.not.equal('');
      expect(en.get(key)!.trim(), key).to.not.equal('');
      expect(marks(en.get(key)!), key).to.deep.equal(marks(text));
    }
  });

  it('carry no other markup than <b> and <link>', () => {
    for (const text of [...fr.values(), ...en.values()])
      expect(text.replace(/<\/?(b|link)>/g, '')).to.not.match(/[<>]/);
  });

  it('write one kind of apostrophe', () => {
    for (const [key, text] of [...fr, ...en]) expect(text, key).to.not.contain('’');
  });

  it('give both forms of every plural', () => {
    for (const key of fr.keys())
      if (/_(one|other)$/.test(key))
        for (const form of ['one', 'other'])
          expect(fr.has(`${withoutPlural(key)}_${form}`), key).to.equal(true);
  });

  it('hold every key that a template or the server names', () => {
    const used = [
      ...templates.flatMap((path) => literals(path, /(?:\bt|rich)\('([\w.-]+)'[,)]/g)),
      ...sources.flatMap((path) => literals(path, /['"]((?:fault|alert)\.[\w.-]+\w)['"]/g)),
      ...sources.flatMap((path) =>
        literals(path, /(?:titleKey|messageKey|adviceKey|labelKey): *'([\w.-]+)'/g),
      ),
    ];
    expect(used).to.not.have.length(0);
    expect([...new Set(used)].filter((key) => !known.has(key))).to.deep.equal([]);
  });

  it('hold no key that nothing uses', () => {
    const text = [...templates, ...sources].map(read).join('\n');
    const prefixes = templates.flatMap((path) => literals(path, /(?:\bt|rich)\('([\w.-]+[.-])' \+/g));
    const unused = [...known].filter(
      (key) =>
        !CHOSEN_LATER.some((family) => key.startsWith(family)) &&
        !text.includes(`'${key}'`) &&
        !prefixes.some((prefix) => key.startsWith(prefix)),
    );
    expect(unused).to.deep.equal([]);
  });

  it('hold a title and a message for every kind of error page', () => {
    for (const kind of [
      ...['notFound', 'forbidden', 'method', 'csrf', 'misdirected', 'tooLarge', 'busy', 'internal'],
      ...['interactionExpired', 'alreadySignedIn', 'protocol', 'unavailable'],
    ])
      for (const part of ['title', 'message', 'advice']) expect(known).to.include(`error.${kind}.${part}`);
  });
});

describe('texts', () => {
  const texts = createTexts();

  it('count in both languages, whatever the name of what is counted', () => {
    expect(texts.t('fr', 'fault.code.wrong', { remaining: 1 })).to.contain('1 essai.');
    expect(texts.t('fr', 'fault.code.wrong', { remaining: 0 })).to.contain('0 essai.');
    expect(texts.t('fr', 'fault.code.wrong', { remaining: 4 })).to.contain('4 essais.');
    expect(texts.t('en', 'fault.code.wrong', { remaining: 0 })).to.contain('0 tries');
    expect(texts.t('en', 'fault.throttled', { minutes: 1 })).to.contain('1 minute.');
    expect(texts.t('fr', 'fault.resend.tooSoon', { seconds: 30 })).to.contain('30 secondes');
  });

  it('take a value for a value: neither looked up, nor interpolated, nor an option', () => {
    const name = '$t(fault.credentials) {{email}}';
    expect(texts.t('fr', 'portal.hello', { givenName: name })).to.equal(`Bonjour ${name}`);
    expect(texts.t('fr', 'portal.hello', { givenName: 'Camille', lng: 'en' })).to.equal('Bonjour Camille');
  });

  it('throw on a missing text or value where nobody logs', () => {
    expect(() => texts.t('fr', 'no.such.key')).to.throw('no.such.key');
    expect(() => texts.t('fr', 'portal')).to.throw('portal');
    expect(() => texts.t('en', 'portal.hello')).to.throw('givenName');
  });

  it('report a missing text and never show its key', () => {
    const faults: TextFault[] = [];
    const reporting = createTexts({ onFault: (fault) => faults.push(fault) });
    for (const lang of LANGUAGES) {
      expect(reporting.t(lang, 'no.such.key')).to.not.contain('no.such.key').and.not.equal('');
      expect(reporting.t(lang, 'portal.hello')).to.not.contain('{{');
    }
    expect(faults.map((fault) => fault.reason)).to.deep.equal([
      'missing-text',
      'missing-value',
      'missing-text',
      'missing-value',
    ]);
  });
});
