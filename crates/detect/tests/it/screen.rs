//! The screen against the whole way, over all recordings: whatever it calls silent must fire nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use detect::{Scratch, Screen, Verdict};
use flate2::read::GzDecoder;

use crate::data;
use crate::decoded::{self, Auto};
use crate::recordings;

#[test]
fn what_the_screen_calls_silent_fires_no_rule() {
    let Some(sigma) = data::folder("sigma") else { return };
    let Some(folder) = data::folder("security-datasets") else { return };
    let (rules, _, _) = data::compile(&data::windows_rules(&sigma));
    let rules = Arc::new(rules);
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
