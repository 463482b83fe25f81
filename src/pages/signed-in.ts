/** What every page shows of the person who is signed in. */
import { type SignedIn, signedInName } from '../http/session.ts';
import { ENGINE_ROUTES, OWN_CLIENT_ID } from '../openid/provider.ts';
import { addresses } from './addresses.ts';
import { MENU } from './my-account/menu.ts';

/** Context of the top of the page, for the layout. */
export const signedInContext = (signedIn: SignedIn) => ({
  signedIn: {
    displayName: signedInName(signedIn),
    administrationUrl: signedIn.account.isAdministrator ? addresses.administration : undefined,
  },
  myAccountUrl: addresses.myAccount,
  myAccountMenu: MENU,
  signOutUrl: `${ENGINE_ROUTES.end_session}?client_id=${OWN_CLIENT_ID}`,
});
