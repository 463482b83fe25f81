/** One account, found by an exact address or RPPS number: whether sign-ins to it are stopped, and the end of that. */
import type Router from '@koa/router';
import type { RouterMiddleware } from '@koa/router';
import { findOwnerOfEmail, findOwnerOfRpps } from '../../accounts/accounts.ts';
import { parseEmailAddress } from '../../accounts/contacts.ts';
import { findPrincipalById, findSignInByEmail, type Principal } from '../../accounts/principals.ts';
import type { Deps } from '../../deps.ts';
import { parseRpps } from '../../directories/rpps.ts';
import { CaduceeError } from '../../errors.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { leaveNotice, takeNotice } from '../../http/notice.ts';
import type { Fault } from '../../lib/fault.ts';
import { isId } from '../../lib/ids.ts';
import { clearStops, findStopEnd } from '../../throttle/stops.ts';
import { addresses } from '../addresses.ts';
import { signedInContext } from '../signed-in.ts';
import type { AdministrationState } from './guard.ts';

export function accountRoutes(
  router: Router<RequestState>,
  deps: Deps,
  guard: RouterMiddleware<RequestState>,
): void {
  const { knex } = deps;
  const path = addresses.account(':id');
  const administratorOf = (ctx: PageContext) => (ctx.state as AdministrationState).administrator;

  /** @returns the fault to show instead when nobody is found. */
  async function findByExact(text: string): Promise<{ id: string } | Fault> {
    if (text.trim() === '') return { key: 'fault.required.account' };
    if (text.includes('@') || text.includes('＠')) {
      const parsed = parseEmailAddress(text);
      if (!parsed.ok) return parsed.fault;
      const { canonical } = parsed.value;
      const owner = await findOwnerOfEmail(knex, canonical);
      const found =
        (await findSignInByEmail(knex, canonical)) ??
        (owner && (await findPrincipalById(knex, owner.accountId)));
      return found ? { id: found.id } : { key: 'fault.account.unknown' };
    }
    const parsed = parseRpps(text);
    if (!parsed.ok) return parsed.fault;
    const owner = await findOwnerOfRpps(knex, parsed.value);
    return owner ? { id: owner.id } : { key: 'fault.account.unknown' };
  }

  const showSearch = (ctx: PageContext, account = '', fault?: Fault) =>
    renderPage(deps, ctx, 'administration/account-search.njk', {
      ...signedInContext(administratorOf(ctx)),
      atAdministration: true,
      values: { account },
      errors: fault ? { account: fault } : {},
      backUrl: addresses.approvals,
    });

  async function principalOf(ctx: PageContext): Promise<Principal> {
    const { id = '' } = ctx.params;
    const principal = isId(id) ? await findPrincipalById(knex, id) : undefined;
    if (!principal) throw new CaduceeError('notFound');
    return principal;
  }

  async function showAccount(ctx: PageContext, principal: Principal, alert?: Fault & { kind: string }) {
    const { account, member, email, id } = principal;
    const stoppedUntil = await findStopEnd(deps, id);
    renderPage(deps, ctx, 'administration/account.njk', {
      ...signedInContext(administratorOf(ctx)),
      atAdministration: true,
      account: {
        displayName: member?.displayName ?? account.displayName,
        title: member && account.displayName,
        kind: account.kind,
        stateKind: account.state,
        rpps: account.rpps,
        email,
      },
      stoppedUntil: stoppedUntil?.toISOString(),
      isOwn: account.id === administratorOf(ctx).account.id,
      action: addresses.unblockAccount(id),
      backUrl: addresses.accounts,
      alert,
    });
  }

  router.get(addresses.accounts, guard, (ctx) => showSearch(ctx));

  router.post(addresses.accounts, parseForm, verifyForm(deps), guard, async (ctx) => {
    const { account = '' } = fieldsOf(ctx);
    const found = await findByExact(account);
    if ('id' in found) return seeOther(ctx, addresses.account(found.id));
    ctx.status = 422;
    showSearch(ctx, account, found);
  });

  router.get(path, guard, async (ctx) => showAccount(ctx, await principalOf(ctx), takeNotice(ctx)));

  router.post(addresses.unblockAccount(':id'), parseForm, verifyForm(deps), guard, async (ctx) => {
    const principal = await principalOf(ctx);
    const by = administratorOf(ctx).account.id;
    if (by === principal.account.id) {
      ctx.status = 403;
      return showAccount(ctx, principal, { kind: 'refusal', key: 'alert.stop.own' });
    }
    if (await findStopEnd(deps, principal.id)) {
      await clearStops(deps, principal, { by, source: clientAddress(ctx) });
      leaveNotice(deps, ctx, 'sign-in-unblocked');
    }
    seeOther(ctx, addresses.account(principal.id));
  });
}
