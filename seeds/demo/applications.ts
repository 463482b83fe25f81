/** The two relying parties of the demo, as an integrator would register them. */
import type { Application } from '../../src/applications/applications.ts';

export interface DemoApplication {
  readonly clientId: string;
  readonly name: string;
  readonly description: string;
  readonly icon: string;
  /** Known to everybody, and so refused anywhere else than in the demo. */
  readonly secret: string;
  /** Port after the issuer's. */
  readonly portOffset: number;
}

export const DEMO_SCOPE = 'openid profile email phone rpps offline_access';

export const DEMO_APPLICATIONS: readonly DemoApplication[] = [
  {
    clientId: 'messagerie',
    name: 'Messagerie',
    description: 'Messages sécurisés de santé',
    icon: 'mail',
    secret: 'demo-secret-messagerie-kept-by-nobody-0001',
    portOffset: 1,
  },
  {
    clientId: 'laboratoire',
    name: 'Laboratoire',
    description: 'Résultats de biologie',
    icon: 'flask-conical',
    secret: 'demo-secret-laboratoire-kept-by-nobody-0002',
    portOffset: 2,
  },
];

/** @param url where the application runs, without trailing slash. */
export const asApplication = (demo: DemoApplication, url: string): Application => ({
  clientId: demo.clientId,
  name: demo.name,
  description: demo.description,
  icon: demo.icon,
  firstParty: true,
  onPortal: true,
  startUrl: `${url}/`,
  initiateLoginUri: `${url}/login`,
  metadata: {
    redirect_uris: [`${url}/callback`],
    post_logout_redirect_uris: [`${url}/`],
    backchannel_logout_uri: `${url}/backchannel-logout`,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256',
    scope: DEMO_SCOPE,
  },
});
