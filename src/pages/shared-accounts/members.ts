/**
 * « Inviter un secrétaire »: the members of the shared account that is signed in, its open invitations, and a form for one
 * more. Whoever may sign in to the account is decided here, so the sign-in must be five minutes old at most.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { endAccessOfMember } from '../../accounts/access.ts';
import { parseEmailAddress } from '../../accounts/contacts.ts';
import { languageOf } from '../../accounts/language.ts';
import { endMember, LastMemberError, listMembers } from '../../accounts/members.ts';
import type { ActingMember } from '../../accounts/principals.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { leaveNotice } from '../../http/notice.ts';
import { findSignedIn, type SignedIn } from '../../http/session.ts';
import {
  inviteMember,
  listOpenInvitations,
  revokeInvitation,
  revokeInvitationsBy,
} from '../../invitations/invitations.ts';
import type { Fault } from '../../lib/fault.ts';
import { enqueueMessage } from '../../messages/outbox.ts';
import { throttledFault, throttleRules } from '../../throttle/throttle.ts';
import { addresses } from '../addresses.ts';
import { asFresh } from '../fresh-sign-in.ts';
import { signedInContext } from '../signed-in.ts';

const ID = /^[0-9a-f-]{36}$/;

const removalOf = (memberId: string): string => `${addresses.members}/${memberId}/retirer`;

type Secretary = SignedIn & { readonly member: ActingMember };

interface Shown {
  readonly values?: Readonly<Record<string, string>>;
  readonly errors?: Readonly<Record<string, Fault>>;
  readonly alert?: Fault & { readonly kind: string };
}

export function membersRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock, settings, throttle } = deps;
  const form = [parseForm, verifyForm(deps)] as const;
  const langOf = (ctx: PageContext) => (ctx.state as RequestState).lang;

  /** Runs `act` for a member who signed in a moment ago; another one signs in again first, and comes back. */
  async function asSecretary(ctx: PageContext, act: (secretary: Secretary) => Promise<void>): Promise<void> {
    const known = await findSignedIn(deps, provider, ctx);
    if (known && !known.member) throw new CaduceeError('notFound');
    await asFresh(deps, provider, ctx, 'secretaires', async (signedIn) => {
      const { member } = signedIn;
      if (member) await act({ ...signedIn, member });
    });
  }

  async function show(
    ctx: PageContext,
    secretary: Secretary,
    { values = {}, errors = {}, alert }: Shown = {},
  ): Promise<void> {
    if (Object.keys(errors).length > 0 || alert?.kind === 'refusal') ctx.status = 422;
    const { account } = secretary;
    const [members, invitations] = [
      await listMembers(knex, account.id),
      await listOpenInvitations(knex, clock, account.id),
    ];
    renderPage(deps, ctx, 'shared-accounts/members.njk', {
      path: addresses.members,
      ...signedInContext(secretary),
      title: account.displayName,
      action: addresses.members,
      members: members.map(({ id, displayName, email }) => ({
        displayName,
        email,
        isSelf: id === secretary.member.id,
        removeUrl: members.length > 1 ? removalOf(id) : undefined,
      })),
      invitations: invitations.map(({ id, address, expiresAt }) => ({
        address,
        until: expiresAt.toISOString().slice(0, 10),
        revokeAction: `${addresses.members}/invitations/${id}/annuler`,
      })),
      values,
      errors,
      alert,
      backUrl: addresses.home,
    });
  }

  router.get(addresses.members, (ctx) => asSecretary(ctx, (secretary) => show(ctx, secretary)));

  // A form's own address, typed or reloaded.
  router.get(`${addresses.members}/invitations/:invitation/annuler`, (ctx) =>
    seeOther(ctx, addresses.members),
  );

  router.get(removalOf(':member'), (ctx) =>
    asSecretary(ctx, async (secretary) => {
      const members = await listMembers(knex, secretary.account.id);
      const member = members.find(({ id }) => id === ctx.params.member);
      if (!member || members.length === 1) return seeOther(ctx, addresses.members);
      const { id, displayName, email } = member;
      renderPage(deps, ctx, 'shared-accounts/remove.njk', {
        ...signedInContext(secretary),
        path: removalOf(id),
        title: secretary.account.displayName,
        action: removalOf(id),
        displayName,
        email,
        isSelf: id === secretary.member.id,
        backUrl: addresses.members,
      });
    }),
  );

  router.post(addresses.members, ...form, (ctx) =>
    asSecretary(ctx, async (secretary) => {
      const { email = '' } = fieldsOf(ctx);
      const { account, member } = secretary;
      const refuse = (fault: Fault) => show(ctx, secretary, { values: { email }, errors: { email: fault } });
      const parsed = parseEmailAddress(email);
      if (!parsed.ok) return refuse(parsed.fault);
      const members = await listMembers(knex, account.id);
      if (members.some((one) => one.email.toLowerCase() === parsed.value.canonical))
        return refuse({ key: 'fault.member.already' });
      for (const [rule, subject] of [
        [throttleRules.invitationPerAccount, account.id],
        [throttleRules.invitationPerContact, parsed.value.canonical],
      ] as const) {
        const verdict = await throttle.consume(rule, subject);
        if (!verdict.allowed) return refuse(throttledFault(verdict.retryAfterSeconds));
      }
      await inviteMember(knex, deps, {
        accountId: account.id,
        title: account.displayName,
        inviter: member,
        email: parsed.value,
        lang: langOf(ctx),
        source: clientAddress(ctx),
        invitationUrl: (token) => `${settings.ISSUER}${addresses.invitation(token)}`,
      });
      const vars = { email: parsed.value.address };
      await show(ctx, secretary, { alert: { kind: 'success', key: 'alert.member.invited', vars } });
    }),
  );

  router.post(`${addresses.members}/invitations/:invitation/annuler`, ...form, (ctx) =>
    asSecretary(ctx, async (secretary) => {
      const id = ctx.params.invitation ?? '';
      if (!ID.test(id)) throw new CaduceeError('notFound');
      const { account, member } = secretary;
      const revocation = { accountId: account.id, id, by: member.id, source: clientAddress(ctx) };
      if (!(await revokeInvitation(knex, deps, revocation))) throw new CaduceeError('notFound');
      await show(ctx, secretary, { alert: { kind: 'success', key: 'alert.member.invitationRevoked' } });
    }),
  );

  router.post(removalOf(':member'), ...form, (ctx) =>
    asSecretary(ctx, async (secretary) => {
      const memberId = ctx.params.member ?? '';
      if (!ID.test(memberId)) throw new CaduceeError('notFound');
      try {
        const removed = await remove(ctx, secretary, memberId);
        if (!removed) throw new CaduceeError('notFound');
        if (memberId === secretary.member.id) {
          leaveNotice(deps, ctx, 'shared-account-left');
          return seeOther(ctx, addresses.home);
        }
        const vars = { displayName: removed.displayName };
        await show(ctx, secretary, { alert: { kind: 'success', key: 'alert.member.removed', vars } });
      } catch (error) {
        if (!(error instanceof LastMemberError)) throw error;
        await show(ctx, secretary, { alert: { kind: 'refusal', key: 'alert.member.last' } });
      }
    }),
  );

  /** The member, what they sent and what they opened end together, and their mailbox is told. */
  const remove = (ctx: PageContext, { account, member }: Secretary, memberId: string) =>
    knex.transaction(async (trx) => {
      const ending = { accountId: account.id, memberId, by: member.id, source: clientAddress(ctx) };
      const removed = await endMember(trx, deps, ending);
      if (!removed) return undefined;
      await revokeInvitationsBy(trx, deps, removed);
      await endAccessOfMember(trx, memberId);
      await enqueueMessage(trx, deps, {
        channel: 'email',
        template: 'member-removed',
        to: removed.email,
        lang: await languageOf(trx, { accountId: account.id, memberId }),
        params: {
          givenName: removed.givenName,
          title: account.displayName,
          remover: memberId === member.id ? undefined : member.displayName,
          supportEmail: settings.SUPPORT_EMAIL,
        },
      });
      return removed;
    });
}
