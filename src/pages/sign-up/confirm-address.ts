/**
 * The page of a link that proves an address, for whoever would rather press than copy a code. The proof counts for the
 * sign-up that asked for it, whichever browser pressed; nothing of that sign-up comes to this browser.
 */
import type Router from '@koa/router';
import { record } from '../../audit/journal.ts';
import { consumeLink, type LinkVerdict, peekLink } from '../../credentials/one-time-links.ts';
import type { Deps } from '../../deps.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { browserOf, parseForm, verifyForm } from '../../http/forms.ts';
import { findJourney, type JourneyKind } from '../../journeys/journeys.ts';
import { addresses } from '../addresses.ts';

/** What the link of an address carries, sealed. */
export interface ConfirmContext {
  readonly journey: { readonly kind: JourneyKind; readonly id: string; readonly url: string };
  readonly address: string;
}

export function confirmRoutes(router: Router<RequestState>, deps: Deps): void {
  const { knex, clock } = deps;
  const tokenOf = (ctx: PageContext) => ctx.params.token ?? '';
  const peek = (ctx: PageContext) => peekLink(knex, deps, { purpose: 'address', token: tokenOf(ctx) });

  function showEnded(ctx: PageContext, verdict: LinkVerdict['verdict']): void {
    ctx.status = 410;
    renderPage(deps, ctx, 'sign-up/link-ended.njk', { endedKind: verdict, homeUrl: addresses.home });
  }

  router.get('/confirmer-mon-adresse/:token', async (ctx) => {
    const link = await peek(ctx);
    if (link.verdict !== 'open') return showEnded(ctx, link.verdict);
    const { address } = link.context as ConfirmContext;
    renderPage(deps, ctx, 'sign-up/confirm-address.njk', {
      action: addresses.confirmAddress(tokenOf(ctx)),
      email: address,
    });
  });

  router.post('/confirmer-mon-adresse/:token', parseForm, verifyForm(deps), async (ctx) => {
    const link = await peek(ctx);
    if (link.verdict !== 'open') return showEnded(ctx, link.verdict);
    const { journey, address } = link.context as ConfirmContext;
    const pressed = await knex.transaction(async (trx) => {
      if (!(await consumeLink(trx, clock, link.id))) return false;
      await record(trx, clock, {
        event: 'sign-up.contact-proved',
        outcome: 'success',
        source: clientAddress(ctx),
        details: { channel: 'email', by: 'link' },
      });
      return true;
    });
    if (!pressed) return showEnded(ctx, (await peek(ctx)).verdict);
    const own = await findJourney(knex, deps, { ...journey, browser: browserOf(deps, ctx) });
    if (own) return seeOther(ctx, journey.url);
    renderPage(deps, ctx, 'sign-up/address-confirmed.njk', { email: address });
  });
}
