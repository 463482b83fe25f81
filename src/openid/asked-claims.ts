/** Single claims asked for beside scopes (OpenID Connect Core §5.5), seen as the scopes that would release them. */
import { type Client, errors } from 'oidc-provider';
import { CLAIMS_BY_SCOPE } from './claims.ts';

/** The scopes that release these claims, in the order of the table; a claim that nothing releases has none. */
export const scopesOfClaims = (claims: readonly string[]): string[] =>
  Object.keys(CLAIMS_BY_SCOPE).filter((scope) =>
    CLAIMS_BY_SCOPE[scope]?.some((claim) => claims.includes(claim)),
  );

/**
 * Refuses claims of scopes that the client is not registered for: the parameter must not be a way round them.
 * @throws {errors.InvalidRequest} that names them.
 */
export function assertClaims(asked: Readonly<Record<string, unknown>>, client: Client): void {
  const registered = client.scope?.split(' ');
  if (!registered) return;
  const claims = [asked.userinfo, asked.id_token].flatMap((part) => Object.keys((part ?? {}) as object));
  const beyond = scopesOfClaims(claims).filter((scope) => scope !== 'openid' && !registered.includes(scope));
  if (beyond.length > 0)
    throw new errors.InvalidRequest(
      `claims of scopes that this client is not registered for: ${beyond.join(' ')}`,
    );
}
