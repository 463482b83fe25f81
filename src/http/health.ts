/** For the machines that watch: alive (this process answers) and ready (its database does, with the schema it needs). */
import type { Middleware } from 'koa';
import type { Deps } from '../deps.ts';
import { pendingMigrations } from '../lib/database.ts';

export function healthRoutes({ knex, log }: Deps): Middleware {
  return async (ctx, next) => {
    if (ctx.path === '/healthz') {
      ctx.set('Cache-Control', 'no-store');
      ctx.body = { status: 'ok' };
      return;
    }
    if (ctx.path !== '/readyz') return next();
    ctx.set('Cache-Control', 'no-store');
    try {
      const pending = await pendingMigrations(knex);
      ctx.status = pending.length === 0 ? 200 : 503;
      ctx.body = { status: pending.length === 0 ? 'ready' : 'migrations pending' };
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'not ready');
      ctx.status = 503;
      ctx.body = { status: 'database away' };
    }
  };
}
