import { expect } from 'chai';
import { isRpps } from '../../src/directories/rpps.ts';
import { journeyHash } from '../../src/journeys/journeys.ts';
import { SECOND } from '../../src/lib/clock.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestClient } from '../support/client.ts';
import { type Page, signIn, Visitor, wordsOf } from '../support/visitor.ts';

const START = '/inscription/ordre';
const PASSWORD = 'sept girafes sous la pluie';
const MINUTE = 60 * SECOND;

const UNKNOWN_PAIR =
  "Les informations que vous avez saisies ne correspondent pas à celles connues de l'Ordre, veuillez les corriger ou vous rapprocher de votre conseil";
const ACCOUNT_EXISTS =
  "Un compte est déjà associé à ce numéro RPPS, en cas d'oubli de mot de passe, demandez une récupération de mot de passe.";
const WRONG_CODE = "Ce code n'est pas le bon. Il vous reste 4 essais.";

interface Doctor {
  readonly rpps: string;
  /** As typed. */
  readonly birthdate: string;
  readonly givenName: string;
  readonly phone?: string;
  readonly email?: string;
}

const ALIX: Doctor = {
  rpps: '99700900014',
  birthdate: '17/06/1980',
  givenName: 'Alix',
  phone: '+33639980001',
  email: 'alix@example.test',
};
const CAMILLE = { rpps: '99700900048', birthdate: '17/06/1979' };

const heading = (page: Page): string =>
  (/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(page.text)?.[1] ?? '').replace(/&#39;/g, "'").trim();

/** What a person reads, words with a link or a name in bold among them included. */
const readingOf = (page: Page): string =>
  wordsOf({ ...page, text: page.text.replace(/<\/?(?:a|b)\b[^>]*>/g, '') });

/** The fault that stands beside a field. */
const faultOf = (page: Page, field: string): string | undefined =>
  new RegExp(`id="${field}-fault">[\\s\\S]*?<span>([\\s\\S]*?)</span>`)
    .exec(page.text)?.[1]
    ?.replace(/&#39;/g, "'")
    .replace(/\s/g, ' ');

const valueIn = (page: Page, field: string): string | undefined =>
  new RegExp(`<input[^>]*\\bid="${field}"[^>]*?\\bvalue="([^"]*)"`).exec(page.text)?.[1];

const hrefOf = (page: Page, label: string): string => {
  const link = [...page.text.matchAll(/<a\b[^>]*\bhref="([^"]*)"[^>]*>([\s\S]*?)<\/a>/g)].find(
    ([, , inside]) => inside?.replace(/<[^>]+>/g, '').trim() === label,
  );
  if (!link?.[1]) throw new Error(`no link « ${label} » on ${page.url}`);
  return link[1].replace(/&amp;/g, '&');
};

const journeyOf = (page: Page): string => {
  const id = new URL(page.url).pathname.split('/')[3];
  if (!id) throw new Error(`no journey on ${page.url} (${page.status})`);
  return id;
};

describe('sign-up with RPPS number and birthdate', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp();
  });
  after(() => app.close());
  beforeEach(() => app.database.knex('throttle_counters').delete());

  let invented = 0;
  /** Puts one more doctor into the register. */
  async function invent(contacts: { phone?: true | string; email?: true | string }): Promise<Doctor> {
    invented += 1;
    const rank = String(invented).padStart(3, '0');
    const rpps = [...'0123456789'].map((key) => `9970091${rank}${key}`).find(isRpps) as string;
    const { phone = undefined, email = undefined } = {
      ...(contacts.phone && { phone: contacts.phone === true ? `+33639981${rank}` : contacts.phone }),
      ...(contacts.email && { email: contacts.email === true ? `doc${rank}@example.test` : contacts.email }),
    };
    await app.database.knex('ordinal_register').insert({
      rpps,
      family_name: `DOC0091${rank}`,
      given_name: 'Noa',
      civilite_code: 'M',
      civilite_exercice_code: 'DR',
      profession_code: '10',
      birthdate: '1977-04-03',
      phone,
      email,
    });
    return {
      rpps,
      birthdate: '03/04/1977',
      givenName: 'Noa',
      ...(phone && { phone }),
      ...(email && { email }),
    };
  }

  const newVisitor = () => new Visitor(app.issuer);
  const received = (to: string) => app.mailbox.messages().filter((message) => message.to === to);

  const typed = ({ rpps, birthdate }: Pick<Doctor, 'rpps' | 'birthdate'>, more: object = {}) => ({
    rpps,
    birthdate,
    terms: 'yes',
    ...more,
  });

  async function identify(visitor: Visitor, fields: Record<string, string>): Promise<Page> {
    return visitor.submit(await visitor.get(START), fields, START);
  }

  /** Does `act` and waits for the code that it sends to `to`. */
  async function codeSentTo(to: string, act: () => Promise<Page>): Promise<{ page: Page; code: string }> {
    const { result: page, code } = await app.codeSentBy(to, act);
    return { page, code };
  }

  const askCode = (visitor: Visitor, page: Page, contact: 'sms' | 'email', to: string) =>
    codeSentTo(to, () => visitor.submit(page, { contact }, '/contact'));

  /** Identifies and proves a contact: the page where the account gets its credentials. */
  async function proveContact(visitor: Visitor, doctor: Doctor, contact: 'sms' | 'email'): Promise<Page> {
    const to = (contact === 'sms' ? doctor.phone : doctor.email) as string;
    const { page, code } = await askCode(visitor, await identify(visitor, typed(doctor)), contact, to);
    return visitor.submit(page, { code }, '/code');
  }

  const credentials = (email: string, password = PASSWORD) => ({
    email,
    emailConfirmation: email,
    password,
    passwordConfirmation: password,
  });

  const chooseAddress = (visitor: Visitor, page: Page, email: string) =>
    codeSentTo(email, () => visitor.submit(page, credentials(email), '/identifiants'));

  const create = (visitor: Visitor, page: Page) =>
    visitor.submit(page, { password: PASSWORD, passwordConfirmation: PASSWORD }, '/identifiants');

  const accountsOf = (rpps: string) => app.database.knex('accounts').where({ rpps });

  const wrong = (code: string) => (code === '000000' ? '111111' : '000000');

  async function canSignIn(email: string): Promise<boolean> {
    const client = await createTestClient(app.issuer, 'messagerie');
    const visitor = newVisitor();
    const form = await visitor.get((await client.authorize()).url);
    const next = await visitor.submit(form, { email, password: PASSWORD });
    return next.url.endsWith('/code') && next.status === 200;
  }

  describe('the form', () => {
    it('asks for both, says where to find the number, and erases itself after ten minutes', async () => {
      const visitor = newVisitor();
      const page = await visitor.get(START);
      expect(page.status).to.equal(200);
      const words = readingOf(page);
      for (const label of ['Date de naissance', 'Numéro RPPS', 'Où trouver mon RPPS ?', 'Valider']) {
        expect(words).to.include(label);
      }
      const [seconds, address] = (page.headers.get('refresh') ?? '').split('; url=');
      expect(seconds).to.equal('600');
      const erased = await visitor.get(address as string);
      expect(readingOf(erased)).to.include('Dix minutes ont passé : ce que vous aviez saisi a été effacé.');
      expect(valueIn(erased, 'rpps')).to.equal('');
    });

    const faults: [string, Record<string, string>, string, string][] = [
      ['no birthdate', { birthdate: ' ' }, 'birthdate', 'Indiquez votre date de naissance.'],
      [
        'the 30th of February',
        { birthdate: '30/02/1980' },
        'birthdate',
        "Cette date n'existe pas dans le calendrier. Vérifiez le jour et le mois.",
      ],
      [
        'a birthdate to come',
        { birthdate: '17/06/2180' },
        'birthdate',
        "Cette date est dans l'avenir. Vérifiez l'année.",
      ],
      [
        'a birthdate of two centuries ago',
        { birthdate: '17/06/1830' },
        'birthdate',
        "Cette date est trop ancienne. Vérifiez l'année.",
      ],
      [
        'a birthdate in another format',
        { birthdate: '17/06/80' },
        'birthdate',
        'Écrivez la date de naissance en 8 chiffres, avec ou sans barres : 17/06/1981 ou 17061981.',
      ],
      ['no number', { rpps: '' }, 'rpps', 'Indiquez votre numéro RPPS.'],
      [
        'letters in the number',
        { rpps: '9970090001A' },
        'rpps',
        'Le numéro RPPS ne contient que des chiffres. Retirez les autres caractères.',
      ],
      [
        'a short number',
        { rpps: '997009' },
        'rpps',
        'Le numéro RPPS compte 11 chiffres ; vous en avez saisi 6.',
      ],
      [
        'a wrong last digit',
        { rpps: '99700900015' },
        'rpps',
        'Ce numéro RPPS contient une erreur de frappe : son dernier chiffre ne correspond pas aux autres. Ressaisissez-le.',
      ],
      [
        'the terms not ticked',
        { terms: '' },
        'terms',
        "Pour continuer, lisez et acceptez les Conditions générales d'utilisation et la Politique de confidentialité.",
      ],
    ];
    for (const [what, fields, field, message] of faults) {
      it(`says beside the field what is wrong with ${what}, and keeps what was typed`, async () => {
        const given: Record<string, string> = typed(ALIX, fields);
        const page = await identify(newVisitor(), given);
        expect(page.status).to.equal(422);
        expect(faultOf(page, field)).to.equal(message);
        expect(page.text.match(/class="fault"/g), 'one fault').to.have.length(1);
        expect(valueIn(page, 'birthdate')).to.equal(given.birthdate);
        expect(valueIn(page, 'rpps')).to.equal(given.rpps);
        expect(/id="terms"[^>]*checked/.test(page.text)).to.equal(given.terms === 'yes');
        expect(page.headers.get('refresh')).to.match(/^600;/);
      });
    }

    it('tells all its faults at once', async () => {
      const page = await identify(newVisitor(), {});
      expect(['birthdate', 'rpps', 'terms'].map((field) => Boolean(faultOf(page, field)))).to.deep.equal([
        true,
        true,
        true,
      ]);
      expect(readingOf(page)).to.include('3 points sont à corriger');
    });

    const writings = [
      { rpps: '8 99700 90001 4', birthdate: '17/06/1980' },
      { rpps: '997 0090 0014', birthdate: '17.06.1980' },
      { rpps: '\u00a099700900014 ', birthdate: ' 17061980' },
      { rpps: '99700900014', birthdate: '1980-06-17' },
    ];
    for (const writing of writings) {
      it(`reads « ${writing.rpps.trim()} » and « ${writing.birthdate.trim()} »`, async () => {
        const page = await identify(newVisitor(), typed(writing));
        expect(heading(page)).to.equal('Sécuriser la création de votre espace');
      });
    }

    it('refuses a form without the token of the browser', async () => {
      const visitor = newVisitor();
      const page = await visitor.get(START);
      const answer = await visitor.send({ ...page, text: '' }, typed(ALIX), START);
      expect(answer.status).to.equal(403);
    });
  });

  describe('the answer of the register', () => {
    const unknown: [string, Pick<Doctor, 'rpps' | 'birthdate'>][] = [
      ['an unknown number', { rpps: '99700999990', birthdate: '17/06/1980' }],
      ['a wrong birthdate', { ...ALIX, birthdate: '18/06/1980' }],
      ['a wrong birthdate of somebody who has an account', { ...CAMILLE, birthdate: '18/06/1979' }],
      ['a doctor who left the register', { rpps: '99700900063', birthdate: '23/11/1958' }],
    ];
    it('is the same for every pair that the Order does not know', async () => {
      const pages: string[] = [];
      for (const [what, pair] of unknown) {
        const { rpps, birthdate } = pair;
        expect(isRpps(rpps), rpps).to.equal(true);
        const page = await identify(newVisitor(), typed(pair));
        expect(page.status, what).to.equal(422);
        expect(readingOf(page), what).to.include(UNKNOWN_PAIR);
        expect(valueIn(page, 'rpps'), what).to.equal(rpps);
        pages.push(
          page.text
            .replaceAll(rpps, '')
            .replaceAll(birthdate, '')
            .replace(/nonce="[^"]*"|name="_csrf" value="[^"]*"/g, ''),
        );
      }
      expect(new Set(pages).size, 'not a letter tells them apart').to.equal(1);
    });

    it('names the account that exists, with the way to recover its password', async () => {
      const page = await identify(newVisitor(), typed(CAMILLE));
      expect(page.status).to.equal(422);
      expect(readingOf(page)).to.include(ACCOUNT_EXISTS);
      const recovery = await newVisitor().get(hrefOf(page, 'récupération de mot de passe'));
      expect(recovery.status).to.equal(200);
      expect(heading(recovery)).to.equal('Mot de passe oublié');
    });

    it('explains what to do when the Order holds no contact', async () => {
      const visitor = newVisitor();
      const page = await identify(visitor, typed({ rpps: '99700900055', birthdate: '05/05/1965' }));
      expect(page.status).to.equal(200);
      expect(readingOf(page)).to.include("n'a ni numéro de téléphone portable ni adresse mail à votre nom");
      expect(page.text).not.to.include('<form');
      expect(hrefOf(page, 'Retour')).to.equal(START);
      const forced = await visitor.send(await visitor.get(START), { contact: 'sms' }, `${page.url}/contact`);
      expect(forced.headers.get('location')).to.equal(new URL(page.url).pathname);
    });

    it('makes who tries birthdates wait, after five for one number', async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      for (let day = 10; day < 15; day += 1) {
        const page = await identify(visitor, typed({ ...doctor, birthdate: `${day}/01/1980` }));
        expect(readingOf(page)).to.include(UNKNOWN_PAIR);
        const warned = readingOf(page).includes('Il vous reste un essai avec ce numéro RPPS');
        expect(warned, `${day}`).to.equal(day === 13);
      }
      const waits = "Trop d'essais en peu de temps. Réessayez dans 60 minutes.";
      const right = await identify(newVisitor(), typed(doctor));
      expect(right.status).to.equal(422);
      expect(faultOf(right, 'rpps')).to.equal(waits);
      expect(readingOf(right)).not.to.include(UNKNOWN_PAIR);

      const other = await identify(visitor, typed(ALIX));
      expect(heading(other), 'others are let through').to.equal('Sécuriser la création de votre espace');

      await app.database.knex('throttle_counters').update({ expire: Date.now() - 1 });
      const later = await identify(visitor, typed(doctor));
      expect(heading(later)).to.equal('Sécuriser la création de votre espace');
    });

    it('forgets the wrong birthdates once the right one came', async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      for (let round = 0; round < 2; round += 1) {
        for (let day = 10; day < 14; day += 1) {
          const page = await identify(visitor, typed({ ...doctor, birthdate: `${day}/01/1980` }));
          expect(readingOf(page)).to.include(UNKNOWN_PAIR);
        }
        const page = await identify(visitor, typed(doctor));
        expect(heading(page)).to.equal('Sécuriser la création de votre espace');
      }
    });
  });

  describe('the contact', () => {
    it('is chosen among those that the Order holds, masked on every page', async () => {
      const visitor = newVisitor();
      const contact = await identify(visitor, typed(ALIX));
      const words = readingOf(contact);
      for (const text of ['3363***01', 'a***x@e***.test', 'Recevoir votre code']) {
        expect(words).to.include(text);
      }
      const { page: bySms } = await askCode(visitor, contact, 'sms', ALIX.phone as string);
      expect(heading(bySms)).to.equal('Veuillez saisir le code reçu');
      expect(readingOf(bySms)).to.include("Nous l'avons envoyé par SMS au 3363***01");
      for (const label of ['Saisir le code', 'Valider', 'Renvoyer le code', 'Retour']) {
        expect(readingOf(bySms)).to.include(label);
      }
      const again = await visitor.get(hrefOf(bySms, 'Retour'));
      const { page: byEmail } = await askCode(visitor, again, 'email', ALIX.email as string);
      expect(readingOf(byEmail)).to.include("Nous l'avons envoyé par e-mail à a***x@e***.test");
      app.clock.advance(30 * SECOND);
      const resent = await visitor.submit(byEmail, {}, '/renvoyer');
      for (const page of [contact, bySms, again, byEmail, resent]) {
        const text = page.text.replace(/[\s.]/g, '');
        for (const real of ['39980001', 'alix@', 'alix%40']) {
          expect(text, page.url).not.to.include(real);
        }
      }
    });

    it('must be one of those shown', async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      const page = await identify(visitor, typed(doctor));
      for (const contact of ['', 'sms', 'mallory@example.test']) {
        const answer = await visitor.submit(page, { contact }, '/contact');
        expect(answer.status).to.equal(422);
        expect(faultOf(answer, 'contact')).to.equal('Choisissez où recevoir votre code.');
      }
      expect(received('mallory@example.test')).to.have.length(0);
    });

    it('receives a new code in place of the first', async () => {
      const doctor = await invent({ phone: true });
      const phone = doctor.phone as string;
      const visitor = newVisitor();
      const first = await askCode(visitor, await identify(visitor, typed(doctor)), 'sms', phone);
      app.clock.advance(30 * SECOND);
      const second = await codeSentTo(phone, () => visitor.submit(first.page, {}, '/renvoyer'));
      expect(second.page.status).to.equal(200);
      expect(second.page.url, 'a page that can be reloaded').to.equal(first.page.url);
      expect(readingOf(second.page)).to.include(
        `Un nouveau code est parti vers 3363***${phone.slice(-2)}. Le précédent ne sert plus.`,
      );
      if (first.code !== second.code) {
        const refused = await visitor.submit(second.page, { code: first.code }, '/code');
        expect(refused.status).to.equal(422);
        expect(faultOf(refused, 'code')).to.equal(WRONG_CODE);
      }
      const reloaded = await visitor.get(`${START}/${journeyOf(first.page)}/renvoyer`);
      expect(heading(reloaded), 'its address can be reloaded').to.equal('Veuillez saisir le code reçu');
      const accepted = await visitor.submit(reloaded, { code: second.code }, '/code');
      expect(heading(accepted)).to.equal('Finaliser la création de votre espace');
    });

    it('can be changed by « Retour », which voids the code that went to the other', async () => {
      const doctor = await invent({ phone: true, email: true });
      const visitor = newVisitor();
      const sms = await askCode(
        visitor,
        await identify(visitor, typed(doctor)),
        'sms',
        doctor.phone as string,
      );
      const contact = await visitor.get(hrefOf(sms.page, 'Retour'));
      expect(heading(contact)).to.equal('Sécuriser la création de votre espace');

      const early = await visitor.submit(sms.page, { code: sms.code }, '/code');
      expect(heading(early), 'no contact, no code').to.equal('Sécuriser la création de votre espace');

      const mail = await askCode(visitor, contact, 'email', doctor.email as string);
      if (sms.code !== mail.code) {
        const refused = await visitor.submit(mail.page, { code: sms.code }, '/code');
        expect(faultOf(refused, 'code')).to.equal(WRONG_CODE);
      }
      const proved = await visitor.submit(mail.page, { code: mail.code }, '/code');
      expect(heading(proved)).to.equal('Créer mon compte');
      expect(hrefOf(contact, 'Retour')).to.equal(START);
    });

    it('is not proved by five wrong codes, nor by the right one after them', async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      const { page, code } = await askCode(
        visitor,
        await identify(visitor, typed(doctor)),
        'email',
        doctor.email as string,
      );
      const empty = await visitor.submit(page, { code: ' ' }, '/code');
      expect(faultOf(empty, 'code')).to.equal('Saisissez le code que vous avez reçu.');
      const letters = await visitor.submit(page, { code: '12345a' }, '/code');
      expect(faultOf(letters, 'code')).to.equal(
        "Le code compte 6 chiffres. Recopiez-le tel que vous l'avez reçu.",
      );
      const said: (string | undefined)[] = [];
      for (let tries = 0; tries < 5; tries += 1) {
        said.push(faultOf(await visitor.submit(page, { code: wrong(code) }, '/code'), 'code'));
      }
      const exhausted = "Trop d'essais : ce code ne sert plus. Demandez-en un nouveau.";
      expect(said).to.deep.equal([
        WRONG_CODE,
        "Ce code n'est pas le bon. Il vous reste 3 essais.",
        "Ce code n'est pas le bon. Il vous reste 2 essais.",
        "Ce code n'est pas le bon. Il vous reste 1 essai.",
        exhausted,
      ]);
      expect(faultOf(await visitor.submit(page, { code }, '/code'), 'code')).to.equal(exhausted);
      app.clock.advance(30 * SECOND);
      const next = await codeSentTo(doctor.email as string, () => visitor.submit(page, {}, '/renvoyer'));
      const accepted = await visitor.submit(next.page, { code: next.code }, '/code');
      expect(heading(accepted)).to.equal('Créer mon compte');
    });

    it('gets at most five codes that nobody enters, and is told to wait', async () => {
      const doctor = await invent({ phone: true });
      const visitor = newVisitor();
      let { page } = await askCode(
        visitor,
        await identify(visitor, typed(doctor)),
        'sms',
        doctor.phone as string,
      );
      for (let sent = 1; sent < 5; sent += 1) {
        app.clock.advance(30 * SECOND);
        ({ page } = await codeSentTo(doctor.phone as string, () => visitor.submit(page, {}, '/renvoyer')));
      }
      app.clock.advance(30 * SECOND);
      const refused = await visitor.submit(page, {}, '/renvoyer');
      expect(refused.status).to.equal(200);
      expect(readingOf(refused)).to.include(
        'Vous avez demandé 5 codes. Le dernier reçu reste valable ; vous pourrez en demander un autre dans 60 minutes.',
      );
      expect(faultOf(refused, 'code')).to.equal(undefined);
      expect(received(doctor.phone as string)).to.have.length(5);
    });
  });

  describe('the ending by SMS', () => {
    it('makes an active account with an address that is proved too', async () => {
      const visitor = newVisitor();
      const email = 'Frederique.Choisie@Example.test';
      const address = 'Frederique.Choisie@example.test';
      const doctor: Doctor = {
        rpps: '99700900022',
        birthdate: '29/02/1984',
        givenName: 'Frédérique',
        phone: '+33639980002',
      };
      const phone = doctor.phone as string;

      const contact = await identify(visitor, typed(doctor));
      expect(readingOf(contact)).not.to.include('Par e-mail');
      const { page: codePage, code } = await askCode(visitor, contact, 'sms', phone);
      const sms = received(phone)[0]?.text ?? '';
      expect(sms).to.include(`votre code est ${code}, pour créer votre espace.`);
      expect(sms.split('\n').at(-1)).to.equal(`@localhost #${code}`);

      const form = await visitor.submit(codePage, { code: `${code.slice(0, 3)} ${code.slice(3)}` }, '/code');
      expect(heading(form)).to.equal('Finaliser la création de votre espace');
      for (const label of [
        'Email',
        'Confirmation Email',
        'Mot de passe',
        'Confirmation du mot de passe',
        'Activer',
      ]) {
        expect(readingOf(form)).to.include(label);
      }
      const { page: proof, code: addressCode } = await codeSentTo(address, () =>
        visitor.submit(form, credentials(email), '/identifiants'),
      );
      expect(readingOf(proof)).to.include(`Nous avons écrit à ${address}.`);
      expect(received(address)[0]?.subject).to.equal('Votre code pour vérifier votre adresse');
      expect(await accountsOf(doctor.rpps), 'no account before the proof').to.have.length(0);
      expect(await canSignIn(address)).to.equal(false);
      const refused = await visitor.submit(proof, { code: wrong(addressCode) }, '/adresse');
      expect(faultOf(refused, 'code')).to.equal(WRONG_CODE);

      const done = await visitor.submit(proof, { code: addressCode }, '/adresse');
      expect(done.status).to.equal(200);
      expect(heading(done)).to.equal('Votre espace est créé');
      expect(hrefOf(done, 'Retour à la connexion')).to.equal('/connexion');

      const [account, ...more] = await accountsOf(doctor.rpps);
      expect(more).to.have.length(0);
      expect(account).to.include({
        kind: 'professional',
        state: 'active',
        rpps: doctor.rpps,
        family_name: 'DOC0090002',
        given_name: 'Frédérique',
        civilite_code: 'MME',
        civilite_exercice_code: 'DR',
        profession_code: '10',
        identity_proof: 'ordinal-register',
        terms_version: '2026-11',
      });
      expect(account.terms_accepted_at).to.be.a('date');
      expect(account.password_hash).to.match(/^\$argon2id\$/);
      const addresses = await app.database.knex('email_addresses').where({ account_id: account.id });
      expect(addresses).to.have.length(1);
      expect(addresses[0]).to.include({
        address,
        canonical: address.toLowerCase(),
        is_sign_in: true,
        is_notification: true,
      });
      const phones = await app.database.knex('phone_numbers').where({ account_id: account.id });
      expect(phones.map(({ number }) => number)).to.deep.equal([phone]);
      expect(account.preferred_factor).to.equal(null);

      const mail = await app.waitForMessage(address, { after: 1 });
      expect(mail.subject).to.equal('Votre espace est créé');
      expect(mail.text).to.include('Bonjour Frédérique,');
      expect(mail.text).to.include(address);
      expect(mail.text).to.include(`${app.issuer}/connexion`);
      expect(mail.text).to.match(
        /Il a été créé le \d.* pour le numéro RPPS 99700900022, avec un code envoyé par SMS au 3363\*\*\*02\./,
      );
      expect(mail.text).to.include("Écrivez tout de suite à l'assistance, assistance@example.test");

      const client = await createTestClient(app.issuer, 'messagerie');
      const authorization = await client.authorize();
      const back = await signIn(app, newVisitor(), authorization.url, {
        email: address,
        password: PASSWORD,
      });
      const tokens = await client.exchange(authorization, back.headers.get('location') as string);
      expect(tokens.claims()?.sub).to.be.a('string');

      const again = await identify(newVisitor(), typed(doctor));
      expect(readingOf(again)).to.include(ACCOUNT_EXISTS);
    });

    const faults: [string, Record<string, string>, Record<string, string>][] = [
      [
        'an empty form',
        { email: '', emailConfirmation: '', password: '', passwordConfirmation: '' },
        {
          email: 'Indiquez votre adresse mail.',
          emailConfirmation: 'Indiquez votre adresse mail une seconde fois.',
          password: 'Indiquez un mot de passe.',
          passwordConfirmation: 'Indiquez le mot de passe une seconde fois.',
        },
      ],
      [
        'an incomplete address',
        { email: 'noa@example', emailConfirmation: 'noa@example' },
        {
          email: "Cette adresse mail n'est pas valable. Elle ressemble à prenom.nom@exemple.fr.",
        },
      ],
      [
        'two recipients',
        { email: 'a@example.test,b@example.test', emailConfirmation: 'a@example.test,b@example.test' },
        {
          email: "Cette adresse mail n'est pas valable. Elle ressemble à prenom.nom@exemple.fr.",
        },
      ],
      [
        'an address typed once',
        { emailConfirmation: '' },
        {
          emailConfirmation: 'Indiquez votre adresse mail une seconde fois.',
        },
      ],
      [
        'two addresses',
        { emailConfirmation: 'other@example.test' },
        {
          emailConfirmation: 'Les deux adresses mail sont différentes. Ressaisissez-les.',
        },
      ],
      [
        'a short password',
        { password: 'girafe' },
        {
          password: 'Ce mot de passe est trop court : il faut au moins 12 caractères.',
        },
      ],
      [
        'a long password',
        { password: 'sept girafes '.repeat(20) },
        {
          password: 'Ce mot de passe est trop long : 128 caractères au plus.',
        },
      ],
      [
        'a repeated password',
        { password: 'abcabcabcabcabc' },
        {
          password: 'Ce mot de passe se devine trop facilement. Allongez-le, ou ajoutez un ou deux mots.',
        },
      ],
      [
        'a common password',
        { password: 'password123456' },
        {
          password: 'Ce mot de passe figure parmi les plus utilisés. Choisissez-en un autre.',
        },
      ],
      [
        'a password made of the address',
        { password: 'choisie.noa!!' },
        {
          password:
            'Ce mot de passe contient votre nom, votre adresse ou votre numéro. Choisissez-en un autre.',
        },
      ],
      [
        'a password made of the birthdate',
        { password: 'ne-03/04/1977' },
        {
          password:
            'Ce mot de passe contient votre nom, votre adresse ou votre numéro. Choisissez-en un autre.',
        },
      ],
      [
        'a password typed once',
        { passwordConfirmation: '' },
        {
          passwordConfirmation: 'Indiquez le mot de passe une seconde fois.',
        },
      ],
      [
        'two passwords',
        { passwordConfirmation: `${PASSWORD}!` },
        {
          passwordConfirmation: 'Les deux mots de passe sont différents. Ressaisissez-les.',
        },
      ],
    ];
    it('says each fault beside its field, and gives back the addresses but never the password', async () => {
      const doctor = await invent({ phone: true });
      const visitor = newVisitor();
      const form = await proveContact(visitor, doctor, 'sms');
      const email = 'choisie.noa@example.test';
      for (const [what, fields, expected] of faults) {
        const { password = PASSWORD } = fields;
        const given = { ...credentials(email, password), ...fields };
        const page = await visitor.submit(form, given, '/identifiants');
        expect(page.status, what).to.equal(422);
        const told = Object.fromEntries(
          ['email', 'emailConfirmation', 'password', 'passwordConfirmation']
            .map((field) => [field, faultOf(page, field)])
            .filter(([, fault]) => fault),
        );
        expect(told, what).to.deep.equal(expected);
        const listed = [...page.text.matchAll(/<li><a href="#(\w+)">/g)].map(([, field]) => field);
        expect(listed, `${what}: in the order of the page`).to.deep.equal(Object.keys(expected));
        expect(valueIn(page, 'email'), what).to.equal(given.email);
        expect(valueIn(page, 'emailConfirmation'), what).to.equal(given.emailConfirmation);
        expect(valueIn(page, 'password'), what).to.equal(undefined);
        for (const secret of [given.password, given.passwordConfirmation].filter(Boolean)) {
          expect(page.text, what).not.to.include(secret);
        }
      }
      expect(received(email)).to.have.length(0);
      const reloaded = await visitor.get(form.url);
      expect(heading(reloaded)).to.equal('Finaliser la création de votre espace');
    });

    it('lets the person change the address by « Retour », which voids its code', async () => {
      const doctor = await invent({ phone: true });
      const visitor = newVisitor();
      const form = await proveContact(visitor, doctor, 'sms');
      const first = await chooseAddress(visitor, form, 'first.choice@example.test');
      expect(readingOf(first.page)).to.match(/rien reçu\s\? Le message contient un code, ou vous explique/);
      const back = await visitor.get(hrefOf(first.page, 'Retour'));
      expect(heading(back)).to.equal('Finaliser la création de votre espace');
      for (const field of ['email', 'emailConfirmation'])
        expect(valueIn(back, field), 'what was typed is there').to.equal('first.choice@example.test');
      const second = await chooseAddress(visitor, back, 'second.choice@example.test');
      if (first.code !== second.code) {
        const refused = await visitor.submit(second.page, { code: first.code }, '/adresse');
        expect(faultOf(refused, 'code')).to.equal(WRONG_CODE);
      }
      const early = await visitor.submit(second.page, {}, '/renvoyer');
      expect(readingOf(early)).to.match(/Un code vient de partir\. .* dans (29|30) secondes/);
      app.clock.advance(20 * SECOND);
      expect(readingOf(await visitor.get(early.url)), 'loaded again').to.match(/dans (9|10) secondes/);
      app.clock.advance(10 * SECOND);
      expect(readingOf(await visitor.get(early.url))).not.to.include('Un code vient de partir');
      const resent = await codeSentTo('second.choice@example.test', () =>
        visitor.submit(second.page, {}, '/renvoyer'),
      );
      expect(readingOf(resent.page)).to.include('Un nouveau code est parti vers second.choice@example.test.');
      if (second.code !== resent.code) {
        const refused = await visitor.submit(second.page, { code: second.code }, '/adresse');
        expect(refused.status).to.equal(422);
      }
      const done = await visitor.submit(resent.page, { code: resent.code }, '/adresse');
      expect(heading(done)).to.equal('Votre espace est créé');
      const addresses = await app.database
        .knex('email_addresses')
        .where('canonical', 'like', '%.choice@example.test')
        .pluck('canonical');
      expect(addresses).to.deep.equal(['second.choice@example.test']);
    });

    it('shows the same page for an address that has an account, and writes to its owner', async () => {
      const [taken, free] = ['camille@example.test', 'nobody-yet@example.test'];
      const seen: string[] = [];
      for (const address of [taken, free]) {
        const doctor = await invent({ phone: true });
        const visitor = newVisitor();
        const form = await proveContact(visitor, doctor, 'sms');
        const before = received(address).length;
        const pages = [await visitor.submit(form, credentials(address), '/identifiants')];
        await app.waitForMessage(address, { after: before });
        const tried = ['000000', '111111', '222222'].map((code) => ({ code }));
        for (const fields of tried) {
          pages.push(await visitor.submit(pages[0] as Page, fields, '/adresse'));
        }
        pages.push(await visitor.submit(pages[0] as Page, {}, '/renvoyer'));
        app.clock.advance(30 * SECOND);
        pages.push(await visitor.submit(pages[0] as Page, {}, '/renvoyer'));
        await app.waitForMessage(address, { after: before + 1 });
        pages.push(await visitor.get(form.url));
        expect(await accountsOf(doctor.rpps)).to.have.length(0);
        const shown = pages.map((page) =>
          `${page.status} ${page.headers.getSetCookie().length} ${page.text}`
            .replaceAll(journeyOf(form), 'journey')
            .replaceAll(address, 'address')
            .replace(/\d+ secondes?/, 'N secondes')
            .replace(/nonce="[^"]*"|name="_csrf" value="[^"]*"/g, ''),
        );
        seen.push(shown.join('\n'));
      }
      expect(seen[0]).to.include('Vérifier votre adresse');
      expect(seen[0]).to.include('Il vous reste 2 essais.');
      expect(seen[0]).to.equal(seen[1]);

      const [again, notice] = received(taken);
      for (const mail of [again, notice]) {
        expect(mail?.subject).to.equal('Votre adresse a déjà un compte');
        expect(mail?.text).not.to.match(/\b\d{6}\b/);
        expect(mail?.text).to.include(`${app.issuer}/connexion`);
      }
      expect(received(free)).to.have.length(2);
    });

    it('asks for another address when somebody else proved it in between', async () => {
      const address = 'disputed@example.test';
      const [slow, quick] = [newVisitor(), newVisitor()];
      const [slowDoctor, quickDoctor] = [await invent({ phone: true }), await invent({ phone: true })];
      const first = await chooseAddress(slow, await proveContact(slow, slowDoctor, 'sms'), address);
      const second = await chooseAddress(quick, await proveContact(quick, quickDoctor, 'sms'), address);
      const won = await quick.submit(second.page, { code: second.code }, '/adresse');
      expect(heading(won)).to.equal('Votre espace est créé');

      const lost = await slow.submit(first.page, { code: first.code }, '/adresse');
      expect(lost.status).to.equal(422);
      expect(heading(lost)).to.equal('Finaliser la création de votre espace');
      expect(faultOf(lost, 'email')).to.equal('Un compte est déjà associé à cette adresse mail');
      const other = await chooseAddress(slow, lost, 'undisputed@example.test');
      const done = await slow.submit(other.page, { code: other.code }, '/adresse');
      expect(heading(done)).to.equal('Votre espace est créé');
      expect(await accountsOf(slowDoctor.rpps)).to.have.length(1);
    });
  });

  describe('the ending by e-mail', () => {
    it('fixes the address and asks for a password only', async () => {
      const doctor: Doctor = {
        rpps: '99700900030',
        birthdate: '01/12/1975',
        givenName: 'Claude',
        email: 'claude@example.test',
      };
      const email = doctor.email as string;
      const visitor = newVisitor();
      const contact = await identify(visitor, typed(doctor));
      expect(readingOf(contact)).not.to.include('Par SMS');
      const { page: codePage, code } = await askCode(visitor, contact, 'email', email);
      expect(received(email)[0]?.subject).to.equal('Votre code pour créer votre espace');
      const form = await visitor.submit(codePage, { code }, '/code');
      expect(heading(form)).to.equal('Créer mon compte');
      expect(valueIn(form, 'email')).to.equal(email);
      expect(form.text).to.match(/<input[^>]*\bid="email"[^>]*\breadonly/);
      expect(readingOf(form)).not.to.include('Confirmation Email');

      const weak = await visitor.submit(
        form,
        { password: 'claude-claude', passwordConfirmation: 'claude-claude' },
        '/identifiants',
      );
      expect(faultOf(weak, 'password')).to.equal(
        'Ce mot de passe contient votre nom, votre adresse ou votre numéro. Choisissez-en un autre.',
      );
      expect(weak.text).not.to.include('claude-claude');
      expect(await accountsOf(doctor.rpps)).to.have.length(0);

      const done = await visitor.submit(
        form,
        { email: 'mallory@example.test', password: PASSWORD, passwordConfirmation: PASSWORD },
        '/identifiants',
      );
      expect(heading(done)).to.equal('Votre espace est créé');
      expect(readingOf(done)).to.include(email);
      const [account] = await accountsOf(doctor.rpps);
      expect(account).to.include({ state: 'active', identity_proof: 'ordinal-register' });
      expect(
        await app.database.knex('email_addresses').where({ account_id: account.id }).pluck('canonical'),
      ).to.deep.equal([email]);
      expect(await app.database.knex('phone_numbers').where({ account_id: account.id })).to.have.length(0);
      const mail = await app.waitForMessage(email, { after: 1 });
      expect(mail.subject).to.equal('Votre espace est créé');
      expect(received('mallory@example.test')).to.have.length(0);
      expect(await canSignIn(email)).to.equal(true);
    });

    it("asks for another address when the Order's one is somebody's already", async () => {
      const doctor = await invent({ email: 'camille.cabinet@example.test' });
      const visitor = newVisitor();
      const form = await proveContact(visitor, doctor, 'email');
      expect(heading(form)).to.equal('Créer mon compte');
      const refused = await create(visitor, form);
      expect(refused.status).to.equal(422);
      expect(faultOf(refused, 'email')).to.equal('Un compte est déjà associé à cette adresse mail');
      expect(readingOf(refused)).to.include('Confirmation Email');
      const reloaded = await visitor.get(form.url);
      expect(heading(reloaded)).to.equal('Finaliser la création de votre espace');

      const other = await chooseAddress(visitor, reloaded, 'mine@example.test');
      const done = await visitor.submit(other.page, { code: other.code }, '/adresse');
      expect(heading(done)).to.equal('Votre espace est créé');
      const [account] = await accountsOf(doctor.rpps);
      expect(
        await app.database.knex('email_addresses').where({ account_id: account.id }).pluck('canonical'),
      ).to.deep.equal(['mine@example.test']);
    });

    it('makes one account of two clicks on « Créer »', async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      const form = await proveContact(visitor, doctor, 'email');
      const answers = await Promise.all([
        create(visitor, form),
        create(visitor, form),
        create(visitor, form),
      ]);
      expect(answers.map(heading)).to.deep.equal(Array(3).fill('Votre espace est créé'));
      expect(await accountsOf(doctor.rpps)).to.have.length(1);
      await app.waitForMessage(doctor.email as string, { after: 1 });
      const { count } = (await app.database
        .knex('journal')
        .where({ event: 'account.created' })
        .whereLike('entry', `%${doctor.rpps}%`)
        .count()
        .first()) as { count: number };
      expect(count).to.equal(1);
      expect(received(doctor.email as string).map(({ subject }) => subject)).to.deep.equal([
        'Votre espace est créé',
        'Votre code pour créer votre espace',
      ]);
      // The mailbox has it a moment before the sender writes that it left.
      const unsent = app.database
        .knex('messages')
        .where({ template: 'account-created' })
        .whereNull('sent_at');
      for (let waited = 0; waited < 5_000 && (await unsent.clone()).length > 0; waited += 20)
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await unsent.clone()).to.have.length(0);
    });

    it('tells the slower of two browsers that the account exists', async () => {
      const doctor = await invent({ email: true });
      const [one, two] = [newVisitor(), newVisitor()];
      const first = await proveContact(one, doctor, 'email');
      const uid = 'u'.repeat(43);
      const start = await two.get(`${START}?connexion=${uid}`);
      const contact = await two.submit(start, typed(doctor));
      const { page, code } = await askCode(two, contact, 'email', doctor.email as string);
      const second = await two.submit(page, { code }, '/code');
      expect(heading(await create(one, first))).to.equal('Votre espace est créé');
      const late = await create(two, second);
      expect(late.status).to.equal(422);
      expect(readingOf(late)).to.include(ACCOUNT_EXISTS);
      expect(hrefOf(late, 'Connectez-vous')).to.equal(`/connexion/${uid}`);
      expect(await accountsOf(doctor.rpps)).to.have.length(1);
    });
  });

  describe('the journey', () => {
    it('shows its end again and again, whatever is sent to it afterwards', async () => {
      const doctor = await invent({ phone: true });
      const visitor = newVisitor();
      const contact = await identify(visitor, typed(doctor));
      const sms = await askCode(visitor, contact, 'sms', doctor.phone as string);
      const form = await visitor.submit(sms.page, { code: sms.code }, '/code');
      const chosen = await chooseAddress(visitor, form, 'the-end@example.test');
      const done = await visitor.submit(chosen.page, { code: chosen.code }, '/adresse');
      const mails = () => received('the-end@example.test').length;
      await app.waitForMessage('the-end@example.test', { after: 1 });

      const late = [
        await visitor.get(done.url),
        await visitor.submit(contact, { contact: 'sms' }, '/contact'),
        await visitor.submit(sms.page, { code: sms.code }, '/code'),
        await visitor.submit(sms.page, {}, '/renvoyer'),
        await visitor.submit(form, credentials('another@example.test'), '/identifiants'),
        await visitor.submit(chosen.page, { code: chosen.code }, '/adresse'),
        await visitor.get(`${done.url}/retour`),
        await visitor.get(`${done.url}/adresse`),
      ];
      for (const page of late) {
        expect(page.status, page.url).to.equal(200);
        expect(heading(page), page.url).to.equal('Votre espace est créé');
      }
      expect(await accountsOf(doctor.rpps)).to.have.length(1);
      expect(received(doctor.phone as string)).to.have.length(1);
      expect(mails()).to.equal(2);

      const { keyring } = app.deps;
      const hash = journeyHash(keyring, 'sign-up/ordre', journeyOf(done));
      const { state } = await app.database.knex('journeys').where({ id_hash: hash }).first('state');
      const kept = JSON.parse(keyring.unseal(`journeys/${hash.toString('hex')}`, state));
      expect(kept, 'all that is left of it').to.deep.equal({ step: 'done', email: 'the-end@example.test' });
      expect(await app.database.knex('one_time_codes').where({ journey_hash: hash })).to.have.length(0);
    });

    it('does not mix with the one of another tab', async () => {
      const visitor = newVisitor();
      const doctors = [await invent({ email: true }), await invent({ email: true })];
      const contacts = [
        await identify(visitor, typed(doctors[0] as Doctor)),
        await identify(visitor, typed(doctors[1] as Doctor)),
      ];
      const codes = [];
      for (const [tab, doctor] of doctors.entries()) {
        codes.push(await askCode(visitor, contacts[tab] as Page, 'email', doctor.email as string));
      }
      const [one, two] = codes as [{ page: Page; code: string }, { page: Page; code: string }];
      if (one.code !== two.code) {
        const crossed = await visitor.submit(one.page, { code: two.code }, '/code');
        expect(faultOf(crossed, 'code'), 'a code of another journey').to.equal(WRONG_CODE);
      }
      const forms = [
        await visitor.submit(one.page, { code: one.code }, '/code'),
        await visitor.submit(two.page, { code: two.code }, '/code'),
      ];
      for (const [tab, doctor] of doctors.entries()) {
        expect(valueIn(forms[tab] as Page, 'email')).to.equal(doctor.email);
      }
      for (const form of [...forms].reverse()) await create(visitor, form);
      for (const doctor of doctors) {
        const owners = await app.database
          .knex('accounts')
          .join('email_addresses', 'account_id', 'accounts.id')
          .where({ canonical: doctor.email })
          .pluck('rpps');
        expect(owners).to.deep.equal([doctor.rpps]);
      }
    });

    it('is closed to another browser, and to who guesses an identifier', async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      const { page, code } = await askCode(
        visitor,
        await identify(visitor, typed(doctor)),
        'email',
        doctor.email as string,
      );
      const other = newVisitor();
      const foreign = await other.get(START);
      const forged = `${START}/${'x'.repeat(43)}`;
      const answers = [
        await other.get(page.url),
        await other.send(foreign, { code }, `${page.url}/code`),
        await other.get(`${page.url}/retour`),
        await visitor.get(forged),
        await visitor.send(page, { code }, `${forged}/code`),
        await visitor.send(page, {}, `${forged}/renvoyer`),
        await visitor.send(page, { password: PASSWORD }, `${forged}/identifiants`),
      ];
      for (const answer of answers) {
        expect(answer.status, answer.url).to.equal(410);
        expect(heading(answer)).to.equal('Le temps est écoulé');
        expect(answer.text).not.to.include(doctor.rpps);
      }
      const own = await visitor.submit(page, { code }, '/code');
      expect(heading(own), 'and stays open to its own').to.equal('Créer mon compte');
    });

    it('is erased ten minutes after its last step', async () => {
      const doctor = await invent({ phone: true });
      const visitor = newVisitor();
      const form = await proveContact(visitor, doctor, 'sms');
      app.clock.advance(10 * MINUTE - 5 * SECOND);
      expect(heading(await visitor.get(form.url))).to.equal('Finaliser la création de votre espace');
      app.clock.advance(5 * SECOND);
      const expired = await visitor.get(form.url);
      expect(expired.status).to.equal(410);
      expect(heading(expired)).to.equal('Le temps est écoulé');
      expect(hrefOf(expired, 'Recommencer')).to.equal(START);
      expect(hrefOf(expired, 'Connectez-vous')).to.equal('/connexion');
      const late = await visitor.submit(form, credentials('late@example.test'), '/identifiants');
      expect(late.status).to.equal(410);
      expect(late.text).not.to.include('late@example.test');

      const row = { id_hash: journeyHash(app.deps.keyring, 'sign-up/ordre', journeyOf(form)) };
      expect(await app.database.knex('journeys').where(row)).to.have.length(1);
      await app.database.knex.raw(`SELECT graphile_worker.add_job('sweep')`);
      for (let waited = 0; waited < 5_000; waited += 20) {
        if ((await app.database.knex('journeys').where(row)).length === 0) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(await app.database.knex('journeys').where(row), 'swept').to.have.length(0);
      expect(await accountsOf(doctor.rpps)).to.have.length(0);
      expect(received('late@example.test')).to.have.length(0);
    });

    it('takes its forms off the screen after ten minutes, without JavaScript too', async () => {
      const doctor = await invent({ phone: true });
      const visitor = newVisitor();
      const contact = await identify(visitor, typed(doctor));
      const { page, code } = await askCode(visitor, contact, 'sms', doctor.phone as string);
      const form = await visitor.submit(page, { code }, '/code');
      const refused = await visitor.submit(form, credentials('left@example'), '/identifiants');
      const proof = await chooseAddress(visitor, form, 'left@example.test');
      const pages = [contact, page, form, refused, proof.page];
      for (const shown of pages) {
        expect(shown.headers.get('refresh')).to.equal(`600; url=${new URL(form.url).pathname}`);
      }
      const done = await visitor.submit(proof.page, { code: proof.code }, '/adresse');
      expect(done.headers.get('refresh'), 'the end may be read at leisure').to.equal(null);
    });

    it('speaks English to who chose it, in the messages as well', async () => {
      const doctor = await invent({ phone: true });
      const visitor = newVisitor();
      const start = await visitor.get(`${START}?langue=en`);
      expect(start.text).to.include('<html lang="en">');
      const unknown = await visitor.submit(start, typed({ ...doctor, birthdate: '01/01/1970' }), START);
      expect(readingOf(unknown)).to.include(
        'The details you typed do not match those the French Medical Council (Ordre) holds. Please correct them or contact your council.',
      );
      const contact = await visitor.submit(start, typed(doctor), START);
      expect(heading(contact)).to.equal('Securing the creation of your space');
      const sms = await askCode(visitor, contact, 'sms', doctor.phone as string);
      expect(received(doctor.phone as string)[0]?.text).to.include('your code');
      const form = await visitor.submit(sms.page, { code: sms.code }, '/code');
      const proof = await chooseAddress(visitor, form, 'english@example.test');
      expect(readingOf(await visitor.submit(proof.page, { code: wrong(proof.code) }, '/adresse'))).to.include(
        '4 tries left',
      );
      const done = await visitor.submit(proof.page, { code: proof.code }, '/adresse');
      expect(heading(done)).to.equal('Your space is created');
      const mail = await app.waitForMessage('english@example.test', { after: 1 });
      expect(mail.subject).to.equal('Your space is created');
    });

    it("begun at an application's sign-in, comes back to it at the end", async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      const client = await createTestClient(app.issuer, 'messagerie');
      const authorization = await client.authorize();
      const signInPage = await visitor.get(authorization.url);
      const uid = new URL(signInPage.url).pathname.split('/')[2] as string;
      const choice = await visitor.get(hrefOf(signInPage, 'Créez-le en quelques clics'));
      const english = await visitor.get(new URL(hrefOf(choice, 'English'), choice.url).href);
      expect(hrefOf(english, 'Sign in'), 'the language changes, the sign-in stays').to.equal(
        `/connexion/${uid}`,
      );
      await visitor.get(`${START}?langue=fr`);

      const start = await visitor.get(hrefOf(choice, 'Avec mon numéro RPPS et ma date de naissance'));
      expect(start.headers.get('refresh')).to.include(uid);
      const faulty = await visitor.submit(start, { rpps: '1' });
      expect(faulty.status).to.equal(422);
      const contact = await visitor.submit(faulty, typed(doctor));
      const { page, code } = await askCode(visitor, contact, 'email', doctor.email as string);
      const done = await create(visitor, await visitor.submit(page, { code }, '/code'));
      expect(hrefOf(done, 'Retour à la connexion')).to.equal(`/connexion/${uid}`);
      for (const page of [choice, start, faulty, contact, done])
        expect(readingOf(page), page.url).to.include('Vous allez vers Messagerie');

      const again = await visitor.get(hrefOf(done, 'Retour à la connexion'));
      expect(valueIn(again, 'email'), 'the new address is there').to.equal(doctor.email);
      expect(valueIn(await visitor.get(again.url), 'email'), 'once').to.equal('');
      const { page: codePage, code: signInCode } = await codeSentTo(doctor.email as string, () =>
        visitor.submit(again, { email: doctor.email as string, password: PASSWORD }),
      );
      const back = await visitor.submit(codePage, { code: signInCode }, '/code');
      const tokens = await client.exchange(authorization, back.headers.get('location') as string);
      expect(tokens.claims()?.sub).to.be.a('string');
    });

    it("leads to a new sign-in at the end, when the application's one is over", async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      const client = await createTestClient(app.issuer, 'messagerie');
      const uid = new URL((await visitor.get((await client.authorize()).url)).url).pathname.split('/')[2];
      const start = await visitor.get(`${START}?connexion=${uid}`);
      expect(hrefOf(start, 'Retour')).to.equal(`/inscription?connexion=${uid}`);
      const contact = await visitor.submit(start, typed(doctor));
      await app.database.knex('oidc_payloads').where({ model: 'Interaction' }).delete();
      const { page, code } = await askCode(visitor, contact, 'email', doctor.email as string);
      const done = await create(visitor, await visitor.submit(page, { code }, '/code'));
      expect(hrefOf(done, 'Retour à la connexion')).to.equal('/connexion');
      const form = await visitor.get('/connexion');
      expect(valueIn(form, 'email')).to.equal(doctor.email);
    });

    it('fills in the next sign-in of its own browser only, and never in an address', async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      const form = await proveContact(visitor, doctor, 'email');
      const done = await create(visitor, form);
      const line = done.headers.getSetCookie().find((one) => one.startsWith('caducee_email='));
      expect(line)
        .to.match(/; httponly/i)
        .and.to.match(/; samesite=lax/i)
        .and.not.to.include(doctor.email);
      const links = [...done.text.matchAll(/(?:href|action)="([^"]*)"/g)].map(([, url]) => url).join(' ');
      expect(links).not.to.include((doctor.email as string).split('@')[0]);
      const thief = newVisitor();
      await thief.get('/');
      for (const stolen of [line?.split(';')[0] as string, 'caducee_email=', 'caducee_email=AAAA']) {
        await thief.jar.setCookie(stolen, app.issuer);
        const page = await thief.get('/connexion');
        expect(page.status).to.equal(200);
        expect(valueIn(page, 'email')).to.equal('');
      }
    });

    it('leads nowhere else than to a sign-in of ours at the end', async () => {
      const doctor = await invent({ email: true });
      const visitor = newVisitor();
      const elsewhere = encodeURIComponent('/../..//evil.example/aaaaaaaaaaaaaaaaaaaa');
      const start = await visitor.get(`${START}?connexion=${elsewhere}`);
      expect(start.text).not.to.include('evil.example');
      const contact = await visitor.submit(start, typed(doctor));
      const { page, code } = await askCode(visitor, contact, 'email', doctor.email as string);
      const done = await create(visitor, await visitor.submit(page, { code }, '/code'));
      expect(hrefOf(done, 'Retour à la connexion')).to.equal('/connexion');
    });
  });
});

describe('sign-up with RPPS number and birthdate, where no SMS is sent', () => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp({ sms: false });
  });
  after(() => app.close());

  const identify = async (fields: Record<string, string>) => {
    const visitor = new Visitor(app.issuer);
    return visitor.submit(await visitor.get(START), { ...fields, terms: 'yes' }, START);
  };

  it('offers the address alone', async () => {
    const page = await identify({ rpps: ALIX.rpps, birthdate: ALIX.birthdate });
    expect(readingOf(page)).to.include('a***x@e***.test');
    expect(readingOf(page)).not.to.include('Par SMS');
  });

  it('tells who has only a phone that there is no way to reach them', async () => {
    const page = await identify({ rpps: '99700900022', birthdate: '29/02/1984' });
    expect(heading(page)).to.equal('Il nous manque un moyen de vous joindre');
  });
});
