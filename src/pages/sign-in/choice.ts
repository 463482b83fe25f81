/** « Une autre façon » : which second factor to use. */
import type Router from '@koa/router';
import type { Deps } from '../../deps.ts';
import { type PageContext, type RequestState, seeOther } from '../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import type { Fault } from '../../lib/fault.ts';
import { type Proven, type SignInFrame, stepUrl } from './frame.ts';
import { signInPage } from './pages.ts';
import { nextStep, withChoice } from './steps.ts';

export function choiceRoutes(router: Router<RequestState>, deps: Deps, frame: SignInFrame): void {
  const page = signInPage(deps);

  function show(ctx: PageContext, proven: Proven, errors: Readonly<Record<string, Fault>> = {}): void {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const { interaction, choices, choice, journey } = proven;
    // Who comes here could not use the last one.
    const proposed = choices.find(({ id }) => id !== choice?.id) ?? choice;
    const action = stepUrl(interaction, 'choice');
    page(ctx, interaction, 'sign-in/channel.njk', {
      path: action,
      action,
      steppingUp: journey.state.session !== undefined,
      channels: choices.map(({ id, kind, contact }) => ({
        id,
        channel: kind,
        masked: contact?.masked,
        checked: id === proposed?.id,
      })),
      errors,
      backUrl: choice
        ? stepUrl(interaction, nextStep(journey.state, choices))
        : journey.state.session
          ? undefined
          : stepUrl(interaction, 'password'),
    });
  }

  router.get('/connexion/:uid/canal', async (ctx) => {
    const interaction = await frame.enter(ctx);
    const proven = await frame.provenIn(ctx, interaction);
    if (!proven) return seeOther(ctx, stepUrl(interaction, 'password'));
    show(ctx, proven);
  });

  router.post('/connexion/:uid/canal', parseForm, verifyForm(deps), async (ctx) => {
    const interaction = await frame.enter(ctx);
    const proven = await frame.provenIn(ctx, interaction);
    if (!proven) return seeOther(ctx, stepUrl(interaction, 'password'));
    const chosen = proven.choices.find(({ id }) => id === fieldsOf(ctx).channel);
    if (!chosen) return show(ctx, proven, { channel: { key: 'fault.required.factor' } });
    const refused = await frame.choose(ctx, proven, chosen);
    if (refused) return show(ctx, proven, { channel: refused });
    const { journey, choices } = proven;
    seeOther(ctx, stepUrl(interaction, nextStep(withChoice(journey.state, chosen), choices)));
  });
}
