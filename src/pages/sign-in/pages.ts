/** The pages of a sign-in, filled from where it stands. */
import { CODE_LIFETIME_MINUTES } from '../../credentials/one-time-codes.ts';
import type { Notice } from '../../credentials/resend-notice.ts';
import type { Deps } from '../../deps.ts';
import { type PageContext, renderPage } from '../../http/context.ts';
import type { Fault } from '../../lib/fault.ts';
import { interactionUrl, OWN_CLIENT_ID } from '../../openid/provider.ts';
import { addresses } from '../addresses.ts';
import type { Interaction } from './interaction.ts';
import type { ChoosableContact } from './steps.ts';

type Faults = Record<string, Fault>;

/** Reasons for which the engine asks again who is signed in already. */
const CONFIRMING = new Set(['login_prompt', 'max_age', 'assurance']);

export function signInPages(deps: Deps) {
  const page = (ctx: PageContext, interaction: Interaction, template: string, context: object) =>
    renderPage(deps, ctx, template, {
      path: interactionUrl(interaction.uid),
      application: interaction.clientId === OWN_CLIENT_ID ? undefined : interaction.application,
      ...context,
    });

  /** The person is signed in, and the application wants to be sure that it is still them. */
  const mustConfirm = (ctx: PageContext, { accountId, prompt, reasons }: Interaction): boolean =>
    accountId !== undefined &&
    prompt === 'login' &&
    reasons.every((reason) => CONFIRMING.has(reason)) &&
    ctx.query.compte !== 'autre';

  function showPassword(
    ctx: PageContext,
    interaction: Interaction,
    {
      email,
      errors = {},
      alert,
    }: {
      email: string;
      errors?: Faults;
      alert?: Fault & { kind: string; url?: string };
    },
  ) {
    if (ctx.method === 'POST') ctx.status = 422;
    page(ctx, interaction, 'sign-in/password.njk', {
      values: { email },
      errors,
      alert,
      confirms: mustConfirm(ctx, interaction),
      signUpUrl: addresses.signUp(interaction.uid),
      passwordForgottenUrl: addresses.passwordForgotten,
      identifierForgottenUrl: addresses.identifierForgotten,
    });
  }

  function showCode(
    ctx: PageContext,
    interaction: Interaction,
    {
      contacts,
      contact,
      errors = {},
      alert,
    }: {
      contacts: readonly ChoosableContact[];
      contact: ChoosableContact;
      errors?: Faults;
      alert?: Notice | undefined;
    },
  ) {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const base = interactionUrl(interaction.uid);
    page(ctx, interaction, 'sign-in/code.njk', {
      path: `${base}/code`,
      channel: contact.channel,
      masked: contact.masked,
      errors,
      alert,
      action: `${base}/code`,
      resendAction: `${base}/renvoyer`,
      otherChannelUrl: contacts.length > 1 ? `${base}/canal` : undefined,
      backUrl: base,
      minutes: CODE_LIFETIME_MINUTES,
    });
  }

  function showChannels(
    ctx: PageContext,
    interaction: Interaction,
    { contacts, contact }: { contacts: readonly ChoosableContact[]; contact: ChoosableContact | undefined },
    errors: Faults = {},
  ) {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const base = interactionUrl(interaction.uid);
    // Who comes here did not get the last code.
    const proposed = contacts.find(({ id }) => id !== contact?.id) ?? contact;
    page(ctx, interaction, 'sign-in/channel.njk', {
      path: `${base}/canal`,
      action: `${base}/canal`,
      channels: contacts.map(({ id, channel, masked }) => ({
        id,
        channel,
        masked,
        checked: id === proposed?.id,
      })),
      errors,
      backUrl: contact ? `${base}/code` : base,
    });
  }

  return { mustConfirm, showPassword, showCode, showChannels };
}
