/** What the pages of a sign-in have in common. */
import type { Deps } from '../../deps.ts';
import { type PageContext, renderPage } from '../../http/context.ts';
import type { Fault } from '../../lib/fault.ts';
import { interactionUrl, OWN_CLIENT_ID } from '../../openid/provider.ts';
import { addresses } from '../addresses.ts';
import type { Interaction } from './interaction.ts';

/** Reasons for which the engine asks again who is signed in already. */
const CONFIRMING = new Set(['login_prompt', 'max_age', 'assurance']);

/** Shows a page of this sign-in, with the application that it leads to. */
export const signInPage =
  (deps: Deps) => (ctx: PageContext, interaction: Interaction, template: string, context: object) =>
    renderPage(deps, ctx, template, {
      path: interactionUrl(interaction.uid),
      application: interaction.clientId === OWN_CLIENT_ID ? undefined : interaction.application,
      ...context,
    });

/** The person is signed in, and the application wants to be sure that it is still them. */
export const mustConfirm = (ctx: PageContext, { accountId, prompt, reasons }: Interaction): boolean =>
  accountId !== undefined &&
  prompt === 'login' &&
  reasons.every((reason) => CONFIRMING.has(reason)) &&
  ctx.query.compte !== 'autre';

/** The person signed in well, only not as strongly as the application asks. */
export const mustStepUp = (ctx: PageContext, interaction: Interaction): boolean =>
  mustConfirm(ctx, interaction) && interaction.reasons.join() === 'assurance';

export type PasswordPage = ReturnType<typeof passwordPage>;

/** @param passkeyOffer what a passkey needs to take the password's place. */
export function passwordPage(
  deps: Deps,
  passkeyOffer: (ctx: PageContext, interaction: Interaction) => Promise<object>,
) {
  const page = signInPage(deps);
  return async (
    ctx: PageContext,
    interaction: Interaction,
    {
      email,
      errors = {},
      alert,
    }: {
      email: string;
      errors?: Readonly<Record<string, Fault>>;
      alert?: (Fault & { kind: string; url?: string }) | undefined;
    },
  ): Promise<void> => {
    if (ctx.method === 'POST') ctx.status = 422;
    page(ctx, interaction, 'sign-in/password.njk', {
      // The page is shown at other addresses too.
      action: interactionUrl(interaction.uid),
      values: { email },
      errors,
      alert,
      passkey: await passkeyOffer(ctx, interaction),
      confirms: mustConfirm(ctx, interaction),
      signUpUrl: addresses.signUp(interaction.uid),
      passwordForgottenUrl: addresses.passwordForgotten,
      identifierForgottenUrl: addresses.identifierForgotten,
    });
  };
}
