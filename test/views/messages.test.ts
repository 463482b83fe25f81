import { expect } from 'chai';
import { createTexts, LANGUAGES } from '../../src/http/texts.ts';
import { createMessageRenderer } from '../../src/messages/render.ts';

const renderer = createMessageRenderer({
  texts: createTexts(),
  supportEmail: 'assistance@example.test',
});
const links = {
  signInUrl: 'https://id.example.test/connexion?a=1&b=2',
  passwordForgottenUrl: 'https://id.example.test/mot-de-passe-oublie',
};

const confirmation = {
  confirmUrl: 'https://id.example.test/confirmer-mon-adresse/jeton',
  askedBy: 'Alix Martin',
};
const invitation = {
  inviter: 'Anne Martin',
  title: 'Secrétariat & Cie',
  days: 7,
  invitationUrl: 'https://id.example.test/invitation/jeton',
};
const removal = {
  givenName: 'Basile',
  title: 'Secrétariat & Cie',
  remover: 'Anne Martin',
  supportEmail: 'assistance@example.test',
};
const refusal = {
  reason: 'Le numéro RPPS est celui d’un confrère & ami',
  signUpUrl: 'https://id.example.test/inscription',
  supportEmail: 'aide@example.test',
};
const blocked = {
  count: 10,
  at: '2026-11-24T08:05:00.000Z',
  source: '203.0.113.9',
  passwordForgottenUrl: links.passwordForgottenUrl,
  supportEmail: 'aide@example.test',
};
const digest = {
  count: 3,
  oldestHours: 50,
  limitHours: 48,
  url: 'https://id.example.test/administration/demandes',
};

const alarm = (count: number) => ({
  requests: Array.from({ length: count }, (_, index) => ({
    since: '2026-11-24T08:05:00.000Z',
    usedHours: 36 + index,
    url: `${digest.url}/${index + 1}`,
  })),
  alarmHours: 36,
  limitHours: 48,
  url: digest.url,
});
const responsible = {
  givenName: 'CAMILLE',
  creator: 'Anne Martin',
  title: 'Secrétariat & Cie',
  rpps: '99700900048',
  supportEmail: 'aide@example.test',
};

/** GSM 03.38: a sign outside it makes an SMS twice as dear, and 70 signs long at most. */
const GSM = /^[@£$¥èéùìòÇ\nØøÅåÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*$/;

describe('mails', () => {
  const all = LANGUAGES.flatMap((lang) => [
    ...(['sign-in', 'sign-up', 'address'] as const).map((purpose) =>
      renderer.mail('code', lang, { code: '482915', minutes: 10, purpose }),
    ),
    renderer.mail('account-created', lang, {
      givenName: 'Camille',
      email: 'camille@example.test',
      signInUrl: links.signInUrl,
    }),
    renderer.mail('address-already-used', lang, links),
    renderer.mail('address-already-used', lang, { ...links, asked: 'addition' }),
    renderer.mail('code', lang, { code: '482915', minutes: 10, purpose: 'address', ...confirmation }),
    renderer.mail('member-invited', lang, invitation),
    renderer.mail('recovery-code-used', lang, {
      givenName: 'Camille',
      left: 3,
      at: '2026-11-24T08:00:00.000Z',
      strongAuthenticationUrl: 'https://id.example.test/mon-compte/authentification-forte',
      supportEmail: 'assistance@example.test',
    }),
    renderer.mail('security-changed', lang, {
      givenName: 'Camille',
      change: 'passkey-added',
      name: 'Téléphone',
      at: '2026-11-24T08:00:00.000Z',
      supportEmail: 'assistance@example.test',
    }),
    renderer.mail('security-changed', lang, {
      givenName: 'Camille',
      change: 'email-removed',
      email: 'c***e@e***.test',
      at: '2026-11-24T08:00:00.000Z',
      supportEmail: 'assistance@example.test',
    }),
    renderer.mail('member-has-account', lang, { inviter: 'Anne Martin', title: 'Secrétariat & Cie' }),
    renderer.mail('member-removed', lang, removal),
    renderer.mail('member-removed', lang, { ...removal, remover: undefined }),
    renderer.mail('sign-up-received', lang, { givenName: 'Sacha', hours: 48 }),
    renderer.mail('sign-up-received', lang, { givenName: 'Anne', title: 'Secrétariat & Cie', hours: 48 }),
    renderer.mail('account-approved', lang, {
      givenName: 'Sacha',
      email: 'sacha@example.test',
      signInUrl: links.signInUrl,
    }),
    renderer.mail('account-approved', lang, {
      givenName: 'Anne',
      title: 'Secrétariat & Cie',
      email: 'anne@example.test',
      signInUrl: links.signInUrl,
    }),
    renderer.mail('account-refused', lang, { givenName: '', ...refusal }),
    ...(['password', 'device', 'second-step', 'rescue'] as const).map((tried) =>
      renderer.mail('sign-in-blocked', lang, { givenName: 'Camille', tried, ...blocked }),
    ),
    renderer.mail('sign-in-unblocked', lang, {
      givenName: '',
      at: blocked.at,
      signInUrl: links.signInUrl,
      supportEmail: 'aide@example.test',
    }),
    ...(['approved', 'refused'] as const).map((decision) =>
      renderer.mail('profile-change-decided', lang, {
        givenName: 'Anne',
        title: 'Secrétariat & Cie',
        decision,
        fields: ['familyName', 'title'],
        reason: decision === 'refused' ? 'Une pièce manque & il la faut.' : '',
        profileUrl: 'https://id.example.test/mon-compte',
        supportEmail: 'aide@example.test',
      }),
    ),
    renderer.mail('member-renamed', lang, {
      givenName: 'Anne',
      title: 'Secrétariat & Cie',
      before: 'Basile PETIT',
      after: 'Basile GRAND',
      supportEmail: 'aide@example.test',
    }),
    renderer.mail('account-closing', lang, {
      givenName: 'Camille',
      eraseAt: blocked.at,
      days: 30,
      signInUrl: links.signInUrl,
      supportEmail: 'aide@example.test',
    }),
    ...(['suspended', 'restored', 'closed', 'reopened', 'data-downloaded'] as const).map((change) =>
      renderer.mail('account-changed', lang, {
        givenName: 'Sacha',
        change,
        supportEmail: 'aide@example.test',
      }),
    ),
    ...[0, 1, 2].map((late) => renderer.mail('administrators-digest', lang, { ...digest, late })),
    renderer.mail('administrators-news', lang, { count: 2, url: digest.url }),
    ...[1, 2].map((count) => renderer.mail('administrators-alarm', lang, alarm(count))),
    renderer.mail('shared-account-responsible', lang, responsible),
  ]);

  it('have a subject of one line, a text and an HTML version', () => {
    for (const { subject, text, html } of all) {
      expect(subject).to.match(/^\S[^\n]+$/);
      expect(text).to.match(/\n$/);
      expect(html.trimStart()).to.match(/^<!doctype html>/);
      for (const part of [subject, text, html]) expect(part).to.not.match(/undefined|\[object|\{\{|\{%/);
    }
  });

  it('fetch nothing and run nothing', () => {
    for (const { html } of all)
      expect(html).to.not.match(
        /<(img|script|style|link|iframe|object|form)\b|url\(|background=|\son[a-z]+=/i,
      );
  });

  it('give the code in both versions, and never in the subject', () => {
    const mail = renderer.mail('code', 'fr', { code: '482915', minutes: 10, purpose: 'sign-in' });
    expect(mail.subject).to.equal('Votre code de connexion');
    expect(mail.text)
      .to.contain('\u00a0:\n\n    482915\n\n')
      .and.to.contain('10 minutes')
      .and.to.contain('Ne le donnez à personne');
    expect(mail.html).to.contain('482915').and.to.contain('10 minutes');
    for (const { subject } of all) expect(subject).to.not.match(/\d/);
  });

  it('name the application that one signs in to', () => {
    const params = {
      code: '482915',
      minutes: 10,
      purpose: 'sign-in',
      applicationName: 'Labo & Cie',
    } as const;
    const mail = renderer.mail('code', 'fr', params);
    expect(mail.text).to.contain('votre connexion à Labo & Cie');
    expect(mail.html).to.contain('votre connexion à Labo &amp; Cie');
    expect(mail.subject).to.equal('Votre code de connexion à Labo & Cie');
  });

  it('say where to write when something is wrong', () => {
    // Administrators are told of their work, not of something of their own.
    for (const { text, html } of all.filter(({ text }) => !text.includes(digest.url)))
      for (const part of [text, html]) expect(part).to.match(/(assistance|aide)@example\.test/);
  });

  it('begin, in a list of mails, with what they are about', () => {
    for (const { html } of all) {
      const [, preheader = ''] =
        /<body[^>]*>\s*<div style="display:none[^"]*">([^<]*)<\/div>/.exec(html) ?? [];
      expect(preheader)
        .to.match(/^\S.{20,}/)
        .and.not.to.match(/\d{6}/);
    }
  });

  it('recall how the identity was proved', () => {
    const proved = { on: '2026-11-01', rpps: '99700900022', channel: 'sms', masked: '3363***02' } as const;
    const params = { givenName: 'Alix', email: 'alix@example.test', signInUrl: links.signInUrl, proved };
    const { text, html } = renderer.mail('account-created', 'fr', params);
    for (const part of [text, html])
      expect(part).to.contain(
        'Il a été créé le 1er novembre 2026 pour le numéro RPPS 99700900022, avec un code envoyé par SMS au 3363***02.',
      );
  });

  it('give every link in the text version too', () => {
    for (const lang of LANGUAGES) {
      const created = renderer.mail('account-created', lang, {
        givenName: 'Camille',
        email: 'camille@example.test',
        signInUrl: links.signInUrl,
      });
      expect(created.text).to.contain(links.signInUrl).and.to.contain('camille@example.test');
      expect(created.html).to.contain('href="https://id.example.test/connexion?a=1&amp;b=2"');
      const used = renderer.mail('address-already-used', lang, links);
      expect(used.text).to.contain(links.signInUrl).and.to.contain(links.passwordForgottenUrl);
      expect(used.html).to.contain(`href="${links.passwordForgottenUrl}"`);
    }
  });

  it('name who invites or removes, to which account, and whose address a link confirms', () => {
    const invited = renderer.mail('member-invited', 'fr', invitation);
    const removed = renderer.mail('member-removed', 'fr', removal);
    for (const { subject, text, html } of [invited, removed]) {
      expect(subject).to.contain('Secrétariat & Cie');
      expect(text).to.contain('Anne Martin').and.to.contain('Secrétariat & Cie');
      expect(html).to.contain('Anne Martin').and.to.contain('Secrétariat &amp; Cie');
    }
    expect(invited.text).to.contain(invitation.invitationUrl).and.to.contain('7 jours');
    expect(invited.html).to.contain(`href="${invitation.invitationUrl}"`);
    const address = { code: '482915', minutes: 10, purpose: 'address', ...confirmation } as const;
    const code = renderer.mail('code', 'fr', address);
    expect(code.text).to.contain(confirmation.confirmUrl).and.to.contain('demandé par Alix Martin');
    expect(code.html).to.contain(`href="${confirmation.confirmUrl}"`);
  });

  it('tell how a request ended, with what to do next', () => {
    const refused = renderer.mail('account-refused', 'fr', { givenName: 'Sacha', ...refusal });
    expect(refused.text)
      .to.contain('Bonjour Sacha,')
      .and.to.contain(refusal.reason)
      .and.to.contain(refusal.signUpUrl)
      .and.to.contain(refusal.supportEmail);
    expect(refused.html).to.contain('confrère &amp; ami').and.to.contain(`href="${refusal.signUpUrl}"`);
    const lines = { ...refusal, reason: 'Pièce illisible.\r\nBonjour,\u2028-- \n\n\n\nMerci.' };
    const several = renderer.mail('account-refused', 'fr', { givenName: 'Sacha', ...lines });
    expect(several.text).to.match(/\n\n {4}Pièce illisible\.\n {4}Bonjour,\n {4}--\n( *\n)* {4}Merci\.\n\n/);
    expect(several.text.match(/^(Bonjour|--)/gm)).to.deep.equal(['Bonjour', '--']);
    expect(several.html).to.contain('Pièce illisible.<br>Bonjour,<br>--<br>');
    expect(several.html, 'a way on, not the main one').not.to.contain('display:inline-block');
    // A shared account has nobody's given name.
    expect(renderer.mail('account-refused', 'fr', { givenName: '', ...refusal }).text).to.contain(
      'Bonjour,\n',
    );
  });

  it('tell administrators how many requests wait, and never whose', () => {
    const mail = renderer.mail('administrators-digest', 'fr', { ...digest, late: 2 });
    expect(mail.text)
      .to.contain('3 demandes attendent')
      .and.to.contain('50 h ouvrées sur 48. 2 sont en retard.\n\n')
      .and.to.contain(digest.url);
    expect(mail.html).to.contain(`href="${digest.url}"`);
    expect(renderer.mail('administrators-digest', 'fr', { ...digest, late: 0 }).text).not.to.contain(
      'en retard',
    );
  });

  it('tell administrators of several late requests in one, each with its link', () => {
    const mail = renderer.mail('administrators-alarm', 'fr', alarm(2));
    expect(mail.subject).to.equal('Des demandes de compte vont être en retard');
    expect(mail.text)
      .to.contain('2 demandes de compte ont utilisé au moins 36 des 48 h ouvrées promises')
      .and.to.contain(`- reçue le 24 novembre 2026 à 09:05\u00a0: 36 h sur 48\n  ${digest.url}/1\n`)
      .and.to.contain(`- reçue le 24 novembre 2026 à 09:05\u00a0: 37 h sur 48\n  ${digest.url}/2\n`);
    for (const page of ['', '/1', '/2']) expect(mail.html).to.contain(`href="${digest.url}${page}"`);
    expect(renderer.mail('administrators-alarm', 'fr', alarm(1)).subject).to.equal(
      'Une demande de compte va être en retard',
    );
  });

  it('say of a code and its link together how long they are good', () => {
    const params = { code: '482915', minutes: 10, purpose: 'address' } as const;
    const both = renderer.mail('code', 'fr', { ...params, ...confirmation });
    const alone = renderer.mail('code', 'fr', params);
    for (const part of ['text', 'html'] as const) {
      expect(both[part])
        .to.contain('Le code et le lien sont valables 10 minutes')
        .and.not.to.contain('Il est');
      expect(alone[part]).to.contain('Il est valable 10 minutes').and.not.to.contain('le lien');
    }
  });

  it('greet whoever asked for a shared account, and name it', () => {
    const params = { givenName: 'ANNE', title: 'Secrétariat & Cie', hours: 48 };
    const { text, html } = renderer.mail('sign-up-received', 'fr', params);
    expect(text).to.contain('Bonjour Anne,').and.to.contain('compte partagé «\u00a0Secrétariat & Cie\u00a0»');
    expect(html).to.contain('Secrétariat &amp; Cie');
  });

  it('tell a professional who said that they answer for a shared account', () => {
    const { text, html } = renderer.mail('shared-account-responsible', 'fr', responsible);
    expect(text).to.contain('Bonjour Camille,').and.to.contain('Secrétariat & Cie');
    expect(html).to.contain('Secrétariat &amp; Cie');
    for (const part of [text, html])
      expect(part)
        .to.contain('Anne Martin')
        .and.to.contain('99700900048')
        .and.to.contain('assistance\u00a0: aide@example.test');
  });

  it('escape values in HTML, and keep a value on its line in the text', () => {
    const mail = renderer.mail('account-created', 'fr', {
      givenName: '<script>alert(1)</script>\r\nBcc: x',
      email: 'camille@example.test',
      signInUrl: links.signInUrl,
    });
    expect(mail.html).to.contain('&lt;script&gt;').and.not.contain('<script>');
    expect(mail.text).to.contain('Bonjour <script>alert(1)</script> Bcc: x,');
    const hostile = ['<script>'] as unknown as string;
    expect(
      renderer.mail('account-created', 'fr', { givenName: hostile, email: hostile, signInUrl: hostile }).html,
    )
      .to.contain('&lt;script&gt;')
      .and.not.contain('<script>');
  });
});

describe('SMS', () => {
  it('end with the line that binds the code to the site', () => {
    expect(
      renderer.sms('code', 'fr', {
        code: '048291',
        minutes: 10,
        host: 'id.example.test',
        purpose: 'sign-up',
      }),
    ).to.equal(
      'Caducée : votre code est 048291, pour créer votre espace. Valable 10 minutes. Ne le donnez à personne.\n\n@id.example.test #048291',
    );
    expect(
      renderer.sms('code', 'en', { code: '048291', minutes: 1, host: 'id.example.test', purpose: 'sign-in' }),
    ).to.equal(
      'Caducée: your code is 048291, to sign in. Valid for 1 minute. Give it to nobody.\n\n@id.example.test #048291',
    );
  });

  it('fit in one message of the plain alphabet', () => {
    const names = [undefined, 'Messagerie', 'Hôpital de jour', 'Réseau de soins palliatifs de Bretagne'];
    for (const lang of LANGUAGES)
      for (const purpose of ['sign-in', 'sign-up', 'address', 'phone'] as const)
        for (const applicationName of names) {
          const text = renderer.sms('code', lang, {
            code: '048291',
            minutes: 10,
            host: 'connexion.caducee.example.test',
            purpose,
            applicationName,
          });
          expect(text).to.match(GSM);
          expect(text.length).to.be.at.most(160);
          expect(text).to.match(/\n\n@connexion\.caducee\.example\.test #048291$/);
          if (purpose === 'sign-in' && applicationName === 'Messagerie')
            expect(text).to.contain('Messagerie');
        }
  });
});
