/**
 * « Mon profil »: what the account says of its person. « J'édite mon profil » unlocks the fields; those that others rely
 * upon go to an administrator and keep their value meanwhile, the others change at once.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import {
  getMemberNames,
  getProfile,
  type MemberNames,
  type Profile,
  saveMemberNames,
  saveProfession,
} from '../../accounts/profile.ts';
import { readerOf } from '../../accounts/reader.ts';
import {
  type FieldChange,
  findWaitingChange,
  requestProfileChange,
  type WaitingChange,
  withdrawProfileChange,
} from '../../approvals/profile-changes.ts';
import { record } from '../../audit/journal.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { type Fields, fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { leaveNotice, type Notice, takeNotice } from '../../http/notice.ts';
import { findSignedIn, type SignedIn } from '../../http/session.ts';
import type { Db } from '../../lib/database.ts';
import type { Fault } from '../../lib/fault.ts';
import { isId } from '../../lib/ids.ts';
import { enqueueMessage } from '../../messages/outbox.ts';
import { labelOf } from '../../nomenclatures/nomenclatures.ts';
import { throttledFault, throttleRules } from '../../throttle/throttle.ts';
import { listAccountWorkplaces } from '../../workplaces/account-workplaces.ts';
import { addresses, signInAgainFor } from '../addresses.ts';
import { professionLabel } from '../administration/labels.ts';
import { civiliteOptions } from '../sign-up/request/identity.ts';
import { signedInContext } from '../signed-in.ts';
import {
  approvedPart,
  editableFields,
  type ProfileField,
  professionsOf,
  readProfile,
  shownFields,
  valuesOfProfile,
} from './profile-form.ts';

const PAGE = 'mon-compte';
const NAMES = ['civilite', 'givenName', 'familyName'] as const;

type Faults = Readonly<Record<string, Fault>>;

/** A value as people read it. */
function wordsOf(field: ProfileField, value: string | undefined): string | undefined {
  if (field === 'profession') return professionLabel(value);
  if (field === 'civilite') return value && (labelOf('civilites', value) ?? value);
  return value;
}

/** What the account says, and what its member does, as the form has both. */
interface Known {
  readonly profile: Profile;
  readonly names: MemberNames | undefined;
  readonly waiting: WaitingChange | undefined;
}

/** What of it an administrator decides: of a member's form, the title alone. */
const wantedOf = ({ member }: SignedIn, { title, ...changed }: Partial<Record<ProfileField, string>>) =>
  approvedPart({ ...(!member && changed), ...(title !== undefined && { title }) });

export function profileRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex, clock, settings, throttle } = deps;
  const form = [parseForm, verifyForm(deps)] as const;

  const asSignedIn = async (ctx: PageContext, act: (signedIn: SignedIn) => Promise<void>) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor(PAGE));
    await act(signedIn);
  };

  const read = async (db: Db, { account, member }: SignedIn): Promise<Known> => ({
    profile: await getProfile(db, account.id),
    names: member && (await getMemberNames(db, { account, member })),
    waiting: await findWaitingChange(db, account.id),
  });

  /** Those of the account and, beside its title, those of the member. */
  const fieldsBefore = ({ account }: SignedIn, { profile, names, waiting }: Known) => ({
    fields: [...(names ? NAMES : []), ...editableFields(account.kind, Boolean(waiting))],
    before: { ...profile, ...names },
  });

  const inWords = ({ field, from, to }: FieldChange) => ({
    kind: field,
    from: wordsOf(field, from),
    to: wordsOf(field, to),
  });

  async function show(
    ctx: PageContext,
    signedIn: SignedIn,
    { typed, errors = {} }: { typed?: Fields; errors?: Faults } = {},
  ): Promise<void> {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const { account } = signedIn;
    const known = await read(knex, signedIn);
    const { profile, names, waiting } = known;
    const { fields, before } = fieldsBefore(signedIn, known);
    const shown = [...(names ? NAMES : []), ...shownFields(account.kind)];
    renderPage(deps, ctx, 'my-account/profile.njk', {
      ...signedInContext(signedIn),
      path: addresses.myAccount,
      alert: takeNotice(ctx),
      errors,
      accountKind: account.kind,
      isEditing: typed !== undefined || ctx.query.edition === '1',
      facts: [
        ...shown.map((field) => ({ kind: field, value: wordsOf(field, before[field]) })),
        { kind: 'civiliteExercice', value: labelOf('civilitesExercice', profile.civiliteExercice ?? '') },
        { kind: 'responsibleRpps', value: profile.responsibleRpps },
      ].filter(({ kind, value }) => value || shown.some((field) => field === kind)),
      waiting: waiting && {
        createdAt: waiting.createdAt,
        changes: waiting.changes.map(inWords),
        withdrawAction: addresses.profileWithdrawal(waiting.id),
      },
      fields: fields.map((field) => ({ kind: field, isApproved: field !== 'profession' && !names })),
      values: { ...valuesOfProfile(fields, before), ...typed },
      civilites: civiliteOptions(),
      professions: professionsOf(account.kind),
      workplaces: (await listAccountWorkplaces(knex, account.id)).map(({ workplace, gone, centre }) => ({
        ...workplace,
        gone,
        centre: centre?.name,
      })),
      action: addresses.myAccount,
      editUrl: addresses.profileEdition,
      cancelUrl: addresses.myAccount,
      workplacesUrl: addresses.workplaces,
    });
  }

  router.get(addresses.myAccount, (ctx) => asSignedIn(ctx, (signedIn) => show(ctx, signedIn)));

  /** A member's own names change at once, and whoever reads the account's notifications is told. */
  async function renameMember(
    trx: Db,
    ctx: PageContext,
    { account, member, id }: SignedIn,
    before: MemberNames,
    after: MemberNames,
  ): Promise<void> {
    await saveMemberNames(trx, { account, member }, after);
    const { to, lang, givenName, title = account.displayName } = await readerOf(trx, account);
    const whole = (names: MemberNames) =>
      [wordsOf('civilite', names.civilite), names.givenName, names.familyName].filter(Boolean).join(' ');
    await enqueueMessage(trx, deps, {
      channel: 'email',
      template: 'member-renamed',
      to,
      lang,
      params: {
        givenName,
        title,
        before: whole(before),
        after: whole(after),
        supportEmail: settings.SUPPORT_EMAIL,
      },
    });
    await record(trx, clock, {
      event: 'profile.changed',
      outcome: 'success',
      actor: id,
      subject: account.id,
      source: clientAddress(ctx),
      details: { fields: NAMES.filter((name) => before[name] !== after[name]), member: id },
    });
  }

  /** @returns what to tell the person; undefined when nothing changed. */
  async function save(
    trx: Db,
    ctx: PageContext,
    signedIn: SignedIn,
    known: Known,
    changed: Partial<Record<ProfileField, string>>,
  ): Promise<Notice | undefined> {
    const { account, id } = signedIn;
    const source = clientAddress(ctx);
    const { title: _, profession, ...names } = changed;
    let notice: Notice | undefined;
    if (known.names && Object.keys(names).length > 0) {
      await renameMember(trx, ctx, signedIn, known.names, { ...known.names, ...names });
      notice = 'profile-saved';
    }
    if (profession) {
      await saveProfession(trx, account.id, profession, clock.now());
      await record(trx, clock, {
        event: 'profile.changed',
        outcome: 'success',
        actor: id,
        subject: account.id,
        source,
        details: { fields: ['profession'], profession },
      });
      notice = 'profile-saved';
    }
    const wanted = wantedOf(signedIn, changed);
    const asked = { accountId: account.id, actor: id, source, wanted };
    if (await requestProfileChange(trx, deps, asked)) notice = 'profile-change-requested';
    return notice;
  }

  router.post(addresses.myAccount, ...form, (ctx) =>
    asSignedIn(ctx, async (signedIn) => {
      const typed = fieldsOf(ctx);
      const { account } = signedIn;
      const readAgain = async (db: Db) => {
        const known = await read(db, signedIn);
        const { fields, before } = fieldsBefore(signedIn, known);
        return { known, result: readProfile(account.kind, fields, before, typed) };
      };
      const { result: first } = await readAgain(knex);
      if (first.ok && Object.keys(wantedOf(signedIn, first.changed)).length > 0) {
        const verdict = await throttle.consume(throttleRules.profileChangePerAccount, account.id);
        if (!verdict.allowed) {
          const errors = { form: throttledFault(verdict.retryAfterSeconds) };
          return show(ctx, signedIn, { typed, errors });
        }
      }
      const outcome = await knex.transaction(async (trx) => {
        // Two forms of one person pass one after the other.
        await trx('accounts').where({ id: account.id }).forUpdate().first('id');
        const { known, result } = await readAgain(trx);
        if (!result.ok) return { errors: result.errors };
        return { notice: await save(trx, ctx, signedIn, known, result.changed) };
      });
      if (outcome.errors) return show(ctx, signedIn, { typed, errors: outcome.errors });
      if (outcome.notice) leaveNotice(deps, ctx, outcome.notice);
      seeOther(ctx, addresses.myAccount);
    }),
  );

  // A form's own address, typed or reloaded.
  router.get(addresses.profileWithdrawal(':request'), (ctx) => seeOther(ctx, addresses.myAccount));

  router.post(addresses.profileWithdrawal(':request'), ...form, (ctx) =>
    asSignedIn(ctx, async ({ account, id: actor }) => {
      const { request = '' } = ctx.params;
      const own =
        isId(request) &&
        (await knex('approvals')
          .where({ id: request, account_id: account.id, kind: 'profile-change' })
          .first('id'));
      if (!own) throw new CaduceeError('notFound');
      const withdrawal = { id: request, accountId: account.id, actor, source: clientAddress(ctx) };
      const withdrawn = await withdrawProfileChange(knex, deps, withdrawal);
      leaveNotice(deps, ctx, withdrawn ? 'profile-change-withdrawn' : 'profile-change-decided');
      seeOther(ctx, addresses.myAccount);
    }),
  );
}
