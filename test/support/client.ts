/** A relying party made with openid-client, without a server of its own: tests carry the redirect back by hand. */
import * as oidc from 'openid-client';
import { DEMO_APPLICATIONS, DEMO_SCOPE } from '../../seeds/demo/applications.ts';

export interface Authorization {
  readonly url: string;
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
}

export interface TestClient {
  readonly configuration: oidc.Configuration;
  readonly redirectUri: string;
  authorize(parameters?: Readonly<Record<string, string>>): Promise<Authorization>;
  /** Redeems the code that came back in `location`. */
  exchange(authorization: Authorization, location: string): ReturnType<typeof oidc.authorizationCodeGrant>;
}

export async function createTestClient(
  issuer: string,
  clientId: string,
  { secret, redirectUri }: { secret?: string; redirectUri?: string } = {},
): Promise<TestClient> {
  const demo = DEMO_APPLICATIONS.find((one) => one.clientId === clientId);
  const uri = redirectUri ?? `http://localhost:${4_000 + (demo?.portOffset ?? 0)}/callback`;
  const clientSecret = secret ?? demo?.secret;
  const configuration = await oidc.discovery(
    new URL(issuer),
    clientId,
    undefined,
    clientSecret ? oidc.ClientSecretBasic(clientSecret) : oidc.None(),
    { execute: [oidc.allowInsecureRequests] },
  );
  return {
    configuration,
    redirectUri: uri,
    async authorize(parameters = {}) {
      const verifier = oidc.randomPKCECodeVerifier();
      const state = oidc.randomState();
      const nonce = oidc.randomNonce();
      const url = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: uri,
        scope: DEMO_SCOPE,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        prompt: '',
        ...parameters,
      });
      if (!parameters.prompt) url.searchParams.delete('prompt');
      return { url: url.href, verifier, state, nonce };
    },
    exchange: ({ verifier, state, nonce }, location) =>
      oidc.authorizationCodeGrant(configuration, new URL(location), {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
      }),
  };
}
