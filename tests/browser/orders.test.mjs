// An order, from the form at the centre to the proof from a telephone and back: by clicks alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, PATIENCE, signIn, startChromium } from './chromium.mjs';

const MARK = `vá lỗ hổng ${process.pid}`;
const PHONE = { width: 390, height: 844 };

let browser;
let page;
let order;
before(async () => {
  browser = await startChromium();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.addCookies([{ name: 'lang', value: 'vi', url: BASE }]);
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await signIn(page);
});
after(async () => {
  await browser.close();
});

async function send(selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.locator(selector).first().click()]);
}

const text = () => page.locator('main').innerText();
const notice = () => page.locator('.notice').innerText();

test('an order begun from a template is kept when it is wrong, and goes out when it is right', async () => {
  await page.goto(`${BASE}/orders/new?template=patch`);
  await page.fill('#title', MARK);
  await page.fill('#signer', 'Giám đốc Công an tỉnh');
  await send('form[action="/orders"] button.btn-primary:last-of-type');
  assert.match(await text(), /Chọn ít nhất một đơn vị/);
  assert.equal(await page.inputValue('#title'), MARK, 'what was typed is kept');
  await page.locator('summary').first().click();
  await page.locator('input[name=agency]:visible').nth(0).check();
  await page.locator('input[name=agency]:visible').nth(1).check();
  await send('form[action="/orders"] button.btn-primary:last-of-type');
  assert.match(await text(), /Còn chỗ trống của mẫu chưa điền/);
  await page.fill('#body', (await page.inputValue('#body')).replace(/\[[^\]]*\]/g, 'Máy chủ thư 2.1'));
  await send('form[action="/orders"] button.btn-primary:last-of-type');
  assert.match(await notice(), /Đã ban hành CD-\d{4}-\d{4}/);
  assert.match(await text(), /Đơn vị nhận: 2/);
  order = page.url();
});

test('on a telephone it is acknowledged, proven and reported done', async () => {
  await page.setViewportSize(PHONE);
  await page.goto(order);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  await send('form[action$="/acknowledge"] button');
  assert.match(await notice(), /Đã xác nhận/);
  const part = page.locator('article', { has: page.locator('.quiet', { hasText: 'đang làm' }) }).first();
  await part.locator('textarea').fill('Đã vá ba máy chủ');
  const bare = await page.evaluate(() => document.querySelectorAll('form[enctype] input[type=file]').length);
  assert.ok(bare > 0);
  await part.locator('input[type=file]').setInputFiles({ name: 'anh chup.png', mimeType: 'image/png', buffer: Buffer.alloc(2 << 20, 7) });
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), part.locator('form[enctype] button').click()]);
  assert.match(await notice(), /Đã nhận minh chứng/);
  const again = page.locator('article', { hasText: 'anh chup.png' });
  await again.locator('textarea').fill('Đã vá ba máy chủ');
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), again.locator('form[action$="/done"] button').click()]);
  assert.match(await notice(), /Đã báo hoàn thành/);
});

test('the centre takes the proof, accepts it, reminds the other and closes', async () => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(order);
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('a[href*="/proof/"]')]);
  assert.equal(await file.failure(), null);
  assert.match(file.suggestedFilename(), /^minh-chung-.*\.png$/);
  await send('form[action$="/accept"] button');
  assert.match(await notice(), /Đã nghiệm thu/);
  await send('form[action$="/remind"] button');
  assert.match(await notice(), /Đã đôn đốc 1 đơn vị/);
  await page.fill('#summary', `Tổng kết ${MARK}`);
  await send('form[action$="/close"] button');
  assert.match(await text(), new RegExp(`Tổng kết ${MARK}`));
  assert.equal(await page.locator('form[action$="/acknowledge"]').count(), 0, 'closed');
  await page.goto(`${BASE}/orders/record`);
  assert.ok((await page.locator('[data-row]').count()) >= 2);
});
