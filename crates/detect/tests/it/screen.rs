//! The screen against the whole way, over all recordings: whatever it calls silent must fire nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use detect::{IndicatorLoader, IndicatorWatch, RuleFile, RuleSet, Scratch, Screen, Verdict};
use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::data;
use crate::decoded::{self, Auto};
use crate::recordings;

#[test]
fn what_the_screen_calls_silent_fires_no_rule() {
    let Some(sigma) = data::folder("sigma") else { return };
    let Some(folder) = data::folder("security-datasets") else { return };
    let texts = data::windows_texts(&sigma);
    let files: Vec<RuleFile<'_>> =
        texts.iter().map(|(path, text)| RuleFile { path, text }).collect();
    let rules = Arc::new(RuleSet::compile(&files).0);
    let mut screen = Screen::new(Arc::clone(&rules), Auto);
    let mut scratch = Scratch::default();
    let (mut records, mut open, mut firing) = (0_usize, 0_usize, 0_usize);
    let mut open_by_kind: BTreeMap<String, usize> = BTreeMap::new();
    let mut check = |line: &[u8]| {
        records += 1;
        let verdict = screen.judge(line);
        let Ok(event) = decoded::read("auto", line) else {
            assert_eq!(verdict, Verdict::Open);
            return;
        };
        if verdict == Verdict::Silent {
            // A rule for what it really is might have fired.
            let source = screen.logsource();
            assert_eq!(source, Some(&event.logsource), "{}", event.raw);
        }
        let (mut whole, mut among) = (Vec::new(), Vec::new());
        rules.judge(&event, &mut scratch, &mut whole);
        rules.judge_among(&event, screen.candidates(), &mut scratch, &mut among);
        assert_eq!(among, whole, "what the candidates find is what all rules find");
        let fires = rules.matching_ids(&event, &mut scratch);
        if verdict == Verdict::Open {
            open += 1;
            let id = event.fields.get("EventID").map(|id| id.text().into_owned());
            *open_by_kind
                .entry(format!("{:?} {id:?} {}", event.logsource.service, !fires.is_empty()))
                .or_default() += 1;
        }
        if !fires.is_empty() {
            firing += 1;
            assert_eq!(verdict, Verdict::Open, "{fires:?} {}", event.raw);
        }
    };
    recordings::each_line(&folder, 4_000, &mut check);
    for path in data::folder("zeek").iter().flat_map(|folder| data::files(folder, ".gz")) {
        let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).split(b'\n');
        lines.map(Result::unwrap).take(4_000).for_each(|line| check(&line));
    }
    println!("{records} records, {open} left open, {firing} fire; {open_by_kind:#?}");
    assert!(firing > 100, "only {firing} records fire at all");
    assert!(open < records / 2, "{open} of {records} left open: the screen spares nothing");
}

/// A risk of Entra ID and an alert of its Privileged Identity Management differ by one value, which Log
/// Analytics spells `RiskEventType`: the source asks for it by another name.
#[test]
fn an_alias_decides_what_a_record_is_as_the_field_itself_does() {
    let text = "title: t\nid: r\nlogsource: { product: azure, service: pim }\ndetection:\n  s:\n    \
                riskEventType: staleSignInAlertIncident\n  condition: s\n";
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text }]);
    assert!(errors.is_empty(), "{errors:?}");
    let mut screen = Screen::new(Arc::new(rules), Auto);
    for (kind, verdict) in
        [("anonymizedIPAddress", Verdict::Silent), ("staleSignInAlertIncident", Verdict::Open)]
    {
        let record = format!(
            r#"{{"TimeGenerated":"2026-11-23T09:20:01Z","Type":"AADUserRiskEvents","RiskEventType":"{kind}","RiskLevel":"high"}}"#
        );
        let event = decoded::event(&record);
        let service = if verdict == Verdict::Open { "pim" } else { "riskdetection" };
        assert_eq!(event.logsource.service.as_deref(), Some(service), "{kind}");
        assert_eq!(screen.judge(record.as_bytes()), verdict, "{kind}");
    }
}

/// Whether an account is named decides how a record is read: one without a name says nothing of the next.
#[test]
fn an_empty_name_hides_no_later_one() {
    let text = "title: t\nid: r\nlogsource: { product: windows, service: security }\ndetection:\n  s:\n    \
                TargetUserName: evil\n    Message|contains: told\n  condition: s\n";
    let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text }]);
    assert!(errors.is_empty(), "{errors:?}");
    let mut screen = Screen::new(Arc::new(rules), Auto);
    for (name, message, verdict) in [
        ("", "", Verdict::Silent),
        ("evil", "", Verdict::Silent),
        ("", "told", Verdict::Silent),
        ("evil", "it was told", Verdict::Open),
    ] {
        let record = format!(
            r#"{{"EventID":4624,"Channel":"Security","TargetUserName":"{name}","Message":"{message}"}}"#
        );
        assert_eq!(screen.judge(record.as_bytes()), verdict, "{record}");
    }
}

#[test]
fn what_the_screen_calls_silent_holds_no_indicator() {
    let Some(folder) = data::folder("security-datasets") else { return };
    let mut records = recordings::records(&folder, 1_500, true);
    for path in data::folder("zeek").iter().flat_map(|folder| data::files(folder, ".gz")) {
        let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).split(b'\n');
        records.extend(lines.map(Result::unwrap).take(1_000));
    }
    // Of what the recordings hold, some of each attribute is looked for.
    let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in &records {
        let Ok(event) = decoded::read("auto", line) else { continue };
        for (attr, value) in event.attrs.iter() {
            for member in value.members() {
                values.entry(attr.alias()).or_default().insert(member.text().into_owned());
            }
        }
    }
    let some = values.values().flat_map(|own| own.iter().step_by(own.len() / 7 + 1));
    let text: Vec<&str> = some.map(String::as_str).collect();
    let mut loader = IndicatorLoader::new(Arc::default(), 1);
    loader.read("list.txt", text.join("\n").as_bytes());
    let indicators = Arc::new(loader.finish().0);
    let mut watch = IndicatorWatch::new(Arc::clone(&indicators));
    let mut screen =
        Screen::new(Arc::new(RuleSet::default()), Auto).with_indicators(Arc::clone(&indicators));
    let (mut open, mut holding, mut found) = (0_usize, 0_usize, Vec::new());
    for line in &records {
        let is_open = screen.judge(line) == Verdict::Open;
        open += usize::from(is_open);
        let Ok(event) = decoded::read("auto", line) else { continue };
        watch.observe(&event, &mut found);
        holding += usize::from(!found.is_empty());
        assert!(found.is_empty() || is_open, "{found:?} {}", event.raw);
        found.clear();
    }
    println!(
        "{} records, {} indicators, {open} open, {holding} hold one",
        records.len(),
        indicators.len()
    );
    assert!(indicators.len() > 10 && holding > 100, "{} {holding}", indicators.len());
    assert!(open < records.len() / 2, "{open} of {}", records.len());
}

/// What says the kind of a record.
const HEADS: [&str; 4] = [
    r#""EventID":4688,"Channel":"Security""#,
    r#""EventID":13,"Channel":"Microsoft-Windows-Sysmon/Operational""#,
    r#""@timestamp":"2026-11-23T09:20:01Z","ecs.version":"8","event.category":"process","event.type":"start","host.os.type":"windows""#,
    r#""Type":"AADUserRiskEvents","TimeGenerated":"2026-11-23T09:20:01Z""#,
];

/// Names whose values decide how a record is read, become other fields, or neither.
const NAMES: [&str; 15] = [
    "NewProcessName",
    "SubjectUserName",
    "SubjectDomainName",
    "TargetUserName",
    "Message",
    "EventType",
    "MandatoryLabel",
    "TargetObject",
    "RiskEventType",
    "OperationName",
    "event.code",
    "event.provider",
    "source.ip",
    "process.executable",
    "A",
];

const SELECTIONS: [&str; 15] = [
    "{ Image|contains: evil }",
    "{ User|endswith: evil }",
    "{ SubjectUserName: evil }",
    "{ SubjectUserName: '', A|exists: false }",
    "{ TargetUserName|contains: evil }",
    "{ Message|contains: evil }",
    "{ EventType: SetValue }",
    "{ IntegrityLevel: High }",
    "{ EventID: 4688 }",
    "{ Provider_Name: evil }",
    "{ riskEventType: staleSignInAlertIncident }",
    "{ SourceIp: 10.0.0.1 }",
    "{ TargetObject: null, A: x }",
    "{ A|contains: '1', Message|neq: told }",
    "['evil']",
];

fn value() -> impl Strategy<Value = Json> {
    let texts =
        ["", "-", "evil", r"x\evil", "x", "S-1-16-12288", "EventType: SetValue", "<Event x"];
    let more = ["told", "10.0.0.1", "staleSignInAlertIncident", "4688", "40001", "İ1", "evil\n"];
    prop_oneof![
        6 => proptest::sample::select([&texts[..], &more[..]].concat()).prop_map(Json::from),
        1 => Just(json!(null)),
        1 => Just(json!(40001)),
        1 => Just(json!(true)),
        1 => Just(json!(["x", "evil"])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_came_before_what_is_called_silent_fires_nothing(
        records in proptest::collection::vec(
            (
                proptest::sample::select(HEADS.to_vec()),
                proptest::collection::btree_map(proptest::sample::select(NAMES.to_vec()), value(), 1..4),
            ),
            8..48,
        ),
    ) {
        let rule = |(number, selection): (usize, &&str)| format!(
            "title: t\nid: r{number}\nlogsource: {{ product: x }}\ndetection:\n  s: {selection}\n  condition: s"
        );
        let text = SELECTIONS.iter().enumerate().map(rule).collect::<Vec<_>>().join("\n---\n");
        let (rules, errors) = RuleSet::compile(&[RuleFile { path: "r", text: &text }]);
        prop_assert!(errors.is_empty(), "{errors:?}");
        let rules = Arc::new(rules.of_any_source());
        let mut screen = Screen::new(Arc::clone(&rules), Auto);
        for (head, fields) in records {
            let written = |(name, value): (&&str, &Json)| format!(",\"{name}\":{value}");
            let fields = fields.iter().map(written).collect::<Vec<_>>().concat();
            let record = format!("{{{head}{fields}}}");
            let event = decoded::event(&record);
            let verdict = screen.judge(record.as_bytes());
            let fires = rules.evaluate_plainly(&event);
            prop_assert!(verdict == Verdict::Open || fires.is_empty(), "{fires:?} {record}");
            if verdict == Verdict::Silent {
                prop_assert_eq!(screen.logsource(), Some(&event.logsource), "{}", record);
            }
        }
    }
}
