/** SQL about groups: devices, and people with all their devices. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Db, Trx } from './devices.ts';

export async function listGroups(db: Db, after: readonly string[] | null, limit: number) {
  const { rows } = await sql<{ id: string; name: string; created_at: Date; members: number }>`
    select g.id, g.name, g.created_at, (select count(*)::int from group_member m where m.group_id = g.id) as members
    from group_row g where ${after?.[0] ?? null}::uuid is null or g.id > ${after?.[0] ?? null}::uuid order by g.id limit ${limit}`.execute(
    db,
  );
  return rows;
}

/** Null: there is one of this name. */
export async function makeGroup(trx: Trx, name: string, now: Date): Promise<string | null> {
  const row = await trx
    .insertInto('group_row')
    .values({ id: randomUUID(), name, created_at: now })
    .onConflict((on) => on.doNothing())
    .returning('id')
    .executeTakeFirst();
  return row?.id ?? null;
}

export async function groupExists(db: Db | Trx, id: string): Promise<boolean> {
  return (await db.selectFrom('group_row').select('id').where('id', '=', id).executeTakeFirst()) !== undefined;
}

export async function removeGroup(trx: Trx, id: string): Promise<boolean> {
  await trx.deleteFrom('group_member').where('group_id', '=', id).execute();
  return (await trx.deleteFrom('group_row').where('id', '=', id).returning('id').executeTakeFirst()) !== undefined;
}

export type Member = { readonly device: string | null; readonly person: string | null };

export async function listMembers(db: Db, group: string, after: readonly string[] | null, limit: number): Promise<Member[]> {
  const { rows } = await sql<Member>`
    select device, person from group_member where group_id = ${group} and (${after?.[0] ?? null}::text is null or coalesce(device::text, person) > ${after?.[0] ?? null})
    order by coalesce(device::text, person) limit ${limit}`.execute(db);
  return rows;
}

/** People are kept in lower case. */
export async function addMember(trx: Trx, group: string, member: Member): Promise<void> {
  await trx
    .insertInto('group_member')
    .values({ group_id: group, device: member.device, person: member.person?.trim().toLowerCase() ?? null })
    .onConflict((on) => on.doNothing())
    .execute();
}

export async function removeMember(trx: Trx, group: string, member: Member): Promise<boolean> {
  const row = await trx
    .deleteFrom('group_member')
    .where('group_id', '=', group)
    .$if(member.device !== null, (query) => query.where('device', '=', member.device))
    .$if(member.person !== null, (query) => query.where('person', '=', member.person?.trim().toLowerCase() ?? ''))
    .returning('group_id')
    .executeTakeFirst();
  return row !== undefined;
}
