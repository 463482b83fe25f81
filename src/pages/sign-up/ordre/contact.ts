/** A contact that the Order holds: chosen among those, then proved by the code that it receives. */
import type Router from '@koa/router';
import { record } from '../../../audit/journal.ts';
import { checkCode, deliverCode, forgetSends } from '../../../credentials/code-delivery.ts';
import { consumeCode } from '../../../credentials/one-time-codes.ts';
import type { Deps } from '../../../deps.ts';
import { clientAddress, type PageContext, type RequestState, seeOther } from '../../../http/context.ts';
import { type Journey, moveJourney } from '../../../journeys/journeys.ts';
import type { Fault } from '../../../lib/fault.ts';
import { langOf } from '../journey.ts';
import { contactOf, type OrdrePages } from './pages.ts';
import { contactsOf, type OrdinalContact, type OrdreState } from './steps.ts';

/** @param again the current code went to this same contact. */
export function sendToOrdinalContact(
  deps: Deps,
  ctx: PageContext,
  journey: Journey<OrdreState>,
  { channel, to }: OrdinalContact,
  again = false,
): Promise<Fault | undefined> {
  const contact = { channel, to };
  return deliverCode(
    deps,
    {
      journeyHash: journey.hash,
      purpose: 'sign-up',
      contact,
      lang: langOf(ctx),
      source: clientAddress(ctx),
      again,
    },
    async (trx) => {
      await moveJourney(trx, deps, journey, { ...journey.state, contact });
    },
  );
}

export function contactRoutes(
  router: Router<RequestState>,
  deps: Deps,
  { at, base, form, show }: OrdrePages,
): void {
  const { knex, clock } = deps;

  router.post('/inscription/ordre/:journey/contact', ...form, (ctx) =>
    at(ctx, 'contact', async (journey, fields) => {
      const chosen = contactsOf(journey.state.entry).find(({ id }) => id === fields.contact);
      if (!chosen)
        return show(ctx, journey.state, { errors: { contact: { key: 'fault.required.contact' } } });
      const refused = await sendToOrdinalContact(deps, ctx, journey, chosen);
      if (refused) return show(ctx, journey.state, { errors: { contact: refused } });
      seeOther(ctx, base(ctx));
    }),
  );

  router.post('/inscription/ordre/:journey/code', ...form, (ctx) =>
    at(ctx, 'code', async (journey, fields) => {
      const source = clientAddress(ctx);
      const checked = await checkCode(deps, {
        journeyHash: journey.hash,
        purpose: 'sign-up',
        contact: contactOf(journey.state),
        source,
        rpps: journey.state.entry.rpps,
        input: fields.code,
      });
      if (!checked.ok) return show(ctx, journey.state, { errors: { code: checked.fault } });
      const { contact } = journey.state;
      await knex.transaction(async (trx) => {
        if (!(await consumeCode(trx, clock, checked.value))) return;
        const { notice: _, ...state } = journey.state;
        await moveJourney(trx, deps, journey, { ...state, contactProved: true });
        await record(trx, clock, {
          event: 'sign-up.contact-proved',
          outcome: 'success',
          source,
          details: { rpps: journey.state.entry.rpps, channel: contact?.channel },
        });
      });
      if (contact) await forgetSends(deps, contact, 'sign-up');
      seeOther(ctx, base(ctx));
    }),
  );
}
