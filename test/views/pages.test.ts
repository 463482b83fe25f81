import { expect } from 'chai';
import { loadAssets } from '../../src/http/assets.ts';
import { createTexts, LANGUAGES, type Lang } from '../../src/http/texts.ts';
import { createViews } from '../../src/http/views.ts';
import { filesUnder, SAMPLES, type Sample } from './support.ts';

const texts = createTexts();
const assets = loadAssets();
const views = createViews({ texts, assets });

const render = ({ template, context }: Pick<Sample, 'template' | 'context'>, lang: Lang = 'fr') =>
  views.page(template, { csrf: 'jeton-du-formulaire', path: '/ici', ...context, lang, nonce: 'n0nce' });

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const wordsOf = (html: string) =>
  html
    .replace(/<(script|style|template)\b.*?<\/\1>/gs, '')
    .replace(/<[^>]+>/g, '')
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name]!)
    .replace(/\s+/g, ' ');

describe('pages', () => {
  it('all have a sample', () => {
    const pages = filesUnder('views', ['.njk'])
      .map((path) => path.replace(/^views\//, ''))
      // A name with « _ » in front is a part that pages include, and that their scripts ask for by itself.
      .filter((path) => path !== 'layout.njk' && !/^(macros|mails|sms)\/|\/_/.test(path));
    expect([...new Set(SAMPLES.map(({ template }) => template))].sort()).to.deep.equal(pages.sort());
  });

  for (const sample of SAMPLES)
    it(`say what they must: ${sample.template} (${sample.says[0]})`, () => {
      const words = wordsOf(render(sample));
      for (const text of sample.says) expect(words).to.contain(text);
    });

  const withPassword = SAMPLES.filter((sample) => /type="password"/.test(render(sample)));
  it('ask for a password in several places', () => {
    expect(withPassword.length).to.be.at.least(5);
  });
  for (const sample of withPassword)
    it(`welcome password managers and the clipboard: ${sample.template} (${sample.says[0]})`, () => {
      const html = render(sample);
      const [form = ''] = [...html.matchAll(/<form\b.*?<\/form>/gs)]
        .map(([one]) => one)
        .filter((one) => one.includes('type="password"'));
      const inputs = [...form.matchAll(/<input\b[^>]*>/g)].map(([tag]) => tag);
      const named = (autocomplete: string) =>
        inputs.filter((tag) => /autocomplete="([^"]*)"/.exec(tag)?.[1]?.split(' ').includes(autocomplete))
          .length;
      expect(named('username'), 'one identifier').to.equal(1);
      const secrets = inputs.filter((tag) => tag.includes('type="password"'));
      expect([
        [1, 0],
        [0, 2],
        [1, 2],
      ]).to.deep.include([named('current-password'), named('new-password')]);
      expect(named('current-password') + named('new-password')).to.equal(secrets.length);
      // No length that would cut a password as it is pasted, and nothing that would stop pasting.
      for (const tag of secrets) expect(tag).not.to.match(/maxlength|readonly|pattern|onpaste/);
    });

  for (const sample of SAMPLES)
    for (const lang of LANGUAGES)
      it(`are whole and well formed: ${sample.template} (${sample.says[0]}, ${lang})`, () => {
        const html = render(sample, lang);
        expect(html.trimStart()).to.match(/^<!doctype html>/);
        expect(html).to.contain(`<html lang="${lang}">`);
        expect(html.match(/<h1\b/g)).to.have.length(1);
        expect(html).to.match(/<title>[^<]+ – Caducée<\/title>/);
        expect(html).to.not.match(/undefined|\[object|\{\{|\{%|NaN/);
        expect(html).to.not.match(/<(h1|h2|label|button|legend|p)\b[^>]*>\s*<\/\1>/);

        // What the content security policy refuses.
        expect(html).to.not.match(/\sstyle=|\son[a-z]+=|<style|javascript:/);
        for (const [script] of html.matchAll(/<script\b[^>]*>/g)) expect(script).to.contain('nonce="n0nce"');

        const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map((found) => found[1]!);
        expect(new Set(ids).size, 'unique ids').to.equal(ids.length);
        for (const [, target] of html.matchAll(/(?:href="#|for="|aria-controls=")([^"]+)"/g))
          expect(ids).to.include(target);
        for (const [, targets] of html.matchAll(/aria-(?:describedby|labelledby)="([^"]+)"/g))
          for (const target of targets!.split(' ')) expect(ids).to.include(target);

        // A form that only asks carries no token into the address.
        for (const [form] of html.matchAll(/<form\b.*?<\/form>/gs))
          if (form.includes('method="get"')) expect(form).not.to.contain('_csrf');
          else expect(form).to.contain('<input type="hidden" name="_csrf" value="jeton-du-formulaire">');
      });

  it('write no form token when there is none', () => {
    const sample = SAMPLES.find(({ template }) => template === 'sign-out/confirm.njk')!;
    expect(render({ ...sample, context: { ...sample.context, csrf: undefined } })).to.not.contain('_csrf');
  });

  it('put the recovery link in the middle of the sentence', () => {
    const sample = SAMPLES.find(({ context }) => context.refusal === 'account-exists')!;
    expect(render(sample)).to.contain(
      'demandez une <a href="/mot-de-passe-oublie">récupération de mot de passe</a>.',
    );
  });

  it('tie a fault to its field and list it on top', () => {
    const html = render({
      template: 'sign-in/code.njk',
      context: { channel: 'sms', masked: '06', minutes: 1, errors: { code: { key: 'fault.code.expired' } } },
    });
    expect(html).to.match(
      /<input[^>]*id="code"[^>]*aria-invalid="true" aria-describedby="code-fault code-hint"/,
    );
    expect(html).to.contain('<a href="#code">');
    expect(wordsOf(html)).to.match(/^\s*Erreur : .+ – Caducée/);
  });

  it('say « already confirmed » as the success that it is', () => {
    const badgeOf = (endedKind: string) =>
      /badge--(success|waiting)/.exec(
        render({ template: 'sign-up/link-ended.njk', context: { endedKind } }),
      )?.[1];
    expect(['used', 'expired', 'none'].map(badgeOf)).to.deep.equal(['success', 'waiting', 'waiting']);
  });

  it('keep the sign-in that a sign-up came from', () => {
    const html = render(SAMPLES.find(({ context }) => context.connexion)!);
    expect(html).to.contain('<input type="hidden" name="connexion" value="uid-1">');
    expect(html).to.contain('href="/ici?langue=en&connexion=uid-1"');
  });

  it('offer the other language on the same path', () => {
    expect(render(SAMPLES[0]!, 'fr')).to.contain('href="/ici?langue=en"');
    expect(render(SAMPLES[0]!, 'en')).to.contain('href="/ici?langue=fr"');
  });
});

describe('values in pages', () => {
  const BAIT = '<script>alert(1)</script>"\'';
  const poison = (value: unknown, bait: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item) => poison(item, bait));
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(
        Object.entries(value).map(([name, child]) => [
          name,
          // These choose a text or a part of the page: the server sets them, never a person.
          /^(key|kind|channel|topic|refusal|scopes|proof|standing|decision|.*Key|.*Kind)$/.test(name)
            ? child
            : poison(child, bait),
        ]),
      );
    return typeof value === 'string' ? bait : value;
  };

  for (const [how, bait] of [
    ['as text', BAIT],
    ['in an array', [BAIT]],
    ['in an array in an array', [[BAIT]]],
  ] as const)
    it(`are escaped ${how}`, () => {
      for (const { template, context } of SAMPLES) {
        const html = render({
          template,
          context: { ...(poison(context, bait) as object), csrf: bait, path: bait },
        });
        expect(html, template).to.contain('&lt;script&gt;');
        expect(html, template).to.not.contain('<script>');
        expect(html, template).to.not.contain(`"'`);
      }
    });
});

describe('icons', () => {
  it('come from the set by their plain name, and never from a path', () => {
    const icon = (name: unknown) =>
      views.page('sign-in/consent.njk', {
        lang: 'fr',
        nonce: 'n',
        application: { name: 'A', icon: name },
        scopes: [],
        account: {},
      });
    const unknown = icon('app-window');
    for (const name of ['../../../package', 'mail.svg', '', undefined, ['mail'], 'no-such-icon'])
      expect(icon(name)).to.equal(unknown);
    expect(icon('mail')).to.not.equal(unknown);
  });
});
