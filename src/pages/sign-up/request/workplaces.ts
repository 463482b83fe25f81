/** Where the person works, and the laboratory centre that each place usually works with. */
import type Router from '@koa/router';
import type { Deps } from '../../../deps.ts';
import { type RequestState, renderPage, seeOther } from '../../../http/context.ts';
import { listCentres } from '../../../workplaces/centres.ts';
import { NOTHING_HAD, readCentres, readWorkplaces, searchPlaces } from '../../workplace-choice.ts';
import type { RequestPages } from './pages.ts';

export function workplacesRoutes(
  router: Router<RequestState>,
  deps: Deps,
  { at, base, form, move, path, show }: RequestPages,
): void {
  // Results as one types: the list alone, for the page's script.
  router.post(`${path}/lieux/recherche`, ...form, (ctx) =>
    at(ctx, 'workplaces', async (_journey, { query = '' }) => {
      const results = await searchPlaces(deps, ctx, query);
      renderPage(deps, ctx, 'sign-up/request/_places.njk', { results });
    }),
  );

  router.post(`${path}/lieux`, ...form, (ctx) =>
    at(ctx, 'workplaces', async (journey, { action, query = '' }) => {
      const { chosen, values, errors } = await readWorkplaces(deps, ctx, NOTHING_HAD);
      if (action === 'search') {
        const results = await searchPlaces(deps, ctx, query);
        return show(ctx, journey.state, { values: { ...values, results } });
      }
      if (Object.keys(errors).length > 0) return show(ctx, journey.state, { values, errors });
      const workplaces = chosen.map(({ id }) => ({ workplaceId: id }));
      const asked = workplaces.length > 0 && (await listCentres(deps.knex)).length > 0;
      await move(journey, { ...journey.state, workplaces, ...(!asked && { centresChosen: true }) });
      seeOther(ctx, base(ctx));
    }),
  );

  router.post(`${path}/laboratoires`, ...form, (ctx) =>
    at(ctx, 'centres', async (journey, fields) => {
      const places = (journey.state.workplaces ?? []).map(({ workplaceId }) => workplaceId);
      const { workplaces, picked, errors } = await readCentres(deps, fields, places, NOTHING_HAD);
      if (Object.keys(errors).length > 0) return show(ctx, journey.state, { values: { picked }, errors });
      await move(journey, { ...journey.state, workplaces, centresChosen: true });
      seeOther(ctx, base(ctx));
    }),
  );
}
