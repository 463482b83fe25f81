/** Opening an application from its tile when it does not know yet under which address: the question, then the way on. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { listEmailAddresses } from '../../accounts/email-addresses.ts';
import type { Tile } from '../../applications/tiles.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { leaveNotice } from '../../http/notice.ts';
import { findSignedIn, type SignedIn } from '../../http/session.ts';
import type { Fault } from '../../lib/fault.ts';
import { addresses } from '../addresses.ts';
import { answerEmailQuestion, emailQuestion } from '../application-email.ts';
import { signedInContext } from '../signed-in.ts';
import { tilesOf } from './portal.ts';

export function portalRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  /** Runs `act` for a tile that this person may open; to them, any other application does not exist. */
  async function withTile(
    ctx: PageContext,
    act: (signedIn: SignedIn, tile: Tile) => Promise<void>,
  ): Promise<void> {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, addresses.signIn);
    const tiles = await tilesOf(deps, signedIn);
    const tile = tiles.find(({ clientId, refusedBy }) => clientId === ctx.params.application && !refusedBy);
    if (!tile) throw new CaduceeError('notFound');
    await act(signedIn, tile);
  }

  async function show(
    ctx: PageContext,
    signedIn: SignedIn,
    tile: Tile,
    errors: Readonly<Record<string, Fault>> = {},
  ): Promise<void> {
    const emails = await listEmailAddresses(deps.knex, signedIn.account.id);
    // The sign-in that follows links an only address by itself.
    if (!tile.asksForEmail || tile.email !== undefined || emails.length < 2)
      return seeOther(ctx, tile.startUrl);
    if (ctx.method === 'POST') ctx.status = 422;
    // The form ends where the application's own sign-in does.
    (ctx.state as RequestState).formAction = [...tile.origins];
    renderPage(deps, ctx, 'portal/email.njk', {
      ...signedInContext(signedIn),
      application: { name: tile.name, icon: tile.icon },
      ...emailQuestion(emails, errors),
      backUrl: addresses.home,
    });
  }

  router.get('/ouvrir/:application', (ctx) => withTile(ctx, (signedIn, tile) => show(ctx, signedIn, tile)));

  router.post('/ouvrir/:application', parseForm, verifyForm(deps), (ctx) =>
    withTile(ctx, async (signedIn, tile) => {
      if (!tile.asksForEmail) return seeOther(ctx, tile.startUrl);
      const { account, id: actor } = signedIn;
      const change = {
        accountId: account.id,
        clientId: tile.clientId,
        actor,
        source: clientAddress(ctx),
      };
      const answer = await answerEmailQuestion(deps, change, fieldsOf(ctx));
      if (answer.errors) return show(ctx, signedIn, tile, answer.errors);
      if (answer.isTheirs) return seeOther(ctx, tile.startUrl);
      // The tile says which address it is.
      leaveNotice(deps, ctx, 'application-email-chosen-before');
      seeOther(ctx, addresses.home);
    }),
  );
}
