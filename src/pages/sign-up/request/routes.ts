/**
 * The journey of a sign-up that an administrator decides upon: its page, the ways back to it and its end; each step
 * between has a file of its own.
 */
import type Router from '@koa/router';
import type { Deps } from '../../../deps.ts';
import { type RequestState, seeOther } from '../../../http/context.ts';
import { leaveNotice } from '../../../http/notice.ts';
import { addresses } from '../../addresses.ts';
import { findPersonalWords, openRequestedAccount, readCredentials } from './account.ts';
import { addressRoutes } from './address.ts';
import { type RequestPages, requestPages } from './pages.ts';
import { type RequestKind, stepBack } from './steps.ts';
import { workplacesRoutes } from './workplaces.ts';

const KINDS: readonly RequestKind[] = ['doctor', 'secretary'];
const ACTIONS = ['lieux', 'lieux/recherche', 'laboratoires', 'adresse', 'code', 'renvoyer', 'identifiants'];

export function requestRoutes(router: Router<RequestState>, deps: Deps): void {
  for (const kind of KINDS) {
    const pages = requestPages(deps, kind);
    journeyRoutes(router, deps, pages);
    workplacesRoutes(router, deps, pages);
    addressRoutes(router, deps, pages);
  }
}

function journeyRoutes(
  router: Router<RequestState>,
  deps: Deps,
  { at, base, form, kind, move, path, show, withJourney }: RequestPages,
): void {
  router.get(path, (ctx) => withJourney(ctx, ({ state }) => show(ctx, state)));

  // A form's own address, typed or reloaded: back to the step that is due.
  for (const action of ACTIONS) router.get(`${path}/${action}`, (ctx) => seeOther(ctx, base(ctx)));

  router.get(`${path}/retour`, (ctx) =>
    withJourney(ctx, async (journey) => {
      const { state } = journey;
      if (state.step === 'done') return seeOther(ctx, addresses.signIn);
      const before = stepBack(state);
      if (!before)
        return seeOther(ctx, addresses.signUpRequestAgain(kind, ctx.params.journey ?? '', state.interaction));
      await move({ ...journey, state }, before);
      seeOther(ctx, base(ctx));
    }),
  );

  router.post(`${path}/identifiants`, ...form, (ctx) =>
    at(ctx, 'credentials', async (journey, fields) => {
      const read = readCredentials(await findPersonalWords(deps, journey.state), fields);
      if (!read.ok) {
        const { phones = '', terms } = fields;
        return show(ctx, journey.state, { values: { phones, terms }, errors: read.errors });
      }
      const opened = await openRequestedAccount(deps, ctx, journey, read.value);
      if (!opened.ok) return show(ctx, opened.state, { errors: opened.errors });
      leaveNotice(deps, ctx, 'account-requested');
      seeOther(ctx, addresses.signIn);
    }),
  );
}
