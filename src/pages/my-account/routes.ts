/** What a person decides about their own account. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../deps.ts';
import type { RequestState } from '../../http/context.ts';
import { activityRoutes } from './activity.ts';
import { applicationRoutes } from './applications.ts';
import { closingRoutes } from './closing.ts';
import { contactsRoutes } from './contacts/contacts.ts';
import { emailRoutes } from './contacts/email.ts';
import { emailAdditionRoutes } from './contacts/email-addition.ts';
import { emailCodeRoutes } from './contacts/email-code.ts';
import { personalDataRoutes } from './personal-data.ts';
import { profileRoutes } from './profile.ts';
import { sessionRoutes } from './sessions.ts';
import { settingsRoutes } from './settings/settings.ts';
import { signInEmailRoutes } from './settings/sign-in-email.ts';
import { overviewRoutes } from './strong-authentication/overview.ts';
import { passkeySettingsRoutes } from './strong-authentication/passkeys.ts';
import { phoneRoutes } from './strong-authentication/phones.ts';
import { recoveryCodesRoutes } from './strong-authentication/recovery-codes.ts';
import { totpSettingsRoutes } from './strong-authentication/totp.ts';
import { trustedDeviceRoutes } from './strong-authentication/trusted-devices.ts';

import { workplaceRoutes } from './workplaces.ts';

export function myAccountRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  profileRoutes(router, deps, provider);
  workplaceRoutes(router, deps, provider);
  personalDataRoutes(router, deps, provider);
  closingRoutes(router, deps, provider);
  sessionRoutes(router, deps, provider);
  applicationRoutes(router, deps, provider);
  activityRoutes(router, deps, provider);
  contactsRoutes(router, deps, provider);
  const begin = emailCodeRoutes(router, deps, provider);
  emailAdditionRoutes(router, deps, provider, begin);
  emailRoutes(router, deps, provider);
  settingsRoutes(router, deps, provider);
  signInEmailRoutes(router, deps, provider, begin);
  overviewRoutes(router, deps, provider);
  passkeySettingsRoutes(router, deps, provider);
  phoneRoutes(router, deps, provider);
  recoveryCodesRoutes(router, deps, provider);
  totpSettingsRoutes(router, deps, provider);
  trustedDeviceRoutes(router, deps, provider);
}
