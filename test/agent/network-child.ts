/** A process that asks each address once, by its own environment's proxies and certificates, and prints what came of it: `node network-child.ts URL…`. */
import { directPost } from '../../agent/sync/direct-post.ts';
import { Unreachable } from '../../agent/sync/post.ts';

const post = directPost(process.env);
const never = new AbortController().signal;
for (const url of process.argv.slice(2)) {
  const answered = await post({ url, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}') }, never).then(
    ({ status }) => status,
    (error) => (error instanceof Unreachable ? error.reason : String(error)),
  );
  console.log(JSON.stringify(answered));
}
