/** What is measured, row by row, and the aim of each: a ratio to the first side of the row. */
import { ENGINE_ROUTES } from '../../src/openid/provider.ts';
import type { Side } from '../engine.ts';
import type { Bench } from '../suite.ts';
import { type Load, loop, repeat } from '../support/load.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { PEOPLE } from './subject.ts';
import { type Tokens, Visitor } from './visitor.ts';

export interface RowSide {
  readonly name: string;
  readonly server: ServerProcess;
  readonly load: (seconds: number) => Promise<Load>;
  readonly aim?: number;
}

export interface Row {
  readonly work: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly sides: readonly RowSide[];
}

interface Given {
  readonly alone: Side;
  readonly caducee: Side;
  readonly nextCode: (to: string) => Promise<string>;
}

const CONNECTIONS = 16;
/** More would only wait in the queue of the hash. */
const HASHING = 4;

interface Connected {
  readonly visitors: readonly Visitor[];
  readonly tokens: Tokens[];
}

async function connect(bench: Bench, { issuer }: Side): Promise<Connected> {
  const visitors = Array.from({ length: CONNECTIONS }, () => new Visitor(issuer));
  bench.defer(() => Promise.all(visitors.map((visitor) => visitor.close())));
  const tokens: Tokens[] = [];
  for (const [index, visitor] of visitors.entries()) {
    tokens.push(await visitor.signInWithoutQuestion(index));
  }
  return { visitors, tokens };
}

/** Another person at each turn, never the same one twice at once. */
function turns(connections: number): (connection: number) => number {
  const turn = new Array<number>(connections).fill(0);
  return (connection) => {
    const person = connection + connections * (turn[connection] as number);
    turn[connection] = ((turn[connection] as number) + 1) % (PEOPLE / connections);
    return person;
  };
}

let sources = 0;
function nextSource(): string {
  sources += 1;
  return `10.${(sources >> 16) & 255}.${(sources >> 8) & 255}.${sources & 255}`;
}

export async function rowsOf(bench: Bench, { alone, caducee, nextCode }: Given): Promise<Row[]> {
  const pace = bench.quick ? { rounds: 1, seconds: 0.2 } : { rounds: 5, seconds: 1.2 };
  const slowPace = bench.quick ? { rounds: 1, seconds: 0.4 } : { rounds: 3, seconds: 2.5 };
  const sides = [
    { side: alone, ...(await connect(bench, alone)) },
    { side: caducee, ...(await connect(bench, caducee)) },
  ] as const;
  type Both = (typeof sides)[number];

  const both = (
    aim: number,
    load: (both: Both, loop: { connections: number; seconds: number }) => Promise<Load>,
  ): RowSide[] =>
    sides.map((one, index) => ({
      name: one.side.name,
      server: one.side.server,
      load: (seconds) => load(one, { connections: CONNECTIONS, seconds }),
      ...(index > 0 ? { aim } : {}),
    }));

  const document = (path: string) => (one: Both, load: { connections: number; seconds: number }) =>
    repeat(load, { url: one.side.issuer + path });

  const person = turns(CONNECTIONS);
  const hashingPerson = turns(HASHING);

  return [
    { work: 'discovery', ...pace, sides: both(3, document('/.well-known/openid-configuration')) },
    { work: 'key set', ...pace, sides: both(2, document(ENGINE_ROUTES.jwks)) },
    {
      work: 'userinfo',
      ...pace,
      sides: both(0.75, (one, load) =>
        repeat(load, {
          url: one.side.issuer + ENGINE_ROUTES.userinfo,
          headers: { authorization: `Bearer ${one.tokens[0]?.access_token}` },
        }),
      ),
    },
    {
      work: 'refresh with rotation',
      ...pace,
      sides: both(0.6, ({ visitors, tokens }, load) =>
        loop(load, async (connection) => {
          const token = (tokens[connection] as Tokens).refresh_token;
          tokens[connection] = await (visitors[connection] as Visitor).refresh(token);
        }),
      ),
    },
    {
      work: 'sign-in without the hash',
      ...pace,
      sides: both(0.75, ({ visitors }, load) =>
        loop(load, (connection) =>
          (visitors[connection] as Visitor).signInWithoutQuestion(person(connection)),
        ),
      ),
    },
    {
      work: 'sign-in with the hash',
      ...slowPace,
      sides: [
        {
          name: 'the hash alone',
          server: caducee.server,
          load: (seconds) => caducee.server.ask<Load>('hashes', seconds),
        },
        {
          name: 'engine alone',
          server: alone.server,
          load: (seconds) =>
            loop({ connections: HASHING, seconds }, (connection) =>
              (sides[0].visitors[connection] as Visitor).signInWithPassword(hashingPerson(connection)),
            ),
        },
        {
          name: 'Caducée',
          server: caducee.server,
          aim: 1 / 1.15,
          load: (seconds) =>
            loop({ connections: HASHING, seconds }, async (connection) => {
              const visitor = sides[1].visitors[connection] as Visitor;
              visitor.source = nextSource();
              await visitor.signInAsPerson(hashingPerson(connection), nextCode);
            }),
        },
      ],
    },
  ];
}
