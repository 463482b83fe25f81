/**
 * The code that proves an address before it is an account's: added to a person's, or in the place of the one with which a
 * member of a shared account signs in. An address that has an account already gets the same page, and its owner a mail.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { DuplicateAccountError, findOwnerOfEmail } from '../../../accounts/accounts.ts';
import { maskEmail } from '../../../accounts/contacts.ts';
import { addEmailAddress, MAX_EMAILS, replaceMemberAddress } from '../../../accounts/email-addresses.ts';
import { lockPrincipal, type Principal } from '../../../accounts/principals.ts';
import { changeSecurity, type FreshSignIn } from '../../../accounts/security-change.ts';
import { type Contact, checkCode, deliverCode, forgetSends } from '../../../credentials/code-delivery.ts';
import { CODE_LIFETIME_MINUTES, consumeCode } from '../../../credentials/one-time-codes.ts';
import { type Notice, noticeNow, resendNotice } from '../../../credentials/resend-notice.ts';
import type { Deps } from '../../../deps.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { browserOf, ensureBrowser, fieldsOf, parseForm, valuesOf, verifyForm } from '../../../http/forms.ts';
import { leaveNotice } from '../../../http/notice.ts';
import type { SignedIn } from '../../../http/session.ts';
import {
  endJourney,
  findJourney,
  type Journey,
  moveJourney,
  startJourney,
} from '../../../journeys/journeys.ts';
import type { Fault } from '../../../lib/fault.ts';
import { randomToken } from '../../../lib/ids.ts';
import { tellOwnerOfAddress } from '../../address-owner.ts';
import { addresses } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { signedInContext } from '../../signed-in.ts';
import { boxesOf, listUses, saveUses } from './uses.ts';

interface ChosenAddress {
  readonly address: string;
  readonly canonical: string;
}

interface EmailState {
  /** In the address of the page. */
  readonly id: string;
  /** Whose it will be ({@link Principal}). */
  readonly principalId: string;
  readonly chosen: ChosenAddress;
  readonly notice?: Notice;
}

/** What was ticked beside the code. */
interface Ticks {
  readonly star: boolean;
  /** Identifiers of applications. */
  readonly applications: readonly string[];
}

/** Another request was first, or the address went to somebody else meanwhile. */
class NotAddedError extends Error {
  override name = 'NotAddedError';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.key);
    this.fault = fault;
  }
}

export type BeginEmail = (
  ctx: PageContext,
  principal: Principal,
  chosen: ChosenAddress,
) => Promise<Fault | undefined>;

const contactOf = ({ chosen }: EmailState): Contact => ({ channel: 'email', to: chosen.address });
const beginsAt = ({ member }: Principal): string =>
  member ? addresses.signInEmail : addresses.emailAddition;

/** @returns what sends the first code and goes to its page, or says why it may not leave now. */
export function emailCodeRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): BeginEmail {
  const { knex, clock } = deps;
  const form = [parseForm, verifyForm(deps)] as const;
  const resendUrl = (id: string): string => `${addresses.emailJourney(id)}/renvoyer`;

  async function send(
    ctx: PageContext,
    { account, member }: Principal,
    journey: Journey<EmailState>,
    { again }: { again: boolean },
  ): Promise<Fault | undefined> {
    const { notice: _, ...state } = journey.state;
    const { address, canonical } = state.chosen;
    const owner = await findOwnerOfEmail(knex, canonical);
    const refused = await deliverCode(
      deps,
      {
        journeyHash: journey.hash,
        purpose: 'address',
        contact: contactOf(state),
        lang: (ctx.state as RequestState).lang,
        accountId: account.id,
        memberId: member?.id,
        source: clientAddress(ctx),
        silent: owner !== undefined,
        again,
      },
      async (trx) => {
        const notice = again ? { notice: resendNotice(clock, undefined, address) } : {};
        await moveJourney(trx, deps, journey, { ...state, ...notice });
        if (owner)
          await tellOwnerOfAddress(trx, deps, { to: address, language: owner.language, asked: 'addition' });
      },
    );
    if (!refused) seeOther(ctx, addresses.emailJourney(state.id));
    return refused;
  }

  const begin: BeginEmail = async (ctx, principal, chosen) => {
    const id = randomToken(16);
    const journey = await startJourney(knex, deps, {
      kind: 'email',
      id,
      browser: ensureBrowser(deps, ctx),
      state: { id, principalId: principal.id, chosen },
    });
    return send(ctx, principal, journey, { again: false });
  };

  /** Runs `act` for who began this journey; anybody else, and whose journey is over, begins again. */
  const within = (
    ctx: PageContext,
    act: (signedIn: SignedIn, fresh: FreshSignIn, journey: Journey<EmailState>) => Promise<void>,
  ) =>
    asFresh(deps, provider, ctx, 'coordonnees', async (signedIn, fresh) => {
      const id = ctx.params.journey ?? '';
      const browser = browserOf(deps, ctx);
      const journey = await findJourney<EmailState>(knex, deps, { kind: 'email', id, browser });
      if (journey?.state.principalId !== signedIn.id) return seeOther(ctx, beginsAt(signedIn));
      await act(signedIn, fresh, journey);
    });

  async function show(
    ctx: PageContext,
    signedIn: SignedIn,
    { id, chosen, notice }: EmailState,
    { star, applications }: Ticks = { star: false, applications: [] },
    errors: Readonly<Record<string, Fault>> = {},
  ): Promise<void> {
    const isRefused = Object.keys(errors).length > 0;
    if (isRefused) ctx.status = 422;
    const isMember = signedIn.member !== undefined;
    renderPage(deps, ctx, 'my-account/contacts/email-code.njk', {
      path: addresses.emailJourney(id),
      ...signedInContext(signedIn),
      email: chosen.address,
      minutes: CODE_LIFETIME_MINUTES,
      errors,
      alert: isRefused ? undefined : noticeNow(clock, notice),
      // The star and what applications know are a shared account's, not one member's.
      hasUses: !isMember,
      star,
      applications: isMember ? [] : boxesOf(await listUses(deps, signedIn), { ticked: applications }),
      action: addresses.emailJourney(id),
      resendAction: resendUrl(id),
      backUrl: beginsAt(signedIn),
    });
  }

  router.get(addresses.emailJourney(':journey'), (ctx) =>
    within(ctx, (signedIn, _fresh, { state }) => show(ctx, signedIn, state)),
  );

  router.get(resendUrl(':journey'), (ctx) => seeOther(ctx, addresses.emailJourney(ctx.params.journey ?? '')));

  router.post(resendUrl(':journey'), ...form, (ctx) =>
    within(ctx, async (signedIn, _fresh, journey) => {
      const { state } = journey;
      const refused = await send(ctx, signedIn, journey, { again: true });
      if (!refused) return;
      const notice = resendNotice(clock, refused, state.chosen.address);
      await moveJourney(knex, deps, journey, { ...state, notice });
      seeOther(ctx, addresses.emailJourney(state.id));
    }),
  );

  router.post(addresses.emailJourney(':journey'), ...form, (ctx) =>
    within(ctx, async (signedIn, fresh, journey) => {
      const { state } = journey;
      const fields = fieldsOf(ctx);
      const ticks: Ticks = { star: fields.star === 'yes', applications: valuesOf(ctx, 'applications') };
      const refuse = (fault: Fault) => show(ctx, signedIn, state, ticks, { code: fault });
      const source = clientAddress(ctx);
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'address',
        contact: contactOf(state),
        accountId: signedIn.account.id,
        memberId: signedIn.member?.id,
        source,
        input: fields.code,
      });
      if (!checked.ok) return refuse(checked.fault);
      try {
        const emailId = await save(fresh, journey, checked.value);
        if (emailId) {
          const uses = await listUses(deps, signedIn);
          const { star: isStarred, applications: ticked } = ticks;
          await saveUses(deps, signedIn, { uses, emailId, ticked, isStarred, source });
        }
      } catch (error) {
        if (!(error instanceof NotAddedError)) throw error;
        return refuse(error.fault);
      }
      await forgetSends(deps, contactOf(state), 'address', signedIn.id);
      leaveNotice(deps, ctx, signedIn.member ? 'sign-in-email-changed' : 'email-added');
      seeOther(ctx, addresses.contacts);
    }),
  );

  /** @returns the identifier of an address that was added; undefined for one that took the place of another. */
  async function save(
    fresh: FreshSignIn,
    journey: Journey<EmailState>,
    codeId: string,
  ): Promise<string | undefined> {
    const { chosen } = journey.state;
    const { account, member } = fresh.principal;
    const change = member ? 'sign-in-email-changed' : 'email-added';
    const details = { email: maskEmail(chosen.address) };
    try {
      return await changeSecurity(knex, deps, fresh, { change, details }, async (trx) => {
        const principal = await lockPrincipal(trx, fresh.principal);
        if (!principal || !(await consumeCode(trx, clock, codeId)))
          throw new NotAddedError({ key: 'fault.code.used' });
        await endJourney(trx, journey);
        if (member) {
          const who = { accountId: account.id, memberId: member.id };
          await replaceMemberAddress(trx, clock, who, chosen);
          return undefined;
        }
        const added = await addEmailAddress(trx, clock, account.id, chosen);
        if (!added) throw new NotAddedError({ key: 'fault.email.tooMany', vars: { max: MAX_EMAILS } });
        return added;
      });
    } catch (error) {
      // Whoever reads that mailbox is here: this tells nothing to a stranger.
      if (error instanceof DuplicateAccountError) throw new NotAddedError({ key: 'fault.email.taken' });
      throw error;
    }
  }

  return begin;
}
