/** One enrolment: a key becomes a device, against a secret. Safe to repeat: the same key and id get the same answer. */
import type { Enrolment, EnrolmentAnswer } from '../agent/wire.ts';
import { Problem } from './problem.ts';
import { clean } from './read-check-in.ts';
import { audit } from './store/audit.ts';
import { addDevice, type Db, devicesWith, markClone, replaceOthers, type Trx } from './store/devices.ts';
import type { DeviceState } from './store/schema.ts';
import { isGoodSecret, takeEnrolSecret } from './store/secrets.ts';
import type { Tenant } from './store/tenant.ts';

export type Enrolled = { readonly answer: EnrolmentAnswer; readonly made: boolean };

/** Serial numbers that makers of boards leave as they are: they tell nothing of a computer. */
const NO_SERIAL =
  /^(to be filled by o\.?e\.?m\.?|default string|system serial number|not (specified|applicable|available)|none|unknown|0+|1234567(89?0?)?)$/i;

/**
 * The caller has checked that the key signed the request. Throws the `Problem`s `wrong-tenant`, `secret-refused`, `id-taken`, `key-taken` and
 * `device-revoked`; only an alarm is left then.
 */
export async function enroll(db: Db, tenant: Tenant, body: Enrolment, now: Date, everyS: number): Promise<Enrolled> {
  if (body.tenant !== undefined && body.tenant !== tenant.name) throw new Problem('wrong-tenant');
  const id = body.id.toLowerCase();
  const result = await db.transaction().execute((trx) => inTransaction(trx, body, id, now));
  if (result instanceof Problem) throw result;
  return {
    made: result.made,
    answer: {
      device: id,
      state: result.state === 'pending' ? 'pending' : 'active',
      tenant: tenant.name,
      time: now.toISOString(),
      rootKeys: [...tenant.rootKeys],
      nextCheckInS: result.state === 'pending' ? 900 : everyS,
    },
  };
}

/** A problem that is returned is committed, with its alarm. */
async function inTransaction(trx: Trx, body: Enrolment, id: string, now: Date): Promise<{ state: DeviceState; made: boolean } | Problem> {
  const taken = await devicesWith(trx, id, body.key.x);
  const same = taken.find((row) => row.id === id && row.key_x === body.key.x);
  if (same) return same.state === 'revoked' ? new Problem('device-revoked', { retryAfter: 3600 }) : { state: same.state, made: false };
  // A copy of a computer asks again and again: it takes no place from others.
  if (taken.length > 0) {
    if (!(await isGoodSecret(trx, body.secret, now))) throw new Problem('secret-refused');
    const byId = taken.some((row) => row.id === id);
    await audit(trx, {
      at: now,
      actor: 'device',
      action: byId ? 'enrol.id-taken' : 'enrol.key-taken',
      alarm: true,
      device: taken[0]?.id ?? null,
    });
    if (byId) await markClone(trx, id);
    return new Problem(byId ? 'id-taken' : 'key-taken');
  }
  const used = await takeEnrolSecret(trx, body.secret, now);
  if (!used) throw new Problem('secret-refused');
  const state = used.approval ? 'pending' : 'active';
  const serial = body.serial === undefined || NO_SERIAL.test(body.serial.trim()) ? null : clean(body.serial);
  const user = clean(body.user);
  const made = await addDevice(trx, {
    id,
    key_x: body.key.x,
    state,
    person: body.person === undefined ? null : clean(body.person),
    serial,
    hostname: clean(body.hostname),
    os_user: user,
    platform: body.platform,
    enrolled_at: now,
    enrol_secret: used.id,
  });
  // The same enrolment came twice at once; the other one is as good.
  if (!made) throw new Problem('too-busy', { retryAfter: 1 });
  const replaced = serial === null ? [] : await replaceOthers(trx, id, serial, user);
  await audit(trx, {
    at: now,
    actor: 'device',
    action: replaced.length === 0 ? 'device.enrolled' : 'device.re-enrolled',
    device: id,
    detail: { state, secret: used.id, ...(replaced.length === 0 ? {} : { replaces: replaced }) },
  });
  return { state, made: true };
}
