import {b,who,shot,send,PHONE,BASE} from './w.mjs';
const xa=await who('cbxa2',PHONE);
await shot(xa,'01-xa-home');
await xa.goto(BASE+'/report'); await shot(xa,'02-xa-report');
console.log(await xa.$$eval('#report-form [name]',e=>e.map(x=>x.name+':'+x.type+':'+(x.required?'r':''))));
console.log((await xa.locator('main').innerText()).slice(0,1500));
await b.close();
