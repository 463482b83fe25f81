/** The code that proves a number before it is added. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { forgetDeclaredPhone } from '../../../accounts/accounts.ts';
import { maskPhone, showPhone } from '../../../accounts/contacts.ts';
import { lockPrincipal, type Principal } from '../../../accounts/principals.ts';
import { changeSecurity, type FreshSignIn } from '../../../accounts/security-change.ts';
import { type Contact, checkCode, deliverCode, forgetSends } from '../../../credentials/code-delivery.ts';
import { CODE_LIFETIME_MINUTES, consumeCode } from '../../../credentials/one-time-codes.ts';
import { type Notice, noticeNow, resendNotice } from '../../../credentials/resend-notice.ts';
import type { Deps } from '../../../deps.ts';
import { addPhone, MAX_PHONES } from '../../../factors/phones.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { browserOf, ensureBrowser, fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
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
import { addresses } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { signedInContext } from '../../signed-in.ts';

interface PhoneState {
  /** In the address of the page. */
  readonly id: string;
  /** Who adds it ({@link Principal}). */
  readonly principalId: string;
  /** E.164. */
  readonly number: string;
  readonly notice?: Notice;
}

/** Another request was first, or the number was added meanwhile. */
class NotAddedError extends Error {
  override name = 'NotAddedError';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.key);
    this.fault = fault;
  }
}

const contactOf = ({ number }: PhoneState): Contact => ({ channel: 'sms', to: number });

/** @param added shows what follows. @returns `begin`, which sends the first code, or says why it may not leave now. */
export function phoneCodeRoutes(
  router: Router<RequestState>,
  deps: Deps,
  provider: Provider,
  added: (ctx: PageContext, number: string) => Promise<void>,
) {
  const { knex, clock } = deps;
  const form = [parseForm, verifyForm(deps)] as const;
  const resendUrl = (id: string): string => `${addresses.phoneJourney(id)}/renvoyer`;

  /** Sends a code, and goes to its page. */
  async function send(
    ctx: PageContext,
    { account, member }: Principal,
    journey: Journey<PhoneState>,
    { again }: { again: boolean },
  ): Promise<Fault | undefined> {
    const { notice: _, ...state } = journey.state;
    const contact = contactOf(state);
    const refused = await deliverCode(
      deps,
      {
        journeyHash: journey.hash,
        purpose: 'phone',
        contact,
        lang: (ctx.state as RequestState).lang,
        accountId: account.id,
        memberId: member?.id,
        source: clientAddress(ctx),
        again,
      },
      async (trx) => {
        const notice = again ? { notice: resendNotice(clock, undefined, showPhone(state.number)) } : {};
        await moveJourney(trx, deps, journey, { ...state, ...notice });
      },
    );
    if (!refused) seeOther(ctx, addresses.phoneJourney(state.id));
    return refused;
  }

  async function begin(ctx: PageContext, principal: Principal, number: string): Promise<Fault | undefined> {
    const id = randomToken(16);
    const state = { id, principalId: principal.id, number };
    const journey = await startJourney(knex, deps, {
      kind: 'phone',
      id,
      browser: ensureBrowser(deps, ctx),
      state,
    });
    return send(ctx, principal, journey, { again: false });
  }

  /** Runs `act` for who began this journey; anybody else, and whose journey is over, begins again. */
  const within = (
    ctx: PageContext,
    act: (signedIn: SignedIn, fresh: FreshSignIn, journey: Journey<PhoneState>) => Promise<void>,
  ) =>
    asFresh(deps, provider, ctx, 'telephones', async (signedIn, fresh) => {
      const id = ctx.params.journey ?? '';
      const browser = browserOf(deps, ctx);
      const journey = await findJourney<PhoneState>(knex, deps, { kind: 'phone', id, browser });
      if (journey?.state.principalId !== signedIn.id) return seeOther(ctx, addresses.phones);
      await act(signedIn, fresh, journey);
    });

  function show(
    ctx: PageContext,
    signedIn: SignedIn,
    { id, number, notice }: PhoneState,
    errors: Readonly<Record<string, Fault>> = {},
  ): void {
    const isRefused = Object.keys(errors).length > 0;
    if (isRefused) ctx.status = 422;
    renderPage(deps, ctx, 'my-account/strong-authentication/phone-code.njk', {
      path: addresses.phoneJourney(id),
      ...signedInContext(signedIn),
      number: showPhone(number),
      minutes: CODE_LIFETIME_MINUTES,
      errors,
      alert: isRefused ? undefined : noticeNow(clock, notice),
      action: addresses.phoneJourney(id),
      resendAction: resendUrl(id),
      backUrl: addresses.phones,
    });
  }

  router.get(addresses.phoneJourney(':journey'), (ctx) =>
    within(ctx, async (signedIn, _fresh, { state }) => show(ctx, signedIn, state)),
  );

  router.get(resendUrl(':journey'), (ctx) => seeOther(ctx, addresses.phoneJourney(ctx.params.journey ?? '')));

  router.post(resendUrl(':journey'), ...form, (ctx) =>
    within(ctx, async (signedIn, _fresh, journey) => {
      const { state } = journey;
      const refused = await send(ctx, signedIn, journey, { again: true });
      if (!refused) return;
      const notice = resendNotice(clock, refused, showPhone(state.number));
      await moveJourney(knex, deps, journey, { ...state, notice });
      seeOther(ctx, addresses.phoneJourney(state.id));
    }),
  );

  router.post(addresses.phoneJourney(':journey'), ...form, (ctx) =>
    within(ctx, async (signedIn, fresh, journey) => {
      const { state } = journey;
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'phone',
        contact: contactOf(state),
        accountId: signedIn.account.id,
        memberId: signedIn.member?.id,
        source: clientAddress(ctx),
        input: fieldsOf(ctx).code,
      });
      if (!checked.ok) return show(ctx, signedIn, state, { code: checked.fault });
      try {
        await add(fresh, journey, checked.value);
      } catch (error) {
        if (!(error instanceof NotAddedError)) throw error;
        return show(ctx, signedIn, state, { code: error.fault });
      }
      await forgetSends(deps, contactOf(state), 'phone', signedIn.id);
      await added(ctx, state.number);
    }),
  );

  const add = (fresh: FreshSignIn, journey: Journey<PhoneState>, codeId: string) =>
    changeSecurity(
      knex,
      deps,
      fresh,
      { change: 'phone-added', details: { phone: maskPhone(journey.state.number) } },
      async (trx) => {
        const principal = await lockPrincipal(trx, fresh.principal);
        if (!principal || !(await consumeCode(trx, clock, codeId)))
          throw new NotAddedError({ key: 'fault.code.used' });
        if (principal.phones.length >= MAX_PHONES)
          throw new NotAddedError({ key: 'fault.phone.tooMany', vars: { max: MAX_PHONES } });
        if (!(await addPhone(trx, clock, principal, journey.state.number)))
          throw new NotAddedError({ key: 'fault.phone.already' });
        await forgetDeclaredPhone(trx, principal.account.id, journey.state.number);
        await endJourney(trx, journey);
      },
    );

  return { begin };
}
