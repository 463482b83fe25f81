/** The home page: the ways in for a visitor, the portal for who is signed in; and the pages of plain information. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Account } from '../accounts/accounts.ts';
import { TERMS } from '../accounts/terms.ts';
import { listPortalTiles } from '../applications/applications.ts';
import type { Deps } from '../deps.ts';
import { type RequestState, renderPage, seeOther } from '../http/context.ts';
import { findSignedInAccount } from '../http/session.ts';
import { ENGINE_ROUTES, OWN_CLIENT_ID, OWN_RETURN_PATH } from '../openid/provider.ts';
import { addresses } from './addresses.ts';

export function homeRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const signOutUrl = `${ENGINE_ROUTES.end_session}?client_id=${OWN_CLIENT_ID}`;

  /** What the header shows of who is signed in. */
  const asSignedIn = ({ givenName, familyName }: Account) => ({
    signedIn: { displayName: `${givenName} ${familyName}` },
    signOutUrl,
  });

  router.get('/', async (ctx) => {
    const account = await findSignedInAccount(deps, provider, ctx);
    if (!account) {
      return renderPage(deps, ctx, 'home/home.njk', {
        signInUrl: addresses.signIn,
        signUpUrl: addresses.signUp(),
        passwordForgottenUrl: addresses.passwordForgotten,
        identifierForgottenUrl: addresses.identifierForgotten,
      });
    }
    renderPage(deps, ctx, 'portal/portal.njk', {
      ...asSignedIn(account),
      givenName: account.givenName,
      applications: await listPortalTiles(deps.knex, account.id),
    });
  });

  // Where our own sign-in comes back to; refused or given up, the home page offers it again.
  router.get(OWN_RETURN_PATH, (ctx) => seeOther(ctx, addresses.home));

  router.get(addresses.terms, async (ctx) => {
    const account = await findSignedInAccount(deps, provider, ctx);
    renderPage(deps, ctx, 'legal/terms.njk', { ...TERMS, ...(account && asSignedIn(account)) });
  });

  for (const [path, topic] of [
    [addresses.passwordForgotten, 'password'],
    [addresses.identifierForgotten, 'identifier'],
  ] as const) {
    router.get(path, (ctx) =>
      renderPage(deps, ctx, 'rescue/assistance.njk', { topic, supportEmail: deps.settings.SUPPORT_EMAIL }),
    );
  }
}
