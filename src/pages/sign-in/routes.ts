/**
 * Sign-in: the pages behind an interaction of the engine. One dispatcher decides which page is due; each step does its
 * part and returns to it. All addresses stay under the interaction's, which is where its cookie is sent.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { parseEmailAddress } from '../../accounts/contacts.ts';
import { rememberLanguage } from '../../accounts/language.ts';
import { findPrincipal, type Principal } from '../../accounts/principals.ts';
import { record } from '../../audit/journal.ts';
import { checkCode, deliverCode, forgetSends } from '../../credentials/code-delivery.ts';
import { consumeCode } from '../../credentials/one-time-codes.ts';
import { noticeNow, resendNotice } from '../../credentials/resend-notice.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../../http/context.ts';
import { browserOf, ensureBrowser, fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { followUiLocales } from '../../http/language.ts';
import { takeNotice } from '../../http/notice.ts';
import { findSignedIn } from '../../http/session.ts';
import { endJourney, findJourney, type Journey, moveJourney, startJourney } from '../../journeys/journeys.ts';
import type { Fault } from '../../lib/fault.ts';
import { assuranceOf } from '../../openid/assurance.ts';
import { interactionUrl, OWN_CLIENT_ID } from '../../openid/provider.ts';
import { RETURNS } from '../addresses.ts';
import { takeProposedEmail } from '../proposed-email.ts';
import { consentRoutes, showConsent } from './consent.ts';
import { type Interaction, loadInteraction } from './interaction.ts';
import { signInPages } from './pages.ts';
import { authenticate } from './password.ts';
import { type ChoosableContact, contactsOf, nextStep, type SignInState } from './steps.ts';
import { showUnmet, unmetRoutes } from './unmet.ts';

type Faults = Record<string, Fault>;

export function signInRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock } = deps;
  const { mustConfirm, showPassword, showCode, showChannels } = signInPages(deps);
  const form = [parseForm, verifyForm(deps)] as const;

  const findState = (ctx: PageContext, uid: string): Promise<Journey<SignInState> | undefined> =>
    findJourney<SignInState>(knex, deps, { kind: 'sign-in', id: uid, browser: browserOf(deps, ctx) });

  /** The interaction of this address, with the application's wishes applied to the page. */
  async function enter(ctx: PageContext): Promise<Interaction> {
    const interaction = await loadInteraction(provider, ctx).catch(async (error) => {
      const over = error instanceof CaduceeError && error.kind === 'interactionExpired';
      if (!over || !(await findSignedIn(deps, provider, ctx))) throw error;
      throw new CaduceeError('alreadySignedIn', { cause: error });
    });
    followUiLocales(ctx, interaction.params.ui_locales);
    (ctx.state as RequestState).formAction = interaction.returnOrigins;
    return interaction;
  }

  async function send(
    ctx: PageContext,
    interaction: Interaction,
    journey: Journey<SignInState>,
    contact: ChoosableContact,
  ): Promise<Fault | undefined> {
    const again = journey.state.contactId === contact.id;
    return deliverCode(
      deps,
      {
        journeyHash: journey.hash,
        purpose: 'sign-in',
        contact,
        lang: (ctx.state as RequestState).lang,
        accountId: journey.state.accountId,
        memberId: journey.state.memberId,
        source: clientAddress(ctx),
        applicationName: interaction.clientId === OWN_CLIENT_ID ? undefined : interaction.application.name,
        again,
      },
      async (trx) => {
        const { notice: _, ...state } = journey.state;
        const notice = again ? { notice: resendNotice(clock, undefined, contact.masked) } : {};
        await moveJourney(trx, deps, journey, { ...state, contactId: contact.id, ...notice });
      },
    );
  }

  const contactsFor = (principal: Principal, { asked }: Interaction) =>
    contactsOf(principal, { smsAvailable: deps.sms !== undefined, asked });

  /** Whether the person signs in, but never as the application demands. */
  const isShortOf = (principal: Principal, interaction: Interaction): boolean =>
    interaction.asked?.essential === true && contactsFor(principal, interaction).length === 0;

  /** A journey whose password was right, with the account and its contacts; undefined sends back to the start. */
  async function proven(ctx: PageContext, interaction: Interaction) {
    const journey = await findState(ctx, interaction.uid);
    if (!journey?.state.accountId) return undefined;
    const principal = await findPrincipal(knex, journey.state.accountId, journey.state.memberId);
    if (principal?.account.state !== 'active') return undefined;
    const contacts = contactsFor(principal, interaction);
    const contact = contacts.find(({ id }) => id === journey.state.contactId);
    return { journey, principal, contacts, contact };
  }

  router.get('/connexion', async (ctx) => {
    const url = new URL('/authorize', deps.settings.ISSUER);
    const { vers } = ctx.query;
    const again = typeof vers === 'string' && Object.hasOwn(RETURNS, vers) ? vers : undefined;
    url.search = new URLSearchParams({
      client_id: OWN_CLIENT_ID,
      response_type: 'none',
      scope: 'openid',
      redirect_uri: `${deps.settings.ISSUER}/retour`,
      // OpenID Connect Core §3.1.2.1: asks again, although there is a session.
      ...(again && { state: again, prompt: 'login' }),
    }).toString();
    seeOther(ctx, url.href);
  });

  router.get('/connexion/:uid', async (ctx) => {
    const interaction = await enter(ctx);
    if (interaction.prompt === 'consent') return showConsent(deps, ctx, interaction);
    // Signed in meanwhile, in another tab: the engine looks at the request afresh, every other check included.
    if (interaction.reasons.join() === 'no_session' && (await findSignedIn(deps, provider, ctx))) {
      const again = await provider.interactionResult(
        ctx.req,
        ctx.res,
        {},
        { mergeWithLastSubmission: false },
      );
      return seeOther(ctx, again);
    }
    const signedIn = mustConfirm(ctx, interaction) ? await findSignedIn(deps, provider, ctx) : undefined;
    if (signedIn && interaction.reasons.join() === 'assurance' && isShortOf(signedIn, interaction)) {
      return showUnmet(deps, ctx, interaction);
    }
    const known = await findState(ctx, interaction.uid);
    const hint = interaction.params.login_hint;
    const hinted = typeof hint === 'string' ? hint : undefined;
    const proposed = takeProposedEmail(deps, ctx);
    const email = known?.state.email ?? hinted ?? signedIn?.email ?? proposed ?? '';
    const alert = takeNotice(ctx);
    showPassword(ctx, interaction, { email, ...(alert && { alert }) });
  });

  router.post('/connexion/:uid', ...form, async (ctx) => {
    const interaction = await enter(ctx);
    const fields = fieldsOf(ctx);
    const email = fields.email ?? '';
    const password = fields.password ?? '';
    const errors: Faults = {};
    const address = parseEmailAddress(email);
    if (email.trim() === '') errors.email = { key: 'fault.required.email' };
    else if (!address.ok) errors.email = address.fault;
    if (password === '') errors.password = { key: 'fault.required.currentPassword' };
    if (!address.ok || Object.keys(errors).length > 0)
      return showPassword(ctx, interaction, { email, errors });

    const principal = await authenticate(deps, {
      canonical: address.value.canonical,
      password,
      source: clientAddress(ctx),
    });
    if (!('id' in principal))
      return showPassword(ctx, interaction, { email, alert: { kind: 'refusal', ...principal } });
    const { account, member } = principal;
    if (account.state !== 'active') {
      const supportEmail = deps.settings.SUPPORT_EMAIL;
      const kind = account.state === 'pending' ? 'waiting' : 'refusal';
      return showPassword(ctx, interaction, {
        email,
        alert: {
          kind,
          key: `alert.account.${account.state}`,
          vars: { supportEmail },
          url: `mailto:${supportEmail}`,
        },
      });
    }
    if (isShortOf(principal, interaction)) return showUnmet(deps, ctx, interaction);
    const [first] = contactsFor(principal, interaction);
    if (!first)
      throw new CaduceeError('forbidden', { detail: 'no second factor is available to this account' });

    const journey = await startJourney<SignInState>(knex, deps, {
      kind: 'sign-in',
      id: interaction.uid,
      browser: ensureBrowser(deps, ctx),
      state: { email, accountId: account.id, memberId: member?.id },
    });
    const refused = await send(ctx, interaction, journey, first);
    if (refused) return showPassword(ctx, interaction, { email, alert: { kind: 'refusal', ...refused } });
    seeOther(ctx, `${interactionUrl(interaction.uid)}/code`);
  });

  router.get('/connexion/:uid/canal', async (ctx) => {
    const interaction = await enter(ctx);
    const state = await proven(ctx, interaction);
    if (!state) return seeOther(ctx, interactionUrl(interaction.uid));
    showChannels(ctx, interaction, state);
  });

  router.post('/connexion/:uid/canal', ...form, async (ctx) => {
    const interaction = await enter(ctx);
    const state = await proven(ctx, interaction);
    if (!state) return seeOther(ctx, interactionUrl(interaction.uid));
    const chosen = state.contacts.find(({ id }) => id === fieldsOf(ctx).channel);
    if (!chosen) return showChannels(ctx, interaction, state, { channel: { key: 'fault.required.channel' } });
    const refused = await send(ctx, interaction, state.journey, chosen);
    if (refused) return showChannels(ctx, interaction, state, { channel: refused });
    seeOther(ctx, `${interactionUrl(interaction.uid)}/code`);
  });

  router.get('/connexion/:uid/code', async (ctx) => {
    const interaction = await enter(ctx);
    const state = await proven(ctx, interaction);
    if (!state || nextStep(state.journey.state) !== 'code' || !state.contact) {
      return seeOther(ctx, interactionUrl(interaction.uid));
    }
    const { contacts, contact, journey } = state;
    showCode(ctx, interaction, { contacts, contact, alert: noticeNow(clock, journey.state.notice) });
  });

  router.get('/connexion/:uid/renvoyer', (ctx) =>
    seeOther(ctx, `${interactionUrl(ctx.params.uid ?? '')}/code`),
  );

  router.post('/connexion/:uid/renvoyer', ...form, async (ctx) => {
    const interaction = await enter(ctx);
    const state = await proven(ctx, interaction);
    if (!state?.contact) return seeOther(ctx, interactionUrl(interaction.uid));
    const { contact, journey } = state;
    const refused = await send(ctx, interaction, journey, contact);
    if (refused) {
      const notice = resendNotice(clock, refused, contact.masked);
      await moveJourney(knex, deps, journey, { ...journey.state, notice });
    }
    seeOther(ctx, `${interactionUrl(interaction.uid)}/code`);
  });

  router.post('/connexion/:uid/code', ...form, async (ctx) => {
    const interaction = await enter(ctx);
    const state = await proven(ctx, interaction);
    if (!state?.contact) return seeOther(ctx, interactionUrl(interaction.uid));
    const { journey, principal, contacts, contact } = state;
    const { account, member } = principal;
    const source = clientAddress(ctx);
    const checked = await checkCode(deps, {
      journeyHash: journey.hash,
      purpose: 'sign-in',
      contact,
      accountId: account.id,
      memberId: member?.id,
      source,
      input: fieldsOf(ctx).code,
    });
    if (!checked.ok)
      return showCode(ctx, interaction, { contacts, contact, errors: { code: checked.fault } });

    const { acr, amr } = assuranceOf(contact.channel);
    const completed = await knex.transaction(async (trx) => {
      if (!(await consumeCode(trx, clock, checked.value))) return false;
      await endJourney(trx, journey);
      await record(trx, clock, {
        event: 'sign-in.completed',
        outcome: 'success',
        actor: principal.id,
        subject: account.id,
        source,
        details: { acr, amr, application: interaction.clientId },
      });
      return true;
    });
    if (!completed)
      return showCode(ctx, interaction, { contacts, contact, errors: { code: { key: 'fault.code.used' } } });
    await forgetSends(deps, contact, 'sign-in', principal.id);
    // Apart: a suspension at this moment takes the account first, then the codes, which are taken above.
    const reader = { accountId: account.id, memberId: member?.id };
    await rememberLanguage(knex, reader, (ctx.state as RequestState).lang);
    const ts = Math.floor(clock.now().getTime() / 1000);
    const login = { accountId: account.id, memberId: member?.id, acr, amr, remember: false, ts };
    seeOther(
      ctx,
      await provider.interactionResult(ctx.req, ctx.res, { login }, { mergeWithLastSubmission: false }),
    );
  });

  consentRoutes(router, deps, provider, enter);
  unmetRoutes(router, deps, provider, enter);
}
