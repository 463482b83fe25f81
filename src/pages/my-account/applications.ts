/** « Applications autorisées »: which applications hold something of the person, and how to take it back. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { revokeApplication } from '../../accounts/access.ts';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { parseForm, verifyForm } from '../../http/forms.ts';
import { leaveNotice, takeNotice } from '../../http/notice.ts';
import { findSignedIn, type SignedIn } from '../../http/session.ts';
import { CLAIMS_BY_SCOPE } from '../../openid/claims.ts';
import { listGrantedApplications } from '../../openid/granted-applications.ts';
import { addresses, signInAgainFor } from '../addresses.ts';
import { signedInContext } from '../signed-in.ts';

const PAGE = 'applications';

/** Scopes that have words. */
const SHOWN_SCOPES: readonly string[] = [...Object.keys(CLAIMS_BY_SCOPE), 'offline_access'];

export function applicationRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock, keyring } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  const asSignedIn = async (ctx: PageContext, act: (signedIn: SignedIn) => Promise<void>) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await act(signedIn);
  };

  router.get(addresses.grantedApplications, (ctx) =>
    asSignedIn(ctx, async (signedIn) => {
      const { account, member } = signedIn;
      const applications = await listGrantedApplications(knex, keyring, {
        accountId: account.id,
        memberId: member?.id,
      });
      renderPage(deps, ctx, 'my-account/applications.njk', {
        ...signedInContext(signedIn),
        alert: takeNotice(ctx),
        applications: applications.map(({ clientId, scopes, ...application }) => ({
          ...application,
          scopes: SHOWN_SCOPES.filter((scope) => scopes.includes(scope)),
          action: addresses.applicationRevocation(clientId),
        })),
      });
    }),
  );

  router.post('/mon-compte/applications/:client/retirer', ...form, (ctx) =>
    asSignedIn(ctx, async ({ id, account, member }) => {
      const clientId = ctx.params.client ?? '';
      // PostgreSQL refuses a NUL character.
      if (!/^[\x20-\x7e]+$/.test(clientId)) throw new CaduceeError('notFound');
      await knex.transaction(async (trx) => {
        const holder = { accountId: account.id, memberId: member?.id };
        if (!(await revokeApplication(trx, holder, clientId))) throw new CaduceeError('notFound');
        await record(trx, clock, {
          event: 'grant.revoked',
          outcome: 'success',
          actor: id,
          subject: account.id,
          source: clientAddress(ctx),
          details: { application: clientId },
        });
      });
      leaveNotice(deps, ctx, 'application-revoked');
      seeOther(ctx, addresses.grantedApplications);
    }),
  );
}
