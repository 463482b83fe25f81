/** The address that signs in: proved by the code or the link that it receives. */
import type Router from '@koa/router';
import { parseEmailAddress } from '../../../accounts/contacts.ts';
import { checkCode, forgetSends } from '../../../credentials/code-delivery.ts';
import { consumeCode } from '../../../credentials/one-time-codes.ts';
import { resendNotice } from '../../../credentials/resend-notice.ts';
import type { Deps } from '../../../deps.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../../../http/context.ts';
import { type Journey, moveJourney } from '../../../journeys/journeys.ts';
import { sendToChosenAddress } from '../chosen-address.ts';
import type { RequestPages } from './pages.ts';
import type { RequestState as Request } from './steps.ts';

export function addressRoutes(
  router: Router<RequestState>,
  deps: Deps,
  { at, base, form, move, path, show }: RequestPages,
): void {
  const { knex, clock } = deps;

  const proveAddress = (ctx: PageContext, journey: Journey<Request>, state: Request, again = false) =>
    sendToChosenAddress(deps, ctx, journey, {
      state,
      url: base(ctx),
      askedBy: state.identity.sharedTitle ?? `${state.identity.givenName} ${state.identity.familyName}`,
      again,
    });

  router.post(`${path}/adresse`, ...form, (ctx) =>
    at(ctx, 'address', async (journey, { email = '' }) => {
      const address = parseEmailAddress(email);
      const fault = address.ok
        ? await proveAddress(ctx, journey, { ...journey.state, chosen: address.value })
        : address.fault;
      if (fault) return show(ctx, journey.state, { values: { email }, errors: { email: fault } });
      seeOther(ctx, base(ctx));
    }),
  );

  router.post(`${path}/renvoyer`, ...form, (ctx) =>
    at(ctx, 'address-code', async (journey) => {
      const { state } = journey;
      const shown = state.chosen?.address ?? '';
      const sent = { ...state, notice: resendNotice(clock, undefined, shown) };
      const refused = await proveAddress(ctx, journey, sent, true);
      if (refused) await move(journey, { ...state, notice: resendNotice(clock, refused, shown) });
      seeOther(ctx, base(ctx));
    }),
  );

  router.post(`${path}/code`, ...form, (ctx) =>
    at(ctx, 'address-code', async (journey, { code }) => {
      const { state } = journey;
      if (!state.chosen) return seeOther(ctx, base(ctx));
      const contact = { channel: 'email' as const, to: state.chosen.address };
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'address',
        contact,
        source: clientAddress(ctx),
        rpps: state.identity.rpps,
        input: code,
      });
      if (!checked.ok) return show(ctx, state, { errors: { code: checked.fault } });
      await knex.transaction(async (trx) => {
        if (!(await consumeCode(trx, clock, checked.value))) return;
        const { notice: _, ...proved } = state;
        await moveJourney<Request>(trx, deps, journey, { ...proved, addressProved: true });
      });
      await forgetSends(deps, contact, 'address');
      seeOther(ctx, base(ctx));
    }),
  );
}
