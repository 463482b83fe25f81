/** A code that was sent by e-mail or SMS. */
import type Router from '@koa/router';
import { checkCode, forgetSends } from '../../credentials/code-delivery.ts';
import { CODE_LIFETIME_MINUTES, consumeCode } from '../../credentials/one-time-codes.ts';
import { type Notice, noticeNow, resendNotice } from '../../credentials/resend-notice.ts';
import type { Deps } from '../../deps.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { moveJourney } from '../../journeys/journeys.ts';
import type { Fault } from '../../lib/fault.ts';
import { interactionUrl } from '../../openid/provider.ts';
import { type Proven, type SignInFrame, stepUrl } from './frame.ts';
import { signInPage } from './pages.ts';
import type { Choice } from './steps.ts';
import { trustOffer } from './trusted-device.ts';

export function codeRoutes(router: Router<RequestState>, deps: Deps, frame: SignInFrame): void {
  const page = signInPage(deps);
  const form = [parseForm, verifyForm(deps)] as const;

  /** The step is only reached by a choice that has a contact. */
  const contactOf = ({ contact }: Choice) => contact as NonNullable<Choice['contact']>;

  function show(
    ctx: PageContext,
    proven: Proven & { readonly choice: Choice },
    { errors = {}, alert }: { errors?: Readonly<Record<string, Fault>>; alert?: Notice | undefined },
  ): void {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const { interaction, choices, choice, journey } = proven;
    const { channel, masked } = contactOf(choice);
    const action = stepUrl(interaction, 'code');
    page(ctx, interaction, 'sign-in/code.njk', {
      path: action,
      channel,
      masked,
      errors,
      alert,
      action,
      resendAction: `${interactionUrl(interaction.uid)}/renvoyer`,
      otherChannelUrl: choices.length > 1 ? stepUrl(interaction, 'choice') : undefined,
      backUrl: stepUrl(interaction, journey.state.session ? 'choice' : 'password'),
      minutes: CODE_LIFETIME_MINUTES,
      trust: trustOffer(deps, ctx, proven),
    });
  }

  router.get('/connexion/:uid/code', (ctx) =>
    frame.at(ctx, 'code', (proven) =>
      show(ctx, proven, { alert: noticeNow(deps.clock, proven.journey.state.notice) }),
    ),
  );

  router.get('/connexion/:uid/renvoyer', (ctx) =>
    seeOther(ctx, `${interactionUrl(ctx.params.uid ?? '')}/code`),
  );

  router.post('/connexion/:uid/renvoyer', ...form, (ctx) =>
    frame.at(ctx, 'code', async (proven) => {
      const { interaction, journey, choice } = proven;
      const refused = await frame.choose(ctx, proven, choice);
      if (refused) {
        const notice = resendNotice(deps.clock, refused, contactOf(choice).masked);
        await moveJourney(deps.knex, deps, journey, { ...journey.state, notice });
      }
      seeOther(ctx, stepUrl(interaction, 'code'));
    }),
  );

  router.post('/connexion/:uid/code', ...form, (ctx) =>
    frame.at(ctx, 'code', async (proven) => {
      const { journey, principal, choice } = proven;
      const contact = contactOf(choice);
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'sign-in',
        contact,
        accountId: principal.account.id,
        memberId: principal.member?.id,
        source: clientAddress(ctx),
        input: fieldsOf(ctx).code,
      });
      if (!checked.ok) return show(ctx, proven, { errors: { code: checked.fault } });
      const used = await frame.complete(ctx, proven, (trx) => consumeCode(trx, deps.clock, checked.value));
      if (!used) return show(ctx, proven, { errors: { code: { key: 'fault.code.used' } } });
      await forgetSends(deps, contact, 'sign-in', principal.id);
    }),
  );
}
