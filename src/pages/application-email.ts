/** « Quelle adresse email utiliser comme identifiant pour cette application ? »: the question, wherever it is asked. */
import { type EmailAddress, listEmailAddresses } from '../accounts/email-addresses.ts';
import { chooseEmail, type LinkChange } from '../applications/email-links.ts';
import type { Deps } from '../deps.ts';
import type { Fields } from '../http/forms.ts';
import type { Fault } from '../lib/fault.ts';

/** What the template of the question is given. */
export const emailQuestion = (emails: readonly EmailAddress[], errors: Readonly<Record<string, Fault>>) => ({
  emails,
  errors,
});

/**
 * Takes the answer of a form.
 * @returns the faults to show beside the question; undefined once a link stands, this one or that of another tab.
 */
export async function answerEmailQuestion(
  { knex, clock }: Deps,
  change: LinkChange,
  fields: Fields,
): Promise<Readonly<Record<string, Fault>> | undefined> {
  const emails = await listEmailAddresses(knex, change.accountId);
  const chosen = emails.find(({ id }) => id === fields.email);
  const link = chosen && (await chooseEmail(knex, { clock }, { ...change, emailId: chosen.id }));
  return link ? undefined : { email: { key: 'fault.required.applicationEmail' } };
}
