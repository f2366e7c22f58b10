//! On real background noise and attacks the compiled matcher says what the plain evaluator says.

use detect::{RuleSet, Scratch};

use crate::{data, recordings};

#[test]
fn the_compiled_matcher_agrees_with_the_plain_evaluator_on_recordings() {
    let Some(folders) = data::live_rules() else { return };
    let Some(folder) = data::folder("security-datasets/compound") else { return };
    let (rules, _, _): (RuleSet, _, _) = data::compile(&folders);
    let events = recordings::events(&folder, 30_000);
    let mut scratch = Scratch::default();
    let (mut compared, mut fired) = (0, 0);
    for event in events.iter().step_by(100) {
        let mut fast = rules.matching_ids(event, &mut scratch);
        let mut plain = rules.evaluate_plainly(event);
        fast.sort_unstable();
        plain.sort_unstable();
        assert_eq!(fast, plain, "{}", event.raw);
        compared += 1;
        fired += fast.len();
    }
    println!("{compared} of {} events compared, {fired} rules fired", events.len());
    assert!(compared > 100);
}
