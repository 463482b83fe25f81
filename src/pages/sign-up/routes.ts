/** Sign-up: the choice of a way in, then one file per way. */
import type Router from '@koa/router';
import type { Deps } from '../../deps.ts';
import { type RequestState, renderPage } from '../../http/context.ts';
import { addresses } from '../addresses.ts';
import { confirmRoutes } from './confirm-address.ts';
import { ordreRoutes } from './ordre.ts';
import { identifyRoutes } from './ordre-identify.ts';

export function signUpRoutes(router: Router<RequestState>, deps: Deps): void {
  router.get('/inscription', (ctx) => {
    const interaction = ctx.query.connexion;
    const uid = typeof interaction === 'string' && /^[\w-]+$/.test(interaction) ? interaction : undefined;
    renderPage(deps, ctx, 'sign-up/choice.njk', {
      choices: [{ kind: 'ordre', url: addresses.signUpOrdre(uid) }],
      signInUrl: addresses.signInTo(uid),
      connexion: uid,
    });
  });
  identifyRoutes(router, deps);
  ordreRoutes(router, deps);
  confirmRoutes(router, deps);
}
