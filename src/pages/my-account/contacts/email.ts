/** One address of a person: what it is used for, and its removal after a question. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { maskEmail } from '../../../accounts/contacts.ts';
import {
  type EmailAddress,
  listEmailAddresses,
  removeEmailAddress,
} from '../../../accounts/email-addresses.ts';
import { lockPrincipal } from '../../../accounts/principals.ts';
import { changeSecurity } from '../../../accounts/security-change.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { fieldsOf, parseForm, valuesOf, verifyForm } from '../../../http/forms.ts';
import { leaveNotice } from '../../../http/notice.ts';
import { findSignedIn, type SignedIn } from '../../../http/session.ts';
import { addresses, signInAgainFor } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { signedInContext } from '../../signed-in.ts';
import { boxesOf, listUses, saveUses } from './uses.ts';

const PAGE = 'coordonnees';

/** It signs in, since a moment ago: the page said that it could be removed. */
class SignsInError extends Error {
  override name = 'SignsInError';
}

export function emailRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  /** An address of theirs; a shared account's is no single member's to manage here. */
  async function getEmail(ctx: PageContext, { account, member }: SignedIn): Promise<EmailAddress> {
    const emails = member ? [] : await listEmailAddresses(knex, account.id);
    const email = emails.find(({ id }) => id === ctx.params.email);
    if (!email) throw new CaduceeError('notFound');
    return email;
  }

  const withEmail = async (
    ctx: PageContext,
    act: (signedIn: SignedIn, email: EmailAddress) => Promise<void>,
  ) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await act(signedIn, await getEmail(ctx, signedIn));
  };

  router.get(addresses.emailUses(':email'), (ctx) =>
    withEmail(ctx, async (signedIn, { id, address, isNotification }) => {
      const uses = await listUses(deps, signedIn);
      const ticked = uses.filter(({ emailId }) => emailId === id).map(({ clientId }) => clientId);
      renderPage(deps, ctx, 'my-account/contacts/email.njk', {
        path: addresses.emailUses(id),
        ...signedInContext(signedIn),
        email: address,
        isStarred: isNotification,
        applications: boxesOf(uses, { emailId: id, ticked }),
        action: addresses.emailUses(id),
        backUrl: addresses.contacts,
      });
    }),
  );

  router.post(addresses.emailUses(':email'), ...form, (ctx) =>
    withEmail(ctx, async (signedIn, { id: emailId }) => {
      const saved = await saveUses(deps, signedIn, {
        uses: await listUses(deps, signedIn),
        emailId,
        ticked: valuesOf(ctx, 'applications'),
        isStarred: fieldsOf(ctx).star === 'yes',
        source: clientAddress(ctx),
      });
      if (!saved) throw new CaduceeError('notFound');
      leaveNotice(deps, ctx, 'email-uses-saved');
      seeOther(ctx, addresses.contacts);
    }),
  );

  router.get(addresses.emailRemoval(':email'), (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn) => {
      const { id, address, isSignIn, isNotification } = await getEmail(ctx, signedIn);
      if (isSignIn) return seeOther(ctx, addresses.contacts);
      const uses = await listUses(deps, signedIn);
      renderPage(deps, ctx, 'my-account/contacts/remove-email.njk', {
        path: addresses.emailRemoval(id),
        ...signedInContext(signedIn),
        email: address,
        starGoesTo: isNotification ? signedIn.email : undefined,
        applications: uses.filter(({ emailId }) => emailId === id).map(({ name }) => name),
        action: addresses.emailRemoval(id),
        backUrl: addresses.contacts,
      });
    }),
  );

  router.post(addresses.emailRemoval(':email'), ...form, (ctx) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn, fresh) => {
      const { id, address } = await getEmail(ctx, signedIn);
      const change = { change: 'email-removed', details: { email: maskEmail(address) } } as const;
      try {
        await changeSecurity(knex, deps, fresh, change, async (trx) => {
          if (!(await lockPrincipal(trx, signedIn))) throw new CaduceeError('notFound');
          const outcome = await removeEmailAddress(trx, signedIn.account.id, id);
          if (outcome === 'unknown') throw new CaduceeError('notFound');
          if (outcome === 'signs-in') throw new SignsInError();
        });
        leaveNotice(deps, ctx, 'email-removed');
      } catch (error) {
        if (!(error instanceof SignsInError)) throw error;
        leaveNotice(deps, ctx, 'email-signs-in');
      }
      seeOther(ctx, addresses.contacts);
    }),
  );
}
