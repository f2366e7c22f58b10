import { startChromium } from './chromium.mjs';
export const BASE='http://127.0.0.1:18080', PW=process.env.LUYTRE_PASSWORD;
export const b=await startChromium();
const WIDE={width:1440,height:900}, PHONE={width:390,height:844};
export async function who(login,size=WIDE){const c=await b.newContext({viewport:size,acceptDownloads:true});await c.addCookies([{name:'lang',value:'vi',url:BASE}]);const p=await c.newPage();p.setDefaultTimeout(8000);
 p.on('console',l=>l.type()==='error'&&console.log(login,'CONSOLE',l.text()));
 await p.goto(`${BASE}/sign-in`);await p.fill('input[name=login]',login);await p.fill('input[name=password]',PW);await p.press('input[name=password]','Enter');await p.waitForURL(u=>!u.pathname.startsWith('/sign-in'));return p;}
export {WIDE,PHONE};
export const shot=async(p,n)=>{await p.screenshot({path:`/tmp/walk/${n}.png`,fullPage:true});const w=await p.evaluate(()=>document.documentElement.scrollWidth-innerWidth);console.log(n,p.url().replace(BASE,''),w>0?`TOO WIDE ${w}`:'');};
export const send=async(p,s)=>{await Promise.all([p.waitForNavigation({waitUntil:'load'}),p.locator(s).first().click()]);const n=p.locator('.notice,.alert-danger,.field-error');for(const t of await n.allInnerTexts())console.log('  ->',t.slice(0,200));};
