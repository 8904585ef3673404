/** Searching what was recorded: the collector's audit, and the evidence of devices. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { findDevice } from '../../store/admin-devices.ts';
import { audit } from '../../store/audit.ts';
import { searchAudit, searchEvidence } from '../../store/records.ts';
import { list } from './lists.ts';
import type { AdminParts } from './parts.ts';

const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).optional();
const word = z.string().min(1).max(500).optional();
const dates = ({ since, until }: { since?: string | undefined; until?: string | undefined }) => ({
  since: since === undefined ? undefined : new Date(since),
  until: until === undefined ? undefined : new Date(until),
});

export function recordRoutes(app: FastifyInstance, { db, now }: AdminParts): void {
  list(app, {
    url: '/audit',
    summary: 'What was done here and what looked wrong, the newest first',
    permission: 'audit:read',
    query: {
      device: z.uuid().optional(),
      action: word,
      actor: word,
      subject: word,
      alarm: z.stringbool().optional(),
      since: time,
      until: time,
    },
    row: z.object({
      id: z.int(),
      at: z.string(),
      actor: z.string(),
      action: z.string(),
      alarm: z.boolean(),
      device: z.string().nullable(),
      subject: z.string().nullable(),
      detail: z.record(z.string(), z.unknown()),
    }),
    key: ({ id }) => [`${id}`],
    page: async ({ query }, after, limit) =>
      (await searchAudit(db, { ...query, ...dates(query) }, after, limit)).map((row) => ({ ...row, at: row.at.toISOString() })),
  });
  list(app, {
    url: '/evidence',
    summary: 'The records of devices as they came; reading those of a named person, or of everybody, is itself recorded',
    permission: 'evidence:read',
    query: { device: z.uuid().optional(), kind: word, item: word, decision: word, since: time, until: time },
    row: z.object({
      device: z.string(),
      chain: z.int(),
      seq: z.int(),
      received: z.string(),
      time: z.string(),
      kind: z.string().nullable(),
      item: z.string().nullable(),
      decision: z.string().nullable(),
      hash: z.string(),
      row: z.record(z.string(), z.unknown()),
    }),
    // What a person's computer recorded tells as much of them as what is on it.
    async noted({ query: { device }, caller }) {
      const named = device === undefined ? null : ((await findDevice(db, device))?.person ?? null);
      if (device === undefined || named !== null)
        await audit(db, { at: now(), actor: caller.actor, action: 'evidence.read', device: device ?? null, subject: named });
    },
    key: ({ received, device, chain, seq }) => [received, device, `${chain}`, `${seq}`],
    page: async ({ query }, after, limit) =>
      (await searchEvidence(db, { ...query, ...dates(query) }, after, limit)).map((row) => ({ ...row, time: row.time.toISOString() })),
  });
}
