/** The home page: the ways in for a visitor, the portal for who is signed in; and the pages of plain information. */

import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { TERMS } from '../accounts/terms.ts';
import type { Deps } from '../deps.ts';
import { type RequestState, renderPage, seeOther } from '../http/context.ts';
import { takeNotice } from '../http/notice.ts';
import { findSignedIn } from '../http/session.ts';
import { OWN_RETURN_PATH } from '../openid/provider.ts';
import { addresses, findReturn } from './addresses.ts';
import { showPortal } from './portal/portal.ts';
import { signedInContext } from './signed-in.ts';

export function homeRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  router.get('/', async (ctx) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (signedIn) return showPortal(deps, ctx, signedIn);
    renderPage(deps, ctx, 'home/home.njk', {
      alert: takeNotice(ctx),
      signInUrl: addresses.signIn,
      signUpUrl: addresses.signUp(),
      passwordForgottenUrl: addresses.passwordForgotten,
      identifierForgottenUrl: addresses.identifierForgotten,
    });
  });

  // Where our own sign-in comes back to; refused or given up, the home page offers it again.
  router.get(OWN_RETURN_PATH, (ctx) => {
    const { state, error } = ctx.query;
    seeOther(ctx, (!error && findReturn(state)) || addresses.home);
  });

  router.get(addresses.terms, async (ctx) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    renderPage(deps, ctx, 'legal/terms.njk', { ...TERMS, ...(signedIn && signedInContext(signedIn)) });
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
