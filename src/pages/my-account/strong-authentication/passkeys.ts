/** « Clés d'accès »: several per person, each with a name; added by the browser, removed after a question. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { lockPrincipal } from '../../../accounts/principals.ts';
import { changeSecurity, type FreshSignIn } from '../../../accounts/security-change.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import type { Ceremony } from '../../../factors/passkey-challenges.ts';
import {
  listPasskeys,
  MAX_NAME_LENGTH,
  MAX_PASSKEYS,
  type Passkey,
  registerPasskey,
  registrationOptions,
  removePasskey,
  renamePasskey,
} from '../../../factors/passkeys.ts';
import { hasStrong, mayRemove } from '../../../factors/policy.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../../http/context.ts';
import { ensureBrowser, fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import { findSignedIn, type SignedIn } from '../../../http/session.ts';
import { deviceName } from '../../../http/user-agent.ts';
import type { Fault } from '../../../lib/fault.ts';
import { isId } from '../../../lib/ids.ts';
import { addresses, signInAgainFor } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { signedInContext } from '../../signed-in.ts';
import { findWaitingSignIn } from '../../waiting-sign-in.ts';
import { LastFactorError, removeFactor, rulesOf } from './removal.ts';

const PAGE = 'cles-d-acces';
const FOLDER = 'my-account/strong-authentication';

/** The answer of the browser is no passkey that can be added. */
class NotAddedError extends Error {
  override name = 'NotAddedError';
}

interface Shown {
  readonly name?: string;
  readonly errors?: Readonly<Record<string, Fault>>;
  readonly alert?: Fault & { readonly kind: string };
}

/** @returns the name without control characters, or the fault of one that is empty or too long. */
function parseName(input: string | undefined): { name: string } | { fault: Fault } {
  const name = (input ?? '').replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  if (name === '') return { fault: { key: 'fault.required.passkeyName' } };
  return name.length > MAX_NAME_LENGTH
    ? { fault: { key: 'fault.passkey.longName', vars: { max: MAX_NAME_LENGTH } } }
    : { name };
}

export function passkeySettingsRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  const ceremonyOf = (ctx: PageContext, { id }: SignedIn): Ceremony => ({
    purpose: 'registration',
    subject: id,
    browser: ensureBrowser(deps, ctx),
  });

  async function show(
    ctx: PageContext,
    signedIn: SignedIn,
    { name = deviceName(ctx), errors = {}, alert }: Shown = {},
  ): Promise<void> {
    if (Object.keys(errors).length > 0 || alert?.kind === 'refusal') ctx.status = 422;
    const rules = rulesOf(deps, signedIn);
    const isRemovable = mayRemove(signedIn, 'passkey', rules);
    const passkeys = await listPasskeys(knex, signedIn.id);
    renderPage(deps, ctx, `${FOLDER}/passkeys.njk`, {
      path: addresses.passkeys,
      ...signedInContext(signedIn),
      alert,
      errors,
      values: { name },
      waiting: alert?.kind === 'success' ? await findWaitingSignIn(deps, provider, ctx) : undefined,
      passkeys: passkeys.map((passkey) => ({
        ...passkey,
        renameUrl: addresses.passkeyName(passkey.id),
        removeUrl: isRemovable ? addresses.passkeyRemoval(passkey.id) : undefined,
      })),
      options: await registrationOptions(knex, deps, signedIn, ceremonyOf(ctx, signedIn)),
      isAllowed: rules.allowed.includes('passkey'),
      isFull: passkeys.length >= MAX_PASSKEYS,
      action: addresses.passkeys,
      backUrl: addresses.strongAuthentication,
    });
  }

  /** With what was just changed. */
  async function showAgain(ctx: PageContext, alert: Fault & { readonly kind: string }): Promise<void> {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await show(ctx, signedIn, { alert });
  }

  router.get(addresses.passkeys, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, (signedIn) => show(ctx, signedIn)),
  );

  router.post(addresses.passkeys, ...form, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, fresh) => {
      if (!rulesOf(deps, signedIn).allowed.includes('passkey')) return seeOther(ctx, addresses.passkeys);
      const fields = fieldsOf(ctx);
      const parsed = parseName(fields.name);
      if ('fault' in parsed)
        return show(ctx, signedIn, { name: fields.name ?? '', errors: { name: parsed.fault } });
      const { name } = parsed;
      const ceremony = ceremonyOf(ctx, signedIn);
      try {
        await changeSecurity(
          knex,
          deps,
          fresh,
          { change: 'passkey-added', details: { name } },
          async (trx) => {
            const principal = await lockPrincipal(trx, fresh.principal);
            const json = fields.passkey ?? '';
            const isAdded =
              principal &&
              principal.factors.passkeys < MAX_PASSKEYS &&
              (await registerPasskey(trx, deps, principal, { json, name, ceremony }));
            if (!isAdded) throw new NotAddedError();
          },
        );
      } catch (error) {
        if (!(error instanceof NotAddedError)) throw error;
        return show(ctx, signedIn, { name, alert: { kind: 'refusal', key: 'fault.passkey.notAdded' } });
      }
      await showAgain(ctx, { kind: 'success', key: 'alert.passkey.added', vars: { name } });
    }),
  );

  /** Runs `act` for a passkey of theirs. */
  const withPasskey = (
    ctx: PageContext,
    act: (signedIn: SignedIn, fresh: FreshSignIn, passkey: Passkey) => Promise<void>,
  ) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, fresh) => {
      const id = ctx.params.passkey ?? '';
      const passkey = isId(id)
        ? (await listPasskeys(knex, signedIn.id)).find((one) => one.id === id)
        : undefined;
      if (!passkey) throw new CaduceeError('notFound');
      await act(signedIn, fresh, passkey);
    });

  function showName(
    ctx: PageContext,
    signedIn: SignedIn,
    { id }: Passkey,
    { name, fault }: { name: string; fault?: Fault },
  ) {
    if (fault) ctx.status = 422;
    renderPage(deps, ctx, `${FOLDER}/rename-passkey.njk`, {
      path: addresses.passkeyName(id),
      ...signedInContext(signedIn),
      values: { name },
      errors: fault ? { name: fault } : {},
      action: addresses.passkeyName(id),
      backUrl: addresses.passkeys,
    });
  }

  router.get(addresses.passkeyName(':passkey'), (ctx) =>
    withPasskey(ctx, async (signedIn, _fresh, passkey) => showName(ctx, signedIn, passkey, passkey)),
  );

  router.post(addresses.passkeyName(':passkey'), ...form, (ctx) =>
    withPasskey(ctx, async (signedIn, _fresh, passkey) => {
      const { name: typed = '' } = fieldsOf(ctx);
      const parsed = parseName(typed);
      if ('fault' in parsed) return showName(ctx, signedIn, passkey, { name: typed, fault: parsed.fault });
      // Nothing that opens the account changes: no contact is told.
      if (!(await renamePasskey(knex, signedIn.id, passkey.id, parsed.name)))
        throw new CaduceeError('notFound');
      seeOther(ctx, addresses.passkeys);
    }),
  );

  router.get(addresses.passkeyRemoval(':passkey'), (ctx) =>
    withPasskey(ctx, async (signedIn, _fresh, { id, name }) => {
      const rules = rulesOf(deps, signedIn);
      if (!mayRemove(signedIn, 'passkey', rules)) return seeOther(ctx, addresses.passkeys);
      const { factors } = signedIn;
      const without = { ...signedIn, factors: { ...factors, passkeys: factors.passkeys - 1 } };
      renderPage(deps, ctx, `${FOLDER}/remove-passkey.njk`, {
        path: addresses.passkeyRemoval(id),
        ...signedInContext(signedIn),
        name,
        isLastStrong: !hasStrong(without, rules),
        action: addresses.passkeyRemoval(id),
        backUrl: addresses.passkeys,
      });
    }),
  );

  router.post(addresses.passkeyRemoval(':passkey'), ...form, (ctx) =>
    withPasskey(ctx, async (_signedIn, fresh, { id, name }) => {
      try {
        const change = { kind: 'passkey', change: 'passkey-removed', details: { name } } as const;
        await removeFactor(deps, fresh, change, (trx, principal) => removePasskey(trx, principal.id, id));
        await showAgain(ctx, { kind: 'success', key: 'alert.passkey.removed', vars: { name } });
      } catch (error) {
        if (!(error instanceof LastFactorError)) throw error;
        await showAgain(ctx, { kind: 'refusal', key: 'alert.factor.last' });
      }
    }),
  );
}
