/** What the person meets between the sign-in and an application: that they may not enter, or the question of the address. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { listEmailAddresses } from '../../accounts/email-addresses.ts';
import { asAccessRules } from '../../applications/access.ts';
import { findEmailLink } from '../../applications/email-links.ts';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { findSignedIn, type SignedIn } from '../../http/session.ts';
import type { Fault } from '../../lib/fault.ts';
import { ACCESS_PROMPT, EMAIL_PROMPT } from '../../openid/application-prompts.ts';
import { interactionUrl } from '../../openid/provider.ts';
import { accessWords } from '../access-words.ts';
import { answerEmailQuestion, emailQuestion } from '../application-email.ts';
import type { Interaction } from './interaction.ts';
import { signInPage } from './pages.ts';

export function applicationSteps(
  router: Router<RequestState>,
  deps: Deps,
  provider: Provider,
  enter: (ctx: PageContext) => Promise<Interaction>,
): { show: (ctx: PageContext, interaction: Interaction) => Promise<boolean> } {
  const { knex, clock } = deps;
  const page = signInPage(deps);
  const emailUrl = ({ uid }: Interaction) => `${interactionUrl(uid)}/adresse`;
  const leaveUrl = ({ uid }: Interaction) => `${interactionUrl(uid)}/acces-refuse`;

  /** @throws {CaduceeError} interactionExpired when who was signed in is not any more. */
  async function getSignedIn(ctx: PageContext, { accountId }: Interaction): Promise<SignedIn> {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn || signedIn.account.id !== accountId) throw new CaduceeError('interactionExpired');
    return signedIn;
  }

  /** The engine looks at the request afresh, with what was proved until here. */
  const goOn = async (ctx: PageContext): Promise<void> =>
    seeOther(ctx, await provider.interactionResult(ctx.req, ctx.res, { [EMAIL_PROMPT]: {} }));

  async function showEmail(
    ctx: PageContext,
    interaction: Interaction,
    errors: Readonly<Record<string, Fault>> = {},
  ): Promise<void> {
    const { account } = await getSignedIn(ctx, interaction);
    // Answered meanwhile, in another tab or at the portal.
    if (await findEmailLink(knex, account.id, interaction.clientId)) return goOn(ctx);
    if (ctx.method === 'POST') ctx.status = 422;
    page(ctx, interaction, 'sign-in/application-email.njk', {
      action: emailUrl(interaction),
      ...emailQuestion(await listEmailAddresses(knex, account.id), errors),
    });
  }

  async function showNoAccess(ctx: PageContext, interaction: Interaction): Promise<void> {
    const { account } = await getSignedIn(ctx, interaction);
    const row = await knex('applications')
      .where({ client_id: interaction.clientId })
      .first('allowed_professions', 'allowed_kinds');
    page(ctx, interaction, 'sign-in/no-access.njk', {
      displayName: account.displayName,
      reserved: row && accessWords(asAccessRules(row)),
      action: leaveUrl(interaction),
      otherAccountUrl: `${interactionUrl(interaction.uid)}?compte=autre`,
    });
  }

  router.post('/connexion/:uid/adresse', parseForm, verifyForm(deps), async (ctx) => {
    const interaction = await enter(ctx);
    if (interaction.prompt !== EMAIL_PROMPT) return seeOther(ctx, interactionUrl(interaction.uid));
    const { account, id: actor } = await getSignedIn(ctx, interaction);
    const change = {
      accountId: account.id,
      clientId: interaction.clientId,
      actor,
      source: clientAddress(ctx),
    };
    const { errors } = await answerEmailQuestion(deps, change, fieldsOf(ctx));
    await (errors ? showEmail(ctx, interaction, errors) : goOn(ctx));
  });

  router.post('/connexion/:uid/acces-refuse', parseForm, verifyForm(deps), async (ctx) => {
    const interaction = await enter(ctx);
    if (interaction.prompt !== ACCESS_PROMPT) return seeOther(ctx, interactionUrl(interaction.uid));
    const { account, id: actor } = await getSignedIn(ctx, interaction);
    await record(knex, clock, {
      event: 'application.refused',
      outcome: 'failure',
      actor,
      subject: account.id,
      source: clientAddress(ctx),
      details: { application: interaction.clientId },
    });
    const refusal = { error: 'access_denied', error_description: 'this account may not enter' };
    seeOther(ctx, await provider.interactionResult(ctx.req, ctx.res, refusal));
  });

  return {
    /** @returns whether the interaction was one of these. */
    async show(ctx, interaction) {
      const another = ctx.query.compte === 'autre';
      if (interaction.prompt === EMAIL_PROMPT) await showEmail(ctx, interaction);
      else if (interaction.prompt === ACCESS_PROMPT && !another) await showNoAccess(ctx, interaction);
      else return false;
      return true;
    },
  };
}
