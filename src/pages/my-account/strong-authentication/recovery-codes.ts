/** « Codes de secours »: how many are left, and ten new ones, shown once. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { lockPrincipal } from '../../../accounts/principals.ts';
import { changeSecurity } from '../../../accounts/security-change.ts';
import type { Deps } from '../../../deps.ts';
import { createRecoveryCodes, findRecoveryCodes, RECOVERY_CODES } from '../../../factors/recovery-codes.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../../http/context.ts';
import { parseForm, verifyForm } from '../../../http/forms.ts';
import type { SignedIn } from '../../../http/session.ts';
import { addresses } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { signedInContext } from '../../signed-in.ts';
import { rulesOf } from './removal.ts';

const PAGE = 'codes-de-secours';

export function recoveryCodesRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex } = deps;

  /** @param codes shown in this answer and in no other: the page is never stored (Cache-Control), and its form voids them. */
  async function show(ctx: PageContext, signedIn: SignedIn, codes?: readonly string[]): Promise<void> {
    renderPage(deps, ctx, 'my-account/strong-authentication/recovery-codes.njk', {
      path: addresses.recoveryCodes,
      ...signedInContext(signedIn),
      ...(await findRecoveryCodes(knex, signedIn.id)),
      codes,
      total: RECOVERY_CODES,
      isAllowed: rulesOf(deps, signedIn).allowed.includes('recovery-code'),
      action: addresses.recoveryCodes,
      backUrl: addresses.strongAuthentication,
    });
  }

  router.get(addresses.recoveryCodes, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, (signedIn) => show(ctx, signedIn)),
  );

  router.post(addresses.recoveryCodes, parseForm, verifyForm(deps), (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, fresh) => {
      if (!rulesOf(deps, signedIn).allowed.includes('recovery-code'))
        return seeOther(ctx, addresses.recoveryCodes);
      const codes = await changeSecurity(
        knex,
        deps,
        fresh,
        { change: 'recovery-codes-created' },
        async (trx) => {
          // One after the other: two requests at once would each leave their ten.
          await lockPrincipal(trx, signedIn);
          return createRecoveryCodes(trx, deps, signedIn);
        },
      );
      await show(ctx, signedIn, codes);
    }),
  );
}
