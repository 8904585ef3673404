/** For which addresses main lends its network, and for which it doesn't. */
import { expect, it } from 'vitest';
import { isCollectors } from '../../electron/main/collector-address.ts';

it('lends the network for the collector’s own two addresses and for no other', () => {
  const collector = 'https://collector.acme.example/muster';
  for (const path of ['/v1/check-in', '/v1/enroll']) {
    expect(isCollectors(collector + path, collector)).toBe(true);
    for (const local of ['http://127.0.0.1:8787', 'http://localhost:1', 'http://[::1]:1'])
      expect(isCollectors(local + path, local)).toBe(true);
  }
  const others = [
    '',
    'no address',
    collector,
    `${collector}/v1/check-in?x`,
    `${collector}/v1/check-in/`,
    `${collector}/v1/check-in/../../api/v1/devices`,
    'https://collector.acme.example.evil.example/muster/v1/check-in',
    'https://collector.acme.example@evil.example/muster/v1/check-in',
    'http://collector.acme.example/muster/v1/check-in',
    'file:///muster/v1/check-in',
  ];
  expect(others.filter((url) => isCollectors(url, collector))).toEqual([]);
  expect(isCollectors(`${collector}/v1/check-in`, null)).toBe(false);
  for (const wrong of ['http://collector.acme.example', 'file://', 'https://ada:secret@collector.acme.example']) {
    expect(isCollectors(`${wrong}/v1/check-in`, wrong)).toBe(false);
  }
});
