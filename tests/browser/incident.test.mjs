// A whole incident by three people in three browsers: an officer of a commune on a telephone, the officer on duty
// at the centre, and whoever approves there. By clicks alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, LOGIN, PASSWORD, PATIENCE, startChromium } from './chromium.mjs';

const MARK = `máy một cửa đòi tiền chuộc ${process.pid}`;
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };

let browser;
let commune;
let duty;
let approver;
let room;
let order;
const complaints = [];

async function browserOf(viewport) {
  const context = await browser.newContext({ viewport });
  await context.addCookies([{ name: 'lang', value: 'vi', url: BASE }]);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  return page;
}

async function signedIn(login) {
  const page = await browserOf(DESK);
  await page.goto(`${BASE}/sign-in`);
  await page.fill('input[name=login]', login);
  await page.fill('input[name=password]', PASSWORD);
  await page.press('input[name=password]', 'Enter');
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
  return page;
}

async function send(page, selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.locator(selector).first().click()]);
}

const text = (page) => page.locator('main').innerText();
const notice = (page) => page.locator('.notice').first().innerText();
const fits = async (page) => {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide: ${page.url()}`);
};

before(async () => {
  browser = await startChromium();
  // The three accounts of the demonstration share a password.
  approver = await signedIn(LOGIN);
  duty = await signedIn('trucban');
});
after(async () => {
  await browser.close();
});

test('an officer of a commune is invited and takes the link on a telephone', async () => {
  await approver.goto(`${BASE}/accounts/new`);
  await approver.fill('#name', `Cán bộ xã ${process.pid}`);
  await approver.fill('#login', `xa${process.pid}`);
  await approver.selectOption('#role', 'commune_officer');
  const agency = await approver.$$eval('#agency option', (all) => all.find((one) => one.textContent.includes('xã Chợ Mới')).value);
  await approver.selectOption('#agency', agency);
  await send(approver, 'form[action="/accounts"] button.btn-primary');
  const [link] = (await approver.content()).match(/\/invite\/[\w-]+/);
  commune = await browserOf(PHONE);
  await commune.goto(BASE + link);
  await commune.fill('#password', PASSWORD);
  await commune.fill('#again', PASSWORD);
  await Promise.all([commune.waitForNavigation(), commune.press('#again', 'Enter')]);
});

test('the six questions bring a number, and the incident onto the list of work of the centre', async () => {
  await commune.goto(`${BASE}/report`);
  await commune.fill('[name=what]', MARK);
  await commune.fill('[name=affected]', 'Hồ sơ một cửa');
  await commune.locator('[name=circumstance]').first().check();
  await commune.fill('[name=contact]', 'Lê Văn Xã, 0912 000 111');
  await send(commune, '#report-form button');
  const number = (await commune.locator('body').innerText()).match(/SC-\d{4}-\d{4}/)[0];
  await duty.goto(`${BASE}/my-work`);
  const card = duty.locator('.todo li', { hasText: number });
  assert.match(await card.innerText(), /chưa ai phụ trách[\s\S]*0912 000 111/);
  await Promise.all([duty.waitForNavigation(), card.locator('a.btn').click()]);
  room = duty.url();
  assert.match(await text(duty), /Đơn vị báo[\s\S]*Hồ sơ một cửa/);
  assert.equal(await duty.locator('a[href="tel:0912000111"]').count(), 1);
});

test('the centre leads, calls the officer by name and gives a task; the telephone shows both', async () => {
  // A new account is known to the rooms with the next look at the register, some seconds later.
  const known = duty.locator('#task-assignee option', { hasText: `Cán bộ xã ${process.pid}` });
  const late = Date.now() + PATIENCE;
  while (!(await known.count()) && Date.now() < late) await duty.reload({ waitUntil: 'load' });
  await duty.selectOption('#assignee', 'me');
  await send(duty, 'form[action$="/assign"] button');
  await duty.locator('form[action$="/comments"] textarea').fill(`@Cán bộ xã ${process.pid} chụp giúp màn hình`);
  await send(duty, 'form[action$="/comments"] button');
  await duty.locator('#tasks summary').click();
  await duty.fill('#task-title', `Chụp màn hình ${process.pid}`);
  await duty.selectOption('#task-assignee', { label: `Cán bộ xã ${process.pid}` });
  await send(duty, 'form[action$="/tasks"] button');
  await commune.goto(`${BASE}/my-work`);
  assert.match(await text(commune), new RegExp(`Chụp màn hình ${process.pid}`));
  await commune.goto(room);
  await fits(commune);
  assert.match(await text(commune), /chụp giúp màn hình/);
  assert.equal(await commune.locator('form[action$="/contain"]').count(), 0, 'not theirs to press');
});

test('a photograph becomes evidence, and the task is ticked off', async () => {
  await commune.goto(`${room}/evidence`);
  await commune.locator('input[type=file]').first().setInputFiles({ name: 'man hinh.png', mimeType: 'image/png', buffer: Buffer.alloc(1 << 20, 7) });
  await Promise.all([commune.waitForURL(/\/evidence\/[0-9a-f-]{36}/), commune.locator('main form:has(input[type=file]) button').first().click()]);
  assert.match(await text(commune), /Đã niêm phong/);
  await fits(commune);
  await commune.goto(room);
  await send(commune, 'form[action*="/tasks/"][action$="/done"] button');
  assert.equal(await commune.locator('form[action*="/tasks/"][action$="/done"]').count(), 0);
});

test('an order goes to the commune and is acknowledged on the telephone', async () => {
  await duty.goto(`${BASE}/orders/new?template=isolate&incident=${room.split('/').pop()}`);
  await duty.fill('#title', MARK);
  await duty.fill('#body', 'Cách ly máy, giữ nguyên hiện trạng.');
  await duty.fill('#signer', 'Giám đốc Công an tỉnh');
  await duty.$$eval('fieldset details', (groups) => groups.forEach((group) => { group.open = true; }));
  await duty.locator('label', { hasText: 'xã Chợ Mới' }).locator('input[name=agency]').check();
  await send(duty, 'form[action="/orders"] button.btn-primary:last-of-type');
  assert.match(await notice(duty), /Đã ban hành CD-/);
  order = duty.url();
  await commune.goto(order);
  await fits(commune);
  await send(commune, 'form[action$="/acknowledge"] button');
  assert.match(await notice(commune), /Đã xác nhận/);
  await duty.goto(order);
  assert.match(await text(duty), /Đã xác nhận, đang làm: 1/);
});

test('the report is filled from the answers, approved by another person, and stops its clock', async () => {
  await duty.goto(room);
  await send(duty, 'form[action="/reports"] button');
  assert.match(await duty.inputValue('[name=affected]'), /Hồ sơ một cửa/);
  const report = duty.url();
  await send(duty, 'form[action$="/submit"] button');
  assert.equal(await duty.locator('form[action$="/approve"]').count(), 0, 'nobody approves their own');
  await approver.goto(report);
  await send(approver, 'form[action$="/approve"] button');
  assert.match(await notice(approver), /Đã duyệt, số \d+\/BC/);
  for (const [format, head] of [['docx', 'PK'], ['pdf', '%PDF']]) {
    const file = await approver.request.get(`${report}/file?format=${format}`);
    assert.equal((await file.body()).subarray(0, head.length).toString('latin1'), head);
  }
  await send(approver, 'form[action$="/sent"] button');
  assert.match(await notice(approver), /số nghĩa vụ được đáp ứng: 1/);
  await duty.goto(room);
  assert.match(await text(duty), /Báo đúng hạn Báo ngay/);
});

test('the moment of the attack is moved, with its reason, and the old value is kept', async () => {
  await duty.locator('summary', { hasText: 'Sửa thời điểm' }).click();
  const form = 'form[action$="/moments"]';
  await duty.selectOption(`${form} [name=which]`, 'occurred');
  await duty.fill(`${form} [name=at]`, '2026-01-02T08:00');
  await duty.fill(`${form} [name=source]`, 'Nhật ký máy chủ');
  await duty.fill(`${form} [name=reason]`, 'Tệp đầu tiên bị mã hoá lúc này');
  await send(duty, `${form} button`);
  assert.match(await notice(duty), /giá trị cũ được giữ lại/);
  assert.match(await text(duty), /08:00 02\/01\/2026/);
});

test('it is contained and closed with what it leaves behind', async () => {
  await send(duty, 'form[action$="/contain"] button');
  await duty.goto(`${room}/closing`);
  for (const field of ['cause', 'impact', 'cost', 'lessons', 'follow_up']) {
    await duty.fill(`form[action$="/close"] [name=${field}]`, `Ghi lại cho ${MARK}`);
  }
  await send(duty, 'form[action$="/close"] button');
  await duty.goto(room);
  assert.match(await text(duty), /Đã đóng/);
  await commune.goto(room);
  assert.match(await text(commune), /Đã đóng/);
  assert.deepEqual(complaints, []);
});
