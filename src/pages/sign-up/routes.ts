/** Sign-up: the choice of a way in, then one file per way. */
import type Router from '@koa/router';
import type { Deps } from '../../deps.ts';
import { type RequestState, renderPage } from '../../http/context.ts';
import { addresses } from '../addresses.ts';
import { confirmRoutes } from './confirm-address.ts';
import { interactionOf } from './interaction.ts';
import { ordreRoutes } from './ordre.ts';
import { identifyRoutes } from './ordre-identify.ts';
import { doctorRoutes } from './request/doctor.ts';
import { requestRoutes } from './request/routes.ts';
import { secretaryRoutes } from './request/secretary.ts';

export function signUpRoutes(router: Router<RequestState>, deps: Deps): void {
  router.get('/inscription', (ctx) => {
    const uid = interactionOf(ctx);
    renderPage(deps, ctx, 'sign-up/choice.njk', {
      choices: [
        { kind: 'doctor', url: addresses.signUpRequest('doctor', uid) },
        { kind: 'secretary', url: addresses.signUpRequest('secretary', uid) },
        { kind: 'ordre', url: addresses.signUpOrdre(uid) },
      ],
      signInUrl: addresses.signInTo(uid),
      connexion: uid,
    });
  });
  identifyRoutes(router, deps);
  ordreRoutes(router, deps);
  doctorRoutes(router, deps);
  secretaryRoutes(router, deps);
  requestRoutes(router, deps);
  confirmRoutes(router, deps);
}
