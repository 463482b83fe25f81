/** « Fermer mon compte »: told before, done at once, and for thirty days one may change one's mind by signing in. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { REOPEN_DAYS } from '../../accounts/states.ts';
import { LastAdministratorError, transition } from '../../accounts/transition.ts';
import type { Deps } from '../../deps.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../http/context.ts';
import { parseForm, verifyForm } from '../../http/forms.ts';
import { leaveNotice } from '../../http/notice.ts';
import type { SignedIn } from '../../http/session.ts';
import { addresses } from '../addresses.ts';
import { asFresh } from '../fresh-sign-in.ts';
import { signedInContext } from '../signed-in.ts';

const PAGE = 'fermeture';

export function closingRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex } = deps;

  function show(ctx: PageContext, signedIn: SignedIn, alert?: object): void {
    if (alert) ctx.status = 409;
    renderPage(deps, ctx, 'my-account/closing.njk', {
      ...signedInContext(signedIn),
      path: addresses.closing,
      // A member leaves: the account is not theirs to close.
      membersUrl: signedIn.member ? addresses.members : undefined,
      title: signedIn.account.displayName,
      days: REOPEN_DAYS,
      dataUrl: addresses.personalData,
      action: addresses.closing,
      backUrl: addresses.myAccount,
      alert,
    });
  }

  router.get(addresses.closing, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn) => show(ctx, signedIn)),
  );

  router.post(addresses.closing, parseForm, verifyForm(deps), (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, { source }) => {
      const { account, member } = signedIn;
      if (member) return seeOther(ctx, addresses.closing);
      try {
        const by = { role: 'person', accountId: account.id, source } as const;
        await transition(knex, deps, { accountId: account.id, to: 'closed', by });
      } catch (error) {
        if (!(error instanceof LastAdministratorError)) throw error;
        return show(ctx, signedIn, { kind: 'refusal', key: 'alert.account.lastAdministrator' });
      }
      leaveNotice(deps, ctx, 'account-closed');
      seeOther(ctx, addresses.home);
    }),
  );
}
