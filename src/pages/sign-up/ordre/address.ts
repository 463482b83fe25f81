/** The address that the person chose: proved by the code or the link that it receives, which opens the account. */
import type Router from '@koa/router';
import { addressLink, checkCode, forgetSends } from '../../../credentials/code-delivery.ts';
import { consumeCode } from '../../../credentials/one-time-codes.ts';
import { isLinkConsumed } from '../../../credentials/one-time-links.ts';
import type { Deps } from '../../../deps.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../../../http/context.ts';
import type { Journey } from '../../../journeys/journeys.ts';
import type { Fault } from '../../../lib/fault.ts';
import { addresses } from '../../addresses.ts';
import { sendToChosenAddress } from '../chosen-address.ts';
import { finish } from './finish.ts';
import type { OrdrePages } from './pages.ts';
import type { OrdreState } from './steps.ts';

/** @param again the current code went to this same address. */
export const proveAddress = (
  deps: Deps,
  ctx: PageContext,
  journey: Journey<OrdreState>,
  state: OrdreState,
  again = false,
): Promise<Fault | undefined> =>
  sendToChosenAddress(deps, ctx, journey, {
    state,
    url: addresses.ordreJourney(ctx.params.journey ?? ''),
    askedBy: `${state.entry.givenName} ${state.entry.familyName}`,
    again,
  });

export function addressRoutes(router: Router<RequestState>, deps: Deps, pages: OrdrePages): void {
  const { clock } = deps;
  const { at, base, form, show } = pages;

  router.post('/inscription/ordre/:journey/adresse', ...form, (ctx) =>
    at(ctx, 'address-code', async (journey, fields) => {
      const { chosen } = journey.state;
      if (!chosen) return seeOther(ctx, base(ctx));
      const contact = { channel: 'email', to: chosen.address } as const;
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'address',
        contact,
        source: clientAddress(ctx),
        input: fields.code,
      });
      if (!checked.ok) return show(ctx, journey.state, { errors: { code: checked.fault } });
      await finish(deps, ctx, pages, journey, chosen, (trx) => consumeCode(trx, clock, checked.value));
      await forgetSends(deps, contact, 'address');
    }),
  );

  router.post('/inscription/ordre/:journey/activer', ...form, (ctx) =>
    at(ctx, 'address-proved', async (journey) => {
      const { chosen } = journey.state;
      if (!chosen) return seeOther(ctx, base(ctx));
      const link = addressLink(deps, journey.hash, chosen.canonical);
      await finish(deps, ctx, pages, journey, chosen, (trx) => isLinkConsumed(trx, link));
      await forgetSends(deps, { channel: 'email', to: chosen.address }, 'address');
    }),
  );
}
