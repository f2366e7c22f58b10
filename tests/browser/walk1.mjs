import { startChromium } from './chromium.mjs';
const BASE='http://127.0.0.1:18080', PW=process.env.LUYTRE_PASSWORD;
const b=await startChromium();
async function who(login,size){const c=await b.newContext({viewport:size});await c.addCookies([{name:'lang',value:'vi',url:BASE}]);const p=await c.newPage();p.setDefaultTimeout(8000);
 await p.goto(`${BASE}/sign-in`);await p.fill('input[name=login]',login);await p.fill('input[name=password]',PW);await p.press('input[name=password]','Enter');await p.waitForURL(u=>!u.pathname.startsWith('/sign-in'));return p;}
const admin=await who('quantri',{width:1440,height:900});
await admin.goto(`${BASE}/accounts/new`);
console.log(await admin.locator('#role').innerText());
const ags=await admin.$$eval('#agency option',o=>o.map(x=>x.value+' '+x.textContent)); console.log(ags.slice(0,60).join('\n'));
await admin.goto(`${BASE}/alerts?state=new`); console.log((await admin.locator('tbody').innerText()).slice(0,1500));
async function invite(login,name,role,agency){
 await admin.goto(`${BASE}/accounts/new`);
 await admin.fill('#name',name);await admin.fill('#login',login);await admin.selectOption('#role',role);
 const v=await admin.$$eval('#agency option',(o,a)=>o.find(x=>x.textContent.includes(a))?.value,agency);
 await admin.selectOption('#agency',v);
 await Promise.all([admin.waitForNavigation(),admin.click('form[action="/accounts"] button.btn-primary')]);
 const t=await admin.content(); const m=t.match(/https?:\/\/[^"< ]*\/(invite|join)[^"< ]*/)||t.match(/\/(invite|join)\/[^"< ]*/);
 if(!m){console.log((await admin.locator('main').innerText()).slice(0,800));return;}
 const c=await b.newContext();const p=await c.newPage();await p.goto(m[0].startsWith('http')?m[0].replace(/^https?:\/\/[^/]+/,BASE):BASE+m[0]);
 await p.fill('#password',PW);await p.fill('#again',PW);await Promise.all([p.waitForNavigation(),p.press('#again','Enter')]);console.log(login,p.url(),(await p.locator('body').innerText()).slice(0,600));await p.screenshot({path:'/tmp/walk/00-invite.png'});await c.close();
}

await invite('cbvp2','Trần Thị Văn','agency_officer','Văn phòng Ủy ban');
await invite('cbxa2','Lê Văn Xã','commune_officer','xã');
await b.close();
