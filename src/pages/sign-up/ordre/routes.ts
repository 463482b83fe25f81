/**
 * Sign-up with RPPS number and birthdate: who proves a contact that the Order holds gets an active account at once.
 * The address of a journey shows whatever step is due; each form does its part and returns there.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { DuplicateAccountError } from '../../../accounts/accounts.ts';
import { parseEmailAddress } from '../../../accounts/contacts.ts';
import { record } from '../../../audit/journal.ts';
import { addressLink, checkCode, deliverCode, forgetSends } from '../../../credentials/code-delivery.ts';
import { CODE_LIFETIME_MINUTES, consumeCode } from '../../../credentials/one-time-codes.ts';
import { isLinkConsumed } from '../../../credentials/one-time-links.ts';
import { noticeNow, resendNotice } from '../../../credentials/resend-notice.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { browserOf, type Fields, fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import { findJourney, JOURNEY_IDLE_MINUTES, type Journey, moveJourney } from '../../../journeys/journeys.ts';
import type { Db } from '../../../lib/database.ts';
import type { Fault } from '../../../lib/fault.ts';
import { addresses } from '../../addresses.ts';
import { hashNewPassword, newPasswordFaults } from '../../new-password.ts';
import { proposeEmail } from '../../proposed-email.ts';
import { findDestination } from '../../sign-in/interaction.ts';
import { sendToChosenAddress } from '../chosen-address.ts';
import { openOrdreAccount } from './account.ts';
import { showIdentify } from './identify.ts';
import {
  contactsOf,
  nextStep,
  type OrdinalContact,
  type OrdreJourneyState,
  type OrdreState,
  type OrdreStep,
  personalWords,
} from './steps.ts';

type Faults = Record<string, Fault>;
type UnderWay = Journey<OrdreState>;

const langOf = (ctx: PageContext) => (ctx.state as RequestState).lang;

export function ordreRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock } = deps;
  const form = [parseForm, verifyForm(deps)] as const;
  const base = (ctx: PageContext) => addresses.ordreJourney(ctx.params.journey ?? '');

  async function find(ctx: PageContext): Promise<Journey<OrdreJourneyState> | undefined> {
    const journey = await findJourney<OrdreJourneyState>(knex, deps, {
      kind: 'sign-up/ordre',
      id: ctx.params.journey ?? '',
      browser: browserOf(deps, ctx),
    });
    if (journey?.state.step !== 'under-way' || !journey.state.chosen) return journey;
    const { state } = journey;
    const { chosen } = state;
    if (!chosen || !(await isLinkConsumed(knex, addressLink(deps, journey.hash, chosen.canonical))))
      return journey;
    return { ...journey, state: { ...state, chosen: { ...chosen, proved: true } } };
  }

  /** Shows the page that is due at `state`, with what the last form brought. */
  function showStep(
    ctx: PageContext,
    state: OrdreJourneyState,
    {
      values = {},
      errors = {},
      alert,
    }: { values?: Record<string, unknown>; errors?: Faults; alert?: object | undefined } = {},
  ): void {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const step = nextStep(state);
    const typed = state.step === 'under-way' ? state.typedEmail : undefined;
    const typedBefore = { email: typed, emailConfirmation: typed };
    // The journey is erased by then: its page, and what was typed into it, leave the screen too.
    if (step !== 'done' && step !== 'no-contact')
      ctx.set('Refresh', `${JOURNEY_IDLE_MINUTES * 60}; url=${base(ctx)}`);
    renderPage(deps, ctx, `sign-up/ordre/${step}.njk`, {
      path: base(ctx),
      errors,
      values: { ...typedBefore, ...values },
      alert,
      application: state.application,
      ...stepContext(base(ctx), state, step),
    });
  }

  /** What the page of `step` shows of the journey. */
  function stepContext(journeyUrl: string, state: OrdreJourneyState, step: OrdreStep): object {
    if (state.step === 'done')
      return { signInUrl: addresses.signInTo(state.interaction), email: state.email };
    const startUrl = addresses.signUpOrdre(state.interaction);
    const code = {
      resendAction: `${journeyUrl}/renvoyer`,
      backUrl: `${journeyUrl}/retour`,
      minutes: CODE_LIFETIME_MINUTES,
    };
    switch (step) {
      case 'contact': {
        const contacts = contactsOf(state.entry).map(({ id, channel, masked }, index) => ({
          id,
          channel,
          masked,
          checked: index === 0,
        }));
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
      case 'address-proved':
        return {
          action: `${journeyUrl}/activer`,
          email: state.chosen?.address,
          backUrl: `${journeyUrl}/retour`,
        };
      case 'address-code':
        return {
          ...code,
          reloadUrl: journeyUrl,
          action: `${journeyUrl}/adresse`,
          email: state.chosen?.address,
        };
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
      signInUrl: addresses.signIn,
    });
  }

  router.get('/inscription/ordre/:journey', async (ctx) => {
    const journey = await find(ctx);
    if (!journey) return showExpired(ctx);
    const { state } = journey;
    if (state.step === 'done') {
      proposeEmail(deps, ctx, state.email);
      const { alive } = await findDestination(provider, state.interaction);
      return showStep(ctx, alive ? state : { ...state, interaction: undefined });
    }
    showStep(ctx, state, { alert: noticeNow(clock, state.notice) });
  });

  // A form's own address, typed or reloaded: back to the step that is due.
  for (const action of ['contact', 'code', 'renvoyer', 'identifiants', 'adresse', 'activer']) {
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

  function sendToOrdinalContact(ctx: PageContext, journey: UnderWay, contact: OrdinalContact, again = false) {
    const { channel, to } = contact;
    return deliverCode(
      deps,
      {
        journeyHash: journey.hash,
        purpose: 'sign-up',
        contact: { channel, to },
        lang: langOf(ctx),
        source: clientAddress(ctx),
        again,
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
      const { contact: _, notice: __, ...withoutContact } = state;
      await moveJourney(knex, deps, journey, withoutContact);
    } else if (state.step === 'under-way' && state.chosen) {
      const { chosen, notice: _, ...withoutAddress } = state;
      await moveJourney(knex, deps, journey, { ...withoutAddress, typedEmail: chosen?.address });
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
    const shown = step === 'code' ? contactOf(state).masked : (state.chosen?.address ?? '');
    const sent = { ...under, state: { ...state, notice: resendNotice(clock, undefined, shown) } };
    const refused =
      step === 'code'
        ? await sendToOrdinalContact(ctx, sent, contactOf(state), true)
        : await proveAddress(ctx, sent, sent.state, true);
    if (refused)
      await moveJourney(knex, deps, under, { ...state, notice: resendNotice(clock, refused, shown) });
    seeOther(ctx, base(ctx));
  });

  router.post('/inscription/ordre/:journey/code', ...form, (ctx) =>
    at(ctx, 'code', async (journey, fields) => {
      const source = clientAddress(ctx);
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'sign-up',
        contact: contactOf(journey.state),
        source,
        rpps: journey.state.entry.rpps,
        input: fields.code,
      });
      if (!checked.ok) return showStep(ctx, journey.state, { errors: { code: checked.fault } });
      const { contact } = journey.state;
      await knex.transaction(async (trx) => {
        if (!(await consumeCode(trx, clock, checked.value))) return;
        const { notice: _, ...state } = journey.state;
        await moveJourney(trx, deps, journey, { ...state, contactProved: true });
        await record(trx, clock, {
          event: 'sign-up.contact-proved',
          outcome: 'success',
          source,
          details: { rpps: journey.state.entry.rpps, channel: contact?.channel },
        });
      });
      if (contact) await forgetSends(deps, contact, 'sign-up');
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

  async function createWithOrdinalEmail(ctx: PageContext, journey: UnderWay, fields: Fields): Promise<void> {
    const { state } = journey;
    const to = state.contact?.to ?? '';
    const errors = newPasswordFaults(fields, personalWords(state, to));
    const address = parseEmailAddress(to);
    if (!address.ok) throw new CaduceeError('internal', { detail: 'the register holds an unusable address' });
    if (Object.keys(errors).length > 0) return showStep(ctx, state, { errors });
    const hashed = await hashNewPassword(deps, journey.hash, fields.password as string);
    if (!hashed.ok) return showStep(ctx, state, { errors: { password: hashed.fault } });
    await create(ctx, journey, { ...address.value, passwordHash: hashed.hash });
  }

  async function chooseAddress(ctx: PageContext, journey: UnderWay, fields: Fields): Promise<void> {
    const { state } = journey;
    const { email = '', emailConfirmation = '' } = fields;
    const errors: Faults = {};
    const address = parseEmailAddress(email);
    const again = parseEmailAddress(emailConfirmation);
    if (email.trim() === '') errors.email = { key: 'fault.required.email' };
    else if (!address.ok) errors.email = address.fault;
    if (emailConfirmation.trim() === '')
      errors.emailConfirmation = { key: 'fault.required.emailConfirmation' };
    else if (address.ok && (!again.ok || again.value.canonical !== address.value.canonical)) {
      errors.emailConfirmation = { key: 'fault.email.mismatch' };
    }
    Object.assign(errors, newPasswordFaults(fields, personalWords(state, email)));
    if (!address.ok || Object.keys(errors).length > 0) {
      return showStep(ctx, state, { values: { email, emailConfirmation }, errors });
    }
    const refuse = (field: string, fault: Fault) =>
      showStep(ctx, state, { values: { email, emailConfirmation }, errors: { [field]: fault } });
    const hashed = await hashNewPassword(deps, journey.hash, fields.password as string);
    if (!hashed.ok) return refuse('password', hashed.fault);
    const chosen = { ...address.value, passwordHash: hashed.hash };
    const refused = await proveAddress(ctx, journey, { ...state, chosen });
    if (refused) return refuse('email', refused);
    seeOther(ctx, base(ctx));
  }

  const proveAddress = (ctx: PageContext, journey: UnderWay, state: OrdreState, again = false) =>
    sendToChosenAddress(deps, ctx, journey, {
      state,
      url: base(ctx),
      askedBy: `${state.entry.givenName} ${state.entry.familyName}`,
      again,
    });

  router.post('/inscription/ordre/:journey/adresse', ...form, (ctx) =>
    at(ctx, 'address-code', async (journey, fields) => {
      const { chosen } = journey.state;
      if (!chosen) return seeOther(ctx, base(ctx));
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'address',
        contact: { channel: 'email', to: chosen.address },
        source: clientAddress(ctx),
        input: fields.code,
      });
      if (!checked.ok) return showStep(ctx, journey.state, { errors: { code: checked.fault } });
      await create(ctx, journey, chosen, (trx) => consumeCode(trx, clock, checked.value));
      await forgetSends(deps, { channel: 'email', to: chosen.address }, 'address');
    }),
  );

  router.post('/inscription/ordre/:journey/activer', ...form, (ctx) =>
    at(ctx, 'address-proved', async (journey) => {
      const { chosen } = journey.state;
      if (!chosen) return seeOther(ctx, base(ctx));
      const link = addressLink(deps, journey.hash, chosen.canonical);
      await create(ctx, journey, chosen, (trx) => isLinkConsumed(trx, link));
      await forgetSends(deps, { channel: 'email', to: chosen.address }, 'address');
    }),
  );

  async function create(
    ctx: PageContext,
    journey: UnderWay,
    { passwordHash, ...email }: { address: string; canonical: string; passwordHash: string },
    stillDue?: (trx: Db) => Promise<boolean>,
  ): Promise<void> {
    const opening = { journey, email, passwordHash, lang: langOf(ctx), source: clientAddress(ctx) };
    try {
      await openOrdreAccount(deps, opening, stillDue);
    } catch (error) {
      if (!(error instanceof DuplicateAccountError)) throw error;
      const { chosen: _, notice: __, ...withoutAddress } = journey.state;
      const { interaction, application } = withoutAddress;
      if (error.field === 'rpps')
        return showIdentify(deps, ctx, { refusal: 'account-exists', interaction, application });
      const another: OrdreState = { ...withoutAddress, mustChooseAddress: true };
      await moveJourney<OrdreJourneyState>(knex, deps, journey, another);
      return showStep(ctx, another, { errors: { email: { key: 'fault.email.taken' } } });
    }
    seeOther(ctx, base(ctx));
  }
}
