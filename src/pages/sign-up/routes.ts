/** Sign-up: the choice of a way in, then one file per way. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../deps.ts';
import { type RequestState, renderPage, seeOther } from '../../http/context.ts';
import { findSignedIn } from '../../http/session.ts';
import { addresses } from '../addresses.ts';
import { findDestination } from '../sign-in/interaction.ts';
import { confirmRoutes } from './confirm-address.ts';
import { interactionOf } from './interaction.ts';
import { identifyRoutes } from './ordre/identify.ts';
import { ordreRoutes } from './ordre/routes.ts';
import { doctorRoutes } from './request/doctor.ts';
import { requestRoutes } from './request/routes.ts';
import { secretaryRoutes } from './request/secretary.ts';

export function signUpRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  router.get('/inscription', async (ctx) => {
    if (await findSignedIn(deps, provider, ctx)) return seeOther(ctx, addresses.home);
    const uid = interactionOf(ctx);
    renderPage(deps, ctx, 'sign-up/choice.njk', {
      choices: [
        { kind: 'doctor', url: addresses.signUpRequest('doctor', uid) },
        { kind: 'secretary', url: addresses.signUpRequest('secretary', uid) },
        { kind: 'ordre', url: addresses.signUpOrdre(uid) },
      ],
      signInUrl: addresses.signInTo(uid),
      connexion: uid,
      application: (await findDestination(provider, uid)).application,
    });
  });
  identifyRoutes(router, deps, provider);
  ordreRoutes(router, deps, provider);
  doctorRoutes(router, deps, provider);
  secretaryRoutes(router, deps, provider);
  requestRoutes(router, deps);
  confirmRoutes(router, deps);
}
