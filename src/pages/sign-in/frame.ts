/**
 * What every step of a sign-in shares: the interaction that it answers, the journey that remembers where it stands, the
 * way to the chosen factor, and the end. A step reads its form, proves its part and comes back here.
 */
import type Provider from 'oidc-provider';
import { rememberLanguage } from '../../accounts/language.ts';
import { findPrincipal, type Principal } from '../../accounts/principals.ts';
import { isReopenable, maySignIn } from '../../accounts/states.ts';
import { record } from '../../audit/journal.ts';
import { deliverCode } from '../../credentials/code-delivery.ts';
import { resendNotice } from '../../credentials/resend-notice.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import type { TrustToken } from '../../factors/trusted-devices.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../../http/context.ts';
import { rememberBrowser } from '../../http/device-cookie.ts';
import { browserOf, ensureBrowser } from '../../http/forms.ts';
import { followUiLocales } from '../../http/language.ts';
import { findSignedIn, type SignedIn } from '../../http/session.ts';
import { keepTrustToken } from '../../http/trust-cookie.ts';
import { endJourney, findJourney, type Journey, moveJourney, startJourney } from '../../journeys/journeys.ts';
import type { Db } from '../../lib/database.ts';
import type { Fault } from '../../lib/fault.ts';
import { type Assurance, assuranceOf, stepUp } from '../../openid/assurance.ts';
import { interactionUrl, OWN_CLIENT_ID } from '../../openid/provider.ts';
import { choicesFor } from './choices.ts';
import { type Interaction, loadInteraction } from './interaction.ts';
import { type Choice, findChosen, nextStep, type SignInState, type SignInStep, withChoice } from './steps.ts';
import { asksForTrust, trustThisBrowser } from './trusted-device.ts';

/** A sign-in whose first part is proved. */
export interface Proven {
  readonly interaction: Interaction;
  readonly journey: Journey<SignInState>;
  readonly principal: Principal;
  /** What may be proved now, the one proposed first in front. */
  readonly choices: readonly Choice[];
  /** The chosen one. */
  readonly choice: Choice | undefined;
}

const PATH_OF: Readonly<Record<SignInStep, string>> = {
  password: '',
  reopen: '/rouvrir',
  choice: '/canal',
  code: '/code',
  totp: '/application',
  passkey: '/cle-d-acces',
  'recovery-code': '/code-de-secours',
};

export const stepUrl = ({ uid }: Interaction, step: SignInStep): string =>
  `${interactionUrl(uid)}${PATH_OF[step]}`;

/** The class and methods of the session, and the password or its like that it holds, are not asked again. */
export const assuranceOfChoice = (state: SignInState, { kind }: Choice): Assurance =>
  state.session ? stepUp(state.session, kind) : assuranceOf(kind);

export type SignInFrame = ReturnType<typeof signInFrame>;

export function signInFrame(deps: Deps, provider: Provider) {
  const { knex, clock, keyring } = deps;

  const proofOf = ({ id, email, passwordHash = '' }: Principal): string =>
    keyring.lookupHash('sign-in/proved-by', JSON.stringify([id, email, passwordHash])).toString('base64url');

  const findState = (ctx: PageContext, uid: string): Promise<Journey<SignInState> | undefined> =>
    findJourney<SignInState>(knex, deps, { kind: 'sign-in', id: uid, browser: browserOf(deps, ctx) });

  const startState = (ctx: PageContext, { uid }: Interaction, state: SignInState) =>
    startJourney<SignInState>(knex, deps, {
      kind: 'sign-in',
      id: uid,
      browser: ensureBrowser(deps, ctx),
      state,
    });

  const choicesIn = (principal: Principal, { asked }: Interaction): Choice[] =>
    choicesFor(deps, principal, asked);

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

  async function provenIn(ctx: PageContext, interaction: Interaction): Promise<Proven | undefined> {
    const journey = await findState(ctx, interaction.uid);
    const { accountId, memberId, session, provedBy } = journey?.state ?? {};
    if (!journey || !accountId) return undefined;
    if (session) {
      // A step-up stands on the session it began with: signed out or changed meanwhile, there is nothing to step up.
      const signedIn = await findSignedIn(deps, provider, ctx);
      if (signedIn?.account.id !== accountId || signedIn.member?.id !== memberId) return undefined;
    }
    const principal = await findPrincipal(knex, accountId, memberId);
    if (!principal || !maySignIn(clock, principal.account)) return undefined;
    // Whoever knew the former password, or reads the former mailbox, must not get in by a sign-in that they left open.
    if (!session && provedBy !== proofOf(principal)) return undefined;
    const choices = choicesIn(principal, interaction);
    const choice = findChosen(journey.state, choices);
    return { interaction, journey, principal, choices, choice };
  }

  /** Runs `act` when the sign-in stands at `step`; anybody else is sent to where theirs stands. */
  async function at(
    ctx: PageContext,
    step: Exclude<SignInStep, 'password' | 'reopen'>,
    act: (proven: Proven & { readonly choice: Choice }) => Promise<void> | void,
  ): Promise<void> {
    const interaction = await enter(ctx);
    const proven = await provenIn(ctx, interaction);
    const due = nextStep(proven?.journey.state, proven?.choices ?? []);
    if (!proven?.choice || due !== step) return seeOther(ctx, stepUrl(interaction, due));
    await act({ ...proven, choice: proven.choice });
  }

  /**
   * Makes `choice` the current one, and sends its code when it is one that is sent.
   * @returns the fault to show when the code may not leave now.
   */
  async function choose(
    ctx: PageContext,
    { interaction, journey }: Pick<Proven, 'interaction' | 'journey'>,
    choice: Choice,
  ): Promise<Fault | undefined> {
    const { notice: _, ...before } = journey.state;
    const state = withChoice(before, choice);
    const { contact } = choice;
    if (!contact) {
      await moveJourney(knex, deps, journey, state);
      return undefined;
    }
    const again = findChosen(before, [choice]) !== undefined;
    return deliverCode(
      deps,
      {
        journeyHash: journey.hash,
        purpose: 'sign-in',
        contact,
        lang: (ctx.state as RequestState).lang,
        accountId: state.accountId,
        memberId: state.memberId,
        source: clientAddress(ctx),
        applicationName: interaction.clientId === OWN_CLIENT_ID ? undefined : interaction.application.name,
        again,
      },
      async (trx) => {
        const notice = again ? { notice: resendNotice(clock, undefined, contact.masked) } : {};
        await moveJourney(trx, deps, journey, { ...state, ...notice });
      },
    );
  }

  /** After a password that was right: goes to the factor proposed first. @returns the fault of its code. */
  async function begin(
    ctx: PageContext,
    interaction: Interaction,
    { principal, email }: { principal: Principal; email: string },
  ): Promise<Fault | undefined> {
    const [first] = choicesIn(principal, interaction);
    if (!first)
      throw new CaduceeError('forbidden', { detail: 'no second factor is available to this account' });
    const { account, member } = principal;
    const provedBy = proofOf(principal);
    const state = { email, accountId: account.id, memberId: member?.id, provedBy };
    const journey = await startState(ctx, interaction, state);
    const refused = await choose(ctx, { interaction, journey }, first);
    if (!refused) seeOther(ctx, stepUrl(interaction, nextStep(withChoice(state, first), [first])));
    return refused;
  }

  /** For who is signed in already, and not well enough: only what is missing is asked. Nothing is sent before they choose. */
  async function beginStepUp(
    ctx: PageContext,
    interaction: Interaction,
    { account, member, email, acr = '', amr, signedInAt }: SignedIn,
  ): Promise<void> {
    const session = { acr, amr, signedInAt };
    await startState(ctx, interaction, { email, accountId: account.id, memberId: member?.id, session });
    seeOther(ctx, stepUrl(interaction, 'choice'));
  }

  /** A closed account gives nothing yet: keeps what was proved, and asks whether it is to be opened again. */
  async function askToReopen(
    ctx: PageContext,
    interaction: Interaction,
    { principal, assurance }: { principal: Principal; assurance: Assurance },
    use: (trx: Db) => Promise<boolean>,
  ): Promise<boolean> {
    if (!(await knex.transaction(use))) return false;
    const { account, member, email } = principal;
    const state = { email, accountId: account.id, memberId: member?.id, proved: assurance };
    await startState(ctx, interaction, state);
    seeOther(ctx, stepUrl(interaction, 'reopen'));
    return true;
  }

  /**
   * Ends the sign-in: `use` consumes what was proved in the transaction that records it.
   * @param use returns false when another request was first.
   * @param signedInAt of the session that was stepped up.
   * @returns false then; else the answer is the way back to the application.
   */
  async function completeAs(
    ctx: PageContext,
    interaction: Interaction,
    proved: { principal: Principal; assurance: Assurance; signedInAt?: number | undefined },
    use: (trx: Db) => Promise<boolean>,
  ): Promise<boolean> {
    const { principal, assurance, signedInAt } = proved;
    if (isReopenable(clock, principal.account)) return askToReopen(ctx, interaction, proved, use);
    const { acr, amr } = assurance;
    const { account, member, id: actor } = principal;
    const completed = await knex.transaction(async (trx) => {
      if (!(await use(trx))) return false;
      await record(trx, clock, {
        event: 'sign-in.completed',
        outcome: 'success',
        actor,
        subject: account.id,
        source: clientAddress(ctx),
        details: {
          acr,
          amr,
          application: interaction.clientId,
          steppedUp: signedInAt === undefined ? undefined : true,
        },
      });
      return true;
    });
    if (!completed) return false;
    await rememberBrowser(deps, ctx, principal);
    // Apart: a suspension at this moment takes the account first, then the codes, which are taken above.
    const reader = { accountId: account.id, memberId: member?.id };
    await rememberLanguage(knex, reader, (ctx.state as RequestState).lang);
    // A second factor alone is no fresh sign-in: the password is as old as it was.
    const ts = signedInAt ?? Math.floor(clock.now().getTime() / 1000);
    const login = { accountId: account.id, memberId: member?.id, acr, amr, remember: false, ts };
    const answer = { login };
    seeOther(
      ctx,
      await provider.interactionResult(ctx.req, ctx.res, answer, { mergeWithLastSubmission: false }),
    );
    return true;
  }

  /** Ends a sign-in that went through its steps; see {@link completeAs}. */
  const complete = async (
    ctx: PageContext,
    proven: Proven & { readonly choice: Choice },
    use: (trx: Db) => Promise<boolean>,
  ): Promise<boolean> => {
    const { interaction, journey, principal, choice } = proven;
    const { session } = journey.state;
    const assurance = assuranceOfChoice(journey.state, choice);
    const proved = { principal, assurance, signedInAt: session?.signedInAt };
    let trust: TrustToken | undefined;
    const completed = await completeAs(ctx, interaction, proved, async (trx) => {
      if (!(await use(trx))) return false;
      await endJourney(trx, journey);
      if (asksForTrust(deps, ctx, proven)) trust = await trustThisBrowser(trx, deps, ctx, principal);
      return true;
    });
    if (completed && trust) keepTrustToken(deps, ctx, principal.id, trust);
    return completed;
  };

  return { enter, findState, provenIn, at, choose, begin, beginStepUp, complete, completeAs, choicesIn };
}
