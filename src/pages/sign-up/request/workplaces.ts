/** Where the person works, and the laboratory centre that each place usually works with. */
import type Router from '@koa/router';
import type { Deps } from '../../../deps.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { valuesOf } from '../../../http/forms.ts';
import type { Fault } from '../../../lib/fault.ts';
import { throttledFault, throttleRules } from '../../../throttle/throttle.ts';
import { listCentres } from '../../../workplaces/centres.ts';
import { findWorkplaces, searchWorkplaces } from '../../../workplaces/workplaces.ts';
import type { Faults } from '../journey.ts';
import type { RequestPages } from './pages.ts';
import type { ChosenWorkplace } from './steps.ts';

const MAX_WORKPLACES = 12;
const MIN_SEARCH_LETTERS = 3;

async function searchPlaces({ knex, throttle }: Deps, ctx: PageContext, query: string) {
  if (query.replace(/\s/g, '').length < MIN_SEARCH_LETTERS)
    return { fault: { key: 'fault.search.tooShort', vars: { min: MIN_SEARCH_LETTERS } } };
  const verdict = await throttle.consume(throttleRules.directorySearchPerSource, clientAddress(ctx));
  if (!verdict.allowed) return { fault: throttledFault(verdict.retryAfterSeconds) };
  return { lines: await searchWorkplaces(knex, query) };
}

export function workplacesRoutes(
  router: Router<RequestState>,
  deps: Deps,
  { at, base, form, move, path, show }: RequestPages,
): void {
  const { knex } = deps;

  // Results as one types: the list alone, for the page's script.
  router.post(`${path}/lieux/recherche`, ...form, (ctx) =>
    at(ctx, 'workplaces', async (_journey, { query = '' }) => {
      const results = await searchPlaces(deps, ctx, query);
      renderPage(deps, ctx, 'sign-up/request/_places.njk', { results });
    }),
  );

  router.post(`${path}/lieux`, ...form, (ctx) =>
    at(ctx, 'workplaces', async (journey, { action, query = '', none }) => {
      const ids = [...new Set(valuesOf(ctx, 'workplace'))].slice(0, MAX_WORKPLACES + 1);
      const chosen = await findWorkplaces(knex, ids);
      const values = { chosen, query, noFixedPlace: none };
      if (action === 'search') {
        const results = await searchPlaces(deps, ctx, query);
        return show(ctx, journey.state, { values: { ...values, results } });
      }
      const refuse = (key: string, vars?: Fault['vars']) =>
        show(ctx, journey.state, { values, errors: { query: vars ? { key, vars } : { key } } });
      if (chosen.length < ids.length) return refuse('fault.workplace.gone');
      if (chosen.length > MAX_WORKPLACES) return refuse('fault.workplace.tooMany', { max: MAX_WORKPLACES });
      if (chosen.length > 0 && none) {
        const errors = { none: { key: 'fault.workplace.noneBeside' } };
        return show(ctx, journey.state, { values, errors });
      }
      if (chosen.length === 0 && !none) return refuse('fault.required.workplace');
      const workplaces = chosen.map(({ id }) => ({ workplaceId: id }));
      const asked = workplaces.length > 0 && (await listCentres(knex)).length > 0;
      await move(journey, { ...journey.state, workplaces, ...(!asked && { centresChosen: true }) });
      seeOther(ctx, base(ctx));
    }),
  );

  router.post(`${path}/laboratoires`, ...form, (ctx) =>
    at(ctx, 'centres', async (journey, fields) => {
      const known = new Set((await listCentres(knex)).map(({ id }) => id));
      const missing = new Set<string>();
      const picked: Record<string, string> = {};
      const workplaces = (journey.state.workplaces ?? []).map(({ workplaceId }): ChosenWorkplace => {
        const centre = fields[`centre-${workplaceId}`] ?? '';
        picked[workplaceId] = centre;
        if (centre !== 'none' && !known.has(centre)) missing.add(workplaceId);
        return centre === 'none' ? { workplaceId } : { workplaceId, centreId: centre };
      });
      if (missing.size > 0) {
        const errors: Faults = {};
        for (const { id, name } of await findWorkplaces(knex, [...missing]))
          errors[`centre-${id}`] = { key: 'fault.required.centre', vars: { name } };
        return show(ctx, journey.state, { values: { picked }, errors });
      }
      await move(journey, { ...journey.state, workplaces, centresChosen: true });
      seeOther(ctx, base(ctx));
    }),
  );
}
