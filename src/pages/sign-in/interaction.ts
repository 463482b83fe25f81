/** What the engine asks of a person, as our pages need it. */
import type Provider from 'oidc-provider';
import { type Client, errors } from 'oidc-provider';
import { CaduceeError } from '../../errors.ts';
import type { PageContext } from '../../http/context.ts';
import type { AskedAssurance } from '../../openid/assurance.ts';
import { askedOf } from '../../openid/policy.ts';
import { OWN_CLIENT_ID } from '../../openid/provider.ts';

export interface Interaction {
  readonly uid: string;
  readonly prompt: string;
  /** Why the engine asks, in its own words (`no_session`, `login_prompt`, `max_age`, `assurance`…). */
  readonly reasons: readonly string[];
  readonly details: Readonly<Record<string, unknown>>;
  /** Parameters of the authorization request. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly asked: AskedAssurance | undefined;
  readonly clientId: string;
  readonly application: { readonly name: string; readonly icon: string };
  /** Origins that the last form of this interaction may end at. */
  readonly returnOrigins: string[];
  readonly grantId: string | undefined;
  readonly accountId: string | undefined;
  /** Of the browser's session, when somebody is signed in. */
  readonly sessionUid: string | undefined;
}

export type Destination = Interaction['application'];

const asDestination = (client: Client): Destination => ({
  name: client.clientName ?? client.clientId,
  icon: (client.icon as string | undefined) ?? 'layout-grid',
});

/** Whether this sign-in may still be gone on with, and the application it leads to when that is not Caducée itself. */
export async function findDestination(
  provider: Provider,
  uid: string | undefined,
): Promise<{ alive: boolean; application?: Destination }> {
  const interaction = uid ? await provider.Interaction.find(uid) : undefined;
  if (!interaction) return { alive: false };
  const clientId = String(interaction.params.client_id);
  const client = clientId === OWN_CLIENT_ID ? undefined : await provider.Client.find(clientId);
  return client ? { alive: true, application: asDestination(client) } : { alive: true };
}

/** @throws {CaduceeError} interactionExpired, for one that ended, expired, or belongs to another browser or address. */
export async function loadInteraction(provider: Provider, ctx: PageContext): Promise<Interaction> {
  let details: Awaited<ReturnType<Provider['interactionDetails']>>;
  try {
    details = await provider.interactionDetails(ctx.req, ctx.res);
  } catch (error) {
    if (error instanceof errors.SessionNotFound)
      throw new CaduceeError('interactionExpired', { cause: error });
    throw error;
  }
  const { uid, prompt, params, session, grantId } = details;
  const clientId = params.client_id as string;
  const client = await provider.Client.find(clientId);
  if (uid !== ctx.params.uid || !client) throw new CaduceeError('interactionExpired');
  const redirectUri = params.redirect_uri as string;
  return {
    uid,
    prompt: prompt.name,
    reasons: prompt.reasons,
    details: prompt.details,
    params,
    asked: askedOf(client, params),
    clientId,
    application: asDestination(client),
    returnOrigins: /^https?:/.test(redirectUri)
      ? [new URL(redirectUri).origin]
      : [new URL(redirectUri).protocol],
    grantId,
    accountId: session?.accountId,
    sessionUid: session?.uid,
  };
}
