/** Lines of one person, gathered into what is stored of them; the order of the lines changes nothing. */
import type { Bytes } from '../import/types.ts';

/** Any text but one, whichever comes first in the file. */
const either = (kept: Bytes, read: Bytes): Bytes =>
  kept === read || read === '' ? kept : kept === '' || read < kept ? read : kept;

/** As stored in `directory_people.exercises`; empty fields are left out. */
export interface StoredExercise {
  readonly profession: string;
  readonly professionLabel?: string;
  readonly category?: string;
  /** TRE_R11. */
  readonly civilite?: string;
  readonly family: string;
  readonly given?: string;
  readonly skills?: readonly { readonly type?: string; readonly code?: string; readonly label?: string }[];
  readonly towns?: readonly string[];
  readonly activities?: readonly StoredActivity[];
}

export interface StoredActivity {
  /** `directory_structures.id`. */
  readonly structure?: string;
  /** TRE_R23. */
  readonly mode?: string;
  /** TRE_R02. */
  readonly sector?: string;
  /** TRE_R06. */
  readonly section?: string;
  /** TRE_R21, TRE_R85. */
  readonly role?: string;
  /** TRE_R22. */
  readonly genre?: string;
}

/** Quotation mark, backslash and control characters. */
const ESCAPED = /["\\]|[^ -\uffff]/;

/** A JSON string. */
const quote = (value: Bytes): Bytes => (ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`);

/** A pair of a JSON object after the comma; nothing for an empty value. */
const pair = (name: string, value: Bytes): Bytes => (value === '' ? '' : `,"${name}":${quote(value)}`);

/** A JSON object that begins so, and another pair; nothing for an empty value. */
const withPair = (object: Bytes, name: string, value: Bytes): Bytes =>
  value === '' ? object : `${object}${object === '{' ? '' : ','}"${name}":${quote(value)}`;

export function activityJson(
  structure: Bytes,
  mode: Bytes,
  sector: Bytes,
  section: Bytes,
  role: Bytes,
  genre: Bytes,
): Bytes {
  let json = withPair('{', 'structure', structure);
  json = withPair(json, 'mode', mode);
  json = withPair(json, 'sector', sector);
  json = withPair(json, 'section', section);
  json = withPair(json, 'role', role);
  return `${withPair(json, 'genre', genre)}}`;
}

export const skillJson = (type: Bytes, code: Bytes, label: Bytes): Bytes =>
  `${withPair(withPair(withPair('{', 'type', type), 'code', code), 'label', label)}}`;

/** The same text whatever the order in which the values came. */
function jsonList(values: ReadonlySet<Bytes>): Bytes {
  if (values.size > 1) return `[${[...values].sort().join(',')}]`;
  for (const value of values) return `[${value}]`;
  return '[]';
}

/** Of distinct values, JSON strings. */
function quoted(values: ReadonlySet<Bytes>): ReadonlySet<Bytes> {
  const strings = new Set<Bytes>();
  for (const value of values) strings.add(quote(value));
  return strings;
}

export interface Exercise {
  readonly profession: Bytes;
  readonly category: Bytes;
  professionLabel: Bytes;
  civilite: Bytes;
  family: Bytes;
  given: Bytes;
  /** JSON objects. */
  readonly skills: Set<Bytes>;
  readonly activities: Set<Bytes>;
  readonly towns: Set<Bytes>;
}

export class PersonGroup {
  readonly type: Bytes;
  readonly identifier: Bytes;
  readonly nationalId: Bytes;
  civilite: Bytes = '';
  readonly exercises: Exercise[] = [];

  constructor(type: Bytes, identifier: Bytes, nationalId: Bytes) {
    this.type = type;
    this.identifier = identifier;
    this.nationalId = nationalId;
  }

  exercise(profession: Bytes, category: Bytes): Exercise {
    for (const known of this.exercises) {
      if (known.profession === profession && known.category === category) return known;
    }
    const fresh = {
      profession,
      category,
      professionLabel: '',
      civilite: '',
      family: '',
      given: '',
      skills: new Set<Bytes>(),
      activities: new Set<Bytes>(),
      towns: new Set<Bytes>(),
    };
    this.exercises.push(fresh);
    return fresh;
  }

  /** Adds what a line, or another part of the same person, says of one exercise. */
  add(from: Omit<Exercise, 'skills' | 'activities' | 'towns'>, civilite: Bytes): Exercise {
    const exercise = this.exercise(from.profession, from.category);
    this.civilite = either(this.civilite, civilite);
    exercise.professionLabel = either(exercise.professionLabel, from.professionLabel);
    exercise.civilite = either(exercise.civilite, from.civilite);
    // Both names of one line: the family name of a line with the given name of another is nobody.
    if (
      exercise.family === '' ||
      from.family < exercise.family ||
      (from.family === exercise.family && from.given < exercise.given)
    ) {
      exercise.family = from.family;
      exercise.given = from.given;
    }
    return exercise;
  }

  sorted(): readonly Exercise[] {
    const rank = ({ profession, category }: Exercise) => `${profession}\0${category}`;
    return this.exercises.length < 2
      ? this.exercises
      : this.exercises.toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1));
  }

  /** JSON of the exercises, always the same for the same content. */
  document(): Bytes {
    const parts = this.sorted().map((exercise) => {
      const { profession, category, professionLabel, civilite, family, given } = exercise;
      const { skills, towns, activities } = exercise;
      // Always given.
      let json = `{"profession":${quote(profession)}`;
      json +=
        pair('professionLabel', professionLabel) + pair('category', category) + pair('civilite', civilite);
      json += pair('family', family) + pair('given', given);
      if (skills.size > 0) json += `,"skills":${jsonList(skills)}`;
      if (towns.size > 0) json += `,"towns":${jsonList(quoted(towns))}`;
      if (activities.size > 0) json += `,"activities":${jsonList(activities)}`;
      return `${json}}`;
    });
    return parts.length === 1 ? `[${parts[0]}]` : `[${parts.join(',')}]`;
  }
}

/** Adds a person's stored exercises (from another part of the file) to `group`. */
export function mergeExercises(group: PersonGroup, civilite: Bytes, document: Bytes): void {
  for (const stored of JSON.parse(document) as StoredExercise[]) {
    const exercise = group.add(
      {
        profession: stored.profession,
        category: stored.category ?? '',
        professionLabel: stored.professionLabel ?? '',
        civilite: stored.civilite ?? '',
        family: stored.family,
        given: stored.given ?? '',
      },
      civilite,
    );
    for (const { type = '', code = '', label = '' } of stored.skills ?? []) {
      exercise.skills.add(skillJson(type, code, label));
    }
    for (const town of stored.towns ?? []) exercise.towns.add(town);
    for (const {
      structure = '',
      mode = '',
      sector = '',
      section = '',
      role = '',
      genre = '',
    } of stored.activities ?? []) {
      exercise.activities.add(activityJson(structure, mode, sector, section, role, genre));
    }
  }
}
