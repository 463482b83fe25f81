/** « Ajouter une adresse »: the address, then the code that it receives. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { parseEmailAddress } from '../../../accounts/contacts.ts';
import { listEmailAddresses, MAX_EMAILS } from '../../../accounts/email-addresses.ts';
import type { Deps } from '../../../deps.ts';
import { type PageContext, type RequestState, renderPage, seeOther } from '../../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import type { SignedIn } from '../../../http/session.ts';
import type { Fault } from '../../../lib/fault.ts';
import { addresses } from '../../addresses.ts';
import { asFresh } from '../../fresh-sign-in.ts';
import { signedInContext } from '../../signed-in.ts';
import type { BeginEmail } from './email-code.ts';

const PAGE = 'ajouter-une-adresse';

export function emailAdditionRoutes(
  router: Router<RequestState>,
  deps: Deps,
  provider: Provider,
  begin: BeginEmail,
): void {
  const { knex } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  /** Runs `act` for a person; a member of a shared account has one address, which they change elsewhere. */
  const asPerson = (ctx: PageContext, act: (signedIn: SignedIn) => Promise<void>) =>
    asFresh(deps, provider, ctx, PAGE, async (signedIn) => {
      if (signedIn.member) return seeOther(ctx, addresses.signInEmail);
      await act(signedIn);
    });

  async function show(ctx: PageContext, signedIn: SignedIn, email = '', fault?: Fault): Promise<void> {
    if (fault) ctx.status = 422;
    const emails = await listEmailAddresses(knex, signedIn.account.id);
    renderPage(deps, ctx, 'my-account/contacts/add-email.njk', {
      path: addresses.emailAddition,
      ...signedInContext(signedIn),
      errors: fault ? { email: fault } : {},
      values: { email },
      isFull: emails.length >= MAX_EMAILS,
      max: MAX_EMAILS,
      action: addresses.emailAddition,
      backUrl: addresses.contacts,
    });
  }

  router.get(addresses.emailAddition, (ctx) => asPerson(ctx, (signedIn) => show(ctx, signedIn)));

  router.post(addresses.emailAddition, ...form, (ctx) =>
    asPerson(ctx, async (signedIn) => {
      const { email = '' } = fieldsOf(ctx);
      const refuse = (fault: Fault) => show(ctx, signedIn, email, fault);
      const parsed = parseEmailAddress(email);
      if (!parsed.ok) return refuse(parsed.fault);
      const emails = await listEmailAddresses(knex, signedIn.account.id);
      if (emails.some(({ address }) => address.toLowerCase() === parsed.value.canonical))
        return refuse({ key: 'fault.email.already' });
      if (emails.length >= MAX_EMAILS)
        return refuse({ key: 'fault.email.tooMany', vars: { max: MAX_EMAILS } });
      const refused = await begin(ctx, signedIn, parsed.value);
      if (refused) await refuse(refused);
    }),
  );
}
