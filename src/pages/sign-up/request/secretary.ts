/** The first form of a secretary: a personal account, or one that several secretaries share. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../../deps.ts';
import { type PageContext, type RequestState, renderPage } from '../../../http/context.ts';
import { browserOf, fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import type { Fault } from '../../../lib/fault.ts';
import { SECRETARIAT_MEDICAL } from '../../../nomenclatures/nomenclatures.ts';
import { addresses } from '../../addresses.ts';
import { findDestination } from '../../sign-in/interaction.ts';
import { erasedAlert, eraseLater } from '../first-form.ts';
import { interactionOf } from '../interaction.ts';
import { beginRequest, findBegun } from './begin.ts';
import { civiliteOptions, professionOptions, readIdentity } from './identity.ts';
import type { RequestState as Request } from './steps.ts';

/** The form as it was sent, for who comes back to it. */
const valuesOfBegun = ({ identity }: Request): Record<string, string> => ({
  profession: identity.professionCode,
  civilite: identity.civiliteCode,
  familyName: identity.familyName,
  givenName: identity.givenName,
  shared: identity.sharedTitle === undefined ? '' : 'yes',
  sharedTitle: identity.sharedTitle ?? '',
  responsibleRpps: identity.responsibleRpps ?? '',
});

export function secretaryRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const path = addresses.signUpRequest('secretary');

  async function show(
    ctx: PageContext,
    {
      values = {},
      errors = {},
      alert,
    }: { values?: Record<string, string>; errors?: Record<string, Fault>; alert?: object } = {},
  ): Promise<void> {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const interaction = interactionOf(ctx);
    const action = addresses.signUpRequest('secretary', interaction);
    eraseLater(ctx, action);
    renderPage(deps, ctx, 'sign-up/request/secretary.njk', {
      values: { profession: SECRETARIAT_MEDICAL, ...values },
      errors,
      alert,
      path,
      action,
      connexion: interaction,
      application: (await findDestination(provider, interaction)).application,
      professions: professionOptions('secretary'),
      civilites: civiliteOptions(),
      backUrl: addresses.signUp(interaction),
    });
  }

  router.get(path, async (ctx) => {
    const alert = erasedAlert(ctx);
    if (alert) return show(ctx, { alert });
    const begun = await findBegun(deps, 'secretary', browserOf(deps, ctx), ctx.query.reprise);
    await show(ctx, begun ? { values: valuesOfBegun(begun) } : {});
  });

  router.post(path, parseForm, verifyForm(deps), async (ctx) => {
    const fields = fieldsOf(ctx);
    const identity = readIdentity('secretary', fields);
    if (!identity.ok) return show(ctx, { values: { ...fields }, errors: identity.errors });
    const refused = await beginRequest(deps, ctx, {
      kind: 'secretary',
      identity: identity.value,
      interaction: interactionOf(ctx),
      application: (await findDestination(provider, interactionOf(ctx))).application,
      suggested: [],
    });
    if (refused) return show(ctx, { values: { ...fields }, errors: { form: refused } });
  });
}
