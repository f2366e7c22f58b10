// Ways in besides the password, against an installation of its own: passkeys with Chromium's virtual
// authenticator, and single sign-on with a real OpenID Connect provider (oidc-provider) on loopback.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Provider from 'oidc-provider';
import { PATIENCE, startChromium } from './chromium.mjs';

const PASSWORD = 'tre xanh ben lang';
const folder = mkdtempSync(join(tmpdir(), 'luytre-sign-on-'));
const config = join(folder, 'luytre.toml');
let luytre, provider, browser, page, base;

const given = new Set();

/** A port that nobody has now, and that the system gives to nobody by itself. */
const freePort = () => new Promise((done) => {
  const port = 10_000 + Math.floor(Math.random() * 22_000);
  const probe = createServer();
  probe.once('error', () => done(freePort()));
  probe.listen(port, '127.0.0.1', () => probe.close(() => done(given.has(port) ? freePort() : (given.add(port), port))));
});

/** Starts a provider at which anyone signs in as whom they say: it is the judge of the protocol, not of people. */
function startProvider(port, back) {
  const made = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{ client_id: 'luytre', client_secret: 'bi-mat-cua-kiem-thu', redirect_uris: [back], response_types: ['code'], grant_types: ['authorization_code'] }],
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email', 'email_verified'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: `so-${id}`, preferred_username: id, email: `${id}@tinh.example`, email_verified: true }) }),
    cookies: { keys: ['kiem-thu'] },
  });
  return new Promise((done) => { const server = made.listen(port, '127.0.0.1', () => done(server)); });
}

before(async () => {
  const [web, http, issuer] = [await freePort(), await freePort(), await freePort()];
  base = `http://localhost:${web}`;
  provider = await startProvider(issuer, `${base}/sign-in/oidc/return`);
  writeFileSync(config, `
[site]
province = "Tỉnh Thử"
data_folder = "${folder}/data"
[web]
listen = "127.0.0.1:${web}"
address = "${base}"
[oidc]
issuer = "http://127.0.0.1:${issuer}"
client_id = "luytre"
client_secret = "bi-mat-cua-kiem-thu"
name = "Cổng cán bộ"
[outbound]
allow = ["http://127.0.0.1:${issuer}"]
private = ["127.0.0.0/8"]
[intake]
syslog = []
[intake.http]
listen = "127.0.0.1:${http}"
`);
  const run = (...words) => {
    const done = spawnSync(process.env.LUYTRE_BINARY, ['--config', config, ...words], { input: `${PASSWORD}\n`, encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
  };
  run('user', 'add', '--login', 'lan', '--name', 'Lan', '--role', 'leader', '--password-stdin');
  run('user', 'add', '--login', 'minh', '--name', 'Minh', '--role', 'leader', '--password-stdin');
  luytre = spawn(process.env.LUYTRE_BINARY, ['--config', config, 'serve'], { stdio: 'ignore' });
  for (const late = Date.now() + PATIENCE; ;) {
    const up = await fetch(`http://127.0.0.1:${web}/healthz`).then((answer) => answer.ok, () => false);
    if (up) break;
    assert.ok(Date.now() < late, 'luytre did not start');
    await new Promise((done) => setTimeout(done, 100));
  }
  browser = await startChromium();
});
after(async () => {
  await browser?.close();
  luytre?.kill('SIGKILL');
  provider?.closeAllConnections();
  provider?.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
});

/** A fresh visitor; with `key`, their computer knows passkeys. */
async function visitor(key) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const made = await context.newPage();
  made.setDefaultTimeout(PATIENCE);
  if (key) {
    const devtools = await context.newCDPSession(made);
    await devtools.send('WebAuthn.enable');
    await devtools.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  }
  return made;
}

async function signIn(login) {
  await page.goto(`${base}/sign-in`);
  await page.fill('#login', login);
  await page.fill('#password', PASSWORD);
  await Promise.all([page.waitForNavigation(), page.press('#password', 'Enter')]);
}

test('a role of the province waits for a second factor, and a passkey is one', async () => {
  page = await visitor(true);
  await signIn('lan');
  await page.goto(`${base}/systems`);
  assert.match(page.url(), /\/account\/second-factor$/);
  await page.goto(`${base}/account`);
  await page.fill('form[data-passkey=make] [name=name]', 'Máy của Lan');
  await Promise.all([page.waitForNavigation(), page.click('form[data-passkey=make] button')]);
  assert.match(await page.locator('main').innerText(), /Máy của Lan/);
  await page.goto(`${base}/systems`);
  assert.match(page.url(), /\/systems$/);
});

test('the passkey alone signs in again', async () => {
  await page.context().clearCookies();
  await page.goto(`${base}/sign-in?next=/systems`);
  await Promise.all([page.waitForURL(/\/systems$/), page.click('form[data-passkey=use] button')]);
  assert.match(await page.locator('.menu-name').innerText(), /Lan/);
});

test('a computer without the passkey is told so in its language, and the password alone reaches nothing', async () => {
  page = await visitor(true);
  await page.goto(`${base}/sign-in`);
  await page.click('form[data-passkey=use] button');
  await page.locator('[data-said]:not([hidden])').waitFor();
  assert.match(await page.locator('[data-said]').innerText(), /Thiết bị chưa xác nhận/);
  await signIn('lan');
  await page.goto(`${base}/account/second-factor`);
  await Promise.all([page.waitForNavigation(), page.click('form[action$="/begin"] button')]);
  assert.match(await page.locator('main').innerText(), /đã có lớp xác thực thứ hai/);
});

/** Signs in at the provider's own page as someone. */
async function vouchedFor(login) {
  page = await visitor(false);
  await page.goto(`${base}/sign-in?next=/account`);
  await Promise.all([page.waitForURL(/\/interaction\//), page.click('a[href^="/sign-in/oidc"]')]);
  await page.fill('[name=login]', login);
  await page.fill('[name=password]', 'x');
  await Promise.all([page.waitForNavigation(), page.click('button[type=submit]')]);
  if (/\/interaction\//.test(page.url())) await Promise.all([page.waitForURL(/localhost/), page.click('button[type=submit]')]);
}

test('single sign-on lets in whom the provider vouches for, again and again', async () => {
  for (let time = 0; time < 2; time += 1) {
    await vouchedFor('minh');
    assert.match(page.url(), /\/account$/, await page.locator('body').innerText());
    assert.match(await page.locator('main').innerText(), /Minh/);
  }
});

test('single sign-on makes no accounts', async () => {
  await vouchedFor('nguoila');
  assert.match(await page.locator('[role=alert]').first().innerText(), /chưa có tài khoản nào ở đây khớp/);
});
