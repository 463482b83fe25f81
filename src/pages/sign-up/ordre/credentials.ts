/** The password, with the address that signs in: the Order's own when it was proved, otherwise one that the person chooses. */
import type Router from '@koa/router';
import { parseEmailAddress } from '../../../accounts/contacts.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import { type PageContext, type RequestState, seeOther } from '../../../http/context.ts';
import { type Fields, fieldsOf } from '../../../http/forms.ts';
import type { Journey } from '../../../journeys/journeys.ts';
import { hashNewPassword, newPasswordFaults } from '../../new-password.ts';
import type { Faults } from '../journey.ts';
import { proveAddress } from './address.ts';
import { finish } from './finish.ts';
import type { OrdrePages } from './pages.ts';
import { nextStep, type OrdreState, personalWords } from './steps.ts';

export function credentialsRoutes(router: Router<RequestState>, deps: Deps, pages: OrdrePages): void {
  const { base, form, show, withJourney } = pages;

  router.post('/inscription/ordre/:journey/identifiants', ...form, (ctx) =>
    withJourney(ctx, async (journey) => {
      const { state } = journey;
      const step = nextStep(state);
      if (state.step === 'under-way' && step === 'credentials-by-email')
        return createWithOrdinalEmail(ctx, { ...journey, state }, fieldsOf(ctx));
      if (state.step === 'under-way' && step === 'credentials-by-sms')
        return chooseAddress(ctx, { ...journey, state }, fieldsOf(ctx));
      seeOther(ctx, base(ctx));
    }),
  );

  async function createWithOrdinalEmail(
    ctx: PageContext,
    journey: Journey<OrdreState>,
    fields: Fields,
  ): Promise<void> {
    const { state } = journey;
    const to = state.contact?.to ?? '';
    const errors = newPasswordFaults(fields, personalWords(state, to));
    const address = parseEmailAddress(to);
    if (!address.ok) throw new CaduceeError('internal', { detail: 'the register holds an unusable address' });
    if (Object.keys(errors).length > 0) return show(ctx, state, { errors });
    const hashed = await hashNewPassword(deps, journey.hash, fields.password as string);
    if (!hashed.ok) return show(ctx, state, { errors: { password: hashed.fault } });
    await finish(deps, ctx, pages, journey, { ...address.value, passwordHash: hashed.hash });
  }

  async function chooseAddress(
    ctx: PageContext,
    journey: Journey<OrdreState>,
    fields: Fields,
  ): Promise<void> {
    const { state } = journey;
    const { email = '', emailConfirmation = '' } = fields;
    const errors: Faults = {};
    const address = parseEmailAddress(email);
    const again = parseEmailAddress(emailConfirmation);
    if (email.trim() === '') errors.email = { key: 'fault.required.email' };
    else if (!address.ok) errors.email = address.fault;
    if (emailConfirmation.trim() === '')
      errors.emailConfirmation = { key: 'fault.required.emailConfirmation' };
    else if (address.ok && (!again.ok || again.value.canonical !== address.value.canonical)) {
      errors.emailConfirmation = { key: 'fault.email.mismatch' };
    }
    Object.assign(errors, newPasswordFaults(fields, personalWords(state, email)));
    const comeBack = (faults: Faults) =>
      show(ctx, state, { values: { email, emailConfirmation }, errors: faults });
    if (!address.ok || Object.keys(errors).length > 0) return comeBack(errors);
    const hashed = await hashNewPassword(deps, journey.hash, fields.password as string);
    if (!hashed.ok) return comeBack({ password: hashed.fault });
    const chosen = { ...address.value, passwordHash: hashed.hash };
    const refused = await proveAddress(deps, ctx, journey, { ...state, chosen });
    if (refused) return comeBack({ email: refused });
    seeOther(ctx, base(ctx));
  }
}
