/** Pages of a shared account: its members and invitations, and the way in for who is invited. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../deps.ts';
import type { RequestState } from '../../http/context.ts';
import { invitationRoutes } from './invitation.ts';
import { membersRoutes } from './members.ts';

export function sharedAccountRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  membersRoutes(router, deps, provider);
  invitationRoutes(router, deps);
}
