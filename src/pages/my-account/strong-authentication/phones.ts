/** « Téléphones »: numbers that receive a code by SMS. One is added by the code that it received, and removed after a question. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { listDeclaredPhones } from '../../../accounts/accounts.ts';
import { maskPhone, parsePhoneNumber, showPhone } from '../../../accounts/contacts.ts';
import type { Principal } from '../../../accounts/principals.ts';
import type { FreshSignIn } from '../../../accounts/security-change.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import { listPhones, MAX_PHONES, type Phone, removePhone } from '../../../factors/phones.ts';
import { hasStrong, mayRemove } from '../../../factors/policy.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import { findSignedIn, type SignedIn } from '../../../http/session.ts';
import type { Fault } from '../../../lib/fault.ts';
import { isId } from '../../../lib/ids.ts';
import { addresses, signInAgainFor } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { signedInContext } from '../../signed-in.ts';
import { findWaitingSignIn } from '../../waiting-sign-in.ts';
import { phoneCodeRoutes } from './phone-code.ts';
import { LastFactorError, removeFactor, rulesOf } from './removal.ts';

const PAGE = 'telephones';

/** Why no number can be added, if so. */
const closedKindOf = (deps: Deps, principal: Principal): 'no-sms' | 'not-allowed' | undefined => {
  const { smsAvailable, allowed } = rulesOf(deps, principal);
  if (!smsAvailable) return 'no-sms';
  return allowed.includes('sms') ? undefined : 'not-allowed';
};

/** Whether another number may be added. */
export const phonesOpenTo = (deps: Deps, principal: Principal): boolean =>
  closedKindOf(deps, principal) === undefined && principal.phones.length < MAX_PHONES;

interface Shown {
  readonly number?: string;
  readonly errors?: Readonly<Record<string, Fault>>;
  readonly alert?: Fault & { readonly kind: string };
}

export function phoneRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  async function show(
    ctx: PageContext,
    signedIn: SignedIn,
    { number = '', errors = {}, alert }: Shown = {},
  ): Promise<void> {
    if (Object.keys(errors).length > 0 || alert?.kind === 'refusal') ctx.status = 422;
    const phones = await listPhones(knex, signedIn);
    const declared = await listDeclaredPhones(knex, signedIn.account.id);
    const isRemovable = mayRemove(signedIn, 'sms', rulesOf(deps, signedIn));
    renderPage(deps, ctx, 'my-account/strong-authentication/phones.njk', {
      path: addresses.phones,
      ...signedInContext(signedIn),
      alert,
      errors,
      values: { number },
      waiting: alert?.kind === 'success' ? await findWaitingSignIn(deps, provider, ctx) : undefined,
      phones: phones.map((phone) => ({
        number: showPhone(phone.number),
        verifiedAt: phone.verifiedAt,
        removeUrl: isRemovable ? addresses.phoneRemoval(phone.id) : undefined,
      })),
      declaredPhones: declared.map((one) => ({ number: one, shown: showPhone(one) })),
      closedKind: closedKindOf(deps, signedIn),
      isFull: phones.length >= MAX_PHONES,
      max: MAX_PHONES,
      action: addresses.phones,
      backUrl: addresses.strongAuthentication,
    });
  }

  /** With what was just changed. */
  async function showAgain(ctx: PageContext, alert: Shown['alert']): Promise<void> {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await show(ctx, signedIn, alert && { alert });
  }

  const { begin } = phoneCodeRoutes(router, deps, provider, (ctx, number) =>
    showAgain(ctx, { kind: 'success', key: 'alert.phone.added', vars: { number: showPhone(number) } }),
  );

  router.get(addresses.phones, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, (signedIn) => show(ctx, signedIn)),
  );

  router.post(addresses.phones, ...form, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn) => {
      if (closedKindOf(deps, signedIn)) return seeOther(ctx, addresses.phones);
      const { number = '' } = fieldsOf(ctx);
      const refuse = (fault: Fault) => show(ctx, signedIn, { number, errors: { number: fault } });
      const parsed = parsePhoneNumber(number);
      if (!parsed.ok) return refuse(parsed.fault);
      const { phones } = signedIn;
      if (phones.includes(parsed.value)) return refuse({ key: 'fault.phone.already' });
      if (phones.length >= MAX_PHONES)
        return refuse({ key: 'fault.phone.tooMany', vars: { max: MAX_PHONES } });
      const refused = await begin(ctx, signedIn, parsed.value);
      if (refused) await refuse(refused);
    }),
  );

  /** Runs `act` for a phone of theirs. */
  const withPhone = (
    ctx: PageContext,
    act: (signedIn: SignedIn, fresh: FreshSignIn, phone: Phone) => Promise<void>,
  ) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, fresh) => {
      const id = ctx.params.phone ?? '';
      const phone = isId(id) ? (await listPhones(knex, signedIn)).find((one) => one.id === id) : undefined;
      if (!phone) throw new CaduceeError('notFound');
      await act(signedIn, fresh, phone);
    });

  router.get(addresses.phoneRemoval(':phone'), (ctx) =>
    withPhone(ctx, async (signedIn, _fresh, { id, number }) => {
      if (!mayRemove(signedIn, 'sms', rulesOf(deps, signedIn))) return seeOther(ctx, addresses.phones);
      const without = { ...signedIn, phones: signedIn.phones.filter((one) => one !== number) };
      renderPage(deps, ctx, 'my-account/strong-authentication/remove-phone.njk', {
        path: addresses.phoneRemoval(id),
        ...signedInContext(signedIn),
        number: showPhone(number),
        isLastStrong:
          hasStrong(signedIn, rulesOf(deps, signedIn)) && !hasStrong(without, rulesOf(deps, signedIn)),
        action: addresses.phoneRemoval(id),
        backUrl: addresses.phones,
      });
    }),
  );

  router.post(addresses.phoneRemoval(':phone'), ...form, (ctx) =>
    withPhone(ctx, async (_signedIn, fresh, { id, number }) => {
      try {
        await remove(fresh, id, number);
        const vars = { number: showPhone(number) };
        await showAgain(ctx, { kind: 'success', key: 'alert.phone.removed', vars });
      } catch (error) {
        if (!(error instanceof LastFactorError)) throw error;
        await showAgain(ctx, { kind: 'refusal', key: 'alert.factor.last' });
      }
    }),
  );

  const remove = (fresh: FreshSignIn, id: string, number: string) =>
    removeFactor(
      deps,
      fresh,
      { kind: 'sms', change: 'phone-removed', details: { phone: maskPhone(number) } },
      (trx, principal) => removePhone(trx, principal, id),
    );
}
