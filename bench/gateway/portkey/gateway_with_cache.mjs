// @portkey-ai/gateway with its cache, for scripts/bench_gateway.
//
//   node gateway_with_cache.mjs FOLDER PORT       FOLDER: where scripts/setup installed it
//
// The package comes from the registry with its cache in memory compiled out ("cache": false when it
// was built): it asks a function `getFromCache` of the context that nobody set. So we set one, as
// cheap as can be: a Map, by a SHA-256 of path and body, filled with the answers that went out.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, port] = process.argv.slice(2);
const program = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
// The very copy of the router that the program imports.
const router = join(folder, 'node_modules/hono/dist/router/smart-router/router.js');
const { SmartRouter } = await import(pathToFileURL(router));

const answers = new Map();
const keyOf = (body, path) =>
  createHash('sha256').update(path).update('\n').update(JSON.stringify(body)).digest('hex');

async function getFromCache(_env, _headers, body, path) {
  const key = keyOf(body, path);
  const found = answers.get(key);
  return found === undefined ? [null, 'MISS', key] : [found, 'HIT', key];
}

async function cacheInMemory(context, next) {
  context.set('getFromCache', getFromCache);
  await next();
  if (context.res.status !== 200) return;
  const log = (context.get('requestOptions') ?? [])[0];
  if (log?.cacheStatus === 'MISS') answers.set(log.cacheKey, await context.res.clone().text());
}

// Before the program's own middlewares.
const add = SmartRouter.prototype.add;
const begun = new WeakSet();
SmartRouter.prototype.add = function (method, path, handler) {
  if (!begun.has(this)) {
    begun.add(this);
    const route = { basePath: '/', path: '/*', method: 'ALL', handler: cacheInMemory };
    add.call(this, 'ALL', '/*', [cacheInMemory, route]);
  }
  return add.call(this, method, path, handler);
};

process.argv.splice(2, process.argv.length, `--port=${port}`, '--headless');
await import(pathToFileURL(program));
