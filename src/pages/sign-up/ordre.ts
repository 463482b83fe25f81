/**
 * Sign-up with RPPS number and birthdate: who proves a contact that the Order holds gets an active account at once.
 * The address of a journey shows whatever step is due; each form does its part and returns there.
 */
import type Router from '@koa/router';
import {
  createAccount,
  DuplicateAccountError,
  findOwnerOfEmail,
  hasAccountWithRpps,
} from '../../accounts/accounts.ts';
import { parseEmailAddress } from '../../accounts/contacts.ts';
import { TERMS } from '../../accounts/terms.ts';
import { record } from '../../audit/journal.ts';
import { checkCode, deliverCode, forgetSends, throttledFault } from '../../credentials/code-delivery.ts';
import { CODE_LIFETIME_MINUTES, consumeCode, deleteCodes } from '../../credentials/one-time-codes.ts';
import { judgePassword } from '../../credentials/password-policy.ts';
import type { Deps } from '../../deps.ts';
import { parseBirthdate } from '../../directories/birthdate.ts';
import { findOrdinalEntry, type OrdinalEntry } from '../../directories/ordinal-register.ts';
import { parseRpps } from '../../directories/rpps.ts';
import { CaduceeError } from '../../errors.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { browserOf, ensureBrowser, type Fields, fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { findJourney, type Journey, moveJourney, startJourney } from '../../journeys/journeys.ts';
import type { Db } from '../../lib/database.ts';
import type { Fault } from '../../lib/fault.ts';
import { randomToken } from '../../lib/ids.ts';
import { enqueueMessage } from '../../messages/outbox.ts';
import { throttleRules } from '../../throttle/throttle.ts';
import { addresses } from '../addresses.ts';
import {
  contactsOf,
  nextStep,
  type OrdinalContact,
  type OrdreJourneyState,
  type OrdreState,
  type OrdreStep,
  personalWords,
} from './ordre-steps.ts';

type Faults = Record<string, Fault>;
type Refusal = 'unknown-pair' | 'account-exists';
type UnderWay = Journey<OrdreState>;

const KIND = 'sign-up/ordre';
const INTERACTION = /^[\w-]{21,64}$/;

const langOf = (ctx: PageContext) => (ctx.state as RequestState).lang;
const interactionOf = (text: unknown): string | undefined =>
  typeof text === 'string' && INTERACTION.test(text) ? text : undefined;

export function ordreRoutes(router: Router<RequestState>, deps: Deps): void {
  const { knex, clock, throttle, hasher, settings } = deps;
  const form = [parseForm, verifyForm(deps)] as const;
  const base = (ctx: PageContext) => addresses.ordreJourney(ctx.params.journey ?? '');
  const signInUrl = (interaction: string | undefined) =>
    interaction ? `${addresses.signIn}/${interaction}` : addresses.signIn;

  const find = (ctx: PageContext): Promise<Journey<OrdreJourneyState> | undefined> =>
    findJourney<OrdreJourneyState>(knex, deps, {
      kind: KIND,
      id: ctx.params.journey ?? '',
      browser: browserOf(deps, ctx),
    });

  function showIdentify(
    ctx: PageContext,
    {
      values,
      errors = {},
      refusal,
      alert,
    }: {
      values: Record<string, unknown>;
      errors?: Faults;
      refusal?: Refusal;
      alert?: Fault & { kind: string };
    },
  ): void {
    if (refusal || Object.keys(errors).length > 0) ctx.status = 422;
    const interaction = interactionOf(ctx.query.connexion);
    // What was typed and not sent does not stay on a screen that was left (with or without JavaScript).
    ctx.set('Refresh', `600; url=${addresses.signUpOrdre(interaction)}${interaction ? '&' : '?'}efface=1`);
    renderPage(deps, ctx, 'sign-up/ordre/identify.njk', {
      values,
      errors,
      refusal,
      alert,
      action: addresses.signUpOrdre(interaction),
      path: addresses.signUpOrdre(),
      connexion: interaction,
      passwordForgottenUrl: addresses.passwordForgotten,
      termsUrl: addresses.terms,
      signInUrl: signInUrl(interaction),
    });
  }

  /** Shows the page that is due at `state`, with what the last form brought. */
  function showStep(
    ctx: PageContext,
    state: OrdreJourneyState,
    {
      values = {},
      errors = {},
      alert,
    }: { values?: Record<string, unknown>; errors?: Faults; alert?: object } = {},
  ): void {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const step = nextStep(state);
    renderPage(deps, ctx, `sign-up/ordre/${step}.njk`, {
      path: base(ctx),
      errors,
      values,
      alert,
      ...stepContext(base(ctx), state, step),
    });
  }

  /** What the page of `step` shows of the journey. */
  function stepContext(journeyUrl: string, state: OrdreJourneyState, step: OrdreStep): object {
    if (state.step === 'done') return { signInUrl: signInUrl(state.interaction), email: state.email };
    const startUrl = addresses.signUpOrdre(state.interaction);
    const code = {
      resendAction: `${journeyUrl}/renvoyer`,
      backUrl: `${journeyUrl}/retour`,
      minutes: CODE_LIFETIME_MINUTES,
    };
    switch (step) {
      case 'contact': {
        const contacts = contactsOf(state.entry).map(({ id, channel, masked }) => ({ id, channel, masked }));
        return { action: `${journeyUrl}/contact`, contacts, backUrl: startUrl };
      }
      case 'code': {
        const { channel, masked } = contactOf(state);
        return { ...code, action: `${journeyUrl}/code`, channel, masked };
      }
      case 'credentials-by-sms':
        return { action: `${journeyUrl}/identifiants` };
      case 'credentials-by-email':
        return { action: `${journeyUrl}/identifiants`, email: state.contact?.to };
      case 'address-code':
        return { ...code, action: `${journeyUrl}/adresse`, email: state.chosen?.address };
      default:
        return { backUrl: startUrl };
    }
  }

  const contactOf = (state: OrdreState): OrdinalContact => {
    const contact = contactsOf(state.entry).find(({ channel }) => channel === state.contact?.channel);
    if (!contact) throw new CaduceeError('internal', { detail: 'the chosen contact is gone' });
    return contact;
  };

  /** Runs `act` when the journey stands at `step`; otherwise shows where it stands. */
  async function at(
    ctx: PageContext,
    step: string,
    act: (journey: UnderWay, fields: Fields) => Promise<void>,
  ): Promise<void> {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    if (journey.state.step === 'done' || nextStep(journey.state) !== step) return seeOther(ctx, base(ctx));
    await act(journey as UnderWay, fieldsOf(ctx));
  }

  function showExpired(ctx: PageContext): void {
    ctx.status = 410;
    renderPage(deps, ctx, 'sign-up/expired.njk', {
      path: addresses.signUpOrdre(),
      startUrl: addresses.signUpOrdre(),
    });
  }

  /** Looks the pair up; wrong birthdates are counted per RPPS number and per source before they are looked at. */
  async function identify(
    ctx: PageContext,
    rpps: string,
    birthdate: string,
  ): Promise<OrdinalEntry | Refusal | Fault> {
    const source = clientAddress(ctx);
    for (const [rule, subject] of [
      [throttleRules.signUpPerRpps, rpps],
      [throttleRules.signUpPerSource, source],
    ] as const) {
      const verdict = await throttle.consume(rule, subject);
      if (!verdict.allowed) return throttledFault(verdict.retryAfterSeconds);
    }
    const entry = await findOrdinalEntry(knex, rpps, birthdate, clock.now());
    const exists = await hasAccountWithRpps(knex, rpps);
    if (entry) {
      await throttle.clear(throttleRules.signUpPerRpps, rpps);
      await throttle.refund(throttleRules.signUpPerSource, source);
    }
    const result = entry ? (exists ? 'account-exists' : entry) : 'unknown-pair';
    await record(knex, clock, {
      event: 'sign-up.identity-checked',
      outcome: result === entry ? 'success' : 'failure',
      source,
      details: { rpps, result: typeof result === 'string' ? result : 'found' },
    });
    return result;
  }

  router.get('/inscription/ordre', (ctx) => {
    const erased = ctx.query.efface === '1';
    showIdentify(ctx, { values: {}, ...(erased ? { alert: { kind: 'info', key: 'alert.timeout' } } : {}) });
  });

  router.post('/inscription/ordre', ...form, async (ctx) => {
    const fields = fieldsOf(ctx);
    const values = { birthdate: fields.birthdate, rpps: fields.rpps, terms: fields.terms };
    const errors: Faults = {};
    const birthdate = parseBirthdate(fields.birthdate ?? '', clock.now());
    const rpps = parseRpps(fields.rpps ?? '');
    if (!birthdate.ok) errors.birthdate = birthdate.fault;
    if (!rpps.ok) errors.rpps = rpps.fault;
    if (!fields.terms) errors.terms = { key: 'fault.required.terms' };
    if (!birthdate.ok || !rpps.ok || !fields.terms) return showIdentify(ctx, { values, errors });

    const found = await identify(ctx, rpps.value, birthdate.value);
    if (typeof found === 'string') return showIdentify(ctx, { values, refusal: found });
    if ('key' in found) return showIdentify(ctx, { values, errors: { rpps: found } });

    const id = randomToken();
    const state: OrdreState = {
      step: 'under-way',
      entry: found,
      interaction: interactionOf(fields.connexion),
    };
    await startJourney<OrdreJourneyState>(knex, deps, {
      kind: KIND,
      id,
      browser: ensureBrowser(deps, ctx),
      state,
    });
    seeOther(ctx, addresses.ordreJourney(id));
  });

  router.get('/inscription/ordre/:journey', async (ctx) => {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    showStep(ctx, journey.state);
  });

  // A form's own address, typed or reloaded: back to the step that is due.
  for (const action of ['contact', 'code', 'renvoyer', 'identifiants', 'adresse']) {
    router.get(`/inscription/ordre/:journey/${action}`, (ctx) => seeOther(ctx, base(ctx)));
  }

  router.post('/inscription/ordre/:journey/contact', ...form, (ctx) =>
    at(ctx, 'contact', async (journey, fields) => {
      const chosen = contactsOf(journey.state.entry).find(({ id }) => id === fields.contact);
      if (!chosen)
        return showStep(ctx, journey.state, { errors: { contact: { key: 'fault.required.contact' } } });
      const refused = await sendToOrdinalContact(ctx, journey, chosen);
      if (refused) return showStep(ctx, journey.state, { errors: { contact: refused } });
      seeOther(ctx, base(ctx));
    }),
  );

  function sendToOrdinalContact(ctx: PageContext, journey: UnderWay, contact: OrdinalContact) {
    const { channel, to } = contact;
    return deliverCode(
      deps,
      {
        journeyHash: journey.hash,
        purpose: 'sign-up',
        contact: { channel, to },
        lang: langOf(ctx),
        source: clientAddress(ctx),
      },
      async (trx) => {
        await moveJourney(trx, deps, journey, { ...journey.state, contact: { channel, to } });
      },
    );
  }

  router.get('/inscription/ordre/:journey/retour', async (ctx) => {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    const { state } = journey;
    if (state.step === 'under-way' && nextStep(state) === 'code') {
      const { contact: _, ...withoutContact } = state;
      await moveJourney(knex, deps, journey, withoutContact);
    } else if (state.step === 'under-way' && nextStep(state) === 'address-code') {
      const { chosen: _, ...withoutAddress } = state;
      await moveJourney(knex, deps, journey, withoutAddress);
    }
    seeOther(ctx, base(ctx));
  });

  router.post('/inscription/ordre/:journey/renvoyer', ...form, async (ctx) => {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    const { state } = journey;
    const step = nextStep(state);
    if (state.step === 'done' || (step !== 'code' && step !== 'address-code'))
      return seeOther(ctx, base(ctx));
    const under = journey as UnderWay;
    const refused =
      step === 'code'
        ? await sendToOrdinalContact(ctx, under, contactOf(state))
        : await sendToChosenAddress(ctx, under, state);
    if (refused) return showStep(ctx, state, { errors: { code: refused } });
    const masked = step === 'code' ? contactOf(state).masked : state.chosen?.address;
    showStep(ctx, state, { alert: { kind: 'success', key: 'alert.code.resent', vars: { masked } } });
  });

  router.post('/inscription/ordre/:journey/code', ...form, (ctx) =>
    at(ctx, 'code', async (journey, fields) => {
      const source = clientAddress(ctx);
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'sign-up',
        source,
        input: fields.code,
      });
      if (!checked.ok) return showStep(ctx, journey.state, { errors: { code: checked.fault } });
      const { contact } = journey.state;
      await knex.transaction(async (trx) => {
        if (!(await consumeCode(trx, clock, checked.value))) return;
        await moveJourney(trx, deps, journey, { ...journey.state, contactProved: true });
        await record(trx, clock, {
          event: 'sign-up.contact-proved',
          outcome: 'success',
          source,
          details: { rpps: journey.state.entry.rpps, channel: contact?.channel },
        });
      });
      if (contact) await forgetSends(deps, contact);
      seeOther(ctx, base(ctx));
    }),
  );

  router.post('/inscription/ordre/:journey/identifiants', ...form, async (ctx) => {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    const step = nextStep(journey.state);
    if (step === 'credentials-by-email')
      return createWithOrdinalEmail(ctx, journey as UnderWay, fieldsOf(ctx));
    if (step === 'credentials-by-sms') return chooseAddress(ctx, journey as UnderWay, fieldsOf(ctx));
    seeOther(ctx, base(ctx));
  });

  /** Checks the password typed twice. @returns its faults beside their fields. */
  function passwordFaults(state: OrdreState, fields: Fields, email: string): Faults {
    const { password = '', passwordConfirmation = '' } = fields;
    const errors: Faults = {};
    const judged = judgePassword(password, { personal: personalWords(state, email) });
    if (!judged.ok) errors.password = judged.fault;
    else if (passwordConfirmation === '')
      errors.passwordConfirmation = { key: 'fault.required.passwordConfirmation' };
    else if (passwordConfirmation !== password)
      errors.passwordConfirmation = { key: 'fault.password.mismatch' };
    return errors;
  }

  async function createWithOrdinalEmail(ctx: PageContext, journey: UnderWay, fields: Fields): Promise<void> {
    const { state } = journey;
    const to = state.contact?.to ?? '';
    const errors = passwordFaults(state, fields, to);
    const address = parseEmailAddress(to);
    if (!address.ok) throw new CaduceeError('internal', { detail: 'the register holds an unusable address' });
    if (Object.keys(errors).length > 0) return showStep(ctx, state, { errors });
    const passwordHash = await hasher.hash(fields.password as string);
    await create(ctx, journey, { ...address.value, passwordHash });
  }

  async function chooseAddress(ctx: PageContext, journey: UnderWay, fields: Fields): Promise<void> {
    const { state } = journey;
    const { email = '', emailConfirmation = '' } = fields;
    const errors = passwordFaults(state, fields, email);
    const address = parseEmailAddress(email);
    const again = parseEmailAddress(emailConfirmation);
    if (email.trim() === '') errors.email = { key: 'fault.required.email' };
    else if (!address.ok) errors.email = address.fault;
    else if (emailConfirmation.trim() === '')
      errors.emailConfirmation = { key: 'fault.required.emailConfirmation' };
    else if (!again.ok || again.value.canonical !== address.value.canonical) {
      errors.emailConfirmation = { key: 'fault.email.mismatch' };
    }
    if (!address.ok || Object.keys(errors).length > 0) {
      return showStep(ctx, state, { values: { email, emailConfirmation }, errors });
    }
    const passwordHash = await hasher.hash(fields.password as string);
    const chosen = { ...address.value, passwordHash };
    const refused = await sendToChosenAddress(ctx, journey, { ...state, chosen });
    if (refused)
      return showStep(ctx, state, { values: { email, emailConfirmation }, errors: { email: refused } });
    seeOther(ctx, base(ctx));
  }

  /** An address that belongs to somebody receives a notice instead of a code; the page is the same. */
  async function sendToChosenAddress(
    ctx: PageContext,
    journey: UnderWay,
    state: OrdreState,
  ): Promise<Fault | undefined> {
    const { chosen } = state;
    if (!chosen) throw new CaduceeError('internal', { detail: 'no address was chosen' });
    const owner = await findOwnerOfEmail(knex, chosen.canonical);
    const lang = langOf(ctx);
    return deliverCode(
      deps,
      {
        journeyHash: journey.hash,
        purpose: 'address',
        contact: { channel: 'email', to: chosen.address },
        lang,
        source: clientAddress(ctx),
        silent: owner !== undefined,
      },
      async (trx) => {
        await moveJourney(trx, deps, journey, state);
        if (!owner) return;
        await enqueueMessage(trx, deps, {
          channel: 'email',
          template: 'address-already-used',
          to: chosen.address,
          lang,
          params: {
            signInUrl: `${settings.ISSUER}${addresses.signIn}`,
            passwordForgottenUrl: `${settings.ISSUER}${addresses.passwordForgotten}`,
          },
        });
      },
    );
  }

  router.post('/inscription/ordre/:journey/adresse', ...form, (ctx) =>
    at(ctx, 'address-code', async (journey, fields) => {
      const { chosen } = journey.state;
      if (!chosen) return seeOther(ctx, base(ctx));
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'address',
        source: clientAddress(ctx),
        input: fields.code,
      });
      if (!checked.ok) return showStep(ctx, journey.state, { errors: { code: checked.fault } });
      await create(ctx, journey, chosen, (trx) => consumeCode(trx, clock, checked.value));
      await forgetSends(deps, { channel: 'email', to: chosen.address });
    }),
  );

  /** Makes the account, its journal entry, its mail and the end of the journey, all or nothing. */
  async function create(
    ctx: PageContext,
    journey: UnderWay,
    email: { address: string; canonical: string; passwordHash: string },
    unlessUsed: (trx: Db) => Promise<boolean> = async () => true,
  ): Promise<void> {
    const { state } = journey;
    const { entry, contact, interaction } = state;
    try {
      await knex.transaction(async (trx) => {
        if (!(await unlessUsed(trx))) return;
        // First, because it takes the journey's row: of two clicks on « Créer », one makes the account.
        await moveJourney<OrdreJourneyState>(trx, deps, journey, {
          step: 'done',
          email: email.address,
          interaction,
        });
        const accountId = await createAccount(trx, clock, {
          kind: 'professional',
          state: 'active',
          rpps: entry.rpps,
          professionCode: entry.professionCode,
          civiliteCode: entry.civiliteCode,
          civiliteExerciceCode: entry.civiliteExerciceCode,
          familyName: entry.familyName,
          givenName: entry.givenName,
          identityProof: 'ordinal-register',
          passwordHash: email.passwordHash,
          termsVersion: TERMS.version,
          emails: [email],
          phones: contact?.channel === 'sms' ? [contact.to] : [],
        });
        await deleteCodes(trx, journey.hash);
        await enqueueMessage(trx, deps, {
          channel: 'email',
          template: 'account-created',
          to: email.address,
          lang: langOf(ctx),
          params: {
            givenName: entry.givenName,
            email: email.address,
            signInUrl: `${settings.ISSUER}${addresses.signIn}`,
          },
        });
        await record(trx, clock, {
          event: 'account.created',
          outcome: 'success',
          actor: accountId,
          subject: accountId,
          source: clientAddress(ctx),
          details: {
            rpps: entry.rpps,
            proof: 'ordinal-register',
            channel: contact?.channel,
            terms: TERMS.version,
          },
        });
      });
    } catch (error) {
      if (!(error instanceof DuplicateAccountError)) throw error;
      if (error.field === 'rpps') return showIdentify(ctx, { values: {}, refusal: 'account-exists' });
      const another: OrdreState = { ...state, mustChooseAddress: true };
      await moveJourney<OrdreJourneyState>(knex, deps, journey, another);
      return showStep(ctx, another, { errors: { email: { key: 'fault.email.taken' } } });
    }
    seeOther(ctx, base(ctx));
  }
}
