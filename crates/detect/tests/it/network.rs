//! Firewalls, proxies, DNS and web servers say the same in many ways: rules of these categories must reach each.
//! The records are the samples of the sources, as `auto` reads them.

use std::sync::Arc;

use detect::{RuleFile, RuleSet, Scratch, Screen, Verdict};

use crate::decoded;

/// The shapes of SigmaHQ's rules: what was let through, by the two words that they ask for.
const RULES: &str = "title: Let through\nid: firewall\nlogsource: { category: firewall }\ndetection:\n  port:\n    \
                     dst_port: [21, 23]\n  let1:\n    action: [forward, accept]\n  let2:\n    blocked: 'false'\n  \
                     condition: port and 1 of let*\n\
                     ---\ntitle: Asked\nid: dns\nlogsource: { category: dns }\ndetection:\n  s:\n    query|startswith: \
                     [www., c2.]\n  condition: s\n\
                     ---\ntitle: Fetched\nid: proxy\nlogsource: { category: proxy }\ndetection:\n  s:\n    \
                     c-uri|contains: tai-ve.example/tep.exe\n  condition: s\n\
                     ---\ntitle: Requested\nid: web\nlogsource: { category: webserver }\ndetection:\n  s:\n    \
                     cs-method: GET\n    cs-uri-query|contains: UNION\n    cs-user-agent|startswith: sqlmap\n  \
                     condition: s\n";

/// A source, the rule, and the lines of its sample on which it must fire.
const FIRES: &[(&str, &str, &[usize])] = &[
    ("mikrotik_routeros", "firewall", &[2]),
    ("sophos_firewall", "firewall", &[1]),
    ("sophos_firewall", "proxy", &[3]),
    ("paloalto_panos", "firewall", &[1]),
    ("paloalto_panos", "proxy", &[3]),
    ("checkpoint_firewall", "firewall", &[1]),
    ("checkpoint_firewall", "proxy", &[3]),
    ("juniper_srx", "firewall", &[1, 5, 6]),
    ("microsoft_firewall", "firewall", &[1]),
    ("microsoft_firewall_w3c", "firewall", &[1]),
    ("cisco_ios", "firewall", &[7]),
    ("amazon_vpcflow", "firewall", &[1]),
    ("generic_cef", "firewall", &[8, 10]),
    ("generic_cef", "proxy", &[9, 12]),
    ("generic_leef", "firewall", &[6]),
    ("generic_leef", "proxy", &[8]),
    ("generic_access_log", "proxy", &[10]),
    ("microsoft_dns", "dns", &[1, 8]),
    ("powerdns_powerdns", "dns", &[1, 2]),
    ("adguard_home", "dns", &[1, 3]),
    ("amazon_route53", "dns", &[1, 2]),
    ("nginx_json", "web", &[1]),
    ("caddy_caddy", "web", &[1]),
    ("traefik_traefik", "web", &[1]),
    ("amazon_alb", "web", &[1]),
    ("squid_combined", "proxy", &[1]),
    ("zscaler_nss", "proxy", &[1]),
];

#[test]
fn rules_reach_what_each_source_says() {
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: RULES }]);
    assert!(errors.is_empty(), "{errors:?}");
    let rules = Arc::new(rules);
    let mut scratch = Scratch::default();
    let mut screen = Screen::new(Arc::clone(&rules), decoded::Auto);
    for (folder, rule, wanted) in FIRES {
        let files = decode::folders().find(|files| files.folder == *folder).unwrap();
        let mut found = Vec::new();
        for (number, line) in (1..).zip(files.sample.lines()) {
            let Ok(event) = decoded::read("auto", line.as_bytes()) else { continue };
            if rules.matching_ids(&event, &mut scratch).contains(rule) {
                found.push(number);
                assert_eq!(screen.judge(line.as_bytes()), Verdict::Open, "{folder}: {line}");
            }
        }
        assert_eq!(found, *wanted, "{folder}: {rule}");
    }
}
