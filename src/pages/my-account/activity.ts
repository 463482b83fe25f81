/** « Activité récente »: what happened to the account, in plain words. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { listApplicationNames } from '../../applications/applications.ts';
import { type Activity, listActivity } from '../../audit/activity.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import { type RequestState, renderPage, seeOther } from '../../http/context.ts';
import { findSignedIn } from '../../http/session.ts';
import { methodsOf } from '../../openid/assurance.ts';
import { addresses, signInAgainFor } from '../addresses.ts';
import { signedInContext } from '../signed-in.ts';

const PAGE = 'activite';
const PER_PAGE = 30;
const NUMBER = /^[1-9]\d{0,14}$/;

export function activityRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex } = deps;

  /** With the application's name; without one that is not registered any more, or is Caducée itself. */
  async function inWords(activities: readonly Activity[]) {
    const names = await listApplicationNames(
      knex,
      activities.flatMap(({ application }) => application ?? []),
    );
    return activities.map(({ amr, application, change, ...activity }) => ({
      ...activity,
      changeKind: change,
      methods: methodsOf(amr ?? []).map((kind) => ({ kind })),
      application: application && names.get(application),
    }));
  }

  router.get(addresses.activity, async (ctx) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    const { avant } = ctx.query;
    if (avant !== undefined && !(typeof avant === 'string' && NUMBER.test(avant)))
      throw new CaduceeError('notFound');
    const { account, member } = signedIn;
    const { activities, next } = await listActivity(
      knex,
      { accountId: account.id, memberId: member?.id },
      { before: avant === undefined ? undefined : Number(avant), limit: PER_PAGE },
    );
    renderPage(deps, ctx, 'my-account/activity.njk', {
      ...signedInContext(signedIn),
      activities: await inWords(activities),
      isFirst: avant === undefined,
      firstUrl: addresses.activity,
      nextUrl: next === undefined ? undefined : `${addresses.activity}?avant=${next}`,
    });
  });
}
