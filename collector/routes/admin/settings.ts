/** The collector's settings: an owner sees and changes them, and each change is recorded with what was before. */
import type { FastifyInstance } from 'fastify';
import type { Context } from '../../app.ts';
import { Problem } from '../../problem.ts';
import { audit } from '../../store/audit.ts';
import { changeSettings, readVersioned, Settings, SettingsChange } from '../../store/settings.ts';
import { callerOf, etag, matched } from './access.ts';

export function settingRoutes(app: FastifyInstance, { db, now, settings }: Pick<Context, 'db' | 'now' | 'settings'>): void {
  const about = { tags: ['settings'], security: [{ token: [] }], response: { 200: Settings } };
  app.get('/settings', { config: { permission: 'settings:read' }, schema: { summary: 'Settings', ...about } }, async (_request, reply) => {
    const found = await readVersioned(db);
    reply.header('etag', etag(found.version));
    return found.settings;
  });
  app.patch(
    '/settings',
    {
      config: { permission: 'settings:write' },
      schema: {
        summary: 'Change settings',
        description:
          'Against the version that was read (If-Match). What is left out stays; null sets the default. Every collector follows within 30 s.',
        ...about,
        body: SettingsChange,
      },
    },
    async (request, reply) => {
      const version = matched(request);
      const changed = await db.transaction().execute(async (trx) => {
        const done = await changeSettings(trx, request.body as SettingsChange, version, now());
        if (done === null) throw new Problem('changed-meanwhile');
        if (typeof done === 'string') throw new Problem('not-understood', { detail: done });
        const detail = { before: done.before, after: done.after };
        await audit(trx, { at: now(), actor: callerOf(request).actor, action: 'settings.changed', detail });
        return done;
      });
      await settings.refresh();
      reply.header('etag', etag(changed.version));
      return changed.settings;
    },
  );
}
