/** The administration: the same guard in front of every page. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../deps.ts';
import { type RequestState, seeOther } from '../../http/context.ts';
import { addresses } from '../addresses.ts';
import { accountRoutes } from './account.ts';
import { requireAdministrator } from './guard.ts';
import { queueRoutes } from './queue.ts';
import { requestRoutes } from './request.ts';

export function administrationRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const guard = requireAdministrator(deps, provider);
  router.get(addresses.administration, guard, (ctx) => seeOther(ctx, addresses.approvals));
  queueRoutes(router, deps, guard);
  requestRoutes(router, deps, guard);
  accountRoutes(router, deps, guard);
}
