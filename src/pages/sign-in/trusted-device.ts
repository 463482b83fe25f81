/** A trusted device: stands in for the second step of a sign-in that nobody asked to be more than that. */
import type { Principal } from '../../accounts/principals.ts';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import type { FactorKind } from '../../factors/kinds.ts';
import { factorRulesOf, mayTrustDevices } from '../../factors/policy.ts';
import {
  findTrustedDevice,
  removeTrustedDevice,
  TRUSTED_DEVICE_DAYS,
  type TrustToken,
  trustDevice,
  useTrustedDevice,
} from '../../factors/trusted-devices.ts';
import { clientAddress, type PageContext } from '../../http/context.ts';
import { fieldsOf } from '../../http/forms.ts';
import { dropTrustToken, keepTrustToken, trustTokenOf } from '../../http/trust-cookie.ts';
import { deviceName } from '../../http/user-agent.ts';
import type { Db } from '../../lib/database.ts';
import { ACR, ACR_VALUES, isMet, TRUSTED_DEVICE } from '../../openid/assurance.ts';
import { countGuess } from '../../throttle/guesses.ts';
import type { SignInFrame } from './frame.ts';
import type { Interaction } from './interaction.ts';
import type { SignInState } from './steps.ts';

const isEligible = (deps: Deps, principal: Principal): boolean =>
  mayTrustDevices(principal, factorRulesOf(deps, principal.account));

/**
 * Whether this request may be answered without the second step: only a plain sign-in of who is not signed in. Never when the
 * application wants the person there (`prompt=login`, `max_age`), or asks for a class that is more than a password in a
 * trusted browser, even as a wish that the account could not grant.
 */
export const mayBeSkipped = ({
  prompt,
  reasons,
  params,
  asked,
}: Pick<Interaction, 'prompt' | 'reasons' | 'params' | 'asked'>): boolean =>
  prompt === 'login' &&
  reasons.join() === 'no_session' &&
  !String(params.prompt ?? '')
    .split(' ')
    .includes('login') &&
  params.max_age === undefined &&
  (asked === undefined || isMet(asked, ACR.trustedDevice, ACR_VALUES));

/** What is asked on the page of a second step; undefined when nothing is: a step-up is no whole sign-in. */
export const trustOffer = (
  deps: Deps,
  ctx: PageContext,
  { principal, journey }: { principal: Principal; journey: { state: SignInState } },
): { days: number; checked: boolean } | undefined =>
  isEligible(deps, principal) && !journey.state.session
    ? { days: TRUSTED_DEVICE_DAYS, checked: fieldsOf(ctx).trust === 'yes' }
    : undefined;

/** A recovery code is used by who lost something, and may be anywhere. */
export const asksForTrust = (
  deps: Deps,
  ctx: PageContext,
  proven: Parameters<typeof trustOffer>[2] & { choice: { kind: FactorKind } },
): boolean => proven.choice.kind !== 'recovery-code' && trustOffer(deps, ctx, proven)?.checked === true;

/** @returns what the browser keeps once the transaction is over. */
export async function trustThisBrowser(
  trx: Db,
  deps: Deps,
  ctx: PageContext,
  principal: Principal,
): Promise<TrustToken> {
  const name = deviceName(ctx);
  const token = trustTokenOf(deps, ctx, principal.id);
  const trusted = await trustDevice(trx, deps, principal, { name, token });
  await record(trx, deps.clock, {
    event: 'trusted-device.added',
    outcome: 'success',
    actor: principal.id,
    subject: principal.account.id,
    source: clientAddress(ctx),
    details: { name },
  });
  return trusted;
}

/** Whoever has its other value signs in no more by it. */
async function forgetCopied(
  { knex, clock }: Deps,
  ctx: PageContext,
  { id: holderId, account }: Principal,
  id: string,
): Promise<void> {
  await knex.transaction(async (trx) => {
    const name = await removeTrustedDevice(trx, holderId, id);
    if (name === undefined) return;
    await record(trx, clock, {
      event: 'trusted-device.removed',
      outcome: 'success',
      subject: account.id,
      source: clientAddress(ctx),
      details: { name, reason: 'copied', holder: holderId },
    });
  });
}

/**
 * Ends a sign-in whose password was right, when this browser is trusted and nothing more is asked. Else the second step is
 * asked, and a value that is none is counted and taken from the browser.
 * @returns whether the sign-in is over.
 */
export async function passByTrustedDevice(
  deps: Deps,
  frame: Pick<SignInFrame, 'completeAs'>,
  ctx: PageContext,
  interaction: Interaction,
  principal: Principal,
): Promise<boolean> {
  const { knex, clock } = deps;
  const { id: principalId, account, member } = principal;
  const token = trustTokenOf(deps, ctx, principalId);
  if (token === undefined || !isEligible(deps, principal) || !mayBeSkipped(interaction)) return false;
  const source = clientAddress(ctx);
  const counted = await countGuess(deps, { way: 'trusted-device', principalId, source });
  if (!counted.allowed) return false;

  const { verdict, id } = await findTrustedDevice(knex, deps, principalId, token);
  if (verdict === 'trusted') {
    let next: TrustToken | undefined;
    const isOver = await frame.completeAs(
      ctx,
      interaction,
      { principal, assurance: TRUSTED_DEVICE },
      async (trx) => {
        next = await useTrustedDevice(trx, deps, principalId, token);
        return next !== undefined;
      },
    );
    if (!isOver) await counted.notCompared();
    else await counted.succeeded();
    if (next && isOver) keepTrustToken(deps, ctx, principalId, next);
    return isOver;
  }
  if (verdict !== 'raced') dropTrustToken(deps, ctx, principalId);
  if (verdict === 'raced' || verdict === 'expired') {
    await counted.notCompared();
    return false;
  }
  if (verdict === 'copied' && id) await forgetCopied(deps, ctx, principal, id);
  await record(knex, clock, {
    event: 'sign-in.refused',
    outcome: 'failure',
    actor: member?.id,
    subject: account.id,
    source,
    details: { step: 'trusted-device' },
  });
  await counted.failed();
  return false;
}
