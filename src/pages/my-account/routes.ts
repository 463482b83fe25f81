/** What a person decides about their own account. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../deps.ts';
import type { RequestState } from '../../http/context.ts';
import { activityRoutes } from './activity.ts';
import { applicationRoutes } from './applications.ts';
import { closingRoutes } from './closing.ts';
import { personalDataRoutes } from './personal-data.ts';
import { profileRoutes } from './profile.ts';
import { sessionRoutes } from './sessions.ts';
import { overviewRoutes } from './strong-authentication/overview.ts';
import { passkeySettingsRoutes } from './strong-authentication/passkeys.ts';
import { phoneRoutes } from './strong-authentication/phones.ts';
import { recoveryCodesRoutes } from './strong-authentication/recovery-codes.ts';
import { totpSettingsRoutes } from './strong-authentication/totp.ts';

import { workplaceRoutes } from './workplaces.ts';

export function myAccountRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  profileRoutes(router, deps, provider);
  workplaceRoutes(router, deps, provider);
  personalDataRoutes(router, deps, provider);
  closingRoutes(router, deps, provider);
  sessionRoutes(router, deps, provider);
  applicationRoutes(router, deps, provider);
  activityRoutes(router, deps, provider);
  overviewRoutes(router, deps, provider);
  passkeySettingsRoutes(router, deps, provider);
  phoneRoutes(router, deps, provider);
  recoveryCodesRoutes(router, deps, provider);
  totpSettingsRoutes(router, deps, provider);
}
