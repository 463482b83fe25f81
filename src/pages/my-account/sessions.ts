/** « Sessions et appareils »: where the person is signed in, and how to put an end to it. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { endSessions, revokeOtherAccess } from '../../accounts/access.ts';
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
import { grantHash, sessionHash } from '../../openid/acting-members.ts';
import { methodsOf } from '../../openid/assurance.ts';
import { listSessions } from '../../openid/browser-sessions.ts';
import { addresses, signInAgainFor } from '../addresses.ts';
import { signedInContext } from '../signed-in.ts';

const PAGE = 'sessions';

export function sessionRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock, keyring } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  const asSignedIn = async (ctx: PageContext, act: (signedIn: SignedIn) => Promise<void>) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await act(signedIn);
  };

  router.get(addresses.sessions, (ctx) =>
    asSignedIn(ctx, async (signedIn) => {
      const own = sessionHash(keyring, signedIn.sessionUid);
      const sessions = await listSessions(knex, signedIn.id);
      const shown = sessions.map(({ uidHash, id, amr, ...session }) => ({
        ...session,
        isThis: uidHash.equals(own),
        methods: methodsOf(amr).map((kind) => ({ kind })),
        endAction: addresses.sessionEnd(id),
      }));
      renderPage(deps, ctx, 'my-account/sessions.njk', {
        ...signedInContext(signedIn),
        alert: takeNotice(ctx),
        sessions: shown.toSorted((one, other) => Number(other.isThis) - Number(one.isThis)),
        othersAction: sessions.some(({ uidHash }) => !uidHash.equals(own))
          ? addresses.otherSessionsEnd
          : undefined,
      });
    }),
  );

  router.post(addresses.otherSessionsEnd, ...form, (ctx) =>
    asSignedIn(ctx, async ({ id, account, member, sessionUid, grantIds }) => {
      await knex.transaction(async (trx) => {
        const count = await revokeOtherAccess(
          trx,
          { accountId: account.id, memberId: member?.id },
          {
            session: sessionHash(keyring, sessionUid),
            grants: grantIds.map((grantId) => grantHash(keyring, grantId)),
          },
        );
        await record(trx, clock, {
          event: 'session.ended',
          outcome: 'success',
          actor: id,
          subject: account.id,
          source: clientAddress(ctx),
          details: { others: true, count },
        });
      });
      leaveNotice(deps, ctx, 'other-sessions-ended');
      seeOther(ctx, addresses.sessions);
    }),
  );

  router.post(addresses.sessionEnd(':session'), ...form, (ctx) =>
    asSignedIn(ctx, async (signedIn) => {
      const { id, account } = signedIn;
      await knex.transaction(async (trx) => {
        const session = (await listSessions(trx, id)).find((one) => one.id === ctx.params.session);
        if (!session || (await endSessions(trx, [session.uidHash])) === 0) throw new CaduceeError('notFound');
        await record(trx, clock, {
          event: 'session.ended',
          outcome: 'success',
          actor: id,
          subject: account.id,
          source: clientAddress(ctx),
          details: { session: session.id, device: session.deviceName, at: session.source },
        });
      });
      leaveNotice(deps, ctx, 'session-ended');
      seeOther(ctx, addresses.sessions);
    }),
  );
}
