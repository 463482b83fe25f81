import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../deps.ts';
import type { RequestState } from '../../http/context.ts';

export function personalDataRoutes(_router: Router<RequestState>, _deps: Deps, _provider: Provider): void {}
