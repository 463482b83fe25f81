/** « Paramètres »: with what the person signs in. The password is changed here, the address on a page of its own. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { listEmailAddresses } from '../../../accounts/email-addresses.ts';
import { lockPrincipal, updatePasswordHash } from '../../../accounts/principals.ts';
import { changeSecurity, type FreshSignIn } from '../../../accounts/security-change.ts';
import type { Deps } from '../../../deps.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import { leaveNotice, takeNotice } from '../../../http/notice.ts';
import type { SignedIn } from '../../../http/session.ts';
import type { Fault } from '../../../lib/fault.ts';
import { listAccountWorkplaces } from '../../../workplaces/account-workplaces.ts';
import { addresses } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { hashNewPassword, newPasswordFaults, placeWords } from '../../new-password.ts';
import { signedInContext } from '../../signed-in.ts';
import { currentPasswordFault, PasswordMovedError } from './current-password.ts';

const PAGE = 'parametres';

export function settingsRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock, keyring } = deps;

  /** Words that a password of theirs must not be made of. */
  async function personalWordsOf({ account, member, email }: SignedIn): Promise<string[]> {
    const emails = await listEmailAddresses(knex, account.id);
    const places = await listAccountWorkplaces(knex, account.id);
    return [
      ...(member
        ? [member.familyName, member.givenName, account.displayName, email]
        : [account.familyName, account.givenName, ...emails.map(({ address }) => address)]),
      ...(account.rpps ? [account.rpps] : []),
      ...placeWords(places.flatMap(({ workplace: { name, town } }) => [name, town ?? ''])),
    ].filter((word) => word !== '');
  }

  async function show(
    ctx: PageContext,
    signedIn: SignedIn,
    errors: Readonly<Record<string, Fault>> = {},
  ): Promise<void> {
    const isRefused = Object.keys(errors).length > 0;
    if (isRefused) ctx.status = 422;
    renderPage(deps, ctx, 'my-account/settings/settings.njk', {
      ...signedInContext(signedIn),
      alert: isRefused ? undefined : takeNotice(ctx),
      errors,
      email: signedIn.email,
      signInEmailUrl: addresses.signInEmail,
      known: (await personalWordsOf(signedIn)).join(' '),
      action: addresses.settings,
    });
  }

  router.get(addresses.settings, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, (signedIn) => show(ctx, signedIn)),
  );

  const save = (fresh: FreshSignIn, passwordHash: string) =>
    changeSecurity(knex, deps, fresh, { change: 'password-changed' }, async (trx) => {
      const principal = await lockPrincipal(trx, fresh.principal);
      if (!principal || principal.passwordHash !== fresh.principal.passwordHash)
        throw new PasswordMovedError();
      await updatePasswordHash(trx, clock, principal, passwordHash);
    });

  router.post(addresses.settings, parseForm, verifyForm(deps), (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, fresh) => {
      const fields = fieldsOf(ctx);
      const { currentPassword = '', password = '' } = fields;
      const faults = newPasswordFaults(fields, await personalWordsOf(signedIn));
      if (Object.keys(faults).length === 0 && password === currentPassword)
        faults.password = { key: 'fault.password.same' };
      // In the order of the fields. Compared only when all the rest is right: what is refused anyway is no attempt.
      const missing: Record<string, Fault> =
        currentPassword === '' ? { currentPassword: { key: 'fault.required.ownPassword' } } : {};
      const errors = { ...missing, ...faults };
      if (Object.keys(errors).length > 0) return show(ctx, signedIn, errors);
      const refused = await currentPasswordFault(deps, ctx, signedIn, currentPassword);
      if (refused) return show(ctx, signedIn, { currentPassword: refused });
      const whose = keyring.lookupHash('new-password', signedIn.id);
      const hashed = await hashNewPassword(deps, whose, password);
      if (!hashed.ok) return show(ctx, signedIn, { password: hashed.fault });
      try {
        await save(fresh, hashed.hash);
      } catch (error) {
        if (!(error instanceof PasswordMovedError)) throw error;
        return show(ctx, signedIn, { currentPassword: { key: 'fault.password.current' } });
      }
      leaveNotice(deps, ctx, 'password-changed');
      seeOther(ctx, addresses.settings);
    }),
  );
}
