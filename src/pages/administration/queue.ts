/** The requests that wait, each with its age against the promise. */
import type Router from '@koa/router';
import type { RouterMiddleware } from '@koa/router';
import { countWaiting, listWaiting } from '../../approvals/approvals.ts';
import { PROMISE_HOURS, promiseOf } from '../../approvals/working-hours.ts';
import type { Deps } from '../../deps.ts';
import { type RequestState, renderPage } from '../../http/context.ts';
import { addresses } from '../addresses.ts';
import { signedInContext } from '../signed-in.ts';
import type { AdministrationState } from './guard.ts';
import { professionLabel } from './labels.ts';

const PAGE_SIZE = 50;
const MAX_PAGE = 10_000;
const NEWEST = 'recentes';

const pageOf = (text: unknown): number => {
  const page = typeof text === 'string' && /^\d{1,5}$/.test(text) ? Number(text) : 1;
  return Math.min(Math.max(page, 1), MAX_PAGE);
};

const queueUrl = (order: string, page = 1): string => {
  const query = new URLSearchParams();
  if (order === 'newest') query.set('ordre', NEWEST);
  if (page > 1) query.set('page', String(page));
  return query.size > 0 ? `${addresses.approvals}?${query}` : addresses.approvals;
};

export function queueRoutes(
  router: Router<RequestState>,
  deps: Deps,
  guard: RouterMiddleware<RequestState>,
): void {
  const { knex, clock } = deps;

  router.get(addresses.approvals, guard, async (ctx) => {
    const order = ctx.query.ordre === NEWEST ? 'newest' : 'oldest';
    const count = await countWaiting(knex);
    const page = Math.min(pageOf(ctx.query.page), Math.max(1, Math.ceil(count / PAGE_SIZE)));
    const waiting = await listWaiting(knex, { order, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE });
    const now = clock.now();
    renderPage(deps, ctx, 'administration/queue.njk', {
      ...signedInContext((ctx.state as AdministrationState).administrator),
      atAdministration: true,
      accountsUrl: addresses.accounts,
      count,
      limitHours: PROMISE_HOURS,
      orders: (['oldest', 'newest'] as const).map((one) => ({
        kind: one,
        url: queueUrl(one),
        current: one === order,
      })),
      requests: waiting.map((one) => ({
        kind: one.kind,
        accountKind: one.accountKind,
        proof: one.identityProof,
        displayName: one.displayName,
        profession: professionLabel(one.professionCode),
        url: addresses.approval(one.id),
        promised: promiseOf(one.createdAt, now),
      })),
      previousUrl: page > 1 ? queueUrl(order, page - 1) : undefined,
      nextUrl: page * PAGE_SIZE < count ? queueUrl(order, page + 1) : undefined,
    });
  });
}
