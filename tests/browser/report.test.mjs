// A commune's officer reports by six questions on a telephone whose network goes and comes back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, PATIENCE, signIn, startChromium } from './chromium.mjs';

const MARK = `trang chủ bị thay ${process.pid}`;
/** What a public or commune page may weigh on its first load. */
const BYTES_MAX = 200_000;

let browser;
let context;
let page;
before(async () => {
  browser = await startChromium();
  context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  await context.addCookies([{ name: 'lang', value: 'vi', url: BASE }]);
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await signIn(page);
});
after(async () => {
  await browser.close();
});

test('the page is light, and fits the telephone', async () => {
  const wire = await context.newCDPSession(page);
  let bytes = 0;
  wire.on('Network.loadingFinished', (loaded) => { bytes += loaded.encodedDataLength; });
  await wire.send('Network.enable');
  await wire.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.goto(`${BASE}/report`, { waitUntil: 'load' });
  assert.ok(bytes > 0 && bytes < BYTES_MAX, `${bytes} bytes`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
});

test('without a network what was typed is kept, and sent once when it is back', async () => {
  await page.fill('[name=what]', MARK);
  await context.setOffline(true);
  await page.locator('form button').last().click();
  await page.getByText('Chưa có mạng').waitFor();
  assert.equal(await page.inputValue('[name=what]'), MARK);
  await Promise.all([page.waitForURL(/\/report\/[0-9a-f-]{36}$/), context.setOffline(false)]);
  const receipt = await page.locator('main, body').first().innerText();
  assert.match(receipt, /SC-\d{4}-\d{4}/);
  assert.ok(receipt.includes(MARK));
  await page.goto(`${BASE}/report`);
  assert.equal(await page.inputValue('[name=what]'), '', 'sent, and no longer a draft');
  await page.goto(`${BASE}/incidents?q=${encodeURIComponent(MARK)}`);
  assert.equal(await page.locator('tbody [data-row]').count(), 1, 'one incident');
});

test('the form opens, is filled and kept with no network at all, and goes when it is back', async () => {
  const mark = `mất điện phòng máy chủ ${process.pid}`;
  await page.goto(`${BASE}/report`);
  await page.locator('#report-form[data-offline=ready]').waitFor();
  await page.goto('about:blank');
  await context.setOffline(true);
  await page.goto(`${BASE}/report`);
  await page.fill('[name=what]', mark);
  const key = await page.inputValue('[name=key]');
  // The tab is closed and opened again: still there, drawn with its own styles.
  await page.goto('about:blank');
  await page.goto(`${BASE}/report`);
  assert.equal(await page.inputValue('[name=what]'), mark);
  assert.equal(await page.inputValue('[name=key]'), key, 'the same report');
  const styled = await page.evaluate(() => [...document.styleSheets].every((sheet) => sheet.cssRules.length > 0) && document.styleSheets.length >= 2);
  assert.ok(styled, 'the styles are kept too');
  await page.locator('form button').last().click();
  await page.getByText('Chưa có mạng').waitFor();
  await Promise.all([page.waitForURL(/\/report\/[0-9a-f-]{36}$/), context.setOffline(false)]);
  assert.ok((await page.locator('body').innerText()).includes(mark));
  // The kept form is that of another report now.
  await context.setOffline(true);
  await page.goto(`${BASE}/report`);
  assert.notEqual(await page.inputValue('[name=key]'), key);
  assert.equal(await page.inputValue('[name=what]'), '');
  await context.setOffline(false);
});

test('nothing but the form is kept, and signing out takes it away', async () => {
  for (const path of ['/incidents', '/alerts', '/report']) await page.goto(BASE + path);
  const kept = () => page.evaluate(async () => {
    const all = [];
    for (const name of await caches.keys()) for (const one of await (await caches.open(name)).keys()) all.push(new URL(one.url).pathname);
    return all.filter((path) => !path.startsWith('/static/'));
  });
  await page.locator('#report-form[data-offline=ready]').waitFor();
  assert.deepEqual(await kept(), ['/report']);
  await context.setOffline(true);
  await assert.rejects(page.goto(`${BASE}/incidents`), /ERR_INTERNET_DISCONNECTED|ERR_FAILED/);
  await context.setOffline(false);
  const other = await browser.newContext();
  const door = await other.newPage();
  door.setDefaultTimeout(PATIENCE);
  await signIn(door);
  await door.goto(`${BASE}/report`);
  await door.locator('#report-form[data-offline=ready]').waitFor();
  await door.goto(`${BASE}/incidents`);
  await door.locator('summary').first().click();
  await Promise.all([door.waitForURL(/sign-in/), door.locator('form[action="/sign-out"] button').click()]);
  await other.setOffline(true);
  await assert.rejects(door.goto(`${BASE}/report`), /ERR_INTERNET_DISCONNECTED|ERR_FAILED/);
  await other.close();
});

test('a push is shown, and leads to its page', async () => {
  await context.grantPermissions(['notifications'], { origin: BASE });
  await page.goto(`${BASE}/report`);
  await page.locator('#report-form[data-offline=ready]').waitFor();
  const wire = await context.newCDPSession(page);
  const registered = new Promise((found) => {
    wire.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => registrations[0] && found(registrations[0].registrationId));
  });
  await wire.send('ServiceWorker.enable');
  const data = JSON.stringify({ title: 'Cao · Cảnh báo mới CB-2026-00001', body: 'Hệ thống cấp độ 3', path: '/notices', tag: 'x1' });
  await wire.send('ServiceWorker.deliverPushMessage', { origin: BASE, registrationId: await registered, data });
  const shown = await page.waitForFunction(async () => {
    const all = await (await navigator.serviceWorker.ready).getNotifications();
    return all.length && all.map((one) => [one.title, one.body, one.tag, one.data.path]);
  });
  assert.deepEqual(await shown.jsonValue(), [['Cao · Cảnh báo mới CB-2026-00001', 'Hệ thống cấp độ 3', 'x1', '/notices']]);
});
