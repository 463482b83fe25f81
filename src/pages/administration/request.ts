/** One request: what the person declared beside what the registers say, and the decision. */
import type Router from '@koa/router';
import type { RouterMiddleware } from '@koa/router';
import { type Decided, listWaiting } from '../../approvals/approvals.ts';
import { IDENTITY_FIELDS } from '../../approvals/compare.ts';
import {
  type DecisionResult,
  decide,
  findSheet,
  isOwnRequest,
  isRppsTaken,
  type Sheet,
  WAITS_IN,
} from '../../approvals/decide.ts';
import { displayNameOf, listDeclaredMembers } from '../../approvals/declared.ts';
import { withoutChanges } from '../../approvals/profile-changes.ts';
import { promiseOf } from '../../approvals/working-hours.ts';
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
import { momentInWords } from '../../http/views.ts';
import type { Fault } from '../../lib/fault.ts';
import { labelOf } from '../../nomenclatures/nomenclatures.ts';
import { addresses } from '../addresses.ts';
import { signedInContext } from '../signed-in.ts';
import type { AdministrationState } from './guard.ts';
import { identityLabel, professionLabel } from './labels.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MAX_TEXT_LENGTH = 1000;
/** Control characters, line breaks and tabs apart. */
const CONTROLS = /[^\P{Cc}\r\n\t]/u;

type Faults = Record<string, Fault>;
type Alert = Fault & { kind: 'refusal' | 'waiting' };

/** By the value of the button. */
const DECISIONS: ReadonlyMap<string | undefined, 'approved' | 'refused'> = new Map([
  ['approve', 'approved'],
  ['refuse', 'refused'],
]);

function faultsOf({ reason = '', note = '' }: Fields, decision: string): Faults {
  const errors: Faults = {};
  for (const [name, text] of Object.entries({ reason, note })) {
    if (text.length > MAX_TEXT_LENGTH) errors[name] = { key: 'fault.tooLarge' };
    else if (CONTROLS.test(text)) errors[name] = { key: 'fault.characters' };
  }
  if (decision === 'refused' && reason.trim() === '') errors.reason = { key: 'fault.required.reason' };
  if (decision === 'approved' && reason.trim() !== '') errors.reason = { key: 'fault.reasonOnApproval' };
  return errors;
}

const isWaiting = ({ approval, state }: Pick<Sheet, 'approval' | 'state'>): boolean =>
  !approval.decided && state === WAITS_IN[approval.kind];

const inWords = (field: string, value: string | undefined): string | undefined =>
  field === 'civilite' && value !== undefined ? (labelOf('civilites', value) ?? value) : value;

/** The sheet in the words of the page. */
function sheetContext({ approval, state, declared, evidence, changed, seenHash }: Sheet, now: Date) {
  // A column beside what a register does not know would say nothing.
  const known = evidence.registers.filter(({ answer }) => answer === 'found');
  return {
    approval: {
      kind: approval.kind,
      createdAt: approval.createdAt.toISOString(),
      proof: approval.identityProof,
    },
    promised: approval.decided ? undefined : promiseOf(approval.createdAt, now),
    decided: approval.decided && { ...approval.decided, at: approval.decided.at.toISOString() },
    isWaiting: isWaiting({ approval, state }),
    changed: changed && !(approval.decided && approval.kind === 'profile-change'),
    changes: approval.changes.map(({ field, from, to }) => ({
      kind: field,
      from: inWords(field, from),
      to: inWords(field, to),
    })),
    seenHash,
    person: {
      displayName: displayNameOf(withoutChanges(declared, approval.changes)),
      kind: declared.kind,
      profession: professionLabel(declared.professionCode),
    },
    rppsKey: evidence.rppsKey,
    registers: evidence.registers.map(({ register, answer, person }) => ({
      kind: register,
      answerKind: answer,
      endedOn: person?.endedOn,
    })),
    columns: known.map(({ register }) => ({ kind: register })),
    fields: IDENTITY_FIELDS.map((field) => ({
      kind: field,
      declared: identityLabel(evidence.declared, field),
      registers: known.map(({ register, person, verdicts }) => ({
        kind: register,
        value: identityLabel(person?.identity, field),
        verdictKind: verdicts[field],
      })),
    })),
    lookAlikes: evidence.lookAlikes.map(({ displayName, kind, state, rpps, likenesses }) => ({
      displayName,
      kind,
      stateKind: state,
      rpps,
      likenesses: likenesses.map((one) => ({ kind: one })),
    })),
    emails: declared.emails,
    phones: declared.phones,
    responsibleRpps: declared.responsibleRpps,
    declaredPhones: declared.declaredPhones,
    workplaces: declared.workplaces,
  };
}

export function requestRoutes(
  router: Router<RequestState>,
  deps: Deps,
  guard: RouterMiddleware<RequestState>,
): void {
  const { knex, clock } = deps;
  const path = addresses.approval(':id');

  /** Page of the request that has waited longest. */
  async function nextUrl(): Promise<string | undefined> {
    const [next] = await listWaiting(knex, { order: 'oldest', limit: 1, offset: 0 });
    return next && addresses.approval(next.id);
  }

  async function showRequest(
    ctx: PageContext,
    { errors = {}, alert, values = {} }: { errors?: Faults; alert?: Alert; values?: Fields } = {},
  ): Promise<void> {
    const { administrator } = ctx.state as AdministrationState;
    const { id } = ctx.params;
    const sheet = id && UUID.test(id) ? await findSheet(knex, id) : undefined;
    if (!sheet) throw new CaduceeError('notFound');
    renderPage(deps, ctx, 'administration/request.njk', {
      ...signedInContext(administrator),
      ...sheetContext(sheet, clock.now()),
      atAdministration: true,
      members: (await listDeclaredMembers(knex, sheet.approval.accountId)).map(
        ({ displayName, civiliteCode, email }) => ({
          displayName,
          civilite: civiliteCode && labelOf('civilites', civiliteCode),
          civiliteKind: civiliteCode === 'MME' ? 'MME' : 'M',
          email,
        }),
      ),
      rppsTaken: isWaiting(sheet) && (await isRppsTaken(knex, sheet)),
      nextUrl: sheet.approval.decided && (await nextUrl()),
      isOwn: await isOwnRequest(knex, sheet.approval, administrator.id),
      backUrl: addresses.approvals,
      values,
      errors,
      alert,
    });
  }

  const decidedAlert = (ctx: PageContext, { decision, by, at }: Decided): Alert => {
    const { lang } = ctx.state;
    return {
      kind: 'refusal',
      key: `alert.approval.decided.${decision}`,
      vars: {
        by: by ?? deps.texts.t(lang, 'administration.decided.someone'),
        at: momentInWords(lang)(at),
      },
    };
  };

  /** Status and page of a decision that was not made. */
  function showRefusal(ctx: PageContext, result: DecisionResult & { ok: false }, values: Fields) {
    switch (result.why) {
      case 'unknown':
        throw new CaduceeError('notFound');
      case 'no-reason':
        ctx.status = 422;
        return showRequest(ctx, { errors: { reason: { key: 'fault.required.reason' } }, values });
      case 'decided':
        ctx.status = 409;
        return showRequest(ctx, { alert: decidedAlert(ctx, result.decided) });
      default:
        ctx.status = result.why === 'own-request' ? 403 : 409;
        return showRequest(ctx, {
          alert: { kind: 'refusal', key: `alert.approval.${result.why}` },
          values,
        });
    }
  }

  router.get(path, guard, (ctx) => showRequest(ctx));

  router.post(path, parseForm, verifyForm(deps), guard, async (ctx) => {
    const values = fieldsOf(ctx);
    const { id } = ctx.params;
    const decision = DECISIONS.get(values.decision);
    if (!id || !UUID.test(id)) throw new CaduceeError('notFound');
    if (!decision) return seeOther(ctx, addresses.approval(id));
    const errors = faultsOf(values, decision);
    if (Object.keys(errors).length > 0) {
      ctx.status = 422;
      return showRequest(ctx, { errors, values });
    }
    const result = await decide(knex, deps, {
      approvalId: id,
      by: {
        accountId: (ctx.state as AdministrationState).administrator.id,
        source: clientAddress(ctx),
      },
      decision,
      reason: values.reason ?? '',
      note: values.note ?? '',
      seenHash: values.seen ?? '',
    });
    if (!result.ok) return showRefusal(ctx, result, values);
    seeOther(ctx, addresses.approval(id));
  });
}
