/**
 * « Appareils de confiance »: where one is not asked the second step, and taking that back, of one browser or of all. A session
 * is enough for it, however it was opened: without a trusted device an account is only better protected.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { type JournalEntry, record } from '../../../audit/journal.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import { factorRulesOf, mayTrustDevices } from '../../../factors/policy.ts';
import {
  listTrustedDevices,
  removeTrustedDevice,
  removeTrustedDevices,
  TRUSTED_DEVICE_DAYS,
} from '../../../factors/trusted-devices.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { parseForm, verifyForm } from '../../../http/forms.ts';
import { findSignedIn, type SignedIn } from '../../../http/session.ts';
import { dropTrustToken, trustTokenOf } from '../../../http/trust-cookie.ts';
import type { Fault } from '../../../lib/fault.ts';
import { isId } from '../../../lib/ids.ts';
import { addresses, signInAgainFor } from '../../addresses.ts';
import { signedInContext } from '../../signed-in.ts';

const PAGE = 'appareils-de-confiance';

export function trustedDeviceRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  async function show(ctx: PageContext, signedIn: SignedIn, removed?: Fault): Promise<void> {
    const token = trustTokenOf(deps, ctx, signedIn.id);
    const devices = await listTrustedDevices(knex, deps, signedIn.id, token);
    renderPage(deps, ctx, 'my-account/strong-authentication/trusted-devices.njk', {
      path: addresses.trustedDevices,
      ...signedInContext(signedIn),
      alert: removed && { kind: 'success', ...removed },
      days: TRUSTED_DEVICE_DAYS,
      isAllowed: mayTrustDevices(signedIn, factorRulesOf(deps, signedIn.account)),
      devices: devices.map((device) => ({
        ...device,
        removeAction: addresses.trustedDeviceRemoval(device.id),
      })),
      removeAllAction: addresses.trustedDevicesRemoval,
      backUrl: addresses.strongAuthentication,
    });
  }

  const asSignedIn = async (ctx: PageContext, act: (signedIn: SignedIn) => Promise<void>): Promise<void> => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await act(signedIn);
  };

  const removal = (
    ctx: PageContext,
    { id: actor, account }: SignedIn,
    details: JournalEntry['details'],
  ): JournalEntry => ({
    event: 'trusted-device.removed',
    outcome: 'success',
    actor,
    subject: account.id,
    source: clientAddress(ctx),
    ...(details && { details }),
  });

  router.get(addresses.trustedDevices, (ctx) => asSignedIn(ctx, (signedIn) => show(ctx, signedIn)));

  // A form's own address, typed or reloaded.
  for (const address of [addresses.trustedDevicesRemoval, addresses.trustedDeviceRemoval(':device')])
    router.get(address, (ctx) => seeOther(ctx, addresses.trustedDevices));

  router.post(addresses.trustedDevicesRemoval, ...form, (ctx) =>
    asSignedIn(ctx, async (signedIn) => {
      await knex.transaction(async (trx) => {
        const count = await removeTrustedDevices(trx, signedIn.id);
        if (count > 0) await record(trx, clock, removal(ctx, signedIn, { count }));
      });
      dropTrustToken(deps, ctx, signedIn.id);
      await show(ctx, signedIn, { key: 'alert.trustedDevice.allRemoved' });
    }),
  );

  router.post(addresses.trustedDeviceRemoval(':device'), ...form, (ctx) =>
    asSignedIn(ctx, async (signedIn) => {
      const id = ctx.params.device ?? '';
      const token = trustTokenOf(deps, ctx, signedIn.id);
      const devices = await listTrustedDevices(knex, deps, signedIn.id, token);
      const isThisOne = devices.some((device) => device.id === id && device.isThisOne);
      await knex.transaction(async (trx) => {
        const name = isId(id) ? await removeTrustedDevice(trx, signedIn.id, id) : undefined;
        if (name === undefined) throw new CaduceeError('notFound');
        await record(trx, clock, removal(ctx, signedIn, { name }));
      });
      if (isThisOne) dropTrustToken(deps, ctx, signedIn.id);
      await show(ctx, signedIn, { key: 'alert.trustedDevice.removed' });
    }),
  );
}
