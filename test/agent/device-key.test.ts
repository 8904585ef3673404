/** The key that speaks for this installation: made once, for its owner alone, and never to be mistaken for another. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CompactSign, calculateJwkThumbprint, compactVerify, importJWK } from 'jose';
import { expect, it } from 'vitest';
import { deviceKey, deviceKeyFile, readDeviceKey } from '../../agent/device-key.ts';
import { temporary } from './muster.ts';

const scratch = temporary('device-key');
let count = 0;
const folder = () => path.join(scratch, String(count++));

it('is made at the first start, stays, and reading makes none', () => {
  const data = folder();
  expect(readDeviceKey(data)).toBeNull();
  const key = deviceKey(data);
  expect(deviceKey(data).publicJwk).toEqual(key.publicJwk);
  expect(readDeviceKey(data)?.salted('ada')).toBe(key.salted('ada'));
  expect(readdirSync(data)).toEqual(['device-key.json']);
  expect(statSync(deviceKeyFile(data)).mode & 0o777).toBe(0o600);
  expect(deviceKey(folder()).thumbprint).not.toBe(key.thumbprint);
});

it('signs what others can check, by the names that the standards give it', async () => {
  const key = deviceKey(folder());
  expect(key.thumbprint).toBe(await calculateJwkThumbprint(key.publicJwk));
  const jws = await new CompactSign(Buffer.from('proof')).setProtectedHeader({ alg: 'EdDSA' }).sign(key.privateKey);
  const { payload } = await compactVerify(jws, await importJWK(key.publicJwk, 'EdDSA'));
  expect(Buffer.from(payload).toString()).toBe('proof');
  const signature = key.sign('head');
  expect(key.verify('head', signature)).toBe(true);
  expect([key.verify('Head', signature), key.verify('head', ''), deviceKey(folder()).verify('head', signature)]).toEqual([
    false,
    false,
    false,
  ]);
});

it.each([
  ['empty', () => ''],
  ['cut off', (text: string) => text.slice(0, 90)],
  ['of another kind', (text: string) => text.replace('Ed25519', 'X25519')],
  [
    'with halves that don’t belong together',
    (text: string) => JSON.stringify({ ...JSON.parse(text), x: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x }),
  ],
  ['without its salt', (text: string) => text.replace(/,"salt":"[^"]+"/, '')],
] as const)('is set aside and made anew where its file is %s', (_name, damage) => {
  const data = folder();
  const { thumbprint } = deviceKey(data);
  const text = damage(readFileSync(deviceKeyFile(data), 'utf8'));
  writeFileSync(deviceKeyFile(data), text);
  expect(readDeviceKey(data)).toBeNull();
  const made = deviceKey(data);
  expect(made.thumbprint).not.toBe(thumbprint);
  const aside = readdirSync(data).filter((name) => name.startsWith('device-key.json.damaged-'));
  expect(aside.map((name) => readFileSync(path.join(data, name), 'utf8'))).toEqual([text]);
});

it('is not looked for in a folder of that name', () => {
  const data = folder();
  mkdirSync(deviceKeyFile(data), { recursive: true });
  expect(readDeviceKey(data)).toBeNull();
  expect(deviceKey(data).thumbprint).toMatch(/^[\w-]{43}$/);
});
