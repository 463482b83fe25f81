/** By what a person recognizes one of their devices. */
import Bowser from 'bowser';
import type { Context } from 'koa';

const MAX_LENGTH = 60;

/** Browser and system, as both are called everywhere: « Firefox, Android ». Empty for what is not a known browser. */
export function deviceName(ctx: Context): string {
  const { browser, os } = Bowser.parse(ctx.get('user-agent').slice(0, 512) || ' ');
  return [browser.name, os.name].filter(Boolean).join(', ').slice(0, MAX_LENGTH);
}
