/** A passkey: after the password as second factor, or as the whole sign-in. */
import type Router from '@koa/router';
import { findPrincipalById, type Principal } from '../../accounts/principals.ts';
import { maySignIn } from '../../accounts/states.ts';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import type { Ceremony } from '../../factors/passkey-challenges.ts';
import {
  type Assertion,
  type AssertionFault,
  authenticationOptions,
  checkAssertion,
  consumeAssertion,
} from '../../factors/passkeys.ts';
import { allowedFactors } from '../../factors/policy.ts';
import { clientAddress, type PageContext, type RequestState } from '../../http/context.ts';
import { ensureBrowser, fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Db } from '../../lib/database.ts';
import type { Fault } from '../../lib/fault.ts';
import { PASSKEY_ALONE } from '../../openid/assurance.ts';
import { interactionUrl } from '../../openid/provider.ts';
import { countGuess } from '../../throttle/guesses.ts';
import { type Proven, type SignInFrame, stepUrl } from './frame.ts';
import type { Interaction } from './interaction.ts';
import { type PasswordPage, signInPage } from './pages.ts';
import { refusalOf } from './refusal.ts';
import { trustOffer } from './trusted-device.ts';

export const passkeyAloneUrl = ({ uid }: Interaction): string => `${interactionUrl(uid)}/avec-ma-cle`;

const ceremonyOf = (
  deps: Deps,
  ctx: PageContext,
  purpose: Ceremony['purpose'],
  subject: string,
): Ceremony => ({
  purpose,
  subject,
  browser: ensureBrowser(deps, ctx),
});

/** What the password page needs to propose a passkey instead. */
export const passkeyOffer = async (deps: Deps, ctx: PageContext, interaction: Interaction) => ({
  action: passkeyAloneUrl(interaction),
  options: await authenticationOptions(
    deps.knex,
    deps,
    undefined,
    ceremonyOf(deps, ctx, 'sign-in', interaction.uid),
  ),
});

/** Uses the passkey up as the sign-in ends; why it could not be is for the journal. */
function useOf(clock: Clock, assertion: Assertion) {
  let fault: AssertionFault | undefined;
  return {
    use: async (trx: Db): Promise<boolean> => {
      fault = await consumeAssertion(trx, clock, assertion);
      return fault === undefined;
    },
    fault: () => fault,
  };
}

export function passkeyRoutes(
  router: Router<RequestState>,
  deps: Deps,
  frame: SignInFrame,
  showPassword: PasswordPage,
): void {
  const page = signInPage(deps);
  const { knex, clock, settings } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  async function show(ctx: PageContext, proven: Proven, fault?: Fault): Promise<void> {
    if (fault) ctx.status = 422;
    const { interaction, choices, journey, principal } = proven;
    const action = stepUrl(interaction, 'passkey');
    const ceremony = ceremonyOf(deps, ctx, 'second-factor', interaction.uid);
    page(ctx, interaction, 'sign-in/passkey.njk', {
      path: action,
      action,
      options: await authenticationOptions(knex, deps, principal, ceremony),
      trust: trustOffer(deps, ctx, proven),
      alert: fault && { kind: 'refusal', ...fault },
      otherChannelUrl: choices.length > 1 ? stepUrl(interaction, 'choice') : undefined,
      backUrl: stepUrl(interaction, journey.state.session ? 'choice' : 'password'),
    });
  }

  /** @param principal whose passkey it is, or who proved their password; undefined when neither is known. */
  const recordRefusal = (
    ctx: PageContext,
    principal: Pick<Principal, 'account' | 'member'> | undefined,
    reason?: AssertionFault,
  ) =>
    record(knex, clock, {
      event: 'sign-in.refused',
      outcome: 'failure',
      actor: principal?.member?.id,
      subject: principal?.account.id,
      source: clientAddress(ctx),
      details: { step: 'passkey', reason },
    });

  router.get('/connexion/:uid/cle-d-acces', (ctx) => frame.at(ctx, 'passkey', (proven) => show(ctx, proven)));

  router.post('/connexion/:uid/cle-d-acces', ...form, (ctx) =>
    frame.at(ctx, 'passkey', async (proven) => {
      const { principal, interaction } = proven;
      const { id: principalId } = principal;
      const counted = await countGuess(deps, { way: 'passkey', principalId, source: clientAddress(ctx) });
      if (!counted.allowed) return show(ctx, proven, counted.fault);
      const assertion = await checkAssertion(knex, deps, {
        json: fieldsOf(ctx).passkey ?? '',
        holderId: principalId,
        ceremony: ceremonyOf(deps, ctx, 'second-factor', interaction.uid),
      });
      const used = assertion && useOf(clock, assertion);
      if (used && (await frame.complete(ctx, proven, used.use))) return counted.succeeded();
      await recordRefusal(ctx, principal, used?.fault());
      await counted.failed();
      await show(ctx, proven, { key: 'fault.passkey.refused' });
    }),
  );

  router.post(`/connexion/:uid/avec-ma-cle`, ...form, async (ctx) => {
    const interaction = await frame.enter(ctx);
    const refuse = (fault: Fault) =>
      showPassword(ctx, interaction, { email: '', alert: { kind: 'refusal', ...fault } });
    const counted = await countGuess(deps, { way: 'passkey', source: clientAddress(ctx) });
    if (!counted.allowed) return refuse(counted.fault);
    const assertion = await checkAssertion(knex, deps, {
      json: fieldsOf(ctx).passkey ?? '',
      holderId: undefined,
      ceremony: ceremonyOf(deps, ctx, 'sign-in', interaction.uid),
    });
    const principal = assertion && (await findPrincipalById(knex, assertion.holderId));
    if (!assertion || !principal) {
      await recordRefusal(ctx, undefined);
      await counted.failed();
      return refuse({ key: 'fault.passkey.unknown' });
    }
    const { account, email } = principal;
    if (!maySignIn(clock, account)) {
      await counted.notCompared();
      return showPassword(ctx, interaction, { email, alert: refusalOf(deps, account.state) });
    }
    if (!allowedFactors(settings, account).includes('passkey')) {
      await counted.notCompared();
      return refuse({ key: 'fault.passkey.notAllowed' });
    }
    const proved = { principal, assurance: PASSKEY_ALONE };
    const used = useOf(clock, assertion);
    if (await frame.completeAs(ctx, interaction, proved, used.use)) return counted.succeeded();
    await recordRefusal(ctx, principal, used.fault());
    await counted.failed();
    await refuse({ key: 'fault.passkey.refused' });
  });

  router.get('/connexion/:uid/avec-ma-cle', async (ctx) => {
    const interaction = await frame.enter(ctx);
    ctx.status = 303;
    ctx.redirect(stepUrl(interaction, 'password'));
  });
}
