/** « Mes lieux d'exercice »: the places, then the laboratory of each, as a sign-up asks them. They change at once. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { fieldsOf, parseForm, valuesOf, verifyForm } from '../../http/forms.ts';
import { leaveNotice } from '../../http/notice.ts';
import { findSignedIn, type SignedIn } from '../../http/session.ts';
import type { Fault } from '../../lib/fault.ts';
import {
  type ChosenWorkplace,
  setAccountWorkplaces,
  UnknownChoiceError,
} from '../../workplaces/account-workplaces.ts';
import type { Workplace } from '../../workplaces/workplaces.ts';
import { addresses, signInAgainFor } from '../addresses.ts';
import { signedInContext } from '../signed-in.ts';
import {
  centreOptions,
  findHad,
  type Had,
  offeredWorkplaces,
  readCentres,
  readWorkplaces,
  searchPlaces,
} from '../workplace-choice.ts';

const PAGE = 'lieux';
const GONE: Readonly<Record<string, Fault>> = { query: { key: 'fault.workplace.gone' } };

interface Shown {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly errors?: Readonly<Record<string, Fault>>;
}

export function workplaceRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  const asSignedIn = async (ctx: PageContext, act: (signedIn: SignedIn, had: Had) => Promise<void>) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await act(signedIn, await findHad(knex, signedIn.account.id));
  };

  function show(
    ctx: PageContext,
    signedIn: SignedIn,
    template: 'workplaces' | 'centres',
    { values = {}, errors = {} }: Shown,
  ): void {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    renderPage(deps, ctx, `my-account/${template}.njk`, {
      ...signedInContext(signedIn),
      path: addresses.workplaces,
      errors,
      ...values,
    });
  }

  const showPlaces = (ctx: PageContext, signedIn: SignedIn, { values, errors = {} }: Shown) =>
    show(ctx, signedIn, 'workplaces', {
      values: {
        action: addresses.workplaces,
        searchUrl: addresses.workplaceSearch,
        backUrl: addresses.myAccount,
        ...values,
      },
      errors,
    });

  async function showCentres(
    ctx: PageContext,
    signedIn: SignedIn,
    had: Had,
    places: readonly Workplace[],
    { picked = {}, errors = {} }: { picked?: object; errors?: Shown['errors'] } = {},
  ): Promise<void> {
    show(ctx, signedIn, 'centres', {
      values: {
        action: addresses.workplaceCentres,
        keepPlaces: true,
        workplaces: places,
        centres: await centreOptions(knex, had),
        picked: { ...had.picked, ...picked },
        backUrl: addresses.workplaces,
      },
      errors: errors ?? {},
    });
  }

  async function save(
    ctx: PageContext,
    signedIn: SignedIn,
    workplaces: readonly ChosenWorkplace[],
  ): Promise<void> {
    const { account, id: actor } = signedIn;
    try {
      await knex.transaction(async (trx) => {
        await setAccountWorkplaces(trx, account.id, workplaces);
        await trx('accounts').where({ id: account.id }).update({ updated_at: clock.now() });
        await record(trx, clock, {
          event: 'profile.changed',
          outcome: 'success',
          actor,
          subject: account.id,
          source: clientAddress(ctx),
          details: { fields: ['workplaces'], workplaces: workplaces.map(({ workplaceId }) => workplaceId) },
        });
      });
    } catch (error) {
      if (!(error instanceof UnknownChoiceError)) throw error;
      const had = await findHad(knex, account.id);
      return showPlaces(ctx, signedIn, { values: { chosen: had.workplaces }, errors: GONE });
    }
    leaveNotice(deps, ctx, 'workplaces-saved');
    seeOther(ctx, addresses.myAccount);
  }

  router.get(addresses.workplaces, (ctx) =>
    asSignedIn(ctx, async (signedIn, had) =>
      showPlaces(ctx, signedIn, { values: { chosen: had.workplaces } }),
    ),
  );

  // A form's own address, typed or reloaded.
  for (const url of [addresses.workplaceSearch, addresses.workplaceCentres])
    router.get(url, (ctx) => seeOther(ctx, addresses.workplaces));

  // Results as one types: the list alone, for the page's script.
  router.post(addresses.workplaceSearch, ...form, (ctx) =>
    asSignedIn(ctx, async () => {
      const { query = '' } = fieldsOf(ctx);
      renderPage(deps, ctx, 'sign-up/request/_places.njk', {
        results: await searchPlaces(deps, ctx, query),
        chosen: valuesOf(ctx, 'workplace'),
      });
    }),
  );

  router.post(addresses.workplaces, ...form, (ctx) =>
    asSignedIn(ctx, async (signedIn, had) => {
      const { action, query = '' } = fieldsOf(ctx);
      const { chosen, values, errors } = await readWorkplaces(deps, ctx, had);
      if (action === 'search') {
        const results = await searchPlaces(deps, ctx, query);
        return showPlaces(ctx, signedIn, { values: { ...values, results } });
      }
      if (Object.keys(errors).length > 0) return showPlaces(ctx, signedIn, { values, errors });
      if (chosen.length === 0 || (await centreOptions(knex, had)).length === 0) {
        const places = chosen.map(({ id }) => ({ workplaceId: id, centreId: undefined }));
        return save(ctx, signedIn, places);
      }
      await showCentres(ctx, signedIn, had, chosen);
    }),
  );

  router.post(addresses.workplaceCentres, ...form, (ctx) =>
    asSignedIn(ctx, async (signedIn, had) => {
      const ids = valuesOf(ctx, 'workplace');
      const chosen = await readWorkplaces(deps, ctx, had);
      if (Object.keys(chosen.errors).length > 0) return showPlaces(ctx, signedIn, chosen);
      const { workplaces, picked, errors } = await readCentres(deps, fieldsOf(ctx), ids, had);
      if (Object.keys(errors).length === 0) return save(ctx, signedIn, workplaces);
      const places = await offeredWorkplaces(knex, ids, had);
      await showCentres(ctx, signedIn, had, places, { picked, errors });
    }),
  );
}
