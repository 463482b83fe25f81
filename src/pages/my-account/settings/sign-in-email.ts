/**
 * « Adresse de connexion »: a person chooses among the addresses that they proved; a member of a shared account, who has
 * one, names another and proves it.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { maskEmail, parseEmailAddress } from '../../../accounts/contacts.ts';
import {
  chooseSignInAddress,
  type EmailAddress,
  listEmailAddresses,
} from '../../../accounts/email-addresses.ts';
import { lockPrincipal } from '../../../accounts/principals.ts';
import { changeSecurity, type FreshSignIn } from '../../../accounts/security-change.ts';
import type { Deps } from '../../../deps.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../../http/context.ts';
import { type Fields, fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import { leaveNotice } from '../../../http/notice.ts';
import type { SignedIn } from '../../../http/session.ts';
import type { Fault } from '../../../lib/fault.ts';
import { addresses } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { signedInContext } from '../../signed-in.ts';
import type { BeginEmail } from '../contacts/email-code.ts';
import { currentPasswordFault, PasswordMovedError } from './current-password.ts';

const PAGE = 'adresse-de-connexion';

/** It was removed, or signs in already. */
class NotChosenError extends Error {
  override name = 'NotChosenError';
}

export function signInEmailRoutes(
  router: Router<RequestState>,
  deps: Deps,
  provider: Provider,
  begin: BeginEmail,
): void {
  const { knex } = deps;

  async function show(
    ctx: PageContext,
    signedIn: SignedIn,
    { fields = {}, errors = {} }: { fields?: Fields; errors?: Readonly<Record<string, Fault>> } = {},
  ): Promise<void> {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const { account, member, email } = signedIn;
    const others = member
      ? []
      : (await listEmailAddresses(knex, account.id)).filter(({ isSignIn }) => !isSignIn);
    renderPage(deps, ctx, 'my-account/settings/sign-in-email.njk', {
      path: addresses.signInEmail,
      ...signedInContext(signedIn),
      errors,
      current: email,
      hasNewAddress: member !== undefined,
      choices: others.map(({ id, address }) => ({ code: id, label: address })),
      values: { email: fields.email ?? '' },
      additionUrl: addresses.emailAddition,
      action: addresses.signInEmail,
      backUrl: addresses.settings,
    });
  }

  router.get(addresses.signInEmail, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, (signedIn) => show(ctx, signedIn)),
  );

  const choose = (fresh: FreshSignIn, { id, address }: EmailAddress) =>
    changeSecurity(
      knex,
      deps,
      fresh,
      { change: 'sign-in-email-changed', details: { email: maskEmail(address) } },
      async (trx) => {
        const principal = await lockPrincipal(trx, fresh.principal);
        if (!principal || principal.passwordHash !== fresh.principal.passwordHash)
          throw new PasswordMovedError();
        if (!(await chooseSignInAddress(trx, principal.account.id, id))) throw new NotChosenError();
      },
    );

  async function changeOfPerson(ctx: PageContext, signedIn: SignedIn, fresh: FreshSignIn): Promise<void> {
    const fields = fieldsOf(ctx);
    const refuse = (errors: Readonly<Record<string, Fault>>) => show(ctx, signedIn, { fields, errors });
    const emails = await listEmailAddresses(knex, signedIn.account.id);
    const chosen = emails.find(({ id, isSignIn }) => id === fields.email && !isSignIn);
    const missing = await missingPassword(ctx, signedIn, chosen !== undefined);
    const notChosen = { email: { key: 'fault.required.applicationEmail' } };
    if (!chosen || missing) return refuse({ ...(!chosen && notChosen), ...missing });
    try {
      await choose(fresh, chosen);
    } catch (error) {
      if (error instanceof NotChosenError) return refuse(notChosen);
      if (error instanceof PasswordMovedError)
        return refuse({ currentPassword: { key: 'fault.password.current' } });
      throw error;
    }
    leaveNotice(deps, ctx, 'sign-in-email-changed');
    seeOther(ctx, addresses.settings);
  }

  /** Only asks: the address that is named here is proved first (contacts/email-code.ts). */
  async function changeOfMember(ctx: PageContext, signedIn: SignedIn): Promise<void> {
    const fields = fieldsOf(ctx);
    const refuse = (errors: Readonly<Record<string, Fault>>) => show(ctx, signedIn, { fields, errors });
    const parsed = parseEmailAddress(fields.email ?? '');
    const isSame = parsed.ok && parsed.value.canonical === signedIn.email.toLowerCase();
    const wrong = parsed.ok ? (isSame ? { key: 'fault.email.already' } : undefined) : parsed.fault;
    const missing = await missingPassword(ctx, signedIn, !wrong);
    if (!parsed.ok || wrong || missing) return refuse({ ...(wrong && { email: wrong }), ...missing });
    const refused = await begin(ctx, signedIn, parsed.value);
    if (refused) await refuse({ email: refused });
  }

  /** @param isCompared false when something else is refused anyway: that is no attempt. */
  async function missingPassword(
    ctx: PageContext,
    signedIn: SignedIn,
    isCompared: boolean,
  ): Promise<Record<'currentPassword', Fault> | undefined> {
    const { currentPassword = '' } = fieldsOf(ctx);
    if (currentPassword === '') return { currentPassword: { key: 'fault.required.ownPassword' } };
    if (!isCompared) return undefined;
    const fault = await currentPasswordFault(deps, ctx, signedIn, currentPassword);
    return fault && { currentPassword: fault };
  }

  router.post(addresses.signInEmail, parseForm, verifyForm(deps), (ctx) =>
    asFresh(deps, provider, ctx, PAGE, (signedIn, fresh) =>
      signedIn.member ? changeOfMember(ctx, signedIn) : changeOfPerson(ctx, signedIn, fresh),
    ),
  );
}
